"""The handle on a shop's cleaned history: lazy tables and what is known about them as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

#: An Ibis table expression. `core` knows no Ibis, so the language is named, not imported.
LazyTable = Any


@dataclass(frozen=True)
class EventLog:
    """A handle, not a frame: `events` is lazy, columns as `EVENTS_CLEAN`; other tables by name.

    `fingerprint` changes whenever any row that a reader could see changes.
    """

    events: LazyTable
    zone: str
    currency: str
    fingerprint: str
    first_event_at: datetime | None
    last_event_at: datetime | None
    tables: Mapping[str, LazyTable] = field(default_factory=dict)
