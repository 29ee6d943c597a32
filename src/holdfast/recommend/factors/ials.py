"""Implicit matrix factorisation: what was bought should score 1, everything else a little towards 0.

Hu, Koren & Volinsky (2008), as tuned by Rendle, Krichene, Zhang & Koren, "Revisiting the Performance of iALS" (2022).
"""

from __future__ import annotations

from collections.abc import Callable
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
from holdfast.recommend.factors.side import common, features
from holdfast.recommend.factors.sweep import sweep
from holdfast.recommend.matrix import BOUGHT
from holdfast.recommend.pack import pack, pack_items, unpack, unpack_items

Floats = NDArray[np.float32]


@RECOMMENDERS.register("ials")
@dataclass(frozen=True)
class Ials:
    """Minimises sum w (1 - x'y)^2 over what was done + unobserved * sum (x'y)^2 over all + ridge terms.

    A row's ridge is `regularisation` times (its weights + unobserved * other side)^`frequency_power`, scaled to a mean of
    `regularisation`, so that the power can change without the level. `side` names item columns whose values get factors of
    their own that items are drawn to; `side_regularisation` holds those back. `steps` are conjugate gradients a row.

    >>> from holdfast.core.clock import Cutoff
    >>> from holdfast.core.interactions import tiny_interactions
    >>> past = tiny_interactions({"ann": [(2, "tea"), (1, "cup")], "bob": [(1, "tea"), (3, "cup")], "cy": [(1, "tea")]},
    ...                          Cutoff.parse("2024-01-10"))
    >>> Ials(factors=2).fit(past).recommend(past, 1, seen="exclude", rows=np.array([2])).to_arrow()["item_id"].to_pylist()
    ['cup']
    """

    recommender_id: ClassVar[str] = "ials"
    lane: ClassVar[str] = "explore"
    factors: int = 64
    iterations: int = 12
    unobserved: float = 0.1
    regularisation: float = 5.0
    frequency_power: float = 1.0
    half_life_days: float | None = 90.0
    repeats: str = "log"
    units: str = "ignore"
    by_type: tuple[tuple[str, float], ...] = tuple(BOUGHT.items())
    side: tuple[str, ...] = ()
    side_regularisation: float = 1.0
    steps: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.factors, self.iterations, self.steps) < 1 or min(self.unobserved, self.regularisation) <= 0:
            raise UsageError("ials needs factors, iterations, steps, unobserved and regularisation over 0")

    def fit(self, past: Interactions) -> IalsFit:
        """Alternate between customers and items, in an order that only the data decide."""
        how = how_of(self)
        cells, items = ordered(read(past, **how))
        side = features(past.items, self.side)[items] if self.side else None
        found, level = factorise(self, cells, side)
        factors = np.zeros((len(past.items), self.factors), np.float32)
        factors[items] = found
        return IalsFit(
            past.items,
            factors,
            how,
            self.unobserved,
            self.regularisation,
            self.frequency_power,
            level,
            gram(self, factors),
        )


@one_thread
def factorise(
    settings: Ials, cells: Any, side: Any = None, *, compiled: bool | None = None, threads: int | None = None,
    after: Callable[[Floats, Floats], None] | None = None,
) -> tuple[Floats, float]:  # fmt: skip
    """(item factors, level of the customers' ridge) of customers x items; `after` sees both sides after each iteration."""
    by_item = cells.T.tocsr()
    size, shape = settings.factors, cells.shape
    x = np.zeros((shape[0], size), np.float32)
    y = np.random.default_rng(settings.seed).standard_normal((shape[1], size), np.float32) * np.float32(0.1 / size**0.5)
    power, level = settings.frequency_power, settings.regularisation
    x_ridge, x_level = _ridge(cells, settings.unobserved * shape[1], power, level)
    y_ridge, _ = _ridge(by_item, settings.unobserved * shape[0], power, level)
    prior = None
    for _ in range(settings.iterations if cells.nnz else 0):
        sweep(cells, y, gram(settings, y), x_ridge, x, steps=settings.steps, compiled=compiled, threads=threads)
        sweep(
            by_item,
            x,
            gram(settings, x),
            y_ridge,
            y,
            steps=settings.steps,
            prior=prior,
            compiled=compiled,
            threads=threads,
        )
        if side is not None and side.shape[1]:
            prior = common(side, y, y_ridge, settings.side_regularisation)
        if after is not None:
            after(x, y)
    unknown = np.diff(by_item.indptr) == 0
    y[unknown] = 0 if prior is None else prior[unknown]
    return y, x_level


