"""Customer x item x time as of one cutoff, with the catalogue as it was known then: what a recommender reads.

The same law of time as for features: a row is there only if it occurred and was recorded before the cutoff and was not
retracted before it. A purchase voided on its own day is none; one refunded or cancelled later was still an act of the
customer and stays (refunds and cancellations are events of the shop and are left out).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.core.clock import Cutoff, Window
from holdfast.core.errors import UsageError
from holdfast.core.interactions import Interactions, Items, Ties
from holdfast.core.schema import EVENT_TYPES, NOT_OWN_ACTS
from holdfast.snapshot.ledger import Ledger

#: `known`: attributes with `valid_from` before the cutoff; `newest`: the newest row, whenever it came (never in a backtest).
Told = Literal["known", "newest"]
OWN_ACTS = tuple(one for one in EVENT_TYPES if one not in NOT_OWN_ACTS)
RECENTLY = Window.parse("90d")
_ROWS = (
    "customer_id",
    "occurred_at",
    "basket",
    "item_id",
    "event_type",
    "session_id",
    "quantity",
    "amount",
    "event_id",
)
_WORDS = ("kind", "title", "category", "brand", "description", "image")
_NUMBERS = {"price": -1, "margin_rate": None, "stock": None, "min_age": None, "active_from": None, "active_to": None}
_FOREVER = int(np.iinfo(np.int64).max)


def interactions(
    ledger: Ledger, cutoff: Cutoff, *, event_types: Sequence[str] = OWN_ACTS, titles: Told = "known",
    attributes: Told = "known", segments: pa.Table | None = None,
) -> Interactions:  # fmt: skip
    """What customers did with items before the cutoff, of these types; everybody with such a row, by customer_id.

    The catalogue holds every item of those rows or of a catalogue row known at the cutoff. `titles="newest"` names items
    as they are named now, for display; `attributes="newest"` takes everything from the newest rows, for serving today.
    `segments`: customer_id, segment.
    """
    rows = ledger.engine.arrow(_rows(ledger, cutoff, event_types))
    items = catalogue(ledger, cutoff, rows["item_id"], titles=titles, attributes=attributes)
    who = rows["customer_id"].combine_chunks().dictionary_encode()  # ordered by customer_id, so first seen is sorted
    names = who.dictionary.cast(pa.string())
    return Interactions.of(
        names, items, cutoff, customer=who.indices.to_numpy(),
        item=items.positions(rows["item_id"].combine_chunks().cast(pa.string())),
        occurred_at=_micros(rows["occurred_at"]),
        event_type=pc.index_in(rows["event_type"].combine_chunks(), value_set=pa.array(EVENT_TYPES)).to_numpy(),
        basket=_numbered(rows["basket"]), session=_numbered(rows["session_id"]),
        quantity=rows["quantity"].to_numpy(), amount=rows["amount"].to_numpy(),
        segment=_segment(names, segments), ties=_ties(ledger, cutoff, names),
    )  # fmt: skip


def items_on_sale(past: Interactions, within: Window = RECENTLY) -> NDArray[np.bool_]:
    """Which items may be shown at the cutoff: sold, or newly active, in the window before it, and neither over nor out."""
    items, since = past.items, past.cutoff.minus(within).micros
    bought = past.of_type("purchase")
    sold = np.zeros(len(items), bool)
    sold[bought.item[bought.occurred_at >= since]] = True
    return (sold | (items.active_from >= since)) & items.on_sale(past.cutoff)


def catalogue(
    ledger: Ledger, cutoff: Cutoff, item_id: pa.ChunkedArray, *, titles: Told = "known", attributes: Told = "known"
) -> Items:
    """These items and those of the catalogue, with the newest attributes that were known at the cutoff."""
    for name, told in (("titles", titles), ("attributes", attributes)):
        if told not in ("known", "newest"):
            raise UsageError(f"{name} = {told!r}", remedy="one of: known, newest")
    own = item_id.combine_chunks().cast(pa.string()).unique()
    rows = ledger.log.tables.get("items")
    if rows is None:
        return Items.named(own)
    known = _newest(ledger, rows, cutoff, attributes)
    listed = known["item_id"].combine_chunks().cast(pa.string())
    ids = pa.concat_arrays([own, listed]).unique()
    at = pc.index_in(ids, value_set=listed)
    columns = {n: _filled(known[n], n).take(at) for n in (*_WORDS, *_NUMBERS)}
    if titles == "newest":
        newest = _newest(ledger, rows, cutoff, "newest")
        place = pc.index_in(ids, value_set=newest["item_id"].combine_chunks().cast(pa.string()))
        columns["title"] = pc.coalesce(newest["title"].combine_chunks().take(place), columns["title"])
    found: dict[str, Any] = {n: columns[n].cast(pa.string()) for n in _WORDS}
    found |= {n: _number(columns[n], n) for n in _NUMBERS}
    return Items.named(ids, **found, embedding=_vectors(known["embedding"].combine_chunks().take(at)))


def _rows(ledger: Ledger, cutoff: Cutoff, event_types: Sequence[str]) -> Any:
    import ibis

    now, rows = ibis.literal(cutoff.at), ledger.log.events
    rows = rows.filter((rows.occurred_at < now) & (rows.recorded_at < now))
    rows = rows.filter(rows.retracted_at.isnull() | (rows.retracted_at >= now))
    rows = rows.filter(rows.item_id.notnull() & rows.customer_id.notnull() & rows.event_type.isin([*event_types]))
    paid = rows.quantity.fill_null(1.0) * rows.unit_price.cast("float64") - rows.discount.fill_null(0)
    # purchases without an order are one order a day, as in the ledger
    day = "d" + rows.local_day.cast("string")
    order = ibis.ifelse(rows.event_type == "purchase", ibis.coalesce("o" + rows.order_id, day), None)
    return rows.select(
        "customer_id", "occurred_at", "item_id", "event_type", "event_id",
        basket=rows.customer_id.length().cast("string") + ":" + rows.customer_id + order,
        session_id=rows.customer_id.length().cast("string") + ":" + rows.customer_id + rows.session_id,
        quantity=rows.quantity.fill_null(1.0).cast("float32"),
        amount=ibis.ifelse(rows.unit_price.isnull(), -1.0, ibis.greatest(paid, 0.0)).round().cast("int64"),
    ).order_by(list(_ROWS))  # fmt: skip


def _newest(ledger: Ledger, rows: Any, cutoff: Cutoff, told: Told) -> pa.Table:
    """The newest catalogue row of each item; of rows of one instant each column's largest value."""
    import ibis

    if told == "known":
        rows = rows.filter(rows.valid_from.notnull() & (rows.valid_from < ibis.literal(cutoff.at)))
    rows = rows.mutate(since=rows.valid_from.fill_null(ibis.literal(Cutoff.from_micros(0).at)))
    newest = rows.group_by("item_id").aggregate(since=rows.since.max())
    rows = rows.semi_join(newest, ["item_id", "since"])
    names = [n for n in (*_WORDS, *_NUMBERS, "embedding") if n in rows.columns]
    table = ledger.engine.arrow(
        rows.group_by("item_id").aggregate(**{n: rows[n].max() for n in names}).order_by("item_id")
    )
    for name in (*_WORDS, *_NUMBERS, "embedding"):
        if name not in names:
            table = table.append_column(
                name, pa.nulls(len(table), pa.list_(pa.float32()) if name == "embedding" else pa.string())
            )
    return table


