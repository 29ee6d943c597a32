"""From an estimate to an effect that may be read at any time, or the reason why it may not.

The interval is a confidence sequence tuned to the customers *assigned* (known before any outcome is): it holds at all looks
together. Until 200 customers per arm and 30 who ordered it is refused, since its guarantee is asymptotic.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from holdfast.core.results import Effect, Undetermined
from holdfast.core.text import Language
from holdfast.measure.settings import BY_DEFAULT, MeasureSettings
from holdfast.measure.words import FEW_CONVERSIONS, FEW_CUSTOMERS
from holdfast.metrics.confidence_sequence import multiplier

__all__ = ["bounded", "cap_of", "caution", "cautious", "refusal", "winsorised"]

Floats = NDArray[np.float64]


def refusal(
    n_treated: int, n_control: int, conversions: tuple[int, int] | None, settings: MeasureSettings = BY_DEFAULT,
    language: Language = "en",
) -> Undetermined | None:  # fmt: skip
    """Why nothing may be said yet; None where it may. `conversions`: customers who ordered, of each arm.

    Besides the 30 of both arms together, the arm with fewer must have a third of that: under a small holdout and rare
    orders 30 alone let 10% of sequences fail (tests/measure/test_always_valid.py).

    >>> refusal(750, 150, (80, 20))
    Undetermined(reason='the smaller arm is worth 150 customers with a closed follow-up; under 200 nothing can be said')
    """
    smaller, least = min(n_treated, n_control), settings.least_conversions
    if smaller < settings.least_customers:
        return Undetermined(FEW_CUSTOMERS.render(language, n=smaller, least=settings.least_customers))
    if conversions is not None and (sum(conversions) < least or min(conversions) < least / 3):
        return Undetermined(
            FEW_CONVERSIONS.render(
                language, n=sum(conversions), fewer=min(conversions), least=least, third=round(least / 3)
            )
        )
    return None


def caution(
    values: Floats, converted: NDArray[np.bool_], treated: NDArray[np.bool_], control: NDArray[np.bool_]
) -> float:
    """By which factor the variance of a difference is too small where conversions are rare; 1 where they are not.

    Each arm gets one conversion more, of the size usual in both arms (after Agresti & Caffo 2000), and keeps the larger of
    the two variances: an arm that by luck saw few or small orders must not look precise.

    >>> y = np.repeat([0.0, 1.0, 0.0, 1.0], [990, 10, 999, 1])
    >>> arm = np.repeat([True, False], 1000)
    >>> round(caution(y, y > 0, arm, ~arm), 2)
    1.18
    """
    rows = [values[mine] for mine in (treated, control)]
    k = [float(converted[mine].sum()) for mine in (treated, control)]
    n, total, square = ([f(one) for one in rows] for f in (len, np.sum, lambda one: np.sum(one**2)))
    return float(cautious(*(np.array(one, np.float64) for one in (n, k, total, square))))


def cautious(n: Floats, k: Floats, total: Floats, square: Floats) -> Floats:
    """`caution` from customers, conversions, sums and sums of squares of the two arms (last axis)."""
    own = np.maximum(square / n - (total / n) ** 2, 0.0)
    all_k = np.maximum(k.sum(axis=-1, keepdims=True), 1.0)
    size, spread = total.sum(axis=-1, keepdims=True) / all_k, square.sum(axis=-1, keepdims=True) / all_k
    p = (k + 1) / (n + 1)
    found, careful = (own / n).sum(axis=-1), (np.maximum(own, p * spread - (p * size) ** 2) / n).sum(axis=-1)
    return np.asarray(np.where(found > 0, careful / np.where(found > 0, found, 1.0), 1.0))


def bounded(
    value: float, se: float, n: int, n_control: int, *, planned: int, estimand: str, method: str, unit: str = "",
    arm: str = "", control: str = "nothing", level: float = 0.95,
) -> Effect:  # fmt: skip
    """The effect with its always-valid interval.

    >>> found = bounded(1.0, 0.2, 1000, 500, planned=1000, estimand="orders per customer", method="difference")
    >>> round(found.low, 2), round(found.high, 2)
    (0.39, 1.61)
    """
    half = float(multiplier(n, planned, 1 - level)) * se if math.isfinite(se) else math.nan
    return Effect(
        estimand,
        value,
        value - half,
        value + half,
        n,
        n_control,
        f"{method}, confidence sequence",
        unit,
        level,
        arm,
        control,
    )


def cap_of(before: Floats, quantile: float) -> float:
    """Where spend is capped: a quantile of what buyers spent before the assignment; infinite where nobody did.

    Only money from before the assignment decides, so the point is declared before any outcome is known.

    >>> cap_of(np.array([0.0, 10.0, 20.0]), 0.5)
    15.0
    """
    spent = before[before > 0]
    return float(np.quantile(spent, quantile)) if len(spent) and quantile < 1 else math.inf


def winsorised(values: Floats, cap: float) -> Floats:
    """Values capped on both sides: a loss counts as much as a gain."""
    return np.asarray(np.clip(values, -cap, cap))
