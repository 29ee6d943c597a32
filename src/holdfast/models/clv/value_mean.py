"""The mean of several value models, in logarithms: their errors differ more than their forecasts do."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Horizon
from holdfast.core.tables import FeatureTable, Outcomes
from holdfast.models.clv.registry import (
    VALUE_FITTED,
    VALUE_MODELS,
    ValueFitted,
    balance,
    row_weights,
    spend_of,
)
from holdfast.models.pack import pack, require_rows, unpack

Floats = NDArray[np.float64]
#: Logarithms need something to stand on: a thousandth of a currency unit.
_LEAST = 1e-3


@dataclass(frozen=True)
class ValueMeanFit:
    """Fitted members and the level at which their geometric mean sums to what was spent."""

    model_id: str
    horizon: Horizon
    members: tuple[ValueFitted, ...]
    level: float

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for one in self.members for name in one.columns))

    def predict(self, features: FeatureTable) -> Floats:
        """Mean spend of each row over the horizon, currency units."""
        return self.level * geometric([one.predict(features) for one in self.members])

    def to_bytes(self) -> bytes:
        members = [json.loads(one.to_bytes()) for one in self.members]
        return pack(self.model_id, horizon=str(self.horizon), members=members, level=self.level)

    @classmethod
    def from_bytes(cls, data: bytes) -> ValueMeanFit:
        saved = unpack(data)
        members = tuple(VALUE_FITTED[one["kind"]].from_bytes(json.dumps(one).encode()) for one in saved["members"])
        return cls(saved["kind"], Horizon.parse(saved["horizon"]), members, float(saved["level"]))


@dataclass(frozen=True)
class ValueMean:
    """Members are value models by id, each with its own defaults."""

    model_id: ClassVar[str] = "value_mean"
    members: tuple[str, ...] = ("two_part_gamma", "two_part_lognormal", "tweedie", "ziln")
    half_life_days: float = 90.0

    def fit(self, features: FeatureTable, outcomes: Outcomes, *, weights: Floats | None = None) -> ValueMeanFit:
        require_rows(outcomes, self.model_id)
        fits = tuple(VALUE_MODELS[name]().fit(features, outcomes, weights=weights) for name in self.members)
        return mean_of(fits, features, outcomes, row_weights(features, self.half_life_days, weights))


def mean_of(
    members: tuple[ValueFitted, ...], features: FeatureTable, outcomes: Outcomes, weight: Floats
) -> ValueMeanFit:
    """The mean of models already fitted on these rows."""
    start = ValueMeanFit(ValueMean.model_id, outcomes.horizon, members, 1.0)
    return replace(start, level=balance(spend_of(outcomes), start.predict(features), weight))


def geometric(said: list[Floats]) -> Floats:
    """The geometric mean of forecasts; 0 where all of them are.

    >>> geometric([np.array([1.0, 0.0]), np.array([4.0, 0.0])]).tolist()
    [2.0, 0.0]
    """
    many = np.array(said)
    middle = np.exp(np.log(np.maximum(many, _LEAST)).mean(axis=0))
    return np.where(many.max(axis=0, initial=0.0) > 0, middle, 0.0)


VALUE_MODELS.add(ValueMean.model_id, ValueMean)
VALUE_FITTED.add(ValueMean.model_id, ValueMeanFit)
