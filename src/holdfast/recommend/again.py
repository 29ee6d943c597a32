"""What a customer is due to buy again: how often and how lately it did, and the item's rhythm."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import UsageError
from holdfast.core.interactions import Interactions, Items
from holdfast.core.recommend import FITTED_RECOMMENDERS, RECOMMENDERS, Codes, Ints, Scores
from holdfast.core.text import Text
from holdfast.recommend.again_gaps import Gaps, fit_gaps, own_gaps
from holdfast.recommend.again_purchases import Purchases, days_of, purchases
from holdfast.recommend.frequency import counted
from holdfast.recommend.lane import Lane
from holdfast.recommend.pack import pack, pack_items, unpack, unpack_items
from holdfast.recommend.popular import filled

Floats = NDArray[np.float64]
#: An item has a rhythm worth telling once so many gaps were seen and most purchases are followed by another.
RHYTHM_GAPS = 20
RHYTHM_RATE = 0.5
RHYTHM = Text("usually every {gap} days, last {days} days ago", "通常每{gap}天购买一次,上次在{days}天前")
ITEM_RHYTHM = Text(
    "customers buy this about every {gap} days; yours is {days} days ago",
    "顾客大约每{gap}天购买一次;您上次购买在{days}天前",
)
NEVER = Text("not bought before", "以前没有买过")


@RECOMMENDERS.register("again")
@dataclass(frozen=True)
class Again:
    """Own items by decayed frequency and by the chance of a repeat within `horizon_days`.

    Each purchase is halved every `half_life` days and every `half_life_baskets` later baskets (None: not at all). The score
    is chance^due x frequency^(1 - due). Items that hardly anyone buys twice sink, whatever their kind: durables are learnt
    from the gaps.
    """

    recommender_id: ClassVar[str] = "again"
    lane: ClassVar[str] = "again"
    horizon_days: float = 30.0
    half_life: float | None = 180.0
    half_life_baskets: float | None = None
    due: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.due <= 1:
            raise UsageError(f"due = {self.due} is not a share", remedy="0 (frequency only) to 1 (chance only)")

    def fit(self, past: Interactions) -> AgainFit:
        return AgainFit(past.items, fit_gaps(purchases(past), len(past.items)), self)


@dataclass(frozen=True, eq=False)
class Dueness:
    """One row for each (customer, item) ever bought: what a re-ranker can learn from.

    `customer` is the place in the rows asked for, `item` the column of the fit; days everywhere. `own_gap` is the median
    of the customer's own gaps (NaN without), `item_gap` the item's usual gap, `repeat_chance` within the horizon,
    `repeat_rate` that anyone buys the item again after a purchase, `frequency` the decayed count.
    """

    customer: Ints
    item: Ints
    times: Ints
    days_since_last: Floats
    own_gap: Floats
    item_gap: Floats
    repeat_chance: Floats
    repeat_rate: Floats
    frequency: Floats


@FITTED_RECOMMENDERS.register("again")
@dataclass(frozen=True, eq=False)
class AgainFit(Lane):
    """The gaps of every item; a customer's own purchases come with the question."""

    recommender_id: ClassVar[str] = "again"
    lane: ClassVar[str] = "again"
    items: Items
    gaps: Gaps = field(repr=False)
    settings: Again

    def dueness(self, past: Interactions, rows: Ints | None = None) -> Dueness:
        """How due each item is that these customers ever bought (all customers by default)."""
        own = purchases(past.over(self.items), rows)
        customer, item = own.pairs
        count, mean_log = own_gaps(own)
        last = np.append(np.flatnonzero(own.starts)[1:], len(own.days)) - 1 if len(own.days) else own.pair
        since = own.days[last]
        chance = self.gaps.chance(item, count, mean_log, since, self.settings.horizon_days)
        weight = _halved(own.days, self.settings.half_life) * _halved(own.turn, self.settings.half_life_baskets)
        frequency = np.bincount(own.pair, weight, minlength=len(item)).astype(np.float64)
        return Dueness(
            customer, item, count + 1, since, _medians(own), np.exp(self.gaps.log_gap[item]), chance,
            self.gaps.rate[item], frequency,
        )  # fmt: skip

    def score(self, past: Interactions, rows: Ints | None = None) -> Scores:
        rows = np.arange(len(past)) if rows is None else np.asarray(rows, np.int64)
        scores = np.full((len(rows), len(self.items)), -np.inf, np.float32)
        known = self.dueness(past, rows)
        due = self.settings.due
        both = np.maximum(known.repeat_chance, 1e-12) ** due * np.maximum(known.frequency, 1e-12) ** (1 - due)
        scores[known.customer, known.item] = both
        return scores

    def reasons(self, past: Interactions, customer: Codes, item: Codes) -> list[Text]:
        """The customer's own rhythm from two gaps on; otherwise how often and when, or the rhythm of all customers."""
        days = days_of(past.over(self.items), customer, item)
        return [self._reason(own, int(what)) for own, what in zip(days, item, strict=True)]

    def _reason(self, days: Floats, item: int) -> Text:
        if len(days) >= 3:
            gap = max(1, round(float(np.median(-np.diff(days)))))
            return filled(RHYTHM, gap=gap, days=int(days.min()))
        if len(days) == 1 and self.gaps.count[item] >= RHYTHM_GAPS and self.gaps.rate[item] >= RHYTHM_RATE:
            gap = max(1, round(float(np.exp(self.gaps.log_gap[item]))))
            return filled(ITEM_RHYTHM, gap=gap, days=int(days.min()))
        return counted(days) or NEVER

    def to_bytes(self) -> bytes:
        gaps = self.gaps
        arrays = {**pack_items(self.items), "log_gap": gaps.log_gap, "count": gaps.count, "rate": gaps.rate}
        return pack(
            self.recommender_id, arrays,
            settings=asdict(self.settings), within=gaps.within, between=gaps.between, faith=gaps.faith,
        )  # fmt: skip

    @classmethod
    def from_bytes(cls, data: bytes) -> AgainFit:
        saved, arrays = unpack(data)
        parts = (arrays["log_gap"], arrays["count"], arrays["rate"])
        gaps = Gaps(*parts, saved["within"], saved["between"], saved["faith"])
        return cls(unpack_items(arrays), gaps, Again(**saved["settings"]))


def _halved(age: Floats | Ints, half_life: float | None) -> Floats:
    """0.5 for every half-life; nothing fades to 0, so that the oldest purchases still stand in order."""
    return np.ones(len(age)) if half_life is None else np.asarray(0.5 ** np.minimum(age / half_life, 100.0))


def _medians(own: Purchases) -> Floats:
    """The median gap of each pair, NaN where it has none."""
    later = np.flatnonzero(~own.starts)
    pair, gap = own.pair[later], own.days[later - 1] - own.days[later]
    order = np.lexsort((gap, pair))
    gap, pair = gap[order], pair[order]
    count = np.bincount(pair, minlength=int(own.starts.sum()))
    start = np.cumsum(count) - count
    found = np.full(len(count), np.nan)
    some = count > 0
    low, high = start[some] + (count[some] - 1) // 2, start[some] + count[some] // 2
    found[some] = (gap[low] + gap[high]) / 2
    return found
