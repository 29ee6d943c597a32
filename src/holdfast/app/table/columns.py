"""What each column of a labelled table is: numbers, categories or dates, and which columns can teach nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.core.clock import DAY_MICROS
from holdfast.core.text import Text
from holdfast.log.sources.dates import order_of, parse_instants
from holdfast.log.sources.ids import as_text, or_null
from holdfast.log.sources.numbers import LARGEST, marks_of, parse_numbers

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Kind = Literal["number", "category", "date"]
#: Beside the words that mean an empty cell everywhere.
_NOTHING = ("?", "-", "--", "na", "nil", "(missing)", "missing", "#value!", "#div/0!")
#: So much of a column must read as numbers (or dates) before it is one; the rest is missing, and said.
_MOSTLY = 0.9
_ID_NAME = re.compile(r"(^|[_\s.\-])(id|uuid|guid|key|no|nr|number|index|row)$|ID$|编号$|序号$", re.IGNORECASE)

CONSTANT = Text("holds one value only", "只有一个取值")
EMPTY = Text("holds nothing", "全部为空")
ID_LIKE = Text("is a name or number of the row itself: every value is different", "是行的编号或名称：每行取值都不同")
STRAYS = Text(
    "{count} cells that are no numbers were read as missing, such as {such}",
    "{count}个非数值单元格按缺失处理，例如{such}",
)
HUGE = Text(
    "{count} cells beyond ±10^11 were read as missing; use larger units to keep them",
    "{count}个超出±10^11的单元格按缺失处理；如需保留，请换用更大的单位",
)  # fmt: skip


@dataclass(frozen=True)
class TableColumn:
    """One column, understood. Numbers and dates (days since 1970) are floats with NaN; categories are codes, -1 = missing."""

    name: str
    kind: Kind
    numbers: Floats = field(repr=False)
    codes: Codes = field(repr=False)
    levels: tuple[str, ...] = ()
    notes: tuple[Text, ...] = ()
    #: Why it is not a feature: constant, empty or id_like.
    useless: str = ""

    @property
    def missing(self) -> NDArray[np.bool_]:
        return self.codes < 0 if self.kind == "category" else np.isnan(self.numbers)

    def cell(self, row: int) -> str | float | None:
        """The value of one row."""
        if self.kind == "category":
            return None if self.codes[row] < 0 else self.levels[self.codes[row]]
        return self.told(float(self.numbers[row]))

    def told(self, number: float) -> str | float | None:
        """A number of this column as a person reads it: a date as such, nothing as None."""
        if np.isnan(number):
            return None
        return str(np.datetime64(round(number), "D")) if self.kind == "date" else number

    def coded(self) -> Codes:
        """Equal values as equal codes, -1 = missing, whatever the kind."""
        if self.kind == "category":
            return self.codes
        codes = np.unique(np.nan_to_num(self.numbers, nan=0.0), return_inverse=True)[1].astype(np.int64)
        return np.where(self.missing, -1, codes)


def understand(name: str, column: Any, *, kind: Kind | None = None) -> TableColumn:
    """Decide what a column is, from all of its values; `kind` says what it is, whatever they look like.

    >>> understand("plan", pa.array(["a", "b", "a", ""])).levels, understand("n", pa.array(["1", "2.5", "?"])).kind
    (('a', 'b'), 'number')
    """
    raw = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    text = text_of(raw)
    dated = pa.types.is_temporal(raw.type) and not pa.types.is_duration(raw.type)
    if kind == "category":
        return _category(name, text)
    found = None
    if kind == "number" or (kind is None and not dated):
        found = _number(name, raw, text, sure=kind == "number")
    if found is None and (kind == "date" or dated or pa.types.is_string(raw.type)):
        found = _date(name, raw if dated else text, sure=kind == "date")
    return found or _category(name, text)


def text_of(column: Any) -> Any:
    """A column as trimmed text; every way of writing nothing is null."""
    text = or_null(as_text(column))
    return pc.if_else(pc.fill_null(pc.is_in(pc.utf8_lower(text), pa.array(_NOTHING)), False), None, text)


def _number(name: str, raw: Any, text: Any, *, sure: bool = False) -> TableColumn | None:
    if pa.types.is_boolean(raw.type) and not sure:
        return None
    typed = pa.types.is_integer(raw.type) or pa.types.is_floating(raw.type) or pa.types.is_decimal(raw.type)
    cells = raw if typed else pc.replace_substring_regex(text, r"\s*%$", "")
    found = parse_numbers(cells, "." if typed else marks_of(cells).decided or ".")
    filled = ~np.asarray(pc.is_null(text))
    if not filled.any():
        return _finished(TableColumn(name, "number", np.full(len(raw), np.nan), _no_codes(len(raw))))
    huge = filled & (np.isinf(found.values) | (np.abs(np.nan_to_num(found.values)) > LARGEST))
    if not sure and ((found.good | huge) & filled).sum() < _MOSTLY * filled.sum():
        return None
    notes = [Text(HUGE.en.format(count=n), HUGE.zh.format(count=n)) for n in [int(huge.sum())] if n]
    stray = filled & ~found.good & ~huge
    if stray.any():
        such = ", ".join(repr(one) for one in dict.fromkeys(text.filter(pa.array(stray)).to_pylist()[:3]))
        notes.append(
            Text(
                STRAYS.en.format(count=int(stray.sum()), such=such), STRAYS.zh.format(count=int(stray.sum()), such=such)
            )
        )
    values = np.where(found.good & filled, found.values, np.nan)
    return _finished(TableColumn(name, "number", values, _no_codes(len(values)), notes=tuple(notes)))


def _date(name: str, column: Any, *, sure: bool = False) -> TableColumn | None:
    """Days since 1970."""
    order = order_of(column).decided if pa.types.is_string(column.type) else ""
    found = parse_instants(column, "UTC", "" if order == "mixed" else order)
    filled = ~np.asarray(pc.is_null(column))
    if not sure and (not filled.any() or (found.good & filled).sum() < _MOSTLY * filled.sum()):
        return None
    days = np.where(found.good, found.micros / DAY_MICROS, np.nan)
    return _finished(TableColumn(name, "date", days, _no_codes(len(days))))


def _category(name: str, text: Any) -> TableColumn:
    coded = pc.dictionary_encode(text)
    words = [str(one) for one in coded.dictionary.to_pylist()]
    order = sorted(range(len(words)), key=lambda at: words[at])  # codes must not depend on the order of rows
    place = np.empty(len(words) + 1, np.int64)
    place[order], place[-1] = np.arange(len(words)), -1
    codes = place[np.asarray(pc.fill_null(coded.indices, len(words)), np.int64)]
    return _finished(
        TableColumn(name, "category", np.full(len(codes), np.nan), codes, tuple(words[at] for at in order))
    )


def _finished(column: TableColumn) -> TableColumn:
    useless = _useless(column)
    return TableColumn(column.name, column.kind, column.numbers, column.codes, column.levels, column.notes, useless)


def _useless(column: TableColumn) -> str:
    known = column.codes[column.codes >= 0] if column.kind == "category" else column.numbers[~np.isnan(column.numbers)]
    size, rows = len(np.unique(known)), len(column.codes)
    if not size:
        return "empty"
    if size == 1 and len(known) == rows:
        return "constant"
    if column.kind == "category":
        return "id_like" if size >= 0.9 * len(known) and len(known) >= 50 else ""
    whole = column.kind == "number" and size == rows and rows >= 50 and bool((known == np.round(known)).all())
    packed = whole and (known.max() - known.min() < 2 * rows or _ID_NAME.search(column.name) is not None)
    return "id_like" if packed else ""


def _no_codes(rows: int) -> Codes:
    return np.full(rows, -1, np.int64)


WHY_USELESS = {"empty": EMPTY, "constant": CONSTANT, "id_like": ID_LIKE}
