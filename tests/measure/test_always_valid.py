"""Intervals that hold at every look: 60 daily looks, 1,000 experiments, also where 99.5% do nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from holdfast.bench.measure import Setting, looked_at_daily
from holdfast.core.results import Undetermined
from holdfast.measure.always_valid import bounded, cap_of, caution, refusal, winsorised
from holdfast.metrics.confidence_sequence import multiplier, ratio_p_value


@pytest.mark.parametrize(
    "setting",
    [
        Setting(0.3, 0.5, 3000, False),
        Setting(0.3, 0.1, 4000, True),
        Setting(0.005, 0.5, 10_000, False),
        Setting(0.005, 0.5, 10_000, True),
    ],
    ids=lambda one: one.name,
)
def test_at_most_one_in_twenty_is_ever_wrong(setting: Setting) -> None:
    wrong, plain, said = looked_at_daily(setting)
    assert said > 0.9, "the test must say something"
    assert wrong <= 0.05
    assert plain > 0.08, "looking daily at a plain interval goes wrong: else this test could not fail"


@pytest.mark.slow
@pytest.mark.parametrize("spend", [False, True])
def test_a_small_holdout_with_rare_orders_is_safe(spend: bool) -> None:
    wrong, _, said = looked_at_daily(Setting(0.005, 0.1, 30_000, spend))
    assert said > 0.9
    assert wrong <= 0.05


def test_what_is_too_small_is_refused() -> None:
    for n, m, k in ((1000, 199, (50, 20)), (1000, 300, (15, 14)), (1000, 300, (60, 9))):
        assert isinstance(refusal(n, m, k), Undetermined)
    assert refusal(1000, 300, (25, 10)) is None
    assert "200" in refusal(1000, 150, None).reason  # type: ignore[union-attr]
    assert "200" in refusal(1000, 150, None, language="zh").reason  # type: ignore[union-attr]


def test_the_price_of_looking_is_smallest_at_the_planned_n() -> None:
    at = {n: float(multiplier(n, 1000)) for n in (100, 1000, 10_000)}
    assert at[1000] < at[100]
    assert 1.96 < at[1000] < 3.1
    one = bounded(1.0, 0.1, 1000, 500, planned=1000, estimand="x", method="difference")
    assert one.high - one.low == pytest.approx(2 * 0.1 * at[1000])


def test_caution_leaves_common_outcomes_alone() -> None:
    y = np.tile([0.0, 1.0, 2.0], 1000)
    arm = np.arange(3000) % 2 == 0
    assert caution(y, y > 0, arm, ~arm) == pytest.approx(1.0, abs=0.01)
    rare = np.zeros(3000)
    rare[:20:2] = 5.0  # ten orders, all of them in one arm
    assert caution(rare, rare > 0, arm, ~arm) > 1.05


def test_the_cap_knows_only_what_was_before() -> None:
    before = np.r_[np.zeros(50), np.arange(1.0, 101.0)]
    assert cap_of(before, 0.99) == pytest.approx(99.01)
    assert cap_of(before, 1.0) == math.inf
    assert cap_of(np.zeros(3), 0.99) == math.inf
    assert winsorised(np.array([-500.0, 3.0, 500.0]), 10.0).tolist() == [-10.0, 3.0, 10.0]


def test_sample_ratio_p_values_hold_at_every_look() -> None:
    rng = np.random.default_rng(3)
    share = np.array([0.6, 0.3, 0.1])
    looks, alarms = 60, 0
    for _ in range(400):
        drawn = np.cumsum(rng.multinomial(50, share, looks), axis=0)
        alarms += any(ratio_p_value(one, share) < 0.05 for one in drawn[::3])
    assert alarms / 400 <= 0.05
