"""The first half of an import: a source's batches are put down as Parquet beside the lake, table by table.

Memory holds one batch at a time. What follows (identity of rows, what is known already) is one query over these files.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from holdfast.core.errors import InputRefused
from holdfast.core.log import LazyTable
from holdfast.core.progress import SILENT, Progress
from holdfast.core.registry import nearest
from holdfast.core.schema import REJECTED, Table
from holdfast.engine.duck import Engine
from holdfast.log.batch import EVENT_ROWS, Batch, BatchSource
from holdfast.log.identity.keys import hash_keys
from holdfast.log.tables import FACTS, LAKE_TABLES

#: Rows put down at a time; a small batch waits for its neighbours, so that a chatty source makes no slow files.
_FLUSH_ROWS = 120_000


@dataclass
class Staged:
    """What one source gave, on disk: its tables by name, and how many data rows were read."""

    folder: Path
    pepper: str = ""
    read: int = 0
    #: Data rows behind the events: some formats write several events in one row.
    event_rows: int = 0
    own_ids: int = 0
    no_recorded: int = 0
    files: set[str] = field(default_factory=set)
    rows: dict[str, int] = field(default_factory=dict)
    _open: dict[str, pq.ParquetWriter] = field(default_factory=dict)
    _waiting: dict[str, list[pa.Table]] = field(default_factory=dict)

    def put(self, batch: Batch) -> None:
        """Add one batch to the files."""
        self.read += batch.read
        for name, table in batch.tables.items():
            if name == "identity_keys":
                self._add(name, hash_keys(table, self.pepper))
            elif name == "events":
                self._events(_checked(name, EVENT_ROWS, table))
            else:
                self._add(name, _checked(name, _facts(name), table))
        self._add("rejected", _checked("rejected", REJECTED, batch.rejected))

    def close(self) -> None:
        """Finish the files."""
        for name in list(self._waiting):
            self._flush(name)
        for writer in self._open.values():
            writer.close()
        self._open.clear()

    def table(self, engine: Engine, name: str) -> LazyTable:
        """A staged table, lazily."""
        return engine.parquet(self.folder / f"{name}.parquet")

    def _events(self, events: pa.Table) -> None:
        self.own_ids += events.num_rows - events["event_id"].null_count
        self.no_recorded += events["recorded_at"].null_count
        self.files.update(pc.unique(events["source_file"]).to_pylist())
        self.event_rows += events.group_by(["source_file", "source_row"]).aggregate([]).num_rows
        self._add("events", events)

    def _add(self, name: str, table: pa.Table) -> None:
        if not table.num_rows:
            return
        start = self.rows.get(name, 0)
        self.rows[name] = start + table.num_rows
        if name != "events":
            table = table.append_column("load_order", pa.array(range(start, start + table.num_rows), pa.int64()))
        self._waiting.setdefault(name, []).append(table)
        if sum(one.num_rows for one in self._waiting[name]) >= _FLUSH_ROWS:
            self._flush(name)

    def _flush(self, name: str) -> None:
        tables = self._waiting.pop(name, [])
        if not tables:
            return
        whole = pa.concat_tables(tables)
        if name not in self._open:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._open[name] = pq.ParquetWriter(self.folder / f"{name}.parquet", whole.schema, compression="lz4")
        self._open[name].write_table(whole)


def stage(source: BatchSource, folder: Path, pepper: str = "", progress: Progress = SILENT) -> Staged:
    """Put everything a source gives down in `folder`."""
    staged = Staged(folder, pepper)
    try:
        for batch in source.batches(progress):
            staged.put(batch)
    finally:
        staged.close()
    return staged


def _facts(name: str) -> Table:
    """Columns of a staged table of facts: the canonical ones (source, loaded_at and order are added by the store)."""
    if name not in FACTS:
        raise InputRefused(f"a source gave a table {name!r}", remedy=nearest(name, ["events", *FACTS]))
    wanted = LAKE_TABLES[name]
    columns = tuple(one for one in wanted.columns if one.name not in ("source", "loaded_at", "load_order"))
    return Table(name, wanted.meaning, columns)


def _checked(name: str, wanted: Table, table: pa.Table) -> pa.Table:
    """The rows in the wanted columns and types; what may not be null is checked here, before anything is stored."""
    conformed = wanted.conform(table)
    for column in wanted.columns:
        if not column.nullable and conformed[column.name].null_count:
            raise InputRefused(
                f"{conformed[column.name].null_count} {name} rows without {column.name} came through the mapping",
                where=column.meaning,
                remedy=f"map a column to {column.name}, or let the source set such rows aside",
            )
    return conformed
