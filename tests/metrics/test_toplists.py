"""Metrics of lists against slow twins, against scikit-learn where it means the same, and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from holdfast.core.errors import UsageError
from holdfast.metrics.toplist_variety import (
    coverage,
    distance_by_category,
    distance_by_vector,
    exposure,
    gini,
    miscalibration,
    novelty,
)
from holdfast.metrics.toplists import Hits, hits, known, padded

ITEMS = 12
LAW = settings(max_examples=60, deadline=None, derandomize=True)


@st.composite
def cases(draw):
    """Lists of different items and different targets, some targets unknown to the catalogue."""
    many = draw(st.integers(1, 6))
    order = st.permutations(range(ITEMS))
    lists = [draw(order)[: draw(st.integers(0, 8))] for _ in range(many)]
    targets = [sorted(draw(order)[: draw(st.integers(0, 7))]) + [-1] * draw(st.integers(0, 2)) for _ in range(many)]
    return lists, targets, draw(st.integers(1, 9))


def flat(parts):
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in parts])]).astype(np.int64)
    return offsets, np.array([item for one in parts for item in one], np.int32)


def slow(entries, wanted, k):
    """One customer's metrics, as one would write them by hand."""
    if not wanted:
        return dict.fromkeys(("recall", "precision", "hit", "mrr", "map", "cut", "whole"), math.nan)
    right = [place for place, item in enumerate(entries[:k], 1) if item in wanted and item >= 0]
    gained = sum(1 / math.log2(place + 1) for place in right)
    perfect = lambda m: sum(1 / math.log2(place + 1) for place in range(1, m + 1))  # noqa: E731  (read beside its use)
    return {
        "recall": len(right) / len(wanted),
        "precision": len(right) / k,
        "hit": float(bool(right)),
        "mrr": 1 / right[0] if right else 0.0,
        "map": sum((turn + 1) / place for turn, place in enumerate(right)) / min(len(wanted), k),
        "cut": gained / perfect(min(len(wanted), k)),
        "whole": gained / perfect(len(wanted)),
    }


@LAW
@given(cases())
def test_fast_and_slow_agree(case):
    lists, targets, k = case
    shown = padded(*flat(lists), 9)
    one = Hits.of(shown, *flat(targets), ITEMS)
    found = {
        "recall": one.recall(k), "precision": one.precision(k), "hit": one.any(k), "mrr": one.mrr(k),
        "map": one.average_precision(k), "cut": one.ndcg(k), "whole": one.ndcg(k, "whole"),
    }  # fmt: skip
    for who, (entries, wanted) in enumerate(zip(lists, targets, strict=True)):
        for name, value in slow(entries, wanted, k).items():
            assert found[name][who] == pytest.approx(value, nan_ok=True), (name, entries, wanted, k)


def test_blocks_change_nothing(monkeypatch):
    random = np.random.default_rng(1)
    shown = np.array([random.permutation(ITEMS)[:5] for _ in range(50)], np.int32)
    targets = [sorted(random.permutation(ITEMS)[: random.integers(0, 6)]) for _ in range(50)]
    whole = hits(shown, *flat(targets), ITEMS)
    monkeypatch.setattr("holdfast.metrics.toplists._CELLS", 3 * (ITEMS + 1))
    assert np.array_equal(hits(shown, *flat(targets), ITEMS), whole)
    assert whole.any()
    assert not whole.all()


def test_ndcg_is_that_of_scikit_learn_on_whole_rankings():
    random = np.random.default_rng(2)
    truth = random.random((20, ITEMS)) < 0.3
    truth[:, 0] = True
    said = random.random((20, ITEMS))
    shown = np.argsort(-said, axis=1).astype(np.int32)
    one = Hits.of(shown, *flat([np.flatnonzero(row).tolist() for row in truth]), ITEMS)
    for k in (1, 3, 10):
        ours = one.ndcg(k)
        theirs = [ndcg_score(truth[[who]], said[[who]], k=k) for who in range(20)]
        assert ours == pytest.approx(theirs)


def test_the_two_ideals_part_where_targets_outnumber_places():
    one = Hits.of(np.array([[0, 1]], np.int32), np.array([0, 4]), np.array([0, 1, 2, 3]), 4)
    assert one.ndcg(2)[0] == 1
    assert one.ndcg(2, "whole")[0] < 1
    with pytest.raises(UsageError, match="ideal"):
        one.ndcg(2, "none")  # type: ignore[arg-type]


def test_other_customers_are_refused():
    with pytest.raises(UsageError, match="targets of 2"):
        hits(np.zeros((1, 1), np.int32), np.array([0, 0, 0]), np.array([], np.int32), 1)


