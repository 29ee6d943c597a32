"""Small helpers: write a file, read it whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from holdfast.core.schema import REJECTED
from holdfast.log.sources.open import open_source
from holdfast.log.sources.source import Source


@dataclass
class Whole:
    """Everything a source gave."""

    source: Source
    read: int = 0
    tables: dict[str, pa.Table] = field(default_factory=dict)
    rejected: pa.Table = field(default_factory=REJECTED.empty)

    def rows(self, table: str = "events") -> list[dict[str, Any]]:
        return self.tables[table].to_pylist() if table in self.tables else []

    def column(self, name: str, table: str = "events") -> list[Any]:
        return self.tables[table][name].to_pylist() if table in self.tables else []

    def reasons(self) -> dict[int, str]:
        return dict(zip(self.rejected["source_row"].to_pylist(), self.rejected["reason"].to_pylist(), strict=True))


def take(source: Source) -> Whole:
    """Read a source to its end; every row is kept or rejected, once."""
    whole, tables = Whole(source), {}
    rejected = []
    for batch in source.batches():
        assert batch.rejected.num_rows <= batch.read
        whole.read += batch.read
        rejected.append(batch.rejected)
        for name, table in batch.tables.items():
            tables.setdefault(name, []).append(table)
    whole.tables = {name: pa.concat_tables(parts) for name, parts in tables.items()}
    whole.rejected = pa.concat_tables(rejected) if rejected else whole.rejected
    kept = set(whole.column("source_row")) if "events" in whole.tables else set()
    assert not kept & set(whole.reasons())
    return whole


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Whole]:
    """`read(content, name="orders.csv", **options)`: write the content, open it, read it whole."""

    def reading(content: str | bytes, name: str = "orders.csv", **options: Any) -> Whole:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return take(open_source(path, **options))

    return reading
