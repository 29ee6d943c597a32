"""The next basket from customers alike: their lately bought items, weighed by how much of the rare they share."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import UsageError
from holdfast.core.interactions import Interactions, Items
from holdfast.core.recommend import FITTED_RECOMMENDERS, RECOMMENDERS, Codes, Ints, Scores
from holdfast.core.text import Text
from holdfast.core.threads import one_thread
from holdfast.recommend.again_purchases import Purchases, purchases
from holdfast.recommend.lane import Lane
from holdfast.recommend.pack import pack, pack_items, unpack, unpack_items
from holdfast.recommend.popular import filled

ALIKE = Text(
    "{n} of the {k} customers most like you bought this and, as you did, {title}",
    "与您最相似的{k}位顾客中,有{n}位买过它,并且和您一样买过{title}",
)
ALIKE_ONLY = Text("{n} of the {k} customers most like you bought this", "与您最相似的{k}位顾客中,有{n}位买过它")
NOBODY = Text("no customer like you has bought this yet", "与您相似的顾客还没有买过它")


@RECOMMENDERS.register("next_basket")
@dataclass(frozen=True)
class NextBasket:
    """User neighbours over baskets, counted back from the newest.

    A customer is the vector of its items, each purchase halved every `half_life_baskets` later baskets and weighed by
    log(customers / buyers)^`rarity`; alike are the `neighbours` of the greatest cosine. The score of an item is how much of
    it the neighbours' own newest baskets hold (halved every `fresh_half_life_baskets`), on average weighed by
    cosine^`locality`. A neighbour with the very same vector teaches nothing and is passed over. At most `most` customers are
    kept, those seen last. After UP-CF@r (Faggioli, Polato, Aiolli 2020) and TIFU-KNN (Hu et al. 2020).
    """

    recommender_id: ClassVar[str] = "next_basket"
    lane: ClassVar[str] = "explore"
    neighbours: int = 300
    half_life_baskets: float = 6.6
    fresh_half_life_baskets: float = 3.0
    rarity: float = 1.0
    locality: float = 1.0
    most: int = 50_000

    def __post_init__(self) -> None:
        if self.neighbours < 1 or self.most < 1:
            raise UsageError("next_basket without neighbours", remedy="give neighbours and most of 1 or more")

    def fit(self, past: Interactions) -> NextBasketFit:
        bought = purchases(past)
        width = len(past.items)
        buyers = np.bincount(bought.pairs[1], minlength=width)
        active = int((bought.baskets > 0).sum())
        rarity = np.maximum(np.log((1 + active) / np.maximum(buyers, 1)), 1e-3) ** self.rarity
        taste = _rows(bought, len(past), self.half_life_baskets, width)
        fresh = _rows(bought, len(past), self.fresh_half_life_baskets, width)
        taste.data = (taste.data * rarity[taste.indices]).astype(np.float32)
        kept = _order(taste, fresh, _newest(bought, len(past), self.most))
        return NextBasketFit(past.items, taste[kept], fresh[kept], rarity.astype(np.float32), self)


@FITTED_RECOMMENDERS.register("next_basket")
@dataclass(frozen=True, eq=False)
class NextBasketFit(Lane):
    """Rows of customers without names, ordered by what they hold: `taste` to compare with, `fresh` to learn from."""

    recommender_id: ClassVar[str] = "next_basket"
    lane: ClassVar[str] = "explore"
    items: Items
    taste: Any = field(repr=False)
    fresh: Any = field(repr=False)
    rarity: NDArray[np.float32] = field(repr=False)
    settings: NextBasket

    @cached_property
    def _turned(self) -> Any:
        """Tastes by item, of length 1, so that a product with a customer is its cosines."""
        from scipy.sparse import diags

        length = np.sqrt(np.asarray(self.taste.multiply(self.taste).sum(axis=1)).reshape(-1))
        return (diags(1.0 / np.maximum(length, 1e-12)) @ self.taste).T.tocsr().astype(np.float32)

    def _own(self, past: Interactions, rows: Ints) -> Any:
        own = _rows(purchases(past, rows), len(rows), self.settings.half_life_baskets, len(self.items))
        own.data = (own.data * self.rarity[own.indices]).astype(np.float32)
        length = np.sqrt(np.asarray(own.multiply(own).sum(axis=1)).reshape(-1))
        own.data /= np.repeat(np.maximum(length, 1e-12), np.diff(own.indptr)).astype(np.float32)
        return own

    def alike(self, past: Interactions, rows: Ints) -> Any:
        """(rows x kept customers) CSR of the neighbours' weights, 1 in total for each customer that has any."""
        cosine = (self._own(past, rows) @ self._turned).tocsr()
        for one in range(len(rows)):
            inside = cosine.data[cosine.indptr[one] : cosine.indptr[one + 1]]
            inside[inside > 1 - 1e-5] = 0.0
            if len(inside) > self.settings.neighbours:
                edge = np.partition(inside, len(inside) - self.settings.neighbours)[-self.settings.neighbours]
                inside[inside < edge] = 0.0
            inside **= self.settings.locality
            total = float(inside.sum(dtype=np.float64))
            inside /= np.float32(total or 1.0)
        cosine.eliminate_zeros()
        cosine.sort_indices()
        return cosine

    @one_thread
    def score(self, past: Interactions, rows: Ints | None = None) -> Scores:
        past = past.over(self.items)
        rows = np.arange(len(past)) if rows is None else np.asarray(rows, np.int64)
        scores = np.asarray((self.alike(past, rows) @ self.fresh).toarray(), np.float32)
        scores[scores <= 0] = -np.inf
        return scores

    def reasons(self, past: Interactions, customer: Codes, item: Codes) -> list[Text]:
        """How many of the neighbours bought it, and which own item most of them share."""
        past = past.over(self.items)
        rows, place = np.unique(np.asarray(customer, np.int64), return_inverse=True)
        alike, own = self.alike(past, rows), self._own(past, rows)
        titles = [
            title or name
            for title, name in zip(self.items.title.to_pylist(), self.items.item_id.to_pylist(), strict=True)
        ]
        return [
            self._reason(alike[at], own[at], int(what), titles)
            for at, what in zip(place.reshape(-1), item, strict=True)
        ]

    def _reason(self, alike: Any, own: Any, item: int, titles: list[str]) -> Text:
        among = self.fresh[alike.indices]
        has = np.asarray(among[:, [item]].toarray()).reshape(-1) > 0
        if not has.any():
            return NOBODY
        said = {"k": len(has), "n": int(has.sum())}
        shared = self.taste[alike.indices[has]][:, own.indices].toarray() > 0
        weight = shared.T.astype(np.float64) @ alike.data[has] * own.data
        weight[own.indices == item] = 0.0
        if not (weight > 0).any():
            return filled(ALIKE_ONLY, **said)
        best = int(np.argmax(weight))
        return filled(ALIKE, **(said | {"n": int(shared[:, best].sum())}), title=titles[own.indices[best]])

    def to_bytes(self) -> bytes:
        arrays = {**pack_items(self.items), "rarity": self.rarity, "indptr": self.taste.indptr,
                  "indices": self.taste.indices, "taste": self.taste.data, "fresh": self.fresh.data}  # fmt: skip
        return pack(self.recommender_id, arrays, settings=asdict(self.settings))

    @classmethod
    def from_bytes(cls, data: bytes) -> NextBasketFit:
        from scipy.sparse import csr_matrix

        saved, arrays = unpack(data)
        shape = (len(arrays["indptr"]) - 1, len(arrays["rarity"]))
        taste, fresh = (
            csr_matrix((arrays[one], arrays["indices"], arrays["indptr"]), shape=shape) for one in ("taste", "fresh")
        )
        return cls(unpack_items(arrays), taste, fresh, arrays["rarity"], NextBasket(**saved["settings"]))


