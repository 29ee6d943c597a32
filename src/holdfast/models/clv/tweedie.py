"""Tweedie trees: zeros and skewed amounts in one loss, as insurers price claims (Jorgensen & Paes de Souza 1994)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Horizon
from holdfast.core.tables import FeatureTable, Outcomes
from holdfast.models.clv.boost import Boosting, Trees, fit_trees
from holdfast.models.clv.registry import (
    CEILING,
    FEWEST_SPENDERS,
    VALUE_FITTED,
    VALUE_MODELS,
    balance,
    row_weights,
    spend_of,
)
from holdfast.models.columns import customer_columns
from holdfast.models.pack import pack, require_rows, unpack

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TweedieFit:
    """Trees of spend, held below a ceiling."""

    model_id: str
    horizon: Horizon
    trees: Trees
    level: float
    ceiling: float

    @property
    def columns(self) -> tuple[str, ...]:
        return self.trees.columns

    def predict(self, features: FeatureTable) -> Floats:
        """Mean spend of each row over the horizon, currency units."""
        return np.clip(self.level * self.trees.predict(features), 0.0, self.ceiling)

    def to_bytes(self) -> bytes:
        return pack(
            self.model_id, horizon=str(self.horizon), trees=self.trees.as_dict(), level=self.level, ceiling=self.ceiling
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> TweedieFit:
        saved = unpack(data)
        horizon = Horizon.parse(saved["horizon"])
        trees = Trees.from_dict(saved["trees"])
        return cls(saved["kind"], horizon, trees, float(saved["level"]), float(saved["ceiling"]))


@dataclass(frozen=True)
class Tweedie:
    """LightGBM with a Tweedie deviance of `power` between Poisson (1) and gamma (2)."""

    model_id: ClassVar[str] = "tweedie"
    power: float = 1.5
    half_life_days: float = 90.0
    boosting: Boosting = field(default_factory=Boosting)

    def fit(self, features: FeatureTable, outcomes: Outcomes, *, weights: Floats | None = None) -> TweedieFit:
        require_rows(outcomes, self.model_id)
        spend, weight = spend_of(outcomes), row_weights(features, self.half_life_days, weights)
        trees = fit_trees(
            "tweedie", self.boosting, features, customer_columns(features), spend, weight,
            fewest=FEWEST_SPENDERS, tweedie_variance_power=self.power,
        )  # fmt: skip
        start = TweedieFit(self.model_id, outcomes.horizon, trees, 1.0, CEILING * float(spend.max()))
        return replace(start, level=balance(spend, start.predict(features), weight))


VALUE_MODELS.add(Tweedie.model_id, Tweedie)
VALUE_FITTED.add(Tweedie.model_id, TweedieFit)
