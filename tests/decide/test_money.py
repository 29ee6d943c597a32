"""The money line of a plan."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import norm

from holdfast.core.decide import Decisions, Options
from holdfast.decide.assign import holdout, plan
from holdfast.decide.budget import Limits
from holdfast.decide.money import money_line, shall_know


def world(n: int = 400, seed: int = 1) -> tuple[Options, np.ndarray[Any, Any]]:
    random = np.random.default_rng(seed)
    p, value = random.beta(2, 2, n), random.lognormal(3, 1, n)
    gain, cost = np.zeros((n, 3)), np.zeros((n, 3))
    cost[:, 1:] = [0.5, 2.0]
    gain[:, 1:] = np.outer(p * value, [0.03, 0.08]) - cost[:, 1:]
    return Options(pa.array([f"c{i}" for i in range(n)]), ("nothing", "mail", "coupon"), gain, cost), p


def made(options: Options, chosen: list[int]) -> Decisions:
    """Decisions that were sure to be what they are."""
    n, rows = len(options), np.arange(len(options))
    sure = np.eye(len(options.arms))[chosen]
    arms = np.array(chosen)
    text = pa.array([""] * n)
    gain, cost = options.gain[rows, arms], options.cost[rows, arms]
    return Decisions(options.customer_id, options.arms, arms, sure, arms * np.nan, gain, cost, np.zeros(n, bool), text)


def test_by_hand() -> None:
    gain = np.array([[0, 4.0, 1.0], [0, -1.0, 2.0], [0, 3.0, 9.0]])
    cost = np.array([[0, 1.0, 2.0]] * 3)
    eligible = np.array([[True, True, True], [True, True, True], [True, True, False]])
    options = Options(pa.array(["a", "b", "c"]), ("nothing", "mail", "coupon"), gain, cost, eligible)
    line = money_line(options, made(options, [1, 0, 1]), p_churn=np.array([0.1, 0.9, 0.5]), spread=np.zeros((3, 3)))
    said = {one.policy: (one.net_profit, one.cost, one.customers) for one in line}
    # everybody: mail, 6 over 3, since the third may not have a coupon; the riskiest two get it for the plan's money
    assert said == {"nothing": (0, 0, 0), "everyone": (6, 3, 3), "riskiest": (2, 2, 2), "guarded": (7, 2, 2)}
    assert all(one.low == one.net_profit == one.high for one in line)  # nothing is in doubt


def test_the_interval_is_that_of_a_common_doubt() -> None:
    """One prior wrong for everybody: the doubt of the total is the sum, not the root of the squares."""
    options, p = world()
    spread = np.full((400, 3), 0.2)
    spread[:, 0] = 0.0
    chosen = [1] * 200 + [2] * 100 + [0] * 100
    mine = next(
        one for one in money_line(options, made(options, chosen), p_churn=p, spread=spread) if one.policy == "guarded"
    )
    assert (mine.high - mine.low) / 2 == pytest.approx(0.2 * math.hypot(200, 100) * norm.ppf(0.95))


def test_intervals_cover_the_truth() -> None:
    options, p = world(200)
    spread = np.abs(options.gain) + 0.1
    spread[:, 0] = 0.0
    chosen = [i % 3 for i in range(200)]
    mine = next(
        one for one in money_line(options, made(options, chosen), p_churn=p, spread=spread) if one.policy == "guarded"
    )
    random, hit, rows = np.random.default_rng(5), 0, np.arange(200)
    for _ in range(2_000):
        truth = options.gain + spread * random.standard_normal(3)
        hit += mine.low <= float(truth[rows, chosen].sum()) <= mine.high
    assert hit / 2_000 == pytest.approx(0.9, abs=0.025)


def test_a_plan_earns_more_than_the_riskiest_for_the_same_money() -> None:
    options, p = world(3_000)
    out = holdout(options.customer_id, 0.1, "s")
    drawn = plan(options, Limits(budget=300), holdout=out, p_churn=p).decisions
    line = {one.policy: one for one in money_line(options, drawn, p_churn=p, spread=np.zeros(options.gain.shape))}
    assert line["guarded"].net_profit > line["riskiest"].net_profit
    assert line["riskiest"].cost <= line["guarded"].cost <= 300


def test_what_the_plan_can_show() -> None:
    options, p = world(3_000)
    out = holdout(options.customer_id, 0.2, "s")
    drawn = plan(options, Limits(), holdout=out, p_churn=p).decisions
    said = shall_know(drawn, p, date(2026, 1, 1), 30.0)
    assert said["day"] == "2026-01-31"
    assert 0 < said["difference"] < 0.2
    nobody = shall_know(plan(options, Limits(budget=0)).decisions, p, date(2026, 1, 1), 30.0)
    assert nobody["undetermined"]