def _rows(bought: Purchases, customers: int, half_life: float, width: int) -> Any:
    """(customers x items) CSR of purchases, halved every so many later baskets."""
    from scipy.sparse import csr_matrix

    # no weight underflows to 0, so that both matrices of a fit have the same cells
    weight = 0.5 ** np.minimum(bought.turn / half_life, 60.0)
    found = csr_matrix((weight, (bought.customer, bought.item)), shape=(customers, width), dtype=np.float32)
    found.sort_indices()
    return found


def _newest(bought: Purchases, customers: int, most: int) -> Ints:
    """Customers with purchases; of too many those who bought last."""
    last = np.full(customers, np.inf)
    np.minimum.at(last, bought.customer, bought.days)
    some = np.flatnonzero(np.isfinite(last))
    return some if len(some) <= most else some[last[some] <= np.partition(last[some], most - 1)[most - 1]]


def _order(taste: Any, fresh: Any, kept: Ints) -> Ints:
    """Rows by what they hold: the order of the customers, which could give them away, is lost."""

    def key(row: int) -> tuple[bytes, bytes, bytes]:
        inside = slice(taste.indptr[row], taste.indptr[row + 1])
        return taste.indices[inside].tobytes(), taste.data[inside].tobytes(), fresh.data[inside].tobytes()

    return np.array(sorted(kept.tolist(), key=key), np.int64)
