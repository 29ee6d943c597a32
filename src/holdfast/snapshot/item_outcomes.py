"""Which items customers bought in the horizon: what lists are judged by."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from holdfast.core.clock import NO_GAP, Cutoff, Gap, Horizon
from holdfast.core.interactions import ItemOutcomes
from holdfast.core.log import EventLog


def item_outcomes(
    engine: Any, log: EventLog, customer_id: pa.Array, cutoff: Cutoff, horizon: Horizon, gap: Gap = NO_GAP,
    *, known_at: Cutoff | None = None,
) -> ItemOutcomes:  # fmt: skip
    """The different items that each of these customers bought in [cutoff + gap, cutoff + gap + horizon)."""
    rows, start, end = log.events, cutoff.plus(gap), cutoff.plus(gap, horizon)
    rows = rows.filter((rows.event_type == "purchase") & rows.item_id.notnull())
    rows = rows.filter((rows.occurred_at >= start.at) & (rows.occurred_at < end.at))
    if known_at is not None:
        rows = rows.filter(rows.recorded_at < known_at.at)
    paid = rows.quantity.fill_null(1.0) * rows.unit_price.cast("float64") - rows.discount.fill_null(0)
    paid = rows.mutate(paid=paid.round().cast("int64").fill_null(0))
    table = engine.arrow(paid.group_by(["customer_id", "item_id"]).aggregate(amount=paid.paid.sum()))
    people = customer_id.to_pylist()
    place = {one: at for at, one in enumerate(people)}
    ids = sorted(set(table["item_id"].to_pylist()))
    number = {one: at for at, one in enumerate(ids)}
    who = np.array([place.get(one, -1) for one in table["customer_id"].to_pylist()], np.int64)
    item = np.array([number[one] for one in table["item_id"].to_pylist()], np.int32)
    amount, mine = table["amount"].to_numpy().astype(np.int64), who >= 0
    order = np.lexsort((item[mine], who[mine]))
    counts = np.bincount(who[mine], minlength=len(people))
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return ItemOutcomes(
        customer_id, cutoff, horizon, pa.array(ids, pa.string()), offsets, item[mine][order], amount[mine][order]
    )
