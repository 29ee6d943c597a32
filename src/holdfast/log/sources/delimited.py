"""Text tables: comma, semicolon, tab, bar or blanks between columns, in any encoding, streamed through Arrow's parser.

Fields are cut by Arrow and stay text; what they mean is decided later, column by column. A row with too few or too
many fields is set aside with its text. Memory is bounded by the block size, whatever the size of the file.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from holdfast.core.errors import InputRefused
from holdfast.core.progress import Progress
from holdfast.log.sources.decode import Utf8, encoding_of
from holdfast.log.sources.files import Part, opened
from holdfast.log.sources.preset import Head
from holdfast.log.sources.reader import BadRow, Chunk, unique
from holdfast.log.sources.settings import ImportSettings

_HEAD = 1 << 18
_BLOCK = 4 << 20
_SAMPLE_ROWS = 2000
_MOST_COLUMNS = 20_000
_DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class Layout:
    """How the text is cut."""

    encoding: str
    delimiter: str
    quote: str
    named: bool
    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class DelimitedReader:
    """A text table in a file or archive."""

    format = "csv"

    def __init__(self, part: Part, settings: ImportSettings) -> None:
        self.part, self.settings, self.name = part, settings, part.name
        self._names: tuple[str, ...] | None = None

    @cached_property
    def layout(self) -> Layout:
        """Encoding, delimiter and header, as set or as the first bytes suggest."""
        text, encoding, whole = self._start()
        delimiter = _named_delimiter(self.settings.delimiter) or _delimiter(text, self.part.name, self.settings.quote)
        rows = _cut(text, delimiter, self.settings.quote, whole)
        if not rows:
            raise InputRefused("the file is empty", where=self.name, remedy="export it again")
        if len(rows[0]) > _MOST_COLUMNS:
            raise InputRefused(
                f"{len(rows[0]):,} columns",
                where=self.name,
                remedy=f"keep the columns you need, {_MOST_COLUMNS:,} at most",
            )
        named = self.settings.header == "yes" or (self.settings.header == "auto" and looks_named(rows))
        body = rows[1:] if named else rows
        if not body and whole:
            raise InputRefused(
                "the file holds a header but no rows", where=self.name, remedy="export it again, with data"
            )
        width = len(rows[0])
        if not named:
            width = Counter(len(row) for row in rows).most_common(1)[0][0]
        elif body and all(len(row) == width + 1 and not row[-1] for row in body[:50]):
            width += 1  # every data row ends with a delimiter that the header lacks
        names = unique([*(rows[0] if named else []), *[""] * width][:width])
        return Layout(encoding, delimiter, self.settings.quote, named, tuple(names), tuple(map(tuple, body)))

    def _start(self) -> tuple[str, str, bool]:
        with opened(self.part, self.settings) as stream:
            head = b""
            while len(head) < _HEAD and (block := stream.read(_HEAD - len(head))):
                head += block
            whole = not stream.read(1)
        encoding = self.settings.encoding or encoding_of(head, self.name)
        try:
            text = Utf8(io.BytesIO(head), encoding).read().decode("utf-8", errors="replace")
        except LookupError as error:
            raise InputRefused(
                f"unknown encoding {encoding!r}", where=self.name, remedy="name one such as utf-8, cp1252 or gb18030"
            ) from error
        text = text.removeprefix("\ufeff")
        if not text.strip():
            raise InputRefused("the file is empty", where=self.name, remedy="export it again")
        return text, encoding, whole

    def head(self) -> Head:
        layout = self.layout
        return Head(self._names or layout.names, layout.named, layout.rows[:200])

    def sample(self) -> pa.Table:
        names = self._names or self.layout.names
        rows = [row for row in self.layout.rows if len(row) == len(names)][:_SAMPLE_ROWS]
        return pa.table({name: pa.array([row[i] for row in rows], pa.string()) for i, name in enumerate(names)})

    def rename(self, names: tuple[str, ...]) -> None:
        self._names = names

    def chunks(self, progress: Progress) -> Iterator[Chunk]:
        layout = self.layout
        if layout.named and not layout.rows:
            raise InputRefused(
                "the file holds a header but no rows", where=self.name, remedy="export it again, with data"
            )
        if self._names:
            layout = replace(layout, names=self._names)
        with opened(self.part, self.settings) as stream:
            utf8 = Utf8(stream, layout.encoding, blanks=layout.delimiter == " ")
            for chunk in _stream(utf8, layout, self.name):
                progress.step(f"read {self.name}", min(stream.taken, self.part.size - 1), self.part.size)
                yield chunk
        progress.step(f"read {self.name}", self.part.size, self.part.size)


def _stream(utf8: Utf8, layout: Layout, where: str) -> Iterator[Chunk]:
    bad: list[BadRow] = []

    def set_aside(row: Any) -> str:
        bad.append(
            BadRow(
                row.number,
                "too_few_fields" if row.actual_columns < row.expected_columns else "too_many_fields",
                row.text,
            )
        )
        return "skip"

    names = [f"f{i}" for i in range(len(layout.names))]
    try:
        batches = pcsv.open_csv(
            pa.PythonFile(utf8, mode="r"),
            read_options=pcsv.ReadOptions(use_threads=False, block_size=_block(len(names)), column_names=names),
            parse_options=pcsv.ParseOptions(
                delimiter="\t" if layout.delimiter == " " else layout.delimiter,
                quote_char=layout.quote or False,
                newlines_in_values=bool(layout.quote),
                invalid_row_handler=set_aside,
            ),
            convert_options=pcsv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
        yield from _numbered(batches, bad, layout)
    except pa.ArrowInvalid as error:
        raise InputRefused(
            f"the rows cannot be cut into columns: {error}",
            where=where,
            remedy="a quote is probably never closed: set quote = '' under [import] if quotes are ordinary letters",
        ) from error


def _block(columns: int) -> int:
    """Bytes parsed at once: enough for a few hundred rows of a very wide file."""
    return _BLOCK if columns < 2000 else 4 * _BLOCK


def _numbered(batches: Any, bad: list[BadRow], layout: Layout) -> Iterator[Chunk]:
    """Chunks with row numbers: Arrow counts bad rows, so good rows take the numbers that are left."""
    shift = 1 if layout.named else 0
    done = 0
    header_seen = not layout.named
    for batch in batches:
        rows = batch.num_rows
        taken = np.array([row.number for row in bad], np.int64)
        numbers = _free_numbers(done, rows, taken)
        done = int(numbers[-1]) if rows else done
        table = pa.Table.from_arrays(batch.columns, names=list(layout.names))
        ready = tuple(row for row in bad if row.number <= done)
        bad[:] = [row for row in bad if row.number > done]
        if not header_seen:
            header_seen = True
            if rows and numbers[0] == 1:
                table, numbers = table.slice(1), numbers[1:]
            ready = tuple(row for row in ready if row.number != 1)
        table, numbers, swallowed = _without_swallowed(table, numbers, layout)
        ready = tuple(sorted((*ready, *swallowed), key=lambda row: row.number))
        yield Chunk(table, numbers - shift, tuple(replace(row, number=row.number - shift) for row in ready))
    rest = tuple(replace(row, number=row.number - shift) for row in bad if row.number > shift)
    if rest:
        empty = pa.table({name: pa.array([], pa.string()) for name in layout.names})
        yield Chunk(empty, np.zeros(0, np.int64), rest)


def _without_swallowed(table: pa.Table, numbers: Any, layout: Layout) -> tuple[pa.Table, Any, list[BadRow]]:
    """Rows whose quote was closed by a later row hold whole other rows in one field: set them aside, text and all."""
    if not layout.quote or len(layout.names) < 3:
        return table, numbers, []
    suspects: set[int] = set()
    for column in table.columns:
        for place in np.flatnonzero(np.asarray(pc.match_substring(column, "\n"))).tolist():
            inner = column[place].as_py().replace("\r\n", "\n").split("\n")[1:-1]
            if any(line.count(layout.delimiter) == len(layout.names) - 1 for line in inner):
                suspects.add(place)
    if not suspects:
        return table, numbers, []
    places = sorted(suspects)
    rows = [layout.delimiter.join(row.values()) for row in table.take(pa.array(places)).to_pylist()]
    bad = [BadRow(int(numbers[place]), "unclosed_quote", row) for place, row in zip(places, rows, strict=True)]
    keep = np.ones(table.num_rows, bool)
    keep[places] = False
    return table.filter(pa.array(keep)), numbers[keep], bad


def _free_numbers(done: int, rows: int, taken: Any) -> Any:
    """The next `rows` numbers after `done` that no bad row has.

    >>> _free_numbers(2, 3, np.array([4]))
    array([3, 5, 6])
    """
    candidates = np.arange(done + 1, done + 1 + rows + len(taken), dtype=np.int64)
    return candidates[~np.isin(candidates, taken)][:rows]


def _named_delimiter(word: str) -> str:
    return {"space": " ", "tab": "\t", "\\t": "\t"}.get(word, word)


def _cut(text: str, delimiter: str, quote: str, whole: bool) -> list[list[str]]:
    """The rows of the first piece of a file; its last row is left out where the piece may cut it."""
    if delimiter == " ":
        rows = [line.split() for line in text.splitlines()]
    else:
        options: dict[str, Any] = {"quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE}
        lines = text.replace("\r\n", "\n").replace("\r", "\n")
        try:
            rows = list(csv.reader(io.StringIO(lines, newline=""), delimiter=delimiter, **options))
        except csv.Error:
            rows = [line.split(delimiter) for line in lines.split("\n")]
    if not whole and len(rows) > 1:
        rows.pop()
    return [row for row in rows if row]


def _delimiter(text: str, name: str, quote: str) -> str:
    """The delimiter that cuts most rows into the same number of fields; blanks only where nothing else does."""
    piece = text[:65536]
    best, best_score = "", 0.0
    for one in _DELIMITERS:
        widths = Counter(len(row) for row in _cut(piece, one, quote, len(text) <= 65536)[:500])
        if not widths:
            continue
        width, count = widths.most_common(1)[0]
        score = (count / widths.total()) * (1 + min(width, 30) / 100) if width > 1 else 0.0
        if score > best_score:
            best, best_score = one, score
    if best_score >= 0.6:
        return best
    widths = Counter(len(line.split()) for line in piece.splitlines()[:500] if line.strip())
    width, count = widths.most_common(1)[0]
    if width > 1 and count >= 0.8 * widths.total():
        return " "
    return best or ("\t" if name.lower().endswith((".tsv", ".tsv.gz")) else ",")


def looks_named(rows: list[list[str]]) -> bool:
    """A header has no numbers, dates or blanks, no name twice, and no value that its own column repeats."""
    first = rows[0]
    if any(_is_value(cell) for cell in first) or sum(not cell.strip() for cell in first) > len(first) // 2:
        return False
    return (
        len(rows) < 2
        or any(_is_value(row[i]) for row in rows[1:50] for i in range(min(len(row), len(first))) if row[i].strip())
        or not any(first[i] == row[i] for row in rows[1:50] for i in range(min(len(row), len(first))))
    )


def _is_value(cell: str) -> bool:
    cell = cell.strip()
    return bool(cell) and (cell[0].isdigit() or (cell[0] in "+-.£$€¥(" and any(letter.isdigit() for letter in cell)))
