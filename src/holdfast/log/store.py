"""The lake: immutable Parquet segments, and one manifest whose atomic rename publishes an import (docs/adr/0002).

A reader opens the manifest and sees one whole state. A writer holds the lock, writes segments that no manifest
names yet, and renames a new manifest into place. Killed at any moment, it leaves the old state or the new one;
what it wrote besides is swept by the next writer.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from holdfast.core.errors import StateError
from holdfast.core.log import LazyTable
from holdfast.core.schema import Table
from holdfast.engine.duck import Engine
from holdfast.engine.files import sha256, sync, write_bytes
from holdfast.engine.lock import locked
from holdfast.log.tables import LAKE_TABLES

FORMAT = 1
STAGING = "staging"


@dataclass(frozen=True)
class Segment:
    """One immutable Parquet file. `first` and `last` bound occurred_at in microseconds, where the table has it."""

    path: str
    rows: int
    sha256: str
    source: str = ""
    first: int | None = None
    last: int | None = None


@dataclass(frozen=True)
class Manifest:
    """One whole state of the lake: which segments make up each table, and the imports that made them."""

    generation: int = 0
    tables: Mapping[str, tuple[Segment, ...]] = field(default_factory=dict)
    imports: tuple[Mapping[str, Any], ...] = ()

    @property
    def fingerprint(self) -> str:
        """Changes whenever any stored row changes."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]

    @property
    def sources(self) -> tuple[str, ...]:
        """Sources in the order of their first import."""
        return tuple(dict.fromkeys(str(one["source"]) for one in self.imports))

    def rows(self, table: str) -> int:
        return sum(segment.rows for segment in self.tables.get(table, ()))

    def to_json(self) -> str:
        tables = {name: [asdict(one) for one in self.tables[name]] for name in sorted(self.tables)}
        whole = {"format": FORMAT, "generation": self.generation, "tables": tables, "imports": list(self.imports)}
        return json.dumps(whole, indent=1, sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        whole = json.loads(text)
        if whole["format"] != FORMAT:
            raise ValueError(f"format {whole['format']}")
        tables = {name: tuple(Segment(**one) for one in found) for name, found in whole["tables"].items()}
        return cls(int(whole["generation"]), tables, tuple(whole["imports"]))


def nothing(engine: Engine, table: Table) -> LazyTable:
    """The table with no row, of the same types as rows read from a file have."""
    return engine.memory(table.empty())


class Lake:
    """The stored tables of one shop, in `folder`.

    >>> Lake(Path("no/such/lake")).manifest.generation
    0
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    @property
    def manifest(self) -> Manifest:
        """The published state, read anew each time."""
        path = self.folder / "manifest.json"
        if not path.is_file():
            return Manifest()
        try:
            return Manifest.from_json(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StateError(
                "the lake's manifest cannot be read",
                where=str(path),
                remedy="restore it from a backup, or delete the lake folder and import the files again",
            ) from error

    @property
    def fingerprint(self) -> str:
        return self.manifest.fingerprint

    def segments(self, table: str) -> list[Path]:
        """Paths of the Parquet files that make up a table now."""
        return [self.folder / one.path for one in self.manifest.tables.get(table, ())]

    def table(self, engine: Engine, name: str, segments: tuple[Segment, ...] | None = None) -> LazyTable:
        """A table of the lake, lazily; typed and empty where nothing was imported. `segments` narrows it."""
        wanted = LAKE_TABLES[name]
        chosen = self.manifest.tables.get(name, ()) if segments is None else segments
        if not chosen:
            return nothing(engine, wanted)
        found = engine.parquet([self.folder / one.path for one in chosen])
        return found.select(*wanted.names)

    def verify(self) -> int:
        """Compare every segment with its sha256; returns how many; raises `StateError` naming what differs."""
        everything = [one for name in sorted(self.manifest.tables) for one in self.manifest.tables[name]]
        for one in everything:
            path = self.folder / one.path
            if not path.is_file() or sha256(path) != one.sha256:
                raise StateError(
                    f"segment {one.path} is {'damaged' if path.is_file() else 'missing'}",
                    where=str(path),
                    remedy="restore it from a backup, or delete the lake folder and import the files again",
                )
        return len(everything)

    @contextmanager
    def writing(self) -> Iterator[Draft]:
        """Hold the lock and give a draft of the next state; what is not published on leaving is deleted."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with locked(self.folder / "lock"):
            self._sweep()
            draft = Draft(self, self.manifest)
            draft.staging.mkdir()
            try:
                yield draft
            finally:
                draft.discard_unpublished()

    def _sweep(self) -> None:
        """Delete what no manifest names: left-overs of writers that were killed, and staging."""
        shutil.rmtree(self.folder / STAGING, ignore_errors=True)
        named = {one.path for segments in self.manifest.tables.values() for one in segments}
        for path in self.folder.glob("*/*.parquet"):
            if path.relative_to(self.folder).as_posix() not in named:
                path.unlink()
        for path in self.folder.glob(".*.part"):
            path.unlink()


class Draft:
    """The next state of a lake while it is being written. Nothing of it is seen before `publish`."""

    def __init__(self, lake: Lake, before: Manifest) -> None:
        self.lake = lake
        self.before = before
        self.generation = before.generation + 1
        self.staging = lake.folder / STAGING
        self._tables = {name: list(segments) for name, segments in before.tables.items()}
        self._imports = list(before.imports)
        self._written: list[Path] = []
        self._published = False

    def add(self, engine: Engine, name: str, rows: LazyTable, *, source: str, order: tuple[str, ...]) -> Segment | None:
        """Write rows (columns of the stored table), in a stated order, as a new segment; None where there are none."""
        wanted = LAKE_TABLES[name]
        part = len([one for one in self._written if one.parent.name == name])
        path = self.lake.folder / name / f"{self.generation:06d}-{part:03d}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        self._written.append(path)  # before it is written, so that half a file goes, too
        engine.write_parquet(rows.select(*wanted.names).order_by(list(order)), path)
        written = engine.parquet(path)
        bounds = engine.arrow(written.aggregate(rows=written.count(), **_bounds(written))).to_pylist()[0]
        if not bounds["rows"]:
            path.unlink()
            self._written.remove(path)
            return None
        sync(path)
        segment = Segment(
            path.relative_to(self.lake.folder).as_posix(),
            int(bounds["rows"]),
            sha256(path),
            source,
            _micros(bounds.get("first")),
            _micros(bounds.get("last")),
        )
        self._tables.setdefault(name, []).append(segment)
        return segment

    def remove(self, name: str, segments: tuple[Segment, ...]) -> None:
        """Leave segments out of the next state (they were written anew); readers of the old state keep the old file."""
        self._tables[name] = [one for one in self._tables.get(name, []) if one not in segments]

    def record(self, fact: Mapping[str, Any]) -> None:
        """Add one import's receipt to the next state."""
        self._imports.append({**fact, "generation": self.generation})

    def publish(self) -> Manifest:
        """Make the draft the published state, in one atomic rename."""
        for folder in sorted({path.parent for path in self._written}):
            sync(folder)
        tables = {name: tuple(segments) for name, segments in self._tables.items() if segments}
        after = replace(self.before, generation=self.generation, tables=tables, imports=tuple(self._imports))
        write_bytes(self.lake.folder / "manifest.json", after.to_json().encode())
        self._published = True
        return after

    def discard_unpublished(self) -> None:
        """Delete staging and, where nothing was published, the segments written. Replaced segments stay until the
        next writer comes, so that a reader of the old state can finish."""
        shutil.rmtree(self.staging, ignore_errors=True)
        if not self._published:
            for path in self._written:
                path.unlink(missing_ok=True)


def _bounds(table: Any) -> dict[str, Any]:
    if "occurred_at" not in table.columns:
        return {}
    return {"first": table.occurred_at.min(), "last": table.occurred_at.max()}


def _micros(instant: Any) -> int | None:
    from holdfast.core.clock import to_micros

    return None if instant is None else to_micros(instant)
