"""Columns of your own beside the declared ones, joined as of each cutoff."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.errors import UsageError
from holdfast.core.schema import INSTANT, TEXT
from holdfast.core.tables import FeatureColumn, FeatureTable
from holdfast.core.text import Text

FAMILY = "own"
KEYS = ("customer_id", "valid_from")


def with_own_columns(table: FeatureTable, own: Any) -> FeatureTable:
    """`table` and your own numbers: for each row the newest with `valid_from` before its cutoff, else missing.

    `own` is anything that speaks Arrow (pandas, Polars, a `pyarrow.Table`) with `customer_id`, `valid_from` (instants
    with a zone) and columns of numbers. A number without `valid_from` could have been learnt later, so it is refused.

    >>> from holdfast.core.clock import Cutoff
    >>> from holdfast.core.tables import Key
    >>> rows = FeatureTable(Key.of(["a", "b"], Cutoff.parse("2024-06-01")), (), np.empty((2, 0), np.float32))
    >>> mine = pa.table({"customer_id": ["a", "a"], "visits": [3, 9],
    ...     "valid_from": pa.array([1704067200000000, 1735689600000000], pa.timestamp("us", "UTC"))})
    >>> with_own_columns(rows, mine).column("visits").tolist()
    [3.0, nan]
    """
    rows = _read(own)
    names = [name for name in rows.column_names if name not in KEYS]
    if clash := sorted(set(names) & set(table.names)):
        raise UsageError(f"your column {clash[0]!r} has the name of a feature", remedy="rename it")
    where = _as_of(table, rows)
    found = where >= 0
    values = np.full((len(table), len(names)), np.nan, np.float32)
    for at, name in enumerate(names):
        numbers = rows[name].cast(pa.float64()).to_numpy().astype(np.float32)
        values[found, at] = numbers[where[found]]
    return table.joined(FeatureTable(table.key, tuple(_column(name) for name in names), values))


def _column(name: str) -> FeatureColumn:
    return FeatureColumn(
        name, "as given", "", "not known before the cutoff", FAMILY, Text(f"{name}: {{value}}", f"{name}：{{value}}")
    )


def _read(own: Any) -> pa.Table:
    rows = pa.table(own)
    for name in KEYS:
        if name not in rows.column_names:
            raise UsageError(
                f"your table has no column {name!r}", remedy="it needs customer_id, valid_from and numbers"
            )
    kind = rows.schema.field("valid_from").type
    if not pa.types.is_timestamp(kind) or kind.tz is None:
        raise UsageError(f"valid_from is {kind}, not an instant", remedy="give timestamps with a time zone")
    rows = rows.set_column(rows.column_names.index("valid_from"), "valid_from", rows["valid_from"].cast(INSTANT))
    rows = rows.set_column(rows.column_names.index("customer_id"), "customer_id", rows["customer_id"].cast(TEXT))
    for name in rows.column_names:
        kind = rows.schema.field(name).type
        number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
        if name in KEYS and rows[name].null_count:
            raise UsageError(f"{name} is missing in some of your rows", remedy="leave those rows out")
        if name not in KEYS and not number:
            raise UsageError(f"your column {name!r} holds {kind}, not numbers", remedy="turn it into numbers first")
    return rows.sort_by([("customer_id", "ascending"), ("valid_from", "ascending")])


def _as_of(table: FeatureTable, rows: pa.Table) -> NDArray[np.int64]:
    """For each row of the table the position of the newest own row before its cutoff, or -1."""
    ids = pa.chunked_array([rows["customer_id"].combine_chunks(), table.key.customer_id.cast(TEXT)]).combine_chunks()
    codes = ids.dictionary_encode().indices.to_numpy()
    since = rows["valid_from"].cast(pa.int64()).to_numpy()
    instants, ranks = np.unique(np.concatenate([since, table.key.cutoff]), return_inverse=True)
    places = codes.astype(np.int64) * (len(instants) + 1) + ranks
    mine, asked = places[: len(rows)], places[len(rows) :]
    if len(np.unique(mine)) < len(mine):
        raise UsageError("two of your rows have the same customer_id and valid_from", remedy="keep one of them")
    order = np.argsort(mine, kind="stable")
    before = np.searchsorted(mine[order], asked, side="left") - 1
    found = np.where(before >= 0, order[np.maximum(before, 0)] if len(order) else -1, -1)
    same = (found >= 0) & (codes[: len(rows)][np.maximum(found, 0)] == codes[len(rows) :] if len(rows) else False)
    return np.where(same, found, -1)
