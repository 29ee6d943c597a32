"""What is at stake: the spend a customer would show at the usual rate, less what is now expected.

`value_at_risk = max(0, shrunk own spend rate x horizon x season - expected revenue)`, in currency units.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.clock import Cutoff, Duration, Horizon
from holdfast.core.money import MONEY_SCALE
from holdfast.core.tables import FeatureTable, Slices
from holdfast.metrics.bootstrap import interval, replicates
from holdfast.models.columns import RECENT_DAYS, column_of
from holdfast.models.logit import logit, sigmoid

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class AtRisk:
    """Row by row, in currency units: spend at the usual rate, expected revenue, and the part at risk."""

    usual: Floats
    expected: Floats
    at_risk: Floats


@dataclass(frozen=True)
class SpendFit:
    """How much customers spend: learnt from closed slices, holds no customers.

    rate: the population's spend per day, to which a short or thin history is shrunk, as if `prior_days` had been
    seen at that rate; basket: the same for the value of one order, with `prior_orders`.
    `given_order`: revenue in the horizon of those who order = given_order[0] x basket + given_order[1] x usual.
    """

    horizon: Horizon
    rate: float
    basket: float
    prior_days: float
    prior_orders: float
    given_order: tuple[float, float]

    @classmethod
    def fit(cls, slices: Slices, *, prior_days: float = 60.0, prior_orders: float = 2.0) -> SpendFit:
        """Learn from slices whose label windows have closed."""
        spend, orders, exposed = history(slices.features)
        rate = float(spend.sum() / max(exposed.sum(), 1.0))
        basket = float(spend.sum() / max(orders.sum(), 1.0))
        start = cls(slices.outcomes.horizon, rate, basket, prior_days, prior_orders, (1.0, 0.0))
        return cls(
            start.horizon, rate, basket, prior_days, prior_orders,
            _given_order(start, slices.features, slices.outcomes.revenue / MONEY_SCALE, slices.outcomes.orders > 0),
        )  # fmt: skip

    def usual(self, features: FeatureTable, season: float = 1.0) -> Floats:
        """Shrunk own spend rate x horizon x season."""
        spend, _, exposed = history(features)
        own = (spend + self.prior_days * self.rate) / (exposed + self.prior_days)
        return np.asarray(own * self.horizon.days * season)

    def baskets(self, features: FeatureTable) -> Floats:
        """Shrunk value of one order."""
        spend, orders, _ = history(features)
        return (spend + self.prior_orders * self.basket) / (orders + self.prior_orders)

    def expected(self, features: FeatureTable, p_churn: Floats, season: float = 1.0) -> Floats:
        """(1 - p_churn) x revenue of those who order."""
        a, b = self.given_order
        return np.asarray((1 - p_churn) * (a * self.baskets(features) + b * self.usual(features, season)))

    def at_risk(self, features: FeatureTable, p_churn: Floats, season: float = 1.0) -> AtRisk:
        usual = self.usual(features, season)
        expected = self.expected(features, p_churn, season)
        return AtRisk(usual, expected, np.maximum(0.0, usual - expected))

    def total(
        self, features: FeatureTable, p_churn: Floats, *, level_sd: float = 0.0, season: float = 1.0,
        count: int = 400, seed: int = 1, level: float = 0.9,
    ) -> tuple[float, float, float]:  # fmt: skip
        """Total value at risk and its interval: customers resampled, and the level of churn moved by `level_sd`."""
        found = self.at_risk(features, p_churn, season)
        random = np.random.default_rng([seed, 7])
        moves = random.normal(0.0, level_sd, count) if level_sd > 0 else np.zeros(count)
        totals: list[float] = []
        for counts in replicates(len(features), count, seed):
            for weight in counts:
                p = sigmoid(logit(p_churn) + moves[len(totals)]) if level_sd > 0 else p_churn
                totals.append(float(weight @ np.maximum(0.0, found.usual - _rescaled(found.expected, p_churn, p))))
        low, high = interval(np.array(totals), level)
        total = float(found.at_risk.sum())
        return total, total if low is None else low, total if high is None else high

    def as_dict(self) -> dict[str, Any]:
        return {
            "horizon": str(self.horizon), "rate": self.rate, "basket": self.basket, "prior_days": self.prior_days,
            "prior_orders": self.prior_orders, "given_order": list(self.given_order),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> SpendFit:
        given = (float(saved["given_order"][0]), float(saved["given_order"][1]))
        numbers = {name: float(saved[name]) for name in ("rate", "basket", "prior_days", "prior_orders")}
        return cls(horizon=Horizon.parse(saved["horizon"]), given_order=given, **numbers)


def history(features: FeatureTable) -> tuple[Floats, Floats, Floats]:
    """Spend, orders and days of the last half year (or since the first order, if that is shorter), of each row."""
    spend = _filled(features, column_of(features.names, "recent_spend", "value_at_risk"))
    orders = _filled(features, column_of(features.names, "recent_orders", "value_at_risk"))
    age = _filled(features, column_of(features.names, "age", "value_at_risk"))
    return np.maximum(spend, 0.0), orders, np.clip(age, 1.0, RECENT_DAYS)


def _filled(features: FeatureTable, name: str) -> Floats:
    return np.nan_to_num(features.column(name).astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)


def _rescaled(expected: Floats, old: Floats, new: Floats) -> Floats:
    return np.asarray(expected * (1 - new) / np.maximum(1 - old, 1e-9))


def _given_order(
    start: SpendFit, features: FeatureTable, revenue: Floats, ordered: NDArray[np.bool_]
) -> tuple[float, float]:
    """Two non-negative weights by least squares on relative errors (the spread of spend grows with spend)."""
    if int(ordered.sum()) < 20:
        return 1.0, 0.0
    from scipy.optimize import nnls

    basket, usual = start.baskets(features)[ordered], start.usual(features)[ordered]
    scale = 1.0 / np.maximum(basket, 1e-9)
    seen = np.minimum(revenue[ordered], np.quantile(revenue[ordered], 0.995))
    weights, _ = nnls(np.column_stack([basket * scale, usual * scale]), seen * scale)
    level = float(revenue[ordered].sum() / max((np.column_stack([basket, usual]) @ weights).sum(), 1e-9))
    return float(weights[0] * level), float(weights[1] * level)


def season_of(daily: pa.Table, cutoff: Cutoff, horizon: Duration, zone: str = "UTC") -> float:
    """How the horizon's season compares with the half year before it, from earlier years; 1.0 where none is whole.

    `daily` has local_day (date) and revenue (any unit), one or more rows a day. Each earlier year gives one ratio:
    spend a day in the same dates over spend a day in the 180 days before them. Their mean is believed as far as
    n / (n + 1), because one year's ratio holds that year's luck and growth as well.
    """
    day = np.asarray(daily["local_day"].to_numpy(), "datetime64[D]").astype(np.int64)
    money = np.asarray(daily["revenue"].to_numpy(), np.float64)
    today = np.datetime64(cutoff.local_day(zone)).astype("datetime64[D]").astype(np.int64)
    length = max(1, round(horizon.days))
    ratios = []
    for years in range(1, 6):
        start = today - round(365.25 * years)
        if not len(day) or start - RECENT_DAYS < day.min():
            break
        ahead = money[(day >= start) & (day < start + length)].sum() / length
        behind = money[(day >= start - RECENT_DAYS) & (day < start)].sum() / RECENT_DAYS
        if behind > 0:
            ratios.append(ahead / behind)
    believed = len(ratios) / (len(ratios) + 1)
    return float(1.0 + believed * (np.mean(ratios) - 1.0)) if ratios else 1.0
