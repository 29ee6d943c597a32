"""The baseline every shop knows: the longer the last order is ago, the likelier the customer stays away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from holdfast.core.models import FITTED, MODELS
from holdfast.models.linear import LinearFit, RoleLogistic


@dataclass(frozen=True)
class Recency(RoleLogistic):
    """Logistic regression on the log of days since the last order, nothing else."""

    model_id: ClassVar[str] = "recency"
    roles: ClassVar[tuple[str, ...]] = ("silence",)


MODELS.add(Recency.model_id, Recency)
FITTED.add(Recency.model_id, LinearFit)
