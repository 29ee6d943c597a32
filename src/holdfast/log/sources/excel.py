"""Excel workbooks (.xlsx), streamed row by row; cells become text as a CSV would hold them."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from functools import cached_property
from itertools import chain, islice
from typing import Any

import numpy as np
import pyarrow as pa

from holdfast.core.errors import InputRefused
from holdfast.core.progress import Progress
from holdfast.log.sources.delimited import looks_named
from holdfast.log.sources.files import Part
from holdfast.log.sources.preset import Head
from holdfast.log.sources.reader import Chunk, unique
from holdfast.log.sources.settings import ImportSettings

_ROWS = 20_000
_SAMPLE_ROWS = 2000


class ExcelReader:
    """The table of a workbook; its rows count on over sheets of one layout."""

    format = "excel"

    def __init__(self, part: Part, settings: ImportSettings) -> None:
        self.part, self.settings, self.name = part, settings, part.name
        self._names: tuple[str, ...] | None = None

    @cached_property
    def _book(self) -> Any:
        _refuse_bomb(self.part, self.settings)
        try:
            from openpyxl import load_workbook
        except ImportError as error:
            raise InputRefused(
                "Excel files need openpyxl",
                where=self.name,
                remedy="run: pip install 'holdfast[excel]', or save as CSV",
            ) from error
        try:
            return load_workbook(self.part.path, read_only=True, data_only=True)
        except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
            raise InputRefused(f"the workbook is damaged: {error}", where=self.name, remedy="save it again") from error

    @cached_property
    def _sheets(self) -> list[str]:
        """The sheet asked for; else the fullest one and all sheets with the same first row, as of a yearly workbook."""
        titles = [sheet.title for sheet in self._book.worksheets]
        if self.settings.sheet:
            if self.settings.sheet not in titles:
                raise InputRefused(
                    f"no sheet {self.settings.sheet!r}", where=self.name, remedy=f"one of: {', '.join(titles)}"
                )
            return [self.settings.sheet]
        tops = {title: list(islice(self._rows(title), 50)) for title in titles}
        sizes = {title: len(rows) * min(len(rows[0]), 5) if len(rows) > 1 else 0 for title, rows in tops.items()}
        best = max(sizes, key=lambda title: sizes[title], default="")
        if not best or not sizes[best]:
            raise InputRefused("the workbook holds no table", where=self.name, remedy="export it again, with data")
        return [title for title in titles if title == best or (sizes[title] and tops[title][0] == tops[best][0])]

    def _rows(self, title: str) -> Iterator[list[str | None]]:
        for cells in self._book[title].iter_rows(values_only=True):
            row = [_text(cell) for cell in cells]
            if any(cell not in (None, "") for cell in row):
                yield row

    @cached_property
    def _top(self) -> tuple[bool, list[str], list[list[str | None]]]:
        rows = list(islice(self._rows(self._sheets[0]), _SAMPLE_ROWS))
        first = [cell or "" for cell in rows[0]]
        while first and not first[-1] and all(len(row) < len(first) or not row[len(first) - 1] for row in rows):
            first.pop()
        plain = [[cell or "" for cell in row] for row in rows]
        named = self.settings.header == "yes" or (self.settings.header == "auto" and looks_named(plain))
        return named, unique(first if named else [""] * len(first)), rows[1:] if named else rows

    def head(self) -> Head:
        named, names, rows = self._top
        texts = tuple(tuple(cell or "" for cell in row) for row in rows[:200])
        return Head(self._names or tuple(names), named, texts, self.format)

    def sample(self) -> pa.Table:
        return self._table(self._top[2])

    def rename(self, names: tuple[str, ...]) -> None:
        self._names = names

    def _table(self, rows: list[list[str | None]]) -> pa.Table:
        names = self._names or tuple(self._top[1])
        return pa.table(
            {n: pa.array([row[i] if i < len(row) else None for row in rows], pa.string()) for i, n in enumerate(names)}
        )

    def chunks(self, progress: Progress) -> Iterator[Chunk]:
        named, _, sample = self._top
        if not sample:
            raise InputRefused("the sheet holds a header but no rows", where=self.name, remedy="export it with data")
        rows = chain.from_iterable(islice(self._rows(title), int(named), None) for title in self._sheets)
        done = 0
        while block := list(islice(rows, _ROWS)):
            yield Chunk(self._table(block), np.arange(done + 1, done + 1 + len(block), dtype=np.int64))
            done += len(block)
            progress.step(f"read {self.name}", done, None)
        progress.step(f"read {self.name}", done, done)


def _text(cell: Any) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 2**53 else repr(cell)
    if isinstance(cell, (datetime, date, time)):
        return cell.isoformat(sep=" ") if isinstance(cell, datetime) else cell.isoformat()
    return str(cell)


def _refuse_bomb(part: Part, settings: ImportSettings) -> None:
    """A workbook is a zip archive: look at what it says it unpacks to before openpyxl does."""
    try:
        with zipfile.ZipFile(part.path) as archive:
            size = sum(one.file_size for one in archive.infolist())
    except zipfile.BadZipFile as error:
        raise InputRefused("this is no .xlsx workbook", where=part.name, remedy="save it as .xlsx or .csv") from error
    if size > max(64 << 20, min(part.size * settings.unpack_ratio, settings.unpack_gigabytes << 30)):
        raise InputRefused(
            f"the workbook unpacks to {size >> 20} MB, {size // part.size} times its size",
            where=part.name,
            remedy="save it as CSV, or raise unpack_ratio under [import] if it is no bomb",
        )
