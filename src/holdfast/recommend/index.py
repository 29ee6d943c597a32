"""The best items of many points: exact by matrix products in blocks, approximate by usearch (extra `ann`) where items are many."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import UsageError
from holdfast.core.threads import one_thread

Floats = NDArray[np.float32]
Codes = NDArray[np.int32]
#: From here on an approximate index is worth its error, where it is installed.
MANY = 200_000
#: Cells of a block of scores.
CELLS = 16_000_000
#: Neighbours per item, candidates kept while building and while asking: what a recall of about 0.95 at ten took.
LINKS, BUILD, ASK = 32, 200, 400


class Index(Protocol):
    """Item vectors that can be asked for the largest products with other vectors."""

    def top(self, points: Floats, count: int) -> tuple[Codes, Floats]:
        """(points x count) positions of items, best first, and their products; -1 and -inf where there are no more."""


@dataclass(frozen=True, eq=False)
class ExactIndex:
    """Every product, block by block.

    >>> ExactIndex(np.eye(3, dtype=np.float32)).top(np.array([[1, 3, 2]], np.float32), 2)[0].tolist()
    [[1, 2]]
    """

    vectors: Floats = field(repr=False)

    @one_thread
    def top(self, points: Floats, count: int) -> tuple[Codes, Floats]:
        """See `Index`."""
        size = max(1, CELLS // max(1, len(self.vectors)))
        blocks = [largest(points[at : at + size] @ self.vectors.T, count) for at in range(0, len(points), size)]
        if not blocks:
            return np.zeros((0, min(count, len(self.vectors))), np.int32), np.zeros((0, 0), np.float32)
        return np.concatenate([one for one, _ in blocks]), np.concatenate([one for _, one in blocks])


@dataclass(frozen=True, eq=False)
class ApproximateIndex:
    """A graph of near vectors (HNSW; Malkov & Yashunin 2018). The products it gives are exact, the set nearly so."""

    vectors: Floats = field(repr=False)
    _graph: Any = field(repr=False)

    @classmethod
    def of(cls, vectors: Floats) -> ApproximateIndex:
        """Built on one thread, so that it is the same every time."""
        if find_spec("usearch") is None:
            raise UsageError("an approximate index needs usearch", remedy="run: pip install 'holdfast[ann]'")
        from usearch.index import Index as Graph

        graph = Graph(
            ndim=vectors.shape[1],
            metric="ip",
            dtype="f32",
            connectivity=LINKS,
            expansion_add=BUILD,
            expansion_search=ASK,
        )
        if len(vectors):
            graph.add(np.arange(len(vectors)), vectors, threads=1)
        return cls(vectors, graph)

    def top(self, points: Floats, count: int) -> tuple[Codes, Floats]:
        """See `Index`."""
        count = min(count, len(self.vectors))
        if not count or not len(points):
            return np.full((len(points), count), -1, np.int32), np.full((len(points), count), -np.inf, np.float32)
        keys = np.asarray(self._graph.search(np.ascontiguousarray(points), count, threads=1).keys, np.int64)
        keys = keys.reshape(len(points), -1)
        products = np.einsum("ij,ikj->ik", points, self.vectors[keys])
        order = np.argsort(-products, axis=1, kind="stable")
        return np.take_along_axis(keys, order, axis=1).astype(np.int32), np.take_along_axis(products, order, axis=1)


def index_of(vectors: Floats, *, approximate: bool | None = None) -> Index:
    """The index for so many items: exact up to `MANY`, or where usearch is missing."""
    if approximate is None:
        approximate = len(vectors) > MANY and find_spec("usearch") is not None
    return ApproximateIndex.of(vectors) if approximate else ExactIndex(vectors)


def largest(scores: Floats, count: int) -> tuple[Codes, Floats]:
    """The best `count` columns of each row, best first, equal ones in the order of the columns; -1 for -inf.

    The count-th largest of the maxima of small groups of columns is a floor of the count-th largest score, so only few
    columns of a row are ever sorted.

    >>> largest(np.array([[1.0, 3.0, -np.inf, 3.0]], np.float32), 3)[0].tolist()
    [[1, 3, 0]]
    """
    rows, width = scores.shape
    count = min(count, width)
    if not count or not rows:
        return np.zeros((rows, 0), np.int32), np.zeros((rows, 0), np.float32)
    floor = _floor(scores, count)
    found = np.empty((rows, count), np.int32)
    for row in range(rows):
        inside = np.flatnonzero(scores[row] >= floor[row])
        found[row] = inside[np.argsort(-scores[row, inside], kind="stable")[:count]]
    kept = np.take_along_axis(scores, found.astype(np.int64), axis=1)
    return np.where(np.isneginf(kept), np.int32(-1), found), kept


def _floor(scores: Floats, count: int) -> Floats:
    """At least `count` scores of each row are not below it."""
    rows, width = scores.shape
    groups = width // 16
    if groups < 2 * count:
        return np.asarray(-np.partition(-scores, count - 1, axis=1)[:, count - 1])
    # groups run across the row, so that the maxima are taken over long vectors
    maxima = scores[:, : groups * 16].reshape(rows, 16, groups).max(axis=1)
    return np.asarray(np.partition(maxima, groups - count, axis=1)[:, groups - count])
