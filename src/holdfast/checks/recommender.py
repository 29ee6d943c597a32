# ruff: noqa: S101 - these checks say what is broken by failing an assertion, as any test does
"""What every recommender must keep to; run it on your own: `check_recommender(MyRecommender())`.

The checks make a small shop of their own, so they need no data. Each raises `AssertionError` with what was broken.
A recommender that learns from drawn samples says so (`sampled: ClassVar[bool] = True`): another order of its rows then
draws others, and only the order in which customers are asked must not matter.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, is_dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.checks.small_shop import CUTOFF, crowd, of_rows, shop
from holdfast.core.interactions import Interactions, Items
from holdfast.core.recommend import LANES, FittedRecommender, Recommendations, Recommender, Scores
from holdfast.core.text import Text

#: How far two ways of adding the same numbers may lie apart, as a share of the largest score.
NEAR = 1e-3
#: The same of two fits of the same history in another order: what is learnt step by step ends a little elsewhere.
LEARNT = 1e-2
_COLUMNS = ("kind", "title", "category", "brand", "description", "price", "margin_rate", "stock", "embedding")


def check_recommender(recommender: Recommender) -> None:
    """Run every check; silent when the recommender keeps to all of them."""
    for one in CHECKS:
        one(recommender)


def check_is_configuration(recommender: Recommender) -> None:
    """A recommender is a frozen dataclass with defaults, which can be written as JSON, compared and hashed."""
    kind = type(recommender)
    assert is_dataclass(recommender), f"{kind.__name__} is not a dataclass"
    assert kind.__dataclass_params__.frozen, "the dataclass is not frozen"
    assert replace(recommender) == recommender, "a copy with the same settings is not equal"
    assert hash(replace(recommender)) == hash(recommender), "equal settings have different hashes"
    json.dumps(asdict(recommender), allow_nan=False)
    assert kind() is not None, "a setting has no default"
    assert recommender.lane in LANES, f"lane {recommender.lane!r} is none of {LANES}"


def check_scores(recommender: Recommender) -> None:
    """(customers x items) float32 in the order of the catalogue, without NaN; a customer's row stands alone."""
    past, fit = shop(), _fit(recommender)
    assert fit.recommender_id == recommender.recommender_id, "the fit carries another id"
    assert fit.items.item_id.equals(past.items.item_id), "the fit names other items than it was fitted on"
    scores = fit.score(past)
    assert scores.shape == (len(past), len(past.items)), "not one score for each customer and item"
    assert scores.dtype == np.float32, f"scores are {scores.dtype}"
    assert not np.isnan(scores).any(), "a score is not a number"
    assert not np.isposinf(scores).any(), "a score is infinite"
    some = np.array([7, 2, 30])
    _same(fit.score(past, some), scores[some], "a customer's scores depend on who else is asked")
    _same(fit.score(past.take(some)), scores[some], "a customer's scores depend on who else is in the history")


def check_lists(recommender: Recommender) -> None:
    """At most `count` different items of the catalogue, best first; the lists are those of the scores."""
    past, fit = shop(), _fit(recommender)
    lists, scores = fit.recommend(past, 5), fit.score(past)
    assert lists.customer_id.equals(past.customer_id), "not one list for each customer"
    assert lists.counts.max() <= 5, "a list is longer than asked"
    assert set(lists.source.to_pylist()) <= {recommender.recommender_id}, "an entry has another source"
    assert set(lists.lane.to_pylist()) <= set(LANES), "an entry comes from no known lane"
    assert ((lists.propensity > 0) & (lists.propensity <= 1)).all(), "a propensity leaves (0, 1]"
    assert np.isfinite(lists.score).all(), "an entry has no score"
    for who, entries in enumerate(_entries(lists)):
        assert len(set(entries)) == len(entries), "an item stands twice in a list"
        own = lists.score[lists.offsets[who] : lists.offsets[who + 1]]
        assert (np.diff(own) <= 0).all(), "a list is not best first"
        best = np.sort(scores[who][np.isfinite(scores[who])])[::-1][:5]
        assert np.allclose(own, best, rtol=1e-4, atol=1e-6), "the list is not that of the best scores"


def check_rules_are_hard(recommender: Recommender) -> None:
    """What is not allowed never appears; with seen = exclude nobody is shown what they already know."""
    past, fit = shop(), _fit(recommender)
    own = set(zip(past.customer.tolist(), past.item.tolist(), strict=True))
    for seed in range(5):
        allowed = np.random.default_rng(seed).random(len(past.items)) < seed / 5
        lists = fit.recommend(past, len(past.items), allowed=allowed, seen="exclude")
        assert allowed[lists.item].all(), "an item that is not allowed appears"
        row = np.repeat(np.arange(len(lists)), lists.counts)
        shown = set(zip(row.tolist(), lists.item.tolist(), strict=True))
        assert not shown & own, "an item that the customer knows appears"


