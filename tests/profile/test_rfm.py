"""The RFM grid, value tiers and AIPL: by hand, and as laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.profile.rfm import GROUPS, Grid, Scale, aipl, cells, groups, tiers

VALUES = st.lists(st.integers(0, 9).map(float), min_size=1, max_size=40)


def test_fifths_of_ten_different_customers() -> None:
    values = np.arange(10.0)
    assert Scale.fit(values).score(values).tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_a_shop_where_most_ordered_once_keeps_them_together() -> None:
    orders = np.array([1.0] * 80 + [2.0] * 15 + [9.0] * 5)
    score = Scale.fit(orders).score(orders)
    assert [set(score[:80].tolist()), set(score[80:95].tolist()), set(score[95:].tolist())] == [{3}, {5}, {5}]
    assert set(Scale.fit(np.full(7, 3.0)).score(np.full(7, 3.0)).tolist()) == {3}


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_tiny_shops_get_scores_too(n: int) -> None:
    values = np.arange(float(n))
    score = Scale.fit(values).score(values)
    assert (np.diff(score) >= 0).all()
    assert ((score >= 1) & (score <= 5)).all()
    assert Scale.fit(np.array([])).score(np.array([1.0])).tolist() == [0]


@given(VALUES, st.randoms(use_true_random=False))
def test_equal_customers_score_equally_and_their_order_does_not_matter(values: list[float], chance: object) -> None:
    x = np.array(values)
    score = Scale.fit(x).score(x)
    for one in np.unique(x):
        assert len(set(score[x == one].tolist())) == 1
    rank = np.argsort(x, kind="stable")
    assert (np.diff(score[rank]) >= 0).all()
    order = np.random.default_rng(len(values)).permutation(len(x))
    assert (Scale.fit(x[order]).score(x[order]) == score[order]).all()
    # no fifth holds more than its share and one tie
    largest = max(np.bincount(np.unique(x, return_inverse=True)[1]))
    assert np.bincount(score, minlength=6).max() <= len(x) / 5 + largest


def test_cells_have_names_and_who_never_ordered_has_none() -> None:
    silence, orders, revenue = (
        np.array([1.0, 200, np.nan, 60]),
        np.array([20.0, 15, 0, 1]),
        np.array([900.0, 800, 0, 9]),
    )
    scores = Grid.fit(silence, orders, revenue).scores(silence, orders, revenue)
    assert cells(scores)[2] is None
    assert groups(scores)[2] is None
    assert groups(scores)[0] == "champions"
    every = np.array([(r, f, m) for r in range(1, 6) for f in range(1, 6) for m in range(1, 6)])
    assert set(groups(every)) == set(GROUPS)


@given(VALUES)
def test_tiers_hold_the_shares_of_revenue_they_are_named_for(values: list[float]) -> None:
    spent = np.array(values)
    found = np.array([one or "" for one in tiers(spent)])
    if not spent.sum():
        assert set(found.tolist()) == {""}
        return
    assert ((found == "") == (spent == 0)).all()
    above = 0.0
    for name, limit in (("top", 0.5), ("high", 0.8), ("middle", 0.95), ("low", 1.0)):
        mine = spent[found == name]
        # everybody in a tier starts below its limit: those who spent more had not yet brought that share
        if len(mine):
            assert spent[spent > mine.max()].sum() >= above - 1e-9
            assert spent[spent > mine.min()].sum() < limit * spent.sum() + 1e-9
            above = spent[spent >= mine.min()].sum()


def test_stages_of_aipl() -> None:
    assert aipl(np.array([0.0, 3]), np.array([5.0, 0]), np.array([0.0, 0])) == ["interest", "aware"]
