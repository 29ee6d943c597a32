"""The rule of the shopkeeper: silent longer than this customer's usual gap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.models import FITTED, MODELS
from holdfast.core.tables import FeatureTable, Outcomes
from holdfast.models.columns import column_of
from holdfast.models.linear import LinearFit, fit_linear


@dataclass(frozen=True)
class OwnGap:
    """Logistic regression on the log of silence over the customer's own (shrunken) mean gap."""

    model_id: ClassVar[str] = "own_gap"
    l2: float = 1.0
    half_life_days: float = 90.0

    def fit(
        self, features: FeatureTable, outcomes: Outcomes, *, sequences: Any = None, assignments: Any = None,
        weights: NDArray[np.float64] | None = None,
    ) -> LinearFit:  # fmt: skip
        columns = [column_of(features.names, role, self.model_id) for role in ("overdue",)]
        return fit_linear(
            self.model_id, columns, features, outcomes,
            l2=self.l2, half_life_days=self.half_life_days, weights=weights,
        )  # fmt: skip


MODELS.add(OwnGap.model_id, OwnGap)
FITTED.add(OwnGap.model_id, LinearFit)
