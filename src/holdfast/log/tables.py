"""What lies in the lake: canonical tables plus the columns that keep them honest (docs/adr/0003).

Nothing in the lake is resolved or cleaned. Identity and cleaning are computed when the log is opened, so a changed
setting, a merge or its reversal never rewrites history.
"""

from __future__ import annotations

import pyarrow as pa

from holdfast.core.schema import (
    CALENDAR,
    CUSTOMERS,
    EVENTS_STORED,
    EXPOSURES,
    INSTANT,
    ITEMS,
    PRICES,
    REJECTED,
    TEXT,
    TEXT_SCORES,
    TEXTS,
    TIES,
    Column,
    Table,
)
from holdfast.log.batch import IDENTITY_KEYS

LOADED = (
    Column("source", TEXT, "Which import source it came from."),
    Column("loaded_at", INSTANT, "When Holdfast imported it; features ignore it."),
    Column("load_order", pa.int64(), "Place among the rows of its import: the later row is the newer fact."),
)


def _with_load(table: Table) -> Table:
    have = set(table.names)
    added = tuple(column for column in LOADED if column.name not in have)
    return Table(table.name, table.meaning, (*table.columns, *added))


STORED_REJECTED = Table(
    "rejected",
    REJECTED.meaning,
    (
        *REJECTED.columns,
        Column("rejected_id", TEXT, "Hash of source, reason, raw row and its repeat in the file.", key=True),
        Column("preset", TEXT, "Preset that read the row; a replay reads it with the same."),
        Column("loaded_at", INSTANT, "When Holdfast set it aside."),
    ),
)
STORED_KEYS = Table(
    "identity_keys",
    "Hashed keys that a source saw beside a customer's id. The keys themselves are never stored.",
    (
        *(column for column in IDENTITY_KEYS.columns if column.name not in ("value", "seen_at")),
        Column("key_hash", TEXT, "Hash of the normalised key.", key=True),
        Column("seen_at", INSTANT, "When the source knew it."),
        Column("loaded_at", INSTANT, "When Holdfast imported it; features ignore it."),
    ),
)
STORED_DECISIONS = Table(
    "identity_decisions",
    "What a person decided about an identity: this id stands alone from then on, or follows its keys again.",
    (
        Column("source", TEXT, "Import source.", key=True),
        Column("source_id", TEXT, "The customer's id there.", key=True),
        Column("alone", pa.bool_(), "True: keys no longer merge it with others."),
        Column("decided_at", INSTANT, "From when.", key=True),
    ),
)

#: Tables of the lake by name. `exposures`, `texts`, `customers` and `ties` hold the source's own customer ids.
LAKE_TABLES: dict[str, Table] = {
    "events": EVENTS_STORED,
    "rejected": STORED_REJECTED,
    "identity_keys": STORED_KEYS,
    "identity_decisions": STORED_DECISIONS,
    **{
        table.name: _with_load(table)
        for table in (ITEMS, CUSTOMERS, TEXTS, PRICES, CALENDAR, TEXT_SCORES, TIES, EXPOSURES)
    },
}

#: Tables of facts: a row with the same key, validity and content is known already, a changed one is added beside it.
FACTS: tuple[str, ...] = ("items", "customers", "texts", "prices", "calendar", "text_scores", "ties", "exposures")

#: Columns of an event that say what happened; equal content is the same row. Where it was read is not content.
EVENT_CONTENT: tuple[str, ...] = (
    "source", "source_id", "occurred_at", "event_type", "item_id", "quantity", "unit_price", "currency", "order_id",
    "session_id", "duration_seconds", "channel", "platform", "rating", "discount", "coupon_code", "treatment_id",
    "decision_id", "text", "properties",
)  # fmt: skip
