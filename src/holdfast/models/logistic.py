"""All features in one penalised logistic regression: strong, and its reasons are exact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.models import FITTED, MODELS
from holdfast.core.tables import FeatureTable, Outcomes
from holdfast.models.columns import customer_columns
from holdfast.models.linear import LinearFit, fit_linear


@dataclass(frozen=True)
class Logistic:
    """Signed log, winsorise, standardise, then logistic regression with an L2 penalty on every coefficient."""

    model_id: ClassVar[str] = "logistic"
    l2: float = 100.0
    half_life_days: float = 90.0

    def fit(
        self, features: FeatureTable, outcomes: Outcomes, *, sequences: Any = None, assignments: Any = None,
        weights: NDArray[np.float64] | None = None,
    ) -> LinearFit:  # fmt: skip
        columns = customer_columns(features)
        return fit_linear(
            self.model_id, columns, features, outcomes,
            l2=self.l2, half_life_days=self.half_life_days, weights=weights,
        )  # fmt: skip


MODELS.add(Logistic.model_id, Logistic)
FITTED.add(Logistic.model_id, LinearFit)
