"""What the shop forbids never appears, and durables stay away for as long as they last."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.checks.small_shop import shop
from holdfast.core.clock import DAY_MICROS, Cutoff
from holdfast.core.errors import UsageError
from holdfast.core.interactions import Interactions, Items, tiny_interactions
from holdfast.core.recommend import Recommendations
from holdfast.core.schema import EVENT_TYPES
from holdfast.recommend.popular import Popular
from holdfast.recommend.rules.apply import Cap, recommend_ruled, ruled
from holdfast.recommend.rules.bought_policy import LearnBought
from holdfast.recommend.rules.rule import (
    Dismissed,
    Excluded,
    Kinds,
    LeastMargin,
    OldEnough,
    OnSale,
    forbidden,
    why_not,
)

CUTOFF = Cutoff.parse("2024-01-10")
RULES = st.lists(
    st.one_of(
        st.builds(OnSale),
        st.builds(Excluded, item_ids=st.lists(st.integers(0, 31).map("item-{:03d}".format)).map(tuple)),
        st.builds(Excluded, categories=st.sets(st.sampled_from(["Shop > Tea", "Shop > Cups", "Other"])).map(tuple)),
        st.builds(LeastMargin, rate=st.floats(0, 0.7), unknown_passes=st.booleans()),
        st.builds(Dismissed, days=st.floats(0, 200)),
        st.builds(Kinds, st.sets(st.sampled_from(["goods", "course"])).map(tuple)),
        st.builds(OldEnough, st.dictionaries(st.integers(0, 59).map("shopper-{:04d}".format), st.floats(5, 90))),
        st.builds(lambda below: LearnBought(durable_below=below).learn(shop()), st.floats(0, 1)),
    ),
    max_size=4,
)


@given(rules=RULES, most=st.integers(1, 4), seed=st.integers(0, 9), seen=st.sampled_from(["allow", "exclude"]))
@settings(max_examples=40, deadline=None)
def test_what_a_rule_forbids_never_appears(rules, most, seed, seen):
    random, past = np.random.default_rng(seed), _with_dismissals(shop(), seed)
    n = len(past.items)
    items = replace(past.items, stock=random.choice([0.0, 3.0, np.nan], n), min_age=random.choice([18.0, np.nan], n))
    past = replace(past, items=items)
    lists = recommend_ruled(Popular(None).fit(past), past, rules, 10, caps=[Cap(most)], seen=seen)
    row = np.repeat(np.arange(len(lists)), lists.counts)
    assert not forbidden(rules, past, np.arange(len(past)))[row, lists.item].any()
    assert lists.counts.max(initial=0) <= 10
    brand = past.items.brand.to_pylist()
    for start, end in zip(lists.offsets[:-1], lists.offsets[1:], strict=True):
        brands = [brand[item] for item in lists.item[start:end] if brand[item]]
        assert all(brands.count(one) <= most for one in brands)


def _with_dismissals(past: Interactions, seed: int) -> Interactions:
    random = np.random.default_rng(seed)
    kind = past.event_type.copy()
    kind[random.random(past.size) < 0.1] = EVENT_TYPES.index("dismiss")
    return replace(past, event_type=kind)


def test_rules_that_are_alike_for_all_leave_the_list_full():
    past = shop()
    best = Popular(None).fit(past).recommend(past, 3)
    lists = recommend_ruled(Popular(None).fit(past), past, [Excluded(tuple(_names(best, 0)))], 10, spare=0)
    assert set(lists.counts.tolist()) == {10}


def _names(lists: Recommendations, row: int) -> list[str]:
    return lists.item_id.take(pa.array(lists.item[lists.offsets[row] : lists.offsets[row + 1]])).to_pylist()


def test_an_unknown_age_is_too_young_unless_told_otherwise():
    past = tiny_interactions({"ann": [(1, "tea")], "bob": [(1, "wine")], "cy": []}, CUTOFF, min_age=[np.nan, 18.0])
    rows = np.arange(3)
    assert OldEnough({"ann": 17.9, "bob": 18.0}).forbids(past, rows)[:, 1].tolist() == [True, False, True]
    assert OldEnough({"ann": 17.9}, unknown_is_adult=True).forbids(past, rows)[:, 1].tolist() == [True, False, False]
    assert not OldEnough().forbids(past, rows)[:, 0].any()
    assert [one.en for one in why_not([OnSale(), OldEnough()], past, 0, 1)] == ["not for this age"]


def test_a_dismissed_item_stays_away_for_the_stated_time():
    past = tiny_interactions({"ann": [(40, "tea"), (5, "cup")]}, CUTOFF)
    past = replace(past, event_type=np.full(2, EVENT_TYPES.index("dismiss"), np.int8))
    assert Dismissed(30.0).forbids(past, np.array([0])).tolist() == [[True, False]]
    assert Dismissed(50.0).forbids(past, np.array([0])).tolist() == [[True, True]]


def test_categories_exclude_what_lies_below_them_and_nothing_beside():
    items = Items.named(["a", "b", "c", "d"], category=["Garden", "Garden > Tools", "Gardening", None])
    past = replace(tiny_interactions({"ann": []}, CUTOFF), items=items)
    assert Excluded(categories=("Garden",)).forbids(past, np.array([0])).tolist() == [[True, True, False, False]]


def test_durables_and_consumables_are_told_apart_by_gaps():
    kettle, tea = {}, {}
    for one in range(60):
        kettle[f"k{one:02d}"] = [(200.0 + one, "kettle")] + ([(20.0, "kettle")] if one == 0 else [])
        tea[f"t{one:02d}"] = [(float(day), "tea") for day in range(10, 150, 30)]
    past = tiny_interactions(kettle | tea, CUTOFF, category=["Home", "Food"])
    learnt = LearnBought(shrink=1.0).learn(past)
    rest = dict(zip(learnt.item_id, learnt.rest_days, strict=True))
    assert rest["tea"] == 0
    assert rest["kettle"] == pytest.approx(180.0)
    away = learnt.forbids(past, np.arange(len(past)))
    assert away[0, 0]  # bought 20 days ago
    assert not away[1, 0]  # 201 days ago: longer than the shortest repeats take
    assert not away[:, 1].any()


def test_what_is_scarce_is_judged_with_its_category():
    """No item alone has enough buyers, the category has."""
    history = {f"c{one:02d}": [(200.0, f"sofa {one % 10}")] for one in range(60)}
    history |= {f"t{one:02d}": [(float(day), "tea") for day in (100, 50)] for one in range(60)}
    names = sorted({item for one in history.values() for _, item in one})
    past = tiny_interactions(history, CUTOFF, category=["Sofas" if "sofa" in one else "Food" for one in names])
    rest = dict(zip(names, LearnBought(shrink=2.0).learn(past).rest_days, strict=True))
    assert rest["tea"] == 0
    assert rest["sofa 3"] == 730.0


def test_empty_shops_have_rules_too():
    past = tiny_interactions({"ann": []}, CUTOFF)
    assert LearnBought().learn(past).forbids(past, np.array([0])).shape == (1, 0)
    lists = Recommendations.listed(["ann"], [], [[]], CUTOFF, "explore", "x")
    assert ruled(lists, past, [OnSale(), Excluded(("a",))]).counts.tolist() == [0]


def test_an_unknown_cap_says_which_there_are():
    with pytest.raises(UsageError, match="colour"):
        Cap(1, of="colour")


def test_a_cap_passes_over_what_is_too_much_and_goes_on():
    items = Items.named(["a", "b", "c"], brand=["x", "x", None])
    at = np.array([CUTOFF.micros - DAY_MICROS])
    past = Interactions.of(pa.array(["ann"]), items, CUTOFF, customer=np.array([0]), item=np.array([0]), occurred_at=at)
    lists = Recommendations.listed(["ann"], ["a", "b", "c"], [[0, 1, 2]], CUTOFF, "explore", "x")
    assert ruled(lists, past, [], caps=[Cap(1)], count=2).item.tolist() == [0, 2]
