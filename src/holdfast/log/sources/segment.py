"""Segment calls (e-commerce spec v2), one JSON object a line: track, page, screen, identify, alias."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdfast.core.text import Text
from holdfast.log.sources.preset import IDENTIFY, PRESETS, Head, Preset

#: Event names of the spec, lower case, and what they are here. Others are set aside as unknown.
EVENTS: dict[str, str] = {
    "products searched": "search", "product list viewed": "list_view", "product list filtered": "list_view",
    "promotion viewed": "exposure", "promotion clicked": "click", "product clicked": "click", "product viewed": "view",
    "product added": "cart_add", "product removed": "cart_remove", "cart viewed": "view", "checkout started": "checkout",
    "checkout step viewed": "checkout", "checkout step completed": "checkout", "payment info entered": "checkout",
    "order completed": "purchase", "order refunded": "refund", "order cancelled": "cancel", "coupon entered": "coupon",
    "coupon applied": "coupon", "product added to wishlist": "wishlist", "wishlist product added to cart": "cart_add",
    "product shared": "share", "cart shared": "share", "product reviewed": "review",
    "page": "view", "screen": "view", "identify": IDENTIFY, "alias": IDENTIFY, "group": IDENTIFY,
}  # fmt: skip
_LINED = ("order completed", "order refunded", "order cancelled")


def _flatten(call: Mapping[str, Any]) -> list[dict[str, Any]]:
    kind = str(call.get("type") or "track").lower()
    name = str(call.get("event") or "").strip().lower() if kind == "track" else kind
    properties = _mapping(call.get("properties"))
    shared = _who(call, properties) | _where(call) | {"event_type": name, "event_id": call.get("messageId")}
    shared |= {
        "order_id": properties.get("order_id") or properties.get("checkout_id"),
        "currency": properties.get("currency"),
        "coupon_code": properties.get("coupon") or properties.get("coupon_id"),
        "text": properties.get("query"),
        "rating": properties.get("rating"),
    }
    products = [one for one in properties.get("products") or () if isinstance(one, Mapping)]
    if name in _LINED and products:
        return [shared | _line(one) | _own_id(shared, at) for at, one in enumerate(products)]
    if name == "order refunded" and properties.get("total") is not None:
        return [shared | {"quantity": 1, "unit_price": properties["total"]}]
    return [shared | _line(properties)]


def _own_id(shared: Mapping[str, Any], at: int) -> dict[str, Any]:
    """Each product line of one message needs an id of its own."""
    return {"event_id": f"{shared['event_id']}/{at}" if shared["event_id"] else None}


def _line(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "item_id": one.get("product_id") or one.get("sku"),
        "title": one.get("name"),
        "category": one.get("category"),
        "brand": one.get("brand"),
        "quantity": one.get("quantity"),
        "unit_price": one.get("price"),
    }


def _who(call: Mapping[str, Any], properties: Mapping[str, Any]) -> dict[str, Any]:
    """User and device. A device's id is a login key of both, so that identity can join them later."""
    traits = _mapping(call.get("traits")) or _mapping(_mapping(call.get("context")).get("traits"))
    device = call.get("anonymousId") or (call.get("previousId") if call.get("type") == "alias" else None)
    known = call.get("userId")
    return {
        "customer_id": known or (f"device:{device}" if device else None),
        "login": f"device:{device}" if device else None,
        "email": traits.get("email") or properties.get("email"),
        "phone": traits.get("phone"),
        "occurred_at": call.get("timestamp") or call.get("originalTimestamp") or call.get("sentAt"),
        "recorded_at": call.get("receivedAt"),
    }


def _where(call: Mapping[str, Any]) -> dict[str, Any]:
    context = _mapping(call.get("context"))
    campaign, device = _mapping(context.get("campaign")), _mapping(context.get("device"))
    return {
        "channel": campaign.get("medium") or call.get("channel"),
        "platform": device.get("type"),
        "session_id": context.get("sessionId"),
    }


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _looks(head: Head) -> bool:
    names = set(head.names)
    return head.format == "json" and bool(names & {"anonymousId", "userId"}) and bool(names & {"event", "type"})


_NAMES = (
    "customer_id", "occurred_at", "recorded_at", "event_type", "event_id", "item_id", "title", "category", "brand",
    "quantity", "unit_price", "order_id", "currency", "coupon_code", "text", "rating", "session_id", "channel", "platform",
    "email", "phone", "login",
)  # fmt: skip
PRESETS.add(
    "segment",
    Preset(
        name="segment",
        title=Text("Segment calls, e-commerce spec", "Segment 电商事件"),
        columns={name: (name,) for name in _NAMES},
        required=("customer_id", "occurred_at", "event_type"),
        looks=_looks,
        event_types=EVENTS,
        flatten=_flatten,
        source="segment",
    ),
)
