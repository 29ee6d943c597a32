"""Every uplift learner keeps its contract, finds what is there, and is not fooled by names or order."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.core.errors import TooLittleData, UsageError
from holdfast.models.uplift.experiment import Experiment, even_parts
from holdfast.models.uplift.fitted import FittedEffects
from holdfast.models.uplift.learner import UPLIFT, UpliftLearner
from holdfast.models.uplift.regressor import Said
from holdfast.models.uplift.ridge import solve
from holdfast.models.uplift.trees import Boosting

LEARNERS = list(UPLIFT)
PROXIES = ("churn_proxy", "response_proxy")
LEARNT = [one for one in LEARNERS if one not in PROXIES]
PROPENSITY = np.array([0.4, 0.3, 0.3])


def logged(n=6000, seed=1, effect="linear", noise=1.0):
    """Arm 1 gains 1 + x0 (or 2 where x0 > 0, else 0), arm 2 loses 0.5; outcomes lean on x1."""
    random = np.random.default_rng([seed, 9])
    X = random.normal(size=(n, 4))
    X[random.random(n) < 0.02, 3] = np.nan
    truth = np.zeros((n, 3))
    truth[:, 1] = 1 + X[:, 0] if effect == "linear" else np.where(X[:, 0] > 0, 2.0, 0.0)
    truth[:, 2] = -0.5
    arm = random.choice(3, size=n, p=PROPENSITY)
    y = 3 + X[:, 1] + truth[np.arange(n), arm] + noise * random.normal(size=n)
    return X, arm, y, truth


def fitted(name, n=6000, seed=1, effect="linear"):
    X, arm, y, _ = logged(n, seed, effect)
    return UPLIFT[name].fit(Experiment.of(X, arm, y, PROPENSITY))


@pytest.mark.parametrize("name", LEARNERS)
def test_contract(name):
    learner = UPLIFT[name]
    assert isinstance(learner, UpliftLearner)
    assert learner.learner_id == name
    fit, new = fitted(name, 1500), logged(300, 2)[0]
    effects = fit.effects(new)
    assert effects.shape == (300, 3)
    assert np.isfinite(effects).all()
    assert not effects[:, 0].any()
    # one customer is judged by themselves
    assert np.allclose(fit.effects(new[5:6]), effects[5:6], atol=1e-12)
    # bytes: the same from the same, and back to the same answers
    assert fit.to_bytes() == fitted(name, 1500).to_bytes()
    again = FittedEffects.from_bytes(fit.to_bytes())
    assert np.array_equal(again.effects(new), effects)
    assert again.to_bytes() == fit.to_bytes()
    with pytest.raises(UsageError, match="learnt from 4 columns"):
        fit.effects(new[:, :3])


@pytest.mark.parametrize("name", LEARNERS)
def test_the_mean_effects_are_found(name):
    # S-learners hold effects towards 0 by design; all others must be near
    found = fitted(name).effects(logged(6000, 2)[0]).mean(axis=0)
    assert found[1] == pytest.approx(1.0, abs=0.3 if name == "s_lightgbm" else 0.12)
    assert found[2] == pytest.approx(-0.5, abs=0.3 if name == "s_lightgbm" else 0.12)


@pytest.mark.parametrize("name", LEARNT)
@pytest.mark.parametrize("effect", ["linear", "step"])
def test_who_gains_is_found(name, effect):
    X, _, _, truth = logged(4000, 5, effect)
    found = fitted(name, effect=effect).effects(X)[:, 1]
    assert np.corrcoef(found, truth[:, 1])[0, 1] > (0.9 if effect == "linear" else 0.75)
    assert abs(np.corrcoef(found, X[:, 1])[0, 1]) < 0.2  # what moves the outcome alone is no effect


@pytest.mark.parametrize("name", PROXIES)
def test_proxies_know_the_mean_and_not_who(name):
    X, _, _, truth = logged(4000, 5)
    found = fitted(name).effects(X)[:, 1]
    assert abs(np.corrcoef(found, truth[:, 1])[0, 1]) < 0.2
    assert np.corrcoef(found, X[:, 1])[0, 1] * (1 if name == "response_proxy" else -1) > 0.9


@pytest.mark.parametrize("name", LEARNERS)
def test_other_names_of_arms_change_nothing(name):
    """Arms 1 and 2 change places: so do their effects. (Folds are drawn by arm, so cross-fitted learners move a little.)"""
    X, arm, y, _ = logged(6000)
    swapped = np.array([0, 2, 1])[arm]
    mine = UPLIFT[name].fit(Experiment.of(X, arm, y, PROPENSITY)).effects(X)
    other = UPLIFT[name].fit(Experiment.of(X, swapped, y, PROPENSITY)).effects(X)[:, [0, 2, 1]]
    exact = name in ("s_ridge", "t_ridge", "t_lightgbm")
    assert np.abs(mine - other).mean() < (1e-8 if exact else 0.08)


def test_order_of_customers_changes_nothing_where_nothing_is_drawn():
    X, arm, y, _ = logged(2000)
    at = np.random.default_rng(0).permutation(2000)
    for name in ("s_ridge", "t_ridge"):
        mine = UPLIFT[name].fit(Experiment.of(X, arm, y, PROPENSITY)).effects(X)
        other = UPLIFT[name].fit(Experiment.of(X[at], arm[at], y[at], PROPENSITY)).effects(X)
        assert np.allclose(mine, other, atol=1e-8)


def test_uneven_assignment_misleads_only_who_ignores_it():
    """Arm 1 went to those who buy anyway; the doubly robust learner takes its propensity into account."""
    random = np.random.default_rng(4)
    n = 20_000
    X = random.normal(size=(n, 2))
    chance = 1 / (1 + np.exp(-1.5 * X[:, 0]))
    arm = (random.random(n) < chance).astype(int)
    y = X[:, 0] ** 3 + 0.5 * arm + random.normal(size=n)
    propensity = np.column_stack([1 - chance, chance])
    found = UPLIFT["dr_ridge"].fit(Experiment.of(X, arm, y, propensity)).effects(X)[:, 1].mean()
    naive = y[arm == 1].mean() - y[arm == 0].mean()
    assert naive > 2
    assert found == pytest.approx(0.5, abs=0.25)


def test_shared_work_is_the_same_work():
    X, arm, y, _ = logged(1500)
    shared = Experiment.of(X, arm, y, PROPENSITY)
    said = Said(X)
    for name in LEARNERS:
        alone = UPLIFT[name].fit(Experiment.of(X, arm, y, PROPENSITY)).effects(X)
        assert np.array_equal(shared.fitted(UPLIFT[name]).effects_from(said), alone)


def test_a_taken_experiment_is_what_its_rows_are():
    X, arm, y, _ = logged(2000)
    whole = Experiment.of(X, arm, y, PROPENSITY)
    part = whole.take(np.flatnonzero(even_parts(arm, 2, 1) == 0))
    assert np.abs(np.bincount(part.arm) / len(part) - np.bincount(arm) / 2000).max() < 0.002
    again = part.take(np.arange(0, len(part), 2))
    assert np.array_equal(again.outcome, part.outcome[::2])
    assert np.array_equal(whole.outcome[again.rows], again.outcome)


def test_leaves_are_large_where_few_buy():
    assert Boosting().leaf_rows(1000, 0.5) == 20
    assert Boosting().leaf_rows(50_000, 0.009) >= 880
    with pytest.raises(UsageError, match="1 to 100 trees"):
        Boosting(rounds=101)


def test_the_ridge_is_flat_on_noise_and_straight_on_a_line():
    random = np.random.default_rng(2)
    Z = random.normal(size=(2000, 5))
    weights, level = solve(Z, 1 + Z @ np.array([1.0, -1.0, 0, 0, 0]) + 0.1 * random.normal(size=2000))
    assert weights == pytest.approx([1, -1, 0, 0, 0], abs=0.02)
    assert level == pytest.approx(1.0, abs=0.02)
    assert np.abs(solve(Z, 5 + random.normal(size=2000))[0]).max() < 0.06


def test_nothing_to_tell_customers_apart():
    _, arm, y, _ = logged(1200)
    for empty in (np.zeros((1200, 0)), np.full((1200, 1), np.nan), np.ones((1200, 2))):
        for name in LEARNERS:
            effects = UPLIFT[name].fit(Experiment.of(empty, arm, y, PROPENSITY)).effects(empty)
            assert np.ptp(effects, axis=0).max() == pytest.approx(0.0, abs=1e-9)
            assert effects[0, 1] == pytest.approx(1.0, abs=0.6)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda X, arm, y, p: (X, arm, np.where(arm == 0, np.nan, y), p), UsageError),
        (lambda X, arm, y, p: (X[:-1], arm, y, p), UsageError),
        (lambda X, arm, y, p: (X, arm, y, [0.5, 0.5]), UsageError),
        (lambda X, arm, y, p: (X, arm, y, [0.5, 0.5, 0.0]), UsageError),
        (lambda X, arm, y, p: (X, np.where(arm == 2, 1, arm), y, p), TooLittleData),
    ],
)
def test_what_makes_no_sense_is_refused(change, error):
    X, arm, y, _ = logged(300)
    X, arm, y, p = change(X, arm, y, PROPENSITY)
    with pytest.raises(error):
        Experiment.of(X, arm, y, p, arms=3)
