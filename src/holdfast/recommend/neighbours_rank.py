"""Lanes stacked: boosted trees order the candidates of several lanes by what each lane says of them.

A weighted sum asks every lane the same question of everybody; trees learn when a lane is to be believed: a direct
successor that was seen once says more about a rare item, and a short history less about taste. LambdaRank: Burges 2010,
From RankNet to LambdaRank to LambdaMART, MSR-TR-2010-82; stacking: Wolpert 1992, Neural Networks 5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Horizon
from holdfast.core.interactions import Interactions, Items
from holdfast.core.recommend import FITTED_RECOMMENDERS, RECOMMENDERS, FittedRecommender, Scores
from holdfast.core.text import Text
from holdfast.core.threads import one_thread
from holdfast.recommend.lane import Lane, blocks
from holdfast.recommend.mix_lanes import Spec, fit_lanes, pack_lanes, spec, unpack_lanes
from holdfast.recommend.mix_pool import Block, masking, tops
from holdfast.recommend.mix_scale import scaled
from holdfast.recommend.mix_window import Lesson, folds, lesson, recent
from holdfast.recommend.pack import pack, pack_items, unpack, unpack_items

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
#: The fitted lanes of a history.
Fits = Callable[[Interactions], Sequence[FittedRecommender]]
#: Lanes of sequences: what follows, what is bought together, who is alike, what is described alike.
LANES: tuple[Spec, ...] = (
    spec("sequence_neighbours"),
    spec("sequence_neighbours", reach=1, backward=0.0, source_power=0.5, target_power=0.0, decay=0.5),
    spec("sequence_neighbours", backward=0.0, source_power=0.5, target_power=0.0),
    spec("sequence_neighbours", distance_decay=0.97, backward=1.0, source_power=0.5, target_power=0.5, decay=0.9),
    spec("sequence_neighbours", source_power=1.0, target_power=0.0, decay=0.01),
    spec("sequence_neighbours", hops=2, source_power=0.0),
    spec("user_neighbours", half_life=None, decay=0.8),
    spec("content", half_life=None),
)  # fmt: skip
NOTHING = Text("chosen for you", "为您挑选")
#: Trees of a fit, chosen on held-out customers of Amazon Beauty and left alone since.
TREES: dict[str, Any] = {
    "objective": "lambdarank", "learning_rate": 0.05, "num_leaves": 31, "min_data_in_leaf": 100, "lambda_l2": 10.0,
    "feature_fraction": 0.5, "bagging_fraction": 0.7, "bagging_freq": 1, "lambdarank_truncation_level": 20, "seed": 1,
    "num_threads": 1, "deterministic": True, "force_row_wise": True, "verbose": -1,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class StackedFit(Lane):
    """Fitted lanes and the trees that order what they propose; items that no lane proposes get no score."""

    items: Items
    lanes: tuple[FittedRecommender, ...] = field(repr=False)
    bought: Ints = field(repr=False)
    trees: str = field(repr=False)
    each: int
    seen: str
    recommender_id: ClassVar[str] = "stacked"
    lane: ClassVar[str] = "explore"

    @one_thread
    def score(self, past: Interactions, rows: Ints | None = None) -> Scores:
        past = past.over(self.items)
        rows = np.arange(len(past)) if rows is None else np.asarray(rows, np.int64)
        scores = np.full((len(rows), len(self.items)), -np.inf, np.float32)
        start = 0
        rows = rows if len(self.items) else rows[:0]
        for block in proposals(self.lanes, past, rows, self.each, self.seen):
            values = self._values(columns(block, past, self.bought))
            scores[start + block.place, block.item] = values
            start += len(block.rows)
        return scores

    def _values(self, table: Floats) -> NDArray[np.float64]:
        if not self.trees or not len(table):
            return table[:, 0].astype(np.float64)
        # equal leaves are told apart by the mean word of the lanes
        return np.asarray(_booster(self.trees).predict(table, num_threads=1) + 1e-6 * table[:, 0], np.float64)

    def reasons(self, past: Interactions, customer: NDArray[np.int32], item: NDArray[np.int32]) -> list[Text]:
        """The reason of the lane that puts the item highest for this customer, on the lane's own scale."""
        past = past.over(self.items)
        found: list[Text] = [NOTHING] * len(item)
        best = np.zeros(len(item))
        chosen = np.full(len(item), -1)
        rows, place = np.unique(np.asarray(customer, np.int64), return_inverse=True)
        for number, lane in enumerate(self.lanes):
            for start in range(0, len(rows), 500):
                some = np.flatnonzero((place >= start) & (place < start + 500))
                share = scaled(lane.score(past, rows[start : start + 500]), "range")[place[some] - start, item[some]]
                better = share > best[some]
                best[some[better]], chosen[some[better]] = share[better], number
        for number, lane in enumerate(self.lanes):
            mine = np.flatnonzero(chosen == number)
            if len(mine):
                said = lane.reasons(past, np.asarray(customer)[mine], np.asarray(item)[mine])
                for entry, one in zip(mine.tolist(), said, strict=True):
                    found[entry] = one
        return found

    def to_bytes(self) -> bytes:
        names, arrays = pack_lanes(self.lanes)
        head = {"lanes": names, "trees": self.trees, "each": self.each, "seen": self.seen}
        return pack("stacked", arrays | pack_items(self.items) | {"bought": self.bought}, **head)

    @classmethod
    def from_bytes(cls, data: bytes) -> StackedFit:
        saved, arrays = unpack(data)
        lanes = unpack_lanes(saved["lanes"], arrays)
        return cls(unpack_items(arrays), lanes, arrays["bought"], saved["trees"], saved["each"], saved["seen"])


