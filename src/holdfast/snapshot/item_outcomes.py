"""Which items customers bought after a cutoff: what lists are judged by. Beside `outcomes`, the only look past a cutoff."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.core.clock import NO_GAP, Cutoff, Gap, Horizon
from holdfast.core.interactions import ItemOutcomes
from holdfast.snapshot.days import cutoff_day
from holdfast.snapshot.fold import lasting
from holdfast.snapshot.folds import default_cutoff
from holdfast.snapshot.ledger import Ledger
from holdfast.snapshot.outcomes import _refuse_open
from holdfast.snapshot.settings import COUNTED_ORDERS, OutcomeSettings


def item_outcomes(
    ledger: Ledger, cutoff: Cutoff, horizon: Horizon, gap: Gap = NO_GAP, *, customer_id: pa.Array | None = None,
    settings: OutcomeSettings = COUNTED_ORDERS,
) -> ItemOutcomes:  # fmt: skip
    """The different items of order lines in [cutoff + gap, cutoff + gap + horizon), of these customers in this order.

    By default of everybody who ever did anything in this log, by customer_id. Orders count by the rules of `outcomes`: one voided
    on its own day is none, one cancelled later counts unless `settings` drop it. Raises `TooLittleData` where the window
    has not closed.
    """
    _refuse_open([cutoff], default_cutoff(ledger.log), horizon, gap)
    rows = ledger.engine.arrow(_bought(ledger, cutoff.plus(gap), cutoff.plus(gap, horizon), settings))
    if customer_id is None:
        customer_id = ledger.engine.arrow(ledger.customers.order_by("customer_id"))["customer_id"].combine_chunks()
    names = customer_id.cast(pa.string())
    who = np.asarray(
        pc.index_in(rows["customer_id"].combine_chunks().cast(pa.string()), value_set=names).fill_null(-1), np.int64
    )
    ids = rows["item_id"].combine_chunks().cast(pa.string())
    items = ids.unique()
    items = items.take(pc.sort_indices(items))
    item = np.asarray(pc.index_in(ids, value_set=items), np.int32)
    order = np.lexsort((item, who))
    order = order[who[order] >= 0]
    offsets = np.concatenate([[0], np.cumsum(np.bincount(who[order], minlength=len(names)))]).astype(np.int64)
    return ItemOutcomes(names, cutoff, horizon, items, offsets, item[order], rows["amount"].to_numpy()[order])


def _bought(ledger: Ledger, start: Cutoff, stop: Cutoff, settings: OutcomeSettings) -> Any:
    import ibis

    rows = lasting(ledger.stamped)
    rows = rows.filter((rows.occurred_at >= ibis.literal(start.at)) & (rows.occurred_at < ibis.literal(stop.at)))
    rows = rows.filter((rows.event_type == "purchase") & rows.item_id.notnull() & ~rows.replaced)
    if settings.cancelled_orders == "drop":
        rows = rows.filter(rows.lost_day.isnull() | (rows.lost_day >= cutoff_day(stop, ledger.zone)))
    paid = rows.quantity.fill_null(1.0) * rows.unit_price.cast("float64").fill_null(0.0) - rows.discount.fill_null(0)
    rows = rows.mutate(paid=ibis.greatest(paid, 0.0).round().cast("int64"))
    found = rows.group_by(["customer_id", "item_id"]).aggregate(amount=rows.paid.sum().cast("int64"))
    return found.order_by(["customer_id", "item_id"])
