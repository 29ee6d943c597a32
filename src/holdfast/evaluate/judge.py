"""Every metric of every model at every test cutoff, with intervals and paired gains, in one pass over the replicates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Cutoff
from holdfast.core.results import Score
from holdfast.core.tables import Slices
from holdfast.evaluate.settings import EvaluateSettings
from holdfast.metrics.bootstrap import customer_codes, interval, replicates
from holdfast.metrics.forecast import LESS_IS_BETTER, METRICS, forecast_metrics, gain

Floats = NDArray[np.float64]
#: Metrics whose paired gains are reported.
PAIRED = ("auc", "average_precision", "log_loss", "brier")


@dataclass(frozen=True)
class Judged:
    """Point values and replicates, by cutoff, model and metric."""

    cutoffs: tuple[Cutoff, ...]
    models: tuple[str, ...]
    rows: Mapping[Cutoff, int]
    points: Mapping[tuple[Cutoff, str, str], float]
    draws: Mapping[tuple[Cutoff, str, str], Floats]

    def pooled(self, model: str, metric: str) -> tuple[float, Floats]:
        """Mean over cutoffs, and its replicates (the same customers drawn at every cutoff)."""
        point = float(np.mean([self.points[c, model, metric] for c in self.cutoffs]))
        return point, np.mean([self.draws[c, model, metric] for c in self.cutoffs], axis=0)


def judge(
    slices: Slices, said: Mapping[str, Mapping[Cutoff, Floats]], cutoffs: Sequence[Cutoff],
    settings: EvaluateSettings, seed: int,
) -> Judged:  # fmt: skip
    """Compute everything for these cutoffs; a row counts as much as its weight (0: it was contacted)."""
    tests = {one: slices.at([one]) for one in cutoffs}
    codes, customers = customer_codes([test.features.key.customer_id for test in tests.values()])
    points: dict[tuple[Cutoff, str, str], float] = {}
    draws: dict[tuple[Cutoff, str, str], list[Floats]] = {}
    for cutoff, test in tests.items():
        for model, of in said.items():
            found = forecast_metrics(test.outcomes.churned, of[cutoff], test.counted, threshold=settings.threshold)
            points |= {(cutoff, model, metric): float(value) for metric, value in found.items()}
    for weights in replicates(customers, settings.replicates, seed):
        for (cutoff, test), code in zip(tests.items(), codes, strict=True):
            drawn = weights[:, code] if test.counted is None else weights[:, code] * test.counted
            for model, of in said.items():
                more = forecast_metrics(test.outcomes.churned, of[cutoff], drawn, threshold=settings.threshold)
                for metric, values in more.items():
                    draws.setdefault((cutoff, model, metric), []).append(values)
    joined = {key: np.concatenate(parts) for key, parts in draws.items()}
    return Judged(tuple(cutoffs), tuple(said), {c: counted_rows(t) for c, t in tests.items()}, points, joined)


def counted_rows(test: Slices) -> int:
    """How many rows a score rests on: those that weigh anything."""
    return len(test) if test.counted is None else int((test.counted > 0).sum())


def scores(judged: Judged, settings: EvaluateSettings, *, data: str, what: str, zone: str) -> list[Score]:
    """The rows of `backtest.json`: by cutoff, pooled, worst, spread, and paired gains."""
    found: list[Score] = []
    for cutoff in judged.cutoffs:
        protocol = f"{what}, test {cutoff.local_day(zone)}"
        for model in judged.models:
            for metric in METRICS:
                low, high = interval(judged.draws[cutoff, model, metric], settings.level)
                value = judged.points[cutoff, model, metric]
                found.append(Score("backtest", data, protocol, model, metric, value, low, high, judged.rows[cutoff]))
    return found + _pooled(judged, settings, data, what) + gains(judged, settings, data=data, what=what)


def _pooled(judged: Judged, settings: EvaluateSettings, data: str, what: str) -> list[Score]:
    found: list[Score] = []
    many, n = len(judged.cutoffs), sum(judged.rows.values())
    for model in judged.models:
        for metric in METRICS:
            values = np.array([judged.points[c, model, metric] for c in judged.cutoffs])
            mean, draws = judged.pooled(model, metric)
            low, high = interval(draws, settings.level)
            worst = float(values.max() if metric in LESS_IS_BETTER else values.min())
            found.append(
                Score("backtest", data, f"{what}, mean of {many} test cutoffs", model, metric, mean, low, high, n)
            )
            found.append(Score("backtest", data, f"{what}, worst of {many} test cutoffs", model, metric, worst, n=n))
            if many > 1:
                spread = float(values.std(ddof=1))
                protocol = f"{what}, standard deviation over {many} test cutoffs"
                found.append(Score("backtest", data, protocol, model, metric, spread, n=n))
    return found


def gains(judged: Judged, settings: EvaluateSettings, *, data: str, what: str) -> list[Score]:
    """Paired gains of every model over every simpler one, pooled over cutoffs; positive is better."""
    found: list[Score] = []
    many, n = len(judged.cutoffs), sum(judged.rows.values())
    for place, model in enumerate(judged.models):
        for over in judged.models[:place]:
            for metric in PAIRED:
                ours, theirs = judged.pooled(model, metric), judged.pooled(over, metric)
                low, high = interval(gain(metric, ours[1], theirs[1]), settings.level)
                protocol = f"{what}, paired gain over {over}, mean of {many} test cutoffs"
                value = float(gain(metric, ours[0], theirs[0]))
                found.append(Score("backtest", data, protocol, model, metric, value, low, high, n))
    return found
