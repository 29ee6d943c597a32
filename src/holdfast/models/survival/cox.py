"""Cox proportional hazards: ties by Efron or Breslow, late entry, weights, strata, baseline hazard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import HoldfastError, TooLittleData, UsageError
from holdfast.core.threads import one_thread
from holdfast.models.survival.periods import checked

Floats = NDArray[np.float64]
Ties = Literal["efron", "breslow"]


@dataclass(frozen=True)
class CoxFit:
    """Log hazard ratios with their covariance, and the baseline cumulative hazard of each stratum (steps)."""

    coefficients: Floats
    covariance: Floats
    log_likelihood: float
    log_likelihood_null: float
    baseline: tuple[tuple[Floats, Floats], ...]  # by stratum: days of events, cumulative hazard at covariates 0

    @property
    def standard_errors(self) -> Floats:
        return np.sqrt(np.maximum(np.diag(self.covariance), 0.0))

    def risk(self, covariates: Floats) -> Floats:
        """Log hazard of each row beside covariates of 0."""
        return np.asarray(np.asarray(covariates, np.float64) @ self.coefficients)

    def cumulative(self, covariates: Floats, days: NDArray[Any], stratum: int = 0) -> Floats:
        """Rows x days."""
        times, steps = self.baseline[stratum]
        level = np.r_[0.0, steps][np.searchsorted(times, np.asarray(days, np.float64), side="left")]
        return np.asarray(np.exp(np.clip(self.risk(covariates), -50, 50))[:, None] * level)

    def survival(self, covariates: Floats, days: NDArray[Any], stratum: int = 0) -> Floats:
        """Rows x days: P(no event before each day)."""
        return np.asarray(np.exp(-self.cumulative(covariates, days, stratum)))


def fit_cox(
    covariates: Floats,
    duration: NDArray[Any],
    happened: NDArray[Any],
    *,
    ties: Ties = "efron",
    entry: NDArray[Any] | None = None,
    weights: NDArray[Any] | None = None,
    strata: NDArray[np.int64] | None = None,
    l2: float = 0.0,
) -> CoxFit:
    """Maximise the partial likelihood (Cox 1972; ties: Efron 1977 or Breslow 1974) by Newton's method.

    A row is at risk in (entry, duration]. Strata share coefficients, not baselines. `l2` is a ridge penalty, for
    covariates that separate events. Memory and time are O(rows log rows + rows x covariates^2).

    Raises `TooLittleData` without an event, `HoldfastError` where a coefficient runs off to infinity.

    >>> fit = fit_cox(np.array([[0.0], [1.0], [0.0], [1.0]]), np.array([1, 1, 2, 2]), np.array([True] * 4))
    >>> fit.coefficients.round(3).tolist()
    [0.0]
    """
    days, events = checked(duration, happened)
    X = np.asarray(covariates, np.float64)
    weight = np.ones(len(days)) if weights is None else np.asarray(weights, np.float64)
    begins = np.full(len(days), -1.0) if entry is None else np.asarray(entry, np.float64)
    stratum = np.zeros(len(days), np.int64) if strata is None else np.unique(strata, return_inverse=True)[1].ravel()
    _refuse(X, days, begins, weight, events)
    middle = np.average(X, axis=0, weights=weight) if X.shape[1] else np.zeros(0)
    parts = [
        _Part.of(X[rows] - middle, days[rows], events[rows], begins[rows], weight[rows], ties)
        for rows in (np.flatnonzero((stratum == one) & (weight > 0)) for one in range(int(stratum.max()) + 1))
    ]
    beta, value, hessian, null = _newton(parts, X.shape[1], l2)
    baseline = tuple(part.baseline(beta, float(middle @ beta)) for part in parts)
    covariance = np.asarray(np.linalg.inv(hessian), np.float64) if len(beta) else np.zeros((0, 0))
    return CoxFit(beta, covariance, -value, -null, baseline)


def _refuse(X: Floats, days: Floats, begins: Floats, weight: Floats, events: NDArray[np.bool_]) -> None:
    if X.ndim != 2 or len(X) != len(days) or not bool(np.isfinite(X).all()):
        raise UsageError(
            "covariates must be finite, one row for each duration", remedy="fill or leave out what is missing"
        )
    if bool((begins >= days)[weight > 0].any()):
        raise UsageError("a row enters no earlier than it leaves", remedy="leave out rows that were never watched")
    if not bool((weight >= 0).all()) or not float(weight @ events) > 0:
        raise TooLittleData(f"none of {len(days)} rows has an event of positive weight", remedy="wait for events")


@dataclass(frozen=True, eq=False)
class _Part:
    """One stratum, sorted by duration, with its events' places."""

    X: Floats
    weight: Floats
    days: Floats
    entries: NDArray[np.int64]  # rows by entry
    begins: Floats  # sorted
    times: Floats  # distinct event times
    event: NDArray[np.int64]  # rows that are events
    at: NDArray[np.int64]  # their place among times
    tied: Floats  # Efron: l / d of the l-th of d events of a time; 0 for Breslow
    shared: Floats  # mean weight of the events of that time

    @classmethod
    def of(
        cls, X: Floats, days: Floats, events: NDArray[np.bool_], begins: Floats, weight: Floats, ties: Ties
    ) -> _Part:
        order = np.argsort(days, kind="stable")
        X, days, events, begins, weight = X[order], days[order], events[order], begins[order], weight[order]
        event = np.flatnonzero(events)
        times, at, count = np.unique(days[event], return_inverse=True, return_counts=True)
        first = np.cumsum(count) - count
        place = np.arange(len(event)) - first[at]
        share = np.bincount(at, weight[event], len(times)) / np.maximum(count, 1)
        tied = place / count[at] if ties == "efron" else np.zeros(len(event))
        entries = np.argsort(begins, kind="stable")
        return cls(X, weight, days, entries, begins[entries], times, event, np.asarray(at), tied, share[at])

    def sums(self, values: Floats) -> tuple[Floats, Floats]:
        """Of a row value: over those at risk at each event's time, less Efron's share of the time's own events."""
        behind = np.r_[np.cumsum(values[::-1])[::-1], 0.0][np.searchsorted(self.days, self.times, side="left")]
        late = np.r_[np.cumsum(values[self.entries][::-1])[::-1], 0.0]
        at_risk = behind - late[np.searchsorted(self.begins, self.times, side="left")]
        own = np.asarray(np.bincount(self.at, values[self.event], len(self.times)), np.float64)
        return np.asarray(at_risk[self.at] - self.tied * own[self.at], np.float64), own

    def loss(self, beta: Floats) -> tuple[float, Floats, Floats]:
        """Negative log partial likelihood, gradient, Hessian."""
        score = self.X @ beta
        scaled = self.weight * np.exp(score)
        base = np.maximum(self.sums(scaled)[0], 1e-300)
        value = float(self.shared @ np.log(base) - self.weight[self.event] @ score[self.event])
        width = len(beta)
        first = np.array([self.sums(scaled * self.X[:, i])[0] / base for i in range(width)]).reshape(
            width, len(self.event)
        )
        gradient = first @ self.shared - self.X[self.event].T @ self.weight[self.event]
        hessian = np.empty((width, width))
        for i in range(width):
            for j in range(i + 1):
                second = self.sums(scaled * self.X[:, i] * self.X[:, j])[0] / base
                hessian[i, j] = hessian[j, i] = self.shared @ (second - first[i] * first[j])
        return value, gradient, hessian

    def baseline(self, beta: Floats, shift: float) -> tuple[Floats, Floats]:
        """Event times and the cumulative hazard of a row whose covariates are 0."""
        base = np.maximum(self.sums(self.weight * np.exp(self.X @ beta))[0], 1e-300)
        steps = np.cumsum(np.bincount(self.at, self.shared / base, len(self.times)))
        return self.times, np.asarray(steps * np.exp(-shift), np.float64)


