"""Two parts: will there be an order, and what is spent if there is one (Duan et al. 1983).

`two_part_gamma` has gamma trees for the amount. `two_part_lognormal` has a ridge regression of log spend and Duan's
smearing: the mean of exp(residual) turns the mean of a logarithm into a mean of money without assuming a normal tail.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Horizon
from holdfast.core.tables import FeatureTable, Outcomes
from holdfast.core.threads import one_thread
from holdfast.models.clv.boost import Boosting, Trees, fit_trees
from holdfast.models.clv.registry import (
    CEILING,
    FEWEST_SPENDERS,
    VALUE_FITTED,
    VALUE_MODELS,
    balance,
    row_weights,
    spend_of,
    weighted_mean,
)
from holdfast.models.columns import customer_columns
from holdfast.models.pack import pack, require_rows, unpack
from holdfast.models.prepare import Recipe

Floats = NDArray[np.float64]
#: exp of more than this is no money.
_HIGHEST_LOG = 60.0


class Amount(Protocol):
    """Mean spend of those who order."""

    def predict(self, features: FeatureTable) -> Floats:
        """Currency units of each row."""

    def as_dict(self) -> dict[str, Any]:
        """As plain data."""


@dataclass(frozen=True)
class LogAmount:
    """exp(intercept + ridge) x smear; with no columns a constant."""

    recipe: Recipe | None
    intercept: float
    coefficients: Floats
    smear: float

    def predict(self, features: FeatureTable) -> Floats:
        return np.asarray(np.exp(np.minimum(self.log_mean(features), _HIGHEST_LOG)) * self.smear)

    def log_mean(self, features: FeatureTable) -> Floats:
        """Mean of log spend of those who order."""
        if self.recipe is None:
            return np.full(len(features), self.intercept)
        return np.asarray(self.intercept + self.recipe.apply(features) @ self.coefficients)

    def as_dict(self) -> dict[str, Any]:
        return {
            "recipe": None if self.recipe is None else self.recipe.as_dict(), "intercept": self.intercept,
            "coefficients": self.coefficients.tolist(), "smear": self.smear,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> LogAmount:
        recipe = None if saved["recipe"] is None else Recipe.from_dict(saved["recipe"])
        return cls(
            recipe, float(saved["intercept"]), np.array(saved["coefficients"], np.float64), float(saved["smear"])
        )


@dataclass(frozen=True)
class TwoPartFit:
    """P(order) x mean spend given an order, held below a ceiling."""

    model_id: str
    columns: tuple[str, ...]
    horizon: Horizon
    order: Trees
    amount: Amount
    level: float
    ceiling: float

    def predict(self, features: FeatureTable) -> Floats:
        """Mean spend of each row over the horizon, currency units."""
        return np.asarray(
            self.p_order(features) * np.clip(self.level * self.amount.predict(features), 0.0, self.ceiling)
        )

    def p_order(self, features: FeatureTable) -> Floats:
        """P(an order in the horizon) of each row."""
        return np.clip(self.order.predict(features), 0.0, 1.0)

    def to_bytes(self) -> bytes:
        return pack(
            self.model_id, horizon=str(self.horizon), columns=list(self.columns), order=self.order.as_dict(),
            amount=self.amount.as_dict(), level=self.level, ceiling=self.ceiling,
        )  # fmt: skip

    @classmethod
    def from_bytes(cls, data: bytes) -> TwoPartFit:
        saved = unpack(data)
        read: Any = LogAmount if "smear" in saved["amount"] else Trees
        return cls(
            saved["kind"], tuple(saved["columns"]), Horizon.parse(saved["horizon"]), Trees.from_dict(saved["order"]),
            read.from_dict(saved["amount"]), float(saved["level"]), float(saved["ceiling"]),
        )  # fmt: skip


def fit_order(
    boosting: Boosting, features: FeatureTable, columns: tuple[str, ...], spend: Floats, weight: Floats
) -> Trees:
    """Trees of P(spend above 0)."""
    return fit_trees("binary", boosting, features, columns, (spend > 0).astype(np.float64), weight)


@dataclass(frozen=True)
class TwoPartGamma:
    """Both parts are LightGBM; the amount has a gamma deviance."""

    model_id: ClassVar[str] = "two_part_gamma"
    half_life_days: float = 90.0
    boosting: Boosting = field(default_factory=Boosting)

    def fit(self, features: FeatureTable, outcomes: Outcomes, *, weights: Floats | None = None) -> TwoPartFit:
        require_rows(outcomes, self.model_id)
        spend, weight = spend_of(outcomes), row_weights(features, self.half_life_days, weights)
        columns, pays = customer_columns(features), spend > 0
        order = fit_order(self.boosting, features, columns, spend, weight)
        amount = fit_trees(
            "gamma", self.boosting, features.take(pays), columns, spend[pays], weight[pays], fewest=FEWEST_SPENDERS
        )
        start = TwoPartFit(self.model_id, columns, outcomes.horizon, order, amount, 1.0, CEILING * float(spend.max()))
        return replace(start, level=balance(spend, start.predict(features), weight))


@dataclass(frozen=True)
class TwoPartLognormal:
    """LightGBM for the order, ridge regression of log spend with smearing for the amount."""

    model_id: ClassVar[str] = "two_part_lognormal"
    half_life_days: float = 90.0
    l2: float = 300.0
    boosting: Boosting = field(default_factory=Boosting)

    def fit(self, features: FeatureTable, outcomes: Outcomes, *, weights: Floats | None = None) -> TwoPartFit:
        require_rows(outcomes, self.model_id)
        spend, weight = spend_of(outcomes), row_weights(features, self.half_life_days, weights)
        columns, pays = customer_columns(features), spend > 0
        order = fit_order(self.boosting, features, columns, spend, weight)
        amount = fit_log_amount(features.take(pays), columns, spend[pays], weight[pays], self.l2)
        start = TwoPartFit(self.model_id, columns, outcomes.horizon, order, amount, 1.0, CEILING * float(spend.max()))
        return replace(start, level=balance(spend, start.predict(features), weight))


@one_thread
def fit_log_amount(
    features: FeatureTable, columns: tuple[str, ...], spend: Floats, weight: Floats, l2: float
) -> LogAmount:
    """Ridge regression of log spend (> 0) on the prepared columns, with the smearing factor of its residuals."""
    if len(spend) < FEWEST_SPENDERS or not columns:
        mean = weighted_mean(spend, weight)
        return LogAmount(None, float(np.log(max(mean, 1e-12))), np.zeros(0), 1.0 if mean > 0 else 0.0)
    recipe = Recipe.learn(features, columns)
    rows, logged = recipe.apply(features), np.log(spend)
    design = np.column_stack([np.ones(len(rows)), rows])
    penalty = np.full(design.shape[1], l2)
    penalty[0] = 1e-9
    beta = np.linalg.solve(design.T @ (design * weight[:, None]) + np.diag(penalty), design.T @ (weight * logged))
    beta = np.asarray(np.round(beta, 10), np.float64)
    smear = weighted_mean(np.exp(np.minimum(logged - design @ beta, _HIGHEST_LOG)), weight)
    return LogAmount(recipe, float(beta[0]), beta[1:], smear)


for _one in (TwoPartGamma, TwoPartLognormal):
    VALUE_MODELS.add(_one.model_id, _one)
    VALUE_FITTED.add(_one.model_id, TwoPartFit)
