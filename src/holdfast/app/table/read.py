"""A labelled table from any file: the readers of the log, all chunks together, every column as it came."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from holdfast.core.errors import InputRefused
from holdfast.core.progress import SILENT, Progress
from holdfast.log.sources.files import Part, parts
from holdfast.log.sources.settings import ImportSettings

#: More cells than this do not fit beside their copies into the memory of a laptop.
MOST_CELLS = 400_000_000


@dataclass(frozen=True)
class Raw:
    """All rows of a file, the rows that could not be cut into columns, and the sheet asked for."""

    name: str
    table: pa.Table
    cut: int = 0


def read_raw(path: Path, sheet: str | None = None, progress: Progress = SILENT) -> Raw:
    """Read a CSV (any delimiter, line end and encoding, packed or not), Excel, Parquet or JSON file whole.

    Raises `InputRefused` where the file is absent, empty, damaged, or holds more than one table.
    """
    found = parts(path)
    if len(found) > 1:
        names = ", ".join(one.name for one in found[:5])
        raise InputRefused(f"{len(found)} files in one: {names}", where=str(path), remedy="give one table")
    chunks, cut = [], 0
    for chunk in _reader(found[0], ImportSettings(sheet=sheet or "")).chunks(progress):
        chunks.append(chunk.table)
        cut += len(chunk.bad)
        if sum(one.num_rows for one in chunks) * chunk.table.num_columns > MOST_CELLS:
            raise InputRefused("the table is too large to hold", where=str(path), remedy="give a sample of its rows")
    return Raw(path.name, pa.concat_tables(chunks, promote_options="permissive").combine_chunks(), cut)


def _reader(part: Part, settings: ImportSettings) -> Any:
    if part.format == "parquet":
        from holdfast.log.sources.typed import parquet_reader

        return parquet_reader(part)
    if part.format == "json":
        from holdfast.log.sources.jsonlines import JsonReader

        return JsonReader(part, settings)
    if part.format == "excel":
        from holdfast.log.sources.excel import ExcelReader

        return ExcelReader(part, settings)
    from holdfast.log.sources.delimited import DelimitedReader

    return DelimitedReader(part, settings)