@one_thread
def _newton(parts: list[_Part], width: int, l2: float) -> tuple[Floats, float, Floats, float]:
    def whole(beta: Floats) -> tuple[float, Floats, Floats]:
        found = [part.loss(beta) for part in parts if len(part.event)]
        value = sum(one[0] for one in found) + 0.5 * l2 * float(beta @ beta)
        gradient = np.sum([one[1] for one in found], axis=0) + l2 * beta
        return value, gradient, np.sum([one[2] for one in found], axis=0) + l2 * np.eye(width)

    beta = np.zeros(width)
    value, gradient, hessian = whole(beta)
    null, told = value, np.diag(hessian).copy()
    for _ in range(60 if width else 0):
        step = np.linalg.lstsq(hessian, gradient, rcond=1e-12)[0]
        size = 1.0
        while size > 1e-8:
            tried = whole(beta - size * step)
            if tried[0] <= value + 1e-10 * abs(value):
                break
            size /= 2
        beta, (value, gradient, hessian) = beta - size * step, tried
        if bool((np.diag(hessian) < 1e-6 * told).any()):
            break  # the likelihood has gone flat: it rises for ever
        if float(np.abs(size * step).max()) < 1e-9:
            return beta, value, _solvable(hessian), null
    if width:
        raise HoldfastError(
            "a coefficient of the Cox model has no finite value: its covariate parts events from the rest",
            remedy="leave that covariate out, or give a penalty (l2)",
        )
    return beta, value, hessian, null


def _solvable(hessian: Floats) -> Floats:
    """A constant covariate tells nothing: its variance is infinite in truth, huge here, and the rest stays exact."""
    diagonal = np.diag(hessian).copy()
    return np.asarray(hessian + np.diag(np.where(diagonal < 1e-12, 1e-12, 0.0)))
