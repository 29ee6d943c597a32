"""Exponential, Weibull and log-logistic times, with and without a share that never comes: each is one formula.

A family states its cumulative hazard; likelihood with censoring and late entry, exact gradient, standard errors,
survival, hazard, quantiles and simulation follow from it (`Family`). Covariates stretch time (accelerated failure).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import HoldfastError, TooLittleData, UsageError
from holdfast.core.registry import Registry
from holdfast.core.threads import one_thread
from holdfast.models.survival.jets import Jet, exp, log, log1p, logistic
from holdfast.models.survival.periods import checked

Floats = NDArray[np.float64]
#: Families by name. A new one is one class with a formula.
FAMILIES: Registry[Family] = Registry("survival family")


class Family:
    """One formula. `shapes` names the parameters beside the scale, as free numbers (logs, log-odds)."""

    name: str
    shapes: tuple[str, ...] = ()

    def cumulative_hazard(self, stretched: Jet, shapes: tuple[Jet, ...]) -> Jet:
        """H at log(t / scale)."""
        raise HoldfastError(f"{type(self).__name__} states no cumulative hazard")


class Exponential(Family):
    """H = t / scale: no memory."""

    name = "exponential"

    def cumulative_hazard(self, stretched: Jet, shapes: tuple[Jet, ...]) -> Jet:
        return exp(stretched)


class Weibull(Family):
    """H = (t / scale)^shape."""

    name = "weibull"
    shapes = ("log_shape",)

    def cumulative_hazard(self, stretched: Jet, shapes: tuple[Jet, ...]) -> Jet:
        return exp(exp(shapes[0]) * stretched)


class LogLogistic(Family):
    """H = log(1 + (t / scale)^shape): a hazard that rises and then falls; the scale is the median."""

    name = "log_logistic"
    shapes = ("log_shape",)

    def cumulative_hazard(self, stretched: Jet, shapes: tuple[Jet, ...]) -> Jet:
        return log1p(exp(exp(shapes[0]) * stretched))


@dataclass(frozen=True)
class Cured(Family):
    """S = cured + (1 - cured) S_of: a share never has the event (Berkson & Gage 1952)."""

    of: Family

    @property
    def name(self) -> str:  # type: ignore[override]
        return f"{self.of.name}_cure"

    @property
    def shapes(self) -> tuple[str, ...]:  # type: ignore[override]
        return (*self.of.shapes, "logit_cured")

    def cumulative_hazard(self, stretched: Jet, shapes: tuple[Jet, ...]) -> Jet:
        cured = logistic(shapes[-1])
        return -log(cured + (1.0 - cured) * exp(-self.of.cumulative_hazard(stretched, shapes[:-1])))


for _one in (Exponential(), Weibull(), LogLogistic()):
    FAMILIES.add(_one.name, _one)
    FAMILIES.add(Cured(_one).name, Cured(_one))


@dataclass(frozen=True)
class ParametricFit:
    """`theta`: log scale, its coefficients, then the family's shapes. `covariance` is that of theta."""

    family: str
    theta: Floats
    covariance: Floats
    log_likelihood: float
    covariates: int = 0

    @property
    def standard_errors(self) -> Floats:
        return np.sqrt(np.maximum(np.diag(self.covariance), 0.0))

    @property
    def scale(self) -> float:
        """In days, where all covariates are 0."""
        return float(np.exp(self.theta[0]))

    @property
    def shape(self) -> float:
        """Of Weibull and log-logistic; 1 for the exponential."""
        names = FAMILIES[self.family].shapes
        return float(np.exp(self.theta[1 + self.covariates])) if "log_shape" in names else 1.0

    @property
    def cured(self) -> float:
        """The share that never has the event; 0 for a family without one."""
        return float(1 / (1 + np.exp(-self.theta[-1]))) if self.family.endswith("_cure") else 0.0

    def cumulative(self, days: NDArray[Any], covariates: Floats | None = None) -> Floats:
        """Cumulative hazard at each day (rows align with `covariates` where there are any)."""
        return self._jet(days, covariates).value

    def survival(self, days: NDArray[Any], covariates: Floats | None = None) -> Floats:
        """P(no event by each day)."""
        return np.asarray(np.exp(-self.cumulative(days, covariates)))

    def hazard(self, days: NDArray[Any], covariates: Floats | None = None) -> Floats:
        """Events a day among those still without one."""
        return self._jet(days, covariates).t

    def quantile(self, share: NDArray[Any], covariates: Floats | None = None) -> Floats:
        """The day by which this share has had the event; infinity where the cured share keeps it from that.

        Found by halving an interval on log time: true for any increasing cumulative hazard.
        """
        asked = -np.log1p(-np.asarray(share, np.float64))
        low, high = np.full(len(asked), -40.0), np.full(len(asked), 60.0)
        for _ in range(90):
            middle = (low + high) / 2
            less = self.cumulative(np.exp(middle), covariates) < asked
            low, high = np.where(less, middle, low), np.where(less, high, middle)
        never = self.cumulative(np.full(len(asked), np.exp(60.0)), covariates) < asked
        return np.asarray(np.where(never, np.inf, np.where(asked <= 0, 0.0, np.exp(high))))

    def simulate(self, random: np.random.Generator, count: int, covariates: Floats | None = None) -> Floats:
        """Event times drawn from the fit; infinity for those who never have one."""
        return self.quantile(random.random(count), covariates)

    def _jet(self, days: NDArray[Any], covariates: Floats | None) -> Jet:
        when = np.maximum(np.asarray(days, np.float64), 1e-300)
        X = np.zeros((len(when), self.covariates)) if covariates is None else np.asarray(covariates, np.float64)
        if X.shape != (len(when), self.covariates):
            raise UsageError(f"covariates are {X.shape}, expected ({len(when)}, {self.covariates})")
        return _hazard_jet(FAMILIES[self.family], self.theta, when, X, 0)


