"""Interests, prices and habits: shrinkage, evidence, and the honest "cannot be told"."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from holdfast.profile.interests import interests, sentence
from holdfast.profile.preferred import has_times, preferred
from holdfast.profile.prices import price_level, sensitivity
from holdfast.profile.settings import ProfileSettings

IDS = pa.array([f"c{i:03}" for i in range(200)])


def tastes(views: np.ndarray, orders: np.ndarray | None = None) -> pa.Table:
    """A table as `Acts.tastes` gives it, out of customers x categories."""
    rows = [
        (IDS[i].as_py(), f"k{j}", int(views[i, j]), int(0 if orders is None else orders[i, j]))
        for i in range(len(views)) for j in range(views.shape[1])
        if views[i, j] or (orders is not None and orders[i, j])
    ]  # fmt: skip
    who, category, seen, bought = zip(*rows, strict=True)
    return pa.table(
        {
            "customer_id": who,
            "category": category,
            "view_count": seen,
            "wish_count": [0] * len(who),
            "order_count": bought,
        }
    )


def world(seed: int = 1, strength: float = 4.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(true shares, views, usual): customers around a shop in which half of everything is one category."""
    rng = np.random.default_rng(seed)
    usual = np.array([0.5, 0.2, 0.15, 0.1, 0.05])
    true = rng.dirichlet(usual * strength, len(IDS))
    n = rng.integers(0, 60, len(IDS))
    return true, np.array([rng.multinomial(m, p) for m, p in zip(n, true, strict=True)]), usual


def test_everybodys_favourite_is_nobodys_interest() -> None:
    rng = np.random.default_rng(2)
    usual = np.array([0.6, 0.3, 0.1])
    found = interests(IDS, tastes(rng.multinomial(30, usual, len(IDS))))
    assert found.usual == pytest.approx(usual, abs=0.02)
    assert found.sure[:, 0].mean() < 0.01
    assert found.sure.mean() < 0.03
    assert found.prior > 50  # customers are alike, so an own share says little


def test_planted_tastes_are_found_and_what_is_called_one_is_one() -> None:
    true, views, usual = world()
    found = interests(IDS, tastes(views))
    assert 2 < found.prior < 8  # the planted 4
    above = true > usual * 1.25
    assert above[found.sure].mean() > 0.95
    strong = (true > 2 * usual) & (true > 0.3) & (views.sum(axis=1, keepdims=True) >= 20)
    assert found.sure[strong].mean() > 0.9
    error = np.abs(found.share - true)[views.sum(axis=1) > 0].mean()
    raw = views / np.maximum(views.sum(axis=1, keepdims=True), 1)
    assert error < np.abs(raw - true)[views.sum(axis=1) > 0].mean()


def test_two_views_are_no_interest_and_nothing_seen_is_not_known() -> None:
    _, views, _ = world()
    views[0], views[1] = 0, 0
    views[0, 4] = 2
    found = interests(IDS, tastes(views))
    assert found.names(3)[0] == []
    assert found.names(3)[1] is None
    assert interests(IDS, tastes(views).slice(0, 0)).names(3) == [None] * len(IDS)


def test_the_evidence_is_what_was_counted() -> None:
    views, orders = world()[1], np.zeros((200, 5), int)
    views[7], orders[7] = [3, 3, 0, 0, 14], [0, 0, 0, 0, 3]
    row = interests(IDS, tastes(views, orders)).rows(3)[7][0]
    assert (row["category"], row["views"], row["all_views"], row["orders"]) == ("k4", 14, 20, 3)
    assert sentence(row).startswith("k4: 14 of 20 views, 3 orders (")
    assert "20次浏览中的14次" in sentence(row, "zh")


def test_other_customers_set_the_base_and_names_or_order_do_not_matter() -> None:
    table = tastes(world()[1])
    some = IDS.take(pa.array([50, 3, 120]))
    alone, every = interests(some, table), interests(IDS, table)
    assert np.array_equal(alone.share, every.share[[50, 3, 120]])
    shuffled = table.take(pa.array(np.random.default_rng(1).permutation(table.num_rows)))
    assert np.allclose(interests(IDS, shuffled).share, every.share, rtol=0, atol=1e-12)
    stricter = ProfileSettings(interest_lift=3.0)
    assert interests(IDS, table, stricter).sure.sum() < every.sure.sum()


def test_deal_shares_are_shrunk_by_how_much_customers_differ() -> None:
    rng = np.random.default_rng(3)
    n = rng.integers(1, 25, 800).astype(float)
    alike = sensitivity(n, rng.binomial(n.astype(int), 0.2).astype(float))
    assert alike.strength > 40
    assert alike.high.mean() < 0.05
    true = rng.beta(1, 4, 800)
    differ = sensitivity(n, rng.binomial(n.astype(int), true).astype(float))
    assert 3 < differ.strength < 8  # the planted 5
    assert np.corrcoef(differ.deal_share, true)[0, 1] > 0.7
    assert true[differ.high].mean() > 0.3 > 0.1 > true[differ.low].mean()


def test_a_shop_without_deals_knows_no_sensitivity() -> None:
    found = sensitivity(np.array([3.0, 0.0]), np.array([0.0, 0.0]))
    assert np.isnan(found.deal_share).all()
    assert np.isnan(price_level(np.array([np.nan]), np.array([np.nan]))).all()


def test_a_preference_is_told_only_where_it_is_sure() -> None:
    rng = np.random.default_rng(4)
    even = rng.multinomial(20, np.full(7, 1 / 7), 2000).astype(float)
    assert (preferred(even).choice >= 0).mean() < 0.05
    loves = preferred(rng.multinomial(20, [0.7, *[0.05] * 6], 200).astype(float))
    assert (loves.choice == 0).mean() > 0.95
    assert (preferred(np.array([[4.0, 0.0]])).choice == -1).all()  # four occasions are too few
    assert preferred(np.array([[9.0]])).choice.tolist() == [0]  # a shop with one channel
    assert preferred(np.zeros((2, 0))).choice.tolist() == [-1, -1]


def test_hours_go_round_the_clock() -> None:
    late = np.zeros((1, 24))
    late[0, [23, 0, 1]] = 4, 5, 4
    assert preferred(late, around=1, wheel=True).choice.tolist() == [0]
    assert preferred(late, around=1, wheel=True).share.tolist() == [1.0]
    dates_only = np.zeros((5, 24))
    dates_only[:, 0] = 9
    assert not has_times(dates_only)
