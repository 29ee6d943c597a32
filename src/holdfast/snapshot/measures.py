"""What the day ledger adds up: every measure as data, read by SQL and by the plain twin.

A measure is a sum over events of one customer and local day. `types` says which events (None: every act of the
customer's own), `amount` what each of them adds, `when` an extra condition. Everything is a whole number
(money in 1/10,000, units, ratings and seconds in 1/1,000), so that sums are exact in any order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Any

from holdfast.core.schema import EVENT_TYPES, NOT_OWN_ACTS

OWN_ACTS: tuple[str, ...] = tuple(one for one in EVENT_TYPES if one not in NOT_OWN_ACTS)
#: Acts that look at goods; the rest is searching, buying, writing.
VIEWS: tuple[str, ...] = ("view", "list_view")


@dataclass(frozen=True, slots=True)
class Measure:
    """One column of the day ledger."""

    name: str
    unit: str
    types: tuple[str, ...] = OWN_ACTS
    amount: str = "one"
    when: str = "always"

    @property
    def dtype(self) -> str:
        """Counts fit 32 bits, which sum faster; money and the like need 64."""
        return "int32" if self.amount == "one" else "int64"

    def occurs(self, types: frozenset[str], given: frozenset[str]) -> bool:
        """Whether it can be anything but zero in a log with these event types and these things given."""
        needs = {self.when, self.amount} & set(GIVEN)
        return bool(types & set(self.types)) and needs <= given


#: Things that many logs never say; a measure that needs one that is never given is a plain 0.
GIVEN: dict[str, Callable[[Any], Any]] = {
    "duration": lambda t: t.duration_seconds.notnull(),
    "rating": lambda t: t.rating.notnull(),
    "rated": lambda t: t.rating.notnull(),
    "low_rating": lambda t: t.rating.notnull(),
    "coupon": lambda t: t.coupon_code.notnull(),
    "discount": lambda t: t.discount.notnull(),
    "web": lambda t: t.channel == "web",
    "app": lambda t: t.channel == "app",
    "store": lambda t: t.channel == "store",
}


MEASURES: dict[str, Measure] = {
    one.name: one
    for one in (
        Measure("act_count", "acts"),
        Measure("night_act_count", "acts", when="night"),
        Measure("weekend_act_count", "acts", when="weekend"),
        Measure("web_act_count", "acts", when="web"),
        Measure("app_act_count", "acts", when="app"),
        Measure("store_act_count", "acts", when="store"),
        Measure("view_count", "views", VIEWS),
        Measure("search_count", "searches", ("search",)),
        Measure("cart_add_count", "cart additions", ("cart_add",)),
        Measure("cart_remove_count", "cart removals", ("cart_remove",)),
        Measure("wishlist_count", "wishes", ("wishlist",)),
        Measure("checkout_count", "checkouts", ("checkout",)),
        Measure("share_count", "shares", ("share",)),
        Measure("duration", "1/1,000 s", amount="duration"),
        Measure("line_count", "order lines", ("purchase",)),
        Measure("units", "1/1,000 units", ("purchase",), "units"),
        Measure("revenue", "money", ("purchase",), "revenue"),
        Measure("discount", "money", ("purchase",), "discount"),
        Measure("coupon_line_count", "order lines", ("purchase",), when="coupon"),
        Measure("weekend_line_count", "order lines", ("purchase",), when="weekend"),
        Measure("evening_line_count", "order lines", ("purchase",), when="evening"),
        Measure("refund_count", "refunds", ("refund",)),
        Measure("refund", "money", ("refund",), "revenue"),
        Measure("cancel_count", "cancelled lines", ("cancel",)),
        Measure("review_count", "reviews", ("review",)),
        Measure("rating_count", "ratings", ("review",), when="rated"),
        Measure("rating", "1/1,000 stars", ("review",), "rating"),
        Measure("low_rating_count", "ratings", ("review",), when="low_rating"),
        Measure("message_count", "messages", ("message",)),
        Measure("message_open_count", "opened messages", ("message_open", "click")),
        Measure("unsubscribe_count", "unsubscriptions", ("unsubscribe",)),
        Measure("ticket_count", "tickets", ("ticket",)),
        Measure("delivery_failed_count", "failed deliveries", ("delivery_failed",)),
    )
}

#: Read off the orders; the others off the events.
ORDER_MEASURES: tuple[str, ...] = tuple(name for name, one in MEASURES.items() if one.types == ("purchase",))
ACT_MEASURES: tuple[str, ...] = tuple(name for name in MEASURES if name not in ORDER_MEASURES)

#: Sets that are counted once per local day (what a customer does twice on one day counts once).
COUNTED: tuple[str, ...] = ("order_count", "order_day_count", "session_count", "active_day_count")


def _whole(number: Any, scale: int) -> Any:
    """A float as whole 1/`scale`, half up: the same in every back end and in plain Python."""
    return (number * scale + 0.5).floor().cast("int64")


#: What one event adds, as an Ibis expression of the events table.
AMOUNTS: dict[str, Callable[[Any], Any]] = {
    "units": lambda t: _whole(t.quantity.fill_null(1.0), 1000),
    "revenue": lambda t: _whole(t.quantity.fill_null(1.0) * t.unit_price.fill_null(0), 1) - t.discount.fill_null(0),
    "discount": lambda t: t.discount.fill_null(0),
    "duration": lambda t: _whole(t.duration_seconds.fill_null(0.0), 1000),
    "rating": lambda t: _whole(t.rating.fill_null(0.0), 1000),
}

#: Extra conditions, as Ibis expressions; `day` counts from Thursday 1970-01-01.
CONDITIONS: dict[str, Callable[[Any], Any]] = {
    "night": lambda t: t.local_hour < 6,
    "evening": lambda t: t.local_hour >= 18,
    "weekend": lambda t: (t.day + 3) % 7 >= 5,
    "web": lambda t: t.channel == "web",
    "app": lambda t: t.channel == "app",
    "store": lambda t: t.channel == "store",
    "coupon": lambda t: t.coupon_code.notnull(),
    "rated": lambda t: t.rating.notnull(),
    "low_rating": lambda t: t.rating <= 2,
}


def measured(events: Any, measure: Measure, types: frozenset[str] = frozenset(EVENT_TYPES)) -> Any:
    """The sum of one measure over a group of events of these types, as an Ibis aggregate (0 over no rows)."""
    kind, others = events.event_type, types - set(measure.types)
    wanted = []
    if others:
        wanted.append(kind.notin(NOT_OWN_ACTS) if measure.types == OWN_ACTS else kind.isin(measure.types))
    if measure.when != "always":
        wanted.append(CONDITIONS[measure.when](events))
    where = reduce(and_, wanted) if wanted else None
    if measure.amount == "one":
        return events.count(where=where)
    return AMOUNTS[measure.amount](events).sum(where=where).fill_null(0)
