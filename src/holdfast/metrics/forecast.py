"""All metrics of a churn forecast at once, under the names that `backtest.json` uses."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from holdfast.metrics.decision import at_threshold
from holdfast.metrics.probability import brier, ece, log_loss
from holdfast.metrics.ranking import Ranked, answer

#: Parts of the population whose lift and recall are reported.
DEPTHS = (0.05, 0.10, 0.20)
#: Metrics where less is better; of all others more is better.
LESS_IS_BETTER = frozenset({"log_loss", "brier", "ece"})
METRICS = (
    "auc", "average_precision", "log_loss", "brier", "ece", "accuracy", "precision", "recall", "f1",
    *(f"lift_at_{round(100 * depth)}pct" for depth in DEPTHS),
    *(f"recall_at_{round(100 * depth)}pct" for depth in DEPTHS),
)  # fmt: skip


def forecast_metrics(
    happened: NDArray[Any], said: NDArray[Any], weights: NDArray[Any] | None = None, *, threshold: float = 0.5
) -> dict[str, Any]:
    """Every metric of METRICS; with a (replicates x rows) weight matrix, a vector of each.

    >>> import numpy as np
    >>> found = forecast_metrics(np.array([1, 0, 1, 0]), np.array([0.9, 0.8, 0.7, 0.1]))
    >>> found["auc"], tuple(found) == METRICS
    (0.75, True)
    """
    ranked = Ranked.of(happened, said, weights)
    found: dict[str, Any] = {
        "auc": answer(ranked.auc(), weights),
        "average_precision": answer(ranked.average_precision(), weights),
        "log_loss": log_loss(happened, said, weights),
        "brier": brier(happened, said, weights),
        "ece": ece(happened, said, weights),
        **at_threshold(happened, said, threshold, weights),
    }
    recalls = {depth: ranked.recall_at(depth) for depth in DEPTHS}
    found |= {f"lift_at_{round(100 * depth)}pct": answer(r / depth, weights) for depth, r in recalls.items()}
    return found | {f"recall_at_{round(100 * depth)}pct": answer(r, weights) for depth, r in recalls.items()}


def gain(metric: str, ours: Any, theirs: Any) -> Any:
    """How much better `ours` is, positive when better, whichever way the metric runs.

    >>> round(gain("log_loss", 0.50, 0.60), 2), round(gain("auc", 0.70, 0.60), 2)
    (0.1, 0.1)
    """
    return theirs - ours if metric in LESS_IS_BETTER else ours - theirs
