"""Earlier windows as lessons: what a cutoff could see, who came back after it, and with which items."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Horizon
from holdfast.core.interactions import Interactions
from holdfast.recommend.matrix import matrix

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Lesson:
    """One earlier cutoff: the past it saw, and a (customers x items) CSR of what was bought in the horizon after it."""

    past: Interactions
    bought: Any

    @cached_property
    def rows(self) -> Ints:
        """Customers with a history and an answer: who can teach."""
        answers = np.diff(self.bought.indptr)
        return np.flatnonzero((self.past.counts > 0) & (answers > 0)).astype(np.int64)

    def answers(self, row: Ints, item: NDArray[np.int32]) -> Bools:
        """Whether each (customer, item) was bought."""
        width = self.bought.shape[1]
        at = np.repeat(np.arange(self.bought.shape[0], dtype=np.int64), np.diff(self.bought.indptr))
        keys = at * width + self.bought.indices
        return np.isin(row.astype(np.int64) * width + item, keys)

    def taking(self, rows: Ints) -> Lesson:
        """Some customers."""
        return Lesson(self.past.take(rows), self.bought[rows])

    def unseen(self) -> Lesson:
        """Only answers that the customer had never met: what a list without own items is judged by."""
        own = matrix(self.past, np.ones(self.past.size, np.float32)) > 0
        later = self.bought - self.bought.multiply(own)
        later.eliminate_zeros()
        return Lesson(self.past, later.tocsr())


def lesson(past: Interactions, horizon: Horizon, back_days: float) -> Lesson:
    """The lesson whose horizon ends `back_days` days before the cutoff of `past`: it has closed by then.

    >>> from holdfast.core.clock import Cutoff
    >>> from holdfast.core.interactions import tiny_interactions
    >>> past = tiny_interactions({"ann": [(40, "tea"), (3, "cup")]}, Cutoff.parse("2024-03-01"))
    >>> one = lesson(past, Horizon.parse("30d"), 0.0)
    >>> str(one.past.cutoff)[:10], one.rows.tolist(), one.bought.toarray().tolist()
    ('2024-01-31', [0], [[1.0, 0.0]])
    """
    end = past.cutoff.micros - round(back_days * 86_400_000_000)
    start = end - horizon.micros
    inside = (past.occurred_at >= start) & (past.occurred_at < end)
    later = matrix(past.keeping(inside).of_type("purchase"))
    later.data[:] = 1.0
    cutoff = type(past.cutoff).from_micros(start)
    return Lesson(past.before(cutoff), later)


def recent(past: Interactions, rows: Ints, most: int) -> Ints:
    """At most `most` of these customers: those whose last act is newest, equal ones kept together by time of the first."""
    if len(rows) <= most:
        return rows
    last = past.occurred_at[past.offsets[rows + 1] - 1]
    first = past.occurred_at[past.offsets[rows]]
    return np.sort(rows[np.lexsort((first, -last))[:most]])


def folds(past: Interactions, count: int) -> Ints:
    """A fold for each customer, by what it did: neither its name nor its place decides.

    >>> from holdfast.core.clock import Cutoff
    >>> from holdfast.core.interactions import tiny_interactions
    >>> past = tiny_interactions({"ann": [(2, "tea")], "bob": [(5, "tea")]}, Cutoff.parse("2024-01-10"))
    >>> (folds(past, 5) == folds(past.take(np.array([1, 0])), 5)[::-1]).all()
    np.True_
    """
    seconds = (past.occurred_at // 1_000_000).astype(np.uint64)
    mixed = np.concatenate([[0], np.cumsum(seconds, dtype=np.uint64)]).astype(np.uint64)
    total = mixed[past.offsets[1:]] - mixed[past.offsets[:-1]] + past.counts.astype(np.uint64)
    total = (total ^ (total >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    total = (total ^ (total >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray((total ^ (total >> np.uint64(31))) % np.uint64(count), np.int64)
