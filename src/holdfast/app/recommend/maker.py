"""Which recommender a shop can carry, and lists from it under the shop's rules, each entry with its true reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.core.clock import Cutoff, Window
from holdfast.core.interactions import Interactions, Items
from holdfast.core.recommend import RECOMMENDERS
from holdfast.core.schema import EVENT_TYPES

if TYPE_CHECKING:
    from holdfast.core.recommend import FittedRecommender, Recommendations, Recommender
    from holdfast.recommend.settings import RecommendSettings

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
#: A learnt mix needs so many customers who bought on two days, and so many different items.
LEAST_REPEATERS, LEAST_ITEMS = 200, 30
#: Customers that weights are learnt on, and folds: a release is published in seconds, not minutes.
MOST, FOLDS = 1_000, 3
SIMPLE = "frequency"
FALLBACK = "popular"
#: A category whose customer-item pairs, so many at least, come back in less than this share is not bought twice.
ONCE_SHARE, ONCE_PAIRS = 0.02, 50
_DAY = 86_400_000_000
_PURCHASE, _DISMISS = EVENT_TYPES.index("purchase"), EVENT_TYPES.index("dismiss")


def recommender(rules: RecommendSettings, past: Interactions, horizon: str) -> Recommender:
    """The recommender whose lists are published: a learnt mix, or own frequency and popularity where history is thin."""
    from holdfast.recommend.mix import Mix
    from holdfast.recommend.mix_lanes import spec

    if rules.lanes:
        return Mix(lanes=tuple(spec(one) for one in rules.lanes), horizon=horizon, most=MOST, fold_count=FOLDS)
    return RECOMMENDERS[SIMPLE]() if thin(past) else Mix(horizon=horizon, most=MOST, fold_count=FOLDS)


def thin(past: Interactions) -> bool:
    """Whether too few came back, or too little is sold, to learn how to weigh lanes."""
    bought = past.of_type("purchase")
    days = np.unique(np.stack([bought.customer.astype(np.int64), bought.occurred_at // _DAY]), axis=1)
    repeaters = int((np.bincount(days[0], minlength=1) > 1).sum()) if days.size else 0
    return repeaters < LEAST_REPEATERS or len(np.unique(bought.item)) < LEAST_ITEMS


@dataclass(frozen=True, eq=False)
class Shelf:
    """What may be shown: `allowed` items at all, and `once` items, which go only to who has not bought them."""

    items: Items
    allowed: Bools
    once: Bools

    @classmethod
    def of(cls, past: Interactions, rules: RecommendSettings) -> Shelf:
        """From the catalogue, what was sold lately, and the shop's rules."""
        from holdfast.snapshot.interactions import items_on_sale

        lately = items_on_sale(past, Window.parse(rules.on_sale_within))
        once = _once(past.of_type("purchase"))
        return cls(past.items, lately & permitted(past.items, past.cutoff, rules), once)

    def now(self, past: Interactions, rules: RecommendSettings) -> Shelf:
        """What was on the shelf and is not forbidden by the catalogue and the rules as they are now."""
        at = past.items.positions(self.items.item_id)
        fine = np.append(
            permitted(past.items, past.cutoff, rules), True
        )  # an item without a row has nothing against it
        return replace(self, allowed=self.allowed & fine[at])


def permitted(items: Items, cutoff: Cutoff, rules: RecommendSettings) -> Bools:
    """Items that no rule forbids: active, in stock, not excluded, with enough margin, for any age."""
    found = items.on_sale(cutoff) & ~(items.margin_rate < rules.minimum_margin) & ~(items.min_age > 0)
    if rules.exclude_items:
        found &= ~_flags(pc.is_in(items.item_id, value_set=pa.array(rules.exclude_items, pa.string())))
    for path in rules.exclude_categories:
        below = pc.starts_with(items.category, pattern=f"{path} > ")
        found &= ~_flags(pc.or_(pc.equal(items.category, path), below))
    return found


