"""Value over time: repeat order value, spend rate, trend, discounts and refunds."""

from __future__ import annotations

from holdfast.features.declare import Rhythm, Since, Total, declare

FAMILY = "money"
NO_ORDER = "no order yet"

declare(
    "monetary_value", FAMILY,
    (Total("revenue") - Rhythm("revenue_first")) / 10_000.0 / (Rhythm("order_days") - 1), "currency",
    "repeat orders are worth {value}", "复购订单均值{value}", missing="no repeat order",
)  # fmt: skip
declare(
    "spend_rate", FAMILY, Total("revenue") / 10_000.0 * 30.0 / Since("order_count", "first"), "currency per 30 days",
    "spends {value} a month since the first order", "自首单起每月消费{value}", missing=NO_ORDER,
)  # fmt: skip
declare(
    "revenue_trend", FAMILY, (Total("revenue", 90) + 10_000) / (Total("revenue", 180, after=90) + 10_000), "ratio",
    "spending of the last 90 days against the 90 before: {value} times", "最近90天消费是此前90天的{value}倍", window=180,
)  # fmt: skip
for window in (90, None):
    declare(
        "discount_share", FAMILY, Total("discount", window) / (Total("revenue", window) + Total("discount", window)),
        "share", "{value} of the price was discounted", "折扣占原价的{value}", missing="nothing bought", window=window,
    )  # fmt: skip
    declare(
        "coupon_share", FAMILY, Total("coupon_line_count", window) / Total("line_count", window), "share",
        "{value} of order lines with a coupon", "{value}的商品行使用了优惠券", missing="nothing bought", window=window,
    )  # fmt: skip
for window in (180, None):
    declare(
        "refund_share", FAMILY, Total("refund", window) / Total("revenue", window), "share",
        "{value} of spending was refunded", "退款占消费的{value}", missing="nothing spent", window=window,
    )  # fmt: skip
    declare(
        "refund_count",
        FAMILY,
        Total("refund_count", window),
        "refunds",
        "{value} refunds",
        "退款{value}次",
        window=window,
    )
    declare(
        "cancel_count",
        FAMILY,
        Total("cancel_count", window),
        "cancelled lines",
        "{value} lines cancelled",
        "取消{value}行",
        window=window,
    )
