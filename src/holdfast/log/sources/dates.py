"""Dates of any shape to instants, column by column.

A column may mix shapes: each value is read by the first shape that fits it. Only `03/04/2024` cannot speak for
itself; the whole column then decides (`Order`), or a stated rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.core.clock import DAY_MICROS
from holdfast.log.sources.zones import Micros, offsets

Flags = NDArray[np.bool_]
_TIME = (
    r"(?:[T ,]+(?P<H>\d{1,2})[:时](?P<M>\d{1,2})(?:[:分](?P<S>\d{1,2})秒?(?:[.,](?P<f>\d{1,9}))?)?分?)?"
    r"(?:\s*(?P<ap>[AaPp])\.?[Mm]\.?)?(?:\s*(?P<z>Z|UTC|GMT|(?:UTC|GMT)?[+-]\d{1,2}(?::?\d{2})?))?\s*$"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NUMERIC = r"^(?P<a>\d{1,2})(?P<s>[/.\-])(?P<b>\d{1,2})[/.\-](?P<y>\d{4}|\d{2})" + _TIME
#: Shape name -> pattern; the first that fits reads the value.
SHAPES: dict[str, str] = {
    "year first": r"^(?P<y>\d{4})[\-/.年](?P<m>\d{1,2})[\-/.月](?P<d>\d{1,2})日?" + _TIME,
    "compact": r"^(?P<y>(?:19|20)\d{2})(?P<m>\d{2})(?P<d>\d{2})(?:T?(?P<H>\d{2})(?P<M>\d{2})(?P<S>\d{2})?)?(?P<z>Z?)$",
    "unix": r"^(?P<e>\d{9,10}|\d{13}|\d{16}|\d{19})(?:\.(?P<f>\d{1,9}))?$",
    "numeric": _NUMERIC,
    "day month name": r"^(?:[A-Za-z]{3,9},?\s+)?(?P<d>\d{1,2})[ \-](?P<n>[A-Za-z]{3})[a-z]*\.?[ ,\-]+(?P<y>\d{4}|\d{2})"
    + _TIME,
    "month name day": r"^(?:[A-Za-z]{3,9},?\s+)?(?P<n>[A-Za-z]{3})[a-z]*\.? (?P<d>\d{1,2})(?:st|nd|rd|th)?,? (?P<y>\d{4})"
    + _TIME,
}


@dataclass(frozen=True)
class Order:
    """What a column says about 03/04/2024: how many values can only be day first, only month first, or either."""

    day_first: int = 0
    month_first: int = 0
    either: int = 0

    def __add__(self, other: Order) -> Order:
        return Order(self.day_first + other.day_first, self.month_first + other.month_first, self.either + other.either)

    @property
    def decided(self) -> str:
        """`dmy`, `mdy`, `mixed` where both are proven, or empty where nothing is."""
        if self.day_first and self.month_first:
            return "mixed"
        return "dmy" if self.day_first else "mdy" if self.month_first else ""


@dataclass(frozen=True)
class Instants:
    """A parsed column: UTC microseconds, which rows are good, which are ambiguous, and the shapes met."""

    micros: Micros
    good: Flags
    ambiguous: Flags
    shapes: tuple[str, ...] = ()


def order_of(column: Any) -> Order:
    """What a text column says about the order of day and month.

    >>> order_of(pa.array(["03/04/2024", "25/04/2024"])).decided
    'dmy'
    """
    column = _flat(column)
    if not pa.types.is_string(column.type):
        return Order()
    parts = pc.extract_regex(pc.utf8_trim_whitespace(pc.drop_null(pc.unique(column))), _NUMERIC)
    parts = pc.drop_null(parts)
    if not len(parts):
        return Order()
    a, b = _ints(parts, "a"), _ints(parts, "b")
    dotted = np.asarray(pc.equal(pc.struct_field(parts, "s"), "."))
    sound = (a >= 1) & (b >= 1) & (a <= 31) & (b <= 31) & ~dotted
    day, month = sound & (a > 12) & (b <= 12), sound & (b > 12) & (a <= 12)
    return Order(int(day.sum()), int(month.sum()), int((sound & (a <= 12) & (b <= 12) & (a != b)).sum()))


def zones_mixed(column: Any) -> bool:
    """Do some clock times of a text column name their zone while others do not?

    >>> zones_mixed(pa.array(["2024-01-05T10:00Z", "2024-01-05 10:00"]))
    True
    """
    column = _flat(column)
    if not pa.types.is_string(column.type):
        return False
    clocks = pc.filter(column, pc.fill_null(pc.match_substring(column, ":"), False))
    zoned = pc.match_substring_regex(clocks, r"(?:Z|UTC|GMT|[+-]\d{2}:?\d{2})\s*$")
    return len(clocks) > 0 and pc.any(zoned).as_py() and not pc.all(zoned).as_py()


def parse_instants(column: Any, zone: str, order: str = "") -> Instants:
    """A column of any type as instants; wall-clock times are in `zone`.

    >>> found = parse_instants(pa.array(["2011-12-01 08:26", "1/12/2011", "soon", None]), "UTC", "dmy")
    >>> found.good.tolist(), found.micros[:2].astype("datetime64[us]").astype(str).tolist()
    ([True, True, False, False], ['2011-12-01T08:26:00.000000', '2011-12-01T00:00:00.000000'])
    """
    column = _flat(column)
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _typed(column, zone)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _numeric(column, zone)
    if not pa.types.is_string(kind):
        nothing = np.zeros(len(column), bool)
        return Instants(np.zeros(len(column), np.int64), nothing, nothing)
    fast = _iso(column, zone)
    return fast if fast is not None else _by_shape(column, zone, order)


def _flat(column: Any) -> Any:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _typed(column: Any, zone: str) -> Instants:
    good = np.asarray(pc.is_valid(column))
    aware = pa.types.is_timestamp(column.type) and column.type.tz is not None
    try:
        whole = pc.cast(column, pa.timestamp("us", tz=column.type.tz if aware else None), safe=False)
    except pa.ArrowInvalid:
        nothing = np.zeros(len(column), bool)
        return Instants(np.zeros(len(column), np.int64), nothing, nothing)
    micros = np.asarray(pc.fill_null(pc.cast(whole, pa.int64()), 0))
    return Instants(
        micros if aware else offsets(zone).to_instant(micros), good, np.zeros(len(column), bool), ("typed",)
    )


def _numeric(column: Any, zone: str) -> Instants:
    """Numbers are what their digits would be as text: 20240305, unix seconds, milliseconds and so on."""
    values = np.asarray(pc.fill_null(pc.cast(column, pa.float64(), safe=False), -1.0))
    whole = np.where(np.isfinite(values) & (np.abs(values) < 2.0**62), np.floor(values), -1.0)
    found = _by_shape(pa.array(whole.astype(np.int64)).cast(pa.string()), zone, "")
    rest = np.where((whole > 0) & (whole < 1e11), np.rint((values - whole) * 1e6), 0.0)
    return Instants(found.micros + rest.astype(np.int64), found.good, found.ambiguous, found.shapes)


def _iso(column: Any, zone: str) -> Instants | None:
    """The one shape that Arrow reads by itself, if the whole column has it; else None."""
    good = np.asarray(pc.and_kleene(pc.is_valid(column), pc.fill_null(pc.not_equal(column, ""), False)))
    if not good.any():
        return Instants(np.zeros(len(column), np.int64), good, np.zeros(len(column), bool))
    first = column[int(np.argmax(good))].as_py()
    if len(first) < 10 or first[4] != "-" or first[7] != "-":
        return None
    text = pc.if_else(pa.array(good), column, None)
    if first.endswith(" UTC"):
        text = pc.replace_substring_regex(text, r" UTC$", "Z")
    for aware in (False, True):
        try:
            parsed = pc.cast(text, pa.timestamp("us", tz="UTC" if aware else None))
        except pa.ArrowInvalid:
            continue
        micros = np.asarray(pc.fill_null(pc.cast(parsed, pa.int64()), 0))
        micros = micros if aware else offsets(zone).to_instant(micros)
        return Instants(micros, good, np.zeros(len(column), bool), ("year first",))
    return None


def _by_shape(column: Any, zone: str, order: str) -> Instants:
    coded = pc.dictionary_encode(pc.utf8_trim_whitespace(column))
    values, codes = coded.dictionary, np.asarray(pc.fill_null(coded.indices, -1)).astype(np.int64)
    size = len(values)
    micros, good, ambiguous = np.zeros(size, np.int64), np.zeros(size, bool), np.zeros(size, bool)
    shapes = []
    for shape, pattern in SHAPES.items():
        left = np.flatnonzero(~good & ~ambiguous)
        if not left.size:
            break
        parts = pc.extract_regex(values.take(pa.array(left)), pattern)
        fits = np.asarray(pc.is_valid(parts))
        if not fits.any():
            continue
        shapes.append(shape)
        where = left[fits]
        micros[where], good[where], ambiguous[where] = _read(pc.drop_null(parts), zone, order)
    known = codes >= 0
    if not size:
        return Instants(np.zeros(len(codes), np.int64), known & False, known & False)
    return Instants(np.where(known, micros[codes], 0), known & good[codes], known & ambiguous[codes], tuple(shapes))


def _ints(parts: Any, name: str) -> NDArray[np.int64]:
    """One group of a matched pattern as whole numbers; what is not there is 0."""
    names = [parts.type.field(i).name for i in range(parts.type.num_fields)]
    if name not in names:
        return np.zeros(len(parts), np.int64)
    text = pc.struct_field(parts, name)
    return np.asarray(pc.cast(pc.if_else(pc.equal(text, ""), "0", text), pa.int64()))


def _texts(parts: Any, name: str) -> Any:
    names = [parts.type.field(i).name for i in range(parts.type.num_fields)]
    return pc.struct_field(parts, name) if name in names else pa.array([""] * len(parts), pa.string())


def _fraction(parts: Any) -> Micros:
    digits = pc.utf8_slice_codeunits(pc.utf8_rpad(_texts(parts, "f"), 6, "0"), 0, 6)
    return np.asarray(pc.cast(digits, pa.int64()))


def _read(parts: Any, zone: str, order: str) -> tuple[Micros, Flags, Flags]:
    names = {parts.type.field(i).name for i in range(parts.type.num_fields)}
    if "e" in names:
        return _unix(parts)
    year, month, day, ambiguous = _year_month_day(parts, names, order)
    year = np.where(year < 100, np.where(year < 70, 2000, 1900) + year, year)
    days, sound = _days(year, month, day)
    seconds, in_time = _seconds(parts)
    walls = days * DAY_MICROS + seconds * 1_000_000 + _fraction(parts)
    zoned, shift = _zone(parts)
    micros = np.where(zoned, walls - shift * 1_000_000, offsets(zone).to_instant(walls))
    good = sound & in_time & ~ambiguous & (np.abs(shift) <= 14 * 3600)
    return micros, good, ambiguous & in_time


def _unix(parts: Any) -> tuple[Micros, Flags, Flags]:
    text = pc.struct_field(parts, "e")
    length = np.asarray(pc.utf8_length(text))
    value = np.asarray(pc.cast(text, pa.int64()))
    micros = np.where(length <= 10, value * 1_000_000 + _fraction(parts), value)
    micros = np.where(length == 13, value * 1000, micros)
    micros = np.where(length == 19, value // 1000, micros)
    return micros, np.ones(len(value), bool), np.zeros(len(value), bool)


def _year_month_day(parts: Any, names: set[str], order: str) -> tuple[Any, Any, Any, Flags]:
    year, nothing = _ints(parts, "y"), np.zeros(len(parts), bool)
    if "n" in names:
        found = pc.index_in(pc.utf8_lower(pc.struct_field(parts, "n")), pa.array(_MONTHS))
        return year, np.asarray(pc.fill_null(found, -1)).astype(np.int64) + 1, _ints(parts, "d"), nothing
    if "a" not in names:
        return year, _ints(parts, "m"), _ints(parts, "d"), nothing
    a, b = _ints(parts, "a"), _ints(parts, "b")
    dotted = np.asarray(pc.equal(pc.struct_field(parts, "s"), "."))
    either = (a <= 12) & (b <= 12) & (a != b) & ~dotted
    month_first = ((b > 12) & ~dotted) | (either & (order == "mdy"))
    ambiguous = either & (order not in ("dmy", "mdy"))
    return year, np.where(month_first, a, b), np.where(month_first, b, a), ambiguous


def _days(year: Any, month: Any, day: Any) -> tuple[NDArray[np.int64], Flags]:
    """Days since 1970 of calendar dates, and which of them exist."""
    in_range = (month >= 1) & (month <= 12) & (year >= 1)
    first = ((np.where(in_range, year, 1970) - 1970) * 12 + np.where(in_range, month, 1) - 1).astype("datetime64[M]")
    start = first.astype("datetime64[D]").astype(np.int64)
    length = (first + np.timedelta64(1, "M")).astype("datetime64[D]").astype(np.int64) - start
    return start + day - 1, in_range & (day >= 1) & (day <= length)


def _seconds(parts: Any) -> tuple[NDArray[np.int64], Flags]:
    hour, minute, second = _ints(parts, "H"), _ints(parts, "M"), _ints(parts, "S")
    half = pc.utf8_lower(_texts(parts, "ap"))
    late, early = np.asarray(pc.equal(half, "p")), np.asarray(pc.equal(half, "a"))
    sound = (hour <= 23) & (minute <= 59) & (second <= 60) & ~((late | early) & ((hour > 12) | (hour < 1)))
    hour = np.where(late & (hour < 12), hour + 12, np.where(early & (hour == 12), 0, hour))
    return hour * 3600 + minute * 60 + second, sound


def _zone(parts: Any) -> tuple[Flags, NDArray[np.int64]]:
    """Which values name their zone, and its offset in seconds."""
    text = _texts(parts, "z")
    zoned = np.asarray(pc.not_equal(text, ""))
    found = pc.extract_regex(text, r"(?P<sign>[+-])(?P<h>\d{1,2}):?(?P<m>\d{0,2})$")
    found = pc.fill_null(found, pa.scalar({"sign": "+", "h": "0", "m": "0"}, found.type))
    sign = np.where(np.asarray(pc.equal(pc.struct_field(found, "sign"), "-")), -1, 1)
    return zoned, sign * (_ints(found, "h") * 3600 + _ints(found, "m") * 60)
