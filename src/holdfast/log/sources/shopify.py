"""Shopify orders export: a row per line item, order cells blank on the lines after the first."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.core.text import Text
from holdfast.log.sources.ids import as_text, or_null
from holdfast.log.sources.numbers import parse_numbers
from holdfast.log.sources.preset import HIDDEN, LINE, PRESETS, Preset, Shaper

_ID, _TYPE, _AT, _WHO, _ITEM, _OFF, _UNITS, _PRICE = (
    HIDDEN + one for one in ("id", "type", "at", "who", "item", "off", "units", "price")
)
#: Cells that only the first line of an order has.
_OF_ORDER = (
    "Email", "Phone", "Financial Status", "Paid at", "Fulfilled at", "Currency", "Subtotal", "Discount Code",
    "Discount Amount", "Created at", "Cancelled at", "Billing Phone", "Source",
)  # fmt: skip


def _shape() -> Shaper:
    #: First line of the order that the last chunk ended in, and how many of its lines have been seen.
    last: list[tuple[pa.Table, int]] = []

    def shape(table: pa.Table) -> pa.Table:
        raw_refund = _cell(table, "Refunded Amount")
        carried = [last[0][0]] if last else []
        whole = pa.concat_tables([*carried, table], promote_options="permissive")
        first = _first_line(whole["Name"])
        line = np.arange(len(first)) - first + np.where((first == 0) & bool(last), last[0][1] - 1 if last else 0, 0)
        last[:] = [(whole.slice(int(first[-1]), 1), int(line[-1]) + 1)]
        first, line = first[len(carried) :], line[len(carried) :]
        for name in _OF_ORDER:
            if name in whole.column_names:
                table = table.set_column(table.column_names.index(name), name, whole[name].take(pa.array(first)))
        if LINE not in table.column_names:
            number = pa.array(line, pa.int64()).cast(pa.string())
            table = table.append_column(LINE, pc.binary_join_element_wise(as_text(table["Name"]), number, "/"))
        return _with_events(table, raw_refund)

    return shape


def _first_line(names: Any) -> Any:
    """For each row, the place of the first row of its order."""
    text = np.asarray(as_text(names).to_pylist(), object)
    new = np.ones(len(text), bool)
    new[1:] = text[1:] != text[:-1]
    return np.maximum.accumulate(np.where(new, np.arange(len(text)), 0))


def _with_events(table: pa.Table, refunded: Any) -> pa.Table:
    """Each line a purchase; the lines of a cancelled order once more as cancels; an order's refund as one row.

    Each has an id of its own, so that a later export, where the order has gone on, changes the rows and adds none.
    """
    created, cancelled = _cell(table, "Created at"), _cell(table, "Cancelled at")
    who = pc.coalesce(pc.utf8_lower(_cell(table, "Email")), _cell(table, "Phone"), _cell(table, "Billing Phone"))
    item = pc.coalesce(_cell(table, "Lineitem sku"), _cell(table, "Lineitem name"))
    lines = table.append_column(_WHO, who).append_column(_ITEM, item).append_column(_OFF, _discount(table))
    units, price = _cell(table, "Lineitem quantity"), _cell(table, "Lineitem price")
    lines = lines.append_column(_ID, table[LINE])
    bought = _event(lines, "purchase", created, units, price)
    voided = pc.is_valid(cancelled)
    back = _event(lines, "cancel", cancelled, units, price).filter(voided)
    amount = parse_numbers(refunded)
    paid_back = pc.and_(pa.array(amount.good & (amount.values > 0)), pc.invert(voided))
    when = pc.coalesce(_cell(table, "Fulfilled at"), _cell(table, "Paid at"), created)
    one = pa.array(["1"] * table.num_rows, pa.string())
    nothing = pa.nulls(table.num_rows, pa.string())
    refund = _event(lines, "refund", when, one, refunded)
    refund = refund.set_column(refund.column_names.index(_ITEM), _ITEM, nothing)
    refund = refund.set_column(
        refund.column_names.index(_ID), _ID, pc.binary_join_element_wise(as_text(table["Name"]), "refund", "/")
    )
    refund = refund.set_column(refund.column_names.index(_OFF), _OFF, pa.nulls(table.num_rows, pa.float64()))
    return pa.concat_tables([bought, back, refund.filter(paid_back)], promote_options="permissive")


def _event(lines: pa.Table, kind: str, when: Any, units: Any, price: Any) -> pa.Table:
    kinds = pa.array([kind] * lines.num_rows, pa.string())
    if kind == "cancel":
        own = pc.binary_join_element_wise(lines[_ID], kind, "/")
        lines = lines.set_column(lines.column_names.index(_ID), _ID, own)
    for name, column in ((_TYPE, kinds), (_AT, when), (_UNITS, units), (_PRICE, price)):
        lines = lines.append_column(name, column)
    return lines


def _discount(table: pa.Table) -> Any:
    """The order's discount spread over its lines by value: subtotal is what is left after it."""
    number = {name: parse_numbers(_cell(table, name)) for name in _AMOUNTS}
    off, left, units, price, own = (np.where(number[name].good, number[name].values, 0.0) for name in _AMOUNTS)
    share = np.divide(off, off + left, out=np.zeros_like(off), where=(off + left) > 0)
    spread = np.where(off > 0, units * price * share, own)
    return pa.array(spread, pa.float64(), mask=spread <= 0)


_AMOUNTS = ("Discount Amount", "Subtotal", "Lineitem quantity", "Lineitem price", "Lineitem discount")


def _cell(table: pa.Table, name: str) -> Any:
    if name not in table.column_names:
        return pa.nulls(table.num_rows, pa.string())
    return or_null(as_text(table[name]))


PRESETS.add(
    "shopify",
    Preset(
        name="shopify",
        title=Text("Shopify orders export", "Shopify 订单导出"),
        columns={
            "event_id": (_ID,),
            "customer_id": (_WHO,),
            "occurred_at": (_AT,),
            "event_type": (_TYPE,),
            "order_id": ("Name",),
            "item_id": (_ITEM,),
            "title": ("Lineitem name",),
            "brand": ("Vendor",),
            "quantity": (_UNITS,),
            "unit_price": (_PRICE,),
            "discount": (_OFF,),
            "currency": ("Currency",),
            "coupon_code": ("Discount Code",),
            "channel": ("Source",),
            "email": ("Email",),
            "phone": ("Phone", "Billing Phone"),
        },
        looks=lambda head: (
            head.named and {"Name", "Created at", "Lineitem quantity", "Lineitem price"} <= set(head.names)
        ),
        shape=_shape,
        source="shopify",
        notes=(
            Text(
                "Shopify does not export when a refund was made: the order's fulfilment or payment time is used.",
                "Shopify 不导出退款时间：采用订单的发货或付款时间。",
            ),
        ),
    ),
)
