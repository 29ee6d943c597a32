"""A labelled table, understood: rows, label, id, time, features, protected columns, and which rows are copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.app.table.ask import TableAsk, column_named, columns_named
from holdfast.app.table.columns import TableColumn, text_of, understand
from holdfast.app.table.copies import Kin, kin
from holdfast.app.table.label import Label, read_label
from holdfast.app.table.presets import TablePreset, preset_of
from holdfast.app.table.read import Raw
from holdfast.core.errors import InputRefused, UsageError
from holdfast.log.sources.dates import order_of, parse_instants
from holdfast.log.sources.preset import plain

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Table:
    """Everything a study of a labelled table needs to know about its rows."""

    name: str
    rows: int
    label: Label
    ids: tuple[str, ...] = field(repr=False)
    id_column: str | None
    time_column: str | None
    micros: Codes | None = field(repr=False)  # of the time column, UTC
    features: tuple[TableColumn, ...] = field(repr=False)
    protected: tuple[TableColumn, ...] = field(repr=False)
    left_out: tuple[TableColumn, ...] = field(repr=False)  # useless as features, each says why
    dropped: tuple[str, ...]
    kin: Kin
    copies: int  # labelled rows beyond the first of those equal in all columns but the id, label included
    cut: int
    preset: TablePreset | None

    @property
    def labelled(self) -> Codes:
        """Positions of the rows whose label is known."""
        return np.flatnonzero(self.label.known)


def build_table(raw: Raw, ask: TableAsk) -> Table:
    """Find label, id, time and protected columns, understand the rest; raises errors that say what to do."""
    names = raw.table.column_names
    preset = preset_of(names)
    ask = _completed(ask, preset, names)
    label = read_label(_label_column(ask, names), raw.table[_label_column(ask, names)], ask.positive)
    drop = columns_named(ask.drop, names, "--drop")
    protected = columns_named(ask.protected or (), names, "--protected")
    coded = columns_named(ask.categories or (), names, "--categories")
    id_column = None if ask.id is None else column_named(ask.id, names, "--id")
    time_column = None if ask.time is None else column_named(ask.time, names, "--time")
    special = {label.column, id_column, time_column}
    for name in (*protected, *drop):
        if name == label.column:
            raise UsageError(f"{name!r} is the label and cannot be left out", remedy="name another column")
    rest = [one for one in names if one not in special and one not in drop]
    known = {one: understand(one, raw.table[one], kind="category" if one in coded else None) for one in rest}
    used = [known[one] for one in rest if one not in protected]
    features = tuple(one for one in used if not one.useless)
    if not features:
        raise InputRefused("no column is left to learn from", where=raw.name, remedy="give more columns")
    micros = None if time_column is None else _micros(raw, time_column)
    ids = _ids(raw, id_column, micros)
    found = kin([one for one in known.values() if one.useless != "id_like"], micros)
    return Table(
        raw.name, raw.table.num_rows, label, ids, id_column, time_column, micros, features,
        tuple(known[one] for one in protected if one in known), tuple(one for one in used if one.useless), drop,
        found, _copies(found.twin, label), raw.cut, preset,
    )  # fmt: skip


def _completed(ask: TableAsk, preset: TablePreset | None, names: Sequence[str]) -> TableAsk:
    """What was not asked for, from the preset. A label other than the preset's own switches the preset off."""
    if preset is None:
        return ask
    if ask.label is not None and plain(column_named(ask.label, names, "--label")) != plain(preset.label):
        return ask
    own_id = next((one for one in names if preset.id and plain(one) == plain(preset.id)), None)
    return replace(
        ask, label=preset.label, id=ask.id or own_id, positive=ask.positive or preset.positive,
        protected=_kept(preset.protected, names) if ask.protected is None else ask.protected,
        categories=_kept(preset.categories, names) if ask.categories is None else ask.categories,
    )  # fmt: skip


def _kept(wanted: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """The preset's columns as far as this file has them."""
    known = {plain(one): one for one in names}
    return tuple(known[plain(one)] for one in wanted if plain(one) in known)


def _label_column(ask: TableAsk, names: Sequence[str]) -> str:
    if ask.label is None:
        raise UsageError("which column is the label?", remedy=f"--label COLUMN, one of: {', '.join(names)}")
    return column_named(ask.label, names, "--label")


def _ids(raw: Raw, column: str | None, micros: Codes | None) -> tuple[str, ...]:
    """The row's own id; with a time the same id may come again, at another time."""
    if column is None:
        return tuple(str(at) for at in range(1, raw.table.num_rows + 1))
    text = text_of(raw.table[column])
    empty = int(pc.sum(pc.is_null(text)).as_py() or 0)
    if empty:
        raise InputRefused(f"{empty:,} rows have no id", where=f"column {column}", remedy="fill them, or omit --id")
    ids = text.to_pylist()
    keys = ids if micros is None else list(zip(ids, micros.tolist(), strict=True))
    twice = len(keys) - len(set(keys))
    if twice:
        seen: set[object] = set()
        first = next(one for one in keys if one in seen or seen.add(one))  # type: ignore[func-returns-value]
        shown = first[0] if isinstance(first, tuple) else first
        raise InputRefused(
            f"{twice:,} rows repeat the id of another row, such as {shown!r}", where=f"column {column}",
            remedy="keep one row each, name the column that tells them apart, or say when each row was known: --time",
        )  # fmt: skip
    return tuple(ids)


def _micros(raw: Raw, column: str) -> Codes:
    cells = raw.table[column].combine_chunks()
    text = text_of(cells)
    order = order_of(text).decided
    if order == "mixed":
        raise InputRefused(
            "dates are written day first and month first", where=f"column {column}", remedy="write 2024-01-31"
        )
    found = parse_instants(cells if pa.types.is_temporal(cells.type) else text, "UTC", order)
    if not found.good.all():
        bad = int((~found.good).sum())
        such = text.to_pylist()[int(np.flatnonzero(~found.good)[0])]
        raise InputRefused(
            f"{bad:,} rows have no readable time, such as {such!r}", where=f"column {column}",
            remedy="write dates as 2024-01-31, or leave --time out",
        )  # fmt: skip
    return np.asarray(found.micros, np.int64)


def _copies(twin: Codes, label: Label) -> int:
    """Rows that repeat an earlier one in everything but the id."""
    pairs = twin[label.known] * 2 + label.happened[label.known]
    return int(len(pairs) - len(np.unique(pairs)))
