"""Carry forward: the next horizon brings what the last one brought. What a value model has to beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Horizon
from holdfast.core.errors import UsageError
from holdfast.core.tables import FeatureTable, Outcomes
from holdfast.models.clv.registry import VALUE_FITTED, VALUE_MODELS
from holdfast.models.pack import pack, require_rows, unpack

Floats = NDArray[np.float64]
#: Windows of revenue that features have, in days.
_WINDOWS = (7, 30, 60, 90, 180)


@dataclass(frozen=True)
class CarryForwardFit:
    """Revenue of one window, times horizon over window."""

    model_id: str
    columns: tuple[str, ...]
    horizon: Horizon
    factor: float

    def predict(self, features: FeatureTable) -> Floats:
        """Spend of the window before the cutoff, brought to the horizon's length."""
        seen = features.column(self.columns[0]).astype(np.float64)
        return np.maximum(np.nan_to_num(seen, nan=0.0, posinf=0.0, neginf=0.0), 0.0) * self.factor

    def to_bytes(self) -> bytes:
        return pack(self.model_id, horizon=str(self.horizon), columns=list(self.columns), factor=self.factor)

    @classmethod
    def from_bytes(cls, data: bytes) -> CarryForwardFit:
        saved = unpack(data)
        return cls(saved["kind"], tuple(saved["columns"]), Horizon.parse(saved["horizon"]), float(saved["factor"]))


@dataclass(frozen=True)
class CarryForward:
    """Learns nothing: it takes the window whose length is nearest to the horizon."""

    model_id: ClassVar[str] = "carry_forward"

    def fit(self, features: FeatureTable, outcomes: Outcomes, *, weights: Floats | None = None) -> CarryForwardFit:
        require_rows(outcomes, self.model_id)
        days = outcomes.horizon.days
        known = [one for one in _WINDOWS if f"revenue_{one}d" in features.names]
        if not known:
            raise UsageError(
                "carry_forward needs revenue over some window", remedy="build the features with 'revenue_90d'"
            )
        window = min(known, key=lambda one: (abs(np.log(one / days)), one))
        return CarryForwardFit(self.model_id, (f"revenue_{window}d",), outcomes.horizon, days / window)


VALUE_MODELS.add(CarryForward.model_id, CarryForward)
VALUE_FITTED.add(CarryForward.model_id, CarryForwardFit)
