"""Profit of a campaign: the published number, brute force, limits, and bad input."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.core.errors import UsageError
from holdfast.metrics.profit import (
    SATURATION,
    Campaign,
    cost_threshold,
    empc,
    mpc,
    profit_rows,
    profit_threshold,
    under_budget,
)

Y = np.array([0, 1, 0, 1, 0, 1, 0, 1])
S = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.8, 0.9])


def test_golden_value_of_empc():
    """CLV 200, incentive 10, contact 1, Beta(6, 14), after Verbraken, Verbeke & Baesens (2013)."""
    assert empc(Y, S).profit == pytest.approx(23.8755934, abs=5e-8)
    assert empc(Y, S).profit != pytest.approx(empc(1 - Y, S).profit, abs=0.1)  # it matters which class churned


def drawn(n=300, rate=0.3, seed=1):
    random = np.random.default_rng(seed)
    y = (random.random(n) < rate).astype(int)
    return y, np.round(random.normal(y * 1.0, 1.0), 1)


@pytest.mark.parametrize("campaign", [Campaign(), Campaign(clv=60, incentive=20, contact_cost=5, a=2, b=8)])
def test_empc_is_the_mean_over_acceptance_rates_of_the_best_threshold(campaign):
    y, s = drawn()
    random = np.random.default_rng(2)
    rates = random.beta(campaign.a, campaign.b, 20_000)
    cuts = np.r_[np.unique(s), np.inf]
    churn = np.array([y[s >= cut].sum() for cut in cuts]) / len(y)
    stay = np.array([(1 - y)[s >= cut].sum() for cut in cuts]) / len(y)
    earned = np.array([(w * churn + lose * stay).max() for w, lose in map(campaign.per_customer, rates)])
    assert empc(y, s, campaign).profit == pytest.approx(earned.mean(), abs=4 * earned.std() / np.sqrt(len(rates)))


def test_mpc_is_the_best_of_all_thresholds():
    y, s = drawn()
    won, lost = Campaign().per_customer(0.3)
    brute = max(
        (won * y[s >= cut].sum() + lost * (1 - y)[s >= cut].sum()) / len(y) for cut in np.r_[np.unique(s), np.inf]
    )
    assert mpc(y, s).profit == pytest.approx(brute)
    assert mpc(y, s, gamma=0.0).profit == 0.0
    assert mpc(y, s, gamma=0.0).fraction == 0.0


def test_neither_is_below_contacting_everybody_or_nobody():
    for rate in (0.02, 0.3, 0.9):
        y, s = drawn(rate=rate, seed=5)
        for found in (empc(y, s), mpc(y, s)):
            assert found.profit >= max(found.treat_all, found.treat_none) - 1e-12
            assert 0 <= found.fraction <= 1


def test_at_high_base_rates_it_cannot_tell_a_good_model_from_a_coin():
    y, s = drawn(2000, rate=0.6)
    coin = np.random.default_rng(9).random(len(y))
    good, bad = empc(y, s), empc(y, coin)
    assert bad.saturated
    assert good.profit - bad.profit < 0.05 * good.profit
    assert "never used to choose" in SATURATION.en


def test_weights_count_rows():
    y, s = drawn(120)
    counts = np.random.default_rng(4).integers(0, 4, len(y))
    again = empc(np.repeat(y, counts), np.repeat(s, counts))
    assert empc(y, s, weights=counts).profit == pytest.approx(again.profit)


def test_thresholds_are_where_profit_turns():
    campaign = Campaign()
    p = profit_threshold(campaign)
    won, lost = campaign.per_customer(campaign.mean_acceptance)
    assert p * won + (1 - p) * lost == pytest.approx(0.0)
    assert profit_threshold(campaign, gamma=0.0) > 1 or np.isinf(profit_threshold(campaign, gamma=0.0))
    assert cost_threshold(1.0, 0.0) == 0.0
    assert cost_threshold(0.0, 1.0) == 1.0
    with pytest.raises(UsageError, match="weighed"):
        cost_threshold(0.0, 0.0)


def test_a_budget_is_taken_pro_rata_where_scores_tie():
    same = under_budget(Y, np.ones(8), 0.5)
    assert same["churners"] == 2.0
    assert same["lift"] == pytest.approx(1.0)
    everybody = under_budget(Y, S, 1.0)
    assert everybody["recall"] == 1.0
    assert everybody["profit"] == pytest.approx(mpc(Y, S).treat_all)
    assert np.isnan(under_budget(np.zeros(4), np.arange(4.0), 0.5)["recall"])


def test_rows_for_the_backtest_page_say_their_assumptions():
    rows = profit_rows(
        Y, S, bench="backtest", data="shop", protocol="churned, 30d, test 2024-01-01", model="m", count=20
    )
    by = {one.metric: one for one in rows}
    assert by["empc"].value == pytest.approx(23.8755934)
    assert by["empc"].low <= by["empc"].value
    assert {
        "profit_treat_all",
        "profit_treat_none",
        "empc_fraction",
        "mpc",
        "lift_at_10pct",
        "profit_at_100pct",
    } <= set(by)
    assert all("assumed" in one.protocol and "Beta(6,14)" in one.protocol for one in rows)


def test_one_class_only_earns_nothing_or_treats_all():
    assert empc(np.zeros(5), np.arange(5.0)).profit == 0.0
    assert mpc(np.ones(5), np.arange(5.0)).profit == pytest.approx(mpc(np.ones(5), np.arange(5.0)).treat_all)


@pytest.mark.parametrize(("y", "s"), [([], []), ([0, 1], [0.1]), ([0, 2], [0.1, 0.2]), ([0, 1], [0.1, float("nan")])])
def test_bad_input_is_refused(y, s):
    with pytest.raises(UsageError):
        empc(np.array(y, float), np.array(s, float))


def test_a_campaign_that_makes_no_sense_is_refused():
    for wrong in ({"clv": 5.0}, {"contact_cost": -1.0}, {"a": 0.0}):
        with pytest.raises(UsageError, match="campaign"):
            Campaign(**wrong)
    with pytest.raises(UsageError, match="budget"):
        under_budget(Y, S, 0.0)
