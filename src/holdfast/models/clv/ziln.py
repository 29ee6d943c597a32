"""Zero-inflated log-normal spend, all three parts fitted at once (Wang, Liu & Miao 2019), linear in prepared columns.

P(order) = sigmoid(a), log spend of those who order ~ Normal(mu, sigma), with a, mu and log sigma linear in the row.
Mean spend is P(order) x exp(mu + sigma^2 / 2); a sigma of the customer's own lets wide spenders have a wide tail.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Horizon
from holdfast.core.tables import FeatureTable, Outcomes
from holdfast.core.threads import one_thread
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
from holdfast.models.logit import fit_logit, sigmoid
from holdfast.models.pack import pack, require_rows, unpack
from holdfast.models.prepare import Recipe

Floats = NDArray[np.float64]
#: Bounds of log sigma: a spread of money between 5% and twentyfold.
_LOG_SIGMA = (-3.0, 1.1)


@dataclass(frozen=True)
class ZilnFit:
    """Three rows of coefficients, intercept first: log-odds of an order, mean and log spread of log spend."""

    model_id: str
    horizon: Horizon
    recipe: Recipe | None
    beta: Floats  # 3 x (1 + prepared columns)
    level: float  # sum of training spend over sum of what the formula said: the tail is not quite log-normal
    ceiling: float

    @property
    def columns(self) -> tuple[str, ...]:
        return () if self.recipe is None else self.recipe.columns

    def predict(self, features: FeatureTable) -> Floats:
        """Mean spend of each row over the horizon, currency units."""
        if self.recipe is None:
            return np.full(len(features), min(self.level, self.ceiling))
        p, mu, sigma = self.parts(features)
        return np.asarray(p * np.minimum(self.level * np.exp(np.minimum(mu + sigma**2 / 2, 60.0)), self.ceiling))

    def parts(self, features: FeatureTable) -> tuple[Floats, Floats, Floats]:
        """P(order), and mean and spread of log spend given an order, of each row."""
        if self.recipe is None:
            nothing = np.zeros(len(features))
            return nothing, nothing, nothing
        return _parts(_design(self.recipe.apply(features)), self.beta)

    def to_bytes(self) -> bytes:
        return pack(
            self.model_id, horizon=str(self.horizon), recipe=None if self.recipe is None else self.recipe.as_dict(),
            beta=self.beta.tolist(), level=self.level, ceiling=self.ceiling,
        )  # fmt: skip

    @classmethod
    def from_bytes(cls, data: bytes) -> ZilnFit:
        saved = unpack(data)
        recipe = None if saved["recipe"] is None else Recipe.from_dict(saved["recipe"])
        beta = np.array(saved["beta"], np.float64)
        horizon = Horizon.parse(saved["horizon"])
        return cls(saved["kind"], horizon, recipe, beta, float(saved["level"]), float(saved["ceiling"]))


@dataclass(frozen=True)
class Ziln:
    """`l2` holds down order and mean, `l2_spread` the spread, which is learnt from fewer and noisier rows."""

    model_id: ClassVar[str] = "ziln"
    half_life_days: float = 90.0
    l2: float = 200.0
    l2_spread: float = 1000.0

    @one_thread
    def fit(self, features: FeatureTable, outcomes: Outcomes, *, weights: Floats | None = None) -> ZilnFit:
        require_rows(outcomes, self.model_id)
        spend, weight = spend_of(outcomes), row_weights(features, self.half_life_days, weights)
        columns, ceiling = customer_columns(features), CEILING * float(spend.max())
        if int((spend > 0).sum()) < FEWEST_SPENDERS or not columns:
            return ZilnFit(
                self.model_id, outcomes.horizon, None, np.zeros((3, 0)), weighted_mean(spend, weight), ceiling
            )
        recipe = Recipe.learn(features, columns)
        rows = recipe.apply(features)
        beta = np.vstack([fit_logit(rows, spend > 0, l2=self.l2, weights=weight), self._amount(rows, spend, weight)])
        start = ZilnFit(self.model_id, outcomes.horizon, recipe, np.round(beta, 10), 1.0, np.inf)
        return replace(start, level=balance(spend, start.predict(features), weight), ceiling=ceiling)

    def _amount(self, rows: Floats, spend: Floats, weight: Floats) -> Floats:
        """Mean and log spread of log spend of those who order: penalised likelihood with its gradient."""
        from scipy.optimize import minimize

        pays = spend > 0
        design, logged, w = _design(rows[pays]), np.log(spend[pays]), weight[pays]
        width = design.shape[1]
        penalty = np.concatenate([np.full(width, self.l2), np.full(width, self.l2_spread)])
        penalty[[0, width]] = 1e-6
        start = np.zeros(2 * width)
        start[0] = weighted_mean(logged, w)
        start[width] = np.clip(
            np.log(max(float(np.sqrt(weighted_mean((logged - start[0]) ** 2, w))), 1e-3)), *_LOG_SIGMA
        )

        def loss(theta: Floats) -> tuple[float, Floats]:
            raw = design @ theta[width:]
            log_sigma = np.clip(raw, *_LOG_SIGMA)
            z = (logged - design @ theta[:width]) * np.exp(-log_sigma)
            value = float(w @ (log_sigma + z * z / 2) + 0.5 * penalty @ (theta * theta))
            by_mu = -w * z * np.exp(-log_sigma)
            by_spread = np.where(raw == log_sigma, w * (1 - z * z), 0.0)
            return value, np.concatenate([design.T @ by_mu, design.T @ by_spread]) + penalty * theta

        found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300})
        return np.asarray(found.x.reshape(2, width))


def _design(rows: Floats) -> Floats:
    return np.column_stack([np.ones(len(rows)), rows])


def _parts(design: Floats, beta: Floats) -> tuple[Floats, Floats, Floats]:
    return sigmoid(design @ beta[0]), design @ beta[1], np.exp(np.clip(design @ beta[2], *_LOG_SIGMA))


VALUE_MODELS.add(Ziln.model_id, Ziln)
VALUE_FITTED.add(Ziln.model_id, ZilnFit)