def check_is_deterministic(recommender: Recommender) -> None:
    """Fitted twice on the same history, it says the same, to the byte."""
    assert _fit(recommender).to_bytes() == recommender.fit(shop()).to_bytes(), "two fits on the same history differ"


def check_saves(recommender: Recommender) -> None:
    """Read back from bytes it gives the same lists; the bytes name no customer and are no pickle."""
    past, fit = shop(), _fit(recommender)
    data = fit.to_bytes()
    again = type(fit).from_bytes(data)
    assert np.array_equal(again.score(past), fit.score(past)), "a saved and loaded fit scores differently"
    assert again.items.item_id.equals(fit.items.item_id), "a saved and loaded fit names other items"
    assert _entries(again.recommend(past, 9)) == _entries(fit.recommend(past, 9)), "its lists differ"
    assert again.to_bytes() == data, "saving again gives other bytes"
    assert not data.startswith(b"\x80"), "the bytes are a pickle"
    for coding in ("utf-8", "utf-16-le", "utf-32-le"):
        assert "shopper-".encode(coding) not in data, "the bytes hold a customer id"


def check_order_of_customers(recommender: Recommender) -> None:
    """Customers in another order get the same lists, whether they are asked or learnt from so."""
    past, fit = shop(), _fit(recommender)
    order = np.random.default_rng(5).permutation(len(past))
    shuffled, scores = past.take(order), fit.score(past)
    _same(fit.score(shuffled), scores[order], "scores depend on the order in which customers are asked")
    if getattr(type(recommender), "sampled", False) or past.ties is not None:
        return
    _same(recommender.fit(shuffled).score(past), scores, "what was learnt depends on the order of customers", LEARNT)


def check_names_do_not_matter(recommender: Recommender) -> None:
    """Renamed customers and items get renamed lists, also where the new names sort the other way round."""
    past, fit = shop(), _fit(recommender)
    scores = fit.score(past)
    people = pa.array([f"客户 {one}" for one in past.customer_id.to_pylist()], pa.string())
    straight = replace(past, customer_id=people, items=_renamed(past, "z-{0:03d}"))
    _same(recommender.fit(straight).score(straight), scores, "scores depend on names")
    if getattr(type(recommender), "sampled", False):
        return
    last = len(past.items) - 1
    items = _renamed(past, "{1:03d}")
    columns: dict[str, Any] = {
        n: getattr(past, n) for n in ("customer", "occurred_at", "event_type", "basket", "session")
    }
    turned = Interactions.of(
        people, items, past.cutoff, item=last - past.item, quantity=past.quantity, amount=past.amount,
        segment=past.segment, **columns,
    )  # fmt: skip
    _same(recommender.fit(turned).score(turned)[:, ::-1], scores, "scores depend on the order of item ids", LEARNT)


def check_folds_in(recommender: Recommender) -> None:
    """New events count at once: the fit says what it says of the joined history, and stays as it was."""
    past, fit = shop(), _fit(recommender)
    before = fit.to_bytes()
    new = of_rows(past, [(3, 1, 0.5), (3, 2, 0.25), (9, 4, 0.75)], "2024-06-02")
    found, said = fit.fold_in(past, new, 6), fit.recommend(past.joined(new), 6)
    assert _entries(found) == _entries(said), "folded in it says other things than of the joined history"
    assert fit.to_bytes() == before, "folding in changed the fit"
    assert not any(one in (1, 2) for one in _entries(fit.fold_in(past, new, 6, seen="exclude"))[3])


def check_reasons(recommender: Recommender) -> None:
    """One sentence for each entry, in both languages; saying it twice says the same."""
    past, fit = shop(), _fit(recommender)
    lists = fit.recommend(past, 3, rows=np.arange(8))
    row = np.repeat(np.arange(8), lists.counts).astype(np.int32)
    said = fit.reasons(past, row, lists.item)
    assert len(said) == len(lists.item), "not one reason for each entry"
    for one in said:
        assert isinstance(one, Text), f"a reason is {type(one).__name__}, not Text"
        assert one.en.strip(), "a reason is empty in English"
        assert one.zh.strip(), "a reason is empty in Chinese"
        assert "nan" not in one.en.lower().split(), f"a reason names no number: {one.en}"
    assert said == fit.reasons(past, row, lists.item), "asked again it gives other reasons"


def check_knows_strangers(recommender: Recommender) -> None:
    """Customers who were not there at the fit, and one who did nothing at all, get a list or none; no crash."""
    past = shop()
    fit = recommender.fit(past.take(np.arange(len(past)) % 2 == 0))
    assert not np.isnan(fit.score(past)).any()
    nobody = of_rows(past, [], "2024-06-01", customers=2)
    lists = fit.recommend(nobody, 4)
    assert len(lists) == 2
    first, second = _entries(lists)
    assert first == second, "two customers of whom nothing is known get different lists"
    assert len(fit.recommend(nobody.take(np.array([], np.int64)), 4)) == 0, "nobody asked, somebody answered"


