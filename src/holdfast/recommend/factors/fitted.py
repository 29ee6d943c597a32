"""What fits of factors share: a customer is a sum of parts, one for each item of its past; a score is a product."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.interactions import Interactions, Items
from holdfast.core.recommend import Codes, Recommendations, Scores
from holdfast.core.text import Text
from holdfast.core.threads import one_thread
from holdfast.recommend.factors.because import reasons
from holdfast.recommend.factors.near import near
from holdfast.recommend.factors.reading import read
from holdfast.recommend.index import ExactIndex, Index, index_of
from holdfast.recommend.lane import Bools, Ints, Lane, best, blocks, lists

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class FactorFit(Lane):
    """Item factors, and `parts`: how a customer's items add up to its own point. Holds no customers.

    `how` is what `read` needs. An item that was never acted on has factors of zero, and no score.
    """

    lane: ClassVar[str] = "explore"
    items: Items
    factors: Floats = field(repr=False)
    how: Mapping[str, Any]

    def parts(self, own: NDArray[Any], weight: Floats) -> Floats:
        """(own items x factors): what each adds to the customer's point."""
        raise NotImplementedError

    def points(self, cells: Any) -> Floats:
        """(customers x factors) of CSR cells."""
        found = np.zeros((cells.shape[0], self.factors.shape[1]), np.float32)
        for row in np.flatnonzero(np.diff(cells.indptr)):
            here = slice(cells.indptr[row], cells.indptr[row + 1])
            found[row] = self.parts(cells.indices[here], cells.data[here]).sum(axis=0)
        return found

    @cached_property
    def known(self) -> Bools:
        """Items that have factors."""
        return np.asarray(self.factors.any(axis=1))

    def cells(self, past: Interactions) -> Any:
        """What these customers did with known items, as weights."""
        found = read(past, **self.how)
        if not self.known.all():
            found.data[~self.known[found.indices]] = 0
            found.eliminate_zeros()
        return found

    @one_thread
    def score(self, past: Interactions, rows: Ints | None = None) -> Scores:
        """Products of points and factors; -inf for unknown items and for customers without a known item."""
        past = past.over(self.items)
        cells = self.cells(past if rows is None else past.take(np.asarray(rows, np.int64)))
        found = self.points(cells) @ self.factors.T
        if not self.known.all():
            found[:, ~self.known] = -np.inf
        found[np.diff(cells.indptr) == 0] = -np.inf
        return np.asarray(found, np.float32)

    @cached_property
    def index(self) -> Index:
        """Approximate above `index.MANY` items where usearch is installed; else every product is computed anyway."""
        return index_of(self.factors)

    def recommend(
        self, past: Interactions, count: int, *, allowed: Bools | None = None, seen: str = "allow",
        rows: Ints | None = None,
    ) -> Recommendations:  # fmt: skip
        """See `Lane`; by the approximate index where there is one, exactly where rules leave too few of what it found."""
        if isinstance(self.index, ExactIndex):
            return super().recommend(past, count, allowed=allowed, seen=seen, rows=rows)
        past = past.over(self.items)
        rows = np.arange(len(past)) if rows is None else np.asarray(rows, np.int64)
        open_ = self.known if allowed is None else self.known & allowed
        item, score = np.full((len(rows), count), -1, np.int32), np.full((len(rows), count), -np.inf, np.float32)
        for place in blocks(np.arange(len(rows)), 10_000):
            item[place], score[place] = self._near(past, rows[place], count, open_, allowed, seen)
        return lists(past.take(rows), self.items, item, score, self.lane, self.recommender_id)

    @one_thread
    def _near(
        self, past: Interactions, rows: Ints, count: int, open_: Bools, allowed: Bools | None, seen: str
    ) -> tuple[Codes, Scores]:
        cells = self.cells(past.take(rows))
        own, most = past.take(rows), int(past.counts[rows].max(initial=0)) if seen == "exclude" else 0
        taken = (
            own.customer.astype(np.int64) * len(self.items) + own.item if seen == "exclude" else np.zeros(0, np.int64)
        )

        def shown(item: Codes) -> Bools:
            cell = np.arange(len(rows))[:, None] * len(self.items) + item
            return np.asarray(open_[item] & ~np.isin(cell, taken))

        item, score, full = near(self.index, self.points(cells), count, shown, most)
        there = np.diff(cells.indptr) > 0
        short = np.flatnonzero(~full & there)
        for block in blocks(short, len(self.items)):
            found, value = best(self._open(past, rows[block], allowed, seen), count)
            item[block], score[block] = found, value
        item[~there] = -1
        return item, score

    @one_thread
    def reasons(self, past: Interactions, customer: Codes, item: Codes) -> list[Text]:
        """The items of the customer's past that carry most of the score: the parts add up to it exactly."""
        past = past.over(self.items)
        held: dict[int, tuple[NDArray[Any], Floats]] = {}

        def carried(who: int, what: int) -> tuple[Ints, NDArray[np.floating]]:
            if who not in held:
                held[who] = self.carried(past, who)
            own, part = held[who]
            return own, part @ self.factors[what]

        return reasons(past, self.items, customer.tolist(), item.tolist(), carried)

    def carried(self, past: Interactions, customer: int) -> tuple[Ints, Floats]:
        """(own items, parts of the point) of one customer."""
        cells = self.cells(past.take(np.array([customer])))
        return cells.indices.astype(np.int64), self.parts(cells.indices, cells.data)
