"""The guard deviates where it pays, keeps still where nothing has an effect, and says in plain data why."""

from __future__ import annotations

import json

import numpy as np
import pytest

from holdfast.core.errors import TooLittleData, UsageError
from holdfast.decide.guard import Guard
from holdfast.decide.guard_fit import GuardedFit
from holdfast.decide.guard_groups import Group, Ladder, cut

PROPENSITY = np.array([0.3, 0.35, 0.35])
NAMES = ("nothing", "mail", "call")


def logged(n=4000, seed=1, kind="strong", columns=5):
    """`strong`: mail gains 1 where x0 > 0 and loses 1 elsewhere, the call the other way round. `same`: mail gains 0.5 for
    all. `null`: nothing has an effect. `rare`: nothing has one, and 2% buy."""
    random = np.random.default_rng([seed, 77])
    X = random.normal(size=(n, columns))
    truth = np.zeros((n, 3))
    if kind == "strong":
        truth[:, 1], truth[:, 2] = np.where(X[:, 0] > 0, 1.0, -1.0), np.where(X[:, 0] > 0, -1.0, 1.0)
    if kind == "same":
        truth[:, 1] = 0.5
    arm = random.choice(3, size=n, p=PROPENSITY)
    y = X[:, 1] + truth[np.arange(n), arm] + random.normal(size=n)
    if kind == "rare":
        y = (random.random(n) < 0.02 * np.exp(0.3 * X[:, 1])) * np.exp(3 + random.normal(size=n))
    return X, arm, y, truth


def guarded(kind="strong", cost=(0.0, 0.1, 0.1), n=4000, seed=1, **settings):
    X, arm, y, _ = logged(n, seed, kind)
    return Guard(**settings).fit(X, arm, y, PROPENSITY, arms=NAMES, cost=cost, seed=seed)


def test_it_deviates_where_it_pays():
    fit = guarded()
    X, _, _, truth = logged(5000, 2)
    net, chosen = truth - [0.0, 0.1, 0.1], fit.choose(X)
    assert fit.deviates
    gained = net[np.arange(5000), chosen].mean() - net.mean(axis=0).max()
    assert gained > 0.85 * (net.max(axis=1).mean() - net.mean(axis=0).max())


def test_values_agree_with_choice_and_level():
    fit = guarded()
    X, _, _, truth = logged(5000, 2)
    values, chosen = fit.values(X), fit.choose(X)
    assert values.shape == (5000, 3)
    assert np.array_equal(values.argmax(axis=1), chosen)
    assert not values[:, 0].any()
    # what is promised of the chosen arm is what it brings, on the whole
    promised = values[np.arange(5000), chosen].mean()
    assert promised == pytest.approx((truth - [0, 0.1, 0.1])[np.arange(5000), chosen].mean(), abs=0.15)


def test_the_same_for_all_is_left_the_same_for_all():
    for seed in range(3):
        fit = guarded("same", seed=seed)
        assert fit.best_uniform == 1
        assert not fit.deviates
        X = logged(100, 5)[0]
        assert (fit.choose(X) == 1).all()
        assert (fit.values(X).argmax(axis=1) == 1).all()


@pytest.mark.parametrize(("kind", "cost"), [("null", (0.0, 0.002, 0.002)), ("rare", (0.0, 0.002, 0.002))])
def test_where_nothing_has_an_effect_it_keeps_still(kind, cost):
    """At most 3% of worlds may move; with 25 a fourth mover has a chance under 1%. Costs are next to nothing: the hardest case."""
    fits = [guarded(kind, cost, n=1200, seed=seed, learners=FEW) for seed in range(25)]
    X = logged(200, 99)[0]
    assert sum(fit.deviates for fit in fits) <= 3
    assert sum(bool(fit.choose(X).any()) for fit in fits) <= 3


#: Enough to be fooled by noise, quick enough for many worlds.
FEW = ("t_ridge", "t_lightgbm", "response_proxy")


def test_an_arm_that_costs_more_than_it_brings_is_not_sent():
    fit = guarded("same", (0.0, 0.8, 0.8))
    assert fit.best_uniform == 0
    assert not fit.choose(logged(100, 5)[0]).any()
    assert (fit.values(logged(100, 5)[0])[:, 1:] < 0).all()


def test_nothing_can_be_the_better_arm_for_some():
    """Mail helps most and annoys some: those are left alone, and their value of a mail is a loss."""
    random = np.random.default_rng(3)
    n = 6000
    X = random.normal(size=(n, 3))
    arm = random.integers(0, 2, n)
    y = np.where(X[:, 0] > -0.7, 1.0, -1.5) * arm + random.normal(size=n)
    fit = Guard().fit(X, arm, y, [0.5, 0.5], arms=2, cost=0.0, seed=1)
    chosen = fit.choose(X)
    assert fit.best_uniform == 1
    assert 0.1 < (chosen == 0).mean() < 0.35
    assert (fit.values(X)[chosen == 0, 1] < 0).all()


