"""When and where the customer acts: hours, weekdays, channels and platforms."""

from __future__ import annotations

from holdfast.features.declare import Total, Variety, declare

FAMILY = "mix"
QUIET = "no act in the window"
for part, en, zh in (
    ("night", "between midnight and six", "凌晨"),
    ("weekend", "at weekends", "周末"),
    ("web", "on the web", "网页端"),
    ("app", "in the app", "应用内"),
    ("store", "in a store", "门店"),
):
    declare(
        f"{part}_share", FAMILY, Total(f"{part}_act_count", 180) / Total("act_count", 180), "share",
        f"{{value}} of acts {en}", f"{{value}}的行为发生在{zh}", missing=QUIET, window=180,
    )  # fmt: skip
declare(
    "weekend_order_share", FAMILY, Total("weekend_line_count") / Total("line_count"), "share",
    "{value} of order lines at weekends", "{value}的商品行在周末购买", missing="nothing bought yet",
)  # fmt: skip
declare(
    "evening_order_share", FAMILY, Total("evening_line_count") / Total("line_count"), "share",
    "{value} of order lines in the evening", "{value}的商品行在晚间购买", missing="nothing bought yet",
)  # fmt: skip
declare(
    "platform_count",
    FAMILY,
    Variety("platform", "count"),
    "platforms",
    "buys on {value} platforms",
    "在{value}个平台购买",
)
declare(
    "platform_top_share", FAMILY, Variety("platform", "top") / Variety("platform", "lines"), "share",
    "{value} of order lines on one platform", "{value}的商品行来自同一平台", missing="no platform known",
)  # fmt: skip
