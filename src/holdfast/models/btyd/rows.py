"""Identical histories grouped: what a likelihood is evaluated on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
#: Rows evaluated at a time: their temporaries stay in the processor's cache.
CHUNK = 16_384


@dataclass(frozen=True)
class Rows:
    """Histories (x, t_x, T) in the fit's own unit of time; `weight` says how many customers share each.

    `xs[at]` is x again: what depends on x alone is computed once for each distinct x; `by_row`: parameters differ from
    row to row, so nothing is shared. `z` are covariates, if any.
    """

    x: Floats
    t_x: Floats
    T: Floats
    weight: Floats
    z: Floats | None = None
    by_row: bool = False
    xs: Floats = field(init=False)
    at: Any = field(init=False)

    def __post_init__(self) -> None:
        xs, at = (self.x, slice(None)) if self.by_row else distinct(self.x)
        object.__setattr__(self, "xs", xs)
        object.__setattr__(self, "at", at)

    def __len__(self) -> int:
        return len(self.x)

    def take(self, where: Any) -> Rows:
        z = None if self.z is None else self.z[where]
        return Rows(self.x[where], self.t_x[where], self.T[where], self.weight[where], z, self.by_row)

    def chunks(self, size: int = CHUNK) -> Iterator[tuple[slice, Rows]]:
        """Consecutive parts, each with its place."""
        for start in range(0, len(self), size):
            where = slice(start, start + size)
            yield where, self.take(where)

    def until(self, T: Floats) -> Rows:
        """The same customers, had nothing more happened until T."""
        return replace(self, T=T)


def distinct(x: Floats) -> tuple[Floats, Any]:
    """The distinct whole numbers in x and where each row finds its own.

    >>> [part.tolist() for part in distinct(np.array([3.0, 0.0, 3.0]))]
    [[0.0, 3.0], [1, 0, 1]]
    """
    whole = x.astype(np.int64)
    top = int(whole.max(initial=0))
    if top > max(4096, 4 * len(x)):  # a few huge numbers: sorting is cheaper than counting up to them
        return np.unique(x, return_inverse=True)
    seen = np.zeros(top + 1, bool)
    seen[whole] = True
    return np.flatnonzero(seen).astype(np.float64), (np.cumsum(seen) - 1)[whole]


def grouped(columns: Sequence[Floats]) -> tuple[Whole, Whole, Whole]:
    """(first row of each group, how many rows it has, group of each row) of rows that are equal in every column.

    Rows are told apart by a 64-bit hash of their bits, and compared with their group's first row afterwards; groups
    come in the order of that hash, so they do not depend on the order of rows.

    >>> first, count, group = grouped([np.array([1.0, 2.0, 1.0]), np.array([0.0, 0.0, 0.0])])
    >>> sorted(count.tolist()), bool(group[0] == group[2]), bool(group[0] == group[1])
    ([1, 2], True, False)
    """
    hashed = np.zeros(len(columns[0]), np.uint64)
    for column in columns:
        hashed ^= (column + 0.0).view(np.uint64)  # + 0.0 turns -0.0 into 0.0
        hashed *= np.uint64(0x9E3779B97F4A7C15)
        hashed ^= hashed >> np.uint64(29)
    _, first, group, count = np.unique(hashed, return_index=True, return_inverse=True, return_counts=True)
    if not all(np.array_equal(column[first][group], column) for column in columns):  # two groups share a hash
        _, first, group, count = np.unique(
            np.column_stack(columns), axis=0, return_index=True, return_inverse=True, return_counts=True
        )
    return first.astype(np.int64), count.astype(np.int64), group.reshape(-1).astype(np.int64)
