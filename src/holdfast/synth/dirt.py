"""Dirt for the raw file: spoiled copies of real rows, added to it, so that a perfect cleaning gives back the truth.

Nothing real is touched. Every kind is counted, and a test of cleaning compares what it found with what was planted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Spoil = Callable[[pa.Table], pa.Table]


def _set(column: str, *words: str | None) -> Spoil:
    """Replace a column by the words in turn."""

    def spoil(rows: pa.Table) -> pa.Table:
        values = [words[i % len(words)] for i in range(rows.num_rows)]
        return rows.set_column(rows.column_names.index(column), column, pa.array(values, pa.string()))

    return spoil


def _negative(rows: pa.Table) -> pa.Table:
    where = rows.column_names.index("unit_price")
    return rows.set_column(where, "unit_price", pc.binary_join_element_wise("-", rows["unit_price"], ""))


#: What may be wrong with a row. All but the first get an event_id of their own.
KINDS: Mapping[str, Spoil] = {
    "duplicate": lambda rows: rows,
    "missing_customer": _set("customer_id", None, "null", "0", "anonymous"),
    "bad_date": _set("occurred_at", "yesterday", "32/13/2024", "n/a"),
    "future": _set("occurred_at", "2099-12-31 12:00:00.000000Z"),
    "epoch": _set("occurred_at", "1970-01-01 00:00:00.000000Z"),
    "negative_price": _negative,
    "zero_price": _set("unit_price", "0"),
}
_SALES_ONLY = ("negative_price", "zero_price")


@dataclass(frozen=True, eq=False)
class Dirt:
    """The rows to add, as text, and how many of each kind there are."""

    rows: pa.Table
    planted: Mapping[str, int]


def dirt(events: pa.Table, share: float, seed: int) -> Dirt:
    """Spoiled copies of `share` x rows of a text table of events, in equal parts of every kind."""
    rng = np.random.default_rng([seed, 7])
    each = round(share * events.num_rows / len(KINDS))
    sales = np.flatnonzero(pc.equal(events["event_type"], "purchase").to_numpy(zero_copy_only=False))
    parts, planted = [], {}
    for number, (kind, spoil) in enumerate(KINDS.items()):
        pool = sales if kind in _SALES_ONLY else np.arange(events.num_rows)
        chosen = rng.choice(pool, size=min(each, len(pool)), replace=False)
        rows = spoil(events.take(pa.array(np.sort(chosen))))
        if kind != "duplicate":
            own = pc.binary_join_element_wise(rows["event_id"], pa.scalar(f"x{number}"), "")
            rows = rows.set_column(rows.column_names.index("event_id"), "event_id", own)
        parts.append(rows)
        planted[kind] = rows.num_rows
    whole = pa.concat_tables(parts)
    return Dirt(whole.take(pa.array(rng.permutation(whole.num_rows))), planted)
