"""Rows as JSON objects, made column-wise: what rejected rows and `properties` keep of the original."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from holdfast.log.sources.preset import HIDDEN, LINE, RAW


def as_json(table: pa.Table, *, drop_empty: bool = False) -> Any:
    """One JSON object per row; values are text as they came.

    >>> as_json(pa.table({"a": ['say "x"', None], "b": [1, 2]})).to_pylist()
    ['{"a": "say \\\\"x\\\\"", "b": "1"}', '{"a": null, "b": "2"}']
    """
    if RAW in table.column_names and not drop_empty:
        return _flat(table[RAW])
    kept = () if drop_empty else (LINE,)
    table = table.drop_columns([name for name in table.column_names if name.startswith(HIDDEN) and name not in kept])
    if not table.num_rows or not table.num_columns:
        return pa.array(["{}"] * table.num_rows, pa.string())
    if table.num_columns > 200:
        return pa.array([_one(row, drop_empty) for row in table.to_pylist()], pa.string())
    pieces = [_member(name, column, drop_empty) for name, column in zip(table.column_names, table.columns, strict=True)]
    joined = pc.binary_join_element_wise(*pieces, ", ", null_handling="skip")
    return _flat(pc.binary_join_element_wise("{", joined, "}", ""))


def _member(name: str, column: Any, drop_empty: bool) -> Any:
    key = json.dumps(name, ensure_ascii=False) + ": "
    text = flat_text(column)
    member = pc.binary_join_element_wise(key + '"', _escaped(text), '"', "")
    if drop_empty:
        return pc.if_else(pc.equal(text, ""), None, member)
    return pc.fill_null(member, key + "null")


def flat_text(column: Any) -> Any:
    """A column of any type as one array of text; what is nested becomes JSON."""
    try:
        return _flat(pc.cast(column, pa.string()))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        values = [
            None if one is None else json.dumps(one, ensure_ascii=False, default=str) for one in column.to_pylist()
        ]
        return pa.array(values, pa.string())


def _escaped(text: Any) -> Any:
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        text = pc.replace_substring(text, plain, escaped)
    if pc.any(pc.match_substring_regex(text, r"[\x00-\x1f]")).as_py():
        text = pa.array([None if one is None else _controls(one) for one in text.to_pylist()], pa.string())
    return text


def _controls(text: str) -> str:
    return "".join(f"\\u{ord(letter):04x}" if letter < " " else letter for letter in text)


def _one(row: dict[str, Any], drop_empty: bool) -> str:
    kept = {key: value for key, value in row.items() if not (drop_empty and value in (None, ""))}
    return json.dumps(kept, ensure_ascii=False, default=str)


def _flat(column: Any) -> Any:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
