"""Who did what with which item before a cutoff, and the catalogue as it was known then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.core.clock import Cutoff
from holdfast.core.interactions import Interactions, Items
from holdfast.core.log import EventLog
from holdfast.core.schema import EVENT_TYPES


def interactions(
    engine: Any, log: EventLog, cutoff: Cutoff, *, customers: Sequence[str] | None = None, items: Items | None = None
) -> Interactions:
    """Events about items known before the cutoff, of everybody or of some customers (who need not be known)."""
    import ibis

    rows, now = log.events, ibis.literal(cutoff.at)
    rows = rows.filter(rows.item_id.notnull() & (rows.occurred_at < now) & (rows.recorded_at < now))
    rows = rows.filter(rows.retracted_at.isnull() | (rows.retracted_at >= now))
    if customers is not None:
        rows = rows.filter(rows.customer_id.isin(list(customers)))
    paid = rows.quantity.fill_null(1.0) * rows.unit_price.cast("float64") - rows.discount.fill_null(0)
    table = engine.arrow(
        rows.select(
            "customer_id", "item_id", "occurred_at", "event_type", "session_id",
            basket=ibis.ifelse(rows.event_type == "purchase", rows.order_id.fill_null(rows.local_day.cast("string")), None),
            quantity=rows.quantity.fill_null(1.0),
            amount=paid.round().cast("int64").fill_null(-1),
        ).order_by(["customer_id", "occurred_at", "item_id", "event_type"])
    )  # fmt: skip
    people = pa.array(sorted(set(customers)) if customers is not None else _distinct(table, "customer_id"), pa.string())
    known = catalogue(engine, log, cutoff, pa.array(_distinct(table, "item_id"), pa.string())) if items is None else items
    who, item = _codes(table["customer_id"], people), _codes(table["item_id"], known.item_id)
    inside = item >= 0
    basket = pc.binary_join_element_wise(table["customer_id"], table["basket"], "\x1f")
    return Interactions.of(
        people, known, cutoff,
        customer=who[inside], item=item[inside],
        occurred_at=table["occurred_at"].cast(pa.int64()).to_numpy()[inside],
        event_type=_codes(table["event_type"], pa.array(EVENT_TYPES))[inside],
        basket=_numbers(basket)[inside], session=_numbers(table["session_id"])[inside],
        quantity=table["quantity"].to_numpy()[inside], amount=table["amount"].to_numpy()[inside],
    )  # fmt: skip


def catalogue(engine: Any, log: EventLog, cutoff: Cutoff, also: pa.Array) -> Items:
    """Every item known before the cutoff, its newest attributes of then; `also` are items that only events name."""
    found = _newest(engine, log, cutoff)
    ids = sorted({*found, *also.to_pylist()})
    prices = _prices(engine, log, cutoff)
    rows = [found.get(one, {}) for one in ids]
    columns: dict[str, Any] = {
        name: pa.array([row.get(name) for row in rows], pa.string())
        for name in ("kind", "title", "category", "brand", "description", "image")
    }
    for name in ("margin_rate", "stock", "min_age"):
        columns[name] = np.array([np.nan if row.get(name) is None else row[name] for row in rows], np.float64)
    columns["price"] = np.array(
        [prices.get(one, -1 if row.get("price") is None else row["price"]) for one, row in zip(ids, rows, strict=True)],
        np.int64,
    )
    for name in ("active_from", "active_to"):
        known = np.array([-1 if row.get(name) is None else _micros(row[name]) for row in rows], np.int64)
        never = np.iinfo(np.int64).max * (-1 if name == "active_from" else 1)
        columns[name] = np.where([row.get(name) is None for row in rows], never, known)
    return Items.named(ids, **columns)


def _newest(engine: Any, log: EventLog, cutoff: Cutoff) -> dict[str, dict[str, Any]]:
    items = log.tables.get("items")
    if items is None:
        return {}
    known = items.filter(items.valid_from.isnull() | (items.valid_from < cutoff.at)).drop("embedding")
    table = engine.arrow(known.order_by(["item_id", known.valid_from.asc(nulls_first=True)]))
    return {row["item_id"]: row for row in table.to_pylist()}


def _prices(engine: Any, log: EventLog, cutoff: Cutoff) -> dict[str, int]:
    prices = log.tables.get("prices")
    if prices is None:
        return {}
    known = prices.filter(prices.valid_from < cutoff.at)
    table = engine.arrow(known.order_by(["item_id", "valid_from"]).select("item_id", "price"))
    return dict(zip(table["item_id"].to_pylist(), table["price"].to_pylist(), strict=True))


def _distinct(table: pa.Table, name: str) -> list[str]:
    return sorted(pc.unique(table[name]).to_pylist())


def _codes(column: pa.ChunkedArray, among: pa.Array) -> Any:
    return pc.index_in(column, value_set=among).fill_null(-1).to_numpy()


def _numbers(column: pa.ChunkedArray) -> Any:
    coded = column.combine_chunks().dictionary_encode()
    return coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)


def _micros(instant: Any) -> int:
    from holdfast.core.clock import to_micros

    return int(to_micros(instant))
