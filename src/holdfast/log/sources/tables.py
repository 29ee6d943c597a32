"""Rows of a file that holds one canonical table other than events: items, texts, customers, exposures and so on."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.core.schema import CANONICAL, DAY, INSTANT, MONEY, TEXT, Column
from holdfast.log.batch import Batch
from holdfast.log.sources.dates import parse_instants
from holdfast.log.sources.ids import nobody
from holdfast.log.sources.reader import BadRow
from holdfast.log.sources.reading import Reading, Rows
from holdfast.log.sources.zones import local_day_and_hour

#: Where a table is silent about when it was known, it was known when it happened.
_SAME_AS = {"recorded_at": "occurred_at", "valid_from": "created_at"}
_DEFAULTS = {"kind": "review", "author": "customer"}


def table_batch(reading: Reading, table: pa.Table, cut: tuple[BadRow, ...] = ()) -> Batch:
    """One chunk of such a file as a batch."""
    rows = Rows(reading, table)
    spec = CANONICAL[reading.table]
    columns = {column.name: _column(rows, column) for column in spec.columns}
    keep = pa.array(~rows.bad())
    kept = spec.conform(pa.table(columns)).filter(keep)
    read = rows.read() + len(cut)
    return Batch(read, {spec.name: kept} if kept.num_rows else {}, rows.rejected(None, cut))


def _column(rows: Rows, column: Column) -> Any:
    name = column.name
    if not rows.has(name) and name in _SAME_AS and rows.has(_SAME_AS[name]):
        return _column(rows, Column(_SAME_AS[name], column.dtype, column.meaning, column.null))
    if not rows.has(name) and rows.reading.table == "texts" and name in _DEFAULTS:
        return pa.array([_DEFAULTS[name]] * rows.size, pa.string())
    values = _typed(rows, column)
    if not column.nullable:
        empty = np.asarray(pc.is_null(values))
        rows.wrong(empty, name, "missing_customer_id" if name == "customer_id" else f"missing_{name}")
    return values


def _typed(rows: Rows, column: Column) -> Any:
    name, kind = column.name, column.dtype
    if not rows.has(name):
        return pa.nulls(rows.size, kind)
    if kind in (INSTANT, DAY):
        return _date(rows, name, kind)
    if pa.types.is_list(kind):
        return _listed(rows, name, kind)
    if kind == TEXT:
        text = rows.text(name)
        return pc.if_else(nobody(text, rows.reading.missing_ids), None, text) if name == "customer_id" else text
    found = rows.number(name, f"bad_{name}")
    if column.unit.startswith("1/10,000"):
        return pa.array(found.money(), MONEY, mask=~found.good)
    return pa.array(found.values, pa.float64(), mask=~found.good).cast(kind, safe=False)


def _date(rows: Rows, name: str, kind: Any) -> Any:
    found = parse_instants(rows.raw(name), rows.reading.zone, rows.reading.order)
    blank = np.asarray(pc.is_null(rows.text(name)))
    rows.wrong(found.ambiguous, name, "ambiguous_date")
    rows.wrong(~found.good & ~found.ambiguous & ~blank, name, "bad_date")
    if kind == INSTANT:
        return pa.array(found.micros, pa.int64(), mask=~found.good).cast(INSTANT)
    day, _ = local_day_and_hour(found.micros, rows.reading.zone)
    return pa.array(day, pa.int32(), mask=~found.good).cast(DAY)


def _listed(rows: Rows, name: str, kind: Any) -> Any:
    """A list column as it is, or from JSON text."""
    raw = rows.raw(name)
    if not pa.types.is_string(raw.type):
        return pc.cast(raw, kind)
    values, bad = [], np.zeros(rows.size, bool)
    for place, text in enumerate(raw.to_pylist()):
        try:
            values.append(json.loads(text) if text else None)
        except json.JSONDecodeError:
            values.append(None)
            bad[place] = True
    rows.wrong(bad, name, f"bad_{name}")
    try:
        return pa.array(values, kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        rows.wrong(np.array([value is not None for value in values]), name, f"bad_{name}")
        return pa.nulls(rows.size, kind)
