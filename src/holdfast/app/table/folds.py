"""Which rows teach and which test: grouped, stratified, repeated folds, or forward in time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import TooLittleData

Codes = NDArray[np.int64]
FOLDS = 5
#: Tables up to so many rows are folded three times, larger ones twice or once: chance in the cut matters less there.
REPEATS = ((12_000, 3), (40_000, 2))
#: Rows that are equal because the columns are coarse cannot be kept apart: so many different rows are needed.
LEAST_GROUPS = 100


@dataclass(frozen=True)
class Split:
    """One test part and the rows that may teach for it (positions in the table)."""

    repeat: int
    fold: int
    train: Codes
    test: Codes


def repeats_for(rows: int) -> int:
    """How often a table of so many rows is folded.

    >>> repeats_for(500), repeats_for(100_000)
    (3, 1)
    """
    return next((many for most, many in REPEATS if rows <= most), 1)


def folded(rows: Codes, happened: NDArray[np.bool_], groups: Codes, *, repeats: int, seed: int) -> list[Split]:
    """`FOLDS` parts, `repeats` times: a group is never cut in two, and each part holds its share of both kinds."""
    found = []
    for repeat in range(repeats):
        fold = fold_of(happened[rows], groups[rows], seed=seed + 1000 * repeat)
        for one in range(FOLDS):
            found.append(Split(repeat, one, rows[fold != one], rows[fold == one]))
    return found


def fold_of(happened: NDArray[np.bool_], groups: Codes, *, seed: int, folds: int = FOLDS) -> Codes:
    """The part of each row. Groups are dealt out like cards, by kind, the largest first.

    >>> fold_of(np.array([True, True, False, False]), np.array([0, 0, 1, 2]), seed=1, folds=2).tolist()
    [0, 0, 1, 0]
    """
    names, of = np.unique(groups, return_inverse=True)
    size = np.bincount(of, minlength=len(names))
    share = np.bincount(of, happened, minlength=len(names)) / size
    kind = np.round(share * 4).astype(np.int64)
    random = np.random.default_rng([seed, 17]).permutation(len(names))
    order = np.lexsort((random, -size, -kind))
    dealt = np.empty(len(names), np.int64)
    dealt[order] = np.arange(len(names)) % folds
    return dealt[of]


def forward(rows: Codes, micros: Codes, happened: NDArray[np.bool_]) -> list[Split]:
    """The newest rows test, all older ones teach; again for earlier test parts. No row is predicted from its future."""
    at = micros[rows]
    edges = np.unique(np.quantile(at, np.arange(1, FOLDS + 1) / (FOLDS + 1), method="higher"))
    found: list[Split] = []
    for one, edge in enumerate(edges):
        end = edges[one + 1] if one + 1 < len(edges) else np.iinfo(np.int64).max
        train, test = rows[at < edge], rows[(at >= edge) & (at < end)]
        both = 0 < happened[train].sum() < len(train)
        if len(train) >= 30 and len(test) and both:
            found.append(Split(0, len(found), train, test))
    if not found:
        raise TooLittleData(
            "no time splits these rows into older ones that teach and newer ones that test", remedy="leave --time out"
        )
    return found
