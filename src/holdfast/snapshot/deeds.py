"""What customers did, by the instant: orders with revenue and margin, and what a guardrail watches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.core.money import MONEY_SCALE
from holdfast.snapshot.ledger import Ledger
from holdfast.snapshot.spans import between, codes, micros, sums

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
#: A review with so many stars or fewer is a complaint, as is every ticket.
POOR_STARS = 2.0
#: What a guardrail watches: outcome -> whether it is a yes/no of the customer.
WATCHED = {"unsubscribed": True, "complaints": False, "returns": False}


@dataclass(frozen=True)
class Deeds:
    """`orders`: customer_id, at, revenue, margin (money); `acts`: customer_id, at, kind (of WATCHED). At: microseconds."""

    orders: pa.Table
    acts: pa.Table

    def after(self, who: pa.Array, at: Ints, length: int) -> dict[str, Floats]:
        """Totals of each row's customer over [at, at + length): OUTCOMES of `core.trials`."""
        found = self._orders(who, at, at + length)
        out = {"ordered": (found["orders"] > 0).astype(np.float64), **found}
        for kind, once in WATCHED.items():
            mine = self.acts.filter(pc.equal(self.acts["kind"], kind))
            count = _summed(who, at, at + length, mine, (None,))[0]
            out[kind] = (count > 0).astype(np.float64) if once else count
        return out

    def before(self, who: pa.Array, at: Ints, length: int) -> dict[str, Floats]:
        """Totals over [at - length, at): BEFORE of `core.trials`."""
        found = self._orders(who, at - length, at)
        return {"orders": found["orders"], "revenue": found["revenue"]}

    def first_orders(self) -> tuple[pa.Array, Ints]:
        """Everybody who ever ordered, and the instant of their first order."""
        found = self.orders.group_by("customer_id").aggregate([("at", "min")]).sort_by("customer_id")
        return found["customer_id"].combine_chunks(), found["at_min"].to_numpy().astype(np.int64)

    def _orders(self, who: pa.Array, starts: Ints, stops: Ints) -> dict[str, Floats]:
        count, revenue, margin = _summed(who, starts, stops, self.orders, (None, "revenue", "margin"))
        return {"orders": count, "revenue": revenue, "margin": margin}


def _summed(who: pa.Array, starts: Ints, stops: Ints, table: pa.Table, columns: tuple[str | None, ...]) -> list[Floats]:
    theirs = table["customer_id"].combine_chunks().cast(pa.string())
    names = pa.chunked_array([who, theirs]).unique()
    when = table["at"].to_numpy()
    first, last, order = between(codes(who, names), starts, stops, codes(theirs, names), when)
    values = [np.ones(len(when)) if one is None else table[one].to_numpy() for one in columns]
    return [sums(one[order], first, last) for one in values]


def deeds(ledger: Ledger, margin_rate: float) -> Deeds:
    """From a shop's ledger. `margin_rate`: share of revenue, for items that have none of their own."""
    engine = ledger.engine
    orders = ledger.orders.filter(~ledger.orders.replaced).join(ledger.customers, "who")
    placed = orders.group_by(["customer_id", "day", "order_id"]).aggregate(
        ordered_at=orders.ordered_at.min(), revenue=orders.revenue.sum(), discount=orders.discount.sum()
    )
    table = engine.arrow(placed.order_by(["customer_id", "ordered_at", "order_id"]))
    gross = table["revenue"].to_numpy().astype(np.int64) + table["discount"].to_numpy().astype(np.int64)
    rate = _rates(ledger, table, margin_rate)
    margin = np.rint(gross * rate).astype(np.int64) - table["discount"].to_numpy().astype(np.int64)
    return Deeds(
        pa.table(
            {
                "customer_id": table["customer_id"], "at": micros(table["ordered_at"]).astype(np.int64),
                "revenue": table["revenue"].to_numpy().astype(np.int64), "margin": margin,
            }
        ),
        _acts(engine, ledger.log.events),
    )  # fmt: skip


def _rates(ledger: Ledger, orders: pa.Table, assumed: float) -> Floats:
    """Margin rate of each order: its lines' own rates, by their price; `assumed` for lines without one."""
    log, engine = ledger.log, ledger.engine
    if "items" not in log.tables:
        return np.full(orders.num_rows, assumed)
    items = log.tables["items"]
    known = items.group_by("item_id").aggregate(rate=items.margin_rate.mean())
    bought = log.events.filter(log.events.event_type == "purchase")
    lines = bought.left_join(known, "item_id")
    price = (lines.quantity.fill_null(1.0) * lines.unit_price.fill_null(0)).round(0).cast("int64")
    share = (lines.rate.fill_null(assumed) * MONEY_SCALE).round(0).cast("int64")
    lines = lines.mutate(price=price, kept=price * share, order_id=lines.order_id.fill_null(""))
    by = ["customer_id", "order_id"]
    sold = engine.arrow(lines.group_by(by).aggregate(price=lines.price.sum(), kept=lines.kept.sum()))
    ids = [
        pc.binary_join_element_wise(one["customer_id"], one["order_id"], "\x1f").combine_chunks()
        for one in (orders, sold)
    ]
    place = pc.index_in(ids[0], value_set=ids[1])
    amount, kept = (np.asarray(sold[name].cast(pa.float64()).to_numpy(), np.float64) for name in ("price", "kept"))
    each = np.where(amount > 0, kept / np.maximum(amount, 1.0) / MONEY_SCALE, assumed)
    at = pc.fill_null(place, len(each)).to_numpy(zero_copy_only=False)
    return np.asarray(np.append(each, assumed)[at], np.float64)


def _acts(engine: Any, events: Any) -> pa.Table:
    """Unsubscribing, complaints (tickets, poor reviews) and lines sent back, as they stand at the end of the data."""
    import ibis

    poor = (events.event_type == "review") & (events.rating <= POOR_STARS).fill_null(False)
    kinds = ibis.cases(
        (events.event_type == "unsubscribe", "unsubscribed"), ((events.event_type == "ticket") | poor, "complaints"),
        (events.event_type == "refund", "returns"),
    )  # fmt: skip
    rows = events.filter(events.retracted_at.isnull() & kinds.notnull()).mutate(kind=kinds)
    table = engine.arrow(
        rows.select("customer_id", "occurred_at", "kind").order_by(["customer_id", "occurred_at", "kind"])
    )
    return pa.table(
        {
            "customer_id": table["customer_id"],
            "at": micros(table["occurred_at"]).astype(np.int64),
            "kind": table["kind"],
        }
    )
