"""How one file is read, everything decided: what the row builders need to know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.core.schema import REJECTED
from holdfast.log.sources.ids import as_text, or_null
from holdfast.log.sources.numbers import parse_numbers
from holdfast.log.sources.preset import HIDDEN, ROW
from holdfast.log.sources.raw import as_json
from holdfast.log.sources.reader import BadRow

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Reading:
    """Columns, constants and rules of one file."""

    source: str
    file: str
    table: str
    zone: str
    currency: str
    columns: Mapping[str, str]
    constants: Mapping[str, str] = field(default_factory=dict)
    event_types: Mapping[str, str] = field(default_factory=dict)
    negative: str = "refund"
    order: str = ""
    decimal: str = "."
    missing_ids: tuple[str, ...] = ()
    keep_properties: bool = False


class Rows:
    """One chunk seen through its `Reading`: canonical columns by name, and the first thing wrong with each row."""

    def __init__(self, reading: Reading, table: pa.Table) -> None:
        self.reading, self.table = reading, table
        self.size = table.num_rows
        self.numbers: NDArray[np.int64] = np.asarray(table[ROW]).astype(np.int64)
        self._wrong: list[tuple[Flags, str, str]] = []
        # Most files have one row a line; only what was taken apart repeats numbers.
        self.single = bool(np.all(np.diff(self.numbers) > 0))

    def has(self, name: str) -> bool:
        return name in self.reading.columns or name in self.reading.constants

    def raw(self, name: str) -> Any:
        """The column as it came; a constant where the reading says so; nulls where there is none."""
        column = self.reading.columns.get(name)
        if column is not None:
            found = self.table[column].combine_chunks()
            return pc.cast(found, pa.string()) if pa.types.is_null(found.type) else found
        return pa.array([self.reading.constants.get(name)] * self.size, pa.string())

    def text(self, name: str) -> Any:
        """The column as trimmed text, empty cells null."""
        return or_null(as_text(self.raw(name)))

    def wrong(self, flags: Flags, column: str, reason: str) -> None:
        """Mark rows as wrong; the first mark of a row is the one that is told."""
        if flags.any():
            self._wrong.append((flags, column, reason))

    def bad(self) -> Flags:
        """Rows to set aside: those marked, and those cut from the same source row."""
        marked = np.zeros(self.size, bool)
        for flags, _, _ in self._wrong:
            marked |= flags
        if marked.any() and not self.single:
            marked = np.isin(self.numbers, self.numbers[marked])
        return marked

    def read(self) -> int:
        """How many source rows these are."""
        return self.size if self.single else len(np.unique(self.numbers))

    def rejected(self, amount: Any, cut: tuple[BadRow, ...]) -> pa.Table:
        """The set-aside rows as a REJECTED table, one per source row."""
        which = np.full(self.size, -1)
        for place in range(len(self._wrong) - 1, -1, -1):
            which[self._wrong[place][0]] = place
        at = np.flatnonzero(which >= 0)
        _, first = np.unique(self.numbers[at], return_index=True)
        at = at[first]
        parts = [self._told(at[which[at] == place], place, amount) for place in range(len(self._wrong))]
        if cut:
            parts.append(cut_rows(self.reading, cut))
        parts = [part for part in parts if part.num_rows]
        if not parts:
            return REJECTED.conform(REJECTED.empty())
        return REJECTED.conform(pa.concat_tables(parts).sort_by("source_row"))

    def _told(self, at: NDArray[np.int64], place: int, amount: Any) -> pa.Table:
        _, column, reason = self._wrong[place]
        rows = self.table.take(pa.array(at))
        name = self.reading.columns.get(column, column)
        value = rows[name] if name in rows.column_names else pa.nulls(len(at), pa.string())
        name = column if name.startswith(HIDDEN) else name
        return pa.table(
            {
                "source": pa.array([self.reading.source] * len(at), pa.string()),
                "source_file": pa.array([self.reading.file] * len(at), pa.string()),
                "source_row": rows[ROW].cast(pa.int64()),
                "column": pa.array([name] * len(at), pa.string()),
                "value": pc.utf8_slice_codeunits(as_text(value), 0, 200),
                "reason": pa.array([reason] * len(at), pa.string()),
                "amount": amount.take(pa.array(at)) if amount is not None else pa.nulls(len(at), pa.int64()),
                "raw": as_json(rows),
            }
        )

    def number(self, name: str, reason: str) -> Any:
        """A numeric column; cells that hold something else mark their row."""
        found = parse_numbers(self.raw(name), self.reading.decimal)
        if not found.good.all():
            # An empty cell has many names, but a computed "not a number" is not one of them.
            text = as_text(self.raw(name))
            nan = np.asarray(pc.fill_null(pc.equal(pc.utf8_lower(text), "nan"), False))
            blank = found.empty | (np.asarray(pc.is_null(or_null(text))) & ~nan)
            self.wrong(~found.good & ~blank, name, reason)
        return found


def cut_rows(reading: Reading, cut: tuple[BadRow, ...]) -> pa.Table:
    """Rows that could not be cut into columns, as a REJECTED table."""
    rows = [
        {
            "source": reading.source,
            "source_file": reading.file,
            "source_row": row.number,
            "column": None,
            "value": row.raw[:200],
            "reason": row.reason,
            "amount": None,
            "raw": json.dumps(row.raw, ensure_ascii=False),
        }
        for row in cut
    ]
    return REJECTED.conform(pa.Table.from_pylist(rows, schema=pa.schema([(c.name, c.dtype) for c in REJECTED.columns])))
