"""Plain rows out of the history: order days at a cutoff, and one customer's events."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from holdfast.core.clock import Cutoff
from holdfast.core.log import EventLog
from holdfast.core.schema import EVENTS_CLEAN
from holdfast.snapshot.days import cutoff_day
from holdfast.snapshot.observed import Observed


def order_days(observed: Observed) -> pa.Table:
    """customer_id, local_day, orders, revenue (money): one row per customer and order day known at the newest cutoff."""
    last = len(observed.cutoffs) - 1
    today = cutoff_day(observed.cutoffs[last], observed.zone)
    rows = observed.orders.filter(observed.orders.cut == last).join(observed.customers, "who")
    found = rows.group_by(["customer_id", "age"]).aggregate(orders=rows.order_id.nunique(), revenue=rows.revenue.sum())
    table = observed.engine.arrow(found.order_by(["customer_id", found.age.desc()]))
    day = pa.array(today - table["age"].to_numpy(), pa.int32()).cast(pa.date32())
    return pa.table(
        {
            "customer_id": table["customer_id"].combine_chunks(),
            "local_day": day,
            "orders": table["orders"].combine_chunks(),
            "revenue": table["revenue"].combine_chunks(),
        }
    )


def events_of(engine: Any, log: EventLog, customer_id: str, cutoff: Cutoff) -> pa.Table:
    """One customer's rows known before the cutoff, columns of EVENTS_CLEAN, oldest first."""
    rows = log.events
    mine = rows.filter(
        (rows.customer_id == customer_id) & (rows.occurred_at < cutoff.at) & (rows.recorded_at < cutoff.at)
    )
    return engine.arrow(mine.select(*EVENTS_CLEAN.names).order_by(["occurred_at", "event_id", "recorded_at"]))


def identities_of(engine: Any, log: EventLog, customer_id: str, cutoff: Cutoff) -> list[dict[str, Any]]:
    """source, source_id, evidence: as whom each source knew one customer at the cutoff; from the events where nothing was resolved."""
    rows, known = log.tables.get("identities"), []
    if rows is not None:
        mine = rows.filter((rows.customer_id == customer_id) & (rows.valid_from < cutoff.at))
        mine = mine.filter(mine.valid_to.isnull() | (mine.valid_to >= cutoff.at))
        known = engine.arrow(
            mine.select("source", "source_id", "evidence").distinct().order_by(["source", "source_id"])
        ).to_pylist()
    if known:
        return list(known)
    events = log.events
    own = events.filter(
        (events.customer_id == customer_id) & (events.occurred_at < cutoff.at) & (events.recorded_at < cutoff.at)
    )
    found = engine.arrow(own.select("source", "source_id").distinct().order_by(["source", "source_id"])).to_pylist()
    return [{**one, "evidence": "alone"} for one in found]


def titles_of(engine: Any, log: EventLog, item_ids: list[str]) -> dict[str, str]:
    """Titles of some items, where the catalogue has them."""
    items = log.tables.get("items")
    if items is None or not item_ids:
        return {}
    named = items.filter(items.item_id.isin(item_ids) & items.title.notnull())
    found = engine.arrow(named.order_by(["valid_from", "title"]).select("item_id", "title"))  # the newest name stays
    return dict(zip(found["item_id"].to_pylist(), found["title"].to_pylist(), strict=True))
