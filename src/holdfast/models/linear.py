"""The one linear fit behind `recency`, `own_gap`, `rfm_logistic` and `logistic`: exact contributions in log-odds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Horizon
from holdfast.core.tables import FeatureTable, Outcomes, Predictions
from holdfast.models.columns import column_of, slice_weights
from holdfast.models.logit import fit_logit, sigmoid
from holdfast.models.pack import pack, require_rows, unpack
from holdfast.models.prepare import Recipe

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LinearFit:
    """Intercept and one coefficient for each prepared column, in log-odds of churn."""

    model_id: str
    columns: tuple[str, ...]
    horizon: Horizon
    recipe: Recipe
    intercept: float
    coefficients: Floats

    def predict(self, features: FeatureTable) -> Predictions:
        """p_churn of each row; refuses a table that lacks a column it was fitted on."""
        score = self.intercept + self.recipe.apply(features) @ self.coefficients
        return Predictions(features.key, self.horizon, self.model_id, sigmoid(score))

    def contributions(self, features: FeatureTable) -> tuple[float, Floats]:
        """Log-odds of the average training customer, and what each column adds for each row."""
        return self.intercept, self.recipe.by_column(self.recipe.apply(features) * self.coefficients)

    def to_bytes(self) -> bytes:
        return pack(
            self.model_id, horizon=str(self.horizon), recipe=self.recipe.as_dict(),
            intercept=self.intercept, coefficients=self.coefficients.tolist(),
        )  # fmt: skip

    @classmethod
    def from_bytes(cls, data: bytes) -> LinearFit:
        saved = unpack(data)
        recipe = Recipe.from_dict(saved["recipe"])
        return cls(
            saved["kind"], recipe.columns, Horizon.parse(saved["horizon"]), recipe,
            float(saved["intercept"]), np.array(saved["coefficients"], np.float64),
        )  # fmt: skip


def fit_linear(
    model_id: str, columns: Sequence[str], features: FeatureTable, outcomes: Outcomes, *, l2: float,
    half_life_days: float, weights: Floats | None = None,
) -> LinearFit:  # fmt: skip
    """Prepare the columns and fit them. `weights` (one for each row) serve resampling."""
    require_rows(outcomes, model_id)
    recipe = Recipe.learn(features, columns)
    weight = slice_weights(features.key.cutoff, half_life_days) * (1.0 if weights is None else weights)
    beta = fit_logit(recipe.apply(features), outcomes.churned, l2=l2, weights=weight)
    return LinearFit(model_id, recipe.columns, outcomes.horizon, recipe, float(beta[0]), beta[1:])


@dataclass(frozen=True)
class RoleLogistic:
    """Logistic regression on the few columns that play some roles (`columns.ROLES`); a subclass names itself and them."""

    model_id: ClassVar[str]
    roles: ClassVar[tuple[str, ...]]
    l2: float = 1.0
    half_life_days: float = 90.0

    def fit(
        self, features: FeatureTable, outcomes: Outcomes, *, sequences: Any = None, assignments: Any = None,
        weights: Floats | None = None,
    ) -> LinearFit:  # fmt: skip
        columns = [column_of(features.names, role, self.model_id) for role in self.roles]
        return fit_linear(
            self.model_id, columns, features, outcomes,
            l2=self.l2, half_life_days=self.half_life_days, weights=weights,
        )  # fmt: skip
