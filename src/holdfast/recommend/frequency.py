"""What a customer bought most often itself: the baseline that every other lane must beat."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import UsageError
from holdfast.core.interactions import Interactions, Items
from holdfast.core.recommend import FITTED_RECOMMENDERS, RECOMMENDERS, Codes, Ints, Scores
from holdfast.core.text import Text
from holdfast.recommend.again_purchases import Purchases, days_of, purchases
from holdfast.recommend.lane import Lane
from holdfast.recommend.pack import pack, pack_items, unpack, unpack_items
from holdfast.recommend.popular import BOUGHT, BOUGHT_EVER, Popular, buyers_of, filled

OFTEN = Text("bought {n} times, last {days} days ago", "买过{n}次,上次在{days}天前")
ONCE = Text("bought once, {days} days ago", "买过一次,在{days}天前")
#: Items with as many buyers of late are told apart by sales of all time, which count so little beside them.
EVER = 1e-3


@RECOMMENDERS.register("frequency")
@dataclass(frozen=True)
class Frequency:
    """How many baskets of the customer held the item, each halved every `half_life` days (None: all count alike).

    Equal counts stand by the item's buyers of the last `tie_days`, then by sales of all time (None: by those alone). With
    `fill_popular` the customer's own items come first and then the others in the same order. With `tie_days=None` that is
    GP-TopFreq of Li, Jullien, Ariannezhad and de Rijke, A Next Basket Recommendation Reality Check (2023).

    >>> from holdfast.core.clock import Cutoff
    >>> from holdfast.core.interactions import tiny_interactions
    >>> past = tiny_interactions({"ann": [(90, "tea")], "bob": [(80, "tea")], "cid": [(2, "cup"), (90, "tea")]},
    ...                          Cutoff.parse("2024-06-01"))
    >>> [Frequency(tie_days=days).fit(past).recommend(past, 2).item.tolist()[-2:] for days in (28.0, None)]
    [[0, 1], [1, 0]]
    """

    recommender_id: ClassVar[str] = "frequency"
    lane: ClassVar[str] = "again"
    half_life: float | None = None
    fill_popular: bool = True
    tie_days: float | None = 28.0

    def __post_init__(self) -> None:
        if self.tie_days is not None and not self.tie_days > 0:
            raise UsageError(f"tie_days = {self.tie_days}", remedy="a number of days, or None for all time")

    def fit(self, past: Interactions) -> FrequencyFit:
        ever = Popular(window_days=None, half_life=self.half_life).fit(past)
        lately = bought_lately(past, self.tie_days)
        popularity = ever.table[0]
        if lately.any():
            popularity = (lately / lately.max() + EVER * popularity).astype(np.float32)
        own = (self.half_life, self.fill_popular, self.tie_days)
        return FrequencyFit(past.items, popularity, ever.buyers[0], lately, *own)


@FITTED_RECOMMENDERS.register("frequency")
@dataclass(frozen=True, eq=False)
class FrequencyFit(Lane):
    """Popularity of the items (about 1 is the best seller, -inf never sold); what a customer bought comes with the question.

    `buyers` counts customers of all time, `lately` those of the last `tie_days`.
    """

    recommender_id: ClassVar[str] = "frequency"
    lane: ClassVar[str] = "again"
    items: Items
    popularity: Scores = field(repr=False)
    buyers: Ints = field(repr=False)
    lately: Ints = field(repr=False)
    half_life: float | None
    fill_popular: bool
    tie_days: float | None

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
        """How often and when last; a filled item says how many bought it, of late where anybody did."""
        days = days_of(past.over(self.items), customer, item)
        return [counted(own) or self._filled(int(what)) for own, what in zip(days, item, strict=True)]

    def _filled(self, item: int) -> Text:
        if self.lately[item]:
            return filled(BOUGHT, n=int(self.lately[item]), days=f"{self.tie_days:g}")
        return filled(BOUGHT_EVER, n=int(self.buyers[item]))

    def to_bytes(self) -> bytes:
        arrays = pack_items(self.items) | {"popularity": self.popularity, "buyers": self.buyers, "lately": self.lately}
        settings = {"half_life": self.half_life, "fill_popular": self.fill_popular, "tie_days": self.tie_days}
        return pack(self.recommender_id, arrays, **settings)

    @classmethod
    def from_bytes(cls, data: bytes) -> FrequencyFit:
        saved, arrays = unpack(data)
        lately = arrays.get("lately", np.zeros_like(arrays["buyers"]))  # fits of before there was tie_days
        own = (saved["half_life"], saved["fill_popular"], saved.get("tie_days"))
        return cls(unpack_items(arrays), arrays["popularity"], arrays["buyers"], lately, *own)


def bought_lately(past: Interactions, days: float | None) -> Ints:
    """Different customers of each item in the last `days`; zeros for None."""
    bought = past.of_type("purchase")
    return buyers_of(bought.keeping(bought.age_days <= (-1.0 if days is None else days)))


def counted(days: NDArray[np.float64]) -> Text | None:
    """How often one customer bought an item and how many days ago last; None where it never did."""
    if not len(days):
        return None
    return filled(ONCE if len(days) == 1 else OFTEN, n=len(days), days=int(days.min()))
