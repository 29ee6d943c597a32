"""What a rule asks of a column: types checked, rows compared, nulls kept as nulls."""

from __future__ import annotations

import difflib
import re
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from holdfast.core.errors import ConfigError
from holdfast.core.rules.literals import Value

_ORDERED = ("<", "<=", ">", ">=", "between")
_WINDOW = re.compile(r"_\d+d$")
_KERNELS = {
    "==": pc.equal, "!=": pc.not_equal, "<": pc.less, "<=": pc.less_equal, ">": pc.greater, ">=": pc.greater_equal,
}  # fmt: skip


def kind(dtype: pa.DataType) -> str:
    """number, text, flag, time, list of texts, or other.

    >>> kind(pa.list_(pa.string())), kind(pa.date32())
    ('list', 'time')
    """
    if pa.types.is_dictionary(dtype):
        return kind(dtype.value_type)
    if pa.types.is_boolean(dtype):
        return "flag"
    if pa.types.is_integer(dtype) or pa.types.is_floating(dtype) or pa.types.is_decimal(dtype):
        return "number"
    if pa.types.is_string(dtype) or pa.types.is_large_string(dtype):
        return "text"
    if pa.types.is_timestamp(dtype) or pa.types.is_date(dtype):
        return "time"
    listed = pa.types.is_list(dtype) or pa.types.is_large_list(dtype)
    return "list" if listed and kind(dtype.value_type) == "text" else "other"


def check(field: str, op: str, values: tuple[Value, ...], schema: pa.Schema, where: str | None) -> None:
    """Raises `ConfigError` where the column is missing or cannot be held against these values."""
    if field not in schema.names:
        raise ConfigError(f"a rule asks for an unknown column {field!r}", where=where, remedy=_nearest(field, schema))
    column = kind(schema.field(field).type)
    if op in ("is known", "is unknown"):
        return
    problem = ""
    if column == "other":
        problem = f"{field} is a {schema.field(field).type}, which rules cannot ask about"
    elif (column == "list") != (op == "contains"):
        problem = f"{field} is {_ARTICLE[column]}: {op!r} does not fit"
    elif column == "flag" and op in _ORDERED:
        problem = f"{field} is true or false and has no order"
    for value in values:
        if not problem and not _fits(value, column):
            problem = f"{field} is {_ARTICLE[column]}, {value!r} is not"
    if problem:
        raise ConfigError(problem, where=where, remedy=_EXAMPLE[column])


def compare(table: pa.Table, field: str, op: str, values: tuple[Value, ...]) -> pa.Array:
    """True, false or null for each row; `check` has passed."""
    column = _column(table, field)
    if op in ("is known", "is unknown"):
        return pc.is_valid(column) if op == "is known" else pc.is_null(column)
    if op == "contains":
        return _contains(column, str(values[0]))
    if kind(column.type) == "time":
        column = column.cast(pa.timestamp("us")) if pa.types.is_date(column.type) else column.cast(_INSTANT)
    given = [_scalar(value, column.type) for value in values]
    if op == "between":
        return pc.and_kleene(pc.greater_equal(column, given[0]), pc.less_equal(column, given[1]))
    if op in ("in", "not in"):
        found = pc.equal(column, given[0])
        for one in given[1:]:
            found = pc.or_kleene(found, pc.equal(column, one))
        return found if op == "in" else pc.invert(found)
    return _KERNELS[op](column, given[0])


_INSTANT = pa.timestamp("us", tz="UTC")


def _column(table: pa.Table, field: str) -> pa.Array:
    """One plain array; NaN is not known."""
    column = table.column(field).combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    return column


def _contains(column: pa.Array, value: str) -> pa.Array:
    flat = pc.list_flatten(column)
    hit = pc.list_parent_indices(column).filter(pc.fill_null(pc.equal(flat, value), False))
    rows = pa.array(range(len(column)), hit.type)
    return pc.if_else(pc.is_valid(column), pc.is_in(rows, value_set=hit.unique()), pa.scalar(None, pa.bool_()))


def _scalar(value: Value, dtype: pa.DataType) -> pa.Scalar:
    if not pa.types.is_timestamp(dtype):
        return pa.scalar(value)
    at = datetime.fromisoformat(str(value))
    zoned = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return pa.scalar(zoned if dtype.tz else zoned.replace(tzinfo=None), dtype)


def _fits(value: Value, column: str) -> bool:
    if column == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if column == "flag":
        return isinstance(value, bool)
    return isinstance(value, str) and (column != "time" or _is_time(value))


def _is_time(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _nearest(field: str, schema: pa.Schema) -> str:
    """The windows a field is known over, or the column whose name is nearest."""
    names: list[Any] = list(schema.names)
    base = _WINDOW.sub("", field)
    windows = [name for name in names if _WINDOW.sub("", name) == base]
    if windows and base != field:
        return f"it is known as {', '.join(windows)}"
    close = difflib.get_close_matches(field, names, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    shown = ", ".join(names[:20])
    return f"the columns are {shown}{' and more' if len(names) > 20 else ''}"


_ARTICLE = {
    "number": "a number",
    "text": "a text",
    "flag": "true or false",
    "time": "a date",
    "list": "a list of texts",
}
_EXAMPLE = {
    "number": "write e.g. order_count >= 2", "text": "write e.g. lifecycle == 'new'", "flag": "write e.g. holdout == true",
    "time": "write e.g. next_order_at < '2024-01-31'", "list": "write e.g. interests contains 'Books'",
    "other": "use another column",
}  # fmt: skip
