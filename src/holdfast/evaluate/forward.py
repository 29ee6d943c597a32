"""Predicting forward: at each cutoff, models that know only slices whose label windows had closed by then.

Two predictions are kept for each row. `raw` comes from the model fitted on everybody: it is judged, and published.
`crossed` comes from a model that has seen neither the slice nor the customer: calibrators learn from it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Cutoff, Duration
from holdfast.core.models import Model
from holdfast.core.progress import SILENT, Progress
from holdfast.core.tables import Slices
from holdfast.evaluate.settings import EvaluateSettings
from holdfast.models.calibration import Evidence
from holdfast.models.ensemble import Ensemble
from holdfast.models.fitting import fit_on
from holdfast.models.intervals import join
from holdfast.models.parts import hashed, parts_of
from holdfast.models.treated import drawn

Floats = NDArray[np.float64]
#: Thinning leaves at least so many slices.
_KEPT_SLICES = 6


@dataclass(frozen=True)
class Forward:
    """Predictions of every model at every judged cutoff, aligned with the rows of `slices` there."""

    slices: Slices
    closes_after: tuple[Duration, ...]  # gap and horizon
    raw: Mapping[str, dict[Cutoff, Floats]]
    crossed: Mapping[str, dict[Cutoff, Floats]]
    seconds: dict[str, float] = field(default_factory=dict, repr=False)  # processor time of each single model
    known: dict[tuple[str, Cutoff, str], Any] = field(default_factory=dict, repr=False)  # corrections already fitted

    def closed(self, model: str, by: Cutoff) -> list[Cutoff]:
        """Judged cutoffs whose label windows had closed at `by`, oldest first."""
        return [one for one in sorted(self.raw[model]) if one.plus(*self.closes_after) <= by]

    def evidence(self, model: str, cutoffs: Sequence[Cutoff], *, crossed: bool = True) -> Evidence:
        """What the model said and what happened at these cutoffs; rows with weights are drawn by them, alike for all models."""
        said = self.crossed[model] if crossed else self.raw[model]
        parts, lag = [], sum(length.micros for length in self.closes_after)
        for one in cutoffs:
            rows = self.slices.at([one])
            kept = np.arange(len(rows)) if rows.weights is None else drawn(rows.weights, np.arange(len(rows)))
            happened = rows.outcomes.churned[kept]
            parts.append(Evidence(said[one][kept], happened, np.full(len(happened), one.micros), lag))
        return join(parts)


def predict_forward(
    slices: Slices, models: Mapping[str, Model], at: Sequence[Cutoff], closes_after: tuple[Duration, ...],
    settings: EvaluateSettings, progress: Progress = SILENT,
) -> Forward:  # fmt: skip
    """Fit every model at every cutoff and predict it; `(1 + folds)` fits each. Ensembles combine what is there."""
    raw: dict[str, dict[Cutoff, Floats]] = {name: {} for name in models}
    crossed: dict[str, dict[Cutoff, Floats]] = {name: {} for name in models}
    single = {name: model for name, model in models.items() if not isinstance(model, Ensemble)}
    seconds = dict.fromkeys(single, 0.0)
    done, total = 0, len(at) * len(single)
    for cutoff in at:
        train = training(slices, cutoff, closes_after, settings)
        test = slices.at([cutoff])
        part, test_part = (parts_of(one.features.key.customer_id, settings.folds) for one in (train, test))
        for name, model in single.items():
            progress.step("backtest", done, total)
            started = time.process_time()
            raw[name][cutoff] = fit_on(model, train).predict(test.features).p_churn
            crossed[name][cutoff] = _crossed(model, train, test, part, test_part, raw[name][cutoff])
            seconds[name] += time.process_time() - started
            done += 1
    progress.step("backtest", total, total)
    forward = Forward(slices, closes_after, raw, crossed, seconds)
    for name, model in models.items():
        if isinstance(model, Ensemble):
            combine_forward(forward, name, model, at)
    return forward


def combine_forward(forward: Forward, name: str, model: Ensemble, at: Sequence[Cutoff]) -> None:
    """An ensemble's predictions from its members', its shares learnt at each cutoff from what had closed by then."""
    ids = [one for one, _ in model.members]
    for cutoff in at:
        then = settled(model, forward, cutoff)
        for said in (forward.raw, forward.crossed):
            said[name][cutoff] = then.combine([said[one][cutoff] for one in ids])


def settled(model: Ensemble, forward: Forward, by: Cutoff) -> Ensemble:
    """The ensemble with its shares as they could have been learnt at `by`."""
    closed = forward.closed(model.members[0][0], by)
    return model.settled([forward.evidence(name, closed) for name, _ in model.members])


def training(slices: Slices, cutoff: Cutoff, closes_after: tuple[Duration, ...], settings: EvaluateSettings) -> Slices:
    """The slices that may train for this cutoff; with too many rows thinned by slice, then sampled by customer."""
    closed = [one for one in slices.cutoffs if one.plus(*closes_after) <= cutoff]
    train = slices.at(closed)
    train = replace(train, outcomes=train.outcomes.known_by(cutoff, closes_after[0]))
    if train.weights is not None and (train.weights > 0).any():
        train = train.take(train.weights > 0)  # what is not learnt from must not crowd out what is
    whole, thin = train, 1
    while len(train) > settings.max_train_rows and len(closed) >= 2 * _KEPT_SLICES * thin:
        thin += 1  # neighbouring slices tell nearly the same: leave out every second, then two of three, ...
        train = whole.at(closed[::-1][::thin])
    share = settings.max_train_rows / max(len(train), 1)
    return train if share >= 1 else train.take(hashed(train.features.key.customer_id) < share * 2**32)


def _crossed(
    model: Model, train: Slices, test: Slices, part: NDArray[np.int64], test_part: NDArray[np.int64], raw: Floats
) -> Floats:
    """Each part predicted by the model of the others; where the others are nobody, the raw prediction stays."""
    said = raw.copy()
    for one in np.unique(test_part):
        others = train.take(part != one)
        if len(others):
            mine = test_part == one
            said[mine] = fit_on(model, others).predict(test.features.take(mine)).p_churn
    return said
