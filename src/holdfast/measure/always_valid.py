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

__all__ = ["bounded", "cap_of", "refusal", "winsorised"]

Floats = NDArray[np.float64]


def refusal(
    n_treated: int,
    n_control: int,
    conversions: float | None,
    settings: MeasureSettings = BY_DEFAULT,
    language: Language = "en",
) -> Undetermined | None:
    """Why nothing may be said yet; None where it may. `conversions`: customers who ordered, both arms together.

    >>> refusal(750, 150, 80)
    Undetermined(reason='the smaller arm has 150 customers with a closed follow-up; under 200 nothing can be said')
    """
    smaller = min(n_treated, n_control)
    if smaller < settings.least_customers:
        return Undetermined(FEW_CUSTOMERS.render(language, n=smaller, least=settings.least_customers))
    if conversions is not None and conversions < settings.least_conversions:
        return Undetermined(FEW_CONVERSIONS.render(language, n=int(conversions), least=settings.least_conversions))
    return None


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
