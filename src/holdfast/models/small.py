"""A model for shops with few customers: what is usual of shops, corrected by what little this one shows.

Logistic regression on six standardised columns, whose coefficients start from a prior learnt on simulated shops of many
kinds (`small_prior.json`, written by `python -m holdfast.bench.small_prior`; no real shop is in it). With fifty repeat
buyers the prior speaks, with thousands the data does. The posterior is normal around its mode (Laplace; MacKay 1992).
Rows of one customer at several cutoffs tell less than as many customers, so the likelihood counts for what they are
worth (Ribatet, Cooley & Davison 2012).
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Horizon
from holdfast.core.models import FITTED, MODELS
from holdfast.core.tables import FeatureTable, Outcomes, Predictions
from holdfast.core.threads import one_thread
from holdfast.metrics.bootstrap import customer_codes
from holdfast.models.columns import column_of, slice_weights
from holdfast.models.logit import sigmoid
from holdfast.models.pack import pack, require_rows, unpack
from holdfast.models.prepare import Recipe

Floats = NDArray[np.float64]
ROLES = ("silence", "overdue", "orders", "recent_orders", "spend", "age")
_Z90 = 1.6448536


@dataclass(frozen=True)
class Prior:
    """Intercept and coefficients to start from, how sure they are, and how far from straight lines shops are.

    `spread` is the standard deviation, in log-odds, of what the columns could tell at best around a linear score.
    """

    mean: Floats
    covariance: Floats
    spread: float

    @classmethod
    def of(cls, found: dict[str, Any]) -> Prior:
        return cls(np.array(found["mean"]), np.array(found["covariance"]), float(found["spread"]))


@functools.cache
def reference() -> Prior:
    """The prior learnt on simulated shops."""
    return Prior.of(json.loads(Path(__file__).with_name("small_prior.json").read_text(encoding="utf-8")))


@dataclass(frozen=True)
class SmallFit:
    """Posterior mode and covariance of intercept and coefficients, in log-odds of churn."""

    model_id: str
    columns: tuple[str, ...]
    horizon: Horizon
    recipe: Recipe
    mean: Floats
    covariance: Floats
    spread: float

    def predict(self, features: FeatureTable) -> Predictions:
        """p_churn with the ends of its 90% interval; refuses a table that lacks a column."""
        rows = _design(self.recipe, features)
        score = rows @ self.mean
        half = _Z90 * np.sqrt(np.einsum("ij,jk,ik->i", rows, self.covariance, rows) + self.spread**2)
        return Predictions(
            features.key, self.horizon, self.model_id, sigmoid(score), sigmoid(score - half), sigmoid(score + half)
        )

    def contributions(self, features: FeatureTable) -> tuple[float, Floats]:
        """Log-odds of the average training customer, and what each column adds for each row."""
        return float(self.mean[0]), _design(self.recipe, features)[:, 1:] * self.mean[1:]

    def to_bytes(self) -> bytes:
        return pack(
            self.model_id, horizon=str(self.horizon), recipe=self.recipe.as_dict(), mean=self.mean.tolist(),
            covariance=self.covariance.tolist(), spread=self.spread,
        )  # fmt: skip

    @classmethod
    def from_bytes(cls, data: bytes) -> SmallFit:
        saved = unpack(data)
        recipe = Recipe.from_dict(saved["recipe"])
        return cls(
            saved["kind"], recipe.columns, Horizon.parse(saved["horizon"]), recipe, np.array(saved["mean"]),
            np.array(saved["covariance"]), float(saved["spread"]),
        )  # fmt: skip


@dataclass(frozen=True)
class SmallShop:
    """Logistic regression shrunk to what is usual of shops.

    The prior's covariance is doubled (`doubt`), and every coefficient may lie `other` further off than simulated shops
    say: in these, for one, how much a customer spends tells nothing that the number of orders does not.
    """

    model_id: ClassVar[str] = "small_shop"
    doubt: float = 2.0
    other: float = 0.2
    half_life_days: float = 180.0

    def fit(
        self, features: FeatureTable, outcomes: Outcomes, *, sequences: Any = None, assignments: Any = None,
        weights: Floats | None = None,
    ) -> SmallFit:  # fmt: skip
        require_rows(outcomes, self.model_id)
        columns = [column_of(features.names, role, self.model_id) for role in ROLES]
        recipe = replace(Recipe.learn(features, columns), marked=())
        known = reference()
        weight = slice_weights(features.key.cutoff, self.half_life_days) * (1.0 if weights is None else weights)
        customers, _ = customer_codes([features.key.customer_id])
        mean, covariance = posterior(
            _design(recipe, features), outcomes.churned, weight, customers[0],
            replace(known, covariance=known.covariance * self.doubt + self.other**2 * np.eye(len(known.mean))),
        )  # fmt: skip
        return SmallFit(self.model_id, recipe.columns, outcomes.horizon, recipe, mean, covariance, known.spread)


def _design(recipe: Recipe, features: FeatureTable) -> Floats:
    rows = recipe.apply(features)
    return np.column_stack([np.ones(len(rows)), rows])


@one_thread
def posterior(
    rows: Floats, happened: NDArray[np.bool_], weight: Floats, customer: NDArray[np.int64], prior: Prior
) -> tuple[Floats, Floats]:
    """Mode and covariance of the coefficients; `rows` start with a column of ones.

    First at full likelihood, to see how much the rows of a customer repeat each other; then with the likelihood raised
    to the power that makes its curvature as large as the scores of whole customers vary.
    """
    sharp = np.asarray(np.linalg.inv(prior.covariance), np.float64)
    mode, curvature = _mode(rows, happened, weight, prior.mean, sharp)
    residual = (weight * (happened - sigmoid(rows @ mode)))[:, None] * rows
    scores = np.zeros((int(customer.max()) + 1, rows.shape[1]))
    np.add.at(scores, customer, residual)
    # Ridged by the prior, so that a direction which the data does not see adds nothing to either side.
    told = np.linalg.solve(curvature + sharp, np.column_stack([curvature, scores.T @ scores]))
    width = rows.shape[1]
    repeats = float(np.trace(told[:, width:])) / max(float(np.trace(told[:, :width])), 1e-9)
    mode, curvature = _mode(rows, happened, weight / max(repeats, 1.0), prior.mean, sharp)
    return np.round(mode, 10), np.round(np.linalg.inv(curvature + sharp), 12)


def _mode(
    rows: Floats, happened: NDArray[np.bool_], weight: Floats, mean: Floats, sharp: Floats
) -> tuple[Floats, Floats]:
    """Newton's method with halved steps on log likelihood plus log prior; the mode, and the likelihood's curvature."""
    beta, y = mean.copy(), np.asarray(happened, np.float64)

    def cost(at: Floats) -> float:
        score = rows @ at
        return float(weight @ (np.logaddexp(0.0, score) - y * score) + 0.5 * (at - mean) @ sharp @ (at - mean))

    for _ in range(60):
        p = sigmoid(rows @ beta)
        curvature = rows.T @ (rows * (weight * np.maximum(p * (1 - p), 1e-9))[:, None])
        step = np.linalg.solve(curvature + sharp, rows.T @ (weight * (p - y)) + sharp @ (beta - mean))
        size, start = 1.0, cost(beta)
        while size > 1e-6 and cost(beta - size * step) > start + 1e-9 * abs(start):
            size /= 2
        beta = beta - size * step
        if float(np.abs(size * step).max()) < 1e-9:
            break
    p = sigmoid(rows @ beta)
    return beta, rows.T @ (rows * (weight * np.maximum(p * (1 - p), 1e-9))[:, None])


MODELS.add(SmallShop.model_id, SmallShop)
FITTED.add(SmallShop.model_id, SmallFit)
