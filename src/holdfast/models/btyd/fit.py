"""A fitted purchase model: everything that is asked of it, in days, whatever unit it was fitted in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from holdfast.core.clock import NO_GAP, Duration
from holdfast.core.errors import UsageError
from holdfast.models.btyd.covariates import Covariates
from holdfast.models.btyd.maximise import Optimum
from holdfast.models.btyd.purchase import PURCHASE_MODELS, Parameter, PurchaseModel
from holdfast.models.btyd.rows import Floats, Rows, Whole
from holdfast.models.btyd.summary import PurchaseSummary
from holdfast.models.pack import pack, unpack

#: The next order is looked for this far ahead; beyond it the date means nothing.
LOOK_AHEAD_DAYS = 180
_NODES = 48
"""Nodes of the integral over the last order's time."""


@dataclass(frozen=True)
class PurchaseFit:
    """Natural parameters (rows of `names`), their standard errors (None: not identified) and the log-likelihood.

    `theta` is on the log scale, followed by the effects of covariates; `covariance` belongs to it. A fit holds no
    customers.
    """

    model: PurchaseModel
    theta: Floats
    covariance: Floats = field(repr=False)
    log_likelihood: float
    customers: int
    orders: int
    unit_days: float
    covariates: tuple[str, ...] = ()
    gaps_seen: bool = False

    @classmethod
    def of(
        cls, model: PurchaseModel, found: Optimum, summary: PurchaseSummary, covariates: Covariates | None
    ) -> PurchaseFit:  # fmt: skip
        return cls(
            model, found.theta, found.covariance(), found.value, summary.customers, summary.orders, summary.unit_days,
            () if covariates is None else covariates.names, summary.log_gaps is not None,
        )  # fmt: skip

    @property
    def model_id(self) -> str:
        return self.model.model_id

    @property
    def parameters(self) -> dict[str, float]:
        """Natural parameters, and effects as `rate:name` and `dropout:name`."""
        size = len(self.model.names)
        natural = dict(zip(self.model.names, np.exp(self.theta[:size]).tolist(), strict=True))
        return {**natural, **dict(zip(self._effects, self.theta[size:].tolist(), strict=True))}

    @property
    def standard_errors(self) -> dict[str, float | None]:
        """From the observed information, by the delta method; None where the likelihood is flat."""
        size = len(self.model.names)
        scale = np.r_[np.exp(self.theta[:size]), np.ones(len(self.theta) - size)]
        errors = np.sqrt(np.diag(self.covariance)) * scale
        return {n: float(e) if np.isfinite(e) else None for n, e in zip(self.parameters, errors, strict=True)}

    def intervals(self, level: float = 0.95) -> dict[str, tuple[float, float] | None]:
        """An interval for each parameter, taken on the log scale so that it stays positive; None where it is not known."""
        from scipy.special import ndtri

        reach = float(ndtri(0.5 + level / 2)) * np.sqrt(np.diag(self.covariance))
        natural = np.arange(len(self.theta)) < len(self.model.names)
        with np.errstate(over="ignore"):  # a flat likelihood reaches to infinity: no interval
            ends = [np.where(natural, np.exp(one), one) for one in (self.theta - reach, self.theta + reach)]
        pairs = zip(self.parameters, *ends, strict=True)
        return {name: (float(low), float(high)) if np.isfinite(high) else None for name, low, high in pairs}

    @property
    def _effects(self) -> list[str]:
        return [f"{moved}:{name}" for moved in self.model.moves for name in self.covariates]

    @property
    def bic(self) -> float:
        """-2 log-likelihood + log(customers) x parameters; a chosen k counts as one."""
        free = len(self.theta) + (1 if getattr(self.model, "k", None) is not None else 0)
        return float(-2 * self.log_likelihood + np.log(self.customers) * free)

    def p_alive(self, summary: PurchaseSummary, covariates: Covariates | None = None) -> Floats:
        """P(still a customer) at T. Not a risk score where `model.one_timers_may_leave` is false."""
        from scipy.special import expit

        return self._each(summary, covariates, lambda p, rows: expit(self.model.log_odds_alive(p, rows)))

    def p_no_order(
        self, summary: PurchaseSummary, horizon: Duration | float, gap: Duration | float = NO_GAP,
        covariates: Covariates | None = None,
    ) -> Floats:  # fmt: skip
        """P(no order in (T + gap, T + gap + horizon]) given the history. Bare numbers are days."""
        h, skip = self._units(horizon), self._units(gap)

        def none(p: Sequence[Parameter], rows: Rows) -> Floats:
            found = self.model.p_none_after_gap(p, rows, skip, h) if skip > 0 else self.model.p_none(p, rows, h)
            return np.clip(found, 0.0, 1.0)

        return self._each(summary, covariates, none)

    def expected_orders(
        self, summary: PurchaseSummary, horizon: Duration | float, gap: Duration | float = NO_GAP,
        covariates: Covariates | None = None,
    ) -> Floats:  # fmt: skip
        """Expected orders in (T + gap, T + gap + horizon] given the history. Bare numbers are days."""
        h, skip = self._units(horizon), self._units(gap)

        def ahead(p: Sequence[Parameter], rows: Rows) -> Floats:
            whole = self.model.expected(p, rows, skip + h)
            return np.maximum(whole - self.model.expected(p, rows, skip), 0.0) if skip > 0 else whole

        return self._each(summary, covariates, ahead)

    def p_second_order(self, summary: PurchaseSummary, horizon: Duration | float) -> Floats:
        """P(a second order within the horizon) of customers with one order; NaN for the others."""
        found = 1.0 - self.p_no_order(summary, horizon)
        return np.asarray(np.where(summary.frequency == 0, found, np.nan))

    def days_to_next_order(self, summary: PurchaseSummary, covariates: Covariates | None = None) -> Floats:
        """The first whole day d with P(order within d days) >= .5; infinite beyond 180 days, NaN without orders.

        The mean would be infinite when customers can leave, so the median is asked for.
        """

        def day(p: Sequence[Parameter], rows: Rows) -> Floats:
            low, high = np.zeros(len(rows)), np.full(len(rows), float(LOOK_AHEAD_DAYS + 1))
            while (high - low).max(initial=0.0) > 1:
                middle = np.floor((low + high) / 2)
                done = self.model.p_none(p, rows, self._scaled(middle)) <= 0.5
                low, high = np.where(done, low, middle), np.where(done, middle, high)
            return np.where(high > LOOK_AHEAD_DAYS, np.inf, high)

        return self._each(summary, covariates, day)

    def expected_repeat_orders(self, age_days: Any) -> Floats:
        """Expected repeat orders of a new customer within each of these ages in days; what tracking sums up."""
        age = np.atleast_1d(np.asarray(age_days, np.float64)) / self.unit_days
        self._plain("tracking")
        return self.model.expected(self._p, _new(len(age)), np.maximum(age, 0.0))

    def order_distribution(self, T: Any, most: int) -> Floats:
        """P(n repeat orders within T days), n = 0..most, averaged over the ages `T`; the last entry is `most` or more."""
        self._plain("the distribution of orders")
        ages, share = np.unique(np.atleast_1d(np.asarray(T, np.float64)) / self.unit_days, return_counts=True)
        found = np.stack([self._pmf(n, ages) for n in range(most)]) @ (share / share.sum())
        return np.append(found, max(0.0, 1.0 - float(found.sum())))

    def _pmf(self, n: int, T: Floats) -> Floats:
        """P(n repeat orders in T): the likelihood of all histories with n orders, added up over the last one's time."""
        p, one = self._p, np.ones_like(T)
        if n == 0:
            return np.exp(self.model.log_value(p, Rows(0 * T, 0 * T, T, one)))
        if self.model.opportunities:
            top = int(T.max(initial=0.0))
            times, weights = np.arange(n, top + 1.0)[:, None], np.ones((max(0, top - n + 1), 1))
            inside = times <= T
            t_x = np.where(inside, times, 0.0 * T + n)
        else:
            nodes, share = np.polynomial.legendre.leggauss(_NODES)
            t_x, weights = (nodes[:, None] + 1) / 2 * T, share[:, None] / 2 * T
            inside = np.ones_like(t_x, bool)
        flat = t_x.ravel()
        rows = Rows(np.full(len(flat), float(n)), flat, np.broadcast_to(T, t_x.shape).ravel(), np.ones(len(flat)))
        if not len(flat):
            return np.zeros_like(T)
        with np.errstate(divide="ignore", invalid="ignore"):
            density = np.exp(self.model.log_value(p, rows) + self.model.log_paths(n, flat)).reshape(t_x.shape)
        return np.asarray(np.where(inside, np.nan_to_num(density) * weights, 0.0).sum(axis=0))

    def simulate(self, ages_days: Any, seed: int = 1) -> tuple[Whole, Floats]:
        """(customer, days since the first order) of the repeat orders of new customers, one for each age in days."""
        self._plain("simulation of new customers")
        age = np.atleast_1d(np.asarray(ages_days, np.float64)) / self.unit_days
        random = np.random.default_rng([seed, 11])
        who, when = self.model.draw(self._p, _new(len(age)), random).orders(age, random)
        return who, when * self.unit_days

    def simulate_future(
        self, summary: PurchaseSummary, horizon: Duration | float, seed: int = 1
    ) -> tuple[Whole, Floats]:
        """(customer, days from T) of the orders each customer of the summary places in the horizon, drawn once."""
        self._plain("simulation")
        here = self._same_unit(summary)
        known = np.flatnonzero(here.ordered)
        rows = here.rows.take(here.group)
        random = np.random.default_rng([seed, 13])
        who, when = self.model.draw(self._p, rows, random).orders(self._units(horizon), random)
        return known[who], when * self.unit_days

    def to_bytes(self) -> bytes:
        """The fit as bytes, readable by any later version."""
        covariance = [[float(v) if np.isfinite(v) else None for v in row] for row in self.covariance]
        return pack(
            "purchase_fit", model_id=self.model_id, settings=self.model.settings(), theta=self.theta.tolist(),
            covariance=covariance, log_likelihood=self.log_likelihood, customers=self.customers, orders=self.orders,
            unit_days=self.unit_days, covariates=list(self.covariates), gaps_seen=self.gaps_seen,
        )  # fmt: skip

    @classmethod
    def from_bytes(cls, data: bytes) -> PurchaseFit:
        """The same fit back."""
        saved = unpack(data)
        model = PURCHASE_MODELS[saved["model_id"]].from_settings(saved["settings"])
        covariance = np.array([[np.nan if v is None else v for v in row] for row in saved["covariance"]])
        return cls(
            model, np.array(saved["theta"], np.float64), covariance, float(saved["log_likelihood"]),
            int(saved["customers"]), int(saved["orders"]), float(saved["unit_days"]), tuple(saved["covariates"]),
            bool(saved["gaps_seen"]),
        )  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """For the report: parameters with standard errors, and how well they fit."""
        return {
            "model": self.model_id, "settings": self.model.settings(), "unit_days": self.unit_days,
            "parameters": self.parameters, "standard_errors": self.standard_errors, "intervals": self.intervals(),
            "log_likelihood": self.log_likelihood, "bic": self.bic, "customers": self.customers, "orders": self.orders,
        }  # fmt: skip

    @property
    def _p(self) -> list[Parameter]:
        return [float(one) for one in np.exp(self.theta[: len(self.model.names)])]

    def _plain(self, what: str) -> None:
        if self.covariates:
            raise UsageError(f"{what} needs a fit without covariates")

    def _units(self, length: Duration | float) -> float:
        days = length.days if isinstance(length, Duration) else float(length)
        if not 0 <= days < np.inf:
            raise UsageError(f"a horizon of {days} days", remedy="give a positive number of days")
        return float(self._scaled(np.float64(days)))

    def _scaled(self, days: Any) -> Any:
        """Days in the fit's unit; whole opportunities where the model counts those."""
        found = days / self.unit_days
        return np.floor(found + 1e-9) if self.model.opportunities else found

    def _same_unit(self, summary: PurchaseSummary) -> PurchaseSummary:
        if summary.opportunities != self.model.opportunities:
            raise UsageError(f"{self.model_id} was fitted on another kind of summary")
        return summary.in_unit(self.unit_days)

    def _each(
        self, summary: PurchaseSummary, covariates: Covariates | None, of: Callable[[Sequence[Parameter], Rows], Floats]
    ) -> Floats:  # fmt: skip
        """`of` for each customer, computed once for each different history."""
        here = self._same_unit(summary)
        if (() if covariates is None else covariates.names) != self.covariates:
            raise UsageError(f"the fit knows the covariates {self.covariates}", remedy="give exactly these")
        if covariates is None:
            rows, group = here.rows, here.group
        else:
            rows, group = here.with_covariates(covariates.values)
        found = np.empty(len(rows))
        for where, part in rows.chunks(1 << 18):
            p, each = self.model.natural(self.theta, part)
            found[where] = of(p, each)
        return here.spread(found, group)


def _new(customers: int) -> Rows:
    """Customers at the moment of their first order."""
    none = np.zeros(customers)
    return Rows(none, none, none, np.ones(customers))
