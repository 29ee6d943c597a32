"""What a holdout test could see: the smallest difference in a rate that so many customers can show.

Two-sided test of two proportions with unequal groups, normal approximation (Fleiss, Levin & Paik 2003,
"Statistical Methods for Rates and Proportions", section 4.2).
"""

from __future__ import annotations

import math

from scipy.optimize import brentq
from scipy.stats import norm

from holdfast.core.results import Undetermined


def detectable_difference(
    rate: float, treated: int, control: int, *, alpha: float = 0.05, power: float = 0.8
) -> float | Undetermined:
    """The smallest fall of `rate` (a share of control customers) that the test finds with this `power`.

    `treated` and `control` are customers per group. `Undetermined` where even a fall to zero would be missed.

    >>> round(detectable_difference(0.6, 900, 100), 3)
    0.147
    >>> detectable_difference(0.05, 20, 20)
    Undetermined(reason='40 customers cannot show even a fall of the rate 5.0% to zero')
    """
    if treated < 1 or control < 1 or not 0 < rate < 1:
        return Undetermined(f"a test needs customers in both groups and a rate between 0 and 1, not {rate:.3g}")

    def shortfall(fall: float) -> float:
        return _power(rate, rate - fall, control, treated, alpha) - power

    if shortfall(rate) < 0:
        return Undetermined(f"{treated + control} customers cannot show even a fall of the rate {rate:.1%} to zero")
    return float(brentq(shortfall, 1e-9, rate))


def customers_needed(rate: float, fall: float, *, control_share: float, alpha: float = 0.05, power: float = 0.8) -> int:
    """How many customers, both groups together, a test needs to find a given fall of a rate.

    >>> customers_needed(0.6, 0.05, control_share=0.5)
    3067
    """
    low, high = 4, 8
    while _split_power(rate, fall, high, control_share, alpha) < power:
        low, high = high, high * 2
        if high > 10**12:
            return high
    while high - low > 1:
        middle = (low + high) // 2
        enough = _split_power(rate, fall, middle, control_share, alpha) >= power
        low, high = (low, middle) if enough else (middle, high)
    return high


def _split_power(rate: float, fall: float, total: int, control_share: float, alpha: float) -> float:
    control = max(1.0, total * control_share)
    return _power(rate, rate - fall, control, max(1.0, total - control), alpha)


def _power(first: float, second: float, n_first: float, n_second: float, alpha: float) -> float:
    """Probability that the test calls the two rates different, when they are."""
    pooled = (n_first * first + n_second * second) / (n_first + n_second)
    under_null = math.sqrt(max(pooled * (1 - pooled), 1e-12) * (1 / n_first + 1 / n_second))
    under_truth = math.sqrt(max(first * (1 - first) / n_first + second * (1 - second) / n_second, 1e-12))
    return float(norm.cdf((abs(first - second) - norm.ppf(1 - alpha / 2) * under_null) / under_truth))
