"""What every reader of a format gives: chunks of raw columns with the number of each row, and rows it could not cut."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.core.progress import Progress
from holdfast.log.sources.decode import decoder
from holdfast.log.sources.preset import Head


@dataclass(frozen=True)
class BadRow:
    """A row that could not be cut into columns."""

    number: int
    reason: str
    raw: str


@dataclass(frozen=True)
class Chunk:
    """Some rows: raw columns, the source row of each (first data row = 1), and rows that could not be cut."""

    table: pa.Table
    numbers: NDArray[np.int64]
    bad: tuple[BadRow, ...] = field(default=())


class Reader(Protocol):
    """One file, frame or query, whatever its format."""

    name: str
    format: str

    def head(self) -> Head:
        """Names and first rows."""

    def sample(self) -> pa.Table:
        """The first rows as raw columns, to guess from."""

    def rename(self, names: tuple[str, ...]) -> None:
        """Use these column names instead of those made up for a file without header."""

    def chunks(self, progress: Progress) -> Iterator[Chunk]:
        """All rows in order, each chunk small enough to hold."""


def tidy(table: pa.Table) -> pa.Table:
    """Columns of plain types: dictionaries decoded, large and view strings as strings, pandas' index left out.

    >>> tidy(pa.table({"a": pa.array(["x"]).dictionary_encode()})).schema.field("a").type
    DataType(string)
    """
    names, columns = [], []
    for name, column in zip(table.column_names, table.columns, strict=True):
        if name.startswith("__index_level_"):
            continue
        names.append(name)
        columns.append(_plain(column))
    return pa.Table.from_arrays(columns, names=unique(names))


def _plain(column: Any) -> Any:
    kind = column.type
    if pa.types.is_dictionary(kind):
        parts = [_plain(pa.chunked_array([one.dictionary])).combine_chunks().take(one.indices) for one in column.chunks]
        return pa.chunked_array(parts) if parts else pa.chunked_array([pa.nulls(0, pa.string())])
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pc.cast(column, pa.string())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return text_of(pc.cast(column, pa.binary()))
    if pa.types.is_struct(kind) or pa.types.is_map(kind) or pa.types.is_union(kind):
        values = [
            None if one is None else json.dumps(one, ensure_ascii=False, default=str) for one in column.to_pylist()
        ]
        return pa.chunked_array([pa.array(values, pa.string())])
    return column


def text_of(column: Any) -> Any:
    """Bytes as text; strays that are no UTF-8 are read as Western."""
    try:
        return pc.cast(column, pa.string())
    except pa.ArrowInvalid:
        values = [None if one is None else decoder("utf-8").decode(one, final=True) for one in column.to_pylist()]
        return pa.chunked_array([pa.array(values, pa.string())])


def unique(names: list[str]) -> list[str]:
    """Column names made different: `a`, `a_2`, `a_3`. Empty ones get their place.

    >>> unique(["a", "a", ""])
    ['a', 'a_2', 'column_3']
    """
    seen: dict[str, int] = {}
    taken, result = set(names), []
    for place, name in enumerate(names, start=1):
        name = name.strip() or f"column_{place}"
        seen[name] = seen.get(name, 0) + 1
        made = name
        while seen[name] > 1 and (made := f"{name}_{seen[name]}") in taken:
            seen[name] += 1
        taken.add(made)
        result.append(made)
    return result
