"""Learners over treatments: the contract, and the truth in simple worlds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.checks.learner import check_learner
from holdfast.core.errors import StateError, TooLittleData, UsageError
from holdfast.decide.learn.basis import Basis
from holdfast.decide.learn.floor import mixed, promised, released, safe_arm
from holdfast.decide.learn.linucb import LinUcb
from holdfast.decide.learn.policy import LEARNERS, Learner, Learnt
from holdfast.decide.learn.statistics import Statistics
from holdfast.decide.learn.thompson import Thompson
from holdfast.synth.choices.parameters import WORLDS
from holdfast.synth.choices.world import customers

ARMS = ("nothing", "mail", "coupon")
#: (features, time) -> customers x arms mean reward
Means = Callable[[np.ndarray, int], np.ndarray]


def flat(x: np.ndarray, at: int) -> np.ndarray:
    """Mail is best for everybody."""
    return np.tile([0.0, 0.6, -0.3], (len(x), 1))


def sided(x: np.ndarray, at: int) -> np.ndarray:
    """Mail for those above 0, nothing for the others; linear, so that the model is right."""
    return np.column_stack([np.zeros(len(x)), x[:, 0], np.full(len(x), -0.5)])


def turned(x: np.ndarray, at: int) -> np.ndarray:
    """From round 30 on it is the other way round."""
    return sided(x if at < 30 else -x, at)


def live(learner: Learner, means: Means, rounds: int, each: int = 200, seed: int = 1) -> tuple[Learnt, np.ndarray]:
    """Rounds of customers; the state after them and the regret per customer in each."""
    random = np.random.default_rng(seed)
    state, regrets = learner.start(random.normal(size=(500, 2)), ARMS, knots=0), []
    for at in range(rounds):
        x = random.normal(size=(each, 2))
        mean = means(x, at)
        arm, chances = state.choose(x, seed=at)
        regrets.append(float((mean.max(axis=1) - (mean * chances).sum(axis=1)).mean()))
        rows = np.arange(each)
        reward = mean[rows, arm] + random.normal(size=each)
        state = state.aged().update(x, arm, reward, chances[rows, arm])
    return state, np.array(regrets)


@pytest.mark.parametrize("name", sorted(LEARNERS))
@pytest.mark.parametrize(
    "options", [{}, {"tolerance": None}, {"epsilon": 0.3, "trial": 0.0}, {"seed": 7, "ridge": 5.0}]
)
def test_contract(name: str, options: dict[str, Any]) -> None:
    check_learner(LEARNERS[name](**options))


@pytest.mark.parametrize("name", sorted(LEARNERS))
def test_concentrates_on_the_best_arm(name: str) -> None:
    state, _ = live(LEARNERS[name](tolerance=None), flat, 25)
    chances = state.propensities(np.random.default_rng(3).normal(size=(500, 2)))
    assert chances[:, 1].mean() > 0.9


def test_thompson_draws_an_arm_as_often_as_it_is_best() -> None:
    # one column (the level), so that the posterior is a normal for each arm and the chance is known
    from scipy.stats import norm

    learner = Thompson(tolerance=None, draws=4_000, epsilon=1e-9)
    x, arm = np.zeros((200, 1)), np.repeat([0, 1], 100)
    reward = np.random.default_rng(1).normal(size=200) + 0.1 * arm
    state = learner.start(np.zeros((10, 1)), ARMS[:2], knots=0).update(x, arm, reward, np.full(200, 0.5))
    theta, inverse, noise = state.sums.posterior(1.0)
    lead = (theta[1, 0] - theta[0, 0]) / np.sqrt(noise * (inverse[0, 0, 0] + inverse[1, 0, 0]))
    assert state.propensities(np.zeros((1, 1)))[0, 1] == pytest.approx(norm.cdf(lead), abs=0.03)


def test_linucb_regret_is_sublinear() -> None:
    runs = [live(LinUcb(tolerance=None, epsilon=0.001), sided, 80, 50, seed)[1] for seed in range(5)]
    total = np.cumsum(np.mean(runs, axis=0))
    # regret of d parameters grows like sqrt(T): four times the rounds, about twice the regret; linear would be 4
    assert total[79] / total[19] < 2.6
    assert total[79] > total[19]


def test_a_discount_follows_a_change() -> None:
    late = slice(36, 50)
    for made in (Thompson, LinUcb):
        keeps = np.mean([live(made(tolerance=None), turned, 50, seed=s)[1][late].mean() for s in range(3)])
        fades = np.mean(
            [live(made(tolerance=None, discount=0.8), turned, 50, seed=s)[1][late].mean() for s in range(3)]
        )
        assert fades < 0.5 * keeps, made.name


@pytest.mark.parametrize("kind", ["zero", "harm"])
def test_the_floor_holds_where_arms_lose(kind: str) -> None:
    """Beyond what exploration costs, a batch loses no more than the tolerance against the safe arm: 9 rounds in 10 at least."""
    lost, allowed = [], []
    for seed in range(4):
        world = WORLDS[kind].seeded(seed)
        learner = Thompson(tolerance=0.1, trial=0.0)
        log = customers(world, 2_000, seed).experiment(seed=seed)
        state = learner.start(log.x, world.arms)
        state = state.update(log.x, log.arm, log.outcome - np.array(world.cost)[log.arm], np.full(2_000, 0.25))
        for at in range(8):
            came = customers(world, 1_000, 100 * seed + at)
            arm, chances = state.choose(came.x, seed=at)
            explored = learner.epsilon * came.gain.mean()
            safe = (1 - learner.epsilon) * float(came.gain[:, state.safe_arm].mean())
            lost.append(safe + explored - came.value(chances))
            allowed.append(0.1)
            rows = np.arange(1_000)
            state = state.update(came.x, arm, came.play(arm, at) - came.cost[arm], chances[rows, arm])
    assert (np.array(lost) <= np.array(allowed)).mean() >= 0.9


def test_without_the_floor_the_same_learner_loses_more() -> None:
    world = WORLDS["zero"]
    log = customers(world, 2_000).experiment()
    fresh = customers(world, 2_000, 5)
    worth = {}
    for tolerance in (0.05, None):
        state = Thompson(tolerance=tolerance, trial=0.0).start(log.x, world.arms)
        state = state.update(log.x, log.arm, log.outcome - np.array(world.cost)[log.arm], np.full(2_000, 0.25))
        worth[tolerance] = fresh.value(state.propensities(fresh.x))
    assert worth[0.05] > -0.08 > worth[None]


def test_logs_of_a_bandit_value_other_policies_without_bias() -> None:
    """The logged chances are exact: weighting by them recovers the value of giving everybody mail."""
    errors = []
    for seed in range(40):
        random = np.random.default_rng([seed, 1])
        state, _ = live(Thompson(tolerance=None, epsilon=0.3), sided, 3, seed=seed)
        x = random.normal(size=(2_000, 2))
        arm, chances = state.choose(x, seed=50)
        rows = np.arange(2_000)
        reward = sided(x, 0)[rows, arm] + random.normal(size=2_000)
        weight = (arm == 1) / chances[rows, arm]
        errors.append(float((weight * reward).mean() - sided(x, 0)[:, 1].mean()))
    assert abs(np.mean(errors)) < 3 * np.std(errors, ddof=1) / 40**0.5


@given(
    st.lists(st.floats(0, 1), min_size=3, max_size=3),
    st.floats(0.001, 1),
    st.lists(st.booleans(), min_size=2, max_size=2),
)
@settings(max_examples=50, deadline=None)
def test_mixing_keeps_every_eligible_arm(raw: list[float], epsilon: float, flags: list[bool]) -> None:
    eligible = np.array([[True, *flags]])
    shares = np.where(eligible, np.array([raw]) + 1e-3, 0.0)
    found = mixed(shares / shares.sum(), eligible, epsilon)
    assert found.sum() == pytest.approx(1)
    assert (found[~eligible] == 0).all()
    assert found[eligible].min() >= epsilon / eligible.sum() - 1e-12


def test_the_safe_arm_must_have_proved_itself() -> None:
    mean = np.array([1.0, 1.3, 1.1, np.nan])
    assert safe_arm(mean, np.array([0.05, 0.5, 0.01, np.inf]), 1.645) == 2
    assert safe_arm(mean, np.array([0.05, 0.5, 0.2, np.inf]), 1.645) == 0


def test_the_bound_of_a_batch_is_that_of_its_total() -> None:
    design, theta = np.ones((10, 1)), np.array([[0.0], [2.0]])
    change = np.tile([-1.0, 1.0], (10, 1))
    spread = np.array([[[0.25]], [[0.75]]])  # the difference of the two levels has variance 1
    sizes, bounds = promised(design, change, np.arange(10), theta, spread, z=1.0)
    assert bounds.tolist() == pytest.approx((sizes * (2.0 - 1.0)).tolist())
    assert released(sizes, bounds, 0.0) == 10
    assert released(sizes, promised(design, change, np.arange(10), theta, spread, z=3.0)[1], 0.25) == 2


def test_uniform_values_are_right_whatever_the_chances() -> None:
    random = np.random.default_rng(1)
    x = random.random(60_000)
    chance = np.column_stack([0.2 + 0.6 * x, 0.8 - 0.6 * x])
    arm = (random.random(60_000) > chance[:, 0]).astype(np.int64)
    reward = x + 0.5 * arm + random.normal(size=60_000)
    mine = chance[np.arange(60_000), arm]
    mean, error = Statistics.of(np.ones((60_000, 1)), arm, reward, mine, 2).uniform()
    assert (np.abs(mean - [0.5, 1.0]) < 4 * error).all()
    assert error.max() < 0.02
    assert np.bincount(arm, reward)[0] / (arm == 0).sum() > 0.58  # a plain mean is not


def test_ridge_is_least_squares_and_the_noise_is_found() -> None:
    random = np.random.default_rng(2)
    z = np.column_stack([np.ones(5_000), random.normal(size=(5_000, 2))])
    reward = z @ [1.0, 2.0, -1.0] + random.normal(scale=3.0, size=5_000)
    sums = Statistics.of(z, np.zeros(5_000, np.int64), reward, np.ones(5_000), 1)
    theta, inverse, noise = sums.posterior(1e-9)
    assert theta[0] == pytest.approx(np.linalg.lstsq(z, reward, rcond=None)[0])
    assert noise == pytest.approx(9.0, rel=0.05)
    assert inverse[0] == pytest.approx(np.linalg.inv(z.T @ z), rel=1e-6)


def test_a_basis_bends_where_the_feature_does() -> None:
    x = np.linspace(-2, 2, 400)[:, None]
    design = Basis.of(x, knots=3)(x)
    left = np.abs(x[:, 0]) - design @ np.linalg.lstsq(design, np.abs(x[:, 0]), rcond=None)[0]
    assert np.abs(left).max() < 0.05
    basis = Basis.of(np.column_stack([x[:, 0], x[:, 0] > 0]), pairs=True)
    assert basis(np.array([[np.nan, 1.0], [99.0, np.inf]])).shape == (2, basis.width)
    assert Basis.from_dict(basis.as_dict()) == basis
    with pytest.raises(TooLittleData):
        Basis.of(np.ones((1, 2)))
    with pytest.raises(UsageError):
        basis(np.ones((3, 1)))


def test_nonsense_is_refused() -> None:
    x = np.random.default_rng(1).normal(size=(20, 2))
    for bad in ({"discount": 0.0}, {"epsilon": 0.0}, {"ridge": 0.0}, {"tolerance": -1.0}, {"trial": 2.0}):
        with pytest.raises(UsageError):
            Thompson(**bad)
    with pytest.raises(UsageError):
        Thompson().start(x, ("mail", "nothing"))
    state = Thompson().start(x, ARMS)
    with pytest.raises(UsageError):
        state + LinUcb().start(x, ARMS)
    with pytest.raises(UsageError):
        state.propensities(x, np.zeros((20, 3), bool))
    with pytest.raises(StateError):
        Learnt.from_bytes(b'{"format": 1, "kind": "base_rate"}')
    assert replace(state, learner=LinUcb()).propensities(x).shape == (
        20,
        3,
    )  # a learner that knows nothing still answers