def fit_parametric(
    family: str,
    duration: NDArray[Any],
    happened: NDArray[Any],
    *,
    covariates: Floats | None = None,
    entry: NDArray[Any] | None = None,
    weights: NDArray[Any] | None = None,
) -> ParametricFit:
    """Maximum likelihood of one of FAMILIES, with censoring and late entry.

    A duration of 0 counts as half the smallest positive one: a density at 0 may be infinite.
    Raises `TooLittleData` where no event happened: no scale can then be told.

    >>> fit = fit_parametric("exponential", np.array([1.0, 2.0, 3.0]), np.array([True, True, False]))
    >>> round(fit.scale, 6), round(float(fit.standard_errors[0]), 4)
    (3.0, 0.7071)
    """
    days, events = checked(duration, happened)
    known = FAMILIES[family]
    weight = np.ones(len(days)) if weights is None else np.asarray(weights, np.float64)
    begins = np.zeros(len(days)) if entry is None else np.asarray(entry, np.float64)
    if not float(weight @ events) > 0:
        raise TooLittleData(
            f"{family}: none of {len(days)} rows has an event", remedy="wait for events, or use kaplan_meier"
        )
    if bool((begins < 0).any() or (begins[weight > 0] > days[weight > 0]).any()):
        raise UsageError("a row enters before 0 or after it leaves", remedy="leave out rows that were never watched")
    days = np.where(days > 0, days, 0.5 * float(days[days > 0].min(initial=1.0)))
    X = np.zeros((len(days), 0)) if covariates is None else np.asarray(covariates, np.float64)
    problem = _Problem(known, days, events, begins, weight, X)
    return problem.solved(family)