@dataclass(frozen=True)
class Stacked:
    """`lanes` propose `each` items; trees learn their order on what came in the last `horizon`, for lanes fitted before it.

    `seen` says which lists it is made for: `exclude`, lists of new items (own ones are then no candidates), or `allow`.
    At most `most` customers, those who came last, teach. With fewer than `fewest` lessons the mean of the lanes' scaled
    scores orders.

    >>> from holdfast.core.clock import Cutoff
    >>> from holdfast.core.interactions import tiny_interactions
    >>> past = tiny_interactions({"ann": [(40, "tea"), (35, "cup")], "bob": [(3, "tea")]}, Cutoff.parse("2024-03-01"))
    >>> Stacked().fit(past).recommend(past, 1, seen="exclude").to_arrow().select(["customer_id", "item_id"]).to_pylist()
    [{'customer_id': 'bob', 'item_id': 'cup'}]
    """

    recommender_id: ClassVar[str] = "stacked"
    lane: ClassVar[str] = "explore"
    lanes: tuple[Spec, ...] = LANES
    horizon: str = "30d"
    each: int = 40
    rounds: int = 200
    most: int = 25_000
    fewest: int = 200
    seen: str = "exclude"

    def fit(self, past: Interactions) -> StackedFit:
        return self.over(past, partial(fit_lanes, self.lanes))

    @one_thread
    def over(self, past: Interactions, fits: Fits) -> StackedFit:
        """The same with lanes from `fits`, which is asked for those of the earlier history that trees learn from and of `past`.

        For lanes that are dear to fit, or are fitted elsewhere; `lanes` is not read.
        """
        whole = lesson(past, Horizon.parse(self.horizon), 0.0)
        taught = whole.taking(recent(whole.past, whole.rows, self.most))
        taught = taught.unseen() if self.seen == "exclude" else taught
        trees = self._learn(whole.past, taught, fits) if len(taught.rows) >= self.fewest else ""
        return StackedFit(past.items, tuple(fits(past)), _buyers(past), trees, self.each, self.seen)

    def _learn(self, earlier: Interactions, taught: Lesson, fits: Fits) -> str:
        import lightgbm

        bought = _buyers(earlier)
        table, answer, group = _lessons(taught, bought, tuple(fits(earlier)), self.each, self.seen)
        if not answer.any():
            return ""
        data = lightgbm.Dataset(table, answer, group=group)
        return str(lightgbm.train(TREES, data, self.rounds).model_to_string())


