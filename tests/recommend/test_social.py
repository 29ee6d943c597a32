"""Friends: what the ridge draws to, what trust says, and that neither is heard where there are none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from scipy.sparse import csr_matrix

from holdfast.bench.recommend_lastfm import filled, held_out
from holdfast.core.clock import Cutoff
from holdfast.core.errors import UsageError
from holdfast.core.interactions import Interactions, Items, Ties, tiny_interactions
from holdfast.core.recommend import Recommendations
from holdfast.evaluate.lists.judge import judge
from holdfast.recommend.social import FittedSocial, Social, solved
from holdfast.recommend.social_ties import circle
from holdfast.recommend.social_trust import Trust

CUTOFF = Cutoff.parse("2024-01-10")


def tied(past: Interactions, pairs: list[tuple[int, int]], weight: list[float] | None = None) -> Interactions:
    both = np.array(pairs, np.int32).reshape(-1, 2)
    return replace(past, ties=Ties(both[:, 0], both[:, 1], np.array(weight or [1.0] * len(pairs), np.float32)))


def groups(seed: int = 0, size: int = 160) -> Interactions:
    """Eight circles of friends; each circle hears items of its own, and everybody a few things by chance."""
    random = np.random.default_rng(seed)
    circles = np.arange(size) % 8
    who = np.repeat(np.arange(size), 5)
    own = circles[who] * 12 + random.integers(0, 12, len(who))
    item = np.where(random.random(len(who)) < 0.6, own, random.integers(0, 96, len(who)))
    cell = np.unique(np.column_stack([who, item]), axis=0)
    past = Interactions.of(
        pa.array([f"c{one:03d}" for one in range(size)]), Items.named([f"i{one:02d}" for one in range(96)]), CUTOFF,
        customer=cell[:, 0], item=cell[:, 1], occurred_at=np.full(len(cell), CUTOFF.micros - 1),
    )  # fmt: skip
    pairs = [(a, b) for a in range(size) for b in range(size) if a != b and circles[a] == circles[b] and (a + b) % 3]
    return tied(past, pairs)


def test_shares_of_friends_add_to_one():
    past = tied(tiny_interactions({"a": [], "b": [], "c": []}, CUTOFF), [(0, 1), (0, 2), (1, 1), (2, 0)], [3, 1, 5, 0])
    assert circle(past).toarray().tolist() == [[0, 0.75, 0.25], [0, 0, 0], [0, 0, 0]]


def test_a_solved_row_is_where_the_gradient_is_nothing():
    random = np.random.default_rng(1)
    cells, other = csr_matrix((random.random((4, 9)) < 0.5) * random.random((4, 9))), random.normal(size=(9, 3))
    prior, ridge = random.normal(size=(4, 3)), np.array([0.5, 1, 2, 3])
    x = solved(cells, other, 0.2, ridge, prior)
    weight = cells.toarray()
    gradient = (weight * (x @ other.T - 1)) @ other + 0.2 * (x @ other.T) @ other + ridge[:, None] * (x - prior)
    assert np.allclose(gradient, 0, atol=1e-9)


def test_without_a_pull_or_without_ties_friends_are_not_heard():
    past = groups()
    alone = replace(past, ties=None)
    plain = Social(factors=8, pull=0.0, trust=0.0)
    expected = plain.fit(past).score(past)
    assert np.array_equal(plain.fit(alone).score(alone), expected)
    assert np.array_equal(replace(plain, pull=0.9).fit(alone).score(alone), expected)
    assert not np.allclose(replace(plain, pull=0.9).fit(past).score(past), expected)


def test_friends_help_where_taste_lies_in_circles():
    train, test = held_out(groups(), 0.4, 1)
    plain = Social(factors=8, regularisation=3.0, pull=0.0, trust=0.0)
    found = {}
    for pull in (0.0, 0.8):
        lists = replace(plain, pull=pull).fit(train).recommend(train, 10, seen="exclude")
        found[pull] = judge(lists, test, train).mean("recall_at_10")
    assert found[0.8] > found[0.0] + 0.02
    strangers = replace(train, ties=Ties(train.ties.customer, np.roll(train.ties.other, 40), train.ties.weight))
    lists = replace(plain, pull=0.8).fit(strangers).recommend(strangers, 10, seen="exclude")
    assert judge(lists, test, train).mean("recall_at_10") < found[0.8]


def test_what_friends_chose_is_added_to_the_product():
    past = groups()
    fit = Social(factors=8, trust=0.0).fit(past)
    heard = replace(fit, recommender=replace(fit.recommender, trust=0.5, reach=0.0))
    more = heard.score(past) - fit.score(past)
    friends = past.ties.other[past.ties.customer == 3]
    share = np.array([np.isin(past.item[np.isin(past.customer, [one])], [30, 31]).any() for one in friends]).mean()
    assert share > 0
    assert more[3, [30, 31]].max() > 0
    for item in (30, 31):
        count = len({int(one) for one in past.customer[past.item == item]} & set(friends.tolist()))
        assert more[3, item] == pytest.approx(0.5 * count / len(friends), abs=1e-5)


def test_a_reason_is_what_carries_the_score():
    past = groups()
    fit = Social(factors=8, pull=0.6, trust=0.2).fit(past)
    parts, pulled = fit._carried(past, fit.recommender.cells(past), np.array([0, 3]))
    whole = fit.taste(past, np.array([0, 3]))
    assert np.allclose([own.sum(axis=0) + rest for own, rest in zip(parts, pulled, strict=True)], whole)
    alone = replace(past, ties=None)
    assert np.allclose(fit._carried(alone, fit.recommender.cells(alone), np.array([3]))[1], 0, atol=1e-9)
    only = replace(fit, recommender=replace(fit.recommender, pull=0.0, trust=50.0))
    liked = only.recommend(past, 1, rows=np.array([3])).item
    friends = past.ties.other[past.ties.customer == 3]
    count = len({int(one) for one in past.customer[past.item == liked[0]]} & set(friends.tolist()))
    said = only.reasons(past, np.array([3], np.int32), liked)[0]
    assert said.en == f"chosen by {count} of your {len(friends)} friends"
    quiet = replace(fit, recommender=replace(fit.recommender, pull=0.0, trust=0.0))
    assert quiet.reasons(past, np.array([3], np.int32), liked)[0].en.startswith("for those who choose ")


def test_who_did_nothing_gets_the_mean_of_the_friends():
    past = groups()
    silent = past.keeping(past.customer != 0)
    fit = Social(factors=8).fit(silent)
    friends = past.ties.other[past.ties.customer == 0]
    taste = fit.taste(silent, np.array([0, *friends]))
    alone = replace(silent, ties=None)
    assert np.allclose(taste[0], fit.taste(alone, friends.astype(np.int64)).mean(axis=0))
    unknown = replace(silent, ties=None).take(np.array([0]))
    assert fit.recommend(unknown, 5).counts.tolist() == [0]
    again = FittedSocial.from_bytes(fit.to_bytes())
    assert np.array_equal(again.score(silent), fit.score(silent))


def test_listens_weigh_by_their_logarithm():
    past = tiny_interactions({"a": [(1, "x"), (1, "y")]}, CUTOFF)
    past = replace(past, quantity=np.array([1.0, np.e**2], np.float32))
    assert np.allclose(Social(units="log").cells(past).toarray(), [[1, 3]])
    assert Social().cells(past).toarray().tolist() == [[1, 1]]
    with pytest.raises(UsageError, match="units"):
        Social(units="square")


def test_trust_counts_friends_their_friends_and_never_oneself():
    history = {
        "a": [(1, "own")],
        "b": [(1, "near"), (2, "both")],
        "c": [(1, "both")],
        "d": [(1, "far")],
        "e": [(1, "own")],
    }
    past = tied(tiny_interactions(history, CUTOFF), [(0, 1), (1, 0), (0, 2), (1, 3)])
    fit = Trust(reach=0.5, popularity=0.1).fit(past)
    at = {name: place for place, name in enumerate(fit.items.item_id.to_pylist())}
    row = fit.score(past)[0]
    share = dict(zip(at, fit.share, strict=True))
    assert share["own"] == pytest.approx(0.4)
    near = {"both": 1.0, "near": 0.5, "far": 0.5 * 0.5 * 0.5, "own": 0.0}
    assert {one: pytest.approx(near[one] + 0.1 * share[one]) for one in near} == {one: row[at[one]] for one in near}
    assert fit.recommend(past, 1, rows=np.array([4])).to_arrow()["item_id"].to_pylist() == ["both"]
    who = np.zeros(4, np.int32)
    said = [one.en for one in fit.reasons(past, who, np.array([at[one] for one in ("both", "near", "far", "own")]))]
    assert said == [
        "chosen by 2 of your 2 friends", "chosen by 1 of your 2 friends", "chosen by friends of your friends",
        "chosen by 40.0% of all customers",
    ]  # fmt: skip


def test_a_share_of_every_history_is_held_out():
    past = groups()
    train, test = held_out(past, 0.4, 3)
    assert (test.counts == np.floor(0.4 * past.counts)).all()
    assert (train.counts + test.counts == past.counts).all()
    width = len(past.items)
    hidden = np.repeat(np.arange(len(test)), test.counts) * width + test.item
    assert not np.isin(hidden, train.customer.astype(np.int64) * width + train.item).any()


def test_short_lists_are_filled_without_repeats():
    one = Recommendations.listed(["a", "b"], ["x", "y", "z"], [[2], []], CUTOFF, "new", "s")
    rest = Recommendations.listed(["a", "b"], ["x", "y", "z"], [[2, 0, 1], [1]], CUTOFF, "new", "s")
    found = filled(one, rest, 2)
    assert found.item.tolist() == [2, 0, 1]
    assert found.counts.tolist() == [2, 1]
