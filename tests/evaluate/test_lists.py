"""The evaluator of lists: slices, seen items, targets out of reach, pairs, windows by place and by date."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.clock import Cutoff, Horizon
from holdfast.core.errors import UsageError
from holdfast.core.interactions import Interactions, ItemOutcomes, Items, tiny_interactions
from holdfast.core.recommend import Recommendations
from holdfast.evaluate.lists import (
    ListWindow,
    Protocol,
    compare,
    gains,
    judge,
    last_basket,
    leave_one_out,
    pooled,
    rows,
    scores,
    walk_forward,
)
from holdfast.recommend.lane import Lane

CUTOFF = Cutoff.parse("2024-01-10")
HISTORY = {
    "ann": [(9, "cup"), (9, "tea"), (2, "tea"), (1, "pot")],
    "bob": [(5, "tea")],
    "eve": [(8, "cup"), (3, "jam")],
    "flo": [(6, "cup")],
}
BOUGHT = {"ann": ["tea", "jam", "hat"], "bob": ["cup"], "eve": [], "flo": ["cup"]}


def outcomes(bought: dict[str, list[str]], names: list[str] | None = None) -> ItemOutcomes:
    items = sorted({item for one in bought.values() for item in one} | set(names or []))
    flat = [sorted(items.index(item) for item in one) for one in bought.values()]
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in flat])]).astype(np.int64)
    item = np.array([one for part in flat for one in part], np.int32)
    ids = pa.array(list(bought), pa.string())
    return ItemOutcomes(
        ids, CUTOFF, Horizon.parse("30d"), pa.array(items, pa.string()), offsets, item, np.zeros(len(item), np.int64)
    )


def listed(past: Interactions, lists: dict[str, list[str]], source: str = "by_hand") -> Recommendations:
    ids = past.items.item_id.to_pylist()
    return Recommendations.listed(
        list(lists), ids, [[ids.index(i) for i in one] for one in lists.values()], CUTOFF, "again", source
    )


@pytest.fixture
def past() -> Interactions:
    return tiny_interactions(HISTORY, CUTOFF)


LISTS = {"ann": ["tea", "cup"], "bob": ["jam", "cup"], "eve": ["cup"], "flo": []}


def test_customers_with_a_target_are_judged_by_all_their_targets(past):
    found = judge(listed(past, LISTS), outcomes(BOUGHT), past)
    assert found.customer_id.to_pylist() == ["ann", "bob", "flo"]
    assert found.of("recall_at_10").tolist() == pytest.approx([1 / 3, 1, 0])  # the hat is in no catalogue: missed
    assert found.of("mrr").tolist() == [1, 0.5, 0]
    assert found.mean("hit_at_10") == pytest.approx(2 / 3)
    assert found.mean("coverage") == pytest.approx(3 / 4)
    assert found.items == 4


def test_slices_cut_targets_and_customers(past):
    found = judge(listed(past, LISTS), outcomes(BOUGHT), past)
    recall = {name: found.of("recall_at_10", name) for name in found.values}
    assert np.array_equal(recall["repeat"], [1, np.nan, 0], equal_nan=True)
    assert np.array_equal(recall["explore"], [0, 1, np.nan], equal_nan=True)
    assert np.array_equal(recall["cold_customer"], [np.nan, 1, 0], equal_nan=True)
    assert found.n("explore") == 2
    # everything here was bought fewer than five times, the hat never
    assert recall["cold_item"] == pytest.approx(recall["all"])


def test_seen_items_are_no_targets_where_lists_cannot_name_them(past):
    found = judge(listed(past, LISTS), outcomes(BOUGHT), past, seen="exclude")
    assert found.customer_id.to_pylist() == ["ann", "bob"]
    assert found.of("recall_at_10").tolist() == [0, 1]
    assert found.n("repeat") == 0
    with pytest.raises(UsageError, match="seen"):
        judge(listed(past, LISTS), outcomes(BOUGHT), past, seen="maybe")


def test_targets_on_sale_only(past):
    on = np.array([name != "jam" for name in past.items.item_id.to_pylist()])
    found = judge(listed(past, LISTS), outcomes(BOUGHT), past, on_sale=on, targets="on_sale")
    assert found.of("recall_at_10").tolist() == [1, 1, 0]
    assert judge(listed(past, LISTS), outcomes(BOUGHT), past, on_sale=on).of("recall_at_10")[0] == pytest.approx(1 / 3)
    assert found.items == 3
    with pytest.raises(UsageError, match="targets"):
        judge(listed(past, LISTS), outcomes(BOUGHT), past, targets="some")


def test_customers_and_items_are_met_by_name(past):
    """Lists of some customers in another order, over another catalogue, with outcomes of others: the same values."""
    whole = judge(listed(past, LISTS), outcomes(BOUGHT), past)
    other = Recommendations.listed(
        ["bob", "zoe", "ann"], ["cup", "jam", "old", "tea"], [[1, 0], [0], [3, 0]], CUTOFF, "again", "x"
    )
    more = outcomes({"zoe": ["cup"], "ann": BOUGHT["ann"], "kim": ["tea"], "bob": ["cup"]})
    found = judge(other, more, past)
    assert found.customer_id.to_pylist() == ["bob", "zoe", "ann"]
    assert found.of("recall_at_10")[[2, 0]] == pytest.approx(whole.of("recall_at_10")[:2])
    assert found.of("hit_at_10", "cold_customer").tolist()[1] == 1  # zoe has no history at all
    unknown = judge(other, outcomes({"kim": ["tea"]}), past)
    assert unknown.n() == 0
    assert np.isnan(unknown.mean("recall_at_10"))
    assert judge(other, outcomes({}), past).n() == 0


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.randoms(use_true_random=False))
def test_order_of_customers_changes_nothing(seed):
    past = tiny_interactions(HISTORY, CUTOFF)
    lists, later = listed(past, LISTS), outcomes(BOUGHT)
    order, turned = list(range(4)), list(range(4))
    seed.shuffle(order)
    seed.shuffle(turned)
    one = judge(lists, later, past)
    other = judge(lists.take(np.array(order)), later.take(np.array(turned)), past)
    place = [other.customer_id.to_pylist().index(name) for name in one.customer_id.to_pylist()]
    for name, part in one.values.items():
        for metric, values in part.items():
            assert np.allclose(other.of(metric, name)[place], values, equal_nan=True), (name, metric)
    assert other.whole == pytest.approx(one.whole)


def crowd(n: int = 400, seed: int = 1):
    random = np.random.default_rng(seed)
    names = [f"c{one}" for one in range(n)]
    items = [f"i{one}" for one in range(6)]
    past = tiny_interactions(
        {name: [(2, str(random.choice(items)))] for name in names} | {"x": [(1, i) for i in items]}, CUTOFF
    )
    later = outcomes({name: [str(random.choice(items))] for name in names}, items)
    truth = {name: later.item_id[int(later.item[place])].as_py() for place, name in enumerate(names)}
    good = {name: [truth[name]] if random.random() < 0.6 else [str(random.choice(items))] for name in names}
    poor = {name: [str(random.choice(items))] for name in names}
    return past, later, good, poor


def test_gains_are_paired_by_customer():
    past, later, good, poor = crowd()
    one, other = (judge(listed(past, lists, name), later, past) for lists, name in ((good, "good"), (poor, "poor")))
    gain, low, high = compare(one, other, "hit_at_10")
    assert gain == pytest.approx(one.mean("hit_at_10") - other.mean("hit_at_10"))
    assert low > 0.3
    assert low < gain < high
    # the exact standard error of a paired mean
    spread = (one.of("hit_at_10") - other.of("hit_at_10")).std() / 20
    assert (high - low) / (2 * 1.96) == pytest.approx(spread, rel=0.1)
    assert compare(one, one, "hit_at_10") == (0, 0, 0)
    back = compare(other, one, "hit_at_10")
    assert back[0] == -gain
    assert back[1] == pytest.approx(-high)
    with pytest.raises(UsageError, match="other customers"):
        compare(one, judge(listed(past, dict(list(good.items())[:5])), later, past), "hit_at_10")
    with pytest.raises(UsageError, match="nothing judged"):
        compare(one, other, "beauty")


def test_a_customer_in_two_windows_is_drawn_whole():
    past, later, good, poor = crowd()
    one, other = (judge(listed(past, lists, "x"), later, past) for lists in (good, poor))
    once, twice = compare(one, other, "mrr"), compare(pooled([one, one]), pooled([other, other]), "mrr")
    assert twice == pytest.approx(once)
    assert pooled([one, other]).mean("mrr") == pytest.approx((one.mean("mrr") + other.mean("mrr")) / 2)


def test_rows_carry_intervals_and_numbers():
    past, later, good, poor = crowd(100)
    judged = {name: judge(listed(past, lists, name), later, past) for name, lists in (("poor", poor), ("good", good))}
    found = scores(judged["good"], bench="lists", data="crowd", protocol="p", metrics=("hit_at_10", "gini"), count=50)
    hit = next(one for one in found if one.metric == "hit_at_10" and one.protocol == "p")
    assert hit.low < hit.value < hit.high
    assert hit.n == 100
    assert {one.protocol for one in found} >= {"p, slice explore", "p, slice cold_customer"}
    assert [one.metric for one in found][-1] == "gini"
    (gain,) = gains(judged, bench="lists", data="crowd", protocol="p", metrics=("hit_at_10",), count=50)
    assert (gain.model, gain.protocol) == ("good", "p, paired gain over poor")
    assert gain.value == pytest.approx(compare(judged["good"], judged["poor"], "hit_at_10")[0])


def test_the_last_item_is_hidden_with_all_that_came_after_it(past):
    found = leave_one_out(past)
    known = {name: [] for name in HISTORY}
    for who, item in zip(found.past.customer, found.past.item, strict=True):
        known[past.customer_id[int(who)].as_py()].append(past.items.item_id[int(item)].as_py())
    assert known == {"ann": ["cup", "tea", "tea"], "bob": ["tea"], "eve": ["cup"], "flo": ["cup"]}
    assert found.later.to_arrow().select(["customer_id", "item_id"]).to_pylist() == [
        {"customer_id": "ann", "item_id": "pot"},
        {"customer_id": "eve", "item_id": "jam"},
    ]
    before = leave_one_out(past, back=2)
    assert before.later.to_arrow()["item_id"].to_pylist() == ["tea"]
    assert before.past.counts.tolist() == [2, 1, 1, 1]
    with pytest.raises(UsageError, match="back"):
        leave_one_out(past, back=0)


def test_the_last_basket_is_hidden_whole():
    past = tiny_interactions(
        {"ann": [(9, "cup"), (2, "tea"), (2, "jam"), (2, "tea")], "bob": [(3, "cup"), (3, "tea")]}, CUTOFF
    )
    found = last_basket(past)
    assert found.past.counts.tolist() == [1, 2]
    assert found.later.counts.tolist() == [2, 0]
    views = Interactions.of(
        past.customer_id, past.items, CUTOFF, customer=np.zeros(4), item=np.array([0, 1, 0, 1]),
        occurred_at=CUTOFF.micros - np.array([9, 5, 3, 1]), event_type=np.array([8, 8, 1, 8]), basket=np.array([1, 2, -1, 3]),
    )  # fmt: skip
    assert last_basket(views).past.size == 3  # the view before the last basket stays
    assert last_basket(views, back=2).past.size == 1  # and goes with the basket that it came after
    nothing = last_basket(past.keeping(np.zeros(past.size, bool)))
    assert nothing.later.counts.tolist() == [0, 0]


@dataclass(frozen=True, eq=False)
class OwnFit(Lane):
    recommender_id: ClassVar[str] = "own"
    lane: ClassVar[str] = "again"
    items: Items
    sign: float

    def score(self, past: Interactions, rows: Any = None) -> np.ndarray:
        past = past.over(self.items)
        found = np.zeros((len(past), len(self.items)), np.float32)
        np.add.at(found, (past.customer, past.item), self.sign)
        return found if rows is None else found[rows]


@dataclass(frozen=True)
class Own:
    recommender_id: ClassVar[str] = "own"
    lane: ClassVar[str] = "again"
    sign: float = 1.0

    def fit(self, past: Interactions) -> OwnFit:
        return OwnFit(past.items, self.sign)


def test_recommenders_walk_forward_beside_the_baselines():
    history = {f"c{who}": [(day, f"i{(who + day // 9) % 7}") for day in (1, 11, 12, 30, 41)] for who in range(30)}
    whole = tiny_interactions(history, CUTOFF)
    windows = [last_basket(whole, back) for back in (2, 1)]
    protocol = Protocol(depths=(3, 5), ideal="whole")
    judged = walk_forward({"own": Own(), "upside_down": Own(-1.0)}, windows, protocol)
    assert list(judged)[-2:] == ["own", "upside_down"]
    assert {"popular_7d", "popular_14d", "popular_28d", "popular_by_segment", "frequency", "frequency_decayed"} < set(
        judged
    )
    assert judged["own"].n() == 60
    assert judged["own"].mean("recall_at_3") > judged["upside_down"].mean("recall_at_3")
    for name in ("fit_seconds", "score_seconds", "p50_ms", "p99_ms"):
        assert judged["own"].whole[name] >= 0
    assert judged["own"].peak_mb > 1
    found = rows(judged, protocol, bench="lists", data="tiny", what="last basket", count=20)
    assert {one.protocol for one in found} >= {"last basket, seen allowed, all targets, ideal not cut at k"}
    assert any("paired gain over frequency_decayed" in one.protocol and one.model == "own" for one in found)


def test_only_items_on_sale_are_shown():
    past = tiny_interactions(HISTORY, CUTOFF)
    on = np.array([name == "jam" for name in past.items.item_id.to_pylist()])
    window = ListWindow(past, outcomes(BOUGHT), on)
    judged = walk_forward({"own": Own()}, [window], with_baselines=False)["own"]
    assert judged.mean("coverage") == 1
    assert judged.of("recall_at_10").tolist() == pytest.approx([1 / 3, 0, 0])
