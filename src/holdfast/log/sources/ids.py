"""Ids as text: `17850.0` is `17850`, blanks and the words that mean nobody are missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

#: What shops write into the customer column when there is no customer. Compared without case.
NOBODY: tuple[str, ...] = (
    "", "0", "-1", "null", "none", "nil", "nan", "na", "n/a", "#n/a", "<na>", "\\n", "undefined", "unknown", "missing",
    "anonymous", "anon", "guest", "visitor", "(not set)", "(none)", "-", "--", "?", "00000000-0000-0000-0000-000000000000",
    "匿名", "游客", "未知",
)  # fmt: skip
#: Cells of other columns that hold nothing.
EMPTY: tuple[str, ...] = ("", "null", "none", "nan", "n/a", "#n/a", "<na>", "\\n")
#: Longer ids are no ids but a column that slipped.
LONGEST_ID = 512
_INVISIBLE = "\ufeff\u200b\u200e\u200f\u2060 \t\r\n\u00a0\u3000"


def as_text(column: Any) -> Any:
    """A column of any type as trimmed text; whole floats lose their `.0`.

    >>> as_text(pa.array([17850.0, None])).to_pylist(), as_text(pa.array([" 536365 ", "12.0", "85123A"])).to_pylist()
    (['17850', None], ['536365', '12', '85123A'])
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if pa.types.is_floating(column.type):
        column = _floats(column)
    elif pa.types.is_nested(column.type):
        column = pa.array([None if one is None else str(one) for one in column.to_pylist()], pa.string())
    elif not pa.types.is_string(column.type):
        column = pc.cast(column, pa.string())
    text = pc.utf8_trim(column, _INVISIBLE)
    if pc.any(pc.ends_with(text, ".0")).as_py():
        text = pc.replace_substring_regex(text, r"^(-?\d+)\.0$", r"\1")
    return text


def _floats(column: Any) -> Any:
    """Floats as text: whole ones without a point, others as short as they can be."""
    column = pc.cast(column, pa.float64())
    whole = pc.and_(pc.equal(pc.round(column), column), pc.less(pc.abs(column), 2.0**53))
    ints = pc.cast(pc.cast(pc.if_else(whole, column, None), pa.int64(), safe=False), pa.string())
    return pc.if_else(pc.fill_null(whole, False), ints, pc.cast(column, pa.string()))


def or_null(text: Any) -> Any:
    """Text with the words for an empty cell made null."""
    return pc.if_else(pc.is_in(pc.utf8_lower(text), pa.array(EMPTY)), None, text)


def nobody(text: Any, more: Sequence[str] = ()) -> Any:
    """Which customer ids mean that there is no customer."""
    words = pa.array([*NOBODY, *(one.lower() for one in more)])
    return pc.or_(pc.is_null(text), pc.fill_null(pc.is_in(pc.utf8_lower(text), words), True))
