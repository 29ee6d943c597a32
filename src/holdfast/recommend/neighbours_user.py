"""Customers who bought much the same: collaborative filtering from customer to customer.

Resnick et al. 1994, GroupLens, CSCW. The fit keeps what each training customer bought, without saying who it was: rows of
item weights in the order of their last purchase. No id, no day, no segment.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.interactions import Interactions, Items
from holdfast.core.recommend import FITTED_RECOMMENDERS, RECOMMENDERS, Scores
from holdfast.core.text import Text
from holdfast.core.threads import one_thread
from holdfast.recommend.lane import Lane
from holdfast.recommend.matrix import matrix, weights
from holdfast.recommend.neighbours import BY_TYPE, Asking
from holdfast.recommend.neighbours_counts import newest, products, strongest
from holdfast.recommend.pack import pack, pack_items, unpack, unpack_items

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
_NO_LINK = Text("no customer like you bought it", "与您相似的顾客没有购买过")


@dataclass(frozen=True, eq=False)
class UserNeighboursFit(Lane):
    """Anonymous histories (kept customers x items, CSR of norm 1) and how much each item tells of taste."""

    items: Items
    histories: Any = field(repr=False)
    telling: Floats = field(repr=False)
    asking: Asking
    neighbours: int
    recommender_id: ClassVar[str] = "user_neighbours"
    lane: ClassVar[str] = "explore"

    @cached_property
    def _holders(self) -> Any:
        """(items x kept customers): who bought each item."""
        return self.histories.T.tocsr()

    @one_thread
    def score(self, past: Interactions, rows: Ints | None = None) -> Scores:
        """Sum over the nearest histories of cosine x weight."""
        past = past.over(self.items)
        past = past if rows is None else past.take(np.asarray(rows, np.int64))
        scores = np.full((len(past), len(self.items)), -np.inf, np.float32)
        for block, near in self._near(past):
            found = (near @ self.histories).tocsr()
            row = np.repeat(np.arange(block.start, block.stop), np.diff(found.indptr))
            scores[row, found.indices] = found.data
        return scores

    def reasons(self, past: Interactions, customer: NDArray[np.int32], item: NDArray[np.int32]) -> list[Text]:
        """How many of the nearest customers bought it."""
        past = past.over(self.items)
        who, place = np.unique(np.asarray(customer, np.int64), return_inverse=True)
        near = [row for _, block in self._near(past.take(who)) for row in block]
        holders = self._holders
        said = []
        for row, what in zip(place.tolist(), item, strict=True):
            inside = holders.indices[holders.indptr[int(what)] : holders.indptr[int(what) + 1]]
            count, of = int(np.isin(near[row].indices, inside).sum()), int(near[row].nnz)
            said.append(
                Text(
                    f"{count} of the {of} customers most like you bought it",
                    f"与您最相似的{of}位顾客中有{count}位购买过",
                )
                if count
                else _NO_LINK
            )
        return said

    def _near(self, past: Interactions) -> Any:
        """(block of customers, CSR of cosines with the nearest histories)."""
        asked = unit(matrix(past, self.asking.weights(past)).astype(np.float64), self.telling)
        for block, cells in products(asked, self._holders):
            yield block, strongest(cells, self.neighbours)

    def to_bytes(self) -> bytes:
        kept = self.histories
        arrays = {"data": kept.data.astype(np.float32), "indices": kept.indices.astype(np.int32),
                  "indptr": kept.indptr.astype(np.int64), "telling": self.telling}  # fmt: skip
        head = {"asking": asdict(self.asking), "neighbours": self.neighbours}
        return pack("user_neighbours", pack_items(self.items) | arrays, **head)

    @classmethod
    def from_bytes(cls, data: bytes) -> UserNeighboursFit:
        from scipy.sparse import csr_matrix

        saved, arrays = unpack(data)
        items = unpack_items(arrays)
        cells = (arrays["data"].astype(np.float64), arrays["indices"], arrays["indptr"])
        kept = csr_matrix(cells, shape=(len(arrays["indptr"]) - 1, len(items)))
        return cls(items, kept, arrays["telling"], Asking(**saved["asking"]), saved["neighbours"])


@dataclass(frozen=True)
class UserNeighbours:
    """The `neighbours` nearest histories by cosine, items that few bought telling more (idf to the power `rarity`).

    `customers` bounds the memory: the histories of those who bought last are kept. `half_life` (days) and `decay` (a turn)
    weigh what the asking customer did long ago.

    >>> from holdfast.core.clock import Cutoff
    >>> from holdfast.core.interactions import tiny_interactions
    >>> past = tiny_interactions({"ann": [(9, "tea"), (2, "cup")], "bob": [(3, "tea")]}, Cutoff.parse("2024-01-10"))
    >>> fit = UserNeighbours().fit(past)
    >>> fit.recommend(past, 1, seen="exclude").to_arrow()["item_id"].to_pylist()
    ['cup']
    >>> fit.reasons(past, np.array([1]), np.array([0]))[0].en
    '1 of the 2 customers most like you bought it'
    """

    recommender_id: ClassVar[str] = "user_neighbours"
    lane: ClassVar[str] = "explore"
    neighbours: int = 100
    rarity: float = 1.0
    customers: int = 200_000
    half_life: float | None = 180.0
    decay: float = 0.9

    @one_thread
    def fit(self, past: Interactions) -> UserNeighboursFit:
        past = newest(past)
        counts = matrix(past, weights(past, by_type=BY_TYPE)).astype(np.float64)
        holders = np.bincount(counts.indices, minlength=len(past.items))
        telling = np.log1p(counts.shape[0] / np.maximum(holders, 1)) ** self.rarity
        kept = _latest(past, counts, holders)[: self.customers]
        histories = unit(counts[kept], telling)
        histories.data = histories.data.astype(np.float32).astype(np.float64)
        asking = Asking(half_life=self.half_life, decay=self.decay)
        return UserNeighboursFit(past.items, histories, telling, asking, self.neighbours)


def unit(counts: Any, telling: Floats) -> Any:
    """Rows of norm 1, repeats counted as their root, cells weighed by how much their item tells."""
    found = counts.tocsr(copy=True)
    found.data = np.sqrt(found.data) * telling[found.indices]
    norm = np.sqrt(np.asarray(found.multiply(found).sum(axis=1)).ravel())
    found.data /= np.repeat(np.maximum(norm, 1e-12), np.diff(found.indptr))
    return found


def _latest(past: Interactions, counts: Any, holders: NDArray[Any]) -> Ints:
    """Customers with anything, those who bought last first; equals are told apart by what they bought, not by their place."""
    able = np.flatnonzero(np.diff(counts.indptr))
    last = past.occurred_at[past.offsets[1:][able] - 1] if len(able) else np.zeros(0, np.int64)
    size = np.diff(counts.indptr)[able]
    content = np.asarray(counts @ (holders.astype(np.float64) + np.arange(len(holders)) / max(1, len(holders)))).ravel()
    return able[np.lexsort((content[able], size, -last))]


RECOMMENDERS.add(UserNeighbours.recommender_id, UserNeighbours)
FITTED_RECOMMENDERS.add(UserNeighbours.recommender_id, UserNeighboursFit)
