"""The doubly robust value of a policy, and the bound that confirms a group."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.core.errors import UsageError
from holdfast.metrics.uplift_bound import gain, holm
from holdfast.metrics.uplift_value import policy_value, scores


def logged(n, seed, predicted="right"):
    """Arm 1 gains x, arm 2 gains 0.2; assignment depends on x; the policy that gives 1 where x > 0.2 is worth a known sum."""
    random = np.random.default_rng(seed)
    x = random.uniform(-1, 1, n)
    chance = np.column_stack([0.5 - 0.2 * x, 0.3 + 0.2 * x, np.full(n, 0.2)])
    arm = (random.random(n)[:, None] > np.cumsum(chance, axis=1)).sum(axis=1)
    truth = np.column_stack([2 + x, 2 + 2 * x, 2.2 + x])
    y = truth[np.arange(n), arm] + random.normal(size=n)
    said = truth if predicted == "right" else np.full((n, 3), 7.0)
    return x, arm, y, chance, said


#: E[x] = 0, so 2 + E[max(x, .2)] where x is uniform on -1 to 1.
TRUE_VALUE = 2 + (0.2 * 1.2 + (1 - 0.04) / 2) / 2


@pytest.mark.parametrize("predicted", ["right", "wrong"])
def test_value_is_found_even_with_wrong_predictions(predicted):
    x, arm, y, chance, said = logged(100_000, 2, predicted)
    found = policy_value(y, arm, chance, np.where(x > 0.2, 1, 2), said)
    assert abs(found.value - TRUE_VALUE) < 4 * found.standard_error
    assert found.standard_error < (0.01 if predicted == "right" else 0.06)


def test_the_standard_error_covers():
    inside = 0
    for seed in range(200):
        x, arm, y, chance, said = logged(800, seed)
        found = policy_value(y, arm, chance, np.where(x > 0.2, 1, 2), said)
        inside += found.low <= TRUE_VALUE <= found.high
    assert 180 <= inside <= 199


def test_differences_are_paired_and_costs_come_off():
    x, arm, y, chance, said = logged(5000, 4)
    choice = np.where(x > 0.9, 1, 0)
    found = policy_value(y, arm, chance, choice, said, against=0)
    apart = policy_value(y, arm, chance, choice, said).standard_error
    assert found.standard_error < apart / 2
    assert policy_value(y, arm, chance, 0, said, against=0).standard_error == 0.0
    paid = policy_value(y, arm, chance, choice, said, against=0, cost=[0.0, 1.0, 0.0])
    assert paid.value == pytest.approx(found.value - (x > 0.9).mean())


def test_an_impossible_arm_is_refused():
    with pytest.raises(UsageError, match="propensity is 0"):
        scores([1.0], [1], [1.0, 0.0])


def test_an_arm_without_buyers_is_not_believed():
    """20 of 400 were left alone and none of them bought; 5 of 380 treated did: no evidence of a gain."""
    random = np.random.default_rng(1)
    arm = np.repeat([0, 1], [20, 380])
    y = np.zeros(400)
    y[random.choice(np.arange(20, 400), 5, replace=False)] = 1.0
    said = np.full((400, 2), y.mean())
    each = scores(y, arm, [0.05, 0.95], said)
    found = gain(each[:, 1] - each[:, 0], y - y.mean(), np.full(400, 1 / 0.05 + 1 / 0.95), float(y.var()))
    usual = (each[:, 1] - each[:, 0]).std(ddof=1) / 20
    assert found.standard_error > 2 * usual
    assert found.p > 0.1


def test_holm_is_between_bonferroni_and_none():
    p = np.random.default_rng(2).random(50) ** 4
    stood = holm(p, 0.05)
    assert set(np.flatnonzero(p <= 0.05 / 50)) <= set(np.flatnonzero(stood)) <= set(np.flatnonzero(p <= 0.05))
    assert holm([], 0.05).tolist() == []


def test_holm_keeps_the_family_error():
    random = np.random.default_rng(3)
    wrong = sum(holm(random.random(6), 0.05).any() for _ in range(4000)) / 4000
    assert 0.03 < wrong < 0.065