@LAW
@given(cases(), st.lists(st.integers(-1, 3), min_size=ITEMS, max_size=ITEMS), st.integers(0, 99))
def test_variety_agrees_with_slow_twins(case, category, seed):
    lists, _, _ = case
    shown, kinds = padded(*flat(lists), 8), np.array(category, np.int32)
    vectors = np.random.default_rng(seed).normal(size=(ITEMS, 3))
    vectors[0], vectors[1] = np.nan, 0.0
    bought = np.random.default_rng(seed).integers(0, 9, ITEMS)
    apart, far, rare = distance_by_category(shown, kinds), distance_by_vector(shown, vectors), novelty(shown, bought)
    for who, entries in enumerate(lists):
        known = [category[item] for item in entries if category[item] >= 0]
        pairs = [(a, b) for place, a in enumerate(known) for b in known[:place]]
        assert apart[who] == pytest.approx(np.mean([a != b for a, b in pairs]) if pairs else np.nan, nan_ok=True)
        own = [vectors[item] for item in entries if item > 1]
        turned = [1 - a @ b / np.linalg.norm(a) / np.linalg.norm(b) for p, a in enumerate(own) for b in own[:p]]
        assert far[who] == pytest.approx(np.mean(turned) if turned else np.nan, nan_ok=True)
        bits = [-math.log2((bought[item] + 1) / (bought.sum() + ITEMS)) for item in entries]
        assert rare[who] == pytest.approx(np.mean(bits) if bits else np.nan, nan_ok=True)
    shown_often = exposure(shown, ITEMS)
    assert coverage(shown_often) == len({item for one in lists for item in one}) / ITEMS
    if shown_often.sum():
        apart_by = np.abs(shown_often[:, None] - shown_often[None, :]).sum()
        assert gini(shown_often) == pytest.approx(apart_by / (2 * ITEMS * shown_often.sum()))


def test_exposure_counts_only_what_is_on_sale():
    shown = np.array([4.0, 0.0, 4.0])
    assert coverage(shown, np.array([True, False, True])) == 1
    assert gini(shown, np.array([True, False, True])) == 0
    assert gini(shown) > 0
    assert math.isnan(gini(np.zeros(2)))


def test_calibration_is_that_of_steck():
    """Steck (2018): KL(p || 0.99 q + 0.01 p); a list like the history is at 0, and further is more."""
    category = np.array([0, 0, 0, 1, 1, -1], np.int32)
    customer, item = np.array([0, 0, 0, 0, 0, 1, 1]), np.array([0, 1, 2, 3, 5, 0, 3])
    same, half, apart = [0, 1, 2, 3], [0, 1, 3, 4], [3, 4, -1, -1]
    p, blend = np.array([0.75, 0.25]), 0.01
    for entries, q in ((same, p), (half, np.array([0.5, 0.5])), (apart, np.array([0.0, 1.0]))):
        shown = np.array([entries, [-1] * 4, [0] * 4], np.int32)
        kl = miscalibration(shown, category, customer, item, measure="kl")
        mixed = (1 - blend) * q + blend * p
        assert kl[0] == pytest.approx(float((p * np.log(p / mixed)).sum()))
        assert np.isnan(kl[1:]).all()  # no list; no history
        js = miscalibration(shown, category, customer, item)
        middle = (p + q) / 2
        parts = [float((v[v > 0] * np.log2(v[v > 0] / middle[v > 0])).sum()) for v in (p, q)]
        assert js[0] == pytest.approx(math.sqrt(sum(parts) / 2))
    weighted = miscalibration(
        np.array([half], np.int32), category, np.array([0, 0]), np.array([0, 3]), np.array([2, 2])
    )
    assert weighted[0] == pytest.approx(0)
    with pytest.raises(UsageError, match="measure"):
        miscalibration(np.array([half], np.int32), category, customer, item, measure="no")  # type: ignore[arg-type]


def test_calibration_in_blocks_is_the_same(monkeypatch):
    random = np.random.default_rng(3)
    shown = random.integers(-1, ITEMS, (40, 5)).astype(np.int32)
    customer, item = np.sort(random.integers(0, 40, 200)), random.integers(0, ITEMS, 200)
    category = (np.arange(ITEMS) % 4).astype(np.int32)
    whole = miscalibration(shown, category, customer, item)
    monkeypatch.setattr("holdfast.metrics.toplist_variety._CELLS", 12)
    assert np.array_equal(miscalibration(shown, category, customer, item), whole, equal_nan=True)


@LAW
@given(cases(), cases(), st.sampled_from((1, 30, 16_000_000)))
def test_what_was_known_before_is_found_by_customer(case, other, cells):
    many = min(len(case[1]), len(other[1]))
    asked, old = case[1][:many], [[item for item in one if item >= 0] for one in other[1][:many]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("holdfast.metrics.toplists._CELLS", cells)
        found = known(*flat(asked), *flat(old), ITEMS)
    assert found.tolist() == [item in before for one, before in zip(asked, old, strict=True) for item in one]
