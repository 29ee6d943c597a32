"""REES46 multi-category shop: views, carts and purchases with brand, category and session."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from holdfast.core.text import Text
from holdfast.log.sources.ids import as_text
from holdfast.log.sources.preset import HIDDEN, PRESETS, Preset, Shaper

_ORDER, _CATEGORY = HIDDEN + "order", HIDDEN + "category"


def _shape() -> Shaper:
    def complete(table: pa.Table) -> pa.Table:
        """A visit's purchases are one order; `a.b.c` is the path `a > b > c`."""
        bought = pc.equal(as_text(table["event_type"]), "purchase")
        order = pc.if_else(bought, as_text(table["user_session"]), None)
        path = pc.replace_substring(as_text(table["category_code"]), ".", " > ")
        return table.append_column(_ORDER, order).append_column(_CATEGORY, path)

    return complete


PRESETS.add(
    "rees46",
    Preset(
        name="rees46",
        title=Text("REES46 shop events", "REES46 商城行为"),
        columns={
            "occurred_at": ("event_time",),
            "event_type": ("event_type",),
            "item_id": ("product_id",),
            "category": (_CATEGORY, "category_code"),
            "brand": ("brand",),
            "unit_price": ("price",),
            "customer_id": ("user_id",),
            "session_id": ("user_session",),
            "order_id": (_ORDER, "user_session"),
        },
        required=(
            "occurred_at",
            "event_type",
            "item_id",
            "category",
            "brand",
            "unit_price",
            "customer_id",
            "session_id",
        ),
        event_types={"cart": "cart_add", "remove_from_cart": "cart_remove"},
        shape=_shape,
        zone="UTC",
    ),
)
