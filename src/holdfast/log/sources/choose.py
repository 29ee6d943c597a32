"""Which preset reads a file, with which columns, and what its dates and numbers mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from holdfast.core.errors import ConfigError, InputRefused
from holdfast.core.progress import SILENT
from holdfast.core.schema import CANONICAL, DAY, INSTANT, TEXT
from holdfast.core.text import Text
from holdfast.log.sources.dates import Order, order_of, parse_instants, zones_mixed
from holdfast.log.sources.guess import Guess
from holdfast.log.sources.holdfast import table_of
from holdfast.log.sources.ids import as_text, or_null
from holdfast.log.sources.jsonlines import JsonRows
from holdfast.log.sources.mapping import declared
from holdfast.log.sources.numbers import Marks, marks_of
from holdfast.log.sources.orders import guessed
from holdfast.log.sources.preset import HIDDEN, PRESETS, ROW, Head, Preset
from holdfast.log.sources.reader import Reader
from holdfast.log.sources.reading import Reading
from holdfast.log.sources.settings import ImportSettings, MappingSettings
from holdfast.log.sources.source import Opened


@dataclass(frozen=True)
class Wishes:
    """What the caller set. `whole`: may the whole file be read to decide an ambiguous column?"""

    settings: ImportSettings
    mapping: MappingSettings
    zone: str
    currency: str
    preset: str | None
    source: str | None
    whole: bool = True


def understand(reader: Reader, wishes: Wishes) -> Opened:
    """Decide how one file is read; raises `InputRefused` where it cannot be understood."""
    head = reader.head()
    preset, confidences = _preset(reader, head, wishes)
    if not head.named and (names := _bare_names(preset, head)):
        reader.rename(names)
        head = replace(head, names=names, named=True)
    if preset.flatten is not None:
        if not isinstance(reader, JsonRows):
            raise InputRefused(f"preset {preset.name} reads JSON", where=reader.name, remedy="give the JSON export")
        reader.take_apart(preset.flatten)
    sample = _shaped(preset, reader, head)
    columns = preset.find(sample.column_names)
    if lacking := [one for one in preset.required if one not in columns and one not in preset.constants]:
        _refuse_columns(preset, lacking, head, reader.name)
    table = table_of(head.names) if preset.name == "holdfast" else preset.table
    if not table:
        raise InputRefused(
            f"these are the columns of no Holdfast table: {_listed(head.names)}", where=reader.name, remedy=_DECLARE
        )
    columns = {name: column for name, column in columns.items() if _belongs(table, name)}
    zone = wishes.zone or preset.zone or "UTC"
    dates = _dates(reader, preset, sample, table, columns, zone, wishes)
    decimal, number_notes = _numbers(reader, preset, sample, table, columns, wishes)
    settings = wishes.settings
    reading = Reading(
        source=wishes.source or settings.source or preset.source,
        file=reader.name,
        table=table,
        zone=zone,
        currency=wishes.currency or preset.currency or currency_of(sample, columns),
        columns=columns,
        constants=preset.constants,
        event_types={**preset.event_types, **wishes.mapping.event_types},
        negative=preset.negative,
        order=dates.order,
        decimal=decimal,
        missing_ids=tuple(settings.missing_ids),
        keep_properties=settings.keep_properties or preset.keep_properties,
    )
    notes = (*preset.notes, *dates.notes, *number_notes)
    implied = {"zone": preset.zone, "currency": preset.currency or currency_of(sample, columns)}
    return Opened(
        reader, preset, reading, _guess(reader, head, preset, reading, confidences, dates.shapes, notes), implied
    )


def _guess(
    reader: Reader,
    head: Head,
    preset: Preset,
    reading: Reading,
    confidences: Mapping[str, float],
    shapes: str,
    notes: tuple[Text, ...],
) -> Guess:
    used = set(reading.columns.values())
    return Guess(
        preset=preset.name,
        format=reader.format,
        table=reading.table,
        columns={name: column for name, column in reading.columns.items() if not column.startswith(HIDDEN)},
        confidence=min((confidences.get(one, 0.0) for one in _HINGES), default=1.0) if confidences else 1.0,
        confidences=confidences,
        unused=tuple(name for name in head.names if name not in used and not name.startswith(HIDDEN)),
        header=head.named,
        date_format=shapes,
        date_order=reading.order,
        decimal=reading.decimal,
        zone=reading.zone,
        currency=reading.currency,
        notes=notes,
        **_layout(reader),
    )


#: The two columns that everything hangs on.
_HINGES = ("customer_id", "occurred_at")


def _layout(reader: Reader) -> dict[str, Any]:
    layout = getattr(reader, "layout", None)
    return {} if layout is None else {"delimiter": layout.delimiter, "encoding": layout.encoding}


def _preset(reader: Reader, head: Head, wishes: Wishes) -> tuple[Preset, Mapping[str, float]]:
    """The preset that reads the file, and how sure each of its columns is where they had to be guessed."""
    if wishes.preset == "orders":
        return _guessed(reader, head, wishes)
    if wishes.preset and wishes.preset != "mapping":
        return PRESETS[wishes.preset], {}
    if wishes.preset == "mapping" and not wishes.mapping.columns:
        raise ConfigError("preset mapping needs your columns", where="holdfast.toml, [mapping]", remedy=_DECLARE)
    if wishes.mapping.columns:
        preset = declared(wishes.mapping)
        names = head.names if head.named else _bare_names(preset, head) or head.names
        if wishes.preset == "mapping" or len(preset.find(names)) == len(preset.columns):
            return preset, {}
    for _, preset in PRESETS.items():
        if preset.recognises(head):
            return preset, {}
    return _guessed(reader, head, wishes)


def _guessed(reader: Reader, head: Head, wishes: Wishes) -> tuple[Preset, Mapping[str, float]]:
    preset, columns = guessed(reader.sample(), wishes.zone or "UTC")
    lacking = [one for one in _HINGES if one not in columns.found]
    if not lacking:
        return preset, columns.sure
    known = "; understood: " + ", ".join(f"{k} = {v!r}" for k, v in columns.found.items()) if columns.found else ""
    raise InputRefused(
        f"no column looks like {' or '.join(lacking)}; the file has: {_listed(head.names)}{known}",
        where=reader.name,
        remedy=_DECLARE,
    )


_DECLARE = "declare the columns in holdfast.toml: [mapping] columns = { customer_id = 'your column', occurred_at = 'your column' }"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names[:30]) + (f", ... ({len(names):,} in all)" if len(names) > 30 else "")


def _bare_names(preset: Preset, head: Head) -> tuple[str, ...]:
    for names in preset.bare:
        if len(names) == len(head.names):
            return names
    return ()


def _shaped(preset: Preset, reader: Reader, head: Head) -> pa.Table:
    """The sample as the preset shapes it; a file that lacks what shaping needs is refused."""
    sample = reader.sample()
    if preset.shape is None:
        return sample
    numbered = sample.append_column(ROW, pa.array(range(1, sample.num_rows + 1), pa.int64()))
    try:
        return preset.shape()(numbered).drop_columns([ROW])
    except (KeyError, StopIteration) as error:
        raise InputRefused(
            f"this is no {preset.name} file; it has: {_listed(head.names)}",
            where=reader.name,
            remedy="choose another preset, or none to have it guessed",
        ) from error


def currency_of(sample: pa.Table, columns: Mapping[str, str]) -> str:
    """The currency that most rows name, in a file that names any."""
    if "currency" not in columns:
        return ""
    codes = pc.utf8_upper(pc.drop_null(or_null(as_text(sample[columns["currency"]]))))
    counted = [(-one["counts"], one["values"]) for one in pc.value_counts(codes).to_pylist()]
    return str(min(counted)[1]) if counted else ""


def _belongs(table: str, name: str) -> bool:
    return table == "events" or name in CANONICAL[table].names


def _refuse_columns(preset: Preset, lacking: list[str], head: Head, where: str) -> None:
    wanted = ", ".join(f"{one} ({' or '.join(preset.columns.get(one, (one,)))})" for one in lacking)
    raise InputRefused(
        f"preset {preset.name} needs columns that are not there: {wanted}; the file has: {_listed(head.names)}",
        where=where,
        remedy="export those columns too, choose another preset, or declare your columns under [mapping]",
    )


def _of_type(table: str, columns: dict[str, str], kinds: tuple[Any, ...]) -> list[str]:
    dtypes = {column.name: column.dtype for column in CANONICAL[table].columns} | {"line_total": pa.int64()}
    return [column for name, column in columns.items() if dtypes.get(name, TEXT) in kinds]


@dataclass(frozen=True)
class _Dates:
    """Order of day and month, what to say about it, and the shapes that the sample shows."""

    order: str
    notes: tuple[Text, ...]
    shapes: str


def _dates(
    reader: Reader, preset: Preset, sample: pa.Table, table: str, columns: dict[str, str], zone: str, wishes: Wishes
) -> _Dates:
    names = _of_type(table, columns, (INSTANT, DAY))
    order = sum((order_of(sample[name]) for name in names), Order())
    chosen = wishes.settings.date_order or order.decided
    notes = (_mixed_zones(zone),) if any(zones_mixed(sample[name]) for name in names) else ()
    shapes = " + ".join(
        dict.fromkeys(s for n in names for s in parse_instants(sample[n], zone, chosen or "dmy").shapes)
    )
    if not chosen and order.either and wishes.whole and getattr(reader, "again", True):
        order = sum((order_of(c[n]) for c in _all(reader, preset) for n in names), Order())
        chosen = order.decided
    if chosen == "mixed":
        return _Dates("", (*notes, _MIXED), shapes)
    if chosen or not order.either:
        return _Dates(chosen, notes, shapes)
    assumed = preset.date_order or ("mdy" if zone.startswith(("America/", "US/")) else "dmy")
    return _Dates(assumed, (*notes, _ASSUMED_MDY if assumed == "mdy" else _ASSUMED_DMY), shapes)


def _numbers(
    reader: Reader, preset: Preset, sample: pa.Table, table: str, columns: dict[str, str], wishes: Wishes
) -> tuple[str, tuple[Text, ...]]:
    if wishes.settings.decimal:
        return wishes.settings.decimal, ()
    names = _of_type(table, columns, (pa.int64(), pa.float64()))
    marks = sum((marks_of(sample[name]) for name in names), Marks())
    if not marks.decided and marks.either and wishes.whole and getattr(reader, "again", True):
        marks = sum((marks_of(c[n]) for c in _all(reader, preset) for n in names), Marks())
    if marks.decided or not marks.either:
        return marks.decided or ".", ()
    return ".", (_ASSUMED_POINT,)


def _all(reader: Reader, preset: Preset) -> Iterator[pa.Table]:
    """Every chunk of the file, shaped: the whole column's evidence."""
    shape = preset.shape() if preset.shape else None
    for chunk in reader.chunks(SILENT):
        if chunk.table.num_rows:
            table = chunk.table.append_column(ROW, pa.array(chunk.numbers, pa.int64()))
            yield shape(table) if shape else table


def _mixed_zones(zone: str) -> Text:
    return Text(
        f"Some times name their zone and some do not: those without a zone are read as {zone}.",
        f"部分时间带有时区，部分没有：没有时区的按 {zone} 解读。",
    )


_MIXED = Text(
    "Dates come both day first and month first: those that fit both are set aside as ambiguous.",
    "日期中既有日在前的也有月在前的：两种读法都成立的日期已搁置。",
)
_ASSUMED_DMY = Text(
    "Day and month cannot be told apart: day first is assumed. Set date_order = 'mdy' under [import] if that is wrong.",
    "无法区分日和月：假定日在前。如有误，请在 [import] 中设置 date_order = 'mdy'。",
)
_ASSUMED_MDY = Text(
    "Day and month cannot be told apart: month first is assumed. Set date_order = 'dmy' under [import] if that is wrong.",
    "无法区分日和月：假定月在前。如有误，请在 [import] 中设置 date_order = 'dmy'。",
)
_ASSUMED_POINT = Text(
    "Numbers such as 1,234 are assumed to be thousands. Set decimal = ',' under [import] if that is wrong.",
    "形如 1,234 的数字假定为千位分隔。如有误，请在 [import] 中设置 decimal = ','。",
)