def check_survives_odd_shops(recommender: Recommender) -> None:
    """No catalogue, one item, one customer, everything twice, nothing to learn from: defined, no crash."""
    past = shop()
    _ask(recommender, past.over(past.items.take(np.array([], np.int64))), "an empty catalogue")
    _ask(recommender, past.over(past.items.take(np.array([4]))), "one item")
    _ask(recommender, past.take(np.array([5])), "one customer")
    _ask(recommender, past.take(np.array([], np.int64)), "no customers")
    _ask(recommender, past.keeping(np.zeros(past.size, bool)), "nothing to learn from")
    _ask(recommender, past.keeping(np.arange(past.size) == 3), "one interaction")
    _ask(recommender, past.of_type("view"), "views only")
    twice = np.repeat(np.arange(past.size), 2)
    columns: dict[str, Any] = {
        n: getattr(past, n)[twice] for n in ("customer", "item", "occurred_at", "event_type", "basket")
    }
    _ask(recommender, Interactions.of(past.customer_id, past.items, CUTOFF, **columns), "everything twice")
    bare = Interactions.of(
        past.customer_id, Items.named(past.items.item_id), CUTOFF, customer=past.customer, item=past.item,
        occurred_at=past.occurred_at,
    )  # fmt: skip
    _ask(recommender, bare, "names and instants only")


def check_survives_another_catalogue(recommender: Recommender) -> None:
    """Items that vanished after the fit, or came after it, are no crash; the columns stay those of the fit."""
    past, fit = shop(), _fit(recommender)
    fewer = past.over(past.items.take(np.arange(10, len(past.items))))
    assert fit.score(fewer).shape == (len(past), len(past.items))
    part = recommender.fit(fewer)
    assert part.score(past).shape == (len(past), len(past.items) - 10)
    lists = part.recommend(past, 5, seen="exclude")
    assert lists.item_id.equals(fewer.items.item_id), "lists name items that it was not fitted on"


def check_survives_a_giant(recommender: Recommender, size: int = 100_000) -> None:
    """One customer with a hundred thousand interactions (or `size`) beside ordinary ones."""
    past, giant = shop(), crowd(size)
    columns: dict[str, Any] = {
        n: np.concatenate([getattr(past, n), getattr(giant, n)]) for n in ("item", "occurred_at", "basket")
    }
    who = np.concatenate([past.customer, np.zeros(giant.size, np.int32)])
    _ask(recommender, Interactions.of(past.customer_id, past.items, CUTOFF, customer=who, **columns), "a giant")


CHECKS: tuple[Callable[[Recommender], None], ...] = (
    check_is_configuration,
    check_scores,
    check_lists,
    check_rules_are_hard,
    check_is_deterministic,
    check_saves,
    check_order_of_customers,
    check_names_do_not_matter,
    check_folds_in,
    check_reasons,
    check_knows_strangers,
    check_survives_odd_shops,
    check_survives_another_catalogue,
    check_survives_a_giant,
)


def _fit(recommender: Any) -> FittedRecommender:
    """Most checks ask the same fit; equal configurations learn the same (`check_is_deterministic`)."""
    return _fits(recommender)


@lru_cache(maxsize=4)
def _fits(recommender: Any) -> FittedRecommender:
    fit: FittedRecommender = recommender.fit(shop())
    return fit


def _ask(recommender: Recommender, past: Interactions, what: str) -> None:
    fit = recommender.fit(past)
    scores = fit.score(past)
    assert scores.shape == (len(past), len(past.items)), f"{what}: not one score for each customer and item"
    assert not np.isnan(scores).any(), f"{what}: a score is not a number"
    for seen in ("allow", "exclude"):
        lists = fit.recommend(past, 3, seen=seen)
        assert len(lists) == len(past), f"{what}: not one list for each customer"
    again = type(fit).from_bytes(fit.to_bytes())
    assert np.array_equal(again.score(past), scores), f"{what}: a saved and loaded fit scores differently"


def _entries(lists: Recommendations) -> list[list[int]]:
    return [one.tolist() for one in np.split(lists.item, lists.offsets[1:-1])] if len(lists) else []


def _renamed(past: Interactions, form: str) -> Items:
    """The catalogue under other ids; `form` may use the place from the front (0) and from the back (1)."""
    n = len(past.items)
    ids = [form.format(place, n - 1 - place) for place in range(n)]
    return Items.named(ids, **{one: getattr(past.items, one) for one in _COLUMNS})


def _same(found: Scores, expected: Scores, what: str, near: float = NEAR) -> None:
    assert found.shape == expected.shape, what
    finite: NDArray[np.bool_] = np.isfinite(expected)
    assert np.array_equal(np.isfinite(found), finite), what
    size = float(np.abs(expected[finite]).max()) if finite.any() else 1.0
    off = float(np.abs(found[finite] - expected[finite]).max()) if finite.any() else 0.0
    assert off <= near * max(size, 1e-6), f"{what}: {off:.3g} beside scores up to {size:.3g}"
