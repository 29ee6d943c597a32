"""Counts per customer as plain matrices: rows of a list of customers, columns of a list of names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


def placed(ids: pa.Array, table: pa.Table, name: str, empty: float = np.nan) -> Floats:
    """One column of a table with one row a customer, in the order of `ids`; `empty` for who is not in it.

    >>> placed(pa.array(["b", "a"]), pa.table({"customer_id": ["a"], "x": [3]}), "x").tolist()
    [nan, 3.0]
    """
    at = where(ids, table)
    values = np.append(numbers(table[name]), empty)
    return np.asarray(values[at])  # -1 is the appended one


def where(ids: pa.Array, table: pa.Table) -> Whole:
    """The row of each id in a table with one row a customer; -1 for none."""
    known = _text(table["customer_id"])
    return np.asarray(pc.index_in(ids, value_set=known).fill_null(-1).to_numpy(zero_copy_only=False), np.int64)


def numbers(column: pa.ChunkedArray | pa.Array) -> Floats:
    """A column as floats; null is NaN."""
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)


def matrix(
    ids: pa.Array, table: pa.Table, by: str, count: str, names: list[Any] | None = None
) -> tuple[list[Any], Floats]:
    """(names, customers x names) out of rows of customer_id, `by` and a count; who is not in `ids` is left out.

    >>> rows = pa.table({"customer_id": ["a", "a", "z"], "hour": [9, 20, 9], "n": [2, 1, 5]})
    >>> matrix(pa.array(["a"]), rows, "hour", "n")
    ([9, 20], array([[2., 1.]]))
    """
    found = sorted(set(table[by].to_pylist())) if names is None else names
    row = pc.index_in(_text(table["customer_id"]), value_set=ids)
    column = pc.index_in(table[by].combine_chunks(), value_set=pa.array(found, table[by].type))
    inside = pc.and_(pc.is_valid(row), pc.is_valid(column))
    keep = np.asarray(inside.to_numpy(zero_copy_only=False), bool) if len(row) else np.zeros(0, bool)
    made = np.zeros((len(ids), len(found)))
    if keep.any():
        rows = np.asarray(row.fill_null(0).to_numpy(zero_copy_only=False), np.int64)[keep]
        columns = np.asarray(column.fill_null(0).to_numpy(zero_copy_only=False), np.int64)[keep]
        np.add.at(made, (rows, columns), numbers(table[count])[keep])
    return found, made


def _text(column: pa.ChunkedArray) -> pa.Array:
    found = column.cast(pa.string()).combine_chunks()
    return pa.concat_arrays(found.chunks) if isinstance(found, pa.ChunkedArray) else found
