"""Cutoffs within a local day: what they cut is folded again from the events, to the microsecond."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from holdfast.core.clock import Cutoff
from holdfast.snapshot.days import day_number
from holdfast.snapshot.fold import fold_days, fold_items, fold_orders, fold_platforms
from holdfast.snapshot.ledger import Ledger


@dataclass(frozen=True)
class Recut:
    """Customer-days that some cutoff cuts (cut, who, day), and their rows as known at that cutoff."""

    touched: Any
    tables: dict[str, Any]

    def replace(self, rows: Any, name: str) -> Any:
        """Ledger rows with every cut customer-day taken out and put back as it was known."""
        fresh = self.tables[name]
        untouched = rows.anti_join(self.touched, ["cut", "who", "day"])
        return untouched.union(fresh.select(*untouched.columns))


def recut(ledger: Ledger, inside: Sequence[tuple[int, Cutoff]]) -> Recut:
    """Fold again, for each (position, cutoff within a day), the customer-days it cuts.

    A customer-day is cut if any of its events occurred, was recorded or was retracted on the cutoff's own day; all
    its events are read, so that an order or a session that lies on both sides of the cutoff still counts once.
    """
    import ibis

    touched: list[Any] = []
    folded: dict[str, list[Any]] = {name: [] for name in ("days", "orders", "items", "platforms")}
    rows = ledger.stamped
    for cut, cutoff in inside:
        today = day_number(cutoff.local_day(ledger.zone))
        on_the_day = (rows.day == today) | (rows.recorded_day == today) | (rows.lost_day == today).fill_null(False)
        groups = ledger.engine.cached(rows.filter(on_the_day).select("who", "day").distinct())
        touched.append(groups.mutate(cut=ibis.literal(cut, "int32")))
        now = ibis.literal(cutoff.at)
        known = rows.semi_join(groups, ["who", "day"]).filter(
            lambda t, now=now: (
                (t.occurred_at < now) & (t.recorded_at < now) & (t.retracted_at.isnull() | (t.retracted_at >= now))
            )
        )
        known = known.mutate(known_day=known.day, lost_day=ibis.null("int32"))
        stamp = {"cut": ibis.literal(cut, "int32"), "cutoff_day": ibis.literal(today + 1, "int32")}
        for name, table in fold(known, ledger).items():
            folded[name].append(ledger.engine.cached(table.mutate(**stamp)))
    return Recut(ledger.engine.cached(_every(touched)), {name: _every(tables) for name, tables in folded.items()})


def fold(known: Any, ledger: Ledger) -> dict[str, Any]:
    """The ledger's tables of some events, all of which count."""
    plain = replace(ledger.seen, plain=True)
    orders = ledger.engine.cached(fold_orders(known))
    items = fold_items(known.join(ledger.item_ids, "item_id"), plain)
    return {
        "days": fold_days(known, orders, plain),
        "orders": orders,
        "items": items,
        "platforms": fold_platforms(known),
    }


def _every(tables: list[Any]) -> Any:
    import ibis

    return tables[0] if len(tables) == 1 else ibis.union(*tables)