@dataclass(frozen=True, eq=False)
class _Problem:
    family: Family
    days: Floats
    events: NDArray[np.bool_]
    begins: Floats
    weight: Floats
    X: Floats

    @one_thread
    def loss(self, theta: Floats) -> tuple[float, Floats]:
        """Negative log-likelihood and its exact gradient."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            now = _hazard_jet(self.family, theta, self.days, self.X)
            late = np.flatnonzero(self.begins > 0)
            value = now.value - np.where(self.events, np.log(np.maximum(now.t, 1e-300)), 0.0)
            gradient = (now.g - np.where(self.events, now.tg / np.maximum(now.t, 1e-300), 0.0)) @ self.weight
            total = float(self.weight @ value)
            if len(late):
                then = _hazard_jet(self.family, theta, self.begins[late], self.X[late])
                total -= float(self.weight[late] @ then.value)
                gradient = gradient - then.g @ self.weight[late]
        if not (np.isfinite(total) and np.isfinite(gradient).all()):
            return 1e300, np.zeros(len(theta))
        return total, gradient

    def solved(self, family: str) -> ParametricFit:
        from scipy.optimize import minimize

        scale = np.log(max(float(self.weight @ (self.days - self.begins)) / float(self.weight @ self.events), 1e-12))
        start = np.r_[scale, np.zeros(self.X.shape[1] + len(self.family.shapes))]
        norm = max(float(self.weight.sum()), 1.0)
        best: Any = None
        for guess in (-1.0, 0.5) if isinstance(self.family, Cured) else (0.0,):
            begin = start.copy()
            begin[-1] += guess if isinstance(self.family, Cured) else 0.0
            found = minimize(
                lambda th: _scaled(self.loss(th), norm), begin, jac=True, method="BFGS", options={"gtol": 1e-9}
            )
            best = found if best is None or found.fun < best.fun else best
        theta = _polished(self, np.asarray(best.x, np.float64))
        hessian = _hessian(self, theta)
        return ParametricFit(family, theta, _inverse(hessian), -self.loss(theta)[0], self.X.shape[1])


def _scaled(found: tuple[float, Floats], norm: float) -> tuple[float, Floats]:
    return found[0] / norm, found[1] / norm


def _hazard_jet(family: Family, theta: Floats, days: Floats, X: Floats, width: int | None = None) -> Jet:
    """The family's formula at these days, as a jet in time and the first `width` parameters (default: all)."""
    n, width = len(days), len(theta) if width is None else width
    one = np.zeros((width, n))
    stretched = np.vstack([-np.ones((1, n)), -X.T, np.zeros((len(theta) - 1 - X.shape[1], n))])[:width]
    at = Jet(np.log(days) - theta[0] - X @ theta[1 : 1 + X.shape[1]], 1.0 / days, stretched, one)
    shapes = []
    for place in range(1 + X.shape[1], len(theta)):
        own = one.copy()
        own[place : place + 1] = 1.0
        shapes.append(Jet(np.full(n, theta[place]), np.zeros(n), own, one))
    return family.cumulative_hazard(at, tuple(shapes))


def _hessian(problem: _Problem, theta: Floats) -> Floats:
    """Differences of the exact gradient, made symmetric."""
    rows = []
    for place in range(len(theta)):
        step = np.zeros(len(theta))
        step[place] = 1e-5 * max(1.0, abs(float(theta[place])))
        up, down = problem.loss(theta + step)[1], problem.loss(theta - step)[1]
        rows.append((up - down) / (2 * step[place]))
    found = np.array(rows)
    return np.asarray((found + found.T) / 2)


def _polished(problem: _Problem, theta: Floats) -> Floats:
    """Newton steps to the last digits; a step that does not help is not taken."""
    value, gradient = problem.loss(theta)
    for _ in range(8):
        step = _inverse(_hessian(problem, theta)) @ gradient
        tried, slope = problem.loss(theta - step)
        if not tried <= value + 1e-12 * abs(value) or not np.isfinite(step).all():
            break
        theta, value, gradient = theta - step, tried, slope
        if float(np.abs(step).max()) < 1e-10:
            break
    return theta


def _inverse(hessian: Floats) -> Floats:
    """The covariance; NaN in the directions that the data leave flat (a cure share of 0 has log-odds of -infinity)."""
    value, vector = np.linalg.eigh(np.nan_to_num(hessian))
    flat = value <= 1e-9 * max(float(np.abs(value).max()), 1e-300)
    inverse = np.where(flat, 0.0, 1.0 / np.where(flat, 1.0, value))
    return np.asarray((vector * inverse) @ vector.T)
