"""What content and friends know of items and customers without a history, on real data."""

from __future__ import annotations

import numpy as np
import pytest
from tests.recommend.test_social import groups

from holdfast.bench.list_data import lastfm
from holdfast.bench.recommend_cold import online_retail
from holdfast.bench.recommend_lastfm import cold_customers, tuned
from holdfast.core.clock import Cutoff
from holdfast.core.interactions import Interactions, Items
from holdfast.recommend.social import Social


def rows_of(rows, metric):
    """(mean of each model, gain of each pair) of one metric and of one protocol."""
    means = {row.model: row for row in rows if row.metric == metric and "gain" not in row.protocol}
    gains = {
        (row.model, row.protocol.split("gain over ")[1]): row
        for row in rows
        if row.metric == metric and "gain" in row.protocol
    }
    return means, gains  # fmt: skip


@pytest.mark.slow
@pytest.mark.real_data
def test_new_items_of_online_retail_are_known_by_their_titles(real_data, monkeypatch):
    monkeypatch.setenv("HOLDFAST_DATA", str(real_data))
    rows = [row for row in online_retail() if row.protocol.startswith("cold items")]
    means, gains = rows_of(rows, "recall_at_10")
    assert 0.14 <= means["cold"].value < 0.25  # more would be a leak
    assert means["chance"].value == pytest.approx(10 / 290, abs=0.012)
    for over in ("chance", "foretold", "hindsight"):
        assert gains["cold", over].low > 0
    assert gains["content", "foretold"].low > 0


@pytest.mark.slow
@pytest.mark.real_data
def test_friends_know_more_of_a_newcomer_than_the_charts(real_data, monkeypatch):
    monkeypatch.setenv("HOLDFAST_DATA", str(real_data))
    means, gains = rows_of(cold_customers(lastfm(), Social(factors=16, iterations=4)), "ndcg_at_10")
    assert gains["trust", "popularity"].low > 0
    assert means["content"].value == means["popularity"].value  # a lane of likeness has nothing to go by


def test_both_ways_of_hearing_friends_are_tried_and_the_better_kept():
    from holdfast.bench.recommend_lastfm import held_out
    from holdfast.evaluate.lists.judge import judge

    train, test = held_out(groups(size=96), 0.4, 1)
    alone, friends = tuned(train, test, Social(factors=4, iterations=2, pull=0.0, trust=0.0))
    assert (alone.pull, alone.trust) == (0, 0)
    assert friends.pull or friends.trust
    worth = [
        judge(one.fit(train).recommend(train, 20, seen="exclude"), test, train).mean("ndcg_at_10")
        for one in (alone, friends)
    ]
    assert worth[1] > worth[0]


def test_interactions_of_the_bench_hide_whole_items():
    from holdfast.bench.recommend_cold import cold_items, outcomes
    from holdfast.recommend.content.lane import Content

    class Spy(Content):
        """Says what the fit was allowed to see."""

        def fit(self, past):
            seen.append(set(past.item.tolist()))
            return super().fit(past)

    items = Items.named([f"i{one}" for one in range(8)], title=[f"red word{one % 2}" for one in range(8)])
    who, item = np.repeat(np.arange(6), 4), np.random.default_rng(0).integers(0, 8, 24)
    at = Cutoff.parse("2024-01-10")
    past = Interactions.of(
        groups().customer_id.slice(0, 6), items, at, customer=who, item=item, occurred_at=np.full(24, at.micros - 1)
    )
    seen, cold = [], np.arange(8) < 2
    rows = cold_items(past, outcomes(past, cold[past.item]), cold, {"content": Spy(half_life=None)}, data="x")
    assert seen
    assert not seen[0] & {0, 1}
    assert all(0 <= row.value <= 1 for row in rows if "gain" not in row.protocol)
