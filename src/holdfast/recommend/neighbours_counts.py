"""Which items stand together in histories: sparse products in blocks of bounded memory, and the strongest of each row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.interactions import Interactions

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
#: Products of one block: a few hundred MB at the worst.
PRODUCTS = 20_000_000
#: More different items than this say nothing about which belong together; only the newest count.
LONGEST = 1000


def row_blocks(cost: NDArray[Any], most: int = PRODUCTS) -> Iterator[slice]:
    """Runs of rows whose costs stay below `most`, a row that costs more alone.

    >>> [(one.start, one.stop) for one in row_blocks(np.array([3, 3, 9, 1]), most=6)]
    [(0, 2), (2, 3), (3, 4)]
    """
    start, spent = 0, 0
    for row, one in enumerate(cost.tolist()):
        if row > start and spent + one > most:
            yield slice(start, row)
            start, spent = row, 0
        spent += one
    if start < len(cost):
        yield slice(start, len(cost))


def products(left: Any, right: Any) -> Iterator[tuple[slice, Any]]:
    """`left @ right` (CSR) in blocks of rows; each block is float64, without zeros, its columns rising."""
    lengths = np.diff(right.indptr)
    ahead = np.concatenate([[0], np.cumsum(lengths[left.indices])])
    cost = np.diff(ahead[left.indptr])
    for block in row_blocks(cost):
        found = (left[block] @ right).tocsr()
        found.eliminate_zeros()
        found.sort_indices()
        yield block, found


def strongest(found: Any, count: int) -> Any:
    """Only the `count` largest cells of each row (CSR, columns rising); of equal ones the first columns.

    >>> from scipy.sparse import csr_matrix
    >>> strongest(csr_matrix([[1.0, 3.0, 2.0]]), 2).toarray().tolist()
    [[0.0, 3.0, 2.0]]
    """
    from scipy.sparse import csr_matrix

    kept = np.ones(found.nnz, bool)
    for row in np.flatnonzero(np.diff(found.indptr) > count):
        inside = slice(found.indptr[row], found.indptr[row + 1])
        values = found.data[inside]
        edge = np.partition(values, len(values) - count)[len(values) - count]
        above = values > edge
        equal = np.flatnonzero(values == edge)[: count - int(above.sum())]
        above[equal] = True
        kept[inside] = above
    ends = np.concatenate([[0], np.cumsum(kept)])[found.indptr]
    return csr_matrix((found.data[kept], found.indices[kept], ends), shape=found.shape)


def stacked(blocks: list[Any], width: int) -> Any:
    """Blocks of rows as one CSR matrix; none is no rows."""
    from scipy.sparse import csr_matrix, vstack

    return vstack(blocks, format="csr") if blocks else csr_matrix((0, width))


def turns(past: Interactions) -> tuple[Ints, Ints, Ints]:
    """(turn of each interaction, first turn of each customer, turns of each customer).

    A turn is a basket, or all that a customer did at one instant outside any; turns are numbered in time, so that the
    items of one turn are at distance 0 and those of the next at distance 1.
    """
    if not past.size:
        return np.zeros(0, np.int64), np.zeros(len(past), np.int64), np.zeros(len(past), np.int64)
    at = np.where(past.basket >= 0, past.basket, past.occurred_at)
    own = past.basket >= 0
    new = np.ones(past.size, bool)
    new[1:] = (np.diff(past.customer) != 0) | (np.diff(at) != 0) | (own[1:] != own[:-1])
    turn = np.cumsum(new) - 1
    ends = np.concatenate([[0], np.cumsum(new)])[past.offsets]
    return turn, ends[:-1], np.diff(ends)


def turns_back(past: Interactions) -> Ints:
    """How many turns of its customer came after each interaction; 0 is the newest turn."""
    turn, first, count = turns(past)
    return (first + count - 1)[past.customer] - turn if past.size else turn


def newest(past: Interactions, most: int = LONGEST) -> Interactions:
    """Histories cut to their newest `most` interactions."""
    if not past.size or int(past.counts.max()) <= most:
        return past
    return past.keeping(np.arange(past.size) >= (past.offsets[1:] - most)[past.customer])
