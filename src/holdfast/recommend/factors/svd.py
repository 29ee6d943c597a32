"""SVD of the rating matrix: unknown cells count as 0 (PureSVD; Cremonesi, Koren & Turrin 2010)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import UsageError
from holdfast.core.interactions import Interactions
from holdfast.core.recommend import FITTED_RECOMMENDERS, RECOMMENDERS
from holdfast.core.threads import one_thread
from holdfast.recommend.factors.fitted import FactorFit
from holdfast.recommend.factors.reading import how_of, ordered, read
from holdfast.recommend.matrix import BOUGHT
from holdfast.recommend.pack import pack, pack_items, unpack, unpack_items

Floats = NDArray[np.float32]


@RECOMMENDERS.register("svd")
@dataclass(frozen=True)
class Svd:
    """The best approximation of the weights by so many factors; a customer's scores are its row, projected.

    Items are scaled by count^(`item_power` - 1) first (EigenRec; Nikolakopoulos et al. 2019): 1 is PureSVD, less keeps
    popular items from filling the first factors. Rows are divided by count^`customer_power`.

    >>> from holdfast.core.clock import Cutoff
    >>> from holdfast.core.interactions import tiny_interactions
    >>> past = tiny_interactions({"ann": [(2, "tea"), (1, "cup")], "bob": [(1, "tea"), (3, "cup")], "cy": [(1, "tea")]},
    ...                          Cutoff.parse("2024-01-10"))
    >>> Svd(factors=1).fit(past).recommend(past, 1, seen="exclude", rows=np.array([2])).to_arrow()["item_id"].to_pylist()
    ['cup']
    """

    recommender_id: ClassVar[str] = "svd"
    lane: ClassVar[str] = "explore"
    factors: int = 64
    item_power: float = 0.6
    customer_power: float = 0.5
    half_life_days: float | None = 120.0
    repeats: str = "log"
    units: str = "ignore"
    by_type: tuple[tuple[str, float], ...] = tuple(BOUGHT.items())
    seed: int = 0

    def __post_init__(self) -> None:
        if self.factors < 1:
            raise UsageError(f"svd with {self.factors} factors", remedy="at least 1")

    @one_thread
    def fit(self, past: Interactions) -> SvdFit:
        """The right singular vectors of the scaled weights."""
        how = how_of(self)
        cells, items = ordered(read(past, **how))
        if cells.nnz:
            by_customer = np.repeat(np.asarray(cells.sum(axis=1)).ravel(), np.diff(cells.indptr))
            cells.data = (cells.data / by_customer**self.customer_power).astype(np.float32)
        norm = np.asarray(np.sqrt(cells.multiply(cells).sum(axis=0)), np.float64).ravel()
        found = np.zeros(len(norm))
        found[norm > 0] = norm[norm > 0] ** (self.item_power - 1)
        scale, factors = np.zeros(len(norm), np.float32), np.zeros((len(norm), self.factors), np.float32)
        scale[items] = found
        factors[items] = right_vectors(cells, found, self.factors, self.seed)
        return SvdFit(past.items, factors, how, scale)


def right_vectors(cells: Any, scale: NDArray[np.float64], size: int, seed: int) -> Floats:
    """(columns x size) right singular vectors of cells * scale, columns of zeros beyond the rank."""
    from scipy.sparse import diags
    from scipy.sparse.linalg import svds

    matrix = (cells @ diags(scale)).astype(np.float64)
    found = np.zeros((cells.shape[1], size), np.float32)
    least = min(matrix.shape)
    if not matrix.nnz:
        return found
    if least <= 2 * size + 2:  # nothing to save by iterating
        _, value, right = np.linalg.svd(matrix.toarray(), full_matrices=False)
    else:
        start = np.random.default_rng(seed).standard_normal(least)
        _, value, right = svds(matrix, k=size, v0=start, return_singular_vectors="vh")
        value, right = value[::-1], right[::-1]
    kept = right[:size][value[:size] > 1e-6 * value[0]]
    found[:, : len(kept)] = kept.T
    found[scale == 0] = 0
    return found


@FITTED_RECOMMENDERS.register("svd")
@dataclass(frozen=True, eq=False)
class SvdFit(FactorFit):
    """Right singular vectors and the scale of each item: a customer's point is its scaled weights times the vectors."""

    recommender_id: ClassVar[str] = "svd"
    scale: Floats = field(repr=False)

    def parts(self, own: NDArray[Any], weight: Floats) -> Floats:
        """Each item's weight, scaled, times its vector."""
        return np.asarray(self.factors[own] * (weight * self.scale[own])[:, None], np.float32)

    def points(self, cells: Any) -> Floats:
        return np.asarray(cells @ (self.factors * self.scale[:, None]), np.float32)

    def to_bytes(self) -> bytes:
        arrays = pack_items(self.items) | {"factors": self.factors, "scale": self.scale}
        return pack("svd", arrays, how=dict(self.how))

    @classmethod
    def from_bytes(cls, data: bytes) -> SvdFit:
        saved, arrays = unpack(data)
        return cls(unpack_items(arrays), arrays["factors"], saved["how"], arrays["scale"])
