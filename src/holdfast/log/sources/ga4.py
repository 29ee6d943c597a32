"""Google Analytics 4, BigQuery export as JSON: one event a line, parameters as key and value, items nested."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdfast.core.text import Text
from holdfast.log.sources.preset import PRESETS, Head, Preset

#: Event names of GA4 and what they are here. Others (scroll, user_engagement, ...) are set aside, counted.
EVENTS: dict[str, str] = {
    "session_start": "visit", "page_view": "view", "screen_view": "view", "view_item": "view",
    "view_item_list": "list_view", "select_item": "click", "view_promotion": "exposure", "select_promotion": "click",
    "add_to_cart": "cart_add", "remove_from_cart": "cart_remove", "add_to_wishlist": "wishlist", "view_cart": "view",
    "begin_checkout": "checkout", "add_payment_info": "checkout", "add_shipping_info": "checkout",
    "purchase": "purchase", "in_app_purchase": "purchase", "ecommerce_purchase": "purchase", "refund": "refund",
    "search": "search", "view_search_results": "search", "share": "share",
}  # fmt: skip
#: Events whose items are lines of their own; a list of 50 items seen is one event, not fifty.
_LINED = ("purchase", "refund", "add_to_cart", "remove_from_cart", "view_item", "add_to_wishlist", "select_item")


def _flatten(event: Mapping[str, Any]) -> list[dict[str, Any]]:
    name = str(event.get("event_name") or "").strip().lower()
    given = _parameters(event.get("event_params"))
    shared = _who(event, given) | {
        "event_type": name,
        "occurred_at": event.get("event_timestamp"),
        "order_id": _mapping(event.get("ecommerce")).get("transaction_id") or given.get("transaction_id"),
        "currency": given.get("currency"),
        "coupon_code": given.get("coupon"),
        "text": given.get("search_term"),
        "duration_seconds": _seconds(given.get("engagement_time_msec")),
        "channel": _mapping(event.get("traffic_source")).get("medium"),
        "platform": event.get("platform"),
    }
    items = [one for one in event.get("items") or () if isinstance(one, Mapping)]
    if name in _LINED and items:
        lines = [shared | _line(one) for one in items]
        for later in lines[1:]:
            later["duration_seconds"] = None  # the time was spent once
        return lines
    if name in ("purchase", "refund"):
        return [shared | {"quantity": 1, "unit_price": given.get("value")}]
    return [shared]


def _line(one: Mapping[str, Any]) -> dict[str, Any]:
    levels = [one.get(f"item_category{level}") for level in ("", "2", "3", "4", "5")]
    return {
        "item_id": one.get("item_id"),
        "title": one.get("item_name"),
        "brand": one.get("item_brand"),
        "category": " > ".join(str(level) for level in levels if level not in (None, "", "(not set)")) or None,
        "quantity": one.get("quantity"),
        "unit_price": one.get("price"),
    } | ({"coupon_code": one["coupon"]} if one.get("coupon") else {})


def _who(event: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    device, session = event.get("user_pseudo_id"), given.get("ga_session_id")
    return {
        "customer_id": event.get("user_id") or (f"device:{device}" if device else None),
        "login": f"device:{device}" if device else None,
        "session_id": f"{device}.{session}" if device and session else None,
    }


def _parameters(value: Any) -> dict[str, Any]:
    """`[{key, value: {string_value, int_value, ...}}]` as a plain mapping."""
    found: dict[str, Any] = {}
    for one in value if isinstance(value, list) else ():
        if isinstance(one, Mapping) and isinstance(one.get("value"), Mapping):
            given = [inner for inner in one["value"].values() if inner is not None]
            found[str(one.get("key"))] = given[0] if given else None
    return found


def _seconds(milliseconds: Any) -> float | None:
    try:
        return float(milliseconds) / 1000
    except (TypeError, ValueError):
        return None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _looks(head: Head) -> bool:
    return head.format == "json" and {"event_name", "event_timestamp", "user_pseudo_id"} <= set(head.names)


_NAMES = (
    "customer_id", "occurred_at", "event_type", "item_id", "title", "category", "brand", "quantity", "unit_price",
    "order_id", "currency", "coupon_code", "text", "duration_seconds", "session_id", "channel", "platform", "login",
)  # fmt: skip
PRESETS.add(
    "ga4",
    Preset(
        name="ga4",
        title=Text("Google Analytics 4, BigQuery export", "Google Analytics 4（BigQuery 导出）"),
        columns={name: (name,) for name in _NAMES},
        required=("customer_id", "occurred_at", "event_type"),
        looks=_looks,
        event_types=EVENTS,
        flatten=_flatten,
        source="ga4",
    ),
)
