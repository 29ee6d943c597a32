"""Numbers as shops write them: `1,234.56`, `1.234,56`, `£ 2.55`, `(12.00)`, `12-`, to floats, column by column.

Only `1,234` and `1.234` cannot speak for themselves; the file's other numbers then decide (`Marks`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.core.money import MONEY_SCALE

_SYMBOL = r"(?:[A-Z]{3}|R\$|US\$|[$£€¥￥₹₽₩]|kr\.?|zł|元)"
_WHOLE = (
    rf"^\(?\s*(?:[-+−]?\s*(?:{_SYMBOL})?\s*|{_SYMBOL}\s*[-+−]\s*)"
    rf"(?P<n>\d[\d.,'’ \x{{a0}}\x{{202f}}]*|[.,]\d+)\s*(?:{_SYMBOL})?\s*-?\s*\)?$"
)
_NEGATIVE = r"^\s*\(|-\s*\)?$|^[^\d]*[-−]"
#: Amounts beyond this are no prices: 64-bit floats would no longer hold them to 1/10,000.
LARGEST = 1e11


@dataclass(frozen=True)
class Marks:
    """How many numbers can only have a decimal point, only a decimal comma, or either."""

    point: int = 0
    comma: int = 0
    either: int = 0

    def __add__(self, other: Marks) -> Marks:
        return Marks(self.point + other.point, self.comma + other.comma, self.either + other.either)

    @property
    def decided(self) -> str:
        """`.`, `,` or empty where nothing is proven."""
        if self.point == self.comma:
            return ""
        return "." if self.point > self.comma else ","


@dataclass(frozen=True)
class Numbers:
    """A parsed column: values, which are good, which cells were empty."""

    values: NDArray[np.float64]
    good: NDArray[np.bool_]
    empty: NDArray[np.bool_]

    def money(self) -> NDArray[np.int64]:
        """The values as whole 1/10,000; bad ones are 0."""
        whole: NDArray[np.int64] = np.rint(np.where(self.good, self.values, 0.0) * MONEY_SCALE).astype(np.int64)
        return whole


def marks_of(column: Any) -> Marks:
    """What a text column says about its decimal mark.

    >>> marks_of(pa.array(["1.234", "12,50"])).decided
    ','
    """
    column = _flat(column)
    if not pa.types.is_string(column.type):
        return Marks()
    digits = _digits(pc.drop_null(pc.unique(column)))[0]
    point, comma, either = (_count(digits, rule) for rule in (_POINT, _COMMA, _EITHER))
    return Marks(point, comma, either)


_POINT = r"^0?\.\d+$|^\d+\.(?:\d{1,2}|\d{4,})$|,.*\.|^\d+(?:,\d{2,3}){2,}$"
_COMMA = r"^0?,\d+$|^\d+,(?:\d{1,2}|\d{4,})$|\..*,|^\d+(?:\.\d{3}){2,}$"
_SCIENTIFIC = r"^[-+]?\d+(?:\.\d+)?[eE][-+]?\d{1,3}$"
_EITHER = r"^[1-9]\d{0,2}[.,]\d{3}$"


def _count(texts: Any, pattern: str) -> int:
    return int(pc.sum(pc.fill_null(pc.match_substring_regex(texts, pattern), False)).as_py() or 0)


def parse_numbers(column: Any, decimal: str = ".") -> Numbers:
    """A column of any type as numbers; `decimal` decides values such as `1,234`.

    >>> parse_numbers(pa.array(["1,234", "1.234,50", "(12.00)", "x", None])).values.tolist()
    [1234.0, 1234.5, -12.0, nan, nan]
    """
    column = _flat(column)
    if pa.types.is_null(column.type) or not (pa.types.is_string(column.type) or _numeric(column.type)):
        column = pa.nulls(len(column), pa.string()) if pa.types.is_null(column.type) else pc.cast(column, pa.string())
    if _numeric(column.type):
        values = np.asarray(pc.fill_null(pc.cast(column, pa.float64(), safe=False), np.nan))
        return _checked(values, np.asarray(pc.is_null(column)))
    text = pc.utf8_trim_whitespace(column)
    empty = np.asarray(pc.fill_null(pc.equal(text, ""), True))
    text = pc.if_else(pa.array(empty), None, text)
    if decimal == ".":
        try:
            return _checked(np.asarray(pc.fill_null(pc.cast(text, pa.float64()), np.nan)), empty)
        except pa.ArrowInvalid:
            pass
    return _checked(_written(text, decimal), empty)


def _flat(column: Any) -> Any:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _numeric(kind: Any) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _checked(values: NDArray[np.float64], empty: NDArray[np.bool_]) -> Numbers:
    return Numbers(values, np.isfinite(values) & (np.abs(values) <= LARGEST) & ~empty, empty)


def _digits(text: Any) -> tuple[Any, Any]:
    """Digits and marks of each number without sign, symbol and blanks (null where it is no number); is it negative?"""
    text = pc.utf8_trim_whitespace(pc.utf8_normalize(text, "NFKC"))
    found = pc.struct_field(pc.extract_regex(text, _WHOLE), "n")
    return pc.replace_substring_regex(found, r"['’ \x{a0}\x{202f}]", ""), pc.match_substring_regex(text, _NEGATIVE)


def _written(text: Any, decimal: str) -> NDArray[np.float64]:
    coded = pc.dictionary_encode(text)
    raw = coded.dictionary
    digits, negative = _digits(raw)
    either = pc.match_substring_regex(digits, _EITHER)
    comma = pc.or_(
        pc.and_(either, pa.scalar(decimal == ",")),
        pc.and_(pc.invert(either), pc.match_substring_regex(digits, _COMMA)),
    )
    as_comma = pc.replace_substring(pc.replace_substring(digits, ".", ""), ",", ".")
    as_point = pc.if_else(
        pc.match_substring_regex(digits, r"^\d{1,3}(?:,\d{2,3})+(?:\.\d*)?$|^\d*\.?\d*$"),
        pc.replace_substring(digits, ",", ""),
        None,
    )
    plain = pc.if_else(pc.fill_null(comma, False), as_comma, as_point)
    plain = pc.if_else(pc.match_substring_regex(plain, r"^(?:\d+\.?\d*|\.\d+)$"), plain, None)
    values = np.array(pc.fill_null(pc.cast(plain, pa.float64()), np.nan))
    values = np.where(np.asarray(pc.fill_null(negative, False)), -values, values)
    for at in np.flatnonzero(np.asarray(pc.fill_null(pc.match_substring_regex(raw, _SCIENTIFIC), False))):
        values[at] = float(raw[int(at)].as_py())
    codes = np.asarray(pc.fill_null(coded.indices, -1)).astype(np.int64)
    return np.where(codes >= 0, np.append(values, np.nan)[codes], np.nan)
