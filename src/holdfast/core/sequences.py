"""What each customer did, in order: ragged event lists, one for each row of a key.

The events lie once in `Events`; a row of `EventSequences` names those it sees. Twelve cutoffs of one shop therefore
cost twelve lists of positions, not twelve copies.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.clock import Cutoff
from holdfast.core.errors import UsageError
from holdfast.core.schema import EVENT_TYPES, INSTANT
from holdfast.core.tables import Key, Rows

Ints = NDArray[np.int64]
#: Type code of a purchase.
PURCHASE = EVENT_TYPES.index("purchase")


@dataclass(frozen=True, eq=False)
class Events:
    """Columns of events, one position each. -1 says "not known" in every integer column.

    `kind` is a position in `EVENT_TYPES`, `item` in `items`, `channel` in `channels`; `amount` is money (1/10,000) of
    all `lines` that the event holds (an order is one event of several lines); `hour` and `weekday` (0 is Monday) are
    local; `occurred_at` is microseconds UTC.
    """

    occurred_at: Ints
    kind: NDArray[np.int8]
    item: NDArray[np.int32]
    channel: NDArray[np.int32]
    amount: Ints
    lines: NDArray[np.int32]
    hour: NDArray[np.int8]
    weekday: NDArray[np.int8]
    items: pa.Array = field(repr=False)
    channels: pa.Array = field(repr=False)

    def __len__(self) -> int:
        return len(self.occurred_at)


@dataclass(frozen=True, eq=False)
class EventSequences:
    """For each row of `key` the newest events known at its cutoff, oldest first.

    `positions[offsets[i]:offsets[i + 1]]` are row i's events; `seen` counts all it ever had before the cutoff and
    `first_at` is the instant of the very first (the cutoff where there is none), also where only the newest are kept.
    `category_of[cut, item]` is what the catalogue said of an item at cutoff number `cut` of `cutoffs`: a position in
    `categories`, or -1.

    >>> from holdfast.core.clock import Cutoff
    >>> one = tiny_sequences({"ann": [(3, "view"), (1, "purchase")], "bob": []}, Cutoff.parse("2024-01-10"))
    >>> one.lengths.tolist(), one.table(0)["event_type"].to_pylist()
    ([2, 0], ['view', 'purchase'])
    """

    key: Key
    events: Events = field(repr=False)
    offsets: Ints = field(repr=False)
    positions: Ints = field(repr=False)
    seen: Ints = field(repr=False)
    first_at: Ints = field(repr=False)
    cutoffs: tuple[Cutoff, ...] = ()
    categories: pa.Array = field(default_factory=lambda: pa.array([], pa.string()), repr=False)
    category_of: NDArray[np.int32] = field(default_factory=lambda: np.zeros((0, 0), np.int32), repr=False)

    def __post_init__(self) -> None:
        if len(self.offsets) != len(self.key) + 1 or int(self.offsets[-1]) != len(self.positions):
            raise UsageError(f"the offsets of {len(self.key)} sequences do not fit {len(self.positions)} events")
        if len(self.seen) != len(self.key) or len(self.first_at) != len(self.key):
            raise UsageError(f"seen and first_at must have {len(self.key)} rows")

    def __len__(self) -> int:
        return len(self.key)

    @cached_property
    def lengths(self) -> Ints:
        """Events of each row."""
        return np.diff(self.offsets)

    @cached_property
    def row_of(self) -> Ints:
        """Which row each of `positions` belongs to."""
        return np.repeat(np.arange(len(self)), self.lengths)

    @cached_property
    def category(self) -> NDArray[np.int32]:
        """The category of each of `positions`, as the catalogue had it at the row's cutoff."""
        item = self.events.item[self.positions]
        if not self.category_of.size:
            return np.full(len(item), -1, np.int32)
        cut = np.searchsorted([one.micros for one in self.cutoffs], self.key.cutoff)
        return np.where(item < 0, np.int32(-1), self.category_of[cut[self.row_of], item])

    def take(self, rows: Rows) -> EventSequences:
        """Some rows, in this order."""
        where = np.flatnonzero(rows) if rows.dtype == bool else np.asarray(rows, np.int64)
        lengths = self.lengths[where]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        inside = np.arange(offsets[-1]) - np.repeat(offsets[:-1] - self.offsets[where], lengths)
        return replace(
            self, key=self.key.take(where), offsets=offsets, positions=self.positions[inside],
            seen=self.seen[where], first_at=self.first_at[where],
        )  # fmt: skip

    def at(self, cutoffs: Iterable[Cutoff]) -> EventSequences:
        """The rows at these cutoffs."""
        return self.take(self.key.at(cutoffs))

    def newest(self, length: int) -> EventSequences:
        """At most so many events of each row, the newest."""
        ahead = np.repeat(self.offsets[1:], self.lengths) - np.arange(len(self.positions))
        return self.keeping(ahead <= length)

    def keeping(self, kept: NDArray[np.bool_]) -> EventSequences:
        """Only some events (one truth value for each of `positions`); what a row had `seen` stays."""
        lengths = np.bincount(self.row_of[kept], minlength=len(self))
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return replace(self, offsets=offsets, positions=self.positions[kept])

    def table(self, row: int) -> pa.Table:
        """One row's events as a person reads them."""
        inside = slice(int(self.offsets[row]), int(self.offsets[row + 1]))
        at, events = self.positions[inside], self.events
        return pa.table(
            {
                "occurred_at": pa.array(events.occurred_at[at]).cast(pa.timestamp("us")).cast(INSTANT),
                "event_type": _named(pa.array(EVENT_TYPES), events.kind[at]),
                "item_id": _named(events.items, events.item[at]),
                "category": _named(self.categories, self.category[inside]),
                "amount": pa.array(events.amount[at], mask=events.amount[at] < 0),
                "lines": pa.array(events.lines[at]),
                "channel": _named(events.channels, events.channel[at]),
                "hour": pa.array(events.hour[at]),
                "weekday": pa.array(events.weekday[at]),
            }
        )

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the key and of everything its rows see, names spelt out: equal histories, equal fingerprint."""
        hashed = hashlib.sha256(self.key.digest())
        for numbers in (self.offsets, self.seen, self.first_at):
            hashed.update(np.ascontiguousarray(numbers).tobytes())
        for name in ("occurred_at", "kind", "amount", "lines", "hour", "weekday"):
            hashed.update(np.ascontiguousarray(getattr(self.events, name)[self.positions]).tobytes())
        for names, codes in (
            (self.events.items, self.events.item[self.positions]),
            (self.events.channels, self.events.channel[self.positions]),
            (self.categories, self.category),
        ):
            hashed.update("\0".join(str(one) for one in _named(names, codes).to_pylist()).encode())
        return hashed.hexdigest()


def _named(names: pa.Array, codes: NDArray[Any]) -> pa.Array:
    return names.cast(pa.string()).take(pa.array(codes.astype(np.int64), mask=codes < 0))


def tiny_sequences(history: dict[str, list[tuple[float, str]]], cutoff: Cutoff) -> EventSequences:
    """Sequences by hand: for each customer (days before the cutoff, event type). For examples and tests.

    >>> tiny_sequences({"ann": [(1, "purchase")]}, Cutoff.parse("2024-01-10")).seen.tolist()
    [1]
    """
    day = 86_400_000_000
    rows = [sorted(((-int(ago * day), kind) for ago, kind in one)) for one in history.values()]
    at = np.array([cutoff.micros + ago for one in rows for ago, _ in one], np.int64)
    kind = np.array([EVENT_TYPES.index(kind) for one in rows for _, kind in one], np.int8)
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in rows])]).astype(np.int64)
    unknown, n = np.full(len(at), -1, np.int32), len(at)
    events = Events(
        at, kind, unknown, unknown, np.full(n, -1, np.int64), np.ones(n, np.int32),
        ((at // 3_600_000_000) % 24).astype(np.int8), ((at // day + 3) % 7).astype(np.int8),
        pa.array([], pa.string()), pa.array([], pa.string()),
    )  # fmt: skip
    first = np.array([cutoff.micros + one[0][0] if one else cutoff.micros for one in rows], np.int64)
    lengths = np.diff(offsets)
    return EventSequences(
        Key.of(list(history), cutoff), events, offsets, np.arange(n), lengths.astype(np.int64), first, (cutoff,)
    )
