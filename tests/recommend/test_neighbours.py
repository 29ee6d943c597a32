"""Neighbours of items, of sequences and of customers: against slow twins, and in what they say."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.checks.small_shop import shop
from holdfast.core.clock import Cutoff
from holdfast.core.interactions import tiny_interactions
from holdfast.recommend.matrix import matrix, weights
from holdfast.recommend.neighbours import ItemNeighbours
from holdfast.recommend.neighbours_counts import newest, products, strongest, turns_back
from holdfast.recommend.neighbours_sequence import SequenceNeighbours
from holdfast.recommend.neighbours_user import UserNeighbours
from holdfast.recommend.neighbours_words import day_text

NOW = Cutoff.parse("2024-01-10")


def test_item_neighbours_are_shrunk_cosines():
    past = shop()
    fit = ItemNeighbours(weighting="cosine", shrinkage=3.0, neighbours=10_000).fit(past)
    by_type = {"purchase": 1.0, "cart_add": 0.3, "wishlist": 0.3}
    counts = matrix(past, weights(past, by_type=by_type)).toarray().astype(np.float64)
    norm = np.sqrt((counts**2).sum(axis=0))
    expected = (counts.T @ counts) / (np.outer(norm, norm) + 3.0)
    np.fill_diagonal(expected, 0.0)
    assert expected.max() > 0.1
    np.testing.assert_allclose(fit.similarity.toarray(), expected, rtol=1e-5)


def test_sequences_are_counted_by_their_distance():
    past = shop()
    lane = SequenceNeighbours(
        distance_decay=0.7, backward=0.4, reach=3, source_power=0.0, target_power=0.0, neighbours=10_000
    )
    fit = lane.fit(past)
    bought = np.array([{"purchase": 1.0, "cart_add": 0.3, "wishlist": 0.3}.get(one, 0.0) for one in _types(past)])
    back = turns_back(past)
    expected = np.zeros((len(past.items), len(past.items)))
    for customer in range(len(past)):
        rows = past.rows_of(customer)
        for i in rows:
            for j in rows:
                apart = int(back[i] - back[j])  # over 0: j came after i
                by = bought[i] * bought[j]
                if apart == 0:
                    expected[past.item[i], past.item[j]] += by
                elif 0 < apart <= 3:
                    expected[past.item[i], past.item[j]] += by * 0.7 ** (apart - 1)
                elif -3 <= apart < 0:
                    expected[past.item[i], past.item[j]] += 0.4 * by * 0.7 ** (-apart - 1)
    np.fill_diagonal(expected, 0.0)
    assert not np.allclose(expected, expected.T)
    np.testing.assert_allclose(fit.similarity.toarray(), expected, rtol=1e-5, atol=1e-7)


def test_a_second_hop_reaches_what_nobody_bought_together():
    history = {"ann": [(9.0, "a"), (8.0, "b")], "bob": [(5.0, "b"), (4.0, "c")], "eve": [(1.0, "a")]}
    past = tiny_interactions(history, NOW)
    eve = past.take(np.array([2]))
    one, two = (SequenceNeighbours(hops=hops, backward=0.0).fit(past) for hops in (1, 2))
    assert np.isfinite(one.score(eve)).tolist() == [[False, True, False]]
    assert np.isfinite(two.score(eve)).tolist() == [[False, False, True]]


def test_the_order_of_purchases_decides_what_comes_next():
    past = tiny_interactions({str(one): [(9.0, "pot"), (5.0, "tea"), (1.0, "cup")] for one in range(4)}, NOW)
    asked = tiny_interactions({"new": [(3.0, "tea")]}, NOW)
    scores = SequenceNeighbours().fit(past).score(asked)[0]
    items = past.items.item_id.to_pylist()
    assert scores[items.index("cup")] > scores[items.index("pot")] > 0


def test_user_neighbours_are_those_with_the_highest_cosine():
    past = shop()
    fit = UserNeighbours(neighbours=10_000, half_life=None, decay=1.0).fit(past)
    by_type = {"purchase": 1.0, "cart_add": 0.3, "wishlist": 0.3}
    counts = matrix(past, weights(past, by_type=by_type)).toarray().astype(np.float64)
    holders = (counts > 0).sum(axis=0)
    weighed = np.sqrt(counts) * np.log1p(len(past) / np.maximum(holders, 1))
    unit = weighed / np.maximum(np.linalg.norm(weighed, axis=1, keepdims=True), 1e-12)
    expected = unit @ unit.T @ unit
    scores = fit.score(past)
    np.testing.assert_allclose(np.where(np.isfinite(scores), scores, 0.0), expected, rtol=1e-4, atol=1e-6)


def test_only_the_customers_who_came_last_are_kept():
    past = tiny_interactions({"old": [(90.0, "a"), (80.0, "b")], "new": [(3.0, "a"), (2.0, "c")]}, NOW)
    fit = UserNeighbours(customers=1).fit(past)
    assert fit.histories.shape == (1, 3)
    assert np.isfinite(fit.score(tiny_interactions({"x": [(1.0, "a")]}, NOW))).tolist() == [[True, False, True]]


@pytest.mark.parametrize("lane", [ItemNeighbours(), SequenceNeighbours(), UserNeighbours()])
def test_what_has_no_link_gets_no_score_and_says_so(lane):
    past = tiny_interactions({"ann": [(3.0, "a"), (2.0, "b")], "bob": [(3.0, "c")]}, NOW)
    fit = lane.fit(past)
    assert np.isneginf(fit.score(past)[0, 2])
    (said,) = fit.reasons(past, np.array([0], np.int32), np.array([2], np.int32))
    assert said.en.startswith("no")
    assert "没有" in said.zh


def test_the_reason_names_the_item_that_contributed_most_and_its_day():
    history = {str(one): [(20.0, "pot"), (19.0, "cup")] for one in range(5)}
    history["ann"] = [(30.0, "rug"), (9.0, "pot")]
    past = tiny_interactions(history, NOW, title=["a cup", "a {pot}", "a rug"])
    fit = ItemNeighbours().fit(past)
    who = past.customer_id.to_pylist().index("ann")
    (said,) = fit.reasons(past, np.array([who], np.int32), np.array([0], np.int32))
    assert said.render("en") == "because of a {pot} that you bought on 1 January"
    assert said.render("zh") == "因为您1月1日购买了a {pot}"


def test_the_day_is_that_of_the_shop():
    late = Cutoff.parse("2024-01-09T20:00:00Z").micros  # already the tenth in Shanghai
    assert day_text(late, Cutoff.parse("2024-01-12")).en == "on Tuesday"
    assert day_text(late, Cutoff.parse("2024-01-12"), "Asia/Shanghai").en == "on Wednesday"


def test_products_in_small_blocks_are_the_product(monkeypatch):
    import holdfast.recommend.neighbours_counts as counts

    held = matrix(shop()).astype(np.float64)
    monkeypatch.setattr(counts.row_blocks, "__defaults__", (40,))
    blocks = list(products(held.T.tocsr(), held))
    assert len(blocks) > 3
    found = np.concatenate([one.toarray() for _, one in blocks])
    np.testing.assert_allclose(found, (held.T @ held).toarray())


def test_the_strongest_are_the_largest_and_never_more():
    from scipy.sparse import random

    cells = random(50, 40, 0.5, format="csr", random_state=3)
    cells.data = np.round(cells.data, 1) + 0.1  # many ties
    kept = strongest(cells, 5)
    assert np.diff(kept.indptr).max() == 5
    for row in range(50):
        best = np.sort(cells[row].data)[::-1][:5]
        np.testing.assert_allclose(np.sort(kept[row].data)[::-1], best)


def test_an_endless_history_is_cut_to_its_newest_part():
    past = tiny_interactions(
        {"ann": [(float(ago), f"i{ago:04d}") for ago in range(1, 1500)], "bob": [(1.0, "i0001")]}, NOW
    )
    cut = newest(past)
    assert cut.counts.tolist() == [1000, 1]
    assert cut.age_days[:1000].max() == 1000.0


def _types(past):
    from holdfast.core.schema import EVENT_TYPES

    return [EVENT_TYPES[one] for one in past.event_type]
