"""Open a file, a folder, a database query or a frame as a source of batches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from holdfast.core.errors import InputRefused
from holdfast.log.sources.choose import Wishes, understand
from holdfast.log.sources.files import Part, parts
from holdfast.log.sources.guess import Guess
from holdfast.log.sources.reader import Reader
from holdfast.log.sources.settings import ImportSettings, MappingSettings
from holdfast.log.sources.source import Opened, Source


def open_source(
    origin: str | Path,
    *,
    settings: ImportSettings | None = None,
    mapping: MappingSettings | None = None,
    zone: str = "",
    currency: str = "",
    preset: str | None = None,
    source: str | None = None,
) -> Source:
    """A file, a zip archive, a folder of files or a database URL as a source.

    Without `preset`, `[mapping]` is used where its columns are all there, then the preset that recognises the file,
    then a guess. Raises `InputRefused` where the file cannot be understood, with the columns it has.
    """
    wishes = Wishes(settings or ImportSettings(), mapping or MappingSettings(), zone, currency, preset, source)
    path = Path(origin)
    found = parts(path)
    opened, refused = [], []
    for part in found:
        try:
            opened.append(understand(_reader(part, wishes.settings), wishes))
        except InputRefused as error:
            if len(found) == 1:
                raise
            refused.append(error)
    if not opened:
        raise refused[0]
    return _source(opened, path.name, wishes)


def open_frame(
    frame: Any,
    *,
    settings: ImportSettings | None = None,
    mapping: MappingSettings | None = None,
    zone: str = "",
    currency: str = "",
    preset: str | None = None,
    source: str | None = None,
    name: str = "frame",
) -> Source:
    """A pandas, Polars or Arrow table, or anything else with `__arrow_c_stream__`, as a source."""
    from holdfast.log.sources.typed import frame_reader

    wishes = Wishes(settings or ImportSettings(), mapping or MappingSettings(), zone, currency, preset, source)
    return _source([understand(frame_reader(frame, name), wishes)], name, wishes)


def inspect(
    origin: str | Path,
    *,
    settings: ImportSettings | None = None,
    mapping: MappingSettings | None = None,
    zone: str = "",
    currency: str = "",
    preset: str | None = None,
) -> Guess:
    """How a file would be read, from its first rows only."""
    wishes = Wishes(
        settings or ImportSettings(), mapping or MappingSettings(), zone, currency, preset, None, whole=False
    )
    return understand(_reader(parts(Path(origin))[0], wishes.settings), wishes).guess


def _source(opened: list[Opened], origin: str, wishes: Wishes) -> Source:
    first = opened[0]
    defaults = {"zone": first.preset.zone, "currency": first.preset.currency}
    return Source(
        source=first.reading.source,
        origin=origin,
        preset=first.preset.name,
        opened=tuple(opened),
        clean=first.preset.clean,
        defaults={key: value for key, value in defaults.items() if value},
    )


def _reader(part: Part, settings: ImportSettings) -> Reader:
    if part.format == "parquet":
        from holdfast.log.sources.typed import parquet_reader

        return parquet_reader(part)
    from holdfast.log.sources.delimited import DelimitedReader

    return DelimitedReader(part, settings)
