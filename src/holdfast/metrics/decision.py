"""How good the decisions at a threshold are: accuracy, precision, recall and F1."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.metrics.ranking import answer


def at_threshold(
    happened: NDArray[Any], said: NDArray[Any], threshold: float = 0.5, weights: NDArray[Any] | None = None
) -> dict[str, Any]:
    """The four metrics when everybody with `said >= threshold` is called a churner.

    Precision is NaN when nobody is called, recall is NaN when nobody churned: never a plausible 0.

    >>> at_threshold(np.array([1, 0, 1, 0]), np.array([0.9, 0.8, 0.2, 0.1]))
    {'accuracy': 0.5, 'precision': 0.5, 'recall': 0.5, 'f1': 0.5}
    """
    y = np.asarray(happened, np.float64)
    called = (np.asarray(said, np.float64) >= threshold).astype(np.float64)
    weight = np.ones((1, len(y))) if weights is None else np.atleast_2d(weights).astype(np.float64)
    hits, calls, churners, total = weight @ (y * called), weight @ called, weight @ y, weight.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = {
            "accuracy": (total - calls - churners + 2 * hits) / total,
            "precision": hits / calls,
            "recall": hits / churners,
            "f1": 2 * hits / (calls + churners),
        }
    return {name: answer(value, weights) for name, value in values.items()}
