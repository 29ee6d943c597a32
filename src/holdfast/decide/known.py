"""By when we shall know whether a plan works: customers that a test needs, campaigns that bring them, and the day."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta

from holdfast.core.results import Undetermined
from holdfast.core.text import Text
from holdfast.metrics.power import customers_needed

__all__ = ["Known", "known_by", "known_money_by"]


@dataclass(frozen=True)
class Known:
    """When we shall know: customers needed in both groups together, campaigns as large as this one, and the day on which
    the last follow-up closes."""

    customers: int
    campaigns: int
    day: date
    difference: float
    power: float

    @property
    def sentence(self) -> Text:
        return Text(
            f"{self.customers:,} customers, {self.campaigns} campaign(s) like this one, are needed to see it with "
            f"{self.power:.0%} certainty: on {self.day.isoformat()}.",
            f"需要{self.customers:,}位客户、{self.campaigns}次同等规模的活动，才有{self.power:.0%}的把握看到效果：{self.day.isoformat()}。",
        )


def known_by(
    rate: float, fall: float, *, per_campaign: int, control_share: float, every_days: float, follow_up_days: float,
    start: date, power: float = 0.8, alpha: float = 0.05, most: int = 120,
) -> Known | Undetermined:  # fmt: skip
    """When a fall of the share who do not order, `rate` in the control group, will have been seen.

    `per_campaign`: customers of one campaign who are compared, both groups together. Two proportions, two-sided.

    >>> from datetime import date
    >>> found = known_by(0.6, 0.05, per_campaign=1000, control_share=0.5, every_days=14, follow_up_days=30, start=date(2026, 1, 1))
    >>> found.customers, found.campaigns, found.day
    (3067, 4, datetime.date(2026, 3, 14))
    """
    if not (0 < rate < 1 and 0 < fall <= rate):
        return Undetermined(f"no effect is expected that a test could see (from {rate:.1%} by {fall:.2%})")
    refused = _refused(per_campaign, control_share)
    if refused:
        return refused
    needed = customers_needed(rate, fall, control_share=control_share, alpha=alpha, power=power)
    return _known(needed, fall, per_campaign, every_days, follow_up_days, start, power, most)


def known_money_by(
    deviation: float, difference: float, *, per_campaign: int, control_share: float, every_days: float,
    follow_up_days: float, start: date, power: float = 0.8, alpha: float = 0.05, most: int = 120,
) -> Known | Undetermined:  # fmt: skip
    """The same for a difference of means of money: `deviation` is the standard deviation of one customer's.

    n = (z_alpha/2 + z_power)^2 deviation^2 (1/c + 1/(1-c)) / difference^2, both groups together, c in the control group.

    >>> from datetime import date
    >>> known_money_by(50, 2, per_campaign=5000, control_share=0.5, every_days=30, follow_up_days=30, start=date(2026, 1, 1)).customers
    19623
    """
    from scipy.stats import norm

    if not (deviation > 0 and difference > 0):
        return Undetermined(f"no effect is expected that a test could see (of {difference:.2f} a customer)")
    refused = _refused(per_campaign, control_share)
    if refused:
        return refused
    z = float(norm.ppf(1 - alpha / 2) + norm.ppf(power))
    needed = math.ceil((z * deviation / difference) ** 2 * (1 / control_share + 1 / (1 - control_share)))
    return _known(needed, difference, per_campaign, every_days, follow_up_days, start, power, most)


def _refused(per_campaign: int, control_share: float) -> Undetermined | None:
    if per_campaign < 1 or not 0 < control_share < 1:
        return Undetermined("nobody is compared: the plan treats nobody, or holds nobody out")
    return None


def _known(
    needed: int, difference: float, per_campaign: int, every_days: float, follow_up_days: float, start: date,
    power: float, most: int,
) -> Known | Undetermined:  # fmt: skip
    campaigns = math.ceil(needed / per_campaign)
    if campaigns > most:
        return Undetermined(
            f"{needed:,} customers are needed, {campaigns:,} campaigns like this one: too many to wait for"
        )
    day = start + timedelta(days=(campaigns - 1) * every_days + follow_up_days)
    return Known(needed, campaigns, day, difference, power)
