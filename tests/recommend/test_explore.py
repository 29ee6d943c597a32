"""Diversity keeps what it is given, exploration writes down true chances, and money orders lists only when told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from holdfast.checks.small_shop import shop
from holdfast.core.clock import DAY_MICROS, Cutoff
from holdfast.core.errors import UsageError
from holdfast.core.interactions import Interactions, Items
from holdfast.core.recommend import Recommendations
from holdfast.core.schema import EVENT_TYPES
from holdfast.recommend.diversity import Calibrated, Mmr, category_vectors, price
from holdfast.recommend.explore import Explore, MeasuredKeeping, Posterior, worth
from holdfast.recommend.popular import Popular

CUTOFF = Cutoff.parse("2024-01-10")


def _lists(customers: int = 1, items: int = 30) -> Recommendations:
    names = [f"i{one:02d}" for one in range(items)]
    people = [f"c{one:05d}" for one in range(customers)]
    return Recommendations.listed(people, names, [list(range(items))] * customers, CUTOFF, "explore", "x")


def test_no_strength_changes_nothing():
    past = shop()
    lists = Popular(None).fit(past).recommend(past, 20)
    for same in (Mmr(0.0).diverse(lists, category_vectors(past.items), 10), Calibrated(0.0).diverse(lists, past, 10)):
        assert same.item.tolist() == lists.top(10).item.tolist()
        assert price(lists, same) == pytest.approx(0.0)


def test_mmr_spreads_categories_and_states_a_price():
    past = shop()
    lists = Popular(None).fit(past).recommend(past, 25)
    spread = Mmr(0.7).diverse(lists, category_vectors(past.items), 5)
    assert _categories(spread, past) > _categories(lists.top(5), past)
    assert 0 < price(lists, spread, 5) < 1
    assert spread.counts.tolist() == [5] * len(past)
    assert spread.customer_id.equals(past.customer_id)


def _categories(lists: Recommendations, past: Interactions) -> float:
    names = past.items.category.to_pylist()
    cut = zip(lists.offsets[:-1], lists.offsets[1:], strict=True)
    return float(np.mean([len({names[one] for one in lists.item[start:end]}) for start, end in cut]))


def test_calibration_gives_categories_the_shares_of_the_history():
    items = Items.named([f"i{one}" for one in range(8)], category=["Tea"] * 4 + ["Cups"] * 4)
    when = np.full(4, CUTOFF.micros - DAY_MICROS)
    past = Interactions.of(
        pa.array(["ann", "bob"]),
        items,
        CUTOFF,
        customer=np.array([0] * 4),
        item=np.array([0, 1, 4, 5]),
        occurred_at=when,
    )
    lists = Recommendations.listed(["ann", "bob"], items.item_id, [list(range(8))] * 2, CUTOFF, "explore", "x")
    found = Calibrated(0.9).diverse(lists, past, 4)
    assert sorted((found.item[:4] >= 4).tolist()) == [False, False, True, True]
    assert found.item[4:].tolist() == [0, 1, 2, 3]  # nothing is known of bob


def test_propensities_are_the_shares_of_draws():
    """Each of 3,000 customers draws on its own: how often an item is drawn is what its propensity says."""
    lists = _lists(3_000, 8)
    posterior = Posterior(lists.item_id, np.array([1, 1, 1, 9, 3, 1, 1, 1.0]), np.full(8, 10.0))
    found = Explore(slots=2, pool=6, draws=300).explored(lists, posterior, 4)
    assert found.counts.tolist() == [4] * 3_000
    item, chance = found.item.reshape(-1, 4), found.propensity.reshape(-1, 4)
    assert (chance[:, :2] == 1).all()
    assert item[:, :2].tolist() == [[0, 1]] * 3_000
    for one in range(2, 8):
        drawn = item[:, 2:] == one
        assert drawn.any(axis=1).mean() == pytest.approx(chance[:, 2:][drawn].mean(), abs=0.03)
    assert (1.0 / chance[:, 2:]).sum(axis=1).mean() == pytest.approx(
        6.0, rel=0.1
    )  # inverse propensities count the pool
    assert (np.diff(np.sort(item, axis=1)) > 0).all()


def test_draws_depend_on_the_seed_and_on_nobody_else():
    lists = _lists(50)
    posterior = Posterior(lists.item_id, np.full(30, 1.0), np.full(30, 19.0))
    one = Explore(slots=3).explored(lists, posterior)
    some = Explore(slots=3).explored(lists.take(np.arange(20, 30)), posterior)
    assert some.item.tolist() == one.take(np.arange(20, 30)).item.tolist()
    assert Explore(slots=3, seed=2).explored(lists, posterior).item.tolist() != one.item.tolist()
    assert Explore(slots=0).explored(lists, posterior).item.tolist() == lists.top(10).item.tolist()
    with pytest.raises(UsageError, match="slots"):
        Explore(slots=11).explored(lists, posterior)


def test_a_click_counts_only_on_what_was_shown_before():
    items = Items.named(["a", "b", "c"])
    rows = [(0, 0, 5, "exposure"), (0, 0, 4, "click"), (0, 1, 5, "click"), (0, 1, 4, "exposure"), (1, 0, 3, "exposure")]
    past = Interactions.of(
        pa.array(["ann", "bob"]), items, CUTOFF, customer=np.array([one[0] for one in rows]),
        item=np.array([one[1] for one in rows]),
        occurred_at=np.array([CUTOFF.micros - one[2] * DAY_MICROS for one in rows]),
        event_type=np.array([EVENT_TYPES.index(one[3]) for one in rows]),
    )  # fmt: skip
    found = Posterior.of(past, prior=(1.0, 9.0))
    assert found.wins.tolist() == [2, 1, 1]
    assert found.losses.tolist() == [10, 10, 9]
    nothing = Posterior.of(past.of_type("view"), prior=(1.0, 9.0))
    assert nothing.wins.tolist() == [1, 1, 1]


def test_unknown_margins_are_the_mean_and_keeping_must_have_been_measured():
    items = Items.named(["a", "b", "c"], price=[10_000, -1, 100_000], margin_rate=[0.5, np.nan, 0.5])
    lists = Recommendations.listed(["ann"], ["a", "b", "c"], [[0, 1, 2]], CUTOFF, "explore", "x")
    assert worth(lists, items).item.tolist() == [2, 1, 0]  # 5/4, 2.75/3 and .5/2
    assert worth(lists, items, objective="relevance").item.tolist() == [0, 1, 2]
    lists = replace(lists, lane=pa.array(["again", "explore", "explore"]))
    unsure = MeasuredKeeping("again", effect=0.01, low=-0.001, high=0.02, value=1000.0)
    assert worth(lists, items, keeping=(unsure,)).item.tolist() == [2, 1, 0]
    sure = MeasuredKeeping("again", effect=0.01, low=0.002, high=0.02, value=1000.0)
    assert worth(lists, items, keeping=(sure,)).item.tolist() == [0, 2, 1]
    with pytest.raises(UsageError, match="profit"):
        worth(lists, items, objective="profit")  # type: ignore[arg-type]