def proposals(
    lanes: Sequence[FittedRecommender], past: Interactions, rows: Ints, each: int, seen: str
) -> Iterator[Block]:
    """Block by block the union of every lane's best `each`; equal scores of a lane stand in the order of the first lane."""
    mask, width = masking(None, seen), len(past.items)
    for some in blocks(rows, max(width, 1) * max(len(lanes), 1)):
        scores, union = [], np.zeros((len(some), width), bool)
        for lane in lanes:
            found = lane.score(past, some)
            mask(past, some, found)
            scores.append(found)
        nudge = np.where(np.isfinite(scores[0]), scores[0], 0.0) if scores else union
        nudge *= 1e-5 / np.maximum(np.abs(nudge).max(axis=1, keepdims=True, initial=0.0), 1e-12)
        for found in scores:
            size = np.abs(found).max(axis=1, keepdims=True, initial=0.0, where=np.isfinite(found))
            union |= tops(found + nudge * size, each)
        place, item = np.nonzero(union)
        yield Block(some, place.astype(np.int64), item.astype(np.int32), scores, union)


def _share(scores: Scores, place: Ints, item: NDArray[np.int32]) -> Floats:
    """Where cells lie between the lowest (0) and the highest (1) score of their row; 0 where the lane says nothing."""
    top = scores.max(axis=1, initial=-np.inf)
    low = scores.min(axis=1, initial=np.inf, where=np.isfinite(scores))
    found = (scores[place, item] - low[place]) / np.maximum(top - low, 1e-12)[place]
    return np.where(np.isfinite(found), np.maximum(found, 0.01), 0.0).astype(np.float32)


def columns(block: Block, past: Interactions, bought: Ints) -> Floats:
    """(candidates x features): the lanes' mean, each lane's score and its share of the best one, and how much is known."""
    raw = [np.where(np.isfinite(one), one, np.nan) for one in (block.at(scores) for scores in block.lanes)]
    share = [_share(scores, block.place, block.item) for scores in block.lanes]
    own = past.counts[block.customer]
    last = past.item[np.maximum(past.offsets[1:][block.customer] - 1, 0)] if past.size else np.zeros(len(own), np.int32)
    newest = np.where(own > 0, bought[last], 0) if len(bought) else own
    mean = np.mean(share, axis=0) if share else np.zeros(len(own))
    return np.column_stack([mean, *raw, *share, own, bought[block.item], newest]).astype(np.float32)


def _lessons(
    taught: Lesson, bought: Ints, lanes: tuple[FittedRecommender, ...], each: int, seen: str
) -> tuple[Floats, NDArray[np.int8], Ints]:
    """(candidates x features, whether it was bought, candidates of each customer) of customers with a bought candidate.

    Customers stand in an order of what they did and candidates in that of the lanes, so that no name decides.
    """
    order = np.argsort(folds(taught.past, 2**31)[taught.rows], kind="stable")
    rows = taught.rows[order]
    tables, answers, groups = [], [], []
    for block in proposals(lanes, taught.past, rows, each, seen):
        table = columns(block, taught.past, bought)
        answer = taught.answers(block.customer, block.item)
        within = np.lexsort((*table.T[:4], block.place))
        hit = np.bincount(block.place, answer, minlength=len(block.rows)) > 0
        kept = within[hit[block.place[within]]]
        tables.append(table[kept])
        answers.append(answer[kept])
        groups.append(np.bincount(block.place, minlength=len(block.rows))[hit])
    return np.concatenate(tables), np.concatenate(answers).astype(np.int8), np.concatenate(groups)


def _buyers(past: Interactions) -> Ints:
    """How often each item was bought."""
    return np.bincount(past.of_type("purchase").item, minlength=len(past.items)).astype(np.int64)


@lru_cache(maxsize=4)
def _booster(trees: str) -> Any:
    import lightgbm

    return lightgbm.Booster(model_str=trees)


RECOMMENDERS.add(Stacked.recommender_id, Stacked)
FITTED_RECOMMENDERS.add(Stacked.recommender_id, StackedFit)
