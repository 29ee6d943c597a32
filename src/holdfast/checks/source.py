"""What every source must keep: each row kept or set aside exactly once, in our columns, the same way each time.

Run it on a preset of your own with a small file of its kind:

    from holdfast.checks.source import check_source
    check_source("my_shop.csv", preset="my-shop")
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.core.schema import CANONICAL, EVENT_TYPES, REJECTED
from holdfast.log.batch import EVENT_ROWS, IDENTITY_KEYS, Batch
from holdfast.log.sources.open import open_source
from holdfast.log.sources.source import Source


class SourceBroken(AssertionError):
    """A source breaks the contract between sources and store."""


def check_source(origin: str | Path, **options: Any) -> Source:
    """Read `origin` twice and raise `SourceBroken` at the first thing that is wrong; `options` as in `open_source`."""
    source = open_source(origin, **options)
    first, second = list(source.batches()), list(source.batches())
    for batch in first:
        _columns(batch)
        _rows(batch)
        _events(batch)
    _numbers(first)
    if _content(first) != _content(second):
        _broken("reading it twice gives different rows", "let nothing depend on time, chance or what was read before")
    return source


def _broken(what: str, remedy: str) -> None:
    raise SourceBroken(f"{what}. To fix it: {remedy}")


def _columns(batch: Batch) -> None:
    """Tables have the canonical columns and types."""
    known = {**CANONICAL, "events": EVENT_ROWS, "identity_keys": IDENTITY_KEYS}
    for name, table in batch.tables.items():
        if name not in known:
            _broken(f"{name!r} is no canonical table", f"use one of: {', '.join(sorted(known))}")
        wanted = {column.name: column.dtype for column in known[name].columns}
        given = {field.name: field.type for field in table.schema}
        if given != wanted:
            odd = sorted(set(given.items()) ^ set(wanted.items()), key=str)
            _broken(f"{name} has other columns or types than it should: {odd}", "pass it through Table.conform")
    if batch.rejected.column_names != list(REJECTED.names):
        _broken("rejected rows have other columns than REJECTED", "pass them through REJECTED.conform")


def _rows(batch: Batch) -> None:
    """Every row is kept or rejected, once."""
    rejected = batch.rejected["source_row"].to_pylist()
    kept = set(batch.tables["events"]["source_row"].to_pylist()) if "events" in batch.tables else set()
    if len(rejected) != len(set(rejected)):
        _broken("a source row is rejected twice", "tell one reason for each row")
    if kept & set(rejected):
        _broken(
            f"rows {sorted(kept & set(rejected))[:5]} are kept and rejected", "reject all that was cut from one row"
        )
    if len(kept) + len(rejected) > batch.read:
        _broken(f"{len(kept) + len(rejected)} rows came out of {batch.read}", "count rows of the file in `read`")
    if any(pc.any(pc.is_null(batch.rejected[name])).as_py() for name in ("reason", "source_file", "raw")):
        _broken("a rejected row has no reason, file or raw text", "say why, where, and keep what came")


def _events(batch: Batch) -> None:
    """Events say who, when and what; quantities carry no sign."""
    events = batch.tables.get("events")
    if events is None:
        return
    for name in (
        "source",
        "source_id",
        "occurred_at",
        "event_type",
        "local_day",
        "local_hour",
        "source_file",
        "source_row",
    ):
        if events[name].null_count:
            _broken(f"events without {name}", "set such rows aside")
    unknown = set(events["event_type"].unique().to_pylist()) - set(EVENT_TYPES)
    if unknown:
        _broken(f"unknown event types: {sorted(unknown)}", f"use: {', '.join(EVENT_TYPES)}")
    if pc.any(pc.less(events["quantity"], 0)).as_py():
        _broken("negative quantities", "make them refunds or cancels of a positive quantity")


def _numbers(batches: list[Batch]) -> None:
    """Row numbers of each file count from 1 without a gap, as far as events and rejected rows tell."""
    by_file: dict[str, list[int]] = {}
    only_events = True
    for batch in batches:
        only_events &= set(batch.tables) <= {"events", "items"}
        for table in _numbered(batch):
            for name, row in zip(table["source_file"].to_pylist(), table["source_row"].to_pylist(), strict=True):
                by_file.setdefault(name, []).append(row)
    for name, rows in by_file.items():
        seen = np.unique(rows)
        if seen[0] < 1 or (only_events and len(seen) != seen[-1]):
            _broken(f"row numbers of {name} do not count 1, 2, 3, ...", "number data rows from 1, bad ones included")


def _numbered(batch: Batch) -> Iterator[pa.Table]:
    yield batch.rejected
    if "events" in batch.tables:
        yield batch.tables["events"]


def _content(batches: list[Batch]) -> list[Any]:
    return [
        (batch.read, batch.rejected.to_pylist(), {name: table.to_pylist() for name, table in batch.tables.items()})
        for batch in batches
    ]
