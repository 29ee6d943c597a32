"""WooCommerce order lines as the usual export plugins write them: order, status, e-mail, item, quantity, cost."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from holdfast.core.text import Text
from holdfast.log.sources.ids import as_text, or_null
from holdfast.log.sources.preset import HIDDEN, LINE, PRESETS, Head, Preset, Shaper, plain

_ID, _TYPE, _WHO, _ITEM = HIDDEN + "id", HIDDEN + "type", HIDDEN + "who", HIDDEN + "item"
_NAMES: dict[str, tuple[str, ...]] = {
    "order": ("Order Number", "Order ID", "order_id", "order_number"),
    "date": ("Order Date", "order_date", "Date Created", "date_created", "date"),
    "status": ("Order Status", "status", "order_status"),
    "user": ("Customer User ID", "Customer User", "customer_user", "customer_id", "User ID", "user_id"),
    "email": ("Email (Billing)", "Billing Email Address", "billing_email", "Customer Email", "email"),
    "phone": ("Phone (Billing)", "billing_phone", "phone"),
    "sku": ("SKU", "Item SKU", "item_sku", "Product Id", "product_id", "Item #"),
    "name": ("Item Name", "item_name", "Product Name", "name"),
    "units": ("Quantity (- Refund)", "Quantity", "item_quantity", "qty"),
    "each": ("Item Cost", "Item Price", "item_price", "Product Current Price"),
    "total": ("Order Line Total", "Item Total", "item_total", "line_total", "Order Line Subtotal"),
}
#: Statuses under which nothing was bought (yet).
_NOT_BOUGHT = ("pending", "pending payment", "failed", "checkout-draft", "draft", "trash")


def _find(names: list[str] | tuple[str, ...], what: str) -> str | None:
    known = {plain(name): name for name in reversed(names)}
    return next((known[plain(alias)] for alias in _NAMES[what] if plain(alias) in known), None)


def _looks(head: Head) -> bool:
    found = {what: _find(head.names, what) for what in _NAMES}
    own = {plain(name) for name in head.names} & {
        plain(one) for one in ("Order Status", "billing_email", "Email (Billing)")
    }
    has = all(found[what] for what in ("order", "date", "status", "email", "units"))
    return head.named and bool(own) and has and bool(found["each"] or found["total"])


def _shape() -> Shaper:
    seen: dict[str, int] = {}
    last: list[str] = []

    def shape(table: pa.Table) -> pa.Table:
        user, email = _cell(table, "user"), pc.utf8_lower(_cell(table, "email"))
        user = pc.if_else(pc.is_in(user, pa.array(["0"])), None, user)  # WooCommerce writes 0 for a guest
        status = pc.utf8_lower(pc.replace_substring_regex(_cell(table, "status"), r"^wc-", ""))
        kind = pc.if_else(pc.fill_null(pc.is_in(status, pa.array(_NOT_BOUGHT)), False), "checkout", "purchase")
        item = pc.coalesce(_cell(table, "sku"), _cell(table, "name"))
        # One id for a person who orders as a guest and later with an account: the e-mail, where there is one.
        lines = table.append_column(_WHO, pc.coalesce(email, user)).append_column(_ITEM, item)
        if LINE not in table.column_names:
            own = _line_ids(_cell(table, "order").to_pylist(), item.to_pylist(), seen, last)
            lines = lines.append_column(LINE, pa.array(own, pa.string()))
        ids = lines[LINE]
        parts = [lines.append_column(_TYPE, kind).append_column(_ID, ids)]
        for word, event in (("cancelled", "cancel"), ("refunded", "refund")):
            taken = pc.fill_null(pc.equal(status, word), False)
            own = pc.binary_join_element_wise(ids, event, "/").filter(taken)
            some = lines.filter(taken)
            parts.append(
                some.append_column(_TYPE, pa.array([event] * some.num_rows, pa.string())).append_column(_ID, own)
            )
        return pa.concat_tables(parts, promote_options="permissive")

    return shape


def _line_ids(
    orders: list[str | None], items: list[str | None], seen: dict[str, int], last: list[str]
) -> list[str | None]:
    """Order, item and the how-many-th line of that item: a later export changes a line's row and adds none.

    `seen` counts the items of the order in hand alone, as the lines of an order stand together.
    """
    ids: list[str | None] = []
    for order, item in zip(orders, items, strict=True):
        if order is None:
            ids.append(None)
            continue
        if last != [order]:
            last[:] = [order]
            seen.clear()
        key = item or ""
        seen[key] = seen.get(key, 0) + 1
        ids.append(f"{order}/{key}" if seen[key] == 1 else f"{order}/{key}/{seen[key]}")
    return ids


def _cell(table: pa.Table, what: str) -> Any:
    name = _find(table.column_names, what)
    return pa.nulls(table.num_rows, pa.string()) if name is None else or_null(as_text(table[name]))


PRESETS.add(
    "woocommerce",
    Preset(
        name="woocommerce",
        title=Text("WooCommerce order lines", "WooCommerce 订单明细"),
        columns={
            "event_id": (_ID,),
            "customer_id": (_WHO,),
            "occurred_at": _NAMES["date"],
            "event_type": (_TYPE,),
            "order_id": _NAMES["order"],
            "item_id": (_ITEM,),
            "title": _NAMES["name"],
            "category": ("Category", "Categories", "Product Categories"),
            "quantity": _NAMES["units"],
            "unit_price": _NAMES["each"],
            "line_total": _NAMES["total"],
            "currency": ("Order Currency", "currency"),
            "coupon_code": ("Coupon Code", "coupon_code", "Coupons"),
            "email": _NAMES["email"],
            "phone": _NAMES["phone"],
        },
        looks=_looks,
        shape=_shape,
        source="woocommerce",
        notes=(
            Text(
                "WooCommerce exports no time of cancellation or refund: the order's own time is used.",
                "WooCommerce 不导出取消或退款时间：采用下单时间。",
            ),
        ),
    ),
)
