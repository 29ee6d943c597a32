"""Weights of lanes that make the best lists: coordinate ascent on nDCG, over folds of customers.

nDCG is what the lists are judged by and has no gradient; a line search over one weight at a time climbs it directly
(Metzler & Croft 2007, "Linear feature-based models for information retrieval").
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
#: What a weight may become in one step, as a multiple of itself; 0 takes a lane out.
STEPS = (0.0, 0.5, 0.8, 1.25, 2.0)
#: Fresh starts of a lane that is out.
ENTRIES = (0.05, 0.2)


@dataclass(frozen=True, eq=False)
class Pool:
    """Candidates of several customers: (candidates x lanes) scaled scores, answers, whose, and answers a customer had."""

    scores: NDArray[np.float32]
    answer: NDArray[np.bool_]
    row: Ints  # rising, 0 to len(targets) - 1
    targets: Ints

    @cached_property
    def places(self) -> Ints:
        """(customers x longest) positions of candidates, the last position + 1 where a customer has fewer."""
        count = np.bincount(self.row, minlength=len(self.targets))
        found = np.full((len(self.targets), max(int(count.max(initial=0)), 10)), len(self.row), np.int64)
        inside = np.arange(len(self.row)) - np.repeat(np.cumsum(count) - count, count)
        found[self.row, inside] = np.arange(len(self.row))
        return found

    def ndcg(self, weights: Floats, count: int = 10) -> Floats:
        """nDCG at `count` of each customer, the ideal list cut at `count` too."""
        score = np.append(self.scores @ weights.astype(np.float32), np.float32(-1.0))[self.places]
        top = np.argpartition(-score, min(count, score.shape[1]) - 1, axis=1)[:, :count]
        order = np.argsort(-np.take_along_axis(score, top, axis=1), axis=1, kind="stable")
        best = np.take_along_axis(self.places, np.take_along_axis(top, order, axis=1), axis=1)
        gain = (np.append(self.answer, False)[best] / np.log2(np.arange(best.shape[1]) + 2.0)).sum(axis=1)
        ideal = np.concatenate([[0.0], np.cumsum(1.0 / np.log2(np.arange(count) + 2.0))])
        return np.asarray(gain / np.maximum(ideal[np.minimum(self.targets, count)], 1e-12), np.float64)

    def recall(self) -> float:
        """Share of each customer's answers among the candidates, mean over customers: no order can do better."""
        found = np.bincount(self.row[self.answer], minlength=len(self.targets))
        return float((found / np.maximum(self.targets, 1)).mean()) if len(self.targets) else 0.0

    def of(self, kept: NDArray[np.bool_]) -> Pool:
        """Some customers."""
        inside, place = kept[self.row], np.cumsum(kept) - 1
        return Pool(self.scores[inside], self.answer[inside], place[self.row[inside]], self.targets[kept])


def climb(pool: Pool, start: Floats, *, count: int = 10, rounds: int = 4) -> Floats:
    """Weights that sum to 1, better than `start` as long as any single change is."""
    best, reached = start.astype(np.float64), float(pool.ndcg(start, count).mean())
    for _ in range(rounds):
        before = reached
        for lane in range(len(best)):
            for value in _tries(best[lane]):
                tried = best.copy()
                tried[lane] = value
                got = float(pool.ndcg(tried, count).mean()) if tried.sum() > 0 else -1.0
                if got > reached + 1e-6:
                    best, reached = tried / tried.sum(), got
        if reached <= before + 1e-5:
            break
    return best


def _tries(value: float) -> Iterator[float]:
    yield from (value * step for step in STEPS) if value > 0 else ENTRIES


def fit_weights(pool: Pool, fold: Ints, *, count: int = 10) -> tuple[Floats, float]:
    """The mean of the weights found without each fold, and nDCG of each fold under weights that had not seen it."""
    lanes = pool.scores.shape[1]
    even = np.full(lanes, 1.0 / max(lanes, 1))
    if not len(pool.targets) or not lanes:
        return even, 0.0
    found, judged = [], np.zeros(len(pool.targets))
    for one in np.unique(fold):
        inside = fold == one
        learnt = climb(pool.of(~inside), even, count=count) if (~inside).any() else even
        judged[inside] = pool.of(inside).ndcg(learnt, count)
        found.append(learnt)
    return np.mean(found, axis=0), float(judged.mean())
