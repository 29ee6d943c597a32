"""The shop's rules on lists: what may be shown, what stays away from whom, and what the words mean."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from holdfast.app.recommend.maker import listed, recommender, thin
from holdfast.app.recommend.shelf import Shelf
from holdfast.core.clock import Cutoff
from holdfast.core.interactions import Interactions, tiny_interactions
from holdfast.core.recommend import RECOMMENDERS
from holdfast.core.schema import EVENT_TYPES
from holdfast.recommend.settings import RecommendSettings

CUTOFF = Cutoff.parse("2024-06-01")
RULES = RecommendSettings()
ITEMS = ("bowl", "cup", "jar", "mug", "pan", "pot", "tea", "tin")


def shop() -> Interactions:
    """Forty customers; everybody buys tea again and again, and one other thing once."""
    history = {f"c{c:02d}": [(3 + c % 5, "tea"), (20 + c % 5, "tea"), (9, ITEMS[c % 7])] for c in range(40)}
    columns = {
        "category": ["Kitchen > Bowls", "Kitchen", "Kitchen", "Kitchen", "Kitchen", "Kitchen", "Food", "Kitchen"],
        "brand": ["a", "a", "a", "a", "b", "b", None, None],
    }
    return tiny_interactions({**history, "new": [(200, "tin")]}, CUTOFF, **columns)


def names(past: Interactions, rules: RecommendSettings = RULES, who: int = 0, count: int = 10) -> list[str]:
    fit = RECOMMENDERS["frequency"]().fit(past)
    found = listed(fit, past, Shelf.of(past, rules), rules, count, [who])
    return [past.items.item_id[int(one)].as_py() for one in found.item]


def dismissed(past: Interactions, days: float) -> Interactions:
    """Customer 0 turned tea down so many days ago."""
    at = np.array([CUTOFF.micros - int(days * 86_400_000_000)])
    item = past.items.positions(
        past.items.item_id.filter(np.array([one == "tea" for one in past.items.item_id.to_pylist()]))
    )
    kind = np.array([EVENT_TYPES.index("dismiss")])
    new = Interactions.of(
        past.customer_id, past.items, CUTOFF, customer=np.zeros(1), item=item, occurred_at=at, event_type=kind
    )
    return past.joined(new)


def test_what_was_not_sold_lately_is_gone() -> None:
    assert "tin" not in names(shop())
    assert "tin" in names(shop(), replace(RULES, on_sale_within="365d"))


def test_a_dismissed_item_stays_away_for_its_time_only() -> None:
    assert names(shop())[0] == "tea"
    assert "tea" not in names(dismissed(shop(), 10))
    assert names(dismissed(shop(), 10), who=1)[0] == "tea"
    assert "tea" in names(dismissed(shop(), 100))
    assert "tea" in names(dismissed(shop(), 10), replace(RULES, dismissed_for="5d"))


def test_a_short_list_asks_for_the_next_best() -> None:
    assert len(names(dismissed(shop(), 10), count=3)) == 3


@pytest.mark.parametrize(
    ("rules", "gone"),
    [
        ({"exclude_items": ("tea",)}, {"tea"}),
        ({"exclude_categories": ("Kitchen",)}, {"bowl", "cup", "jar", "mug", "pan", "pot"}),
        ({"exclude_categories": ("Kitchen > Bowls",)}, {"bowl"}),
        ({"already_bought": "exclude"}, {"tea", "bowl"}),
    ],
)
def test_rules_are_never_broken(rules: dict[str, object], gone: set[str]) -> None:
    found = set(names(shop(), replace(RULES, **rules)))  # type: ignore[arg-type]
    assert found == set(ITEMS) - {"tin"} - gone


def test_a_brand_stands_in_a_list_so_often_only() -> None:
    found = names(shop(), replace(RULES, brand_cap=1))
    assert sum(one in {"bowl", "cup", "jar", "mug"} for one in found) == 1
    assert sum(one in {"pan", "pot"} for one in found) == 1
    assert "tea" in found


def test_margins_stock_and_ages_are_hard_rules() -> None:
    past = shop()
    margin, stock, age = (np.full(len(past.items), np.nan) for _ in range(3))
    margin[0], stock[1], age[2] = 0.05, 0.0, 18.0
    past = replace(past, items=replace(past.items, margin_rate=margin, stock=stock, min_age=age))
    found = set(names(past, replace(RULES, minimum_margin=0.1)))
    assert not {"bowl", "cup", "jar"} & found
    assert "bowl" in names(past)


def test_what_nobody_buys_twice_is_learnt_from_its_category() -> None:
    many = {f"c{c:03d}": [(9, "pan"), (20, "tea"), (3, "tea")] for c in range(60)}
    past = tiny_interactions({**many, "last": [(5, "pot")]}, CUTOFF, category=["Kitchen", "Kitchen", "Food"])
    rest = Shelf.of(past, RULES).rest_days
    assert rest[0] > 0  # pans are bought once
    assert rest[2] == 0  # tea again and again
    assert names(past) == ["tea", "pot"]
    assert "pan" in names(past, replace(RULES, already_bought="allow"))


def test_an_item_for_adults_is_shown_to_adults() -> None:
    past = shop()
    past = replace(past, items=replace(past.items, min_age=np.array([18.0] + [np.nan] * 7)))
    fit = RECOMMENDERS["popular"]().fit(past)

    def shown(ages: dict[str, float], rules: RecommendSettings = RULES) -> bool:
        found = listed(fit, past, Shelf.of(past, rules, ages), rules, 10, [3])
        return "bowl" in {past.items.item_id[int(one)].as_py() for one in found.item}

    assert shown({"c03": 18.0})
    assert not shown({"c03": 17.0})
    assert not shown({})
    assert shown({}, replace(RULES, unknown_age_is_adult=True))


def test_margin_reorders_what_relevance_alone_would_show() -> None:
    past = shop()
    price, margin = np.full(8, 100_000), np.full(8, 0.01)
    margin[6], margin[0] = 0.01, 0.9  # tea earns little, bowls a lot
    past = replace(past, items=replace(past.items, price=price.astype(np.int64), margin_rate=margin))
    assert names(past)[0] == "bowl"
    assert names(past, replace(RULES, objective="relevance"))[0] == "tea"
    assert names(shop())[0] == "tea"  # margins that are not known change nothing


def test_drawn_places_write_their_chance_down() -> None:
    past, rules = shop(), replace(RULES, exploration=2, objective="relevance")
    fit = RECOMMENDERS["popular"]().fit(past)
    found = listed(fit, past, Shelf.of(past, rules), rules, 4)
    assert (found.counts[:40] == 4).all()
    chance = found.propensity.reshape(-1, 4)
    assert (chance[:, :2] == 1.0).all()
    assert ((chance[:, 2:] > 0) & (chance[:, 2:] < 1)).all()
    drawn = found.item.reshape(-1, 4)[:, 2:]
    assert len(np.unique(drawn)) > 2
    again = listed(fit, past, Shelf.of(past, rules), rules, 4)
    assert np.array_equal(found.item, again.item)


def test_variety_follows_the_customers_own_mix() -> None:
    past = shop()
    fit = RECOMMENDERS["popular"]().fit(past)
    plain = listed(fit, past, Shelf.of(past, RULES), RULES, 2, [0])
    varied = replace(RULES, diversity=0.9)
    mixed = listed(fit, past, Shelf.of(past, varied), varied, 2, [0])
    kinds = [{past.items.category[int(one)].as_py() for one in lists.item} for lists in (plain, mixed)]
    assert len(kinds[1]) >= len(kinds[0])
    assert len(kinds[1]) == 2  # customer 0 buys food and kitchen things


def test_again_means_bought_before() -> None:
    past = shop()
    found = listed(RECOMMENDERS["frequency"]().fit(past), past, Shelf.of(past, RULES), RULES, 10, [0])
    own = {"tea", "bowl"}
    for item, lane in zip(found.item, found.lane.to_pylist(), strict=True):
        assert (past.items.item_id[int(item)].as_py() in own) == (lane == "again")
    assert len(found.reason) == len(found.item)


def test_a_thin_history_gets_the_simple_lists() -> None:
    assert thin(shop())
    assert recommender(RULES, shop(), "30d").recommender_id == "frequency"
    named = recommender(replace(RULES, lanes=("popular", "again")), shop(), "30d")
    assert named.recommender_id == "mix"
    trees = recommender(replace(RULES, lanes=("popular", "again"), reranked=True), shop(), "30d")
    assert trees.recommender_id == "rerank"


def test_now_takes_what_the_catalogue_says_now() -> None:
    past = shop()
    shelf = Shelf.of(past, RULES)
    later = replace(past, items=replace(past.items, stock=np.array([0.0] + [np.nan] * 7)))
    assert shelf.allowed[0]
    assert not shelf.now(later, RULES).allowed[0]
    fewer = past.over(past.items.take(np.arange(1, 8)))
    assert shelf.now(fewer, RULES).allowed.tolist() == shelf.allowed.tolist()
