"""How good the predictions for unseen rows are, with intervals; which model is worth its complexity; what copies hide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.app.table.fit import Unseen
from holdfast.core.results import Score
from holdfast.metrics.bootstrap import interval, replicates
from holdfast.metrics.forecast import METRICS, forecast_metrics, gain
from holdfast.metrics.probability import log_losses

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
#: Bootstrap replicates for tables up to so many rows: each costs a pass over all of them.
REPLICATES = ((40_000, 400), (150_000, 200), (10**12, 100))
LEVEL = 0.95
PAIRED = ("auc", "average_precision", "log_loss", "brier")


@dataclass(frozen=True)
class Step:
    """One comparison on the way to the chosen model: mean log loss gained over the one held so far, 95% interval."""

    model: str
    over: str
    gain: float
    low: float | None
    high: float | None
    taken: bool


@dataclass(frozen=True)
class Verdict:
    """Scores of every model, the one chosen, and the comparisons that chose it."""

    chosen: str
    steps: tuple[Step, ...]
    points: Mapping[tuple[str, str], float]
    bounds: Mapping[tuple[str, str], tuple[float | None, float | None]]
    gains: Mapping[str, tuple[float, float | None, float | None]]  # of the chosen over the best single column
    after_choosing: tuple[float, float | None, float | None]
    n: int

    def scores(self, bench: str, data: str, protocol: str) -> list[Score]:
        """The rows of a bench or of `table.json`."""
        return [
            Score(bench, data, protocol, model, metric, value, *self.bounds[model, metric], self.n)
            for (model, metric), value in self.points.items()
        ]


def judge(found: Mapping[str, Unseen], happened: NDArray[np.bool_], groups: Codes, *, seed: int) -> Verdict:
    """Judge all models on the rows that were tested. Equal rows (`groups`) are resampled together.

    A score is the mean over the repeats; its interval resamples rows, not the cut into folds.
    """
    names = list(found)
    tested = ~np.isnan(found[names[0]].said[0])
    y, code = happened[tested], np.unique(groups[tested], return_inverse=True)[1]
    said = {name: found[name].said[:, tested] for name in names}
    draws: dict[tuple[str, str], list[Floats]] = {}
    losses = {name: np.mean([log_losses(y, p) for p in said[name]], axis=0) for name in names}
    mean_losses: dict[str, list[Floats]] = {name: [] for name in names}
    count = next(many for most, many in REPLICATES if len(y) <= most)
    for counts in replicates(int(code.max()) + 1, count, seed, cells=2_000_000):
        weights = counts[:, code]
        total = np.maximum(weights.sum(axis=1), 1.0)
        for name in names:
            mean_losses[name].append(weights @ losses[name] / total)
            for metric, values in _mean_metrics(y, said[name], weights).items():
                draws.setdefault((name, metric), []).append(values)
    joined = {key: np.concatenate(parts) for key, parts in draws.items()}
    points = {(name, m): v for name in names for m, v in _mean_metrics(y, said[name], None).items()}
    chosen, steps = _ladder(names, losses, {name: np.concatenate(mean_losses[name]) for name in names})
    over = "one_column" if "one_column" in names else names[0]
    gains = {m: _paired(m, chosen, over, points, joined) for m in PAIRED}
    return Verdict(
        chosen, steps, points, {key: interval(one, LEVEL) for key, one in joined.items()}, gains,
        after_choosing(losses, code, seed), len(y),
    )  # fmt: skip


def _mean_metrics(y: NDArray[np.bool_], said: Floats, weights: Floats | None) -> dict[str, Any]:
    each = [forecast_metrics(y, p, weights) for p in said]
    return {metric: np.mean([one[metric] for one in each], axis=0) for metric in METRICS}


def _ladder(
    names: list[str], losses: Mapping[str, Floats], draws: Mapping[str, Floats]
) -> tuple[str, tuple[Step, ...]]:
    """The simplest model, unless a later one's gain in log loss has an interval above zero."""
    chosen, steps = names[0], []
    for name in names[1:]:
        low, high = interval(draws[chosen] - draws[name], LEVEL)
        taken = low is not None and low > 0
        steps.append(Step(name, chosen, float((losses[chosen] - losses[name]).mean()), low, high, taken))
        chosen = name if taken else chosen
    return chosen, tuple(steps)


def _paired(metric: str, ours: str, theirs: str, points: Any, draws: Any) -> tuple[float, float | None, float | None]:
    low, high = interval(gain(metric, draws[ours, metric], draws[theirs, metric]), LEVEL)
    return float(gain(metric, points[ours, metric], points[theirs, metric])), low, high


def after_choosing(
    losses: Mapping[str, Floats], code: Codes, seed: int, count: int = 200
) -> tuple[float, float | None, float | None]:
    """Log loss of "take the best of them", judged on rows that did not choose (Tsamardinos et al. 2018, BBC-CV).

    In each replicate the model with the least loss on the drawn rows is judged on those not drawn: what choosing among
    several models flatters is taken off.
    """
    table = np.array([losses[name] for name in losses])
    found = []
    for counts in replicates(int(code.max()) + 1, count, seed + 1, cells=2_000_000):
        for weight in counts[:, code]:
            out = weight == 0
            if out.any() and not out.all():
                best = int(np.argmin(table @ weight))
                found.append(float(table[best, out].mean()))
    return (
        (float(np.mean(found)), *interval(np.array(found), LEVEL))
        if found
        else (float(table.mean(axis=1).min()), None, None)
    )
