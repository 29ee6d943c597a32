"""The customer's own rhythm: age, silence, gaps between order days, and how overdue the next order is.

A gap is the number of days from one order day to the next. The shrunken gap adds one gap of `PRIOR_GAP` days to the
customer's own, so that it exists from the first order on and moves to the customer's mean as orders come in.
"""

from __future__ import annotations

from holdfast.features.declare import Formula, Rhythm, Since, declare, root

FAMILY = "cadence"
PRIOR_GAP = 60.0
ONE_ORDER = "fewer than two order days"
NO_ORDER = "no order yet"

silence = Since("order_count")
age = Since("order_count", "first")
tenure = age - silence
gaps = Rhythm("order_days") - 1
mean_gap = tenure / gaps
shrunken_gap = (tenure + PRIOR_GAP) / (gaps + 1)


def _spread() -> Formula:
    """Standard deviation of the gaps: from their sum and sum of squares."""
    return root(Rhythm("gap_squares") / gaps - mean_gap * mean_gap)


declare(
    "days_since_last_order",
    FAMILY,
    silence,
    "days",
    "last order {value} days ago",
    "上次下单在{value}天前",
    missing=NO_ORDER,
)
declare("T", FAMILY, age, "days", "a customer for {value} days", "成为客户已{value}天", missing=NO_ORDER)
declare(
    "t_x",
    FAMILY,
    tenure,
    "days",
    "{value} days from the first to the last order",
    "首末两单相隔{value}天",
    missing=NO_ORDER,
)
declare("frequency", FAMILY, gaps, "orders", "came back on {value} days", "复购{value}次", missing=NO_ORDER)
declare(
    "gap_days_mean",
    FAMILY,
    mean_gap,
    "days",
    "orders every {value} days on average",
    "平均每{value}天下单",
    missing=ONE_ORDER,
)
declare(
    "gap_days_shrunken", FAMILY, shrunken_gap, "days",
    "usually orders every {value} days", "通常每{value}天下单一次", missing=NO_ORDER,
)  # fmt: skip
declare(
    "gap_days_spread",
    FAMILY,
    _spread(),
    "days",
    "gaps between orders vary by {value} days",
    "下单间隔波动{value}天",
    missing=ONE_ORDER,
)
declare(
    "gap_days_last",
    FAMILY,
    Rhythm("gap_last"),
    "days",
    "the last gap was {value} days",
    "最近一次间隔{value}天",
    missing=ONE_ORDER,
)
declare(
    "gap_days_longest",
    FAMILY,
    Rhythm("gap_longest"),
    "days",
    "the longest gap was {value} days",
    "最长间隔{value}天",
    missing=ONE_ORDER,
)
declare(
    "gap_days_recent", FAMILY, Rhythm("gap_recent_sum") / Rhythm("gap_recent_count"), "days",
    "lately orders every {value} days", "近来每{value}天下单", missing=ONE_ORDER,
)  # fmt: skip
declare(
    "gap_trend", FAMILY, Rhythm("gap_recent_sum") / Rhythm("gap_recent_count") / mean_gap, "ratio",
    "recent gaps are {value} times the usual", "近期间隔是平时的{value}倍", missing=ONE_ORDER,
)  # fmt: skip
declare(
    "overdue_ratio", FAMILY, silence / shrunken_gap, "ratio",
    "silent for {value} times the usual gap", "沉默时间是通常间隔的{value}倍", missing=NO_ORDER,
)  # fmt: skip
declare(
    "overdue_own_ratio", FAMILY, silence / mean_gap, "ratio",
    "usually orders every {gap_days_mean} days, last order {days_since_last_order} days ago",
    "通常每{gap_days_mean}天下单一次，上次下单在{days_since_last_order}天前", missing=ONE_ORDER,
)  # fmt: skip
declare(
    "overdue_longest_ratio", FAMILY, silence / Rhythm("gap_longest"), "ratio",
    "silent for {value} times the longest gap so far", "沉默时间是历史最长间隔的{value}倍", missing=ONE_ORDER,
)  # fmt: skip
declare(
    "order_rate", FAMILY, Rhythm("order_days") * 30.0 / age, "order days per 30 days",
    "{value} order days a month since the first order", "自首单起每月{value}个下单日", missing=NO_ORDER,
)  # fmt: skip
