"""EASE: every item predicted from all others by one linear regression in closed form (Steck 2019)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import UsageError
from holdfast.core.interactions import Interactions, Items
from holdfast.core.recommend import FITTED_RECOMMENDERS, RECOMMENDERS, Codes, Scores
from holdfast.core.text import Text
from holdfast.core.threads import one_thread
from holdfast.recommend.ease_solve import by_customers, by_items, most, smaller
from holdfast.recommend.factors.because import reasons
from holdfast.recommend.factors.reading import how_of, read
from holdfast.recommend.lane import Ints, Lane
from holdfast.recommend.matrix import BOUGHT
from holdfast.recommend.pack import pack, pack_items, unpack, unpack_items

Floats = NDArray[np.float32]


@RECOMMENDERS.register("ease")
@dataclass(frozen=True)
class Ease:
    """Minimises |X - X B|^2 + regularisation |B|^2 with a diagonal of 0; X are the customers' weights.

    Weights are halved every `half_life_days` before the cutoff, in the fit and (by `query_half_life_days`) in the question.
    Only items acted on in the last `window_days`, and of those the `most_items` with the largest weight, take part; where
    the matrix would not fit into `memory_mb` fewer do, and the fit says so (`cut_note`). With fewer customers than items
    the same answer comes from a matrix of customers (Woodbury), which is smaller.

    >>> from holdfast.core.clock import Cutoff
    >>> from holdfast.core.interactions import tiny_interactions
    >>> past = tiny_interactions({"ann": [(2, "tea"), (1, "cup")], "bob": [(1, "tea"), (3, "cup")], "cy": [(1, "tea")]},
    ...                          Cutoff.parse("2024-01-10"))
    >>> Ease(regularisation=1.0).fit(past).score(past).round(1)[2].tolist()
    [0.5, 0.0]
    """

    recommender_id: ClassVar[str] = "ease"
    lane: ClassVar[str] = "explore"
    regularisation: float = 200.0
    window_days: float | None = None
    most_items: int | None = None
    memory_mb: float = 2500.0
    half_life_days: float | None = 180.0
    query_half_life_days: float | None = 90.0
    repeats: str = "once"
    units: str = "ignore"
    by_type: tuple[tuple[str, float], ...] = tuple(BOUGHT.items())

    def __post_init__(self) -> None:
        if self.regularisation <= 0 or self.memory_mb <= 0:
            raise UsageError("ease needs regularisation and memory_mb over 0")

    @one_thread
    def fit(self, past: Interactions) -> EaseFit:
        """One Gram matrix, one Cholesky factorisation."""
        how = how_of(self)
        cells = read(past, **how)
        columns, cut = self._taking_part(past, cells)
        cells = cells[:, columns]
        cells = cells[np.flatnonzero(np.diff(cells.indptr))]
        if smaller(self.memory_mb, cells.shape[1], cells.shape[0]):
            weights, scale = by_customers(cells, self.regularisation)
        else:
            weights, scale = by_items(cells, self.regularisation), None
        asked = how | {"half_life_days": self.query_half_life_days}
        return EaseFit(past.items, columns, weights, scale, asked, cut)

    def _taking_part(self, past: Interactions, cells: Any) -> tuple[Ints, tuple[int, int] | None]:
        """Columns of the items that take part, rising; and (kept, wanted) where memory did not do for all."""
        total = np.asarray(cells.sum(axis=0), np.float64).ravel()
        newest = np.full(len(past.items), np.inf)
        np.minimum.at(newest, past.item, past.age_days)
        open_ = (total > 0) & (newest <= (np.inf if self.window_days is None else self.window_days))
        wanted = int(open_.sum() if self.most_items is None else min(self.most_items, open_.sum()))
        kept = min(wanted, most(self.memory_mb, wanted, cells.shape[0]))
        order = np.lexsort((newest, -total, ~open_))[:kept]
        return np.sort(order).astype(np.int64), (kept, wanted) if kept < wanted else None


@FITTED_RECOMMENDERS.register("ease")
@dataclass(frozen=True, eq=False)
class EaseFit(Lane):
    """`weights` is B (items x items that take part), or its dual: items x directions, with `scale` the diagonal of P.

    `columns` are the catalogue's positions of the items that take part. Holds no customers: directions are mixtures of all.
    """

    recommender_id: ClassVar[str] = "ease"
    lane: ClassVar[str] = "explore"
    items: Items
    columns: Ints = field(repr=False)
    weights: Floats = field(repr=False)
    scale: Floats | None = field(repr=False)
    how: Mapping[str, Any]
    cut: tuple[int, int] | None = None

    @property
    def cut_note(self) -> Text | None:
        """What was left out because the memory budget did not do; None where everything fitted."""
        if self.cut is None:
            return None
        kept, wanted = self.cut
        return Text(
            f"EASE kept the {kept:,} most frequent of {wanted:,} items: more do not fit into its memory budget",
            f"EASE只保留了{wanted:,}件商品中最常购买的{kept:,}件：内存预算容不下更多",
        )

    def cells(self, past: Interactions) -> Any:
        """Weights of the items that take part."""
        return read(past, **self.how)[:, self.columns]

    @one_thread
    def score(self, past: Interactions, rows: Ints | None = None) -> Scores:
        """Each row's weights times B; -inf for items that do not take part and customers who have none that do."""
        past = past.over(self.items)
        cells = self.cells(past if rows is None else past.take(np.asarray(rows, np.int64)))
        found = np.full((cells.shape[0], len(self.items)), -np.inf, np.float32)
        some = np.flatnonzero(np.diff(cells.indptr))
        found[np.ix_(some, self.columns)] = self._products(cells[some])
        return found

    def _products(self, cells: Any) -> Floats:
        if self.scale is None:
            return np.asarray(cells @ self.weights, np.float32)
        # row j of the dual: B_ij = (directions_i . directions_j) / P_jj off the diagonal, and 0 on it
        found = np.asarray((cells @ self.weights) @ self.weights.T, np.float32)
        own = (self.weights[cells.indices] ** 2).sum(axis=1)
        row = np.repeat(np.arange(cells.shape[0]), np.diff(cells.indptr))
        found[row, cells.indices] -= cells.data * own
        return found / self.scale

    def reasons(self, past: Interactions, customer: Codes, item: Codes) -> list[Text]:
        """The own items with the largest products in this item's column of B."""
        past = past.over(self.items)
        place = np.full(len(self.items), -1)
        place[self.columns] = np.arange(len(self.columns))

        def carried(who: int, what: int) -> tuple[Ints, NDArray[np.floating]]:
            cells = self.cells(past.take(np.array([who])))
            own = cells.indices
            to = int(place[what])
            part = np.zeros(len(own), np.float32) if to < 0 else cells.data * self._column(own, to)
            return self.columns[own], part

        return reasons(past, self.items, customer.tolist(), item.tolist(), carried)

    def _column(self, own: NDArray[Any], to: int) -> Floats:
        if self.scale is None:
            return np.asarray(self.weights[own, to], np.float32)
        found = np.where(own == to, np.float32(0), self.weights[own] @ self.weights[to])
        return np.asarray(found / self.scale[to], np.float32)

    def to_bytes(self) -> bytes:
        arrays = pack_items(self.items) | {"columns": self.columns, "weights": self.weights}
        if self.scale is not None:
            arrays["scale"] = self.scale
        return pack("ease", arrays, how=dict(self.how), cut=self.cut)

    @classmethod
    def from_bytes(cls, data: bytes) -> EaseFit:
        saved, arrays = unpack(data)
        cut = None if saved["cut"] is None else (saved["cut"][0], saved["cut"][1])
        return cls(
            unpack_items(arrays), arrays["columns"], arrays["weights"], arrays.get("scale"), saved["how"], cut
        )  # fmt: skip
