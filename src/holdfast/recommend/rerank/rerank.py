"""The re-ranker: candidates of all lanes, ordered by trees that learnt from earlier windows.

For every earlier cutoff the lanes are fitted again on what that cutoff saw, so that their scores mean in training what
they mean when asked; every label window has closed by the cutoff of the fit.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.clock import Horizon
from holdfast.core.interactions import Interactions, Items
from holdfast.core.recommend import FITTED_RECOMMENDERS, RECOMMENDERS, FittedRecommender, Recommendations, Scores
from holdfast.core.text import Text
from holdfast.recommend.lane import SEEN, Lane, asked, best, lists
from holdfast.recommend.mix import LANES, Mix, MixFit
from holdfast.recommend.mix_lanes import Spec, fit_lanes
from holdfast.recommend.mix_pool import Block, Mask, candidates, masking
from holdfast.recommend.mix_scale import scaled
from holdfast.recommend.mix_tune import tuned
from holdfast.recommend.mix_window import Lesson, folds, lesson, recent
from holdfast.recommend.pack import pack, pack_items, unpack, unpack_items
from holdfast.recommend.rerank.catalogue_facts import CatalogueFacts
from holdfast.recommend.rerank.features import Histories, names
from holdfast.recommend.rerank.train import Examples, Trees, train

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Rerank:
    """`lanes` as in the mix, of which each gives `each` candidates; `lessons` earlier cutoffs, `step_days` apart.

    `most` customers of each lesson are learnt from. With too little to learn from it is the mix. `tune` chooses the lanes'
    settings first, two horizons before the cutoff.
    """

    recommender_id: ClassVar[str] = "rerank"
    lane: ClassVar[str] = "explore"
    sampled: ClassVar[bool] = True  # each tree sees a drawn part of the rows, by their place
    lanes: tuple[Spec, ...] = LANES
    horizon: str = "30d"
    each: int = 40
    lessons: int = 3
    step_days: float = 20.0
    fold_count: int = 3
    most: int = 4_000
    trees: Trees = field(default_factory=Trees)
    seed: int = 1
    tune: bool = False

    def fit(self, past: Interactions) -> RerankFit:
        if self.tune:
            return replace(self, lanes=tuned(self.lanes, past, Horizon.parse(self.horizon)), tune=False).fit(past)
        mix = Mix(self.lanes, self.horizon, each=self.each, most=self.most).fit(past)
        parts: dict[str, list[Examples]] = {mode: [] for mode in SEEN}
        for at in range(self.lessons):
            taught = lesson(past, Horizon.parse(self.horizon), at * self.step_days)
            if not len(taught.rows):
                break
            taught = taught.taking(recent(taught.past, taught.rows, self.most))
            before = replace(
                mix, lanes=fit_lanes(self.lanes, lesson(past, Horizon.parse(self.horizon), at * self.step_days).past)
            )
            for mode, one in (("allow", taught), ("exclude", taught.unseen())):
                parts[mode].append(
                    self._examples(
                        before, one, mode, newest=at == 0, facts=CatalogueFacts.of(past.before(taught.past.cutoff))
                    )
                )
        trees, notes = {}, dict(mix.notes)
        for mode, found in parts.items():
            columns = names(len(self.lanes))
            trees[mode], rounds, reached = (
                train(Examples.joined(found), self.trees, columns, self.seed) if found else ("", 0, 0.0)
            )
            notes |= {f"{mode}_rounds": float(rounds), f"{mode}_held_out_ndcg_at_10": reached}
        return RerankFit(past.items, mix, CatalogueFacts.of(past), trees, self.each, notes)

    def _examples(self, mix: MixFit, taught: Lesson, mode: str, *, newest: bool, facts: CatalogueFacts) -> Examples:
        histories = Histories.of(taught.past, facts)
        values, bought, query, start = [], [], [], 0
        for block in candidates(mix.lanes, taught.past, taught.rows, self.each, masking(None, mode)):
            mixed = _mixed(mix, block, mode)
            order = np.lexsort(
                (-mixed, block.place)
            )  # trees start from equal scores: the order given must not be of names
            values.append(histories.columns(block, mixed)[order])
            bought.append(taught.answers(block.customer, block.item)[order])
            query.append(block.place[order] + start)
            start += len(block.rows)
        fold = folds(taught.past, self.fold_count)[taught.rows]
        width = len(names(len(mix.lanes)))
        return Examples(
            np.concatenate(values) if values else np.zeros((0, width), np.float32),
            np.concatenate(bought) if bought else np.zeros(0, bool),
            np.concatenate(query) if query else np.zeros(0, np.int64), fold, np.full(len(fold), newest),
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class RerankFit(Lane):
    """The mix whose candidates are ordered, facts of the items, and trees by mode ("": the mix's own order)."""

    recommender_id: ClassVar[str] = "rerank"
    lane: ClassVar[str] = "explore"
    items: Items
    mix: MixFit = field(repr=False)
    facts: CatalogueFacts = field(repr=False)
    trees: dict[str, str] = field(repr=False)
    each: int
    notes: dict[str, float] = field(default_factory=dict)

    @property
    def lanes(self) -> tuple[FittedRecommender, ...]:
        return self.mix.lanes

    @cached_property
    def boosters(self) -> dict[str, Any]:
        import lightgbm

        return {mode: lightgbm.Booster(model_str=text) if text else None for mode, text in self.trees.items()}

    def score(self, past: Interactions, rows: Ints | None = None) -> Scores:
        past = past.over(self.items)
        rows = np.arange(len(past)) if rows is None else np.asarray(rows, np.int64)
        return self.judged(past, rows, "allow", masking(None, "allow"))

    def judged(self, past: Interactions, rows: Ints, mode: str, mask: Mask) -> Scores:
        """Scores of the candidates that the mask leaves, -inf for every other item."""
        found = np.full((len(rows), len(self.items)), -np.inf, np.float32)
        if not found.size:
            return found
        histories, start = Histories.of(past, self.facts), 0
        for block in candidates(self.mix.lanes, past, rows, self.each, mask):
            mixed = _mixed(self.mix, block, mode)
            booster = self.boosters.get(mode)
            said = mixed
            if booster is not None and len(mixed):
                # trees give many equal scores; among those the mix decides
                said = booster.predict(histories.columns(block, mixed), num_threads=1) + 1e-4 * mixed
            found[start + block.place, block.item] = said
            start += len(block.rows)
        return found

    def recommend(
        self, past: Interactions, count: int, *, allowed: Bools | None = None, seen: str = "allow",
        rows: Ints | None = None,
    ) -> Recommendations:  # fmt: skip
        past, rows = asked(past, self.items, rows, seen)
        items, scores = (
            [np.zeros((0, min(count, len(self.items))), np.int32)],
            [np.zeros((0, min(count, len(self.items))), np.float32)],
        )
        for start in range(0, len(rows), 2_000):
            block = rows[start : start + 2_000]
            item, score = best(self.judged(past, block, seen, masking(allowed, seen)), count)
            items.append(item)
            scores.append(score)
        item, score = np.concatenate(items), np.concatenate(scores)
        found = lists(past.take(rows), self.items, item, score, self.lane, self.recommender_id)
        return replace(found, lane=self._words(past, rows, item, seen))

    def _words(self, past: Interactions, rows: Ints, item: NDArray[np.int32], seen: str) -> pa.Array:
        words = [
            self.mix.words(past, rows[at : at + 2_000], item[at : at + 2_000], seen)
            for at in range(0, len(rows), 2_000)
        ]
        kept = np.concatenate(words)[item >= 0].tolist() if words else []
        return pa.array(kept, pa.string())

    def reasons(self, past: Interactions, customer: NDArray[np.int32], item: NDArray[np.int32]) -> list[Text]:
        """Those of the lane that said most for the item."""
        return self.mix.reasons(past, customer, item)

    def to_bytes(self) -> bytes:
        nested = {"mix": np.frombuffer(self.mix.to_bytes(), np.uint8)}
        arrays = nested | self.facts.arrays() | pack_items(self.items)
        return pack("rerank", arrays, trees=self.trees, each=self.each, notes=self.notes)

    @classmethod
    def from_bytes(cls, data: bytes) -> RerankFit:
        saved, arrays = unpack(data)
        mix = MixFit.from_bytes(arrays["mix"].tobytes())
        facts = CatalogueFacts.from_arrays(arrays)
        return cls(unpack_items(arrays), mix, facts, saved["trees"], saved["each"], saved["notes"])


def _mixed(mix: MixFit, block: Block, mode: str) -> NDArray[np.float32]:
    """The mix's score of each candidate."""
    found = np.zeros(len(block.item), np.float32)
    for scores, weight in zip(block.lanes, mix.weights[mode], strict=True):
        if weight > 0:
            found += block.at(scaled(scores, mix.scale)) * np.float32(weight)
    return found


RECOMMENDERS.add(Rerank.recommender_id, Rerank)
FITTED_RECOMMENDERS.add(Rerank.recommender_id, RerankFit)