def test_the_same_data_and_seed_give_the_same_bytes_and_bytes_come_back():
    fit, X = guarded(), logged(500, 2)[0]
    assert fit.to_bytes() == guarded().to_bytes()
    for one in (fit, guarded("null")):
        again = GuardedFit.from_bytes(one.to_bytes())
        assert np.array_equal(again.choose(X), one.choose(X))
        assert np.array_equal(again.values(X), one.values(X))
        assert (again.best_uniform, again.deviates, again.report) == (one.best_uniform, one.deviates, one.report)
        assert again.standing.stood == one.standing.stood
        assert again.to_bytes() == one.to_bytes()


def test_the_report_says_what_was_compared_and_what_stood():
    report = guarded().report
    json.dumps(report, allow_nan=False)
    assert report["customers"] == 4000
    assert {one["arm"] for one in report["uniform"]} == set(NAMES)
    assert len(report["halves"]) == 2
    for half in report["halves"]:
        assert set(Guard().learners) == set(half["gain_over_best_uniform"])
        best = half["gain_over_best_uniform"][half["chosen"]]
        assert best["low"] < best["value"] < best["high"]
        for group in half["groups"]:
            assert group["confirmed"] == (group["p"] <= 0.009)
            assert group["customers"] > 0
            if group["confirmed"]:
                assert group["total_low"] > 0  # the one-sided 95% bound on the total gain


def test_units_of_money_change_no_choice():
    X, arm, y, _ = logged()
    mine = Guard().fit(X, arm, y, PROPENSITY, arms=3, cost=[0, 0.1, 0.1])
    cents = Guard().fit(X, arm, y * 100, PROPENSITY, arms=3, cost=[0, 10, 10])
    assert (mine.choose(X) == cents.choose(X)).mean() > 0.99
    assert np.allclose(mine.values(X)[:, 1] * 100, cents.values(X)[:, 1], rtol=0.2, atol=1.0)


def test_an_arm_hardly_given_is_left_out_and_propensities_are_those_of_the_rest():
    X, arm, y, _ = logged()
    rare = np.where((arm == 2) & (np.arange(len(arm)) % 50 > 0), 0, arm)
    chance = np.tile([0.643, 0.35, 0.007], (len(arm), 1))
    fit = Guard().fit(X, rare, y, chance, arms=NAMES, cost=0.0)
    assert fit.report["left_out"] == ["call"]
    assert not (fit.choose(X) == 2).any()
    assert (fit.values(X)[:, 2] < 0).all()


def test_an_arm_that_is_not_open_to_all_is_still_confirmed():
    """The call is open to every second customer only, one in twenty had to be mailed: the others' outcomes still teach."""
    X, _, _, truth = logged(8000, 3)
    random = np.random.default_rng(5)
    chance = np.where((np.arange(8000) % 2 == 0)[:, None], PROPENSITY, [0.5, 0.5, 0.0])
    chance[::20] = [0.0, 1.0, 0.0]
    arm = (random.random((8000, 1)) > np.cumsum(chance, axis=1)).sum(axis=1)
    y = X[:, 1] + truth[np.arange(8000), arm] + random.normal(size=8000)
    fit = Guard().fit(X, arm, y, chance, arms=NAMES, cost=(0.0, 0.1, 0.1))
    chosen = fit.choose(X)
    assert fit.report["customers"] == 8000 - 400
    assert fit.deviates
    assert (chosen[X[:, 0] > 0.3] == 1).mean() > 0.9
    assert (chosen[X[:, 0] < -0.3] == 2).mean() > 0.8


def test_too_little_or_senseless_is_refused():
    X, arm, y, _ = logged(200)
    with pytest.raises(TooLittleData, match="nothing and one other arm"):
        Guard().fit(X, np.ones(200, int), y, PROPENSITY, arms=3, cost=0.0)
    with pytest.raises(UsageError, match="nothing costs 0"):
        Guard().fit(X, arm, y, PROPENSITY, arms=3, cost=[1.0, 0, 0])
    with pytest.raises(UsageError, match="propensities of shape"):
        Guard().fit(X, arm, y, [0.5, 0.5], arms=3, cost=0.0)
    with pytest.raises(UsageError, match="5 columns"):
        guarded().choose(X[:, :2])


def test_bands_are_shares_of_those_with_an_advantage():
    advantage = np.concatenate([-np.ones(10), np.arange(1.0, 101.0)])
    rank = Ladder.of(advantage).rank(advantage)
    best = np.ones(110, np.int64)
    groups = cut(3, 0, by_arm=True, bands=4)
    assert len(groups) == 8
    held = np.array([one.holds(best, rank) for one in groups if one.arm == 1])
    assert (held.sum(axis=0) == np.concatenate([np.zeros(10), np.ones(100)])).all()  # each of them in one band
    assert np.abs(held.sum(axis=1) - 25).max() <= 1
    assert not Group(2, 0.0, 1.0).holds(best, rank).any()
    assert Group(-1, 0.0, 1.0).holds(best, rank).sum() == 100
