"""Rows set aside, tried again: after a changed mapping or setting, what can now be read joins the log.

Cleaning needs no replay: it is computed anew whenever the log is opened. This is for rows that import could not read.
What is accepted leaves the rejected rows in the same atomic step, so that every row is counted once.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from holdfast.core.clock import Window
from holdfast.core.errors import InputRefused
from holdfast.core.progress import SILENT, Progress
from holdfast.core.schema import REJECTED
from holdfast.engine.duck import Engine
from holdfast.log.admit import admit_events
from holdfast.log.admit_facts import admit_facts, admit_keys
from holdfast.log.batch import Batch, BatchSource
from holdfast.log.sources.open import open_frame
from holdfast.log.sources.settings import ImportSettings, MappingSettings
from holdfast.log.staging import Staged
from holdfast.log.store import Draft, Lake

#: Set aside by the store, not by the reader: reading them again changes nothing.
_OURS = ("event_id_reused",)


@dataclass(frozen=True)
class Replayed:
    """How many rows were tried, how many of them joined the log, and how many stay set aside."""

    tried: int = 0
    accepted: int = 0
    still_rejected: int = 0
    rows_by_table: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Again:
    """A source whose rows are the raw rows of one file; what it gives carries the rows' old numbers."""

    inner: BatchSource
    source: str
    origin: str
    preset: str
    clean: Mapping[str, Any]
    numbers: tuple[int, ...]

    def batches(self, progress: Progress = SILENT) -> Iterator[Batch]:
        for batch in self.inner.batches(progress):
            tables = dict(batch.tables)
            if "events" in tables:
                tables["events"] = self._renumbered(tables["events"])
            yield replace(batch, tables=tables, rejected=self._renumbered(batch.rejected))

    def _renumbered(self, table: pa.Table) -> pa.Table:
        rows = [self.numbers[row - 1] for row in table["source_row"].to_pylist()]
        names = table.column_names
        table = table.set_column(names.index("source_row"), "source_row", pa.array(rows, pa.int64()))
        files = pa.array([self.origin] * table.num_rows, pa.string())
        return table.set_column(names.index("source_file"), "source_file", files)


def replay(
    engine: Engine,
    lake: Lake,
    *,
    settings: ImportSettings | None = None,
    mapping: MappingSettings | None = None,
    zone: str,
    currency: str,
    now: datetime,
    delay: str = "",
    pepper: str = "",
    source: str | None = None,
    progress: Progress = SILENT,
) -> Replayed:
    """Try the rows set aside again (of one source, or of all), file by file, with the settings given."""
    late = Window.parse(delay).length if delay else timedelta(0)
    options = {"settings": settings, "mapping": mapping, "zone": zone, "currency": currency}
    whole = Replayed()
    for (name, preset, file), rows in _waiting(engine, lake, source).items():
        again = _opened(rows, name, preset, file, options)
        one = _replay(engine, lake, again, now, late, pepper, progress) if again else None
        accepted = one.accepted if one else 0
        tables = dict(whole.rows_by_table)
        for table, added in one.rows_by_table.items() if one else ():
            tables[table] = tables.get(table, 0) + added
        still = whole.still_rejected + len(rows) - accepted
        whole = Replayed(whole.tried + len(rows), whole.accepted + accepted, still, tables)
    return whole


def _waiting(engine: Engine, lake: Lake, source: str | None) -> dict[tuple[str, str, str], list[dict[str, Any]]]:
    rejected = lake.table(engine, "rejected")
    rejected = rejected.filter(~rejected.reason.isin(list(_OURS)))
    if source is not None:
        rejected = rejected.filter(rejected.source == source)
    chosen = rejected.select("source", "preset", "source_file", "source_row", "raw")
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in engine.arrow(chosen.order_by(["source", "preset", "source_file", "source_row"])).to_pylist():
        groups[row["source"], row["preset"], row["source_file"]].append(row)
    return dict(groups)


def _opened(rows: list[dict[str, Any]], source: str, preset: str, file: str, options: dict[str, Any]) -> _Again | None:
    """The raw rows as a source read with the file's own preset; None where they cannot be understood at all."""
    raw = [json.loads(row["raw"]) for row in rows]
    columns = list(dict.fromkeys(name for row in raw for name in row))
    if not columns:
        return None
    frame = pa.table({name: pa.array([_text(row.get(name)) for row in raw], pa.string()) for name in columns})
    try:
        inner = open_frame(frame, preset=preset, source=source, name=file, **options)
    except InputRefused:
        return None
    numbers = tuple(int(row["source_row"]) for row in rows)
    return _Again(inner, source, file, preset, inner.clean, numbers)


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _replay(
    engine: Engine, lake: Lake, again: _Again, now: datetime, delay: timedelta, pepper: str, progress: Progress
) -> Replayed | None:
    with lake.writing() as draft:
        staged = Staged(draft.staging, pepper)
        refused: set[int] = set()
        try:
            for batch in again.batches(progress):
                refused.update(batch.rejected["source_row"].to_pylist())
                staged.put(replace(batch, rejected=REJECTED.empty()))
        except InputRefused:
            return None  # not one row can be used
        finally:
            staged.close()
        accepted = [number for number in again.numbers if number not in refused]
        if not accepted:
            return None
        events, _ = admit_events(engine, draft, staged, again.source, now, delay)
        tables = {"events": events.new, **admit_facts(engine, draft, staged, again.source, now)}
        keys = admit_keys(engine, draft, staged, again.source, now)
        _take_out(engine, draft, again, accepted)
        draft.record(_receipt(draft, again, now, accepted, events.versions, {**tables, "identity_keys": keys}, staged))
        draft.publish()
    return Replayed(len(again.numbers), len(accepted), len(refused), tables)


def _take_out(engine: Engine, draft: Draft, again: _Again, accepted: list[int]) -> None:
    """Write the source's rejected rows anew, without those that were accepted."""
    segments = tuple(one for one in draft.before.tables.get("rejected", ()) if one.source == again.source)
    rows = draft.lake.table(engine, "rejected", segments)
    gone = engine.memory(pa.table({"source_row": pa.array(accepted, pa.int64())}))
    ours = (rows.source_file == again.origin) & ~rows.reason.isin(list(_OURS)) & (rows.preset == again.preset)
    kept = rows.filter(~ours).union(rows.filter(ours).anti_join(gone, "source_row"))
    draft.remove("rejected", segments)
    draft.add(engine, "rejected", kept, source=again.source, order=("source_file", "source_row", "rejected_id"))


def _receipt(
    draft: Draft,
    again: _Again,
    now: datetime,
    accepted: list[int],
    versions: int,
    tables: Mapping[str, int],
    staged: Staged,
) -> dict[str, Any]:
    """The replay as an import that read nothing new: rows move from rejected to kept."""
    last = [one for one in draft.before.imports if one["source"] == again.source][-1]
    moved = len(accepted)
    return {
        **{name: last[name] for name in ("source", "zone", "currency", "delay", "clean")},
        "origin": again.origin,
        "preset": again.preset,
        "replay": True,
        "loaded_at": now.isoformat(),
        "read": 0,
        "kept": moved,
        "known": 0,
        "rejected": -moved,
        "versions": versions,
        "rows_by_table": dict(tables),
        "reasons": {},
        "assumed_recorded_at": staged.no_recorded > 0,
    }
