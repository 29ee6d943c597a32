"""How much and how often: orders, order days, lines, units and revenue over windows."""

from __future__ import annotations

from holdfast.features.declare import Total, declare, over_windows

FAMILY = "frequency"

over_windows("order_count", FAMILY, "order_count", "orders", "{value} orders {span}", "{span}下单{value}次")
over_windows(
    "order_day_count", FAMILY, "order_day_count", "days", "ordered on {value} days {span}", "{span}有{value}天下单"
)
over_windows(
    "line_count", FAMILY, "line_count", "order lines", "{value} order lines {span}", "{span}购买{value}行商品",
    windows=(30, 90, 180, None),
)  # fmt: skip
over_windows("units", FAMILY, "units", "units", "{value} units bought {span}", "{span}购买{value}件", scale=1000.0)
over_windows("revenue", "money", "revenue", "currency", "spent {value} {span}", "{span}消费{value}", scale=10_000.0)

declare(
    "order_trend",
    FAMILY,
    (Total("order_count", 60) + 1) / (Total("order_count", 120, after=60) + 1),
    "ratio",
    "orders of the last 60 days against the 60 before: {value} times",
    "最近60天订单是此前60天的{value}倍",
    window=120,
)
declare(
    "order_trend",
    FAMILY,
    (Total("order_count", 30) + 1) / (Total("order_count", 60, after=30) + 1),
    "ratio",
    "orders of the last 30 days against the 30 before: {value} times",
    "最近30天订单是此前30天的{value}倍",
    window=60,
)
