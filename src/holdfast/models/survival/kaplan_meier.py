"""Kaplan-Meier and Nelson-Aalen: how long until the next order, with nothing assumed about anybody."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import TooLittleData, UsageError
from holdfast.models.survival.periods import checked

Floats = NDArray[np.float64]
_Z95 = 1.959963984540054


@dataclass(frozen=True)
class RiskTable:
    """At each distinct event time: how much weight was at risk just before it, and how much of that had the event."""

    day: Floats
    at_risk: Floats
    events: Floats
    #: Sum of squared weights at risk: weights that are not counts make an estimate less sure.
    squares: Floats


def risk_table(
    duration: NDArray[np.float64],
    happened: NDArray[np.bool_],
    *,
    entry: NDArray[np.float64] | None = None,
    weights: NDArray[np.float64] | None = None,
) -> RiskTable:
    """Count who was at risk and who had the event. A row is at risk in (entry, duration].

    Raises `UsageError` for negative durations, entries that do not lie before durations, or negative weights.
    """
    days, events = checked(duration, happened)
    begins = np.full(len(days), -1.0) if entry is None else np.asarray(entry, np.float64)
    weight = np.ones(len(days)) if weights is None else np.asarray(weights, np.float64)
    if len(begins) != len(days) or len(weight) != len(days):
        raise UsageError(f"{len(days)} durations, but {len(begins)} entries and {len(weight)} weights")
    late = int((~(begins < days)).sum()) if entry is not None else 0
    if late or not bool(np.all(np.isfinite(weight) & (weight >= 0))):
        raise UsageError(
            f"{late} rows enter no earlier than they leave" if late else "weights must be finite and not negative",
            remedy="leave out rows that were never watched",
        )
    times = np.unique(days[events & (weight > 0)])
    if not len(days):
        raise TooLittleData("there are no durations", remedy="ask for customers who have a row")
    return RiskTable(
        times,
        _after(times, days, begins, weight),
        _at(times, days[events & (weight > 0)], weight[events & (weight > 0)]),
        _after(times, days, begins, weight**2),
    )


def _at(times: Floats, days: Floats, weight: Floats) -> Floats:
    return np.asarray(np.bincount(np.searchsorted(times, days), weight, len(times)), np.float64)


def _after(times: Floats, days: Floats, begins: Floats, weight: Floats) -> Floats:
    """Weight of rows that leave at or after each time, less that of rows which only enter at or after it."""

    def from_on(at: Floats) -> Floats:
        order = np.argsort(at, kind="stable")
        behind = np.r_[np.cumsum(weight[order][::-1])[::-1], 0.0]
        return np.asarray(behind[np.searchsorted(at[order], times, side="left")])

    return from_on(days) - from_on(begins)


@dataclass(frozen=True)
class StepCurve:
    """A step function of days: value before the first step is `start`; NaN-free."""

    day: Floats
    value: Floats
    low: Floats
    high: Floats
    start: float

    def at(self, day: float) -> tuple[float, float, float]:
        """Value and interval at a day; before the first step the start, thrice."""
        place = int(np.searchsorted(self.day, day, side="right")) - 1
        if place < 0:
            return self.start, self.start, self.start
        return float(self.value[place]), float(self.low[place]), float(self.high[place])

    def median(self) -> float | None:
        """The first day at which a survival curve is at or below one half; None where it never is."""
        below = np.flatnonzero(self.value <= 0.5 + 1e-12)
        return float(self.day[below[0]]) if len(below) else None


def kaplan_meier(
    duration: NDArray[np.float64],
    happened: NDArray[np.bool_],
    *,
    entry: NDArray[np.float64] | None = None,
    weights: NDArray[np.float64] | None = None,
    z: float = _Z95,
) -> StepCurve:
    """The product-limit survival curve with log-log intervals of Greenwood's variance (95%; Kalbfleisch & Prentice).

    An event at day d is survived up to d: `at(d)` is P(no event by d), the event at d included.
    `weights` may be counts or shares: the variance counts a weight as Kish's effective rows.

    >>> curve = kaplan_meier(np.array([6, 6, 6, 6, 7]), np.array([True, True, True, False, True]))
    >>> round(curve.at(6)[0], 3), curve.median()
    (0.4, 6.0)
    """
    table = risk_table(duration, happened, entry=entry, weights=weights)
    share = np.divide(table.events, table.at_risk, out=np.zeros(len(table.day)), where=table.at_risk > 0)
    survival = np.asarray(np.cumprod(np.maximum(1.0 - share, 0.0)), np.float64)
    effective = table.at_risk**2 / np.maximum(table.squares, 1e-300)
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(share / (effective * (1.0 - share)))
        spread = z * np.sqrt(greenwood) / np.abs(np.log(survival))
        low, high = survival ** np.exp(spread), survival ** np.exp(-spread)
    over = (survival <= 0) | (survival >= 1) | ~np.isfinite(spread)  # nobody left, or nobody went: no spread is known
    return StepCurve(table.day, survival, np.where(over, survival, low), np.where(over, survival, high), 1.0)


def standard_errors(
    duration: NDArray[np.float64], happened: NDArray[np.bool_], *, entry: NDArray[np.float64] | None = None
) -> Floats:
    """Greenwood's standard error of the survival curve at each event time.

    >>> standard_errors(np.array([1.0, 2.0]), np.array([True, False])).round(4).tolist()
    [0.3536]
    """
    table = risk_table(duration, happened, entry=entry)
    share = table.events / table.at_risk
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.cumsum(share / (table.at_risk * (1 - share)))
        return np.asarray(np.nan_to_num(np.cumprod(1 - share) * np.sqrt(variance), nan=0.0, posinf=0.0), np.float64)


def nelson_aalen(
    duration: NDArray[np.float64],
    happened: NDArray[np.bool_],
    *,
    entry: NDArray[np.float64] | None = None,
    weights: NDArray[np.float64] | None = None,
    z: float = _Z95,
) -> StepCurve:
    """The cumulative hazard, with intervals on its logarithm (variance: sum of events / at_risk^2, Aalen 1978).

    >>> nelson_aalen(np.array([1.0, 2.0]), np.array([True, True])).value.tolist()
    [0.5, 1.5]
    """
    table = risk_table(duration, happened, entry=entry, weights=weights)
    share = np.divide(table.events, table.at_risk, out=np.zeros(len(table.day)), where=table.at_risk > 0)
    effective = table.at_risk**2 / np.maximum(table.squares, 1e-300)
    hazard = np.cumsum(share)
    spread = z * np.sqrt(np.cumsum(share / effective)) / np.maximum(hazard, 1e-300)
    return StepCurve(table.day, hazard, hazard * np.exp(-spread), hazard * np.exp(spread), 0.0)
