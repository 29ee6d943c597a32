"""Worlds of choices: their truth is what they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.errors import UsageError
from holdfast.synth.choices.habits import Habits
from holdfast.synth.choices.parameters import WORLDS, ChoiceWorld
from holdfast.synth.choices.people import FEATURES, features, levels
from holdfast.synth.choices.periods import best, logged, played, value, values
from holdfast.synth.choices.world import customers


@pytest.mark.parametrize("kind", sorted(WORLDS))
def test_the_mean_is_the_mean_of_the_outcomes(kind: str) -> None:
    some = customers(WORLDS[kind], 4_000, seed=2)
    drawn = np.stack([some.outcomes(seed).mean(axis=0) for seed in range(60)])
    error = drawn.std(axis=0, ddof=1) / len(drawn) ** 0.5
    assert (np.abs(drawn.mean(axis=0) - some.mean.mean(axis=0)) < 4 * error).all()
    assert ((some.p > 0) & (some.p < 1)).all()


def test_where_nothing_has_an_effect_every_arm_brings_the_same_to_everybody() -> None:
    some = customers(WORLDS["zero"], 2_000)
    outcomes = some.outcomes(1)
    assert (outcomes == outcomes[:, :1]).all()
    assert (some.oracle == 0).all()
    assert some.gain[:, 1:].tolist() == np.tile(-some.cost[1:], (2_000, 1)).tolist()


@pytest.mark.parametrize("seed", range(1, 6))
def test_worlds_are_of_their_kind(seed: int) -> None:
    gains = {kind: customers(world.seeded(seed), 10_000, seed).gain for kind, world in WORLDS.items()}
    for kind in ("mixed", "harm", "turning"):  # help for some, harm for others, and much to gain by telling them apart
        best_of_all, uniform = gains[kind].max(axis=1).mean(), gains[kind].mean(axis=0).max()
        assert best_of_all - uniform > 0.5
        assert (gains[kind][:, 1:] > 0.5).mean() > 0.05
        assert (gains[kind][:, 1:] < -0.5).mean() > 0.05
    assert (gains["uniform"].argmax(axis=1) == 2).mean() > 0.95


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_no_policy_beats_the_oracle(seed: int) -> None:
    some = customers(WORLDS["mixed"].seeded(seed % 7), 200, seed)
    random = np.random.default_rng(seed)
    arms, chances = random.integers(0, 4, 200), random.dirichlet(np.ones(4), 200)
    assert some.regret(arms) >= -1e-12
    assert some.regret(chances) >= -1e-12
    assert some.share(some.oracle) == pytest.approx(1.0)
    assert some.share(np.full(200, some.best_uniform)) == pytest.approx(0.0)
    hot = np.eye(4)[arms]
    assert some.value(hot) == pytest.approx(some.value(arms))


def test_an_experiment_draws_as_it_says_and_shows_one_outcome() -> None:
    some = customers(WORLDS["mixed"], 20_000)
    log = some.experiment([0.4, 0.3, 0.2, 0.1], seed=3)
    assert np.abs(np.bincount(log.arm) / 20_000 - [0.4, 0.3, 0.2, 0.1]).max() < 0.015
    assert (log.outcome == some.outcomes(3)[np.arange(20_000), log.arm]).all()
    weighted = np.bincount(log.arm, log.outcome / log.propensity[np.arange(20_000), log.arm]) / 20_000
    assert np.abs(weighted - some.mean.mean(axis=0)).max() < 1.0


def test_the_turning_world_turns_once() -> None:
    early, late = (customers(WORLDS["turning"], 3_000, 1, at) for at in (0.49, 0.5))
    assert (early.x == late.x).all()
    assert (early.p[:, 0] == late.p[:, 0]).all()
    assert (early.oracle != late.oracle).mean() > 0.3
    assert (customers(WORLDS["turning"], 3_000, 1, 0.9).p == late.p).all()


def test_features_are_mixed_correlated_and_tell_the_level() -> None:
    u = levels(5_000, np.random.default_rng(1))
    x = features(u)
    assert x.shape == (5_000, len(FEATURES))
    assert np.isfinite(x).all()
    assert [len(np.unique(x[:, at])) for at in (1, 6, 7, 8)] == [12, 3, 2, 3]
    assert np.abs(np.corrcoef(u.T) - np.eye(10)).max() > 0.3
    assert np.abs(u.mean(axis=0) - 0.5).max() < 0.06
    for at in range(10):
        order = np.argsort(u[:, at], kind="stable")
        moved = np.diff(x[order, at])
        assert at == 8 or (moved >= 0).all()  # the platform is a code


def test_the_same_seed_the_same_bytes() -> None:
    one, two = (customers(WORLDS["harm"], 500, seed=9).experiment(seed=4) for _ in range(2))
    assert one.x.tobytes() == two.x.tobytes()
    assert one.outcome.tobytes() == two.outcome.tobytes()
    assert customers(WORLDS["harm"], 500, seed=10).x.tobytes() != one.x.tobytes()


@pytest.mark.parametrize(
    "bad",
    [{"arms": ("mail", "nothing")}, {"cost": (1.0, 0, 0, 0)}, {"discount": (0, 0, 1.0, 0)}, {"benefit": 1.2}, {"cost": (0.0, 1.0)}],
)  # fmt: skip
def test_nonsense_is_refused(bad: dict) -> None:
    with pytest.raises(UsageError):
        ChoiceWorld(**bad)


def test_transitions_are_chances() -> None:
    for habits in (Habits(), Habits(tiring=0.0, spoiling=0.0)):
        for to, chance in habits.steps:
            assert np.allclose(chance.sum(axis=0), 1)
            assert (chance >= 0).all()
            assert (to >= 0).all()
            assert (to < len(habits.cells)).all()
        assert habits.newcomers.sum() == pytest.approx(1)


def test_who_unsubscribed_stays_so_and_gets_no_letters() -> None:
    habits = Habits()
    log = logged(habits, 3_000, 12, (0.2, 0.4, 0.3, 0.1), seed=1)
    reachable = log.state[..., 6]
    assert (np.diff(reachable, axis=1) <= 0).all()
    assert (reachable[:, -1] == 0).any()
    assert not np.isin(log.arm[reachable[:, :-1] == 0], (1, 2)).any()


def test_exact_values_are_what_customers_bring_on_average() -> None:
    habits = Habits()
    chances, most = best(habits, 6, 0.9)
    random = np.random.default_rng(5)
    log = played(habits, chances, 40_000, 6, random)
    worth = (log.reward * 0.9 ** np.arange(6)).sum(axis=1)
    exact = value(habits, chances, 6, 0.9)
    assert abs(worth.mean() - exact) < 4 * worth.std() / 200
    assert exact <= most + 1e-9


def test_contacts_matter_for_the_future_only_where_they_tire() -> None:
    hot = np.eye(4)
    for habits, lost in ((Habits(), 3.0), (Habits(tiring=0.0, spoiling=0.0), 0.0)):
        myopic = hot[np.where(habits.eligible, habits.reward, -np.inf).argmax(axis=1)]
        most = best(habits, 12, 0.95)[1]
        gap = most - value(habits, myopic, 12, 0.95)
        assert gap > lost if lost else gap < 0.01 * most
        assert (values(habits, myopic, 3, 0.95) >= 0).all()


def test_a_world_may_be_changed_by_its_parameters() -> None:
    assert replace(WORLDS["mixed"], margin=40.0).margin == 40.0
    double, single = (customers(replace(WORLDS["mixed"], margin=m), 100).mean for m in (40.0, 20.0))
    assert np.allclose(double, 2 * single)
