"""How good lists are: one value a customer, from lists and what the customers then took, all as arrays.

`lists` is (customers x length) int32, best first, padded with -1; targets are `offsets` (customers + 1) and `item`, the
different items that each customer took; a target of -1 is an item no list can name: it counts as missed. Every value is
NaN for a customer without targets, so that means, slices and paired bootstraps are sums over the finite ones.

Definitions, with m targets and hit_i = 1 where place i holds a target:

- recall at k: hits in the first k / m, over all targets, also where m > k;  precision at k: hits in the first k / k
- nDCG at k: sum of hit_i / log2(i + 1) over the first k, divided by the same sum of a perfect list (Jarvelin & Kekalainen
  2002); `ideal="cut"`: a perfect list of min(m, k) hits; `ideal="whole"`: of m hits, as tables of next baskets have it
- hit at k: whether any (also called PHR);  MRR: 1 / place of the first hit, 0 without one
- MAP at k: the mean over customers of (sum of precision at i over hits i <= k) / min(m, k)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import UsageError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Codes = NDArray[np.int32]
Ideal = Literal["cut", "whole"]
#: Cells of a block of marks: 16 MB.
_CELLS = 16_000_000


def padded(offsets: Ints, item: NDArray[Any], count: int) -> Codes:
    """The first `count` of each list as (customers x count), -1 where a list is shorter.

    >>> padded(np.array([0, 2, 2, 3]), np.array([5, 6, 7]), 2).tolist()
    [[5, 6], [-1, -1], [7, -1]]
    """
    lengths = np.diff(offsets)
    place = np.arange(len(item)) - np.repeat(offsets[:-1], lengths)
    found = np.full((len(lengths), count), -1, np.int32)
    kept = place < count
    found[np.repeat(np.arange(len(lengths)), lengths)[kept], place[kept]] = item[kept]
    return found


def hits(lists: Codes, offsets: Ints, item: NDArray[Any], items: int) -> NDArray[np.bool_]:
    """(customers x length): whether each entry is one of the customer's targets; `items` is the size of the catalogue.

    >>> hits(np.array([[2, 0, -1]], np.int32), np.array([0, 2]), np.array([0, 1]), 3).tolist()
    [[False, True, False]]
    """
    if len(offsets) != len(lists) + 1:
        raise UsageError(f"{len(lists)} lists, but targets of {len(offsets) - 1} customers")
    found = np.zeros(lists.shape, bool)
    for start, stop, marks in _marked(offsets, item, items):
        found[start:stop] = np.take_along_axis(marks, lists[start:stop] % (items + 1), axis=1)
    return found


def known(offsets: Ints, item: NDArray[Any], before: Ints, old: NDArray[Any], items: int) -> NDArray[np.bool_]:
    """One a target (`offsets`, `item`): whether it is among the same customer's `old` (by the offsets `before`).

    >>> known(np.array([0, 2]), np.array([0, 1]), np.array([0, 1]), np.array([1]), 2).tolist()
    [False, True]
    """
    found = np.zeros(len(item), bool)
    for start, stop, marks in _marked(before, old, items):
        own = slice(offsets[start], offsets[stop])
        row = np.repeat(np.arange(stop - start), np.diff(offsets[start : stop + 1]))
        found[own] = marks[row, item[own] % (items + 1)]
    return found


def _marked(offsets: Ints, item: NDArray[Any], items: int) -> Iterator[tuple[int, int, NDArray[np.bool_]]]:
    """(start, stop, customers x items + 1) of block after block: what is each customer's. The last column is never set."""
    many = len(offsets) - 1
    size = max(1, _CELLS // (items + 1))
    # one column more than items: whatever is -1 falls there
    marks = np.zeros((min(size, many), items + 1), bool)
    for start in range(0, many, size):
        stop = min(start + size, many)
        row = np.repeat(np.arange(stop - start), np.diff(offsets[start : stop + 1]))
        own = item[offsets[start] : offsets[stop]]
        marks[row, own] = True
        marks[:, items] = False
        yield start, stop, marks[: stop - start]
        marks[row, own] = False


@dataclass(frozen=True, eq=False)
class Hits:
    """Which entries of the lists were right, and how many targets each customer had.

    >>> one = Hits(np.array([[False, True, True]]), np.array([4]))
    >>> one.recall(3).tolist(), one.precision(3).round(3).tolist(), one.mrr().tolist(), one.average_precision(2).tolist()
    ([0.5], [0.667], [0.5], [0.25])
    """

    hit: NDArray[np.bool_]
    targets: Ints

    @classmethod
    def of(cls, lists: Codes, offsets: Ints, item: NDArray[Any], items: int) -> Hits:
        """From lists and targets over a catalogue of so many items."""
        return cls(hits(lists, offsets, item, items), np.diff(offsets))

    @cached_property
    def found(self) -> Codes:
        """Hits down to each place."""
        return np.cumsum(self.hit, axis=1, dtype=np.int32)

    def recall(self, k: int) -> Floats:
        """Share of all targets found in the first k."""
        return self._per_target(self._hits_in(k), self.targets)

    def precision(self, k: int) -> Floats:
        """Share of the first k that were targets; a shorter list is no better."""
        return self._per_target(self._hits_in(k) / k, np.minimum(self.targets, 1))

    def any(self, k: int) -> Floats:
        """Whether the first k held a target."""
        return self._per_target(np.minimum(self._hits_in(k), 1.0), np.minimum(self.targets, 1))

    def ndcg(self, k: int, ideal: Ideal = "cut") -> Floats:
        """nDCG at k; see the head of this file for the two ideals."""
        if ideal not in ("cut", "whole"):
            raise UsageError(f"ideal = {ideal!r}", remedy="one of: cut, whole")
        most = int(self.targets.max(initial=0))
        perfect = np.concatenate([[0.0], np.cumsum(1.0 / np.log2(np.arange(2, max(most, k) + 2)))])
        gained = self.hit[:, :k].astype(np.float64) @ (1.0 / np.log2(np.arange(2, min(k, self.hit.shape[1]) + 2)))
        return self._per_target(gained, perfect[self.targets if ideal == "whole" else np.minimum(self.targets, k)])

    def mrr(self, k: int | None = None) -> Floats:
        """1 / place of the first hit among the first k (by default of the whole list)."""
        part = self.hit if k is None else self.hit[:, :k]
        first = part.argmax(axis=1) if part.shape[1] else np.zeros(len(part), np.int64)
        right = part.any(axis=1)
        return self._per_target(np.where(right, 1.0 / (first + 1), 0.0), np.minimum(self.targets, 1))

    def average_precision(self, k: int) -> Floats:
        """Mean precision at the hits of the first k, over min(targets, k)."""
        place = np.arange(1, min(k, self.hit.shape[1]) + 1)
        total = np.einsum(
            "ij,ij,j->i", self.hit[:, :k], self.found[:, :k], 1.0 / place, dtype=np.float64, casting="unsafe"
        )
        return self._per_target(total, np.minimum(self.targets, k))

    def _hits_in(self, k: int) -> Floats:
        return np.asarray(self.hit[:, :k].sum(axis=1), np.float64)

    def _per_target(self, value: Floats, over: NDArray[Any]) -> Floats:
        return np.where(self.targets > 0, value / np.where(self.targets > 0, over, 1), np.nan)
