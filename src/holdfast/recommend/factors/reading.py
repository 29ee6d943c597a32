"""What a factor lane reads of a customer: one weight per item, from its own acts, newer ones counting more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import UsageError
from holdfast.core.interactions import Interactions
from holdfast.recommend.matrix import matrix, weights

#: How weights of the same customer and item are put together: added up, their logarithm, or the largest one.
REPEATS = ("sum", "log", "once")
#: What units do: nothing, or the logarithm of 1 + units multiplies the weight (listens, lines of a bulk buyer).
UNITS = ("ignore", "log")
Words = NDArray[np.uint64]


def read(
    past: Interactions, *, half_life_days: float | None, by_type: Mapping[str, float], repeats: str, units: str
) -> Any:
    """(customers x items) float32 CSR of positive weights.

    >>> from holdfast.core.clock import Cutoff
    >>> from holdfast.core.interactions import tiny_interactions
    >>> past = tiny_interactions({"ann": [(7, "tea"), (0.1, "tea"), (1, "cup")]}, Cutoff.parse("2024-01-10"))
    >>> how = {"half_life_days": None, "by_type": {"purchase": 1.0}, "units": "ignore"}
    >>> [read(past, repeats=one, **how).toarray().tolist() for one in ("sum", "once")]
    [[[1.0, 2.0]], [[1.0, 1.0]]]
    """
    for value, known, name in ((repeats, REPEATS, "repeats"), (units, UNITS, "units")):
        if value not in known:
            raise UsageError(f"{name} = {value!r}", remedy=f"one of: {', '.join(known)}")
    weight = weights(past, half_life=half_life_days, by_type=by_type)
    if units == "log":
        weight = (weight * np.log1p(np.maximum(past.quantity, 0.0))).astype(np.float32)
    weight = np.maximum(weight, 0.0)
    if repeats == "once":
        return _largest(past, weight)
    found = _added(past, weight)
    if repeats == "log":
        found.data = np.log2(1.0 + found.data).astype(np.float32)
    return found


def how_of(recommender: Any) -> dict[str, Any]:
    """What `read` needs of a recommender's settings, as a saved fit keeps it."""
    kept = {name: getattr(recommender, name) for name in ("half_life_days", "repeats", "units")}
    return kept | {"by_type": dict(recommender.by_type)}


def _added(past: Interactions, weight: NDArray[np.float32]) -> Any:
    """`matrix` with sums in float64: rounded once, they are the same in any order."""
    from scipy.sparse import csr_matrix

    kept = weight > 0
    cells = (past.customer[kept], past.item[kept])
    found = csr_matrix((weight[kept].astype(np.float64), cells), shape=(len(past), len(past.items)))
    found.sort_indices()
    return found.astype(np.float32)


def _largest(past: Interactions, weight: NDArray[np.float32]) -> Any:
    """The largest weight of each cell instead of the sum."""
    order = np.lexsort((weight, past.item, past.customer))
    cell = past.customer[order].astype(np.int64) * max(1, len(past.items)) + past.item[order]
    last = np.ones(len(order), bool)
    last[:-1] = cell[1:] != cell[:-1]
    kept = np.zeros(len(order), bool)
    kept[order[last]] = True
    return matrix(past, np.where(kept, weight, np.float32(0)))


def canonical(cells: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """An order of the customers and one of the items that depends on what was done, not on names or positions.

    Colours are refined by neighbours (Weisfeiler & Leman 1968), three times; sums of whole numbers are the same in any
    order. A fit that starts from here gives renamed items the same factors. Only rows that no three steps tell apart stay
    in the order they came.
    """
    by_item = cells.tocsc()
    row_of = by_item.indices
    column_of = np.repeat(np.arange(cells.shape[1], dtype=np.int32), np.diff(by_item.indptr))
    # the last bits of a decayed weight may depend on the order of a sum
    weight = ((by_item.data.view(np.uint32) + np.uint32(128)) >> np.uint32(8)).astype(np.uint64)
    to_row = np.argsort(row_of, kind="stable")
    rows, columns = np.ones(cells.shape[0], np.uint64), np.ones(cells.shape[1], np.uint64)
    for _ in range(3):
        rows = _mixed(rows + _summed(_mixed(columns[column_of] ^ weight)[to_row], cells.indptr))
        columns = _mixed(columns + _summed(_mixed(rows[row_of] ^ weight), by_item.indptr))
    return np.argsort(rows, kind="stable"), np.argsort(columns, kind="stable")


def _mixed(word: Words) -> Words:
    """The finaliser of splitmix64: neighbouring numbers become far apart."""
    word = word + np.uint64(0x9E3779B97F4A7C15)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


def _summed(word: Words, offsets: NDArray[Any]) -> Words:
    """Sums (modulo 2^64) of the words from each offset to the next."""
    total = np.zeros(len(word) + 1, np.uint64)
    np.cumsum(word, out=total[1:])
    return np.asarray(total[offsets[1:]] - total[offsets[:-1]], np.uint64)


def ordered(cells: Any) -> tuple[Any, NDArray[np.int64]]:
    """The same cells without customers who have none, in canonical order; and which item each column is."""
    cells = cells[np.flatnonzero(np.diff(cells.indptr))]
    rows, columns = canonical(cells)
    to = np.empty(len(columns), cells.indices.dtype)
    to[columns] = np.arange(len(columns))
    found = cells[rows]
    found.indices = to[found.indices]
    found.has_sorted_indices = False
    found.sort_indices()
    return found, columns
