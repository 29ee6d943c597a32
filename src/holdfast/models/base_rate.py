"""Everybody gets the same answer: how often customers churned so far. Any other model must beat this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Horizon
from holdfast.core.models import FITTED, MODELS
from holdfast.core.tables import FeatureTable, Outcomes, Predictions
from holdfast.models.columns import slice_weights
from holdfast.models.logit import logit
from holdfast.models.pack import pack, require_rows, unpack


@dataclass(frozen=True)
class BaseRateFit:
    """The share that churned."""

    model_id: str
    columns: tuple[str, ...]
    horizon: Horizon
    p: float

    def predict(self, features: FeatureTable) -> Predictions:
        return Predictions(features.key, self.horizon, self.model_id, np.full(len(features), self.p))

    def contributions(self, features: FeatureTable) -> tuple[float, NDArray[np.float64]]:
        """The base rate in log-odds; no column adds anything."""
        return float(logit(np.array([self.p]))[0]), np.zeros((len(features), 0))

    def to_bytes(self) -> bytes:
        return pack(self.model_id, horizon=str(self.horizon), p=self.p)

    @classmethod
    def from_bytes(cls, data: bytes) -> BaseRateFit:
        saved = unpack(data)
        return cls(saved["kind"], (), Horizon.parse(saved["horizon"]), float(saved["p"]))


@dataclass(frozen=True)
class BaseRate:
    """The share of training rows that churned, with one customer of each kind added (Laplace): never 0 or 1."""

    model_id: ClassVar[str] = "base_rate"
    half_life_days: float = 90.0

    def fit(
        self, features: FeatureTable, outcomes: Outcomes, *, sequences: Any = None, assignments: Any = None,
        weights: NDArray[np.float64] | None = None,
    ) -> BaseRateFit:  # fmt: skip
        require_rows(outcomes, self.model_id)
        weight = slice_weights(features.key.cutoff, self.half_life_days) * (1.0 if weights is None else weights)
        p = (float(weight @ outcomes.churned) + 1) / (float(weight.sum()) + 2)
        return BaseRateFit(self.model_id, (), outcomes.horizon, p)


MODELS.add(BaseRate.model_id, BaseRate)
FITTED.add(BaseRate.model_id, BaseRateFit)
