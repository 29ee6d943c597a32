"""Rows of `bench survival`: metrics with intervals at the newest cutoff, their mean over all, and the spread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.clock import Cutoff, Horizon
from holdfast.core.results import Score
from holdfast.core.tables import Slices

if TYPE_CHECKING:
    from holdfast.models.survival.curves import FittedCurves

Floats = NDArray[np.float64]
REPLICATES, SEED = 200, 1
#: One metric of one cutoff under a (replicates x rows) weight matrix, or none.
Metric = Callable[["Judged", Any], Any]


@dataclass(frozen=True)
class At:
    """What followed a cutoff, watched for the horizon only."""

    customer_id: pa.Array
    duration: Floats
    happened: NDArray[np.bool_]


@dataclass(frozen=True)
class Judged:
    """One cutoff: what each model said (rows x release days), the churn forecasts by horizon, CPU seconds."""

    cutoff: Cutoff
    test: Slices
    at: At
    said: dict[str, Floats]
    churn: dict[str, Floats]
    seconds: dict[str, float]
    curves: FittedCurves


def scores_of(name: str, judged: Sequence[Judged], horizon: Horizon, *, peak_mb: float) -> list[Score]:
    """Every metric of every model; paired gains of the hazard over the best other; the spread between cutoffs."""
    from holdfast.metrics.bootstrap import customer_codes, interval, replicates

    codes, customers = customer_codes([one.at.customer_id for one in judged])
    counts = np.concatenate(list(replicates(customers, REPLICATES, SEED)))
    found: list[Score] = []
    kept: dict[tuple[str, str], Floats] = {}
    for model, metric, protocol, measure in _asked(judged[0], horizon):
        values = np.array([measure(one, None) for one in judged], np.float64)
        if not np.isfinite(values).any():
            continue
        moved = np.array([measure(one, counts[:, code]) for one, code in zip(judged, codes, strict=True)])
        kept[model, f"{metric} {protocol}"] = moved
        seconds = round(float(np.mean([one.seconds.get(model, 0.0) for one in judged])), 2) or None
        newest = f"{protocol}, at {judged[-1].cutoff}, 95% by customers"
        low, high = interval(moved[-1])
        found.append(
            Score(
                "survival",
                name,
                newest,
                model,
                metric,
                float(values[-1]),
                low,
                high,
                len(judged[-1].test),
                seconds,
                peak_mb,
            )
        )
        low, high = interval(moved.mean(axis=0))
        mean = f"{protocol}, mean of {len(judged)} cutoffs, 95% by customers"
        found.append(Score("survival", name, mean, model, metric, float(values.mean()), low, high, len(judged)))
        spread = f"{protocol}, standard deviation between {len(judged)} cutoffs with extremes"
        found.append(
            Score(
                "survival",
                name,
                spread,
                model,
                metric,
                float(values.std(ddof=1)),
                values.min(),
                values.max(),
                len(judged),
            )
        )
    return found + _gains(name, kept, len(judged))


def _gains(name: str, kept: dict[tuple[str, str], Floats], cutoffs: int) -> list[Score]:
    """By how much the hazard is better than each other model, paired: the same customers in each replicate."""
    from holdfast.metrics.bootstrap import interval

    found = []
    for (model, what), moved in kept.items():
        metric, protocol = what.split(" ", 1)
        if model == "hazard" or metric not in ("concordance", "integrated_brier", "auc", "log_loss"):
            continue
        ours = kept["hazard", what]
        gain = (ours - moved if metric in ("concordance", "auc") else moved - ours).mean(axis=0)
        low, high = interval(gain)
        asked = f"{protocol}, gain in {metric}, mean of {cutoffs} cutoffs, paired, 95% by customers"
        found.append(
            Score("survival", name, asked, f"hazard over {model}", "gap", float(gain.mean()), low, high, cutoffs)
        )
    return found


def _asked(first: Judged, horizon: Horizon) -> list[tuple[str, str, str, Metric]]:
    """(model, metric, protocol, how) of everything that is measured."""
    from holdfast.models.survival.periods import RELEASE_DAYS

    days = [day for day in RELEASE_DAYS if day <= horizon.days]
    base = f"next order within {horizon}"
    asked: list[tuple[str, str, str, Metric]] = []
    for model in first.said:
        asked.append((model, "concordance", base, _concordance(model, len(days) - 1)))
        asked.append((model, "integrated_brier", base, _integrated(model, days)))
        for place, day in enumerate(days):
            off = f"survival said less happened, {day}d"
            asked.append((model, "bias", off, _daily("calibration_at", model, place, day)))
            if day >= 30:
                for metric, measure in (("brier", "brier_at"), ("ece", "ece_at")):
                    asked.append((model, metric, f"no order within {day}d", _daily(measure, model, place, day)))
    for text in first.churn:
        day = int(Horizon.parse(text).days)
        for model in (*first.said, "lightgbm"):
            for metric in ("auc", "log_loss"):
                asked.append((model, metric, f"churned, {text}", _churn(metric, model, RELEASE_DAYS.index(day), text)))
    return asked


def _concordance(model: str, last: int) -> Metric:
    from holdfast.metrics.survival import concordance

    return lambda one, w: concordance(one.at.duration, one.at.happened, -one.said[model][:, last], w)


def _integrated(model: str, days: list[int]) -> Metric:
    from holdfast.metrics.survival import integrated_brier

    ends = np.array(days, np.float64)
    return lambda one, w: integrated_brier(one.at.duration, one.at.happened, one.said[model][:, : len(days)], ends, w)


def _daily(metric: str, model: str, place: int, day: int) -> Metric:
    import holdfast.metrics.survival as metrics

    measure = getattr(metrics, metric)
    return lambda one, w: measure(one.at.duration, one.at.happened, one.said[model][:, place], float(day), w)


def _churn(metric: str, model: str, place: int, text: str) -> Metric:
    from holdfast.metrics.probability import log_loss
    from holdfast.metrics.ranking import auc

    measure = auc if metric == "auc" else log_loss

    def of(one: Judged, weights: Any) -> Any:
        from holdfast.models.survival.periods import RELEASE_DAYS

        said = one.churn[text] if model == "lightgbm" else one.said[model][:, place]
        churned = ~(one.at.happened & (one.at.duration < RELEASE_DAYS[place]))
        return measure(churned, said, weights)

    return of
