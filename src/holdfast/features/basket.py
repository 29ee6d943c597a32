"""What a basket is worth and holds. A basket is everything bought on one local day."""

from __future__ import annotations

from holdfast.features.declare import Rhythm, Total, declare, root

FAMILY = "basket"
NO_ORDER = "no order yet"
ONE_ORDER = "fewer than two order days"
baskets = Rhythm("order_days")
revenue = Total("revenue") / 10_000.0
mean_basket = revenue / baskets

declare("basket_value", FAMILY, mean_basket, "currency", "spends {value} an order", "每单消费{value}", missing=NO_ORDER)
declare(
    "basket_value", FAMILY, Total("revenue", 90) / 10_000.0 / Total("order_day_count", 90), "currency",
    "spends {value} an order lately", "近来每单消费{value}", missing="no order in the window", window=90,
)  # fmt: skip
declare(
    "basket_value_last",
    FAMILY,
    Rhythm("revenue_last") / 10_000.0,
    "currency",
    "spent {value} in the last order",
    "上一单消费{value}",
    missing=NO_ORDER,
)
declare(
    "basket_value_highest",
    FAMILY,
    Rhythm("revenue_highest") / 10_000.0,
    "currency",
    "the biggest order was {value}",
    "最大一单{value}",
    missing=NO_ORDER,
)
declare(
    "basket_value_spread", FAMILY, root(Rhythm("revenue_squares") / 10_000.0 / baskets - mean_basket * mean_basket),
    "currency", "order values vary by {value}", "订单金额波动{value}", missing=NO_ORDER,
)  # fmt: skip
declare(
    "basket_trend", FAMILY, Rhythm("revenue_last") / 10_000.0 / mean_basket, "ratio",
    "the last order was {value} times the usual", "上一单是平时的{value}倍", missing="nothing spent yet",
)  # fmt: skip
declare(
    "basket_units",
    FAMILY,
    Total("units") / 1000.0 / baskets,
    "units",
    "{value} units an order",
    "每单{value}件",
    missing=NO_ORDER,
)
declare(
    "basket_units_last",
    FAMILY,
    Rhythm("units_last") / 1000.0,
    "units",
    "{value} units in the last order",
    "上一单{value}件",
    missing=NO_ORDER,
)
declare(
    "basket_lines",
    FAMILY,
    Total("line_count") / baskets,
    "order lines",
    "{value} lines an order",
    "每单{value}行",
    missing=NO_ORDER,
)
declare(
    "basket_lines_last",
    FAMILY,
    Rhythm("lines_last"),
    "order lines",
    "{value} lines in the last order",
    "上一单{value}行",
    missing=NO_ORDER,
)
declare(
    "unit_price", FAMILY, Total("revenue") / 10_000.0 / (Total("units") / 1000.0), "currency",
    "pays {value} a unit", "平均单价{value}", missing="nothing bought yet",
)  # fmt: skip
