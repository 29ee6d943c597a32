"""What many buy: in a window, fading with age, within a segment, or rising against the time before."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.errors import UsageError
from holdfast.core.interactions import Interactions, Items
from holdfast.core.recommend import FITTED_RECOMMENDERS, RECOMMENDERS, Codes, Ints, Scores
from holdfast.core.text import Text
from holdfast.recommend.lane import Lane
from holdfast.recommend.matrix import weights
from holdfast.recommend.pack import pack, pack_items, unpack, unpack_items

#: A segment's own purchases weigh as much as the whole shop's once it has so many.
SEGMENT_PURCHASES = 200.0
#: Rising is measured against so many windows before.
WINDOWS_BEFORE = 4
#: Equal counts are told apart by sales of the last year or so, which hardly ever tie.
TIE_HALF_LIFE = 365.0
BOUGHT = Text("popular now: {n} bought it in the last {days} days", "最近{days}天有{n}位顾客购买")
BOUGHT_EVER = Text("popular: {n} bought it so far", "至今有{n}位顾客购买")
BOUGHT_HERE = Text(
    "popular now in {segment}: {n} bought it in the last {days} days", "最近{days}天{segment}中有{n}位顾客购买"
)
BOUGHT_EVER_HERE = Text("popular in {segment}: {n} bought it so far", "至今{segment}中有{n}位顾客购买")
RISING = Text(
    "bought {now} times in the last {days} days, {before} times in the {longer} days before",
    "最近{days}天售出{now}次,此前{longer}天售出{before}次",
)


@RECOMMENDERS.register("popular")
@dataclass(frozen=True)
class Popular:
    """Purchases of the last `window_days` (None: ever), each halved every `half_life` days.

    With `by_segment` a customer gets its own segment's sales, shrunk to the whole shop's where the segment is small. With
    `trending` items stand by how much more they sell in the window than in the four windows before, shrunk to no change
    (posterior mean of a Gamma-Poisson rate, DuMouchel 1999). A window without a single sale reads all history instead.
    """

    recommender_id: ClassVar[str] = "popular"
    lane: ClassVar[str] = "explore"
    window_days: float | None = 14
    half_life: float | None = None
    by_segment: bool = False
    trending: bool = False

    def __post_init__(self) -> None:
        if self.trending and self.window_days is None:
            raise UsageError("trending without a window", remedy="give window_days, e.g. 14")

    def fit(self, past: Interactions) -> PopularFit:
        past = past.of_type("purchase")
        inside = past.age_days <= (np.inf if self.window_days is None else self.window_days)
        window = self.window_days if inside.any() else None
        now = past.keeping(inside) if window is not None else past
        total, shares = _count(past, TIE_HALF_LIFE), _count(now, self.half_life)
        before = past.keeping(~inside & (past.age_days <= (WINDOWS_BEFORE + 1) * (window or 0)))
        rise = _count(now, None), _count(before, None)
        trending = self.trending and window is not None
        names = _segments(past) if self.by_segment and not trending else []
        score = np.zeros((1 + len(names), len(past.items)))
        buyers = np.zeros_like(score, dtype=np.int64)
        score[0] = lifted(*rise) if trending else shares
        buyers[0] = buyers_of(now)
        for place, name in enumerate(names, start=1):
            own = now.keeping(_of_segment(past, name)[now.customer])
            count = _count(own, self.half_life)
            prior = shares / max(shares.sum(), 1e-300)
            score[place] = (count + SEGMENT_PURCHASES * prior) / (count.sum() + SEGMENT_PURCHASES)
            buyers[place] = buyers_of(own)
        return PopularFit(past.items, _broken(score, total), buyers, tuple(names), window, np.stack(rise), trending)


@FITTED_RECOMMENDERS.register("popular")
@dataclass(frozen=True, eq=False)
class PopularFit(Lane):
    """Scores of the whole shop (row 0) and of each segment; equal lists for all customers of a segment."""

    recommender_id: ClassVar[str] = "popular"
    lane: ClassVar[str] = "explore"
    items: Items
    table: Scores = field(repr=False)
    buyers: Ints = field(repr=False)
    segments: tuple[str, ...]
    window_days: float | None
    rise: NDArray[np.float64] = field(repr=False)
    trending: bool = False

    def score(self, past: Interactions, rows: Ints | None = None) -> Scores:
        rows = np.arange(len(past)) if rows is None else np.asarray(rows, np.int64)
        return self.table[self._places(past)[rows]]

    def _places(self, past: Interactions) -> Ints:
        """The row of `table` of each customer: 0 without a segment, or with one that was not there at the fit."""
        if past.segment is None or not self.segments:
            return np.zeros(len(past), np.int64)
        known = {name: place for place, name in enumerate(self.segments, start=1)}
        return np.array([known.get(name, 0) for name in past.segment.to_pylist()], np.int64)

    def reasons(self, past: Interactions, customer: Codes, item: Codes) -> list[Text]:
        """How many customers bought it; rising items say how often now and before."""
        place = self._places(past)[customer]
        return [self._reason(int(one), int(what)) for one, what in zip(place, item, strict=True)]

    def _reason(self, place: int, item: int) -> Text:
        days = "" if self.window_days is None else f"{self.window_days:g}"
        if self.trending and self.window_days is not None:
            now, before = (int(one) for one in self.rise[:, item])
            return filled(RISING, now=now, before=before, days=days, longer=f"{self.window_days * WINDOWS_BEFORE:g}")
        segment = self.segments[place - 1] if place else ""
        with_window, ever = (BOUGHT_HERE, BOUGHT_EVER_HERE) if place else (BOUGHT, BOUGHT_EVER)
        return filled(with_window if days else ever, n=int(self.buyers[place, item]), days=days, segment=segment)

    def to_bytes(self) -> bytes:
        arrays = {**pack_items(self.items), "table": self.table, "buyers": self.buyers, "rise": self.rise}
        return pack(
            self.recommender_id, arrays,
            segments=list(self.segments), window_days=self.window_days, trending=self.trending,
        )  # fmt: skip

    @classmethod
    def from_bytes(cls, data: bytes) -> PopularFit:
        saved, arrays = unpack(data)
        segments = tuple(saved["segments"])
        return cls(
            unpack_items(arrays), arrays["table"], arrays["buyers"], segments, saved["window_days"], arrays["rise"],
            saved["trending"],
        )  # fmt: skip


def lifted(now: NDArray[np.float64], before: NDArray[np.float64]) -> NDArray[np.float64]:
    """How many times the expected sales an item has, shrunk to 1; 0 for items that nobody buys now.

    Expected are its sales before, scaled so that all items together are as expected. The ratio is Gamma(a, a) across items,
    a by moments (DuMouchel, Bayesian data mining in large frequency tables, 1999).

    >>> lifted(np.array([30.0, 30.0, 0.0]), np.array([10.0, 30.0, 20.0])).round(2).tolist()
    [2.68, 1.0, 0.0]
    """
    if before.sum() == 0:
        return now.copy()
    expected = before * (now.sum() / before.sum())
    spread = float((np.square(now - expected) - expected).sum())
    a = float(np.clip(np.square(expected).sum() / spread, 1.0, 1000.0)) if spread > 0 else 1000.0
    return np.where(now > 0, (now + a) / (expected + a), 0.0)


def _broken(score: NDArray[np.float64], total: NDArray[np.float64]) -> Scores:
    """The scores with ties broken by sales of all time; -inf for what was never sold."""
    top = np.maximum(score.max(axis=1, initial=0.0, keepdims=True), 1e-300)
    broken = score / top + 1e-4 * total / max(float(total.max(initial=0.0)), 1e-300)
    return np.where(total > 0, broken, -np.inf).astype(np.float32)


def _count(past: Interactions, half_life: float | None) -> NDArray[np.float64]:
    weight = weights(past, half_life=half_life).astype(np.float64)
    return np.asarray(np.bincount(past.item, weight, minlength=len(past.items)), np.float64)


def buyers_of(past: Interactions) -> Ints:
    """Different customers of each item."""
    pairs = np.unique(past.customer.astype(np.int64) * max(len(past.items), 1) + past.item)
    return np.bincount(pairs % max(len(past.items), 1), minlength=len(past.items)).astype(np.int64)


def _segments(past: Interactions) -> list[str]:
    return [] if past.segment is None else sorted({one for one in past.segment.to_pylist() if one is not None})


def _of_segment(past: Interactions, name: str) -> NDArray[np.bool_]:
    segment = pa.nulls(len(past), pa.string()) if past.segment is None else past.segment
    return np.array([one == name for one in segment.to_pylist()], bool)


def filled(text: Text, **values: object) -> Text:
    """The sentence with its placeholders filled, in every language."""
    return Text(text.render("en", **values), text.render("zh", **values))
