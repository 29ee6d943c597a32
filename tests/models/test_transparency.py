"""The two transparency reports: complete, in both languages, and free of what they must not hold."""

from __future__ import annotations

import re

import pytest

from holdfast.models.card import Card
from holdfast.models.transparency import FAMILIES, MUST_NOT, customer_report, shop_report

CARD = Card(
    "lightgbm", "30d", "0d", "platt", 0.1, 1000, 400, 6, "2024-01-01", "2024-04-01", 0.6, {}, ("a", "b"),
    tested_at="2024-05-01", metrics={"auc": (0.71, 0.68, 0.74), "ece": (0.031, None, None), "lift_at_10pct": (1.4, None, None)},
)  # fmt: skip
WEIGHTS = {"cadence": 0.6, "money": 0.398, "mix": 0.002}
VALUE = {
    "model": "value_mean", "learnt_horizon": "90d",
    "cutoffs": [{"cutoff": "2024-02-01T00:00:00Z", "model": "value_mean", "said": 900.0, "spent": 1000.0}],
}  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_shop_is_told_what_how_good_and_what_not(language):
    told = shop_report(CARD, WEIGHTS, protected=["age", "postcode"], value=VALUE, language=language)
    text = told["markdown"]
    for needle in ("lightgbm", "1,000", "400", "60%", "0.71", "3.1%", "1.40", "age", "postcode", "value_mean", "900"):
        assert needle in text, needle
    assert all(one.render(language) in text for one in MUST_NOT)
    assert FAMILIES["cadence"].render(language) in text
    assert FAMILIES["mix"].render(language) not in text
    assert not re.search(r"\{\w+\}", text), "a placeholder was left open"


def test_what_was_not_declared_or_not_tested_is_said():
    bare = Card("base_rate", "30d", "0d", "none", 0.3, 10, 5, 1, "2024-01-01", "2024-01-01", 0.5, {}, ())
    text = shop_report(bare, {})["markdown"]
    assert "No protected attribute was declared" in text
    assert "not been tested" in text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_customer_is_told_in_plain_words(language):
    told = customer_report(
        0.62, 0.5, 0.74, cutoff="2024-05-01", horizon="30d", reasons=[{"text": "last order 74 days ago"}],
        changes=[{"text": "With 2 more orders ..."}], families=["cadence"], protected=["sex"],
        contact="privacy@example.org", language=language,
    )  # fmt: skip
    text = told["markdown"]
    for needle in ("62%", "50%", "74%", "74 days", "2 more orders", "sex", "privacy@example.org"):
        assert needle in text
    for word in ("customer_id", "log-odds", "LightGBM", "p_churn", "{"):
        assert word not in text
    assert "id" not in told


def test_a_customer_of_whom_nothing_stands_out_is_told_so():
    text = customer_report(0.5, 0.4, 0.6, cutoff="2024-05-01", horizon="30d", reasons=[])["markdown"]
    assert "stands out" in text
    assert "nothing simple" in text
    assert "the shop" in text
    assert "promise" not in text
