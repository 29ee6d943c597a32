"""What is known of a running session: a few numbers that each event moves on. Twin of `prefix`, one event at a time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from holdfast.core.tables import FeatureColumn
from holdfast.core.text import Text

DAY_MICROS = 86_400_000_000


def _column(name: str, unit: str, en: str, zh: str, missing: str = "never missing") -> FeatureColumn:
    return FeatureColumn(name, unit, "", missing, "intent", Text(en, zh))


#: Every number of a running session, in the order of the feature table.
COLUMNS: tuple[FeatureColumn, ...] = (
    _column("event_count", "events", "{value} events so far", "目前{value}个事件"),
    _column("view_count", "events", "viewed {value} times", "浏览{value}次"),
    _column("search_count", "events", "searched {value} times", "搜索{value}次"),
    _column("cart_add_count", "events", "put {value} things into the cart", "加入购物车{value}次"),
    _column("cart_remove_count", "events", "took {value} things out of the cart", "移出购物车{value}次"),
    _column("wishlist_count", "events", "marked {value} things", "收藏{value}次"),
    _column("checkout_count", "events", "began checkout {value} times", "结算{value}次"),
    _column("in_cart", "items", "{value} things in the cart", "购物车中有{value}件"),
    _column("last_is_cart", "0/1", "just used the cart", "刚刚使用了购物车"),
    _column("item_count", "items", "{value} different items", "{value}种不同商品"),
    _column("most_of_one_item", "events", "one item {value} times", "同一商品{value}次"),
    _column("category_count", "categories", "{value} different categories", "{value}个不同类别"),
    _column("dwell_seconds", "seconds", "{value} seconds so far", "已停留{value}秒"),
    _column("last_gap_seconds", "seconds", "{value} seconds since the event before", "距上一事件{value}秒", "one event only"),
    _column("price_mean", "currency", "prices seen around {value}", "看过的价格约{value}", "no price seen"),
    _column("price_last", "currency", "last price {value}", "最近价格{value}", "no price seen"),
    _column("price_spread", "ratio", "dearest is {value} times the cheapest", "最贵是最便宜的{value}倍", "no price seen"),
    _column("hour_sin", "-1 to 1", "hour of day", "时段"),
    _column("hour_cos", "-1 to 1", "hour of day", "时段"),
    _column("sessions_before", "sessions", "{value} earlier sessions", "之前{value}次访问"),
    _column("purchases_before", "sessions", "bought in {value} earlier sessions", "之前{value}次访问有购买"),
    _column("days_since_session", "days", "last here {value} days ago", "上次来访在{value}天前", "first session"),
)  # fmt: skip
NAMES = tuple(one.name for one in COLUMNS)
_CART = ("cart_add", "cart_remove", "checkout")


@dataclass(frozen=True)
class History:
    """What the shop knew of the visitor when the session began."""

    sessions: int = 0
    purchases: int = 0
    last_at: int | None = None  # microseconds UTC at which the session before ended


@dataclass(frozen=True)
class SessionState:
    """A running session after its events so far.

    >>> state = SessionState().seen("view", 0, item="a", price=10.0).seen("cart_add", 5_000_000, item="a", price=10.0)
    >>> state.numbers()["in_cart"], state.numbers()["dwell_seconds"]
    (1.0, 5.0)
    """

    history: History = field(default_factory=History)
    counts: Mapping[str, int] = field(default_factory=dict)
    items: Mapping[str, int] = field(default_factory=dict)
    categories: frozenset[str] = frozenset()
    first_at: int | None = None
    last_at: int | None = None
    gap: int | None = None
    last_act: str = ""
    hour: int = 0
    price_sum: float = 0.0
    price_count: int = 0
    price_low: float = math.inf
    price_high: float = -math.inf
    price_last: float = math.nan

    def seen(
        self, event_type: str, micros: int, *, item: str | None = None, category: str | None = None,
        price: float | None = None, hour: int | None = None,
    ) -> SessionState:  # fmt: skip
        """The state after one more event."""
        counts = {**self.counts, event_type: self.counts.get(event_type, 0) + 1}
        items = self.items if item is None else {**self.items, item: self.items.get(item, 0) + 1}
        known = price is not None and math.isfinite(price)
        value = float(price) if known and price is not None else 0.0
        return replace(
            self, counts=counts, items=items,
            categories=self.categories if category is None else self.categories | {category},
            first_at=micros if self.first_at is None else self.first_at, last_at=micros,
            gap=None if self.last_at is None else micros - self.last_at, last_act=event_type,
            hour=micros // 3_600_000_000 % 24 if hour is None else hour,
            price_sum=self.price_sum + value, price_count=self.price_count + known,
            price_low=min(self.price_low, value) if known else self.price_low,
            price_high=max(self.price_high, value) if known else self.price_high,
            price_last=value if known else self.price_last,
        )  # fmt: skip

    def numbers(self) -> dict[str, float]:
        """The features of the session so far, by name, in the order of COLUMNS."""
        count = {name: float(self.counts.get(name, 0)) for name in (*_CART, "view", "list_view", "search", "wishlist")}
        first, last = self.first_at or 0, self.last_at or 0
        before = self.history.last_at
        values = (
            float(sum(self.counts.values())), count["view"] + count["list_view"], count["search"], count["cart_add"],
            count["cart_remove"], count["wishlist"], count["checkout"], max(0.0, count["cart_add"] - count["cart_remove"]),
            float(self.last_act in _CART), float(len(self.items)), float(max(self.items.values(), default=0)),
            float(len(self.categories)), (last - first) / 1e6, math.nan if self.gap is None else self.gap / 1e6,
            self.price_sum / self.price_count if self.price_count else math.nan, self.price_last,
            self.price_high / self.price_low if self.price_count and self.price_low > 0 else math.nan,
            math.sin(math.tau * self.hour / 24), math.cos(math.tau * self.hour / 24), float(self.history.sessions),
            float(self.history.purchases), math.nan if before is None else (first - before) / DAY_MICROS,
        )  # fmt: skip
        return dict(zip(NAMES, values, strict=True))


def state_of(events: list[Mapping[str, Any]], history: History | None = None) -> SessionState:
    """The state after a list of events: {event_type, occurred_at, item_id, category, unit_price, local_hour}."""
    from holdfast.core.clock import to_micros

    state = SessionState(history or History())
    for one in events:
        state = state.seen(
            one["event_type"], to_micros(one["occurred_at"]), item=one.get("item_id"), category=one.get("category"),
            price=one.get("unit_price"), hour=one.get("local_hour"),
        )  # fmt: skip
    return state
