"""Lanes mixed: one list from several, with weights that made the best lists of the window before.

The lanes are fitted as of one horizon before the cutoff, weights are found on what came in that horizon, and the lanes
are then fitted again on everything. A weight is never negative, so that a lane's word for an item is never turned round.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.clock import Horizon
from holdfast.core.interactions import Interactions, Items
from holdfast.core.recommend import FITTED_RECOMMENDERS, RECOMMENDERS, FittedRecommender, Recommendations, Scores
from holdfast.core.text import Text
from holdfast.recommend.lane import SEEN, Lane, asked, best, blocks, cells, lists
from holdfast.recommend.mix_lanes import Spec, fit_lanes, pack_lanes, spec, unpack_lanes
from holdfast.recommend.mix_pool import masking, pool
from holdfast.recommend.mix_scale import SCALES, scaled
from holdfast.recommend.mix_weights import fit_weights
from holdfast.recommend.mix_window import folds, lesson, recent
from holdfast.recommend.pack import pack, pack_items, unpack, unpack_items

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
#: Lanes of a shop of which nothing else is known; `mix_tune.tuned` sets them by the shop's own windows.
LANES: tuple[Spec, ...] = (
    spec("frequency"), spec("again"), spec("popular", window_days=7), spec("popular", window_days=28),
    spec("lately", days=30.0), spec("lately", days=90.0),
    spec("ease", half_life_days=90.0, query_half_life_days=180.0), spec("ials", half_life_days=60.0),
)  # fmt: skip
NOTHING = Text("chosen for you", "为您挑选")


@dataclass(frozen=True)
class Mix:
    """`lanes` as id and settings; `each` lane gives so many candidates; weights are found on at most `most` customers.

    `scale` is how scores of different lanes are made comparable; empty: the one that made the best lists of customers
    whose fold had not chosen the weights.
    """

    recommender_id: ClassVar[str] = "mix"
    lane: ClassVar[str] = "explore"
    lanes: tuple[Spec, ...] = LANES
    horizon: str = "30d"
    scale: str = ""
    each: int = 60
    fold_count: int = 5
    most: int = 4_000

    def fit(self, past: Interactions) -> MixFit:
        taught = lesson(past, Horizon.parse(self.horizon), 0.0)
        weights, scale, notes = self._learn(taught) if len(taught.rows) else ({}, SCALES[0], {})
        even = np.full(len(self.lanes), 1.0 / max(len(self.lanes), 1))
        found = {mode: weights.get(mode, even) for mode in SEEN}
        return MixFit(past.items, fit_lanes(self.lanes, past), found, scale, notes)

    def _learn(self, taught: Any) -> tuple[dict[str, NDArray[np.float64]], str, dict[str, float]]:
        """Weights of lists with and without own items, the scale, and what was measured on the way."""
        earlier = fit_lanes(self.lanes, taught.past)
        taught = taught.taking(recent(taught.past, taught.rows, self.most))
        weights: dict[str, NDArray[np.float64]] = {}
        notes: dict[str, float] = {}
        scale = self.scale
        for mode, one in (("allow", taught), ("exclude", taught.unseen())):
            if not len(one.rows):
                continue
            fold = folds(one.past, self.fold_count)[one.rows]
            for tried in (scale,) if scale else SCALES:
                seen = pool(earlier, one, self.each, masking(None, mode), partial(scaled, how=tried))
                learnt, reached = fit_weights(seen, fold)
                if reached >= notes.get(f"{mode}_ndcg_at_10", -1.0):
                    weights[mode], chosen = learnt, tried
                    notes |= {f"{mode}_ndcg_at_10": reached, f"{mode}_candidate_recall": seen.recall()}
            scale = chosen
        return weights, scale or SCALES[0], notes


@dataclass(frozen=True, eq=False)
class MixFit(Lane):
    """Fitted lanes and their weights by mode (`allow`, `exclude`). `notes` say what the window before measured."""

    recommender_id: ClassVar[str] = "mix"
    lane: ClassVar[str] = "explore"
    items: Items
    lanes: tuple[FittedRecommender, ...] = field(repr=False)
    weights: dict[str, NDArray[np.float64]]
    scale: str
    notes: dict[str, float] = field(default_factory=dict)

    def parts(self, past: Interactions, rows: Ints, seen: str = "allow") -> list[Scores]:
        """What each lane adds, (rows x items), 0 where it has nothing to say; the sum is the score."""
        nothing = np.zeros((len(rows), len(self.items)), np.float32)
        found = []
        for lane, weight in zip(self.lanes, self.weights[seen], strict=True):
            some = weight > 0 and nothing.size
            found.append(scaled(lane.score(past, rows), self.scale) * np.float32(weight) if some else nothing)
        return found

    def score(self, past: Interactions, rows: Ints | None = None) -> Scores:
        past = past.over(self.items)
        rows = np.arange(len(past)) if rows is None else np.asarray(rows, np.int64)
        return _total(self.parts(past, rows), len(rows), len(self.items))

    def recommend(
        self, past: Interactions, count: int, *, allowed: Bools | None = None, seen: str = "allow",
        rows: Ints | None = None,
    ) -> Recommendations:  # fmt: skip
        past, rows = asked(past, self.items, rows, seen)
        mask, items, scores, words = masking(allowed, seen), [], [], []
        for block in blocks(rows, len(self.items) * max(len(self.lanes), 1)):
            parts = self.parts(past, block, seen)
            total = _total(parts, len(block), len(self.items))
            mask(past, block, total)
            item, score = best(total, count)
            items.append(item)
            scores.append(score)
            words.append(self._words(past, block, item, parts))
        if not items:
            return super().recommend(past, count, rows=rows)
        item = np.concatenate(items)
        found = lists(past.take(rows), self.items, item, np.concatenate(scores), self.lane, self.recommender_id)
        return replace(found, lane=pa.array(np.concatenate(words)[item >= 0].tolist(), pa.string()))

    def words(self, past: Interactions, rows: Ints, item: NDArray[np.int32], seen: str) -> NDArray[Any]:
        """The lane word of each entry of lists made elsewhere."""
        return self._words(past, rows, item, self.parts(past, rows, seen))

    def _words(self, past: Interactions, rows: Ints, item: NDArray[np.int32], parts: list[Scores]) -> NDArray[Any]:
        """The lane of each entry: `again` for an own item, else the word of the lane that added most."""
        if not parts:
            return np.full(item.shape, self.lane)
        across = np.arange(len(rows))[:, None]
        most = np.argmax([one[across, item] for one in parts], axis=0)
        names = [getattr(one, "lane", self.lane) for one in self.lanes]
        words = np.array([self.lane if one == "again" else one for one in names])
        own = np.zeros((len(rows), len(self.items)), bool)
        own[cells(past, rows)] = True
        return np.where(own[across, item], "again", words[most])

    def reasons(self, past: Interactions, customer: NDArray[np.int32], item: NDArray[np.int32]) -> list[Text]:
        """The reason of the lane that added most; of an own item, of the lane of repeats that did, if any did."""
        past = past.over(self.items)
        found: list[Text] = [NOTHING] * len(item)
        if not self.lanes or not len(item):
            return found
        rows, place = np.unique(customer, return_inverse=True)
        most = np.zeros(len(item), np.int64)
        for start in range(0, len(rows), 500):
            some = np.flatnonzero((place >= start) & (place < start + 500))
            parts = self.parts(past, rows[start : start + 500].astype(np.int64))
            added = np.array([one[place[some] - start, item[some]] for one in parts])
            kept = self._repeats(added) & self._own(past, customer[some], item[some])
            most[some] = np.argmax(np.where(kept & ~self._again, 0.0, added), axis=0)
        for at, lane in enumerate(self.lanes):
            mine = np.flatnonzero(most == at)
            if len(mine):
                for entry, said in zip(mine, lane.reasons(past, customer[mine], item[mine]), strict=True):
                    found[int(entry)] = said
        return found

    @property
    def _again(self) -> Bools:
        """(lanes x 1): which lanes speak of what a customer bought before."""
        return np.array([[getattr(one, "lane", "") == "again"] for one in self.lanes], bool)

    def _repeats(self, added: NDArray[np.float32]) -> Bools:
        """Entries to which a lane of repeats added anything."""
        return np.asarray((np.where(self._again, added, 0.0) > 0).any(axis=0))

    def _own(self, past: Interactions, customer: NDArray[np.int32], item: NDArray[np.int32]) -> Bools:
        """Whether each customer bought each item."""
        bought = past.of_type("purchase")
        width = max(len(self.items), 1)
        key = bought.customer.astype(np.int64) * width + bought.item
        return np.isin(customer.astype(np.int64) * width + item, key)

    def to_bytes(self) -> bytes:
        names, arrays = pack_lanes(self.lanes)
        weights = {mode: values.tolist() for mode, values in self.weights.items()}
        return pack(
            "mix", arrays | pack_items(self.items), lanes=names, weights=weights, scale=self.scale, notes=self.notes
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> MixFit:
        saved, arrays = unpack(data)
        weights = {mode: np.array(values, np.float64) for mode, values in saved["weights"].items()}
        lanes = unpack_lanes(saved["lanes"], arrays)
        return cls(unpack_items(arrays), lanes, weights, saved["scale"], saved["notes"])


def _total(parts: list[Scores], rows: int, width: int) -> Scores:
    found = np.zeros((rows, width), np.float32)
    for one in parts:
        found += one
    found[found <= 0] = -np.inf
    return found


RECOMMENDERS.add(Mix.recommender_id, Mix)
FITTED_RECOMMENDERS.add(Mix.recommender_id, MixFit)
