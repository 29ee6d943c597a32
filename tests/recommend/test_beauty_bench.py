"""The bench of next items: its rows on made-up sequences, and the figures on the real ones."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.bench.list_data import Sequences, beauty
from holdfast.bench.recommend_beauty import as_sessions, judge_one, recommenders, table
from holdfast.core.interactions import Items


def circles(customers: int) -> Sequences:
    """Everybody walks along one of five circles of ten items from some place; nothing else is ever next."""
    rng = np.random.default_rng(5)
    starts, ring = rng.integers(0, 10, customers), rng.integers(0, 5, customers)
    walks = [[[f"r{r}-{(s + k) % 10}"] for k in range(6)] for s, r in zip(starts.tolist(), ring.tolist(), strict=True)]
    names = sorted({f"r{r}-{k}" for r in range(5) for k in range(10)})
    return Sequences([f"c{one}" for one in range(customers)], walks, Items.named(names, description=["a1"] * 50))


def test_rows_say_what_was_predicted_and_how():
    rows = table(circles(150), False)
    hit = {(one.model, one.protocol): one for one in rows if one.metric == "hit_at_5" and "gain" not in one.protocol}
    last = "leave-one-out, last item, full ranking of 50 items, seen items excluded, 95%"
    assert {model for model, said in hit if said == last} == set(recommenders(False))
    assert hit["sequence_neighbours", last].value == 1.0  # the order is known
    assert hit["popular", last].value < 0.5
    assert hit["sequence_neighbours", last].n == 150
    assert any("penultimate" in said for _, said in hit)
    assert any("seen items allowed" in said for _, said in hit)
    gained = [one for one in rows if one.protocol.endswith("paired gain over popular")]
    assert gained
    assert all(one.low is not None and one.low > 0 for one in gained if one.metric == "hit_at_10")


def test_a_history_is_one_session():
    past = as_sessions(circles(10).before_last(1))
    assert past.session.tolist() == past.customer.tolist()


@pytest.mark.slow
@pytest.mark.real_data
def test_order_alone_reaches_what_was_aimed_at_for_the_mix(real_data, monkeypatch):
    monkeypatch.setenv("HOLDFAST_DATA", str(real_data))
    found = judge_one(recommenders(False)["sequence_neighbours"], beauty(), 1, "exclude", "sequence_neighbours")
    assert found.n() == 22_363
    assert found.mean("hit_at_10") >= 0.098
    assert found.mean("ndcg_at_10") >= 0.062
