"""Rows of an event or order file to canonical events, catalogue entries and identity keys."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.core.schema import EVENT_TYPES, INSTANT, ITEMS
from holdfast.log.batch import EVENT_ROWS, IDENTITY_KEYS, Batch
from holdfast.log.sources.dates import parse_instants
from holdfast.log.sources.ids import LONGEST_ID, as_text, nobody
from holdfast.log.sources.preset import HIDDEN, IDENTIFY
from holdfast.log.sources.raw import as_json, flat_text
from holdfast.log.sources.reader import BadRow
from holdfast.log.sources.reading import Flags, Reading, Rows
from holdfast.log.sources.zones import local_day_and_hour

_TEXTS = (
    "event_id", "item_id", "order_id", "session_id", "channel", "platform", "coupon_code", "treatment_id",
    "decision_id", "text",
)  # fmt: skip
#: Event types whose lines have a quantity: one, where the file does not say.
_BOUGHT = ("purchase", "refund", "cancel", "cart_add", "cart_remove")
_KEYS = ("email", "phone", "login")
_ATTRIBUTES = ("title", "category", "brand")


def event_batch(reading: Reading, table: pa.Table, cut: tuple[BadRow, ...] = ()) -> Batch:
    """One chunk as a batch: events, and what its rows tell about items and identities."""
    rows = Rows(reading, table)
    customer = _customer(rows)
    occurred = _instants(rows, "occurred_at", required=True)
    recorded = _instants(rows, "recorded_at", required=False)
    kind = _event_type(rows)
    quantity, price, discount, amount, negative = _money(rows)
    kind = _signed(kind, negative, reading.negative)
    bad = rows.bad()
    day, hour = local_day_and_hour(occurred[0], reading.zone)
    events = {name: rows.text(name) for name in _TEXTS}
    events |= {
        "occurred_at": _as_instants(*occurred),
        "recorded_at": _as_instants(*recorded),
        "event_type": kind,
        "quantity": _default_quantity(quantity, kind),
        "unit_price": price,
        "discount": discount,
        "currency": pc.utf8_upper(rows.text("currency")),
        "duration_seconds": _floats(rows, "duration_seconds"),
        "rating": _floats(rows, "rating"),
        "properties": _properties(rows),
        "unread": _unread(rows),
        "source": pa.array([reading.source] * rows.size, pa.string()),
        "source_id": customer,
        "local_day": pa.array(day, pa.int32()).cast(pa.date32()),
        "local_hour": pa.array(hour, pa.int8()),
        "source_file": pa.array([reading.file] * rows.size, pa.string()),
        "source_row": pa.array(rows.numbers, pa.int64()),
    }
    keep = pa.array(~bad)
    kept = EVENT_ROWS.conform(pa.table(events)).filter(keep)
    tables = {"events": kept.filter(pc.not_equal(kept["event_type"], IDENTIFY))}
    tables |= _items(rows, kept, keep) | _identity_keys(rows, kept, keep)
    read = rows.read() + len(cut)
    return Batch(read, {name: one for name, one in tables.items() if one.num_rows}, rows.rejected(amount, cut))


def _customer(rows: Rows) -> Any:
    customer = as_text(rows.raw("customer_id"))
    rows.wrong(np.asarray(nobody(customer, rows.reading.missing_ids)), "customer_id", "missing_customer_id")
    long = pc.fill_null(pc.greater(pc.utf8_length(customer), LONGEST_ID), False)
    rows.wrong(np.asarray(long), "customer_id", "customer_id_too_long")
    return customer


def _instants(rows: Rows, name: str, *, required: bool) -> tuple[NDArray[np.int64], Flags]:
    if not rows.has(name):
        return np.zeros(rows.size, np.int64), np.zeros(rows.size, bool)
    raw = rows.raw(name)
    found = parse_instants(raw, rows.reading.zone, rows.reading.order)
    if not found.good.all():
        blank = np.asarray(pc.is_null(rows.text(name)))
        if required:
            rows.wrong(blank, name, "missing_date")
        rows.wrong(found.ambiguous, name, "ambiguous_date")
        rows.wrong(~found.good & ~found.ambiguous & ~blank, name, "bad_date")
    return found.micros, found.good


def _as_instants(micros: NDArray[np.int64], good: Flags) -> Any:
    return pa.array(micros, pa.int64(), mask=~good).cast(INSTANT)


def _event_type(rows: Rows) -> Any:
    words = {one: one for one in (*EVENT_TYPES, IDENTIFY)} | {
        str(k).lower(): v for k, v in rows.reading.event_types.items()
    }
    if not rows.has("event_type"):
        return pa.array(["purchase"] * rows.size, pa.string())
    raw = pc.utf8_lower(rows.text("event_type"))
    found = pc.index_in(raw, pa.array(list(words)))
    rows.wrong(np.asarray(pc.is_null(found)), "event_type", "unknown_event_type")
    return pa.array(list(words.values())).take(found)


def _money(rows: Rows) -> tuple[Any, Any, Any, Any, Flags]:
    """Quantity, unit price, discount, signed amount (1/10,000), and which rows take something back."""
    none = np.zeros(rows.size, bool)
    quantity = rows.number("quantity", "bad_quantity") if rows.has("quantity") else None
    price = rows.number("unit_price", "bad_price") if rows.has("unit_price") else None
    total = rows.number("line_total", "bad_price") if rows.has("line_total") and price is None else None
    units = np.where(quantity.good, quantity.values, 1.0) if quantity is not None else np.ones(rows.size)
    has_units = quantity.good if quantity is not None else none
    negative = units < 0
    discount = pa.nulls(rows.size, pa.int64())
    if rows.has("discount"):
        off = rows.number("discount", "bad_discount")
        discount = pa.array(np.abs(off.money()), pa.int64(), mask=~off.good)
    if total is not None:
        money, known = total.money(), total.good
        negative = negative | (known & (money < 0))
        each, rest = _split(np.abs(money), np.abs(units))
        discount = pa.array(rest, pa.int64(), mask=rest == 0) if not rows.has("discount") else discount
        signed = pa.array(np.where(negative, -np.abs(money), money), pa.int64(), mask=~known)
        return _units(units, has_units), pa.array(each, pa.int64(), mask=~known), discount, signed, negative
    if price is None:
        nothing = pa.nulls(rows.size, pa.int64())
        return _units(units, has_units), nothing, discount, nothing, negative
    money = price.money()
    signed = pa.array(np.rint(units * money).astype(np.int64), pa.int64(), mask=~price.good)
    return _units(units, has_units), pa.array(money, pa.int64(), mask=~price.good), discount, signed, negative


def _units(units: NDArray[np.float64], known: Flags) -> Any:
    return pa.array(np.abs(units), pa.float64(), mask=~known)


def _split(total: NDArray[np.int64], units: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A line's total as a price of one and the rest that makes quantity x price - discount exact again.

    The rest is at most a few 1/10,000 and never positive, so that nobody takes it for a discount.

    >>> _split(np.array([633400]), np.array([3.0]))
    (array([211133]), array([-1]))
    """
    safe = np.where(units > 0, units, 1.0)
    each = np.floor(total / safe).astype(np.int64)
    return each, np.rint(each * safe).astype(np.int64) - total