def gram(settings: Ials, factors: Floats) -> Floats:
    """What the unobserved cells of every row add to its matrix."""
    return np.asarray(np.float32(settings.unobserved) * (factors.T @ factors), np.float32)


def _ridge(cells: Any, others: float, power: float, level: float) -> tuple[Floats, float]:
    """Each row's ridge, and the number that a row's (weights + others)^power is multiplied by."""
    total = np.asarray(cells.sum(axis=1), np.float64).ravel() + others
    scaled = total**power
    mean = (float(scaled.mean()) if len(scaled) else 0.0) or 1.0  # nobody did anything: any level will do
    return (level / mean * scaled).astype(np.float32), level / mean


@FITTED_RECOMMENDERS.register("ials")
@dataclass(frozen=True, eq=False)
class IalsFit(FactorFit):
    """Item factors and the shared part of every customer's matrix; a customer is solved exactly when it asks."""

    recommender_id: ClassVar[str] = "ials"
    unobserved: float
    regularisation: float
    frequency_power: float
    level: float
    gram: Floats = field(repr=False)

    def parts(self, own: NDArray[Any], weight: Floats) -> Floats:
        """Hu, Koren & Volinsky, section 5: the inverse of the customer's matrix, times each item's weight and factors."""
        here, matrix = self._matrix(own, weight)
        return np.asarray(_solve(matrix, (here * weight[:, None]).T).T, np.float32)

    def points(self, cells: Any) -> Floats:
        found = np.zeros((cells.shape[0], self.factors.shape[1]), np.float32)
        for row in np.flatnonzero(np.diff(cells.indptr)):
            where = slice(cells.indptr[row], cells.indptr[row + 1])
            weight = cells.data[where]
            here, matrix = self._matrix(cells.indices[where], weight)
            found[row] = _solve(matrix, weight @ here)
        return found

    def _matrix(self, own: NDArray[Any], weight: Floats) -> tuple[Floats, Floats]:
        here = self.factors[own]
        matrix = (here * weight[:, None]).T @ here
        matrix += self.gram
        pull = (
            self.level
            * (float(weight.sum(dtype=np.float64)) + self.unobserved * len(self.items)) ** self.frequency_power
        )
        matrix.flat[:: len(matrix) + 1] += np.float32(pull)
        return here, matrix

    def to_bytes(self) -> bytes:
        return pack(
            "ials", pack_items(self.items) | {"factors": self.factors, "gram": self.gram}, how=dict(self.how),
            unobserved=self.unobserved, regularisation=self.regularisation, frequency_power=self.frequency_power,
            level=self.level,
        )  # fmt: skip

    @classmethod
    def from_bytes(cls, data: bytes) -> IalsFit:
        saved, arrays = unpack(data)
        return cls(
            unpack_items(arrays), arrays["factors"], saved["how"], saved["unobserved"], saved["regularisation"],
            saved["frequency_power"], saved["level"], arrays["gram"],
        )  # fmt: skip


def _solve(matrix: Floats, right: Floats) -> Floats:
    """By Cholesky, in place."""
    from scipy.linalg.lapack import sposv

    return np.asarray(sposv(matrix, right, overwrite_a=True)[1], np.float32)
