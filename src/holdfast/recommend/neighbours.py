"""Items that are bought by the same customers: collaborative filtering from item to item.

Sarwar, Karypis, Konstan, Riedl 2001, Item-based collaborative filtering recommendation algorithms, WWW; BM25 weights as
in Robertson and Zaragoza 2009, The probabilistic relevance framework.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from holdfast.core.interactions import Interactions, Items
from holdfast.core.recommend import FITTED_RECOMMENDERS, RECOMMENDERS, Scores
from holdfast.core.text import Text
from holdfast.core.threads import one_thread
from holdfast.recommend.lane import Lane
from holdfast.recommend.matrix import matrix, weights
from holdfast.recommend.neighbours_counts import newest, products, stacked, strongest, turns_back
from holdfast.recommend.neighbours_words import day_text, done_text, title_of
from holdfast.recommend.pack import pack, pack_items, unpack, unpack_items

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Weighting = Literal["cosine", "bm25"]
#: Buying counts most; what a customer put in the cart or wished for says something, too.
BY_TYPE: Mapping[str, float] = {"purchase": 1.0, "cart_add": 0.3, "wishlist": 0.3}
_NO_LINK = Text("none of what you bought leads to it", "与您以往的购买没有关联")


@dataclass(frozen=True)
class Asking:
    """How much each thing that a customer did counts when neighbours of it are looked for.

    `decay` for each turn (basket) that came after it, halved every `half_life` days.
    """

    by_type: Mapping[str, float] = field(default_factory=lambda: dict(BY_TYPE))
    half_life: float | None = None
    decay: float = 1.0

    def weights(self, past: Interactions) -> Floats:
        """One weight an interaction of `past`."""
        found = weights(past, half_life=self.half_life, by_type=self.by_type)
        return found if self.decay == 1.0 else (found * self.decay ** turns_back(past)).astype(np.float32)


@dataclass(frozen=True, eq=False)
class ItemNeighboursFit(Lane):
    """For each item its neighbours and how near they are: `similarity` is (items x items) CSR, from row to column."""

    recommender_id: str  # type: ignore[misc]
    items: Items
    similarity: Any = field(repr=False)
    asking: Asking
    zone: str = "UTC"
    lane: ClassVar[str] = "explore"

    @one_thread
    def score(self, past: Interactions, rows: Ints | None = None) -> Scores:
        """Sum over a customer's items of weight x similarity."""
        past = past.over(self.items)
        past = past if rows is None else past.take(np.asarray(rows, np.int64))
        scores = np.full((len(past), len(self.items)), -np.inf, np.float32)
        asked = matrix(past, self.asking.weights(past)).astype(np.float64)
        for block, found in products(asked, self.similarity):
            row = np.repeat(np.arange(block.start, block.stop), np.diff(found.indptr))
            scores[row, found.indices] = found.data
        return scores

    def reasons(self, past: Interactions, customer: NDArray[np.int32], item: NDArray[np.int32]) -> list[Text]:
        """The past item that contributed most, and when."""
        past = past.over(self.items)
        asked = self.asking.weights(past)
        sources = self.similarity.tocsc()
        return [
            self._reason(past, asked, sources, int(who), int(what)) for who, what in zip(customer, item, strict=True)
        ]

    def _reason(self, past: Interactions, asked: Floats, sources: Any, customer: int, item: int) -> Text:
        rows = past.rows_of(customer)
        near = np.zeros(len(self.items))
        inside = slice(sources.indptr[item], sources.indptr[item + 1])
        near[sources.indices[inside]] = sources.data[inside]
        total = np.zeros(len(self.items))
        np.add.at(total, past.item[rows], asked[rows] * near[past.item[rows]])
        if not total.any():
            return _NO_LINK
        most = int(total.argmax())
        # of all times it was bought the newest is the one that people remember
        row = rows[np.flatnonzero((past.item[rows] == most) & (asked[rows] > 0))[-1]]
        day, done = day_text(int(past.occurred_at[row]), past.cutoff, self.zone), done_text(int(past.event_type[row]))
        name = title_of(self.items, most)
        return Text(f"because of {name} that you {done.en} {day.en}", f"因为您{day.zh}{done.zh}了{name}")

    def to_bytes(self) -> bytes:
        near = self.similarity
        arrays = {"data": near.data.astype(np.float32), "indices": near.indices.astype(np.int32),
                  "indptr": near.indptr.astype(np.int64)}  # fmt: skip
        head = {"recommender_id": self.recommender_id, "asking": asdict(self.asking), "zone": self.zone}
        return pack("item_neighbours", pack_items(self.items) | arrays, **head)

    @classmethod
    def from_bytes(cls, data: bytes) -> ItemNeighboursFit:
        from scipy.sparse import csr_matrix

        saved, arrays = unpack(data)
        items = unpack_items(arrays)
        cells = (arrays["data"].astype(np.float64), arrays["indices"], arrays["indptr"])
        near = csr_matrix(cells, shape=(len(items), len(items)))
        return cls(saved["recommender_id"], items, near, Asking(**saved["asking"]), saved["zone"])


