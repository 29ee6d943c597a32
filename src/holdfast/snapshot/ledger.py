"""The day ledger: events folded once into small tables, kept in the shop's cache.

Windows, gaps and cadence at any cutoff are aggregates over these tables, so twelve cutoffs cost little more than one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holdfast.core.log import EventLog
from holdfast.core.progress import SILENT, Progress
from holdfast.snapshot.fold import Survey, fold_days, fold_items, fold_orders, stamped, survey

#: Part of every cache name: a ledger folded by other rules is never read.
VERSION = 1


@dataclass(frozen=True)
class Ledger:
    """The folded tables (lazy), and the log they came from. `who` numbers the customers of `customers`.

    - `days`: who, day, known_day, lost_day x measures (`customer_day`)
    - `orders`: who, day, known_day, lost_day, order_id, replaced, ordered_at, line_count, units, revenue, discount
    - `items`: who, item, day, known_day, lost_day, act_count, line_count (`customer_item_day`)
    - `customers`: who, customer_id; `item_ids`: item, item_id
    """

    engine: Any
    log: EventLog
    seen: Survey
    customers: Any
    item_ids: Any
    days: Any
    orders: Any
    items: Any
    stamped: Any

    @property
    def zone(self) -> str:
        return self.log.zone

    @classmethod
    def open(cls, engine: Any, log: EventLog, cache: Path | None = None, progress: Progress = SILENT) -> Ledger:
        """Read the ledger of this log from `cache`, or fold it now (and keep it there)."""
        seen = survey(engine, log.events)
        steps = 5.0
        progress.step("day ledger", 0, steps)
        events = log.events
        customers = _numbered(engine, events, "customer_id", "who")
        item_ids = _numbered(engine, events, "item_id", "item")
        rows = stamped(events.join(customers, "customer_id").left_join(item_ids, "item_id"), seen, log.zone)
        progress.step("day ledger", 1, steps)
        made = {}
        folded = {"days": fold_days(rows, seen), "orders": fold_orders(rows), "items": fold_items(rows)}
        for done, (name, expression) in enumerate(folded.items(), start=2):
            made[name] = engine.cached(expression)
            progress.step("day ledger", done, steps)
        progress.step("day ledger", steps, steps)
        return cls(engine, log, seen, customers, item_ids, stamped=rows, **made)


def _numbered(engine: Any, events: Any, column: str, number: str) -> Any:
    """The distinct values of a column, numbered in their own order."""
    import ibis

    values = events.select(column).filter(lambda t: t[column].notnull()).distinct()
    rank = ibis.row_number().over(ibis.window(order_by=column)).cast("int32")
    return engine.cached(values.mutate(**{number: rank}))
