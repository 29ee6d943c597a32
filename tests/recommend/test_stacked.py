"""Stacked lanes: trees learn whom to believe, and without lessons the lanes' mean orders."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.core.clock import Cutoff
from holdfast.core.interactions import Interactions, tiny_interactions
from holdfast.recommend.mix_lanes import fit_lanes, spec
from holdfast.recommend.neighbours_rank import Stacked

NOW = Cutoff.parse("2024-01-10")
LANES = (spec("popular"), spec("sequence_neighbours"))


def pairs(customers: int) -> Interactions:
    """Everybody buys the hit, then a thing of twelve, then on the last day its successor; the hit is no successor."""
    rng = np.random.default_rng(3)
    first = rng.integers(0, 12, customers)
    history = {
        f"c{who}": [(5.0, "hit"), (2.0, f"a{one:02d}"), (1.0, f"b{one:02d}")] for who, one in enumerate(first.tolist())
    }
    asked = {f"q{one}": [(5.0, "hit"), (1.5, f"a{one:02d}")] for one in range(12)}
    return tiny_interactions(history | asked, NOW)


@pytest.fixture(scope="module")
def past() -> Interactions:
    # half of the successors lie a day back already, so that the lanes can know them when trees learn
    some = pairs(600)
    moved = some.occurred_at - np.where(some.customer % 2 == 0, 3 * 86_400_000_000, 0)
    return Interactions.of(
        some.customer_id, some.items, NOW, customer=some.customer, item=some.item, occurred_at=moved, basket=some.basket
    )


def test_trees_put_the_successor_first(past):
    fit = Stacked(lanes=LANES, horizon="1d", each=10, rounds=20).fit(past)
    assert fit.trees
    asked = np.flatnonzero([one.startswith("q") for one in past.customer_id.to_pylist()])
    first = fit.recommend(past, 1, seen="exclude", rows=asked).to_arrow()["item_id"].to_pylist()
    assert first == [f"b{one:02d}" for one in range(12)]
    again = type(fit).from_bytes(fit.to_bytes())
    assert np.array_equal(again.score(past, asked), fit.score(past, asked))


def test_own_items_are_proposed_only_where_lists_may_hold_them(past):
    who = np.flatnonzero([one == "q0" for one in past.customer_id.to_pylist()])
    hit = past.items.item_id.to_pylist().index("hit")
    for seen, proposed in (("exclude", False), ("allow", True)):
        fit = Stacked(lanes=LANES, horizon="1d", rounds=5, seen=seen).fit(past)
        assert np.isfinite(fit.score(past, who)[0, hit]) == proposed


def test_too_few_lessons_leave_the_order_to_the_lanes(past):
    fit = Stacked(lanes=LANES, horizon="1d", fewest=100_000).fit(past)
    assert fit.trees == ""
    lists = fit.recommend(past, 3, seen="exclude")
    assert lists.counts.max() > 0


def test_lanes_fitted_elsewhere_give_the_same_stack(past):
    stack = Stacked(lanes=LANES, horizon="1d", each=10, rounds=5)
    asked = []

    def fits(some):
        asked.append(some.size)
        return fit_lanes(LANES, some)

    other = Stacked(lanes=(), horizon="1d", each=10, rounds=5).over(past, fits)
    assert asked == [int((past.age_days > 1).sum()), past.size]  # as of the lesson, then as of now
    assert other.to_bytes() == stack.fit(past).to_bytes()
