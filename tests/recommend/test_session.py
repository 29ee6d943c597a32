"""Sessions like this one: against a slow twin, the newest ones only, and in what they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from holdfast.core.clock import Cutoff
from holdfast.core.interactions import Interactions, tiny_interactions
from holdfast.recommend.session import Session, current

NOW = Cutoff.parse("2024-01-10")


def sessions(*held: str) -> Interactions:
    """A customer and a session for each word; its letters are items, a minute apart; the first word is the newest."""
    history = {
        f"c{who:03d}": [(1.0 + who - at / 1440, letter) for at, letter in enumerate(word)]
        for who, word in enumerate(held)
    }
    past = tiny_interactions(history, NOW)
    return replace(past, session=past.customer.astype(np.int64), basket=np.full(past.size, -1))


def slow(past: Interactions, asked: str, lane: Session) -> dict[str, float]:
    """The formula of the docstring, word for word."""
    words = ["".join(past.items.item_id[int(i)].as_py() for i in past.item[past.rows_of(c)]) for c in range(len(past))]
    words = [one for one in words if len(one) > 1]
    rare = {
        one: np.log1p(len(words) / sum(one in word for word in words)) for one in {i for word in words for i in word}
    }
    sharing = [word for word in words if set(word) & set(asked)][: lane.recent]
    alike = {}
    for place, word in enumerate(sharing):
        told = sum(rare[one] * lane.decay ** (len(asked) - 1 - at) for at, one in enumerate(asked) if one in word)
        alike[place] = told / np.sqrt(len(word))
    found: dict[str, float] = {}
    for place in sorted(alike, key=lambda one: -alike[one])[: lane.neighbours]:
        word = sharing[place]
        newest = word.index([one for one in asked if one in word][-1])
        for at, one in enumerate(word):
            by = lane.distance_decay ** max(abs(at - newest) - 1, 0) * (lane.before if at < newest else 1.0)
            found[one] = found.get(one, 0.0) + alike[place] * by
    return {one: value * rare[one] ** lane.rarity for one, value in found.items()}


def test_scores_are_those_of_the_formula():
    rng = np.random.default_rng(4)
    words = ["".join(rng.permutation(list("abcdefghij"))[: rng.integers(1, 7)]) for _ in range(60)]
    past = sessions(*words)
    for lane in (Session(), Session(recent=7, neighbours=3)):
        fit = lane.fit(past)
        for asked in ("c", "ab", "hgfe"):
            scores = fit.score(sessions(asked).over(past.items))[0]
            expected = slow(past, asked, lane)
            found = {one: float(s) for one, s in zip(past.items.item_id.to_pylist(), scores, strict=True) if s > 0}
            assert found.keys() == expected.keys()
            np.testing.assert_allclose([found[one] for one in expected], list(expected.values()), rtol=1e-5)


def test_only_the_newest_sessions_count():
    past = sessions("ab", "ac")
    asked = sessions("a").over(past.items)
    assert np.isfinite(Session().fit(past).score(asked)).tolist() == [[True, True, True]]
    assert np.isfinite(Session(recent=1).fit(past).score(asked)).tolist() == [[True, True, False]]
    assert np.isfinite(Session(sessions=1).fit(past).score(asked)).tolist() == [[True, True, False]]


def test_the_session_is_the_newest_one_else_the_newest_basket_else_the_day():
    past = tiny_interactions({"ann": [(9.0, "a"), (1.2, "b"), (1.1, "c")]}, NOW)
    names = past.items.item_id.to_pylist()

    def held(one: Interactions) -> list[str]:
        return [names[item] for item in current(one, 0)[0]]

    assert held(past) == ["b", "c"]
    assert held(replace(past, basket=np.array([0, 1, 2]))) == ["c"]
    assert held(replace(past, basket=np.full(3, -1))) == ["b", "c"]
    assert held(replace(past, session=np.zeros(3, np.int64))) == ["a", "b", "c"]


def test_the_index_names_no_customer_and_comes_back():
    past = sessions("abc", "bcd", "cd")
    fit = Session().fit(past)
    data = fit.to_bytes()
    assert b"c000" not in data
    assert "c000".encode("utf-32-le") not in data
    assert np.array_equal(type(fit).from_bytes(data).score(past), fit.score(past))


def test_the_reason_counts_the_sessions_that_hold_both():
    past = sessions("ab", "ab", "ac", "xy")
    fit = Session().fit(past)
    asked = sessions("a").over(past.items)
    names = past.items.item_id.to_pylist()
    who = np.zeros(2, np.int32)
    said, none = fit.reasons(asked, who, np.array([names.index("b"), names.index("y")], np.int32))
    assert said.en == "in 2 of the 3 recent sessions most like yours, with a that you bought"
    assert said.zh == "在与您最相似的3次近期访问中，有2次与您购买的a一起出现"
    assert none.en.startswith("no session")
