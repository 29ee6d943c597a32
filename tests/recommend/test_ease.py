"""EASE by its two forms against the textbook's formula, its window, its budget and its reasons."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from holdfast.core.clock import Cutoff
from holdfast.core.interactions import tiny_interactions
from holdfast.recommend.ease import Ease, EaseFit
from holdfast.recommend.ease_solve import most
from holdfast.recommend.matrix import matrix

CUTOFF = Cutoff.parse("2024-03-01")


def shop(customers: int, items: int, seed: int = 0):
    draw = np.random.default_rng(seed)
    history = {
        f"c{who}": [
            (float(draw.uniform(0.1, 60)), f"i{what:03}") for what in draw.integers(0, items, draw.integers(1, 9))
        ]
        for who in range(customers)
    }
    return tiny_interactions(history, CUTOFF)


def flat(regularisation: float) -> Ease:
    return Ease(regularisation=regularisation, half_life_days=None, query_half_life_days=None)


def textbook(past, regularisation: float) -> np.ndarray:
    x = np.minimum(matrix(past).toarray(), 1).astype(np.float64)
    inverse = np.linalg.inv(x.T @ x + regularisation * np.eye(x.shape[1]))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return x @ weights


@pytest.mark.parametrize(("customers", "items", "dual"), [(80, 30, False), (25, 60, True)])
def test_scores_are_those_of_the_closed_form(customers, items, dual):
    past = shop(customers, items)
    fit = flat(3.0).fit(past)
    assert (fit.scale is not None) == dual
    np.testing.assert_allclose(fit.score(past), textbook(past, 3.0), atol=2e-5)


def test_both_forms_agree_when_customers_are_counted_twice():
    past = shop(25, 60)
    wide = flat(2.0).fit(past)
    doubled = past.take(np.repeat(np.arange(25), 4))
    tall = flat(8.0).fit(doubled)
    assert wide.scale is not None
    assert tall.scale is None
    np.testing.assert_allclose(wide.score(past), tall.score(past), atol=2e-5)


def test_only_items_of_the_window_take_part():
    past = tiny_interactions({"a": [(50, "old"), (2, "new"), (3, "cup")], "b": [(1, "new"), (2, "cup")]}, CUTOFF)
    scores = Ease(window_days=30).fit(past).score(past)
    assert np.isneginf(scores[:, past.items.item_id.to_pylist().index("old")]).all()
    assert np.isfinite(np.delete(scores, past.items.item_id.to_pylist().index("old"), axis=1)).all()


def test_a_small_budget_keeps_the_most_frequent_items_and_says_so():
    past = shop(80, 30)
    fit = Ease(memory_mb=4 * 1.1 * 100 / 1e6 * 1.001).fit(past)
    count = np.bincount(past.item, minlength=len(past.items))
    assert len(fit.columns) == 10
    kept = np.zeros(len(past.items), bool)
    kept[fit.columns] = True
    assert np.asarray(matrix(past).astype(bool).sum(axis=0)).ravel()[kept].min() >= 1
    assert count[kept].sum() > count[~kept].sum() * 10 / 30
    assert fit.cut == (10, len(past.items))
    assert "10 most frequent of 30" in fit.cut_note.en
    assert Ease().fit(past).cut_note is None
    assert EaseFit.from_bytes(fit.to_bytes()).cut == fit.cut


def test_twenty_thousand_items_fit_into_the_default_budget():
    assert most(Ease().memory_mb, 20_000, 1_000_000) == 20_000


def test_newer_acts_weigh_more_in_the_question():
    past = tiny_interactions(
        {f"t{n}": [(5, "tea"), (5, "pot")] for n in range(9)}
        | {f"s{n}": [(5, "saw"), (5, "nail")] for n in range(9)}
        | {"ann": [(40, "tea"), (1, "saw")]},
        CUTOFF,
    )
    ids = past.items.item_id.to_pylist()
    even, recent = (replace(flat(1.0), query_half_life_days=days).fit(past).score(past)[-1] for days in (None, 10.0))
    assert even[ids.index("pot")] == pytest.approx(even[ids.index("nail")], rel=1e-4)
    assert recent[ids.index("nail")] > 5 * recent[ids.index("pot")]


@pytest.mark.parametrize(("customers", "items"), [(80, 30), (25, 60)])
def test_reasons_name_the_item_that_carries_most(customers, items):
    past = shop(customers, items)
    fit = Ease(regularisation=1.0).fit(past)
    lists = fit.recommend(past, 3, seen="exclude", rows=np.arange(5))
    who = np.repeat(np.arange(5), lists.counts)
    for customer, item, said in zip(who, lists.item, fit.reasons(past, who, lists.item), strict=True):
        cells = matrix(past)[customer]
        alone = {}
        for own in cells.indices:
            kept = past.keeping((past.customer == customer) & (past.item == own))
            alone[past.items.item_id[int(own)].as_py()] = float(fit.score(kept, np.array([customer]))[0, item])
        assert sum(alone.values()) == pytest.approx(float(fit.score(past, np.array([customer]))[0, item]), abs=1e-5)
        assert f"{max(alone, key=alone.get)} that you bought" in said.en.split(" and ")[0]
        assert "购买的" in said.zh


def test_equal_fits_are_equal_bytes_and_come_back():
    for past in (shop(80, 30), shop(25, 60)):
        fit = Ease().fit(past)
        assert fit.to_bytes() == Ease().fit(past).to_bytes()
        np.testing.assert_array_equal(EaseFit.from_bytes(fit.to_bytes()).score(past), fit.score(past))
