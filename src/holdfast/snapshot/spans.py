"""What each customer did between two instants of their own: counting rows in spans without a database."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

__all__ = ["between", "codes", "micros", "sums"]


def micros(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Microseconds, exact below 2^53 (the year 2255); null is NaN."""
    numbers = column.cast(pa.int64()).to_numpy(zero_copy_only=False)
    return np.asarray(numbers, np.float64)


def codes(ids: pa.Array, names: pa.Array) -> NDArray[np.int64]:
    """The place of each id in `names`; every id must be there."""
    return np.asarray(pc.index_in(ids.cast(pa.string()), value_set=names).to_numpy(zero_copy_only=False), np.int64)


def between(
    who: NDArray[np.int64], starts: NDArray[Any], stops: NDArray[Any], theirs: NDArray[np.int64], at: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """first, last, order: entries order[first:last] of each row's own customer lie in [start, stop), oldest first."""
    ranks = np.unique(np.concatenate([np.asarray(one, np.float64) for one in (starts, stops, at)]))
    size = len(ranks) + 1

    def place(customer: NDArray[np.int64], moment: NDArray[Any]) -> NDArray[np.int64]:
        return np.asarray(customer * size + np.searchsorted(ranks, np.asarray(moment, np.float64)))

    order = np.argsort(place(theirs, at), kind="stable")
    entries = place(theirs, at)[order]
    return np.searchsorted(entries, place(who, starts)), np.searchsorted(entries, place(who, stops)), order


def sums(values: NDArray[Any], first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.float64]:
    """The sum of values[first:last] of each span.

    >>> sums(np.array([1.0, 2.0, 4.0]), np.array([0, 1]), np.array([2, 1])).tolist()
    [3.0, 0.0]
    """
    total = np.concatenate([[0.0], np.cumsum(values.astype(np.float64))])
    return np.asarray(total[last] - total[first])
