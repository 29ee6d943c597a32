"""The day ledger: events folded once into small tables, kept in the shop's cache.

Windows, gaps and cadence at any cutoff are aggregates over these tables, so twelve cutoffs cost little more than one.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from holdfast.core.log import EventLog
from holdfast.core.progress import SILENT, Progress
from holdfast.engine.files import publishing
from holdfast.snapshot.fold import Survey, fold_days, fold_items, fold_orders, fold_platforms, stamped, survey

#: Part of every cache name: a ledger folded by other rules is never read.
VERSION = 1
SURVEY = "survey.json"
TABLES = ("customers", "item_ids", "orders", "days", "items", "platforms")


@dataclass(frozen=True)
class Ledger:
    """The folded tables (lazy), and the log they came from. `who` numbers the customers of `customers`.

    - `days`: who, day, known_day, lost_day x measures (`customer_day`)
    - `orders`: who, day, known_day, lost_day, order_id, replaced, ordered_at, line_count, units, revenue, discount
    - `items`: who, item, day, known_day, lost_day, act_count, line_count (`customer_item_day`)
    - `platforms`: who, platform, day, known_day, lost_day, line_count
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
    platforms: Any

    @property
    def zone(self) -> str:
        return self.log.zone

    @classmethod
    def open(cls, engine: Any, log: EventLog, cache: Path | None = None, progress: Progress = SILENT) -> Ledger:
        """Read the ledger of this log from `cache`, or fold it now (and keep it there)."""
        if cache is None:
            seen = survey(engine, log.events)
            return cls(engine, log, seen, **_fold(engine, log, seen, _cached(engine), progress))
        folder = cache / f"ledger-{_name(log)}"
        if not _whole(folder):
            shutil.rmtree(folder, ignore_errors=True)
            with publishing(folder) as aside:
                seen = survey(engine, log.events)
                _fold(engine, log, seen, _written(engine, aside), progress)
                (aside / SURVEY).write_text(json.dumps(seen.as_dict()), encoding="utf-8")
            _sweep(cache, folder)
        seen = Survey.from_dict(json.loads((folder / SURVEY).read_text(encoding="utf-8")))
        return cls(engine, log, seen, **{name: engine.parquet(folder / f"{name}.parquet") for name in TABLES})

    @cached_property
    def stamped(self) -> Any:
        """The events with `who`, `item` and the days on which they count: what a cutoff within a day is read from."""
        events = self.log.events.join(self.customers, "customer_id").left_join(self.item_ids, "item_id")
        return stamped(events, self.seen, self.zone)


def _name(log: EventLog) -> str:
    return hashlib.sha256(f"{VERSION} {TABLES} {log.fingerprint} {log.zone}".encode()).hexdigest()[:16]


def _whole(folder: Path) -> bool:
    return (folder / SURVEY).is_file() and all((folder / f"{name}.parquet").is_file() for name in TABLES)


def _sweep(cache: Path, newest: Path) -> None:
    """Remove ledgers of logs that have changed since, but the last one: a reader may still be in it."""
    older = sorted((old for old in cache.glob("ledger-*") if old != newest), key=lambda old: old.stat().st_mtime)
    for old in older[:-1]:
        shutil.rmtree(old, ignore_errors=True)


def _cached(engine: Any) -> Callable[[str, Any], Any]:
    return lambda name, expression: engine.cached(expression)


def _written(engine: Any, folder: Path) -> Callable[[str, Any], Any]:
    def keep(name: str, expression: Any) -> Any:
        return engine.parquet(engine.write_parquet(expression, folder / f"{name}.parquet"))

    return keep


def _fold(
    engine: Any, log: EventLog, seen: Survey, keep: Callable[[str, Any], Any], progress: Progress
) -> dict[str, Any]:
    """Every table of the ledger, kept by `keep` as it is made."""
    steps, what = 6.0, "day ledger"
    progress.step(what, 0, steps)
    made = {"customers": keep("customers", _numbered(log.events, "customer_id", "who"))}
    made["item_ids"] = keep("item_ids", _numbered(log.events, "item_id", "item"))
    progress.step(what, 1, steps)
    rows = stamped(log.events.join(made["customers"], "customer_id"), seen, log.zone)
    made["orders"] = keep("orders", fold_orders(rows))
    progress.step(what, 2, steps)
    made["days"] = keep("days", fold_days(rows, made["orders"], seen))
    progress.step(what, 4, steps)
    made["items"] = keep("items", fold_items(rows.join(made["item_ids"], "item_id"), seen))
    made["platforms"] = keep("platforms", fold_platforms(rows))
    progress.step(what, steps, steps)
    return made


def _numbered(events: Any, column: str, number: str) -> Any:
    """The distinct values of a column, numbered in their own order."""
    import ibis

    values = events.select(column).filter(lambda t: t[column].notnull()).distinct()
    rank = ibis.row_number().over(ibis.window(order_by=column)).cast("int32")
    return values.mutate(**{number: rank})
