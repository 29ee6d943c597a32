"""Tables that bring their own types: Parquet files, data frames, query results. Read in batches."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from itertools import chain, islice
from typing import Any

import numpy as np
import pyarrow as pa

from holdfast.core.errors import InputRefused
from holdfast.core.progress import Progress
from holdfast.log.sources.files import Part
from holdfast.log.sources.preset import Head
from holdfast.log.sources.reader import Chunk, tidy

_ROWS = 100_000
_SAMPLE_ROWS = 2000
#: Gives the batches from the start; `total` rows where that is known.
Opening = Callable[[], Iterator[pa.RecordBatch]]


class TypedReader:
    """Batches of typed columns. `again` says whether `opening` may be called more than once."""

    def __init__(
        self, name: str, format: str, opening: Opening, *, again: bool = True, total: int | None = None
    ) -> None:
        self.name, self.format, self.again = name, format, again
        self._opening, self._total = opening, total
        self._first: pa.Table | None = None
        self._rest: Iterator[pa.RecordBatch] | None = None

    def sample(self) -> pa.Table:
        if self._first is None:
            batches = self._opening()
            first = list(islice(batches, 1))
            if not first:
                raise InputRefused("the table holds no rows", where=self.name, remedy="export it again, with data")
            self._first = tidy(pa.Table.from_batches(first)).slice(0, _SAMPLE_ROWS)
            # A stream that can be read once only goes on where the sample stopped.
            self._rest = None if self.again else chain(first, batches)
            if self.again and isinstance(batches, Generator):
                batches.close()  # gives a database connection back at once
        return self._first

    def head(self) -> Head:
        sample = self.sample()
        rows = sample.slice(0, 200)
        texts = [["" if one is None else str(one) for one in column.to_pylist()] for column in rows.columns]
        return Head(tuple(sample.column_names), True, tuple(zip(*texts, strict=True)), self.format)

    def rename(self, names: tuple[str, ...]) -> None:
        raise InputRefused("a typed table has its own column names", where=self.name, remedy="map them under [mapping]")

    def chunks(self, progress: Progress) -> Iterator[Chunk]:
        done = 0
        batches = self._rest if self._rest is not None else self._opening()
        self._rest = None
        for batch in batches:
            for start in range(0, batch.num_rows, _ROWS):
                table = tidy(pa.Table.from_batches([batch.slice(start, _ROWS)]))
                yield Chunk(table, np.arange(done + 1, done + 1 + table.num_rows, dtype=np.int64))
                done += table.num_rows
                if self._total is None or done < self._total:
                    progress.step(f"read {self.name}", done, self._total)
        if not done:
            raise InputRefused("the table holds no rows", where=self.name, remedy="export it again, with data")
        progress.step(f"read {self.name}", done, done)


def parquet_reader(part: Part) -> TypedReader:
    """A Parquet file, one row group after the other."""
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(part.path) as file:
            rows = file.metadata.num_rows
    except (pa.ArrowInvalid, OSError) as error:
        raise InputRefused(
            f"the Parquet file is damaged: {error}", where=part.name, remedy="export it again"
        ) from error

    def opening() -> Iterator[pa.RecordBatch]:
        try:
            with pq.ParquetFile(part.path) as file:
                yield from file.iter_batches(batch_size=_ROWS)
        except (pa.ArrowInvalid, OSError) as error:
            raise InputRefused(
                f"the Parquet file is damaged: {error}", where=part.name, remedy="export it again"
            ) from error

    return TypedReader(part.name, "parquet", opening, total=rows)


def frame_reader(frame: Any, name: str) -> TypedReader:
    """Anything with `__arrow_c_stream__`: pandas, Polars, Arrow, DuckDB relations and more."""
    if not hasattr(frame, "__arrow_c_stream__"):
        raise InputRefused(
            f"a {type(frame).__name__} is no data frame that speaks Arrow",
            where=name,
            remedy="give a pandas, Polars or Arrow table, or anything else with __arrow_c_stream__",
        )

    def opening() -> Iterator[pa.RecordBatch]:
        try:
            yield from pa.RecordBatchReader.from_stream(frame)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
            raise InputRefused(
                f"the frame cannot be read through Arrow: {error}",
                where=name,
                remedy="give each column one type, for instance frame.astype({'column': 'string'})",
            ) from error

    return TypedReader(name, "frame", opening, again=not isinstance(frame, pa.RecordBatchReader))