def _signed(kind: Any, negative: Flags, word: str) -> Any:
    """A purchase of a negative quantity takes something back."""
    if not negative.any():
        return kind
    return pc.if_else(pc.and_(pa.array(negative), pc.equal(kind, "purchase")), word, kind)


def _default_quantity(quantity: Any, kind: Any) -> Any:
    bought = pc.is_in(kind, pa.array(_BOUGHT))
    return pc.if_else(pc.and_(pc.is_null(quantity), bought), 1.0, quantity)


def _floats(rows: Rows, name: str) -> Any:
    if not rows.has(name):
        return pa.nulls(rows.size, pa.float64())
    found = rows.number(name, f"bad_{name}")
    return pa.array(found.values, pa.float64(), mask=~found.good)


def _properties(rows: Rows) -> Any:
    if not rows.reading.keep_properties:
        return rows.text("properties")
    left = _left(rows)
    return as_json(rows.table.select(left), drop_empty=True) if left else rows.text("properties")


def _unread(rows: Rows) -> Any:
    """The rest of each row, joined: two lines that differ only in a column nobody reads are two lines."""
    left = [] if rows.reading.keep_properties else _left(rows)
    if not left:
        return pa.nulls(rows.size, pa.string())
    texts = [flat_text(rows.table[name]) for name in left]
    return pc.binary_join_element_wise(*texts, "\x1f", null_handling="replace", null_replacement="")


def _left(rows: Rows) -> list[str]:
    """Columns of the file that tell nothing canonical about the event itself."""
    used = {column for name, column in rows.reading.columns.items() if name not in _ATTRIBUTES}
    return [name for name in rows.table.column_names if name not in used and not name.startswith(HIDDEN)]


def _items(rows: Rows, kept: pa.Table, keep: Any) -> dict[str, pa.Table]:
    """Distinct catalogue entries, with the first instant in this chunk at which each was seen."""
    names = [name for name in _ATTRIBUTES if rows.has(name)]
    if not names or not rows.has("item_id"):
        return {}
    columns = {name: pc.filter(rows.text(name), keep) for name in names}
    table = pa.table({"item_id": kept["item_id"], **columns, "valid_from": kept["occurred_at"]})
    some = pc.is_valid(columns[names[0]])
    for name in names[1:]:
        some = pc.or_(some, pc.is_valid(columns[name]))
    table = table.filter(pc.and_(some, pc.is_valid(table["item_id"])))
    grouped = table.group_by(["item_id", *names]).aggregate([("valid_from", "min")])
    grouped = grouped.rename_columns([*grouped.column_names[:-1], "valid_from"])
    return {
        "items": ITEMS.conform(grouped.sort_by([(name, "ascending") for name in ("item_id", "valid_from", *names)]))
    }


def _identity_keys(rows: Rows, kept: pa.Table, keep: Any) -> dict[str, pa.Table]:
    """E-mail, phone and login beside a customer's id, with the first instant at which each pair was seen."""
    parts = []
    for kind in _KEYS:
        if not rows.has(kind):
            continue
        value = pc.filter(rows.text(kind), keep)
        seen = pc.coalesce(kept["recorded_at"], kept["occurred_at"])
        part = pa.table({"source": kept["source"], "source_id": kept["source_id"], "value": value, "seen_at": seen})
        part = part.filter(pc.is_valid(part["value"]))
        grouped = part.group_by(["source", "source_id", "value"]).aggregate([("seen_at", "min")])
        grouped = grouped.rename_columns(["source", "source_id", "value", "seen_at"])
        parts.append(grouped.append_column("kind", pa.array([kind] * grouped.num_rows, pa.string())))
    if not parts:
        return {}
    keys = IDENTITY_KEYS.conform(pa.concat_tables([part.select(list(IDENTITY_KEYS.names)) for part in parts]))
    return {"identity_keys": keys.sort_by([(name, "ascending") for name in ("source_id", "kind", "value")])}
