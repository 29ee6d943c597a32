"""A source made of plain rows, a lake in a fresh folder, and the history of a lake as plain rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from holdfast.core.clock import zone
from holdfast.core.progress import SILENT, Progress
from holdfast.core.schema import CANONICAL, REJECTED
from holdfast.engine.duck import Engine
from holdfast.log.batch import EVENT_ROWS, IDENTITY_KEYS, Batch
from holdfast.log.history import open_log
from holdfast.log.intake import Receipt, take_in
from holdfast.log.store import Lake

NOW = datetime(2024, 6, 1, tzinfo=UTC)
START = datetime(2024, 1, 1, 12, tzinfo=UTC)


def at(days: float) -> datetime:
    """So many days after the first day of the tests."""
    return START + timedelta(days=days)


def event(customer: str = "ann", day: float = 0, **values: Any) -> dict[str, Any]:
    """One purchase; any column may be given."""
    row = {
        "source_id": customer, "occurred_at": at(day), "event_type": "purchase", "item_id": "10001", "quantity": 1.0,
        "unit_price": 10_000, "order_id": f"{customer}-{day:g}",
    }  # fmt: skip
    return {**row, **values}


@dataclass
class Made:
    """A source of given rows. `batch` rows come at a time; tables other than events come with the first batch."""

    events: list[dict[str, Any]] = field(default_factory=list)
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    rejected: list[dict[str, Any]] = field(default_factory=list)
    source: str = "shop"
    origin: str = "orders.csv"
    preset: str = "mapping"
    clean: Mapping[str, Any] = field(default_factory=dict)
    batch: int = 1000
    zone: str = "UTC"

    def batches(self, progress: Progress = SILENT) -> Iterator[Batch]:
        rows = [self._whole(row, number + 1) for number, row in enumerate(self.events)]
        first = self._others()
        aside = [{"source": self.source, "source_file": self.origin, "raw": "{}", **one} for one in self.rejected]
        rejected = REJECTED.conform(pa.Table.from_pylist(aside, schema=REJECTED.schema))
        for start in range(0, max(len(rows), 1), self.batch):
            part = rows[start : start + self.batch]
            events = {"events": pa.Table.from_pylist(part, schema=EVENT_ROWS.schema)} if part else {}
            alone = 0 if rows else sum(len(found) for found in self.tables.values())
            yield Batch(len(part) + len(rejected) + alone, {**events, **first}, rejected)
            first, rejected = {}, REJECTED.empty()

    def _whole(self, row: dict[str, Any], number: int) -> dict[str, Any]:
        local = row["occurred_at"].astimezone(zone(self.zone))
        made = {"source": self.source, "source_file": self.origin, "source_row": number}
        return {**made, "local_day": local.date(), "local_hour": local.hour, **row}

    def _others(self) -> dict[str, pa.Table]:
        shapes = {**CANONICAL, "identity_keys": IDENTITY_KEYS}
        return {
            name: pa.Table.from_pylist([{"source": self.source, **row} for row in rows], schema=shapes[name].schema)
            for name, rows in self.tables.items()
        }


@dataclass
class Desk:
    """A lake with an engine, and the two things one does with them."""

    engine: Engine
    lake: Lake

    def take(self, source: Made, now: datetime = NOW, **options: Any) -> Receipt:
        return take_in(self.engine, self.lake, source, zone="UTC", currency="EUR", now=now, **options)

    def open(self, **options: Any) -> tuple[Any, Any]:
        return open_log(self.engine, self.lake, zone="UTC", currency="EUR", **options)

    def rows(self, *columns: str, **options: Any) -> list[dict[str, Any]]:
        """The clean log as plain rows, in its own order."""
        events = self.open(**options)[0].events
        order = ["customer_id", "occurred_at", "event_id", "recorded_at"]
        found = self.engine.arrow(events.order_by(order)).to_pylist()
        return [{name: row[name] for name in columns or row} for row in found]

    def stored(self, table: str = "events") -> list[dict[str, Any]]:
        return list(self.engine.arrow(self.lake.table(self.engine, table)).to_pylist())

    def bytes(self) -> dict[str, bytes]:
        """Every file of the lake but its lock."""
        files = sorted(path for path in self.lake.folder.rglob("*") if path.is_file() and path.name != "lock")
        return {path.relative_to(self.lake.folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    with Engine(threads=2, memory_limit="1GB") as one:
        yield one


@pytest.fixture
def desk(engine: Engine, tmp_path: Path) -> Desk:
    return Desk(engine, Lake(tmp_path / "lake"))


@pytest.fixture
def new_desk(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Makes desks with lakes of their own."""
    return lambda: Desk(engine, Lake(tmp_path_factory.mktemp("desk") / "lake"))


@pytest.fixture
def made() -> type[Made]:
    return Made


@pytest.fixture
def line() -> Any:
    """Makes one event row."""
    return event


@pytest.fixture
def day() -> Any:
    """Makes the instant so many days after the first day of the tests."""
    return at
