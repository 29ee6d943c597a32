"""When a customer is due: planted rhythms are found, durables sink, and what is said is true."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.core.clock import Cutoff
from holdfast.core.errors import UsageError
from holdfast.core.interactions import Interactions, tiny_interactions
from holdfast.recommend.again import Again, AgainFit
from holdfast.recommend.again_gaps import fit_gaps
from holdfast.recommend.again_purchases import purchases

CUTOFF = Cutoff.parse("2024-06-01")


def shop(customers: int = 400, seed: int = 3, days: float = 365.0) -> Interactions:
    """coffee every 28 days, soap every 90, a sofa once."""
    random = np.random.default_rng(seed)
    rows: dict[str, list[tuple[float, str]]] = {}
    for one in range(customers):
        bought = [(random.uniform(1, days), "sofa")]
        for item, gap in (("coffee", 28.0), ("soap", 90.0)):
            usual = gap * random.lognormal(0.0, 0.2)
            at = random.uniform(0, gap)
            while at < days:
                bought.append((days - at, item))
                at += usual * random.lognormal(0.0, 0.15)
        rows[f"c{one}"] = bought
    return tiny_interactions(rows, CUTOFF)


SHOP = shop()
FIT = Again().fit(SHOP)
COFFEE, SOAP, SOFA = range(3)


def chance(history: list[tuple[float, str]], item: int, fit: AgainFit = FIT) -> float:
    past = tiny_interactions({"you": history}, CUTOFF).over(FIT.items)
    known = fit.dueness(past)
    return float(known.repeat_chance[known.item == item][0])


def test_planted_gaps_and_durables_are_found():
    gaps = FIT.gaps
    assert np.exp(gaps.log_gap[[COFFEE, SOAP]]) == pytest.approx([28, 90], rel=0.08)
    assert (gaps.rate[[COFFEE, SOAP]] > 0.85).all()
    assert gaps.rate[SOFA] < 0.05
    assert np.sqrt(gaps.between) == pytest.approx(0.2, abs=0.08)
    assert np.sqrt(gaps.within) == pytest.approx(0.15, abs=0.05)


def test_the_chance_is_what_happens():
    """Of those whose chance of a repeat in 30 days is said to be p, about p do buy."""
    cutoff = Cutoff.parse("2024-05-02")
    before = SHOP.before(cutoff)
    known = Again(horizon_days=30).fit(before).dueness(before)
    later = SHOP.keeping(SHOP.occurred_at >= cutoff.micros)
    did = set(zip(later.customer.tolist(), later.item.tolist(), strict=True))
    happened = np.array([pair in did for pair in zip(known.customer.tolist(), known.item.tolist(), strict=True)])
    edges = np.quantile(known.repeat_chance, np.linspace(0, 1, 6))
    band = np.clip(np.searchsorted(edges, known.repeat_chance) - 1, 0, 4)
    said = np.bincount(band, known.repeat_chance) / np.bincount(band)
    seen = np.bincount(band, happened) / np.bincount(band)
    assert np.abs(said - seen).max() < 0.08
    assert said[-1] - said[0] > 0.5  # and it tells them apart


def test_chance_follows_the_clock_and_the_customers_own_rhythm():
    regular = [(10 + 60.0 * turn, "coffee") for turn in range(5)]
    late = [(58 + 60.0 * turn, "coffee") for turn in range(5)]
    assert chance(regular, COFFEE) < 0.2 < 0.7 < chance(late, COFFEE)
    assert chance([(10, "sofa")], SOFA) < 0.05


def test_due_items_come_before_fresh_and_durable_ones():
    past = tiny_interactions(
        {
            "you": [
                (27, "coffee"),
                (55, "coffee"),
                (83, "coffee"),
                (50, "soap"),
                (140, "soap"),
                (230, "soap"),
                (1, "sofa"),
            ]
        },
        CUTOFF,
    )
    found = Again(due=1.0).fit(SHOP).recommend(past, 3)
    assert [found.item_id[int(one)].as_py() for one in found.item] == ["coffee", "soap", "sofa"]


def test_reasons_tell_only_what_was_seen():
    history = [(30.4, "coffee"), (58, "coffee"), (87, "coffee"), (5, "soap"), (95, "soap"), (3, "sofa")]
    past = tiny_interactions({"you": history, "other": [(8.2, "soap")]}, CUTOFF)
    who, what = np.array([0, 0, 0, 1, 1], np.int32), np.array([COFFEE, SOAP, SOFA, SOAP, COFFEE], np.int32)
    said = FIT.reasons(past, who, what)
    gap = round(float(np.exp(FIT.gaps.log_gap[SOAP])))
    assert [one.en for one in said] == [
        "usually every 28 days, last 30 days ago",
        "bought 2 times, last 5 days ago",
        "bought once, 3 days ago",
        f"customers buy this about every {gap} days; yours is 8 days ago",
        "not bought before",
    ]
    assert all("{" not in one.zh for one in said)


def test_columns_for_a_reranker_line_up():
    past = tiny_interactions(
        {"nobody": [], "you": [(30, "coffee"), (58, "coffee"), (88, "coffee"), (3, "sofa")]}, CUTOFF
    )
    past = past.over(FIT.items)
    known = FIT.dueness(past)
    assert known.customer.tolist() == [1, 1]
    assert known.times.tolist() == [3, 1]
    assert known.own_gap.tolist()[0] == 29.0
    assert np.isnan(known.own_gap[1])
    assert known.days_since_last.tolist() == [30.0, 3.0]
    one = FIT.dueness(past, np.array([1]))
    assert np.array_equal(one.repeat_chance, known.repeat_chance)


def test_recency_counts_in_baskets_too():
    past = tiny_interactions({"you": [(9, "a"), (8, "a"), (3, "b"), (2, "c"), (1, "d")]}, CUTOFF)
    rank = Again(half_life=None, half_life_baskets=1.0, due=0.0).fit(past).score(past)[0]
    assert rank[1] > rank[0]
    assert np.argmax(Again(half_life=None, due=0.0).fit(past).score(past)[0]) == 0


def test_saved_and_loaded_it_scores_the_same():
    same = AgainFit.from_bytes(FIT.to_bytes())
    assert np.array_equal(same.score(SHOP), FIT.score(SHOP))
    assert same.to_bytes() == FIT.to_bytes()


def test_nothing_to_learn_from():
    nobody = tiny_interactions({"you": [], "me": []}, CUTOFF)
    assert Again().fit(nobody).recommend(nobody, 5).counts.tolist() == [0, 0]
    once = tiny_interactions({"you": [(1, "tea")]}, CUTOFF)
    assert np.isfinite(Again().fit(once).score(once)).all()
    gaps = fit_gaps(purchases(nobody), 2)
    assert np.isfinite(gaps.log_gap).all()
    with pytest.raises(UsageError, match="due"):
        Again(due=2)
