"""What a customer bought most often itself: the baseline that every other lane must beat."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.interactions import Interactions, Items
from holdfast.core.recommend import FITTED_RECOMMENDERS, RECOMMENDERS, Codes, Ints, Scores
from holdfast.core.text import Text
from holdfast.recommend.again_purchases import Purchases, days_of, purchases
from holdfast.recommend.lane import Lane
from holdfast.recommend.pack import pack, pack_items, unpack, unpack_items
from holdfast.recommend.popular import BOUGHT_EVER, Popular, filled

OFTEN = Text("bought {n} times, last {days} days ago", "买过{n}次,上次在{days}天前")
ONCE = Text("bought once, {days} days ago", "买过一次,在{days}天前")


@RECOMMENDERS.register("frequency")
@dataclass(frozen=True)
class Frequency:
    """How many baskets of the customer held the item, each halved every `half_life` days (None: all count alike).

    Equal counts stand by the item's popularity. With `fill_popular` the customer's own items come first and then what
    sells most: GP-TopFreq of Li, Jullien, Ariannezhad and de Rijke, A Next Basket Recommendation Reality Check (2023).
    """

    recommender_id: ClassVar[str] = "frequency"
    lane: ClassVar[str] = "again"
    half_life: float | None = None
    fill_popular: bool = True

    def fit(self, past: Interactions) -> FrequencyFit:
        popular = Popular(window_days=None, half_life=self.half_life).fit(past)
        return FrequencyFit(past.items, popular.table[0], popular.buyers[0], self.half_life, self.fill_popular)


@FITTED_RECOMMENDERS.register("frequency")
@dataclass(frozen=True, eq=False)
class FrequencyFit(Lane):
    """Popularity of the items (1 is the best seller, -inf never sold); what a customer bought comes with the question."""

    recommender_id: ClassVar[str] = "frequency"
    lane: ClassVar[str] = "again"
    items: Items
    popularity: Scores = field(repr=False)
    buyers: Ints = field(repr=False)
    half_life: float | None
    fill_popular: bool

    def score(self, past: Interactions, rows: Ints | None = None) -> Scores:
        past = past.over(self.items)
        rows = np.arange(len(past)) if rows is None else np.asarray(rows, np.int64)
        scores = np.full((len(rows), len(self.items)), -np.inf, np.float32)
        if self.fill_popular:
            scores[:] = self.popularity - 2.0  # under 0: after everything of the customer's own
        own = purchases(past, rows)
        customer, item = own.pairs
        known = np.where(np.isfinite(self.popularity), self.popularity, 0.0)
        scores[customer, item] = self._weight(own) * (1 + 1e-4 * known[item])
        return scores

    def _weight(self, own: Purchases) -> NDArray[np.float64]:
        """The weight of each (customer, item) pair; never 0, however long ago."""
        halved = np.zeros(len(own.days)) if self.half_life is None else own.days / self.half_life
        weight = np.bincount(own.pair, 0.5 ** np.minimum(halved, 100.0)) if len(halved) else np.zeros(0)
        return np.asarray(weight, np.float64)

    def reasons(self, past: Interactions, customer: Codes, item: Codes) -> list[Text]:
        """How often and when last; a filled item says how many bought it."""
        days = days_of(past.over(self.items), customer, item)
        return [
            counted(own) or filled(BOUGHT_EVER, n=int(self.buyers[what])) for own, what in zip(days, item, strict=True)
        ]

    def to_bytes(self) -> bytes:
        arrays = {**pack_items(self.items), "popularity": self.popularity, "buyers": self.buyers}
        return pack(self.recommender_id, arrays, half_life=self.half_life, fill_popular=self.fill_popular)

    @classmethod
    def from_bytes(cls, data: bytes) -> FrequencyFit:
        saved, arrays = unpack(data)
        items = unpack_items(arrays)
        return cls(items, arrays["popularity"], arrays["buyers"], saved["half_life"], saved["fill_popular"])


def counted(days: NDArray[np.float64]) -> Text | None:
    """How often one customer bought an item and how many days ago last; None where it never did."""
    if not len(days):
        return None
    return filled(ONCE if len(days) == 1 else OFTEN, n=len(days), days=int(days.min()))