def _once(bought: Interactions) -> Bools:
    """Items of categories that nobody buys twice, learnt from how many customer-item pairs came back on another day."""
    if not bought.size:
        return np.zeros(len(bought.items), bool)
    width = len(bought.items)
    pair = bought.customer.astype(np.int64) * width + bought.item
    days = np.unique(np.stack([pair, bought.occurred_at // _DAY]), axis=1)
    pairs, counts = np.unique(days[0], return_counts=True)
    coded = bought.items.category.dictionary_encode()
    category = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    of = category[pairs % width]
    known, size = of >= 0, max(len(coded.dictionary), 1)
    total = np.bincount(of[known], minlength=size)
    back = np.bincount(of[known & (counts > 1)], minlength=size)
    once = (total >= ONCE_PAIRS) & (back < ONCE_SHARE * total)
    return np.asarray((category >= 0) & once[np.maximum(category, 0)])


def _flags(array: Any) -> Bools:
    return np.asarray(pc.fill_null(array, False).to_numpy(zero_copy_only=False), bool)


def blocked(past: Interactions, shelf: Shelf, rules: RecommendSettings) -> Ints:
    """Cells (customer x item) that must stay away: dismissed lately, or bought and not bought twice."""
    away = Window.parse(rules.dismissed_for).micros
    recent = (past.event_type == _DISMISS) & (past.occurred_at >= past.cutoff.micros - away)
    if rules.already_bought == "learnt":
        recent |= (past.event_type == _PURCHASE) & shelf.once[past.item]
    return np.unique(past.customer[recent].astype(np.int64) * len(past.items) + past.item[recent])


def listed(
    fit: FittedRecommender, past: Interactions, shelf: Shelf, rules: RecommendSettings, count: int,
    rows: Sequence[int] | Ints | None = None, *, told: bool = True,
) -> Recommendations:  # fmt: skip
    """At most `count` items for each of some customers, with lane words and, if `told`, reasons."""
    past = past.over(fit.items)
    rows = np.arange(len(past)) if rows is None else np.asarray(rows, np.int64)
    cells = blocked(past, shelf, rules)
    width = len(fit.items)
    mine = np.isin(cells // max(width, 1), rows)
    spare = int(np.bincount(cells[mine] // width).max()) if mine.any() else 0
    spare += 3 * count if rules.brand_cap and past.items.brand.null_count < width else 0
    seen = "exclude" if rules.already_bought == "exclude" else "allow"
    found = fit.recommend(past, count + spare, allowed=shelf.allowed, seen=seen, rows=rows)
    who = rows[np.repeat(np.arange(len(rows)), found.counts)]
    if len(cells):
        found = found.keeping(~np.isin(who * width + found.item, cells))
    if rules.brand_cap:
        found = found.keeping(within_cap(found, past.items, rules.brand_cap))
    found = found.top(count)
    found = replace(found, customer_id=past.customer_id.take(pa.array(rows)))
    who = rows[np.repeat(np.arange(len(rows)), found.counts)]
    reasons = fit.reasons(past, who.astype(np.int32), found.item) if told and len(who) else []
    return replace(found, lane=_words(found, past, who), reason=tuple(reasons))


def within_cap(found: Recommendations, items: Items, cap: int) -> Bools:
    """Which entries are among the first `cap` of their brand in their list; an item without a brand is under no cap."""
    coded = items.brand.dictionary_encode().indices.fill_null(-1)
    brand = np.asarray(coded.to_numpy(zero_copy_only=False), np.int64)[found.item]
    group = np.repeat(np.arange(len(found)), found.counts) * (int(brand.max(initial=0)) + 2) + brand + 1
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], group[order])
    place = np.empty(len(group), np.int64)
    place[order] = np.arange(len(group)) - starts
    return np.asarray((brand < 0) | (place < cap))


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
    from holdfast.core.recommend import Recommendations

    return Recommendations.listed(
        past.customer_id, past.items.item_id, [[] for _ in range(len(past))], past.cutoff, "again", ""
    )
