"""Signs of life short of an order: sessions, acts, views, searches, carts."""

from __future__ import annotations

from holdfast.features.declare import Since, Total, at_least, declare, over_windows

FAMILY = "engagement"
SHORT = (7, 30, 90)
over_windows(
    "session_count",
    FAMILY,
    "session_count",
    "sessions",
    "{value} sessions {span}",
    "{span}访问{value}次",
    windows=(7, 30, 90, 180, None),
)
over_windows(
    "act_count", FAMILY, "act_count", "acts", "{value} acts {span}", "{span}操作{value}次", windows=(*SHORT, None)
)
over_windows(
    "active_day_count",
    FAMILY,
    "active_day_count",
    "days",
    "active on {value} days {span}",
    "{span}活跃{value}天",
    windows=(30, 90, None),
)
over_windows("view_count", FAMILY, "view_count", "views", "{value} views {span}", "{span}浏览{value}次", windows=SHORT)
over_windows(
    "search_count",
    FAMILY,
    "search_count",
    "searches",
    "{value} searches {span}",
    "{span}搜索{value}次",
    windows=(30, 90),
)
over_windows(
    "cart_add_count",
    FAMILY,
    "cart_add_count",
    "cart additions",
    "{value} cart additions {span}",
    "{span}加购{value}次",
    windows=(30, 90),
)
over_windows(
    "wishlist_count", FAMILY, "wishlist_count", "wishes", "{value} wishes {span}", "{span}收藏{value}次", windows=(90,)
)
for window in (30, 90):
    declare(
        "cart_left_count", FAMILY, at_least(Total("cart_add_count", window) - Total("line_count", window), 0.0), "cart additions",
        "{value} things left in the cart", "{value}件加购未购买", window=window,
    )  # fmt: skip
declare(
    "days_since_last_act",
    FAMILY,
    Since("act_count"),
    "days",
    "last seen {value} days ago",
    "上次活跃在{value}天前",
    missing="never active",
)
declare(
    "act_trend", FAMILY, (Total("act_count", 30) + 1) / (Total("act_count", 60, after=30) + 1), "ratio",
    "acts of the last 30 days against the 30 before: {value} times", "最近30天操作是此前30天的{value}倍", window=60,
)  # fmt: skip
declare(
    "duration_per_session", FAMILY, Total("duration", 90) / 1000.0 / Total("session_count", 90), "seconds",
    "{value} seconds a session", "每次访问{value}秒", missing="no session in the window", window=90,
)  # fmt: skip
declare(
    "orders_per_session", FAMILY, Total("order_count", 90) / Total("session_count", 90), "orders",
    "{value} orders a session", "每次访问{value}单", missing="no session in the window", window=90,
)  # fmt: skip
