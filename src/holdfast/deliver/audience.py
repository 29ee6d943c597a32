"""Audiences as files, for the program or the people that send them: CSV that opens safely in a spreadsheet, or Parquet."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from holdfast.core.cells import safe
from holdfast.core.contact import Message, Receipt
from holdfast.core.errors import ConfigError, UsageError
from holdfast.core.schema import INSTANT
from holdfast.engine.files import write_bytes, write_table

FORMATS = ("csv", "parquet")
#: Columns of an audience. `data` is JSON.
AUDIENCE: pa.Schema = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in (
            "decision_id", "customer_id", "channel", "treatment_id", "purpose", "address", "subject", "text", "html", "unsubscribe", "data")),
        pa.field("due_at", INSTANT),
    ]
)  # fmt: skip


def audience(messages: Sequence[Message]) -> pa.Table:
    """Messages as a table."""
    rows = [
        {**one.as_dict(), "data": json.dumps(dict(one.data), ensure_ascii=False, sort_keys=True), "due_at": one.due_at}
        for one in messages
    ]
    return pa.Table.from_pylist(rows, schema=AUDIENCE)


def export(path: Path, table: pa.Table) -> Path:
    """Write a table whole or not at all: `.csv` (UTF-8 with BOM, formula-safe, lists as JSON) or `.parquet` (as it is).

    >>> import tempfile
    >>> table = pa.table({"customer_id": ["=1+1", "c2"], "cost": [1.5, None]})
    >>> export(Path(tempfile.mkdtemp()) / "list.csv", table).read_bytes()
    b"\\xef\\xbb\\xbfcustomer_id,cost\\r\\n'=1+1,1.5\\r\\nc2,\\r\\n"
    """
    if path.suffix == ".parquet":
        return write_table(path, table)
    if path.suffix != ".csv":
        raise UsageError(f"no such format: {path.suffix or path.name!r}", remedy="name the file .csv or .parquet")
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([safe(name) for name in table.column_names])
    for batch in table.to_batches(max_chunksize=50_000):
        writer.writerows(
            [_cell(one) for one in row] for row in zip(*(c.to_pylist() for c in batch.columns), strict=True)
        )
    return write_bytes(path, text.getvalue().encode("utf-8-sig"))


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if value.tzinfo else value.isoformat()
    if isinstance(value, (list, dict)):
        return safe(json.dumps(value, ensure_ascii=False, default=str))
    return safe(value)


@dataclass(frozen=True)
class AudienceFiles:
    """A channel that writes each batch of messages as one file, named for what it holds: a batch sent again is the same file.

    A message may stand in two files where the worker before died in between: `decision_id` says so.
    """

    name: str
    folder: str
    format: str = "csv"

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise ConfigError(f"format = {self.format!r} ({self.name})", remedy=f"one of: {', '.join(FORMATS)}")

    def send(self, messages: Sequence[Message]) -> list[Receipt]:
        """Write one file for all of these."""
        named = "\0".join(sorted(one.decision_id for one in messages))
        stem = f"{self.name}-{hashlib.sha256(named.encode()).hexdigest()[:16]}"
        try:
            export(Path(self.folder) / f"{stem}.{self.format}", audience(messages))
        except OSError as error:
            return [Receipt(one.decision_id, "later", f"not written: {error.strerror}") for one in messages]
        return [Receipt(one.decision_id) for one in messages]
