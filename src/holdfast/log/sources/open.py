"""Open a file, a folder, a database query or a frame as a source of batches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from holdfast.core.errors import InputRefused
from holdfast.core.text import Text
from holdfast.engine.sql import is_database, parse_url, query_batches
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
    if is_database(str(origin)):
        reader = _database(str(origin))
        return _source([understand(reader, wishes)], reader.name)
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
    if refused:
        opened[0] = _noted(opened[0], tuple(_left_out(error) for error in refused))
    return _source(opened, path.name)


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
    return _source([understand(frame_reader(frame, name), wishes)], name)


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
    if is_database(str(origin)):
        return understand(_database(str(origin)), wishes).guess
    return understand(_reader(parts(Path(origin))[0], wishes.settings), wishes).guess


def _noted(opened: Opened, notes: tuple[Text, ...]) -> Opened:
    return replace(opened, guess=replace(opened.guess, notes=(*opened.guess.notes, *notes)))


def _left_out(error: InputRefused) -> Text:
    return Text(f"Left out: {error.where}: {error.what}.", f"已跳过：{error.where}：{error.what}。")


def _source(opened: list[Opened], origin: str) -> Source:
    first = opened[0]
    return Source(
        source=first.reading.source,
        origin=origin,
        preset=first.preset.name,
        opened=tuple(opened),
        clean=first.preset.clean,
        defaults={key: value for key, value in first.implied.items() if value},
    )


def _reader(part: Part, settings: ImportSettings) -> Reader:
    """The reader of a file's format; each is imported only where it is used."""
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


def _database(url: str) -> Reader:
    from holdfast.log.sources.typed import TypedReader

    return TypedReader(parse_url(url).shown, "sql", lambda: query_batches(url))
