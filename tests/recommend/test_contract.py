"""Every registered recommender keeps the public contract, and the contract catches those that do not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest
from tests.conftest import missing

from holdfast.checks.recommender import (
    CHECKS,
    check_folds_in,
    check_is_configuration,
    check_knows_strangers,
    check_lists,
    check_names_do_not_matter,
    check_order_of_customers,
    check_reasons,
    check_recommender,
    check_rules_are_hard,
    check_saves,
    check_scores,
    check_survives_a_giant,
)
from holdfast.core.errors import UsageError
from holdfast.core.interactions import Interactions, Items
from holdfast.core.recommend import FITTED_RECOMMENDERS, RECOMMENDERS, Recommendations
from holdfast.core.text import Text
from holdfast.recommend.lane import Lane
from holdfast.recommend.pack import pack, pack_items, unpack, unpack_items

#: Lanes that take seconds to fit even the checks' small shop: by make test-slow.
SLOW = ("rerank", "sasrec", "stacked")
ENROLLED = [pytest.param(one, marks=pytest.mark.slow) if one in SLOW else one for one in RECOMMENDERS]


@pytest.mark.parametrize("recommender_id", ENROLLED)
@pytest.mark.parametrize("check", CHECKS, ids=lambda one: one.__name__)
def test_contract(recommender_id, check):
    try:
        check(RECOMMENDERS[recommender_id]())
    except UsageError as error:
        if "holdfast[" not in (error.remedy or ""):
            raise
        missing(str(error))  # a lane of an extra that is not installed here


@pytest.mark.slow
@pytest.mark.parametrize("recommender_id", list(RECOMMENDERS))
def test_a_million_interactions_of_one_customer_are_no_crash(recommender_id):
    try:
        check_survives_a_giant(RECOMMENDERS[recommender_id](), size=1_000_000)
    except UsageError as error:
        if "holdfast[" not in (error.remedy or ""):
            raise
        missing(str(error))  # a lane of an extra that is not installed here


def test_every_recommender_can_be_read_back():
    assert set(RECOMMENDERS) <= set(FITTED_RECOMMENDERS)


@dataclass(frozen=True, eq=False)
class CountFit(Lane):
    """How often a customer bought the item, and a little of how often anybody did."""

    recommender_id: ClassVar[str] = "count"
    lane: ClassVar[str] = "again"
    items: Items
    total: np.ndarray

    def score(self, past: Interactions, rows: Any = None) -> np.ndarray:
        past = past.over(self.items)
        own = np.zeros((len(past), len(self.items)), np.float32)
        np.add.at(own, (past.customer, past.item), 1.0)
        own += self.total / (1.0 + self.total.sum())
        return own if rows is None else own[rows]

    def reasons(self, past: Interactions, customer: Any, item: Any) -> list[Text]:
        return [Text("often bought", "经常购买") for _ in customer]

    def to_bytes(self) -> bytes:
        return pack("count", {**pack_items(self.items), "total": self.total})

    @classmethod
    def from_bytes(cls, data: bytes) -> CountFit:
        _, arrays = unpack(data)
        return cls(unpack_items(arrays), arrays["total"])


@dataclass(frozen=True)
class Count:
    recommender_id: ClassVar[str] = "count"
    lane: ClassVar[str] = "again"
    fit_class: ClassVar[type[CountFit]] = CountFit

    def fit(self, past: Interactions) -> CountFit:
        return self.fit_class(past.items, np.bincount(past.item, minlength=len(past.items)).astype(np.float32))


def test_a_plain_recommender_keeps_the_contract():
    check_recommender(Count())


class Loose(CountFit):
    """Forgets the rules."""

    def recommend(self, past: Interactions, count: int, **options: Any) -> Recommendations:
        options.pop("allowed", None)
        return super().recommend(past, count, **options)


class LooksAround(CountFit):
    """Compares a customer with whoever else is asked."""

    def score(self, past: Interactions, rows: Any = None) -> np.ndarray:
        scores = super().score(past, rows)
        return scores - scores.mean(axis=0, keepdims=True)


class ByPlace(CountFit):
    """Prefers what stands first in the catalogue."""

    def score(self, past: Interactions, rows: Any = None) -> np.ndarray:
        return super().score(past, rows) - np.linspace(0, 1, len(self.items), dtype=np.float32)


class ByTurn(CountFit):
    """Favours whoever is asked first."""

    def score(self, past: Interactions, rows: Any = None) -> np.ndarray:
        scores = super().score(past, rows)
        return scores * np.linspace(1, 2, len(scores), dtype=np.float32)[:, None]


class Forgets(CountFit):
    """Saves without what it learnt."""

    def to_bytes(self) -> bytes:
        return pack("count", {**pack_items(self.items), "total": np.zeros_like(self.total)})


class Deaf(CountFit):
    """Does not hear new events."""

    def fold_in(self, past: Interactions, new: Interactions, count: int, **options: Any) -> Recommendations:
        return self.recommend(past, count, **options)


class Mute(CountFit):
    """Gives a reason for some only, in one language."""

    def reasons(self, past: Interactions, customer: Any, item: Any) -> list[Text]:
        return [Text("often bought", "") for _ in customer]


class Shortened(CountFit):
    """Lists the worst."""

    def recommend(self, past: Interactions, count: int, **options: Any) -> Recommendations:
        whole = super().recommend(past, len(self.items), **options)
        return whole.keeping(whole.rank > np.repeat(whole.counts, whole.counts) - count)


class Guesses(CountFit):
    """Draws for those it does not know."""

    def score(self, past: Interactions, rows: Any = None) -> np.ndarray:
        scores = super().score(past, rows)
        unknown = (past.counts if rows is None else past.counts[rows]) == 0
        scores[unknown] = np.random.default_rng(1).random((int(unknown.sum()), len(self.items)))
        return scores


@pytest.mark.parametrize(
    ("cheat", "check", "said"),
    [
        (Loose, check_rules_are_hard, "not allowed"),
        (LooksAround, check_scores, "who else is asked"),
        (ByPlace, check_names_do_not_matter, "order of item ids"),
        (ByTurn, check_order_of_customers, "order in which customers are asked"),
        (Forgets, check_saves, "scores differently"),
        (Deaf, check_folds_in, "joined history"),
        (Mute, check_reasons, "Chinese"),
        (Shortened, check_lists, "best scores"),
        (Guesses, check_knows_strangers, "nothing is known"),
    ],
)
def test_the_contract_catches(cheat, check, said, monkeypatch):
    monkeypatch.setattr(Count, "fit_class", cheat)
    from holdfast.checks import recommender as module

    module._fits.cache_clear()
    with pytest.raises(AssertionError, match=said):
        check(Count())
    module._fits.cache_clear()


def test_the_contract_catches_a_configuration_that_can_change():
    @dataclass
    class Loosely(Count.__base__):  # type: ignore[misc]
        lane: ClassVar[str] = "again"

    with pytest.raises(AssertionError, match="frozen"):
        check_is_configuration(Loosely())
    assert replace(Count()) == Count()
