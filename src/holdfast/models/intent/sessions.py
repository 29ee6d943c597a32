"""Events cut into sessions: by the shop's session id where it has one, else by half an hour of silence."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.core.errors import TooLittleData, UsageError
from holdfast.core.schema import INSTANT

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]
#: Silence after which a visit is another visit, in minutes (the convention of web analytics).
GAP_MINUTES = 30
#: What a visitor does; every other event type is no part of a session.
ACTS = (
    "visit", "view", "list_view", "search", "cart_add", "cart_remove", "wishlist", "checkout", "coupon", "share", "click",
    "purchase",
)  # fmt: skip
PURCHASE = ACTS.index("purchase")


@dataclass(frozen=True)
class Sessions:
    """Events in the order of sessions and time. One number for each event unless said otherwise.

    `act` is a place in ACTS; `item` and `category` are codes, -1 = none; `price` is in currency units, NaN = none.
    """

    names: tuple[str, ...] = field(repr=False)  # of each session
    start: Codes = field(repr=False)  # first event of each session
    size: Codes = field(repr=False)  # events of each session
    customer: Codes = field(repr=False)  # of each session
    micros: Codes = field(repr=False)
    act: Codes = field(repr=False)
    item: Codes = field(repr=False)
    category: Codes = field(repr=False)
    price: Floats = field(repr=False)
    hour: Codes = field(repr=False)  # local hour of each event

    def __len__(self) -> int:
        return len(self.start)

    @property
    def begins(self) -> Codes:
        """Instant of each session's first event."""
        return self.micros[self.start]

    @property
    def ends(self) -> Codes:
        """Instant of each session's last event."""
        return np.asarray(self.micros[self.start + self.size - 1])

    def buys(self) -> Codes:
        """How many purchase events each session has."""
        return np.add.reduceat((self.act == PURCHASE).astype(np.int64), self.start)


def sessionise(events: pa.Table, *, gap_minutes: float = GAP_MINUTES) -> Sessions:
    """Cut events into sessions.

    `events` has customer_id (or source_id), occurred_at and event_type; session_id, item_id, category, unit_price
    and local_hour are used where they are there. Rows without a customer are left out. A row without a session_id belongs to the
    customer's running visit. Raises `UsageError` without the three columns, `TooLittleData` without one session.
    """
    names = set(events.column_names)
    who = "customer_id" if "customer_id" in names else "source_id"
    for needed in (who, "occurred_at", "event_type"):
        if needed not in names:
            raise UsageError(f"sessions need the column {needed!r}", remedy="give events as DESIGN's table of events")
    kept = events.filter(pc.and_(pc.is_valid(events[who]), pc.is_in(events["event_type"], pa.array(ACTS))))
    if not kept.num_rows:
        raise TooLittleData("no event of a session: no view, cart or purchase", remedy="import browsing events")
    customer, micros = _codes(kept[who]), np.asarray(kept["occurred_at"].cast(INSTANT).cast(pa.int64()))
    given = _codes(kept["session_id"]) if "session_id" in names else np.full(len(micros), -1)
    order = np.lexsort((np.arange(len(micros)), micros, given, customer))
    customer, micros, given = customer[order], micros[order], given[order]
    silent = (np.diff(micros) > gap_minutes * 60e6) & (given[1:] < 0)
    begins = np.r_[True, (np.diff(customer) != 0) | (np.diff(given) != 0) | silent]
    start = np.flatnonzero(begins)
    kept = kept.take(pa.array(order))
    act = np.asarray(pc.index_in(kept["event_type"].combine_chunks(), pa.array(ACTS)), np.int64)
    size = np.diff(np.r_[start, len(act)])
    return Sessions(
        _named(kept, who, start, given), start, size, customer[start], micros, act, _optional(kept, "item_id"),
        _optional(kept, "category"), _prices(kept), _hours(kept, micros),
    )  # fmt: skip


def _codes(column: pa.ChunkedArray) -> Codes:
    coded = pc.dictionary_encode(column.combine_chunks().cast(pa.string()))
    return np.asarray(pc.fill_null(coded.indices, -1), np.int64)


def _optional(kept: pa.Table, name: str) -> Codes:
    return _codes(kept[name]) if name in kept.column_names else np.full(kept.num_rows, -1, np.int64)


def _prices(kept: pa.Table) -> Floats:
    """unit_price is whole 1/10,000 where it is an integer, as the event log stores it."""
    if "unit_price" not in kept.column_names:
        return np.full(kept.num_rows, np.nan)
    column = kept["unit_price"].combine_chunks()
    values = np.asarray(pc.fill_null(column.cast(pa.float64()), np.nan))
    return values / 10_000 if pa.types.is_integer(column.type) else values


def _hours(kept: pa.Table, micros: Codes) -> Codes:
    if "local_hour" in kept.column_names:
        return np.asarray(pc.fill_null(kept["local_hour"].combine_chunks(), 0), np.int64)
    return micros // 3_600_000_000 % 24


def _named(kept: pa.Table, who: str, start: Codes, given: Codes) -> tuple[str, ...]:
    """The shop's own session id; for a visit cut by silence customer and instant."""
    people = kept[who].take(pa.array(start)).to_pylist()
    told = kept["session_id"].take(pa.array(start)).to_pylist() if "session_id" in kept.column_names else people
    at = np.asarray(kept["occurred_at"].take(pa.array(start)).cast(INSTANT).cast(pa.int64()))
    return tuple(
        f"{one}" if code >= 0 else f"{person}@{when // 1_000_000}"
        for one, person, when, code in zip(told, people, at, given[start], strict=True)
    )
