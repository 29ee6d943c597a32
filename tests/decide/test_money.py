"""The money line and when we shall know."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import norm

from holdfast.core.decide import Options
from holdfast.core.errors import UsageError
from holdfast.core.results import Undetermined
from holdfast.decide.assign import holdout, plan
from holdfast.decide.budget import Limits
from holdfast.decide.money import Known, known_by, known_money_by, money_line, riskiest, uniform

LATER: dict[str, Any] = {"every_days": 7, "follow_up_days": 30, "start": date(2026, 1, 1)}


def world(n: int = 400, seed: int = 1) -> tuple[Options, np.ndarray[Any, Any]]:
    random = np.random.default_rng(seed)
    p, value = random.beta(2, 2, n), random.lognormal(3, 1, n)
    gain, cost = np.zeros((n, 3)), np.zeros((n, 3))
    cost[:, 1:] = [0.5, 2.0]
    gain[:, 1:] = np.outer(p * value, [0.03, 0.08]) - cost[:, 1:]
    return Options(pa.array([f"c{i}" for i in range(n)]), ("nothing", "mail", "coupon"), gain, cost), p


def test_by_hand() -> None:
    gain = np.array([[0, 4.0, 1.0], [0, -1.0, 2.0], [0, 3.0, 9.0]])
    cost = np.array([[0, 1.0, 2.0]] * 3)
    eligible = np.array([[True, True, True], [True, True, True], [True, True, False]])
    options = Options(pa.array(["a", "b", "c"]), ("nothing", "mail", "coupon"), gain, cost, eligible)
    assert uniform(options) == 1  # 6 over 3; the third customer may not have a coupon
    chances = np.array([[0.1, 0.9, 0], [0.5, 0, 0.5], [1.0, 0, 0]])
    line = money_line(options, chances, Limits(budget=2), p_churn=[0.1, 0.9, 0.5])
    profit = {one.policy: one.profit for one in line.policies}
    assert profit == pytest.approx({"nothing": 0, "uniform_mail": 6, "riskiest": 2, "guarded": 0.9 * 4 + 0.5 * 2})
    assert line["everyone"].cost == 3
    assert line["riskiest"].treated == 2
    assert line["guarded"].cost == pytest.approx(0.9 + 1.0)
    assert line["nothing"].ahead == pytest.approx(4.6)
    assert (line["guarded"].low, line["guarded"].high) == (pytest.approx(4.6), pytest.approx(4.6))  # nothing in doubt
    assert not line.measured
    assert line.as_dict()["policies"][0]["title"]["zh"]


def test_riskiest_goes_by_risk_within_money_places_and_holdout() -> None:
    options, p = world()
    out = np.arange(400) % 4 == 0
    chosen = riskiest(options, 1, p, 30.0, holdout=out)
    assert chosen.sum() == 60
    assert not chosen[out].any()
    assert p[(chosen == 0) & ~out].max() <= p[chosen == 1].min()
    assert riskiest(options, 1, p, 30.0, places=7).sum() == 7


def test_the_interval_is_that_of_a_common_doubt() -> None:
    """One prior wrong for everybody: the standard deviation of the total is the sum, not the root of the squares."""
    options, p = world()
    everyone = np.zeros((400, 3))
    everyone[:, 1] = 1.0
    spread = np.full((400, 3), 0.2)
    line = money_line(options, everyone, Limits(), p_churn=p, spread=spread)
    wide = (line["guarded"].high - line["guarded"].low) / 2
    assert wide == pytest.approx(400 * 0.2 * norm.ppf(0.95), rel=0.05)
    alone = money_line(options, everyone, Limits(), p_churn=p, noise=spread)["guarded"]
    assert (alone.high - alone.low) / 2 == pytest.approx(math.sqrt(400) * 0.2 * norm.ppf(0.95), rel=0.05)
    again = money_line(options, everyone, Limits(), p_churn=p, spread=spread)
    assert again == line
    assert line["guarded"].ahead_low == line["guarded"].ahead_high == 0


def test_intervals_cover_the_truth() -> None:
    """Gains drawn from what is stated: the 90% interval of the plan's profit holds the true one in nine worlds of ten."""
    options, p = world(200)
    chances = np.zeros((200, 3))
    chances[np.arange(200), np.arange(200) % 3] = 1.0
    spread, noise = np.abs(options.gain) + 0.1, np.full((200, 3), 3.0)
    spread[:, 0] = noise[:, 0] = 0
    said = money_line(options, chances, Limits(), p_churn=p, spread=spread, noise=noise)["guarded"]
    random = np.random.default_rng(5)
    hit = 0
    for _ in range(2_000):
        truth = options.gain + spread * random.standard_normal(3) + noise * random.standard_normal((200, 3))
        hit += said.low <= float((truth * chances).sum()) <= said.high
    assert hit / 2_000 == pytest.approx(0.9, abs=0.025)


