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

    def ndcg(self, weights: Floats, count: int = 10) -> Floats:
        """nDCG at `count` of each customer, the ideal list cut at `count` too."""
        if not len(self.row):
            return np.zeros(len(self.targets))
        score = self.dense @ weights.astype(np.float32)
        score[self.beyond] = -np.inf
        return ndcg(score, self.answers, self.targets, count)

    @cached_property
    def place(self) -> Ints:
        """Which of its customer's candidates each is, 0 the first."""
        return np.asarray(np.arange(len(self.row)) - np.searchsorted(self.row, self.row), np.int64)

    @cached_property
    def dense(self) -> NDArray[np.float32]:
        """(customers x most candidates of one x lanes): the scores, 0 beyond a customer's candidates."""
        found = np.zeros((len(self.targets), int(self.place.max(initial=-1)) + 1, self.scores.shape[1]), np.float32)
        found[self.row, self.place] = self.scores
        return found

    @cached_property
    def beyond(self) -> NDArray[np.bool_]:
        """Cells that are no candidate."""
        found = np.ones(self.dense.shape[:2], bool)
        found[self.row, self.place] = False
        return found

    @cached_property
    def answers(self) -> NDArray[np.bool_]:
        """Cells that are answers."""
        found = np.zeros(self.dense.shape[:2], bool)
        found[self.row, self.place] = self.answer
        return found

    def recall(self) -> float:
        """Share of each customer's answers among the candidates, mean over customers: no order can do better."""
        found = np.bincount(self.row[self.answer], minlength=len(self.targets))
        return float((found / np.maximum(self.targets, 1)).mean()) if len(self.targets) else 0.0

    def of(self, kept: NDArray[np.bool_]) -> Pool:
        """Some customers."""
        inside, place = kept[self.row], np.cumsum(kept) - 1
        return Pool(self.scores[inside], self.answer[inside], place[self.row[inside]], self.targets[kept])


def ndcg(score: NDArray[np.float32], answers: NDArray[np.bool_], targets: Ints, count: int) -> Floats:
    """nDCG at `count` of (customers x candidates) scores, -inf where a customer has fewer candidates.

    >>> score, answers = np.array([[2.0, 1.0]], np.float32), np.array([[False, True]])
    >>> ndcg(score, answers, np.array([1]), 10).round(3).tolist()
    [0.631]
    """
    depth = min(count, score.shape[1])
    # only what could be among the best is sorted: this is asked thousands of times
    least = -np.partition(-score, depth - 1, axis=1)[:, depth - 1]
    row, column = np.nonzero((score >= least[:, None]) & np.isfinite(score))
    order = np.lexsort((-score[row, column], row))
    row, hit = row[order], answers[row, column][order]
    place = np.arange(len(row)) - np.searchsorted(row, row)
    hit &= place < count
    gain = np.bincount(row[hit], 1.0 / np.log2(place[hit] + 2.0), minlength=len(targets))
    ideal = np.concatenate([[0.0], np.cumsum(1.0 / np.log2(np.arange(count) + 2.0))])
    return np.asarray(gain / np.maximum(ideal[np.minimum(targets, count)], 1e-12), np.float64)


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
