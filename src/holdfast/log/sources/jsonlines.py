"""JSON: one object a line, or one array of objects. Nested objects become dotted columns."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import chain, islice
from typing import Any

import numpy as np
import pyarrow as pa

from holdfast.core.errors import InputRefused
from holdfast.core.progress import Progress
from holdfast.log.sources.decode import Utf8, encoding_of
from holdfast.log.sources.files import Bounded, Part, opened
from holdfast.log.sources.preset import RAW, Head
from holdfast.log.sources.reader import BadRow, Chunk
from holdfast.log.sources.settings import ImportSettings

Flatten = Callable[[Mapping[str, Any]], list[dict[str, Any]]]
_LINES = 20_000
_SAMPLE_LINES = 1000
_LONGEST = 64 << 20
_BLOCK = 16 << 20
_GAP = re.compile(r"[ \t\r\n,]*")


class JsonRows:
    """Objects made flat: by dots, or by the preset that claims them."""

    name = ""

    def __init__(self) -> None:
        self._flatten: Flatten = dotted
        self._raw = False

    def take_apart(self, flatten: Flatten) -> None:
        """Flatten by a preset's own rule from now on."""
        self._flatten, self._raw = flatten, True

    def flat(self, objects: Iterable[Mapping[str, Any]]) -> pa.Table:
        """Flat rows of some objects."""
        return _table([row for one in objects for row in self._flatten(one)])

    def numbered(self, objects: Iterable[tuple[int, Mapping[str, Any], str]]) -> tuple[pa.Table, list[int]]:
        """Flat rows of numbered objects with the number of each; an object that a preset takes apart is kept whole."""
        rows: list[dict[str, Any]] = []
        numbers: list[int] = []
        for number, one, line in objects:
            for row in self._flatten(one):
                if self._raw:
                    row[RAW] = line
                rows.append(row)
                numbers.append(number)
        return _table(rows), numbers

    def rename(self, names: tuple[str, ...]) -> None:
        raise InputRefused("JSON names its own columns", where=self.name, remedy="map them under [mapping]")


class JsonReader(JsonRows):
    """The objects of a file."""

    format = "json"

    def __init__(self, part: Part, settings: ImportSettings) -> None:
        super().__init__()
        self.part, self.settings, self.name = part, settings, part.name

    @cached_property
    def _encoding(self) -> str:
        with opened(self.part, self.settings) as stream:
            head = stream.read(1 << 16)
        if not head.strip():
            raise InputRefused("the file is empty", where=self.name, remedy="export it again")
        return self.settings.encoding or encoding_of(head, self.name)

    @cached_property
    def first(self) -> list[dict[str, Any]]:
        """The first objects, as they are."""
        with opened(self.part, self.settings) as stream:
            objects = [one for one, _ in islice(self._objects(stream), _SAMPLE_LINES) if isinstance(one, dict)]
        if not objects:
            raise InputRefused(
                "the file holds no JSON objects",
                where=self.name,
                remedy="write one object a line, or one array of objects",
            )
        return objects

    def head(self) -> Head:
        flat = [row for one in self.first for row in dotted(one)]
        return Head(tuple(dict.fromkeys(key for row in flat for key in row)), True, (), self.format)

    def sample(self) -> pa.Table:
        return self.flat(self.first)

    def chunks(self, progress: Progress) -> Iterator[Chunk]:
        number = 0
        with opened(self.part, self.settings) as stream:
            objects = self._objects(stream)
            while block := _some(objects):
                yield self._chunk(block, number)
                number += len(block)
                progress.step(f"read {self.name}", min(stream.taken, self.part.size - 1), self.part.size)
        if not number:
            raise InputRefused("the file holds no rows", where=self.name, remedy="export it again, with data")
        progress.step(f"read {self.name}", self.part.size, self.part.size)

    def _chunk(self, block: list[tuple[Any, str]], before: int) -> Chunk:
        counted = [(number, one, line) for number, (one, line) in enumerate(block, start=before + 1)]
        bad = tuple(BadRow(number, "bad_json", line) for number, one, line in counted if not isinstance(one, dict))
        table, numbers = self.numbered(row for row in counted if isinstance(row[1], dict))
        return Chunk(table, np.array(numbers, np.int64), bad)

    def _objects(self, stream: Bounded) -> Iterator[tuple[Any, str]]:
        blocks = io.BufferedReader(Utf8(stream, self._encoding), 1 << 20)
        text = io.TextIOWrapper(blocks, encoding="utf-8", errors="replace", newline="\n")
        start = text.read(1)
        while start.isspace() or start == "\ufeff":
            start = text.read(1)
        yield from _array(text, self.name) if start == "[" else _lines(start, text)


def _lines(start: str, text: io.TextIOWrapper) -> Iterator[tuple[Any, str]]:
    while line := start + text.readline(_LONGEST):
        start = ""
        line = line.strip()
        if not line:
            continue
        try:
            yield json.loads(line), line
        except (json.JSONDecodeError, RecursionError):
            yield None, line


def _some(objects: Iterator[tuple[Any, str]]) -> list[tuple[Any, str]]:
    """The next objects: so many, or fewer where they are long."""
    block, size = [], 0
    for one in objects:
        block.append(one)
        size += len(one[1])
        if len(block) >= _LINES or size >= _BLOCK:
            break
    return block


def _array(text: io.TextIOWrapper, where: str) -> Iterator[tuple[Any, str]]:
    """The elements of one big array, without holding the array."""
    decoder, buffer, place, ended = json.JSONDecoder(), "", 0, False
    while True:
        place = _GAP.match(buffer, place).end()  # type: ignore[union-attr]
        if buffer.startswith("]", place):
            return
        try:
            one, end = decoder.raw_decode(buffer, place)
            if ended or end < len(buffer):
                yield one, buffer[place:end]
                place = end
                continue
        except (json.JSONDecodeError, RecursionError) as error:
            if ended or len(buffer) - place > _LONGEST:
                raise InputRefused(
                    "the JSON array is damaged or cut off", where=where, remedy="export it again, one object a line"
                ) from error
        more = text.read(1 << 20)
        ended = not more
        buffer, place = buffer[place:] + more, 0


def dotted(one: Mapping[str, Any]) -> list[dict[str, Any]]:
    """An object as one flat row.

    >>> dotted({"id": 7, "customer": {"email": "a@b.c"}, "tags": ["x"]})
    [{'id': 7, 'customer.email': 'a@b.c', 'tags': '["x"]'}]
    """
    row: dict[str, Any] = {}

    def put(prefix: str, value: Any) -> None:
        if isinstance(value, Mapping):
            for key, inner in value.items():
                put(f"{prefix}.{key}" if prefix else str(key), inner)
        else:
            row[prefix] = json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value

    put("", one)
    return [row]


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    names = dict.fromkeys(chain.from_iterable(rows))
    return pa.table({name: _column([row.get(name) for row in rows]) for name in names})


def _column(values: list[Any]) -> Any:
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowTypeError, pa.ArrowInvalid, UnicodeEncodeError):
        return pa.array([_text(value) for value in values], pa.string())


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, str):
        return value.encode("utf-8", errors="replace").decode("utf-8")  # half of a surrogate pair is no letter
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else str(value)
