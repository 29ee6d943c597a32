"""Predicting forward: at each cutoff, models that know only slices whose label windows had closed by then.

Two predictions are kept for each row. `raw` comes from the model fitted on everybody: it is judged, and published.
`crossed` comes from a model that has seen neither the slice nor the customer: calibrators learn from it.
"""

from __future__ import annotations

import zlib
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
from holdfast.models.fitting import fit_on
from holdfast.models.intervals import join

Floats = NDArray[np.float64]
#: Thinning leaves at least so many slices.
_KEPT_SLICES = 6


@dataclass(frozen=True)
class Forward:
    """Predictions of every model at every judged cutoff, aligned with the rows of `slices` there."""

    slices: Slices
    closes_after: tuple[Duration, ...]  # gap and horizon
    raw: Mapping[str, Mapping[Cutoff, Floats]]
    crossed: Mapping[str, Mapping[Cutoff, Floats]]
    known: dict[tuple[str, Cutoff, str], Any] = field(default_factory=dict, repr=False)  # corrections already fitted

    def closed(self, model: str, by: Cutoff) -> list[Cutoff]:
        """Judged cutoffs whose label windows had closed at `by`, oldest first."""
        return [one for one in sorted(self.raw[model]) if one.plus(*self.closes_after) <= by]

    def evidence(self, model: str, cutoffs: Sequence[Cutoff], *, crossed: bool = True) -> Evidence:
        """What the model said and what happened at these cutoffs."""
        said = self.crossed[model] if crossed else self.raw[model]
        parts, lag = [], sum(length.micros for length in self.closes_after)
        for one in cutoffs:
            happened = self.slices.at([one]).outcomes.churned
            parts.append(Evidence(said[one], happened, np.full(len(happened), one.micros), lag))
        return join(parts)


def predict_forward(
    slices: Slices, models: Mapping[str, Model], at: Sequence[Cutoff], closes_after: tuple[Duration, ...],
    settings: EvaluateSettings, progress: Progress = SILENT,
) -> Forward:  # fmt: skip
    """Fit every model at every cutoff and predict it; `(1 + folds)` fits each."""
    raw: dict[str, dict[Cutoff, Floats]] = {name: {} for name in models}
    crossed: dict[str, dict[Cutoff, Floats]] = {name: {} for name in models}
    done, total = 0, len(at) * len(models)
    for cutoff in at:
        train = training(slices, cutoff, closes_after, settings)
        test = slices.at([cutoff])
        part, test_part = parts_of(train, settings.folds), parts_of(test, settings.folds)
        for name, model in models.items():
            progress.step("backtest", done, total)
            raw[name][cutoff] = fit_on(model, train).predict(test.features).p_churn
            crossed[name][cutoff] = _crossed(model, train, test, part, test_part, raw[name][cutoff])
            done += 1
    progress.step("backtest", total, total)
    return Forward(slices, closes_after, raw, crossed)


def training(slices: Slices, cutoff: Cutoff, closes_after: tuple[Duration, ...], settings: EvaluateSettings) -> Slices:
    """The slices that may train for this cutoff; with too many rows thinned by slice, then sampled by customer."""
    closed = [one for one in slices.cutoffs if one.plus(*closes_after) <= cutoff]
    train = slices.at(closed)
    train = replace(train, outcomes=train.outcomes.known_by(cutoff, closes_after[0]))
    thin = 1
    while len(train) > settings.max_train_rows and len(closed) >= 2 * _KEPT_SLICES * thin:
        thin += 1  # neighbouring slices tell nearly the same: leave out every second, then two of three, ...
        train = train.at(closed[::-1][::thin])
    share = settings.max_train_rows / max(len(train), 1)
    return train if share >= 1 else train.take(hashed(train) < share * 2**32)


def hashed(slices: Slices) -> NDArray[np.int64]:
    """A number from 0 to 2^32 for each customer, the same in every run and in any row order."""
    ids = slices.features.key.customer_id.dictionary_encode()
    numbers = np.array([zlib.crc32(b"holdfast" + str(one).encode()) for one in ids.dictionary.to_pylist()], np.int64)
    return numbers[np.asarray(ids.indices)] if len(numbers) else np.array([], np.int64)


def parts_of(slices: Slices, folds: int) -> NDArray[np.int64]:
    """Which part of the customers each row belongs to."""
    return hashed(slices) // 7 % folds


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
