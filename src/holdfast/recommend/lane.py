"""What all lanes share: lists from scores, block by block, and the fold-in of events that came after the fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.errors import UsageError
from holdfast.core.interactions import Interactions, Items
from holdfast.core.recommend import Recommendations, Scores
from holdfast.recommend.index import largest

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
#: Cells of a block of scores: 64 MB of float32.
CELLS = 16_000_000
SEEN = ("allow", "exclude")


class Lane:
    """Mixin of a fitted recommender: `items`, `recommender_id` and `score` are its own, the lists come from here."""

    recommender_id: ClassVar[str]
    lane: ClassVar[str]
    items: Items

    def score(self, past: Interactions, rows: Ints | None = None) -> Scores:
        raise NotImplementedError

    def recommend(
        self, past: Interactions, count: int, *, allowed: Bools | None = None, seen: str = "allow",
        rows: Ints | None = None,
    ) -> Recommendations:  # fmt: skip
        """The best `count` allowed items of each customer. `seen`: whether items of its own past may return."""
        past, rows = asked(past, self.items, rows, seen)
        found = [best(self._open(past, block, allowed, seen), count) for block in blocks(rows, len(self.items))]
        items = np.concatenate([one for one, _ in found]) if found else np.zeros((0, 0), np.int32)
        scores = np.concatenate([one for _, one in found]) if found else np.zeros((0, 0), np.float32)
        return lists(past.take(rows), self.items, items, scores, self.lane, self.recommender_id)

    def fold_in(self, past: Interactions, new: Interactions, count: int, **options: Any) -> Recommendations:
        """The lists after new events of the same customers, without fitting again."""
        return self.recommend(past.joined(new), count, **options)

    def _open(self, past: Interactions, rows: Ints, allowed: Bools | None, seen: str) -> Scores:
        scores = self.score(past, rows)
        if allowed is not None:
            scores[:, ~allowed] = -np.inf
        if seen == "exclude":
            place, item = cells(past, rows)
            scores[place, item] = -np.inf
        return scores


def asked(past: Interactions, items: Items, rows: Ints | None, seen: str) -> tuple[Interactions, Ints]:
    """The past over a fit's own items, and whose lists are wanted (all by default); refuses an unknown `seen`."""
    if seen not in SEEN:
        raise UsageError(f"seen = {seen!r}", remedy=f"one of: {', '.join(SEEN)}")
    past = past.over(items)
    return past, np.arange(len(past)) if rows is None else np.asarray(rows, np.int64)


def blocks(rows: Ints, width: int) -> Iterator[Ints]:
    """Rows in blocks whose scores stay small."""
    size = max(1, CELLS // max(width, 1))
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def cells(past: Interactions, rows: Ints) -> tuple[Ints, NDArray[np.int32]]:
    """(place in `rows`, item) of every interaction of these customers."""
    lengths = past.counts[rows]
    starts = np.cumsum(lengths) - lengths
    inside = np.arange(int(lengths.sum())) + np.repeat(past.offsets[rows] - starts, lengths)
    return np.repeat(np.arange(len(rows)), lengths), past.item[inside]


def best(scores: Scores, count: int) -> tuple[NDArray[np.int32], Scores]:
    """The best `count` columns of each row, best first; equal scores in the order of the columns. -1 where none is left.

    >>> best(np.array([[1.0, 3.0, -np.inf, 2.0]], np.float32), 3)[0].tolist()
    [[1, 3, 0]]
    """
    return largest(scores, count)


def lists(
    past: Interactions, items: Items, item: NDArray[np.int32], score: Scores, lane: str, source: str
) -> Recommendations:
    """Lists from (customers x count) positions, -1 where a list is shorter."""
    real = item >= 0
    n = int(real.sum())
    return Recommendations(
        customer_id=past.customer_id, item_id=items.item_id, cutoff=past.cutoff,
        offsets=np.concatenate([[0], np.cumsum(real.sum(axis=1))]).astype(np.int64),
        item=item[real].astype(np.int32), score=score[real].astype(np.float64),
        lane=pa.array([lane] * n, pa.string()), source=pa.array([source] * n, pa.string()), propensity=np.ones(n),
    )  # fmt: skip
