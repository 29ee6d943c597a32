"""A small search for better hyper-parameters on earlier cutoffs: a few fits, each recorded, never on the test fold.

From a model's own settings one thing is changed at a time. A change is judged forward at closed cutoffs, by log loss with
each cutoff's level set right (the level is the calibrator's business), and kept only where it gains more than one standard
error of the paired gain: with little to tell settings apart, the given ones stay. Later changes build on kept ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Cutoff, Duration
from holdfast.core.models import Model
from holdfast.core.progress import SILENT, Progress
from holdfast.core.tables import Slices
from holdfast.evaluate.forward import training
from holdfast.evaluate.settings import EvaluateSettings
from holdfast.metrics.probability import log_losses
from holdfast.models.calibration import Evidence
from holdfast.models.fitting import fit_on
from holdfast.models.logit import logit, sigmoid

Floats = NDArray[np.float64]
Change = Mapping[str, Any]
#: What may be changed, the most promising first: few steps, wide apart.
CHANGES: dict[str, tuple[Change, ...]] = {
    "logistic": ({"l2": 300.0}, {"l2": 1000.0}, {"half_life_days": 0.0}, {"l2": 30.0}, {"half_life_days": 45.0}),
    "lightgbm": (
        {"leaves": 8}, {"rounds": 300}, {"learning_rate": 0.03}, {"min_rows_in_leaf": 500}, {"column_share": 0.3}
    ),
    "random_forest": ({"leaves": 32}, {"leaves": 128}, {"min_rows_in_leaf": 100}, {"column_share": 0.2}),
    "mlp": ({"hidden": 64}, {"decay": 1.0}, {"hidden": 16}, {"decay": 0.02}, {"dropout": 0.2}),
    "linear_svm": ({"l2": 1000.0}, {"l2": 100.0}, {"half_life_days": 0.0}),
    "decision_tree": ({"leaves": 8}, {"leaves": 20}, {"least_share": 0.04}),
    "rfm_logistic": ({"half_life_days": 0.0}, {"half_life_days": 45.0}),
}  # fmt: skip
#: Judged at so many of the newest closed cutoffs, whole horizons apart where there are enough.
_JUDGED_AT = 3


@dataclass(frozen=True)
class Tried:
    """One change: what it gained in mean log loss over the settings kept until then, and whether it was kept."""

    model: str
    change: Change
    gain: float
    error: float
    cutoffs: int
    kept: bool


def tune(
    slices: Slices, models: Mapping[str, Model], by: Cutoff, closes_after: tuple[Duration, ...],
    settings: EvaluateSettings, progress: Progress = SILENT,
) -> tuple[dict[str, Model], list[Tried]]:  # fmt: skip
    """The models with the changes that helped at cutoffs closed by `by`; at most `settings.tune_budget` are tried.

    The budget goes round the models, so that each gets its most promising change before any gets its second.
    """
    found, record = dict(models), list[Tried]()
    at = _judged_at(slices, by, closes_after, settings)
    if not at or settings.tune_budget <= 0:
        return found, record
    train = {one: training(slices, one, closes_after, settings) for one in at}
    losses: dict[str, list[Floats]] = {}
    for done, (name, change) in enumerate(_turns(models, settings.tune_budget)):
        progress.step("tuning", done, settings.tune_budget)
        if name not in losses:
            losses[name] = [_losses(found[name], train[one], slices.at([one])) for one in at]
        changed = replace(found[name], **change)  # type: ignore[type-var]  # every model is a dataclass
        if changed == found[name]:
            continue
        ours = [_losses(changed, train[one], slices.at([one])) for one in at]
        gain, error = _gain(losses[name], ours)
        kept = gain > error
        record.append(Tried(name, dict(change), gain, error, len(at), kept))
        if kept:
            found[name], losses[name] = changed, ours
    progress.step("tuning", settings.tune_budget, settings.tune_budget)
    return found, record


def _turns(models: Mapping[str, Model], budget: int) -> Iterator[tuple[str, Change]]:
    """Changes in turn over the models, as many as the budget allows."""
    able = [name for name in models if name in CHANGES]
    longest = max((len(CHANGES[name]) for name in able), default=0)
    turns = [(name, CHANGES[name][turn]) for turn in range(longest) for name in able if turn < len(CHANGES[name])]
    yield from turns[:budget]


def _judged_at(
    slices: Slices, by: Cutoff, closes_after: tuple[Duration, ...], settings: EvaluateSettings
) -> list[Cutoff]:
    """Closed cutoffs with enough training slices behind them, newest first, a horizon apart where there are enough."""
    able = [
        one
        for one in slices.cutoffs
        if one.plus(*closes_after) <= by
        and len(training(slices, one, closes_after, settings).cutoffs) >= settings.train_slices
    ]
    apart: list[Cutoff] = []
    for one in reversed(able):
        if not apart or one.plus(*closes_after) <= apart[-1]:
            apart.append(one)
    chosen = apart if len(apart) >= 2 else able[::-1]
    return chosen[:_JUDGED_AT]


def _losses(model: Model, train: Slices, test: Slices) -> Floats:
    """The log loss of each row, the cutoff's level set right."""
    said, happened = fit_on(model, train).predict(test.features).p_churn, test.outcomes.churned
    shift = Evidence(said, happened, test.features.key.cutoff).shifts()[0][0]
    return log_losses(happened, sigmoid(logit(said) + shift))


def _gain(before: Sequence[Floats], after: Sequence[Floats]) -> tuple[float, float]:
    """Mean paired gain over the cutoffs, and its standard error."""
    gains = [old - new for old, new in zip(before, after, strict=True)]
    error = np.sqrt(sum(float(one.var()) / len(one) for one in gains)) / len(gains)
    return float(np.mean([one.mean() for one in gains])), float(error)
