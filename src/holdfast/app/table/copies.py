"""Rows that are copies of other rows: equal ones, and rows that repeat another with the same constants added.

Either leaks through a random split: the model has met the test row already. Copies are found here and kept together by
`folds`, so that they teach together or test together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from holdfast.app.table.columns import TableColumn

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
#: A column of fewer different values can agree by chance.
_RICH = 10
_COLUMNS = 3
#: Rows whose distances to all others are looked at, and how many distances at most.
_SAMPLE, _DISTANCES = 200, 4_000_000
#: So large a share of them must have another row at one and the same distance before it is an echo.
_SHARE = 0.1
#: Where a second distance is nearly as frequent the columns count up together, as dates and running totals do.
_SECOND = 0.75
#: Values are compared to so many digits.
_DIGITS = 1e6


@dataclass(frozen=True)
class Echo:
    """Rows that repeat another one with constants added: column -> step; `later` repeats `first`, pair by pair."""

    steps: dict[str, float]
    first: Codes = field(repr=False)
    later: Codes = field(repr=False)

    @property
    def rows(self) -> int:
        """How many rows repeat another."""
        return len(np.unique(self.later))


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
        ends.append((twin[found.later], twin[found.first]))
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
    """Rows that repeat another row with the same constants added, wherever they stand; None where there are none.

    Of some rows the distances to all others are counted, over all columns with many values at once: without copies hardly
    any distance comes twice, with a moved copy of the table one comes for nearly every row.
    """
    rich = [one for one in columns if one.kind == "number" and len(np.unique(one.numbers[~one.missing])) >= _RICH]
    if len(rich) < _COLUMNS or not _telling(rich):
        return None
    values = np.column_stack([one.numbers for one in rich])
    step = _frequent_step(values)
    if step is None:
        return None
    later = np.full(len(values), -1)
    for kept in _kept(len(rich)):  # the strictest first: a row that has found its copy seeks no other
        if _telling([rich[at] for at in kept]):
            first, found = _joined(values[:, kept], step[kept])
            later[first] = np.where(later[first] < 0, found, later[first])
    later = _in_block(later)
    first = np.flatnonzero(later >= 0)
    later = later[first]
    if len(np.unique(later)) < max(_RICH, _SHARE * _SHARE * len(values)):
        return None
    return Echo({one.name: float(round(by, 6)) for one, by in zip(rich, step, strict=True)}, first, later)


def _in_block(later: Codes) -> Codes:
    """Where three in four copies stand at one distance in the file, a whole block was copied: every row of it, and no other."""
    first = np.flatnonzero(later >= 0)
    lags, counts = np.unique(later[first] - first, return_counts=True)
    if not len(lags) or counts.max() < 0.75 * len(first):
        return later
    lag = int(lags[counts.argmax()])
    block = first[later[first] - first == lag]
    rows = np.arange(block.min(), block.max() + 1)
    whole = np.full(len(later), -1)
    whole[rows] = rows + lag
    return whole


def _telling(columns: Sequence[TableColumn]) -> bool:
    """So many values that two rows agree in all of these columns only if they belong together."""
    return bool(np.prod([float(len(np.unique(one.numbers))) for one in columns]) >= 100 * len(columns[0].numbers))


def _kept(width: int) -> list[list[int]]:
    """All columns, and all but one or two: a copy may have lost a cell."""
    lost = [(), *combinations(range(width), 1), *(combinations(range(width), 2) if width <= 15 else ())]
    return [[at for at in range(width) if at not in one] for one in lost if width - len(one) >= _COLUMNS]


def _joined(values: Floats, step: Floats) -> Codes:
    """Pairs (row, the row that is it plus the step) among rows where all of these columns are filled in."""
    known = np.flatnonzero(np.isfinite(values).all(axis=1))
    if not len(known):
        return np.zeros((2, 0), np.int64)
    keys, moved = _keys(values[known]), _keys(values[known] + step)
    order = np.argsort(keys, kind="stable")
    place = np.searchsorted(keys[order], moved).clip(0, len(keys) - 1)
    first = np.flatnonzero(keys[order][place] == moved)
    return np.stack([known[first], known[order[place[first]]]])


def _frequent_step(values: Floats) -> Floats | None:
    """The one distance between rows that comes again and again."""
    known = np.flatnonzero(np.isfinite(values).all(axis=1))
    size = min(_SAMPLE, _DISTANCES // max(len(known), 1))
    if len(known) < 4 * _RICH or size < _RICH:
        return None
    sample = np.random.default_rng(37).permutation(known)[:size]
    keys = _keys(values)
    apart = keys[known][None, :] - keys[sample][:, None]
    distances, counts = np.unique(apart[apart != 0], return_counts=True)
    if not len(counts) or counts.max() < max(_RICH, _SHARE * size):
        return None
    best = distances[counts.argmax()]
    others = counts[(distances != best) & (distances != -best)]
    if len(others) and others.max() > _SECOND * counts.max():
        return None
    at, beside = (int(one[0]) for one in np.nonzero(apart == best))
    found = values[known[beside]] - values[sample[at]]
    return np.asarray(found if found[np.flatnonzero(found)[-1]] > 0 else -found)


def _keys(values: Floats) -> Codes:
    """A number for each row, linear in its values (modulo 2^64), so that keys of differences are differences of keys."""
    whole = np.round(np.nan_to_num(values) * _DIGITS).astype(np.int64)
    odd = np.random.default_rng(41).integers(1, 2**62, values.shape[1], np.int64) * 2 + 1
    return np.asarray((whole * odd).sum(axis=1))
