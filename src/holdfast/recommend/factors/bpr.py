"""Bayesian personalised ranking (Rendle, Freudenthaler, Gantner & Schmidt-Thieme 2009) of customers who are their past.

A customer's point is the mean of what its items give (as in FISM; Kabbur, Ning & Karypis 2013), learnt by the ranking
criterion: so a customer who comes later folds in without being learnt.
"""

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


@RECOMMENDERS.register("bpr")
@dataclass(frozen=True)
class Bpr:
    """Maximises ln sigmoid(score of an item that was bought - score of one that was not), by adagrad in batches of customers.

    The item that is judged is left out of the customer's past while it is judged. `passes` over all cells, about `batch` of them at a time.

    >>> from holdfast.core.clock import Cutoff
    >>> from holdfast.core.interactions import tiny_interactions
    >>> past = tiny_interactions({"ann": [(2, "tea"), (1, "cup")], "bob": [(1, "tea"), (3, "cup")], "cy": [(1, "tea")]},
    ...                          Cutoff.parse("2024-01-10"))
    >>> Bpr(factors=4).fit(past).recommend(past, 1, seen="exclude", rows=np.array([2])).to_arrow()["item_id"].to_pylist()
    ['cup']
    """

    recommender_id: ClassVar[str] = "bpr"
    lane: ClassVar[str] = "explore"
    factors: int = 64
    passes: int = 20
    rate: float = 0.1
    regularisation: float = 0.002
    batch: int = 4096
    share: float = 0.5
    half_life_days: float | None = 120.0
    repeats: str = "log"
    units: str = "ignore"
    by_type: tuple[tuple[str, float], ...] = tuple(BOUGHT.items())
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.factors, self.passes, self.batch) < 1 or self.rate <= 0:
            raise UsageError("bpr needs factors, passes, batch and rate over 0")

    @one_thread
    def fit(self, past: Interactions) -> BprFit:
        """Batches in an order drawn by the seed from the data's own order."""
        how = how_of(self)
        cells, items = ordered(read(past, **how))
        giving, factors = np.zeros((2, len(past.items), self.factors), np.float32)
        giving[items], factors[items] = _learn(self, cells)
        unknown = np.ones(len(past.items), bool)
        unknown[items[np.unique(cells.indices)]] = False
        giving[unknown], factors[unknown] = 0, 0
        return BprFit(past.items, factors, how, giving, self.share)


def _learn(settings: Bpr, cells: Any) -> tuple[Floats, Floats]:
    """(what items give to a customer, item factors)."""
    draw = np.random.default_rng(settings.seed)
    shape = (cells.shape[1], settings.factors)
    sides = [(0.1 * draw.standard_normal(shape)).astype(np.float32) for _ in range(2)]
    squares = [np.full(shape, 1e-3, np.float32) for _ in range(2)]
    for _ in range(settings.passes if cells.nnz else 0):
        turn = draw.permutation(cells.shape[0])
        size = np.cumsum(np.diff(cells.indptr)[turn])
        cuts = np.searchsorted(size, np.arange(settings.batch, size[-1] + settings.batch, settings.batch)) + 1
        for part in np.split(turn, np.minimum(cuts[:-1], len(turn))):
            here = cells[part]
            _step(settings, here, draw.integers(0, shape[0], here.nnz), sides, squares)
    return sides[0], sides[1]


def _step(settings: Bpr, cells: Any, other: NDArray[np.int64], sides: list[Floats], squares: list[Floats]) -> None:
    """One batch of customers, each of its items against one drawn; drawn ones that it has too teach nothing."""
    from scipy.sparse import csr_matrix

    giving, factors = sides
    if not cells.nnz:
        return
    row = np.repeat(np.arange(cells.shape[0]), np.diff(cells.indptr))
    bought, weight = cells.indices, cells.data[:, None]
    # the past without the item that is judged
    total = (np.asarray(cells.sum(axis=1))[row] - weight).clip(1e-9) ** settings.share
    point = ((cells @ giving)[row] - weight * giving[bought]) / total
    gap = factors[bought] - factors[other]
    margin = np.einsum("ij,ij->i", point, gap)[:, None]
    own = np.isin(row * len(factors) + other, row * len(factors) + bought)[:, None]
    alone = (np.diff(cells.indptr) == 1)[row][:, None]
    push = np.where(own | alone, 0, weight / (1 + np.exp(np.clip(margin, -30, 30)))).astype(np.float32)
    pull = (push * gap / total).astype(np.float32)
    lines = np.arange(cells.nnz)
    ones = np.ones(cells.nnz, np.float32)
    by_row = csr_matrix((ones, lines, cells.indptr), shape=(cells.shape[0], cells.nnz))
    by_item = csr_matrix((ones, (bought, lines)), shape=(len(factors), cells.nnz))
    by_other = csr_matrix((ones, (other, lines)), shape=(len(factors), cells.nnz))
    steps = (cells.T @ (by_row @ pull) - by_item @ (weight * pull), (by_item - by_other) @ (push * point))
    for side, square, step in zip(sides, squares, steps, strict=True):
        moved = np.flatnonzero(step.any(axis=1))
        slope = step[moved] - settings.regularisation * side[moved]
        square[moved] += slope**2
        side[moved] += settings.rate * slope / np.sqrt(square[moved])


@FITTED_RECOMMENDERS.register("bpr")
@dataclass(frozen=True, eq=False)
class BprFit(FactorFit):
    """Item factors, and what each item gives to a customer who has it."""

    recommender_id: ClassVar[str] = "bpr"
    giving: Floats = field(repr=False)
    share: float

    def parts(self, own: NDArray[Any], weight: Floats) -> Floats:
        """Weights of the past, divided by their sum to the power `share`, times what the items give."""
        return np.asarray(
            self.giving[own] * (weight / max(float(weight.sum()), 1e-9) ** self.share)[:, None], np.float32
        )

    def points(self, cells: Any) -> Floats:
        total = np.maximum(np.asarray(cells.sum(axis=1), np.float32), 1e-9) ** self.share
        return np.asarray((cells @ self.giving) / total, np.float32)

    def to_bytes(self) -> bytes:
        arrays = pack_items(self.items) | {"factors": self.factors, "giving": self.giving}
        return pack("bpr", arrays, how=dict(self.how), share=self.share)

    @classmethod
    def from_bytes(cls, data: bytes) -> BprFit:
        saved, arrays = unpack(data)
        return cls(unpack_items(arrays), arrays["factors"], saved["how"], arrays["giving"], saved["share"])
