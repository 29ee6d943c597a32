"""Rejected rows once more: after a change of mapping or settings, the rows set aside are read again from what was kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.core.errors import InputRefused
from holdfast.core.progress import Progress
from holdfast.log.sources.choose import Wishes, understand
from holdfast.log.sources.jsonlines import JsonRows
from holdfast.log.sources.preset import Head
from holdfast.log.sources.reader import BadRow, Chunk
from holdfast.log.sources.settings import ImportSettings, MappingSettings
from holdfast.log.sources.source import Opened, Source

_ROWS = 20_000


class RejectedReader(JsonRows):
    """The rejected rows of one file, with the row numbers they had."""

    format = "rejected"

    def __init__(self, rejected: pa.Table, name: str) -> None:
        super().__init__()
        self.name = name
        self._rejected = rejected.sort_by("source_row")
        objects = (_object(raw) for raw in self._rejected["raw"].to_pylist()[:1000])
        self._first = [one for one in objects if isinstance(one, dict)]

    def head(self) -> Head:
        if not self._first:
            raise InputRefused(
                "none of these rows was cut into columns", where=self.name, remedy="import the file again"
            )
        return Head(tuple(dict.fromkeys(key for one in self._first for key in one)), True, (), "json")

    def sample(self) -> pa.Table:
        return self.flat(self._first)

    def chunks(self, progress: Progress) -> Iterator[Chunk]:
        total = self._rejected.num_rows
        for start in range(0, total, _ROWS):
            part = self._rejected.slice(start, _ROWS)
            rows = list(
                zip(part["source_row"].to_pylist(), part["raw"].to_pylist(), part["reason"].to_pylist(), strict=True)
            )
            objects = [(number, one, raw) for number, raw, _ in rows if isinstance(one := _object(raw), dict)]
            reasons = {number: (reason, raw) for number, raw, reason in rows}
            for number, _, _ in objects:
                del reasons[number]
            bad = tuple(BadRow(number, reason, str(_object(raw))) for number, (reason, raw) in reasons.items())
            table, numbers = self.numbered(objects)
            yield Chunk(table, np.array(numbers, np.int64), bad)
            progress.step(f"replay {self.name}", min(start + _ROWS, total), total)


def open_rejected(
    rejected: pa.Table,
    *,
    settings: ImportSettings | None = None,
    mapping: MappingSettings | None = None,
    zone: str = "",
    currency: str = "",
    preset: str | None = None,
    source: str | None = None,
) -> Source:
    """Rejected rows (REJECTED columns) as a source: what can be read now is kept, the rest is rejected again.

    Rows keep their `source_file` and `source_row`, so that the store recognises them. Unlike a file, rejected rows are
    never refused whole.
    """
    wishes = Wishes(settings or ImportSettings(), mapping or MappingSettings(), zone, currency, preset, source)
    opened: list[Opened] = []
    for name in pc.unique(rejected["source_file"]).sort().to_pylist():
        reader = RejectedReader(rejected.filter(pc.equal(rejected["source_file"], name)), name)
        opened.append(understand(reader, wishes))
    if not opened:
        raise InputRefused("there are no rejected rows", where="rejected rows", remedy="nothing is left to do")
    return Source(
        source=opened[0].reading.source,
        origin="rejected rows",
        preset=opened[0].preset.name,
        opened=tuple(opened),
        clean=opened[0].preset.clean,
        strict=False,
    )


def _object(raw: Any) -> Any:
    try:
        return json.loads(raw) if raw else None
    except json.JSONDecodeError:
        return raw
