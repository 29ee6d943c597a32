"""How it began: the first basket and the time of the year of the first order."""

from __future__ import annotations

from holdfast.features.declare import Rhythm, declare

FAMILY = "first_order"
NO_ORDER = "no order yet"
declare(
    "first_basket_value",
    FAMILY,
    Rhythm("revenue_first") / 10_000.0,
    "currency",
    "spent {value} in the first order",
    "首单消费{value}",
    missing=NO_ORDER,
)
declare(
    "first_basket_units",
    FAMILY,
    Rhythm("units_first") / 1000.0,
    "units",
    "{value} units in the first order",
    "首单{value}件",
    missing=NO_ORDER,
)
declare(
    "first_basket_lines",
    FAMILY,
    Rhythm("lines_first"),
    "order lines",
    "{value} lines in the first order",
    "首单{value}行",
    missing=NO_ORDER,
)
