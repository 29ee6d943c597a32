"""The same metrics by kind of customer: a forecast that is good on average may be useless for newcomers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Cutoff
from holdfast.core.tables import FeatureTable, Slices
from holdfast.evaluate.judge import counted_rows
from holdfast.evaluate.settings import EvaluateSettings
from holdfast.metrics.bootstrap import customer_codes, interval, replicates
from holdfast.metrics.forecast import forecast_metrics
from holdfast.models.columns import ROLES

Floats = NDArray[np.float64]
#: Role -> (edge below which, name of the segment): the last one has no edge.
_EDGES: dict[str, tuple[tuple[float, str], ...]] = {
    "orders": ((1.5, "one order"), (4.5, "2 to 4 orders"), (np.inf, "5 orders or more")),
    "silence": ((30.5, "silent up to 30 days"), (90.5, "silent 31 to 90 days"), (np.inf, "silent over 90 days")),
}
_SHOWN = ("auc", "average_precision", "log_loss", "brier", "ece")
#: Under so many rows, or with fewer of either class, a segment is counted but not scored.
_LEAST = 50
_LEAST_CLASS = 10


def segment_scores(
    slices: Slices, said: Mapping[Cutoff, Floats], settings: EvaluateSettings, seed: int
) -> list[dict[str, Any]]:
    """One dict for each segment: by, segment, n, churn_rate, mean_said, and {metric: {value, low, high}}."""
    cutoffs = sorted(said)
    test = slices.at(cutoffs)
    # rows of a slice table stand in cutoff order only if it was built so: align by mask, not by position
    aligned = np.empty(len(test))
    for one in cutoffs:
        aligned[test.features.key.at([one])] = said[one]
    found = []
    for by, label in segmentings(test.features).items():
        names = label(test.features)
        for segment in dict.fromkeys(name for _, name in _EDGES[by]):
            inside = names == segment
            if inside.any():
                found.append(
                    {"by": by, "segment": segment, **_scored(test.take(inside), aligned[inside], settings, seed)}
                )
    return found


def segmentings(features: FeatureTable) -> dict[str, Callable[[FeatureTable], NDArray[np.str_]]]:
    """The ways of cutting the population that this feature table allows."""
    ways: dict[str, Callable[[FeatureTable], NDArray[np.str_]]] = {}
    for role, edges in _EDGES.items():
        column = next((name for name in ROLES[role] if name in features.names), None)
        if column is not None:
            ways[role] = _cutter(column, edges)
    return ways


def _cutter(column: str, edges: tuple[tuple[float, str], ...]) -> Callable[[FeatureTable], NDArray[np.str_]]:
    names = np.array([name for _, name in edges])
    limits = np.array([edge for edge, _ in edges[:-1]])
    return lambda features: names[np.searchsorted(limits, np.nan_to_num(features.column(column), nan=0.0))]


def _scored(test: Slices, said: Floats, settings: EvaluateSettings, seed: int) -> dict[str, Any]:
    happened, weight = test.outcomes.churned, test.counted
    rate, mean = (float(np.average(one, weights=weight)) for one in (happened, said))
    facts: dict[str, Any] = {"n": counted_rows(test), "churn_rate": rate, "mean_said": mean, "metrics": {}}
    seen = np.ones(len(test), bool) if weight is None else weight > 0
    classes = int((happened & seen).sum()), int((~happened & seen).sum())
    if len(test) < _LEAST or min(classes) < _LEAST_CLASS:
        return facts
    (code,), customers = customer_codes([test.features.key.customer_id])
    points = forecast_metrics(happened, said, weight)
    drawn = (w[:, code] for w in replicates(customers, min(200, settings.replicates), seed))
    chunks = [forecast_metrics(happened, said, w if weight is None else w * weight) for w in drawn]
    for metric in _SHOWN:
        low, high = interval(np.concatenate([chunk[metric] for chunk in chunks]), settings.level)
        facts["metrics"][metric] = {"value": points[metric], "low": low, "high": high}
    return facts
