"""An opened source: what was made out about it, and its rows in batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from holdfast.core.errors import InputRefused
from holdfast.core.progress import SILENT, Progress
from holdfast.log.batch import Batch
from holdfast.log.sources.events import event_batch
from holdfast.log.sources.guess import Guess
from holdfast.log.sources.preset import ROW, Preset, Shaper
from holdfast.log.sources.reader import Chunk, Reader
from holdfast.log.sources.reading import Reading, cut_rows
from holdfast.log.sources.tables import table_batch


@dataclass(frozen=True)
class Opened:
    """One file of a source: how to read it, and what was guessed."""

    reader: Reader
    preset: Preset
    reading: Reading
    guess: Guess
    implied: Mapping[str, str] = field(default_factory=dict)

    def batches(self, progress: Progress = SILENT, *, strict: bool = True) -> Iterator[Batch]:
        """The rows as batches; `strict` refuses the file at its end where not one row could be used."""
        shape = self.preset.shape() if self.preset.shape else None
        read = kept = 0
        told: tuple[str, str, str] | None = None
        for chunk in self.reader.chunks(progress):
            batch = self._batch(chunk, shape)
            read, kept = read + batch.read, kept + batch.read - batch.rejected.num_rows
            if told is None and batch.rejected.num_rows:
                first = batch.rejected.slice(0, 1).to_pylist()[0]
                told = (first["reason"], first["column"] or "the row", first["value"] or "empty")
            if batch.read:
                yield batch
        if strict and not kept:
            self._refuse(read, told)

    def _batch(self, chunk: Chunk, shape: Shaper | None) -> Batch:
        if not chunk.table.num_rows:
            return Batch(len(chunk.bad), {}, cut_rows(self.reading, chunk.bad))
        table = chunk.table.append_column(ROW, pa.array(chunk.numbers, pa.int64()))
        table = (shape(table) if shape else table).combine_chunks()
        build = event_batch if self.reading.table == "events" else table_batch
        return build(self.reading, table, chunk.bad)

    def _refuse(self, read: int, told: tuple[str, str, str] | None) -> None:
        reason = f"; the first: {told[0]} in {told[1]} ({told[2]!r})" if told else ""
        raise InputRefused(
            f"not one of {read:,} rows could be used{reason}",
            where=self.reader.name,
            remedy="check how the columns were understood: holdfast doctor shows the guess and how to override it",
        )


@dataclass(frozen=True)
class Source:
    """Rows from somewhere, ready to be taken in. Satisfies `holdfast.log.batch.BatchSource`.

    `guess` is that of the first file, `guesses` has one for each. `defaults` holds the zone and currency that the
    preset implies or the file names; `clean` its wishes for cleaning.
    """

    source: str
    origin: str
    preset: str
    opened: Sequence[Opened]
    clean: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    strict: bool = True

    @property
    def guess(self) -> Guess:
        return self.opened[0].guess

    @property
    def guesses(self) -> tuple[Guess, ...]:
        return tuple(one.guess for one in self.opened)

    def batches(self, progress: Progress = SILENT) -> Iterator[Batch]:
        """The rows, in order, in batches that fit in memory. May be called again, unless a stream was given."""
        for one in self.opened:
            yield from one.batches(progress, strict=self.strict)
