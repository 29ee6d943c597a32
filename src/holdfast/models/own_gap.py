"""The rule of the shopkeeper: silent longer than this customer's usual gap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from holdfast.core.models import FITTED, MODELS
from holdfast.models.linear import LinearFit, RoleLogistic


@dataclass(frozen=True)
class OwnGap(RoleLogistic):
    """Logistic regression on the log of silence over the customer's own (shrunken) mean gap."""

    model_id: ClassVar[str] = "own_gap"
    roles: ClassVar[tuple[str, ...]] = ("overdue",)


MODELS.add(OwnGap.model_id, OwnGap)
FITTED.add(OwnGap.model_id, LinearFit)
