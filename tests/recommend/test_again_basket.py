"""Customers alike: who they are, what they teach, and what is said of them."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.core.clock import Cutoff
from holdfast.core.errors import UsageError
from holdfast.core.interactions import tiny_interactions
from holdfast.recommend.again_basket import NextBasket, NextBasketFit

CUTOFF = Cutoff.parse("2024-06-01")
HISTORY = {
    "ann": [(9, "tea"), (8, "milk")],
    "bea": [(9, "tea"), (7, "milk"), (1, "cake")],
    "cyd": [(9, "tea"), (6, "milk"), (2, "cake")],
    "dan": [(9, "bolt"), (5, "nut")],
    "eve": [(9, "bolt"), (5, "nut"), (1, "saw")],
    "new": [],
}
PAST = tiny_interactions(HISTORY, CUTOFF)
FIT = NextBasket().fit(PAST)


def top(fit, past, customer, **options):
    found = fit.recommend(past, 1, rows=np.array([customer]), **options)
    return [found.item_id[int(one)].as_py() for one in found.item]


def test_neighbours_teach_what_the_customer_lacks():
    assert top(FIT, PAST, 0, seen="exclude") == ["cake"]
    assert top(FIT, PAST, 3, seen="exclude") == ["saw"]
    assert top(FIT, PAST, 5) == []


def test_neighbours_weights_add_to_one_and_leave_the_same_vector_out():
    alike = FIT.alike(PAST, np.arange(6)).toarray()
    assert alike.sum(axis=1)[:5] == pytest.approx(1.0)
    assert alike.shape == (6, 5)  # the customer without purchases is not kept
    assert (alike == 0).sum() > 6


def test_newest_baskets_of_neighbours_count_most():
    past = tiny_interactions(
        {
            "you": [(3, "tea")],
            "one": [(9, "old"), (5, "tea"), (1, "fresh")],
            "two": [(9, "old"), (5, "tea"), (1, "fresh")],
        },
        CUTOFF,
    )
    assert top(NextBasket(fresh_half_life_baskets=0.5).fit(past), past, 0, seen="exclude") == ["fresh"]


def test_only_the_nearest_are_asked():
    rows = {f"c{i}": [(5, "tea"), (4, f"x{i:02d}"), (1, f"y{i:02d}")] for i in range(20)}
    past = tiny_interactions({"you": [(5, "tea"), (4, "x07")], **rows}, CUTOFF)
    assert top(NextBasket(neighbours=1).fit(past), past, 0, seen="exclude") == ["y07"]
    with pytest.raises(UsageError, match="neighbours"):
        NextBasket(neighbours=0)


def test_the_reason_counts_neighbours_that_share():
    names = PAST.items.item_id.to_pylist()
    who = np.array([0, 0, 0], np.int32)
    said = FIT.reasons(PAST, who, np.array([names.index(one) for one in ("cake", "milk", "saw")], np.int32))
    assert said[0].en in {
        f"2 of the 2 customers most like you bought this and, as you did, {one}" for one in ("tea", "milk")
    }
    assert said[1].en == "2 of the 2 customers most like you bought this and, as you did, tea"
    assert said[2].en == "no customer like you has bought this yet"


def test_customers_order_leaves_no_trace_and_most_recent_are_kept():
    other = dict(reversed(HISTORY.items()))
    assert NextBasket().fit(tiny_interactions(other, CUTOFF)).to_bytes() == FIT.to_bytes()
    same = NextBasketFit.from_bytes(FIT.to_bytes())
    assert np.array_equal(same.score(PAST), FIT.score(PAST))
    assert NextBasket(most=2).fit(PAST).taste.shape[0] == 2
