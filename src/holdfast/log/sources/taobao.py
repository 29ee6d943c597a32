"""Taobao user behaviour: user, item, category, pv/cart/fav/buy, unix seconds; no header, times of Shanghai."""

from __future__ import annotations

from holdfast.core.text import Text
from holdfast.log.sources.preset import PRESETS, Head, Preset

_COLUMNS = ("user_id", "item_id", "category_id", "behavior", "timestamp")
_WORDS = {"pv": "view", "cart": "cart_add", "fav": "wishlist", "buy": "purchase"}


def _looks(head: Head) -> bool:
    if head.named:
        return head.names == _COLUMNS
    rows = [row for row in head.rows[:50] if len(row) == len(_COLUMNS)]
    return len(head.names) == len(_COLUMNS) and bool(rows) and all(row[3] in _WORDS for row in rows)


PRESETS.add(
    "taobao",
    Preset(
        name="taobao",
        title=Text("Taobao user behaviour", "淘宝用户行为"),
        columns={
            "customer_id": ("user_id",),
            "item_id": ("item_id",),
            "category": ("category_id",),
            "event_type": ("behavior",),
            "occurred_at": ("timestamp",),
        },
        bare=(_COLUMNS,),
        looks=_looks,
        event_types=_WORDS,
        zone="Asia/Shanghai",
        currency="CNY",
    ),
)
