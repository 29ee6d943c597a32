"""The seam between sources and store: some rows of one file, already in canonical columns.

A source knows formats and columns; the store knows identity, versions and the lake. They meet here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa

from holdfast.core.progress import SILENT, Progress
from holdfast.core.schema import EVENTS, INSTANT, REJECTED, TEXT, Column, Table

#: Event rows as a source gives them. The store adds customer_id, loaded_at and repeat, and fills a null event_id
#: (hash of the content) and a null recorded_at (occurred_at plus the declared delay; then "assumed").
EVENT_ROWS = Table(
    "event_rows",
    "Events as a source gives them.",
    (
        Column("event_id", TEXT, "The source's own id of the row.", "the source has none"),
        *(c for c in EVENTS.columns if c.name not in ("event_id", "customer_id", "recorded_at")),
        Column("recorded_at", INSTANT, "When the shop's source knew it.", "the source does not say"),
        Column("local_day", pa.date32(), "Day of occurred_at in the shop's zone."),
        Column("local_hour", pa.int8(), "Hour of occurred_at in the shop's zone.", unit="0 to 23"),
        Column("source_file", TEXT, "Name of the file it came from."),
        Column("source_row", pa.int64(), "Row of that file, first data row = 1."),
        Column(
            "unread",
            TEXT,
            "What the columns hold that nothing else reads: rows that differ there are no duplicates. Never stored.",
            "every column is read, or kept in properties",
        ),
    ),
)

#: What proves that two source ids are one customer. Values are raw here and are hashed before anything is stored.
IDENTITY_KEYS = Table(
    "identity_keys",
    "Keys that a source saw beside a customer's id.",
    (
        Column("source", TEXT, "Import source.", key=True),
        Column("source_id", TEXT, "The customer's id there.", key=True),
        Column("kind", TEXT, "email, phone or login.", key=True),
        Column("value", TEXT, "The key as the source wrote it.", key=True),
        Column("seen_at", INSTANT, "When the source knew it."),
    ),
)


@dataclass(frozen=True)
class Batch:
    """Some rows of one file. `read` data rows = rows behind `tables` + rows of `rejected`, each counted once.

    `tables` holds `events` (columns of EVENT_ROWS), `identity_keys` (IDENTITY_KEYS) and other canonical tables by
    name (texts and exposures carry the source's customer id in `customer_id`; the store resolves it).
    """

    read: int
    tables: Mapping[str, pa.Table] = field(default_factory=dict)
    rejected: pa.Table = field(default_factory=REJECTED.empty)


class BatchSource(Protocol):
    """What the store needs to know of a source."""

    @property
    def source(self) -> str:
        """Name of the source whose customer ids these are."""

    @property
    def origin(self) -> str:
        """The file, folder or query, as people know it."""

    @property
    def preset(self) -> str:
        """Name of the preset that reads it."""

    @property
    def clean(self) -> Mapping[str, Any]:
        """What the preset wishes of `log.settings.CleanSettings`."""

    def batches(self, progress: Progress = SILENT) -> Iterator[Batch]:
        """The rows, in order, in batches that fit in memory."""
