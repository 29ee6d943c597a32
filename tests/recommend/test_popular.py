"""What many buy, and what a customer buys most often."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from holdfast.core.clock import Cutoff
from holdfast.core.errors import UsageError
from holdfast.core.interactions import tiny_interactions
from holdfast.recommend.again_purchases import days_of, purchases
from holdfast.recommend.frequency import Frequency, FrequencyFit
from holdfast.recommend.popular import Popular, PopularFit, lifted

CUTOFF = Cutoff.parse("2024-06-01")
PAST = tiny_interactions(
    {
        "ann": [(3, "tea"), (40, "cup"), (41, "cup"), (42, "cup")],
        "bob": [(2, "tea"), (50, "cup"), (1, "pot")],
        "eve": [(60, "cup"), (9, "tea")],
        "zoe": [],
    },
    CUTOFF,
)


def names(lists, customer=0):
    return [lists.item_id[int(one)].as_py() for one in lists.take(np.array([customer])).item]


def said(fit, customer, item, past=PAST):
    place = int(past.items.positions(pa.array([item]))[0])
    return fit.reasons(past, np.array([customer], np.int32), np.array([place], np.int32))[0].render()


def test_a_window_reads_recent_sales_only_and_all_history_the_rest():
    assert names(Popular().fit(PAST).recommend(PAST, 3)) == ["tea", "pot", "cup"]
    assert names(Popular(window_days=None).fit(PAST).recommend(PAST, 3)) == ["cup", "tea", "pot"]
    assert said(Popular().fit(PAST), 3, "tea") == "popular now: 3 bought it in the last 14 days"


def test_an_empty_window_reads_all_history_and_says_so():
    fit = Popular(window_days=0.5).fit(PAST)
    assert names(fit.recommend(PAST, 1)) == ["cup"]
    assert said(fit, 0, "cup") == "popular: 3 bought it so far"


def test_a_half_life_lets_old_sales_fade():
    past = tiny_interactions({"ann": [(30, "cup"), (31, "cup"), (1, "tea")]}, CUTOFF)
    assert names(Popular(None).fit(past).recommend(past, 1)) == ["cup"]
    assert names(Popular(None, half_life=5).fit(past).recommend(past, 1)) == ["tea"]


def test_a_segment_gets_its_own_list_and_others_the_shops():
    rows = {f"a{i}": [(1, "tea")] for i in range(300)} | {f"b{i}": [(1, "cup")] for i in range(400)} | {"new": []}
    past = tiny_interactions(rows, CUTOFF)
    segment = pa.array(["young"] * 300 + ["old"] * 400 + [None], pa.string())
    past = replace(past, segment=segment)
    fit = Popular(by_segment=True).fit(past)
    lists = fit.recommend(past, 1)
    assert [names(lists, one) for one in (0, 300, 700)] == [["tea"], ["cup"], ["cup"]]
    assert fit.reasons(past, np.array([0]), np.array([1]))[0].en == (
        "popular now in young: 300 bought it in the last 14 days"
    )
    same = PopularFit.from_bytes(fit.to_bytes())
    assert np.array_equal(same.score(past), fit.score(past))


def test_rising_items_stand_by_growth_not_by_size():
    rows = {f"c{i}": [(1, "big"), (30, "big")] for i in range(200)}
    rows |= {f"d{i}": [(1, "up")] for i in range(60)} | {f"e{i}": [(30, "up")] for i in range(10)}
    past = tiny_interactions(rows, CUTOFF)
    assert names(Popular().fit(past).recommend(past, 1)) == ["big"]
    fit = Popular(trending=True).fit(past)
    assert names(fit.recommend(past, 1)) == ["up"]
    assert fit.reasons(past, np.array([0]), np.array([1]))[0].en == (
        "bought 60 times in the last 14 days, 10 times in the 56 days before"
    )
    with pytest.raises(UsageError, match="trending"):
        Popular(window_days=None, trending=True)


def test_a_lift_of_few_sales_is_shrunk():
    assert lifted(np.array([2.0, 300.0, 90.0]), np.array([1.0, 100.0, 300.0])).argmax() == 1


def test_own_items_come_first_by_count_then_what_sells_most():
    fit = Frequency().fit(PAST)
    lists = fit.recommend(PAST, 3)
    assert names(lists) == ["cup", "tea", "pot"]
    assert names(lists, 1) == ["tea", "pot", "cup"]  # all once: as popular of late
    assert names(lists, 3) == ["tea", "pot", "cup"]
    assert names(Frequency(half_life=1.0).fit(PAST).recommend(PAST, 3)) == ["tea", "cup", "pot"]
    alone = Frequency(fill_popular=False).fit(PAST).recommend(PAST, 3)
    assert names(alone) == ["cup", "tea"]
    assert names(alone, 3) == []


def test_equal_counts_stand_by_buyers_of_late_then_by_all_time():
    old = {f"o{one}": [(100, "tea")] for one in range(9)} | {f"p{one}": [(100, "pot")] for one in range(8)}
    new = {f"n{one}": [(20, "cup"), (10, "cup")] for one in range(2)} | {"m": [(3, "jug")]}
    past = tiny_interactions(old | new | {"ann": [(50, "tea"), (50, "cup")], "bob": []}, CUTOFF)
    who = [past.customer_id.to_pylist().index(one) for one in ("ann", "bob")]
    fit = Frequency().fit(past)
    lists = fit.recommend(past, 4)
    assert names(lists, who[0]) == ["cup", "tea", "jug", "pot"]
    assert names(lists, who[1]) == ["cup", "jug", "tea", "pot"]
    assert said(fit, who[1], "cup", past) == "popular now: 2 bought it in the last 28 days"
    assert said(fit, who[1], "pot", past) == "popular: 8 bought it so far"
    assert names(Frequency(tie_days=None).fit(past).recommend(past, 4), who[0]) == ["tea", "cup", "pot", "jug"]
    with pytest.raises(UsageError, match="tie_days"):
        Frequency(tie_days=0.0)


def test_reasons_count_what_happened():
    fit = FrequencyFit.from_bytes(Frequency().fit(PAST).to_bytes())
    assert said(fit, 0, "cup") == "bought 3 times, last 40 days ago"
    assert said(fit, 0, "tea") == "bought once, 3 days ago"
    assert said(fit, 0, "pot") == "popular now: 1 bought it in the last 28 days"


def test_one_basket_is_one_purchase_however_many_lines():
    past = tiny_interactions({"ann": [(5, "tea"), (5, "tea"), (2, "cup")], "bob": [(1, "tea")]}, CUTOFF)
    found = purchases(past)
    assert list(zip(found.customer, found.item, found.days, found.turn, strict=True)) == [
        (0, 0, 2.0, 0), (0, 1, 5.0, 1), (1, 1, 1.0, 0),
    ]  # fmt: skip
    assert found.baskets.tolist() == [2, 1]
    assert [one.tolist() for one in days_of(past, np.array([1, 0]), np.array([1, 0]))] == [[1.0], [2.0]]
    alone = purchases(past, np.array([1]))
    assert alone.customer.tolist() == [0]
    assert alone.turn.tolist() == [0]


def test_customers_without_orders_numbered_are_told_by_instant():
    past = tiny_interactions({"ann": [(5, "tea"), (5, "cup"), (2, "tea")]}, CUTOFF)
    bare = replace(past, basket=np.full(past.size, -1))
    assert np.array_equal(purchases(bare).turn, purchases(past).turn)
