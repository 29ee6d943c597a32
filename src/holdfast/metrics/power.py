"""What a holdout test could see: the smallest difference in a rate or a mean that so many customers can show.

Two-sided test of two proportions with unequal groups, normal approximation (Fleiss, Levin & Paik 2003,
"Statistical Methods for Rates and Proportions", section 4.2).
"""

from __future__ import annotations

import math

from scipy.optimize import brentq
from scipy.stats import norm

from holdfast.core.results import Undetermined
from holdfast.metrics.confidence_sequence import multiplier


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


def detectable_mean(
    sd: float, customers: int, *, control_share: float, correlation: float = 0.0, looks: bool = False,
    alpha: float = 0.05, power: float = 0.8,
) -> float | Undetermined:  # fmt: skip
    """The smallest difference of a mean that `customers` in all can show, `control_share` of them held out.

    `sd`: standard deviation of the outcome per customer; `correlation`: with the same number before the assignment, by
    which CUPED narrows it (the variance falls by correlation^2: Deng, Xu, Kohavi & Walker 2013). `looks`: read under
    a confidence sequence tuned to this n, so that one may look at will, instead of once.

    >>> round(detectable_mean(40.0, 10_000, control_share=0.1), 2)
    3.74
    >>> round(detectable_mean(40.0, 10_000, control_share=0.1, correlation=0.6), 2)
    2.99
    """
    control = customers * control_share
    if not sd > 0 or control < 2 or customers - control < 2 or not -1 < correlation < 1:
        return Undetermined(f"a test needs two customers in each group and a spread, not {customers:,} with sd {sd:g}")
    se = sd * math.sqrt((1 - correlation**2) * (1 / control + 1 / (customers - control)))
    line = float(multiplier(customers, customers, alpha)) if looks else float(norm.ppf(1 - alpha / 2))
    return (line + float(norm.ppf(power))) * se


def holdout_share_needed(
    sd: float, customers: int, difference: float, *, correlation: float = 0.0, looks: bool = False,
    alpha: float = 0.05, power: float = 0.8,
) -> float | Undetermined:  # fmt: skip
    """The smallest share to hold out so that `customers` can show a difference of a mean.

    >>> round(holdout_share_needed(40.0, 10_000, 3.74), 3)
    0.1
    """

    def gap(share: float) -> float:
        found = detectable_mean(
            sd, customers, control_share=share, correlation=correlation, looks=looks, alpha=alpha, power=power
        )
        return math.inf if isinstance(found, Undetermined) else found - difference

    if not difference > 0 or gap(0.5) > 0:
        return Undetermined(
            f"{customers:,} customers cannot show a difference of {difference:g}, however they are split"
        )
    low, high = 2.0 / customers, 0.5
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if gap(middle) <= 0 else (middle, high)
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
