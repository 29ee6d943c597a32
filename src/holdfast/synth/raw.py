"""The files such a shop would have: what a user imports with the preset `holdfast`.

Money is written in currency units, as a shop's own export has it; instants in UTC with a `Z`.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from holdfast.core.money import MONEY_SCALE
from holdfast.core.schema import CANONICAL, MONEY
from holdfast.synth.dirt import Dirt, dirt
from holdfast.synth.world import Made

#: Tables in the order in which they are written and should be imported.
ORDER = ("items", "prices", "calendar", "customers", "events", "texts", "exposures")
#: Columns that a shop's own export does not have.
_NOT_RAW = ("source", "source_id", "properties", "embedding", "image", "description", "stock", "arm_propensities")
#: Clean and dirty rows take turns in so many slices, so that the dirt lies all over the file.
_SLICES = 40


def raw_table(made: Made, name: str) -> pa.Table:
    """One table of a world as its shop would export it."""
    return as_raw(name, made.tables[name])


def as_raw(name: str, table: pa.Table) -> pa.Table:
    """A canonical table as a shop exports it: money in currency units, no column that is Holdfast's alone."""
    money = {column.name for column in CANONICAL[name].columns if column.dtype == MONEY and column.unit != "units"}
    columns = {}
    for field in table.schema:
        if field.name not in _NOT_RAW:
            value = table[field.name]
            columns[field.name] = (
                pc.divide(value.cast(pa.float64()), float(MONEY_SCALE)) if field.name in money else value
            )
    return pa.table(columns)


def raw_dirt(made: Made) -> Dirt:
    """The dirt of this world's event file: spoiled copies as text, and what was planted."""
    return dirt(_as_text(raw_table(made, "events")), made.world.dirt, made.world.seed)


def write_raw(made: Made, folder: Path, *, form: Literal["csv", "parquet"] = "csv") -> list[Path]:
    """Write the shop's files and return them in the order of import; dirt only fits into CSV.

    CSV: `events.csv.gz` and the rest as plain `.csv`; Parquet: one file per table.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name in ORDER:
        table = raw_table(made, name)
        if form == "parquet":
            paths.append(folder / f"{name}.parquet")
            pq.write_table(table, paths[-1], compression="zstd")
        elif name == "events":
            paths.append(folder / "events.csv.gz")
            # No name and no time in the header: the same world gives the same bytes.
            with paths[-1].open("wb") as raw, gzip.GzipFile("", "wb", 1, raw, mtime=0) as stream:
                _write_csv(stream, _mixed(table, raw_dirt(made).rows))
        else:
            paths.append(folder / f"{name}.csv")
            with paths[-1].open("wb") as plain:
                _write_csv(plain, iter([table]))
    return paths


def _mixed(clean: pa.Table, dirty: pa.Table) -> Iterator[pa.Table]:
    for part in range(_SLICES):
        for table in (clean, dirty):
            first, end = (table.num_rows * edge // _SLICES for edge in (part, part + 1))
            if end > first:
                yield table.slice(first, end - first)


def _write_csv(stream: IO[bytes] | gzip.GzipFile, tables: Iterator[pa.Table]) -> None:
    for number, table in enumerate(tables):
        pyarrow.csv.write_csv(table, pa.PythonFile(stream, "w"), pyarrow.csv.WriteOptions(include_header=number == 0))


def _as_text(table: pa.Table) -> pa.Table:
    return pa.table({name: table[name].cast(pa.string()) for name in table.column_names})
