"""Forecasts of closed slices by models that could not have known them: other customers', or earlier slices'."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Cutoff, Duration
from holdfast.core.errors import UsageError
from holdfast.core.progress import SILENT, Progress
from holdfast.core.tables import Slices
from holdfast.models.clv.registry import ValueFitted, ValueModel, row_weights
from holdfast.models.clv.value_mean import ValueMean, mean_of

Floats = NDArray[np.float64]
Said = dict[str, dict[Cutoff, Floats]]


def closed_by(slices: Slices, cutoff: Cutoff, gap: Duration) -> list[Cutoff]:
    """Cutoffs of `slices` whose label windows had closed at `cutoff`, oldest first."""
    return [one for one in slices.cutoffs if one.plus(gap, slices.outcomes.horizon) <= cutoff]


def known_at(slices: Slices, cutoff: Cutoff, gap: Duration, max_rows: int) -> Slices:
    """The slices that may train at `cutoff`, customers sampled down to about `max_rows` rows."""
    train = slices.at(closed_by(slices, cutoff, gap))
    train = replace(train, outcomes=train.outcomes.known_by(cutoff, gap))
    share = max_rows / max(len(train), 1)
    return train if share >= 1 else train.take(hashed(train) < share * 2**32)


def hashed(slices: Slices, salt: bytes = b"value") -> NDArray[np.int64]:
    """A number from 0 to 2^32 for each customer, the same in every run and in any row order."""
    ids = slices.features.key.customer_id.dictionary_encode()
    numbers = np.array([zlib.crc32(salt + str(one).encode()) for one in ids.dictionary.to_pylist()], np.int64)
    return numbers[np.asarray(ids.indices)] if len(numbers) else np.array([], np.int64)


def halves(slices: Slices) -> NDArray[np.int64]:
    """0 or 1 for each customer: who is forecast from the other half."""
    return hashed(slices, b"half") // 7 % 2


def fit_all(models: Mapping[str, ValueModel], slices: Slices) -> dict[str, ValueFitted]:
    """Every model on the same rows; the mean takes the members that are fitted anyway."""
    features, outcomes, weights = slices.features, slices.outcomes, slices.weights
    fits: dict[str, ValueFitted] = {}
    for name, model in models.items():
        if isinstance(model, ValueMean) and set(model.members) <= set(fits):
            weight = row_weights(features, model.half_life_days, weights)
            fits[name] = mean_of(tuple(fits[one] for one in model.members), features, outcomes, weight)
        else:
            fits[name] = model.fit(features, outcomes, weights=weights)
    return fits


def usable(models: Mapping[str, ValueModel], slices: Slices) -> dict[str, ValueModel]:
    """The models that find their columns in this table."""
    head, found = slices.take(np.arange(min(len(slices), 2))), {}
    for name, model in models.items():
        try:
            model.fit(head.features, head.outcomes)
        except UsageError:
            continue
        found[name] = model
    return found


def crossed(models: Mapping[str, ValueModel], train: Slices) -> dict[str, Floats]:
    """Each half of the customers forecast by models of the other half, aligned with the rows of `train`."""
    half = halves(train)
    said = {name: np.zeros(len(train)) for name in models}
    for one in (0, 1):
        others, mine = train.take(half != one), half == one
        if not mine.any():
            continue
        fits = fit_all(models, others if len(others) else train)
        for name, fit in fits.items():
            said[name][mine] = fit.predict(train.features.take(mine))
    return said


def forward(
    models: Mapping[str, ValueModel], slices: Slices, at: Sequence[Cutoff], gap: Duration, max_rows: int,
    progress: Progress = SILENT,
) -> tuple[Said, dict[Cutoff, dict[str, ValueFitted]]]:  # fmt: skip
    """At each cutoff the forecasts of models that know only slices closed by then, and these models."""
    said: Said = {name: {} for name in models}
    fits: dict[Cutoff, dict[str, ValueFitted]] = {}
    for done, cutoff in enumerate(at):
        progress.step("value", done, len(at))
        fits[cutoff] = fit_all(models, known_at(slices, cutoff, gap, max_rows))
        features = slices.features.at([cutoff])
        for name, fit in fits[cutoff].items():
            said[name][cutoff] = fit.predict(features)
    progress.step("value", len(at), len(at))
    return said, fits


def judgeable(slices: Slices, by: Cutoff, gap: Duration, *, behind: int = 2, count: int | None = None) -> list[Cutoff]:
    """Cutoffs closed by `by` that have `behind` closed slices before them; the newest `count`, oldest first."""
    good = [one for one in closed_by(slices, by, gap) if len(closed_by(slices, one, gap)) >= behind]
    return good if count is None else good[max(0, len(good) - count) :]
