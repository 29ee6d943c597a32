"""`content`: items like those that a customer chose."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.errors import StateError, UsageError
from holdfast.core.interactions import Interactions, Items
from holdfast.core.recommend import FITTED_RECOMMENDERS, RECOMMENDERS, Recommendations, Scores
from holdfast.core.text import Text
from holdfast.core.threads import one_thread
from holdfast.recommend.content.describe import BLOCKS, GOODS, Described, blocks_of
from holdfast.recommend.content.fuse import learn_weights
from holdfast.recommend.content.images import image_vectors
from holdfast.recommend.content.said import both_are, chosen_on, name_of, shared
from holdfast.recommend.lane import Lane
from holdfast.recommend.matrix import matrix, weights
from holdfast.recommend.pack import pack, pack_items, unpack, unpack_items

Ints = NDArray[np.int64]
#: What an act tells of a taste, beside a purchase.
INTEREST = {"purchase": 1.0, "wishlist": 0.5, "cart_add": 0.5, "share": 0.5, "click": 0.2, "view": 0.2}
WEIGHTS = ("given", "learned")
#: Likeness under this is rounding, not likeness.
_NOTHING = 1e-5
#: Items that are described alike stand in the order of their purchases.
_TIE = 2e-6


@dataclass(frozen=True)
class Content:
    """Cosine between an item and the recency-weighted mean of the items a customer chose (Pazzani & Billsus 2007).

    The seven numbers weigh the blocks of the catalogue; `weights = "learned"` fits them to what customers chose next.
    `half_life` is in days (None: age does not count), `only` a kind (`goods`, `course`, ...; "" all): what is chosen
    counts whatever its kind, what is recommended is of that kind. An item of fewer than `cold_below` purchases is said
    in the lane `new`, any other in `explore`. `images` is none, descriptors or onnx (then by the file `image_model`).

    >>> from holdfast.core.clock import Cutoff
    >>> from holdfast.core.interactions import tiny_interactions
    >>> past = tiny_interactions({"ann": [(3, "a")], "bob": [(1, "c")]}, Cutoff.parse("2024-01-10"))
    >>> past = past.over(Items.named(["a", "b", "c"], title=["green tea", "tea cup", "wool hat"]))
    >>> fit = Content().fit(past)
    >>> fit.recommend(past, 1, seen="exclude").to_arrow().select(["customer_id", "item_id", "lane"]).to_pylist()
    [{'customer_id': 'ann', 'item_id': 'b', 'lane': 'new'}]
    >>> fit.reasons(past, np.array([0]), np.array([1]))[0].en
    'like green tea that you bought on 7 January 2024; both: tea'
    """

    recommender_id: ClassVar[str] = "content"
    lane: ClassVar[str] = "explore"
    words: float = 1.0
    category: float = 0.5
    brand: float = 0.5
    price: float = 0.25
    kind: float = 0.25
    embedding: float = 1.0
    image: float = 1.0
    weights: str = "given"
    half_life: float | None = 90.0
    only: str = ""
    cold_below: int = 5
    images: str = "none"
    image_folder: str = ""
    image_model: str = ""

    def fit(self, past: Interactions) -> FittedContent:
        """Describe the catalogue; who bought what is read only for the weights and for what is cold."""
        items = past.items
        described = self.describe(past)
        bought = past.of_type("purchase")
        counts = np.bincount(bought.item, minlength=len(items))
        kinds = [one or GOODS for one in items.kind.to_pylist()]
        speaks = np.array([not self.only or one == self.only for one in kinds], bool)
        return FittedContent(self, items, described, counts, speaks)

    def describe(self, past: Interactions) -> Described:
        """A vector for each item of the catalogue."""
        if self.weights not in WEIGHTS:
            raise UsageError(f"weights = {self.weights!r}", remedy=f"one of: {', '.join(WEIGHTS)}")
        image = image_vectors(past.items, self.images, folder=self.image_folder, model=self.image_model)
        blocks = blocks_of(past.items, image)
        given = {name: float(getattr(self, name)) for name in BLOCKS}
        if self.weights == "learned":
            given = learn_weights(blocks, past, weights(past, half_life=self.half_life, by_type=INTEREST)) or given
        return blocks.weighed(given)


@dataclass(frozen=True, eq=False)
class FittedContent(Lane):
    """The catalogue as vectors. `bought` counts the purchases of each item, `speaks` marks those it may name."""

    recommender_id: ClassVar[str] = "content"
    lane: ClassVar[str] = "explore"
    recommender: Content
    items: Items
    described: Described = field(repr=False)
    bought: Ints = field(repr=False)
    speaks: NDArray[np.bool_] = field(repr=False)

    @one_thread
    def score(self, past: Interactions, rows: Ints | None = None) -> Scores:
        """Cosine in (0, 1]; -inf where an item has nothing in common with the customer's, or is of another kind."""
        past = past.over(self.items)
        past = past if rows is None else past.take(np.asarray(rows, np.int64))
        weight = weights(past, half_life=self.recommender.half_life, by_type=INTEREST)
        chosen = matrix(past, weight)
        sparse = np.asarray((chosen @ self.described.sparse).toarray(), np.float64)
        dense = np.asarray(chosen @ self.described.dense, np.float64)
        length = np.sqrt((sparse**2).sum(axis=1) + (dense**2).sum(axis=1))
        scale = np.where(length > 0, 1 / np.where(length > 0, length, 1), 0)[:, None]
        found = (self.described.sparse @ (sparse * scale).T).T + (dense * scale) @ self.described.dense.T
        equals = _TIE * self.bought / max(int(self.bought.max(initial=0)), 1)
        return np.where((found > _NOTHING) & self.speaks, found + equals, -np.inf).astype(np.float32)

    def recommend(self, past: Interactions, count: int, **options: Any) -> Recommendations:
        """The lists; each entry says whether its item is `new` or to be explored."""
        found = super().recommend(past, count, **options)
        words = np.where(self.bought[found.item] < self.recommender.cold_below, "new", self.lane)
        return replace(found, lane=pa.array(words.tolist(), pa.string()))

    def reasons(self, past: Interactions, customer: NDArray[np.int32], item: NDArray[np.int32]) -> list[Text]:
        """ "like TITLE that you bought on 3 May 2024; both: green, tea"."""
        past = past.over(self.items)
        weight = weights(past, half_life=self.recommender.half_life, by_type=INTEREST)
        return [self._reason(past, weight, int(c), int(i)) for c, i in zip(customer, item, strict=True)]

    def _reason(self, past: Interactions, weight: NDArray[np.float32], customer: int, item: int) -> Text:
        own = past.rows_of(customer)
        others, where = np.unique(past.item[own], return_inverse=True)
        mass = np.bincount(where, weight[own], minlength=len(others))
        near = self.described.sparse[others] @ self.described.sparse[item].T
        alike = np.asarray(near.toarray()).ravel() + self.described.dense[others] @ self.described.dense[item]
        part = np.where(others == item, 0.0, mass * alike)
        if not len(part) or part.max() <= _NOTHING:
            if item in others[mass > 0]:
                on = chosen_on(past, customer, item)
                return Text(f"{name_of(self.items, item)}, {on.en}", f"{on.zh}{name_of(self.items, item)}")
            return Text("nothing that you chose is like it", "您选过的商品中没有与它相似的")
        best = int(others[int(part.argmax())])
        on, both = chosen_on(past, customer, best), both_are(shared(self.described, best, item))
        title = name_of(self.items, best)
        return Text(f"like {title} {on.en}; {both.en}", f"与{on.zh}{title}相似；{both.zh}")

    def to_bytes(self) -> bytes:
        sparse = self.described.sparse
        arrays = {
            "data": sparse.data, "indices": sparse.indices.astype(np.int32), "indptr": sparse.indptr.astype(np.int64),
            "dense": self.described.dense, "bought": self.bought, "speaks": self.speaks,
        }  # fmt: skip
        return pack(
            self.recommender_id, arrays | pack_items(self.items), names=self.described.names,
            recommender=json.loads(json.dumps(asdict(self.recommender))),
        )  # fmt: skip

    @classmethod
    def from_bytes(cls, data: bytes) -> FittedContent:
        from scipy.sparse import csr_matrix

        saved, arrays = unpack(data)
        if saved["kind"] != cls.recommender_id:
            raise StateError(f"this is a saved {saved['kind']!r}, not {cls.recommender_id!r}")
        names = tuple((block, term) for block, term in saved["names"])
        items = unpack_items(arrays)
        parts = (arrays["data"], arrays["indices"], arrays["indptr"])
        described = Described(names, csr_matrix(parts, shape=(len(items), len(names))), arrays["dense"])
        return cls(Content(**saved["recommender"]), items, described, arrays["bought"], arrays["speaks"])


RECOMMENDERS.add(Content.recommender_id, Content)
FITTED_RECOMMENDERS.add(Content.recommender_id, FittedContent)
