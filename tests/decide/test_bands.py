"""Risk bands follow their cost rule."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.errors import UsageError
from holdfast.core.text import LANGUAGES
from holdfast.decide.bands import BANDS, band_meanings, describe_bands, explain_bands, gains, risk_bands
from holdfast.decide.settings import CostSettings

shares = st.floats(0, 1)
values = st.floats(0, 1e6)


def test_gains_by_hand() -> None:
    costs = CostSettings(
        contact_cost=2, incentive=10, contact_effect=0.1, incentive_effect=0.2, margin_rate=0.5, watch_from=0.5
    )
    contact, offer = gains([0.5], [100.0], costs)
    assert contact[0] == pytest.approx(0.1 * 0.5 * 100 - 2)
    assert offer[0] == pytest.approx(0.2 * 0.5 * 100 - 2 - 10 * (1 - 0.5 * 0.8))


def test_each_band_has_its_reason() -> None:
    costs = CostSettings()
    contact, offer = gains([0.2, 0.9, 0.8, 0.8], [0.0, 5.0, 150.0, 900.0], costs)
    assert risk_bands([0.2, 0.9, 0.8, 0.8], [0.0, 5.0, 150.0, 900.0], costs) == ["low", "watch", "high", "critical"]
    assert contact[1] <= 0
    assert contact[2] > 0 >= offer[2] - contact[2]
    assert offer[3] > contact[3] > 0


@given(shares, values, values)
def test_more_at_risk_never_lowers_the_band(p: float, a: float, b: float) -> None:
    low, high = sorted((a, b))
    first, second = risk_bands([p, p], [low, high])
    assert BANDS.index(first) <= BANDS.index(second)


@given(values, shares, shares)
def test_a_likelier_leaver_never_falls_below(value: float, a: float, b: float) -> None:
    low, high = sorted((a, b))
    first, second = risk_bands([low, high], [value, value])
    assert BANDS.index(first) <= BANDS.index(second)


@given(st.lists(st.tuples(shares, values), max_size=20))
def test_each_customer_is_judged_alone(people: list[tuple[float, float]]) -> None:
    together = risk_bands([p for p, _ in people], [v for _, v in people])
    assert together == [risk_bands([p], [v])[0] for p, v in people]


def test_free_contact_that_saves_is_always_worth_it() -> None:
    costs = CostSettings(contact_cost=0.0, incentive_effect=0.1)
    assert set(risk_bands(np.linspace(0, 1, 5), np.full(5, 1.0), costs)) == {"high"}


def test_shapes_must_agree() -> None:
    with pytest.raises(UsageError, match="values at risk"):
        risk_bands([0.5, 0.5], [1.0])


def test_the_rule_says_that_it_is_assumed_in_both_languages() -> None:
    costs = CostSettings(contact_cost=3.5)
    assert "Assumed, not measured" in explain_bands(costs).en
    assert "假设" in explain_bands(costs).zh
    assert all("GBP 3.5" in explain_bands(costs, "GBP").render(language) for language in LANGUAGES)
    assert set(band_meanings(costs)) == set(BANDS)
    plain = describe_bands(costs, "GBP")
    assert plain["assumed"] is True
    assert set(plain["meanings"]["low"]) == set(LANGUAGES)