def _filled(column: pa.ChunkedArray, name: str) -> pa.Array:
    found = column.combine_chunks()
    return found.cast(pa.int64()) if name.startswith("active") else found


def _number(column: pa.Array, name: str) -> NDArray[Any]:
    if name in ("price", "active_from", "active_to"):
        empty = {"price": -1, "active_from": -_FOREVER, "active_to": _FOREVER}[name]
        return np.asarray(column.cast(pa.int64()).fill_null(empty).to_numpy(zero_copy_only=False), np.int64)
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)


def _vectors(column: pa.Array) -> NDArray[np.float32] | None:
    """One row of floats an item, NaN where there is none; none at all where no item has one of the usual length."""
    lengths = np.asarray(pc.list_value_length(column).fill_null(0).to_numpy(zero_copy_only=False), np.int64)
    if not lengths.any():
        return None
    size = int(np.bincount(lengths[lengths > 0]).argmax())
    found = np.full((len(column), size), np.nan, np.float32)
    for place in np.flatnonzero(lengths == size):
        found[place] = column[int(place)].as_py()
    return found


def _segment(names: pa.Array, segments: pa.Table | None) -> pa.Array | None:
    if segments is None:
        return None
    at = pc.index_in(names, value_set=segments["customer_id"].combine_chunks().cast(pa.string()))
    return segments["segment"].combine_chunks().cast(pa.string()).take(at)


def _ties(ledger: Ledger, cutoff: Cutoff, names: pa.Array) -> Ties | None:
    """Ties that are known to be older than the cutoff, between customers of these names."""
    rows = ledger.log.tables.get("ties")
    if rows is None:
        return None
    known = rows.filter(rows.since.notnull() & (rows.since < cutoff.at))
    known = known.group_by(["customer_id", "other_id"]).aggregate(weight=known.weight.fill_null(1.0).sum())
    table = ledger.engine.arrow(known.order_by(["customer_id", "other_id"]))
    one, other = (
        np.asarray(pc.index_in(table[n].combine_chunks().cast(pa.string()), value_set=names).fill_null(-1), np.int32)
        for n in ("customer_id", "other_id")
    )
    both = (one >= 0) & (other >= 0)
    return Ties(one[both], other[both], table["weight"].to_numpy()[both].astype(np.float32))


def _numbered(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """The same number for the same text, in the order in which they appear; -1 for none."""
    codes = column.combine_chunks().dictionary_encode().indices
    return np.asarray(codes.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)


def _micros(column: pa.ChunkedArray) -> NDArray[np.int64]:
    return np.asarray(column.cast(pa.int64()).to_numpy(), np.int64)
