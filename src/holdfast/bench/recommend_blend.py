"""A weighted sum of lanes, its weights found by coordinate ascent on what customers bought next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.interactions import Interactions
from holdfast.core.recommend import FittedRecommender
from holdfast.recommend.lane import best

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
BLOCK = 1_000
#: Each weight in turn is tried at so many times itself, in rounds, until no try helps.
STEPS = (0.0, 0.5, 0.7, 0.85, 1.2, 1.4, 2.0, 4.0)
ROUNDS = 12


def open_scores(fit: FittedRecommender, past: Interactions, rows: Ints) -> NDArray[np.float32]:
    """A lane's scores with 0 where it has nothing to say."""
    scores = fit.score(past, rows)
    scores[~np.isfinite(scores)] = 0.0
    return scores


def blended(fits: Sequence[FittedRecommender], weights: Floats, past: Interactions, rows: Ints) -> NDArray[np.float32]:
    """(rows x items) weighted sum."""
    total = np.zeros((len(rows), len(past.items)), np.float32)
    for fit, weight in zip(fits, weights, strict=True):
        if weight > 0:
            total += np.float32(weight) * open_scores(fit, past, rows)
    return total


@dataclass(frozen=True, eq=False)
class Pool:
    """Candidates of each customer (-1: none left), whether they were bought next, and how many were bought in all."""

    rows: Ints
    item: NDArray[np.int32] = field(repr=False)
    hit: NDArray[np.bool_] = field(repr=False)
    bought: Ints = field(repr=False)

    @classmethod
    def of(cls, fits: Sequence[FittedRecommender], past: Interactions, truth: Any, rows: Ints, each: int = 60) -> Pool:
        """The best `each` of every lane."""
        parts = []
        for start in range(0, len(rows), BLOCK):
            some = rows[start : start + BLOCK]
            tops = [best(fit.score(past, some), each)[0] for fit in fits]
            found = np.sort(np.concatenate(tops, axis=1), axis=1)
            found[:, 1:][np.diff(found, axis=1) == 0] = -1
            parts.append(found)
        item = np.concatenate(parts)
        hit = np.zeros(item.shape, bool)
        for place, row in enumerate(rows):
            later = truth.indices[truth.indptr[row] : truth.indptr[row + 1]]
            hit[place] = np.isin(item[place], later)
        return cls(rows, item, hit, np.diff(truth.indptr)[rows])

    def values(self, fit: FittedRecommender, past: Interactions) -> NDArray[np.float32]:
        """A lane's scores of the candidates."""
        found = np.zeros(self.item.shape, np.float32)
        for start in range(0, len(self.rows), BLOCK):
            some = slice(start, start + BLOCK)
            scores = open_scores(fit, past, self.rows[some])
            found[some] = np.take_along_axis(scores, np.maximum(self.item[some], 0).astype(np.int64), axis=1)
        return np.where(self.item < 0, np.float32(-1.0), found)

    def reached(self, total: NDArray[np.float32], k: int = 10) -> float:
        """Recall and nDCG at k of the candidates in the order of `total`, added."""
        top = np.argpartition(-total, k, axis=1)[:, :k]
        order = np.argsort(-np.take_along_axis(total, top, axis=1), axis=1, kind="stable")
        hit = np.take_along_axis(self.hit, np.take_along_axis(top, order, axis=1), axis=1)
        return float((hit.sum(axis=1) / self.bought + ndcg(hit, self.bought)).mean())


def ndcg(hit: NDArray[np.bool_], bought: Ints) -> Floats:
    """nDCG of each list; the ideal list holds everything bought, however long."""
    discount = 1 / np.log2(np.arange(2, max(int(bought.max(initial=1)), hit.shape[1]) + 2))
    ideal = np.concatenate([[1.0], np.cumsum(discount)])[bought]
    return np.asarray((hit * discount[: hit.shape[1]]).sum(axis=1) / ideal, np.float64)


def learn(pool: Pool, values: Sequence[NDArray[np.float32]], start: Floats | None = None) -> tuple[Floats, float]:
    """Weights (the first lane's is what the others are measured by) and what they reached."""
    size = np.array([max(float(one.max(axis=1).mean()), 1e-12) for one in values])
    weights = 1 / size if start is None else start.copy()
    reached = pool.reached(_sum(values, weights))
    for _ in range(ROUNDS):
        before = reached
        for lane in range(1, len(values)):
            rest = _sum(values, np.where(np.arange(len(values)) == lane, 0.0, weights))
            tries = (
                [weights[lane] * step for step in STEPS] if weights[lane] > 0 else [0.1 / size[lane], 1 / size[lane]]
            )
            for weight in tries:
                found = pool.reached(rest + np.float32(weight) * values[lane])
                if found > reached + 1e-6:
                    weights[lane], reached = weight, found
        if reached - before < 1e-5:
            break
    return weights, reached


def _sum(values: Sequence[NDArray[np.float32]], weights: Floats) -> NDArray[np.float32]:
    total = np.zeros(values[0].shape, np.float32)
    for one, weight in zip(values, weights, strict=True):
        total += np.float32(weight) * one
    return total
