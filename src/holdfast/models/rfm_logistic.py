"""Recency, frequency, monetary value: what most shops would use if they used a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from holdfast.core.models import FITTED, MODELS
from holdfast.models.linear import LinearFit, RoleLogistic


@dataclass(frozen=True)
class RfmLogistic(RoleLogistic):
    """Logistic regression on the logs of days since the last order, orders and revenue so far."""

    model_id: ClassVar[str] = "rfm_logistic"
    roles: ClassVar[tuple[str, ...]] = ("silence", "orders", "spend")


MODELS.add(RfmLogistic.model_id, RfmLogistic)
FITTED.add(RfmLogistic.model_id, LinearFit)