@dataclass(frozen=True)
class ItemNeighbours:
    """Cosine between the columns of the (customers x items) matrix, shrunk, the nearest `neighbours` of each item kept.

    `weighting`: "bm25" lets long histories and items that everybody buys say less, "cosine" takes the counts as they are.
    `shrinkage` is added to the product of the norms, so that two items with one customer in common are not alike yet.
    `half_life` (days) and `decay` (a turn) weigh what a customer did long ago, when asked; `fit_half_life` when learning.

    >>> from holdfast.core.clock import Cutoff
    >>> from holdfast.core.interactions import tiny_interactions
    >>> past = tiny_interactions({"ann": [(9, "tea"), (2, "cup")], "bob": [(3, "tea")]}, Cutoff.parse("2024-01-10"))
    >>> fit = ItemNeighbours().fit(past)
    >>> fit.recommend(past, 1, seen="exclude").to_arrow().select(["customer_id", "item_id"]).to_pylist()
    [{'customer_id': 'bob', 'item_id': 'cup'}]
    >>> fit.reasons(past, np.array([1]), np.array([0]))[0].en
    'because of tea that you bought on Sunday'
    """

    recommender_id: ClassVar[str] = "item_neighbours"
    lane: ClassVar[str] = "explore"
    neighbours: int = 200
    weighting: Weighting = "bm25"
    shrinkage: float = 5.0
    half_life: float | None = 180.0
    decay: float = 0.9
    fit_half_life: float | None = None
    zone: str = "UTC"

    @one_thread
    def fit(self, past: Interactions) -> ItemNeighboursFit:
        past = newest(past)
        counts = matrix(past, weights(past, half_life=self.fit_half_life, by_type=BY_TYPE)).astype(np.float64)
        weighed = bm25(counts) if self.weighting == "bm25" else counts
        norm = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=0)).ravel())
        found = []
        for block, cells in products(weighed.T.tocsr(), weighed):
            row = np.repeat(np.arange(block.start, block.stop), np.diff(cells.indptr))
            cells.data /= norm[row] * norm[cells.indices] + self.shrinkage
            cells.data[row == cells.indices] = 0.0  # an item is not its own neighbour
            cells.eliminate_zeros()
            found.append(strongest(rounded(cells), self.neighbours))
        asking = Asking(half_life=self.half_life, decay=self.decay)
        return ItemNeighboursFit(
            self.recommender_id, past.items, stacked(found, len(past.items)), asking, self.zone
        )  # fmt: skip


def rounded(cells: Any) -> Any:
    """The digits that the saved fit holds, so that a fit and its bytes say the same."""
    cells.data = cells.data.astype(np.float32).astype(np.float64)
    cells.eliminate_zeros()
    return cells


def bm25(counts: Any, k1: float = 1.2, b: float = 0.75) -> Any:
    """Counts (customers x items) weighed as terms: long rows and frequent columns say less, repeats saturate."""
    found = counts.tocsr(copy=True)
    length = np.asarray(found.sum(axis=1)).ravel()
    mean = length[length > 0].mean() if (length > 0).any() else 1.0
    holders = np.bincount(found.indices, minlength=found.shape[1])
    rare = np.log1p(found.shape[0] / np.maximum(holders, 1))
    row = np.repeat(np.arange(found.shape[0]), np.diff(found.indptr))
    found.data *= (k1 + 1) / (found.data + k1 * (1 - b + b * length[row] / mean)) * rare[found.indices]
    return found


RECOMMENDERS.add(ItemNeighbours.recommender_id, ItemNeighbours)
FITTED_RECOMMENDERS.add(ItemNeighbours.recommender_id, ItemNeighboursFit)
