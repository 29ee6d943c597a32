"""Small random shops with everything that makes time hard: late facts, retractions, versions, zones, missing values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
from hypothesis import strategies as st

from holdfast.core.clock import Cutoff
from holdfast.core.log import EventLog
from holdfast.core.schema import EVENT_TYPES, EVENTS_CLEAN, ITEMS
from holdfast.engine.duck import Engine

#: The night of 2011-03-27 has 23 hours in London, that of 2011-10-30 has 25.
START = datetime(2011, 3, 20, tzinfo=UTC)
ZONES = ("UTC", "Europe/London", "Asia/Shanghai", "America/Sao_Paulo")
COMMON = ("purchase", "purchase", "view", "cart_add", "review", "refund", "cancel", "search", "message", *EVENT_TYPES)
HOURS = st.integers(0, 40 * 24)
LATE = st.sampled_from((0, 0, 0, 1, 5, 24, 30, 24 * 9))


@st.composite
def rows(draw: st.DrawFn, most: int = 60) -> list[dict[str, Any]]:
    """Rows as in EVENTS_CLEAN but for local_day and local_hour, which `log_of` adds for a zone."""
    return [_row(draw, at) for at in range(draw(st.integers(10, most)))]


def _row(draw: st.DrawFn, at: int) -> dict[str, Any]:
    occurred = START + timedelta(hours=draw(HOURS), minutes=draw(st.sampled_from((0, 30, 59))))
    recorded = occurred + timedelta(hours=draw(LATE))
    gone = draw(st.sampled_from((None, None, None, None, 0, 3, 26, 24 * 8)))
    kind = draw(st.sampled_from(COMMON))
    maybe = lambda *values: draw(st.sampled_from((None, *values)))  # noqa: E731  (one letter less each line)
    return {
        "event_id": f"e{at}",
        "customer_id": draw(st.sampled_from("abcd")),
        "occurred_at": occurred,
        "recorded_at": recorded,
        "event_type": kind,
        "item_id": maybe("i1", "i2", "i3"),
        "quantity": maybe(1.0, 2.0, 0.375),
        "unit_price": maybe(10_000, 25_501, 7),
        "order_id": maybe("o1", "o2"),
        "session_id": maybe("s1", "s2"),
        "duration_seconds": maybe(1.5, 60.0),
        "channel": maybe("web", "app", "store", "fax"),
        "platform": maybe("p1", "p2"),
        "rating": maybe(1.0, 4.5) if kind == "review" else None,
        "discount": maybe(1, 500),
        "coupon_code": maybe("SAVE"),
        "retracted_at": None if gone is None else recorded + timedelta(hours=gone),
        "source": "s",
        "source_id": "x",
    }


ITEM_ROWS: list[dict[str, Any]] = [
    {"item_id": "i1", "category": "A > B", "brand": "x", "valid_from": START},
    {"item_id": "i1", "category": "A > C", "brand": None, "valid_from": START + timedelta(days=20, hours=7)},
    {"item_id": "i2", "category": "A > B", "brand": "y", "valid_from": START + timedelta(days=3)},
    {"item_id": "i3", "category": "D", "brand": "x", "valid_from": None},
]


def localised(events: list[dict[str, Any]], zone: str) -> list[dict[str, Any]]:
    """With the local day and hour that import would have stored."""
    local = [row["occurred_at"].astimezone(ZoneInfo(zone)) for row in events]
    return [{**row, "local_day": t.date(), "local_hour": t.hour} for row, t in zip(events, local, strict=True)]


def log_of(
    engine: Engine, events: list[dict[str, Any]], zone: str, items: list[dict[str, Any]] | None = ITEM_ROWS
) -> EventLog:
    """An event log over localised rows."""
    names = EVENTS_CLEAN.names
    table = EVENTS_CLEAN.conform(
        pa.table({n: [row.get(n) for row in events] for n in names}, schema=_open(EVENTS_CLEAN))
    )
    at = [row["occurred_at"] for row in events]
    tables = {}
    if items is not None:
        known = pa.table({n: [row.get(n) for row in items] for n in ITEMS.names}, schema=_open(ITEMS))
        tables["items"] = engine.memory(known)
    return EventLog(engine.memory(table), zone, "EUR", "test", min(at, default=None), max(at, default=None), tables)


def _open(table: Any) -> pa.Schema:
    return pa.schema([(column.name, column.dtype) for column in table.columns])


def cutoffs(zone: str) -> st.SearchStrategy[tuple[Cutoff, ...]]:
    """One to three cutoffs, at local midnight or within a day."""
    midnight = st.integers(1, 45).map(lambda d: Cutoff.midnight((START + timedelta(days=d)).date(), zone))
    inside = st.integers(12, 45 * 24).map(lambda h: Cutoff(START + timedelta(hours=h, minutes=30)))
    return st.sets(st.one_of(midnight, inside), min_size=1, max_size=3).map(lambda found: tuple(sorted(found)))
