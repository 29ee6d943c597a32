"""Candidates: the union of what every lane puts at the top, customer by customer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.core.interactions import Interactions
from holdfast.core.recommend import FittedRecommender, Scores
from holdfast.recommend.lane import blocks, cells
from holdfast.recommend.mix_weights import Pool
from holdfast.recommend.mix_window import Lesson

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
#: Changes the scores of these customers in place: what may not appear becomes -inf.
Mask = Callable[[Interactions, Ints, Scores], None]


def masking(allowed: Bools | None, seen: str) -> Mask:
    """What `allowed` and `seen` forbid."""

    def mask(past: Interactions, rows: Ints, scores: Scores) -> None:
        if allowed is not None:
            scores[:, ~allowed] = -np.inf
        if seen == "exclude":
            place, item = cells(past, rows)
            scores[place, item] = -np.inf

    return mask


def tops(scores: Scores, count: int) -> Bools:
    """Which cells are among the best `count` of their row; whoever equals the last one is in, so no order decides.

    >>> tops(np.array([[1.0, 3.0, -np.inf, 1.0]], np.float32), 2).tolist()
    [[True, True, False, True]]
    """
    count = min(count, scores.shape[1])
    if not count or not len(scores):
        return np.zeros(scores.shape, bool)
    edge = -np.partition(-scores, count - 1, axis=1)[:, count - 1 : count]
    return np.asarray((scores >= edge) & np.isfinite(scores))


@dataclass(frozen=True, eq=False)
class Block:
    """Candidates of a block of customers: place in `rows`, item, and the raw score of every lane, (lanes x cells)."""

    rows: Ints
    place: Ints
    item: NDArray[np.int32]
    lanes: list[Scores]
    allowed: Bools

    @property
    def customer(self) -> Ints:
        """Position in the past of each candidate."""
        return self.rows[self.place]

    def at(self, values: Scores) -> NDArray[np.float32]:
        """A column of a (rows x items) array."""
        return np.asarray(values[self.place, self.item], np.float32)


def candidates(
    lanes: Sequence[FittedRecommender], past: Interactions, rows: Ints, each: int, mask: Mask
) -> Iterator[Block]:
    """Block by block, the union of every lane's best `each` after the mask."""
    width = len(past.items)
    for block in blocks(rows, max(width, 1) * max(len(lanes), 1)):
        scores, union = [], np.zeros((len(block), width), bool)
        for lane in lanes:
            found = lane.score(past, block)
            mask(past, block, found)
            scores.append(found)
            union |= tops(_broken(found, scores[0]), each)
        place, item = np.nonzero(union)
        yield Block(block, place.astype(np.int64), item.astype(np.int32), scores, union)


def _broken(scores: Scores, by: Scores) -> Scores:
    """The same order, equal scores in the order of another lane: a lane that counts has thousands of equal ones."""
    if scores is by:
        return scores
    finite = np.isfinite(by)
    low, high = (float(one) for one in (by[finite].min(), by[finite].max())) if finite.any() else (0.0, 1.0)
    nudge = np.where(finite, (by - low) / max(high - low, 1e-12), 0.0)
    size = np.maximum(np.where(np.isfinite(scores), np.abs(scores), 0.0).max(axis=1, keepdims=True), 1e-12)
    return np.asarray(scores + nudge * size * 1e-5, np.float32)


def pool(
    lanes: Sequence[FittedRecommender], taught: Lesson, each: int, mask: Mask, scale: Callable[[Scores], Scores]
) -> Pool:
    """The candidates of a lesson with their answers, scores scaled over the whole row."""
    columns, answers, row, start = [], [], [], 0
    for one in candidates(lanes, taught.past, taught.rows, each, mask):
        columns.append(np.column_stack([one.at(scale(scores)) for scores in one.lanes]))
        answers.append(taught.answers(one.customer, one.item))
        row.append(one.place + start)
        start += len(one.rows)
    targets = np.diff(taught.bought.indptr)[taught.rows].astype(np.int64)
    if not columns:
        return Pool(np.zeros((0, len(lanes)), np.float32), np.zeros(0, bool), np.zeros(0, np.int64), targets)
    return Pool(np.concatenate(columns), np.concatenate(answers), np.concatenate(row), targets)
