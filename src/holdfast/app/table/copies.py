"""Rows that are copies of other rows: equal ones, and a block of the file that repeats another with its numbers moved.

Either leaks through a random split: the model has met the test row already. Copies are found here and kept together by
`folds`, so that they teach together or test together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from holdfast.app.table.columns import TableColumn

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
#: A column of fewer different values can agree by chance.
_RICH = 10
#: So many of the pairs must differ by one and the same step, in at least so many rich columns, before it is an echo.
_SAME_STEP = 0.9
_COLUMNS = 3
_TRIED = 5


@dataclass(frozen=True)
class Echo:
    """Rows `lag` apart in the file differ by the same steps: column -> step. `rows`: how many rows repeat an earlier one."""

    lag: int
    rows: int
    steps: dict[str, float]
    later: Codes = field(repr=False)  # positions of the rows that repeat the row `lag` before


@dataclass(frozen=True)
class Kin:
    """Who is a copy of whom: `twin` is equal for rows equal in every column, `group` for rows that are copies in any way.

    `near`: rows that have another equal in all columns but one, the exact twins not counted.
    """

    twin: Codes = field(repr=False)
    group: Codes = field(repr=False)
    near: int
    echo: Echo | None


def kin(columns: Sequence[TableColumn], micros: Codes | None = None) -> Kin:
    """All copies among the rows. With a time, only equal rows of one instant are copies."""
    coded = [one.coded() for one in columns]
    if micros is not None:
        twin = twins([*coded, np.unique(micros, return_inverse=True)[1].astype(np.int64)])
        return Kin(twin, twin, 0, None)
    twin, found = twins(coded), echo(columns)
    links = near_twins(coded, twin)
    near = int(np.isin(twin, np.concatenate([twin[one] for one in links])).sum()) if links else 0
    ends = [(twin[a], twin[b]) for a, b in ([links] if links else [])]
    if found is not None:
        ends.append((twin[found.later], twin[found.later - found.lag]))
    return Kin(twin, together(twin, ends), near, found)


def _hashed(coded: Sequence[Codes]) -> list[NDArray[np.uint64]]:
    """A random number for each value of each column: sums of them are equal for equal rows, and only for those."""
    random = np.random.default_rng(29)
    return [random.integers(0, 2**64, int(one.max(initial=-1)) + 2, np.uint64)[one + 1] for one in coded]


def twins(coded: Sequence[Codes]) -> Codes:
    """The same number for rows that are equal in every column.

    >>> twins([np.array([1, 1, 2]), np.array([5, 5, 5])]).tolist()
    [0, 0, 1]
    """
    whole = np.sum(_hashed(coded), axis=0, dtype=np.uint64)
    _, first, of = np.unique(whole, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))  # numbered by first appearance, whatever the hash
    return np.asarray(rank[of], np.int64)


def near_twins(coded: Sequence[Codes], twin: Codes) -> tuple[Codes, Codes] | None:
    """Pairs of rows that differ in one column only; None where there are none.

    Where chains of such pairs tie more than one row in fifty together the columns are coarse there and equality is
    chance: those pairs are left out.
    """
    hashed = _hashed(coded)
    whole = np.sum(hashed, axis=0, dtype=np.uint64)
    first, second = [], []
    for one in hashed:
        order = np.argsort(whole - one, kind="stable")
        same = (whole - one)[order][1:] == (whole - one)[order][:-1]
        different = twin[order][1:] != twin[order][:-1]
        first.append(order[:-1][same & different])
        second.append(order[1:][same & different])
    a, b = np.concatenate(first), np.concatenate(second)
    if not len(a):
        return None
    tied = together(twin, [(twin[a], twin[b])])
    few = np.bincount(tied)[tied[a]] <= max(_RICH, 0.02 * len(twin))
    return (a[few], b[few]) if few.any() else None


def together(twin: Codes, ends: Sequence[tuple[Codes, Codes]]) -> Codes:
    """One number for all rows that are copies of each other, directly or through others; `ends` link twin numbers.

    >>> together(np.array([0, 0, 1, 2]), [(np.array([2]), np.array([0]))]).tolist()
    [0, 0, 1, 0]
    """
    if not ends:
        return twin
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    size = int(twin.max()) + 1
    a, b = (np.concatenate([pair[side] for pair in ends]) for side in (0, 1))
    graph = coo_matrix((np.ones(len(a)), (a, b)), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1][twin], np.int64)


def echo(columns: Sequence[TableColumn]) -> Echo | None:
    """A block of rows that repeats an earlier block with constants added; None where there is none.

    The distance is sought where the numbers resemble themselves most (autocorrelation over the order of the file).
    """
    rich = [one for one in columns if one.kind == "number" and len(np.unique(one.numbers[~one.missing])) >= _RICH]
    if len(rich) < _COLUMNS or len(rich[0].numbers) < 4 * _RICH:
        return None
    for lag in _candidates(rich):
        found = _steps(rich, lag)
        if len(found) >= max(_COLUMNS, len(rich) / 2) and not _everywhere(rich, found, lag):
            agree = np.mean([_apart(one, lag) == found[one.name] for one in rich if one.name in found], axis=0)
            later = np.flatnonzero(agree > 0.5) + lag
            return Echo(lag, len(later), found, later)
    return None


def _candidates(rich: Sequence[TableColumn]) -> list[int]:
    """The distances at which the columns, taken together, resemble themselves most."""
    rows = len(rich[0].numbers)
    total = np.zeros(rows)
    for one in rich:
        rank = np.argsort(np.argsort(np.nan_to_num(one.numbers, nan=np.nanmedian(one.numbers)))).astype(np.float64)
        wave = np.fft.rfft((rank - rank.mean()) / (rank.std() + 1e-12), 2 * rows)
        total += np.fft.irfft(wave * np.conj(wave), 2 * rows)[:rows]
    likeness = total / np.arange(rows, 0, -1)
    likeness[: max(1, rows // 20)], likeness[rows - max(_RICH, rows // 20) :] = -np.inf, -np.inf
    return [int(at) for at in np.argsort(-likeness)[:_TRIED]]


def _apart(column: TableColumn, lag: int) -> Floats:
    return np.round(column.numbers[lag:] - column.numbers[:-lag], 6)


def _steps(rich: Sequence[TableColumn], lag: int) -> dict[str, float]:
    """The step of each column that nearly all pairs share."""
    found = {}
    for one in rich:
        apart = _apart(one, lag)
        known = apart[~np.isnan(apart)]
        if len(known) >= _RICH:
            values, counts = np.unique(known, return_counts=True)
            if counts.max() >= _SAME_STEP * len(known):
                found[one.name] = float(values[counts.argmax()])
    return found


def _everywhere(rich: Sequence[TableColumn], found: dict[str, float], lag: int) -> bool:
    """Columns that count up with the rows keep one step at any distance: no echo."""
    return len(_steps([one for one in rich if one.name in found], lag - 1)) > len(found) / 2
