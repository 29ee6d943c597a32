"""How well a forecast ranks: AUC, average precision, lift and recall in the riskiest part.

Every function takes `happened` (true = churned), `said` (higher = riskier) and optional row weights: one vector,
or a (replicates x rows) matrix, in which case the answer has one value for each replicate. That is how a
bootstrap of thousands of rows costs one sort. Equal scores share their rank: nothing depends on row order.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ranked:
    """Churners and everybody, counted from the riskiest score downwards, one column for each distinct score."""

    churned: Floats  # (replicates, distinct scores): weight of the churned within a score
    everybody: Floats  # the same of all rows

    @classmethod
    def of(cls, happened: NDArray[Any], said: NDArray[Any], weights: NDArray[Any] | None = None) -> Ranked:
        """Sort once by falling score; rows with equal scores become one column."""
        order = np.argsort(-np.asarray(said, np.float64), kind="stable")
        score, truth = np.asarray(said, np.float64)[order], np.asarray(happened, np.float64)[order]
        starts = np.flatnonzero(np.r_[True, score[1:] != score[:-1]])
        weight = np.ones((1, len(order))) if weights is None else np.atleast_2d(weights)[:, order].astype(np.float64)
        return cls(np.add.reduceat(weight * truth, starts, axis=1), np.add.reduceat(weight, starts, axis=1))

    @cached_property
    def found(self) -> Floats:
        """Churners down to each score."""
        return np.cumsum(self.churned, axis=1)

    @cached_property
    def seen(self) -> Floats:
        """Everybody down to each score."""
        return np.cumsum(self.everybody, axis=1)

    def auc(self) -> Floats:
        """P(a churner scores above a stayer), ties counted half."""
        stayed = self.everybody - self.churned
        stayers = (self.seen - self.found)[:, -1:]
        below = stayers - self.seen + self.found + 0.5 * stayed
        return _ratio(np.einsum("ij,ij->i", self.churned, below), self.found[:, -1] * stayers[:, 0])

    def average_precision(self) -> Floats:
        """Mean precision over the churners, each at the depth where it is found."""
        precision = self.found / np.maximum(self.seen, 1e-300)
        return _ratio(np.einsum("ij,ij->i", self.churned, precision), self.found[:, -1])

    def recall_at(self, share: float) -> Floats:
        """Share of all churners found in the riskiest `share` of rows; a tie at the edge is taken pro rata."""
        depth = share * self.seen[:, -1]
        row = np.arange(len(depth))
        edge = np.minimum((self.seen < depth[:, None]).sum(axis=1), self.seen.shape[1] - 1)
        left = self.seen[row, edge] - depth  # what of the edge score lies beyond the depth
        part = np.divide(left, self.everybody[row, edge], out=np.zeros_like(left), where=self.everybody[row, edge] > 0)
        return _ratio(self.found[row, edge] - part * self.churned[row, edge], self.found[:, -1])

    def lift_at(self, share: float) -> Floats:
        """How many times more churners the riskiest `share` of rows holds than a random one."""
        return self.recall_at(share) / share


def auc(happened: NDArray[Any], said: NDArray[Any], weights: NDArray[Any] | None = None) -> Any:
    """Area under the ROC curve: P(a churner scores above a stayer). NaN with one class only.

    >>> auc(np.array([True, False, True, False]), np.array([0.9, 0.8, 0.7, 0.1]))
    0.75
    """
    return answer(Ranked.of(happened, said, weights).auc(), weights)


def average_precision(happened: NDArray[Any], said: NDArray[Any], weights: NDArray[Any] | None = None) -> Any:
    """Area under the precision-recall curve, as a step function.

    >>> round(average_precision(np.array([True, False, True]), np.array([0.9, 0.8, 0.7])), 4)
    0.8333
    """
    return answer(Ranked.of(happened, said, weights).average_precision(), weights)


def recall_at(
    happened: NDArray[Any], said: NDArray[Any], share: float = 0.1, weights: NDArray[Any] | None = None
) -> Any:
    """Share of the churners that are in the riskiest `share` of customers.

    >>> recall_at(np.array([1, 0, 1, 0]), np.array([0.9, 0.8, 0.7, 0.1]), 0.25)
    0.5
    """
    return answer(Ranked.of(happened, said, weights).recall_at(share), weights)


def lift_at(happened: NDArray[Any], said: NDArray[Any], share: float = 0.1, weights: NDArray[Any] | None = None) -> Any:
    """Churn rate in the riskiest `share` of customers over the churn rate of all.

    >>> lift_at(np.array([1, 0, 1, 0]), np.array([0.9, 0.8, 0.7, 0.1]), 0.25)
    2.0
    """
    return answer(Ranked.of(happened, said, weights).lift_at(share), weights)


def lift_curve(happened: NDArray[Any], said: NDArray[Any], points: int = 20) -> list[dict[str, float]]:
    """Recall and lift at `points` equal steps of depth, for a plot.

    >>> lift_curve(np.array([1, 0]), np.array([0.9, 0.1]), 2)
    [{'share': 0.5, 'recall': 1.0, 'lift': 2.0}, {'share': 1.0, 'recall': 1.0, 'lift': 1.0}]
    """
    ranked = Ranked.of(happened, said)
    curve = []
    for share in np.arange(1, points + 1) / points:
        recall = float(ranked.recall_at(float(share))[0])
        curve.append({"share": float(share), "recall": recall, "lift": recall / float(share)})
    return curve


def answer(values: Floats, weights: NDArray[Any] | None) -> Any:
    """A plain float for one weighting, a vector for many."""
    return values if weights is not None and np.ndim(weights) == 2 else float(values[0])


def _ratio(top: Floats, bottom: Floats) -> Floats:
    return np.asarray(np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > 0))