def test_resampled_gains_give_the_interval() -> None:
    options, p = world()
    chances = np.zeros((400, 3))
    chances[:, 1] = 1.0
    random = np.random.default_rng(2)
    draws = [options.gain + random.standard_normal() * np.array([0, 0.1, 0.1]) for _ in range(400)]
    said = money_line(options, chances, Limits(), p_churn=p, draws=draws)["guarded"]
    assert (said.high - said.low) / 2 == pytest.approx(40 * norm.ppf(0.95), rel=0.15)
    with pytest.raises(UsageError, match="no draws"):
        money_line(options, chances, Limits(), p_churn=p, draws=[])


def test_a_plan_earns_more_than_the_riskiest_for_the_same_money() -> None:
    options, p = world(3_000)
    out = holdout(options.customer_id, 0.1, "s")
    made = plan(options, Limits(budget=300), holdout=out, p_churn=p)
    line = money_line(options, made.decisions.propensities, Limits(budget=300), p_churn=p, holdout=out)
    assert line["guarded"].profit > line["riskiest"].profit
    assert line["guarded"].cost <= 300
    assert line["guarded"].profit < made.allocation.gain  # trying costs something, and it is counted


def test_when_we_shall_know() -> None:
    found = known_by(0.6, 0.05, per_campaign=1_000, control_share=0.1, **LATER)
    assert isinstance(found, Known)
    assert found.campaigns == math.ceil(found.customers / 1_000)
    assert (found.day - date(2026, 1, 1)).days == (found.campaigns - 1) * 7 + 30
    sooner = known_by(0.6, 0.1, per_campaign=1_000, control_share=0.1, **LATER)
    assert isinstance(sooner, Known)
    assert sooner.customers < found.customers
    assert found.day.isoformat() in found.sentence.zh
    for nobody in (
        known_by(0.6, 0.0, per_campaign=1_000, control_share=0.1, **LATER),
        known_by(0.6, float("nan"), per_campaign=1_000, control_share=0.1, **LATER),
        known_by(0.6, 0.1, per_campaign=0, control_share=0.1, **LATER),
        known_by(0.6, 0.0001, per_campaign=10, control_share=0.1, **LATER),
        known_money_by(10, -1, per_campaign=10, control_share=0.1, **LATER),
        known_money_by(10, 1, per_campaign=10, control_share=0.0, **LATER),
    ):
        assert isinstance(nobody, Undetermined)


def test_the_sample_size_for_money_has_its_power() -> None:
    """Simulated: with the customers asked for, four tests of five see the difference."""
    found = known_money_by(10, 2, per_campaign=200, control_share=0.3, **LATER)
    assert isinstance(found, Known)
    control = round(found.customers * 0.3)
    treated = found.customers - control
    random = np.random.default_rng(1)
    one = random.normal(0, 10, (4_000, control)).mean(axis=1)
    two = random.normal(2, 10, (4_000, treated)).mean(axis=1)
    z = (two - one) / (10 * math.sqrt(1 / control + 1 / treated))
    assert (np.abs(z) > 1.96).mean() == pytest.approx(0.8, abs=0.025)
