"""Which recommender a shop can carry, and lists from it under the shop's rules, each entry with its true reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.app.recommend.shelf import Shelf, kept_away
from holdfast.core.interactions import Interactions
from holdfast.core.recommend import RECOMMENDERS, Recommendations
from holdfast.recommend.rules.apply import Cap, capped

if TYPE_CHECKING:
    from holdfast.core.recommend import FittedRecommender, Recommender
    from holdfast.recommend.settings import RecommendSettings

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
#: A learnt mix needs so many customers who bought on two days, and so many different items.
LEAST_REPEATERS, LEAST_ITEMS = 200, 30
#: Customers that weights are learnt on, and folds: a release is published in seconds, not minutes.
MOST, FOLDS = 1_000, 3
#: Windows that a re-ranker learns from in a run.
LESSONS = 2
#: Lanes of the published mix. EASE is as wide as the catalogue is long, twice over: a shop that wants it names it.
PUBLISHED: tuple[tuple[str, dict[str, float]], ...] = (
    ("popular", {"window_days": 7.0}), ("frequency", {}), ("again", {}), ("lately", {}), ("ials", {"half_life_days": 60.0}),
)  # fmt: skip
SIMPLE = "frequency"
FALLBACK = "popular"
#: Entries beyond those shown that may stand in for what a rule keeps from one customer.
SPARE = 500
#: Entries that a place of exploration draws from.
EXPLORED = 10
_DAY = 86_400_000_000


def recommender(rules: RecommendSettings, past: Interactions, horizon: str) -> Recommender:
    """The recommender whose lists are published: a learnt mix, or own frequency and popularity where history is thin."""
    from holdfast.recommend.mix import Mix
    from holdfast.recommend.mix_lanes import spec
    from holdfast.recommend.rerank.rerank import Rerank

    if not rules.lanes and thin(past):
        return RECOMMENDERS[SIMPLE]()
    lanes = tuple(spec(one) for one in rules.lanes) or tuple(spec(name, **how) for name, how in PUBLISHED)
    if rules.reranked:
        return Rerank(lanes=lanes, horizon=horizon, most=MOST, fold_count=FOLDS, lessons=LESSONS, tune=True)
    return Mix(lanes=lanes, horizon=horizon, most=MOST, fold_count=FOLDS)


def thin(past: Interactions) -> bool:
    """Whether too few came back, or too little is sold, to learn how to weigh lanes."""
    bought = past.of_type("purchase")
    days = np.unique(np.stack([bought.customer.astype(np.int64), bought.occurred_at // _DAY]), axis=1)
    repeaters = int((np.bincount(days[0], minlength=1) > 1).sum()) if days.size else 0
    return repeaters < LEAST_REPEATERS or len(np.unique(bought.item)) < LEAST_ITEMS


def listed(
    fit: FittedRecommender, past: Interactions, shelf: Shelf, rules: RecommendSettings, count: int,
    rows: Sequence[int] | Ints | None = None, *, told: bool = True, plain: bool = False, seed: int = 1,
) -> Recommendations:  # fmt: skip
    """At most `count` items for each of some customers, with lane words and, if `told`, reasons.

    `plain` leaves the order of relevance alone: hard rules act, but not margin, variety or exploration.
    """
    past = past.over(fit.items)
    rows = np.arange(len(past)) if rows is None else np.asarray(rows, np.int64)
    parts = [
        _block(fit, past, shelf, rules, count, some, away, plain, seed)
        for some, away in kept_away(past, shelf, rules, rows)
    ]
    found = Recommendations.stacked(parts) if parts else nothing(past.take(rows))
    who = rows[np.repeat(np.arange(len(rows)), found.counts)]
    reasons = fit.reasons(past, who.astype(np.int32), found.item) if told and len(who) else []
    return replace(found, lane=_words(found, past, who), reason=tuple(reasons))


def _block(
    fit: FittedRecommender, past: Interactions, shelf: Shelf, rules: RecommendSettings, count: int, rows: Ints,
    away: Bools, plain: bool, seed: int,
) -> Recommendations:  # fmt: skip
    """Lists of some customers; `away` (rows x items) is what must not be shown to them."""
    blocked = away[:, shelf.allowed].sum(axis=1)
    deep = 3 * count if rules.brand_cap or not plain else 0
    seen = "exclude" if rules.already_bought == "exclude" else "allow"
    wanted = count + deep + min(int(blocked.max(initial=0)), SPARE)
    found = fit.recommend(past, wanted, allowed=shelf.allowed, seen=seen, rows=rows)
    place = np.repeat(np.arange(len(rows)), found.counts)
    ids = past.customer_id.take(pa.array(rows))
    found = replace(found.keeping(~away[place, found.item]), customer_id=ids)
    caps = (Cap(rules.brand_cap),) if rules.brand_cap else ()
    found = capped(found, past, caps, count + deep)
    return found.top(count) if plain else shaped(found, past.take(rows), rules, count, seed)


def shaped(
    lists: Recommendations, past: Interactions, rules: RecommendSettings, count: int, seed: int
) -> Recommendations:
    """The first `count` of longer lists after margin, variety and exploration have had their say; `past`: their customers."""
    from holdfast.recommend.diversity import Calibrated
    from holdfast.recommend.explore import Explore, Posterior, worth

    if rules.objective == "relevance_x_margin":
        head = worth(lists.top(2 * count), past.items, objective="margin")
        lists = replace(head, customer_id=lists.customer_id)
    if rules.diversity > 0:
        lists = Calibrated(rules.diversity).diverse(lists, past, count + rules.exploration * EXPLORED)
    if rules.exploration:
        explore = Explore(min(rules.exploration, count), pool=EXPLORED, seed=seed)
        return explore.explored(lists, Posterior.of(past), count)
    return lists.top(count)


def _words(found: Recommendations, past: Interactions, who: Ints) -> pa.Array:
    """`again` for what the customer bought before, and for nothing else."""
    bought = past.of_type("purchase")
    width = max(len(past.items), 1)
    own = np.isin(who * width + found.item, bought.customer.astype(np.int64) * width + bought.item)
    said = np.array(found.lane.to_pylist(), dtype=object)
    said[own] = "again"
    said[~own & (said == "again")] = "explore"
    return pa.array(said.tolist(), pa.string())


def joined(first: Recommendations, then: Recommendations, not_these: set[str], count: int) -> Recommendations:
    """One customer's two lists as one: the first, then what the second adds."""
    named = [first.item_id.take(pa.array(first.item)).to_pylist(), then.item_id.take(pa.array(then.item)).to_pylist()]
    taken = set(not_these) | set(named[0])
    extra = then.keeping(np.array([one not in taken for one in named[1]], bool))
    item = np.concatenate([first.item, extra.item])
    whole = replace(
        first, offsets=np.array([0, len(item)], np.int64), item=item.astype(np.int32),
        score=np.concatenate([first.score, extra.score]), lane=pa.concat_arrays([first.lane, extra.lane]),
        source=pa.concat_arrays([first.source, extra.source]),
        propensity=np.concatenate([first.propensity, extra.propensity]), reason=(*first.reason, *extra.reason),
    )  # fmt: skip
    return whole.top(count)


def nothing(past: Interactions) -> Recommendations:
    """An empty list for each customer."""
    return Recommendations.listed(
        past.customer_id, past.items.item_id, [[] for _ in range(len(past))], past.cutoff, "again", ""
    )
