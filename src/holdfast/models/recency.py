"""The baseline every shop knows: the longer the last order is ago, the likelier the customer stays away."""

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
class Recency:
    """Logistic regression on the log of days since the last order, nothing else."""

    model_id: ClassVar[str] = "recency"
    l2: float = 1.0
    half_life_days: float = 90.0

    def fit(
        self, features: FeatureTable, outcomes: Outcomes, *, sequences: Any = None, assignments: Any = None,
        weights: NDArray[np.float64] | None = None,
    ) -> LinearFit:  # fmt: skip
        columns = [column_of(features.names, role, self.model_id) for role in ("silence",)]
        return fit_linear(
            self.model_id, columns, features, outcomes,
            l2=self.l2, half_life_days=self.half_life_days, weights=weights,
        )  # fmt: skip


MODELS.add(Recency.model_id, Recency)
FITTED.add(Recency.model_id, LinearFit)
