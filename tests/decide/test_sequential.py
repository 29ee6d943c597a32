"""Fitted Q iteration in a world whose best policy is known."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.core.errors import StateError, TooLittleData, UsageError
from holdfast.core.trajectories import Trajectories
from holdfast.decide.sequential.confirm import confirm
from holdfast.decide.sequential.iteration import FittedQ, SequentialPolicy, preferred
from holdfast.synth.choices.habits import Habits
from holdfast.synth.choices.periods import best, logged, value

PERIODS, DISCOUNT, SHARES = 12, 0.95, (0.5, 0.2, 0.2, 0.1)
TIRING, TIRELESS = Habits(), Habits(tiring=0.0, spoiling=0.0)


def worth(habits: Habits, policy: SequentialPolicy) -> float:
    return value(habits, np.eye(4)[policy.choose(habits.cells, habits.eligible)], PERIODS, DISCOUNT)


@pytest.fixture(scope="module")
def log() -> Trajectories:
    return logged(TIRING, 3_000, PERIODS, SHARES, seed=1)


def test_looking_ahead_pays_where_contacts_tire(log: Trajectories) -> None:
    far, near = worth(TIRING, FittedQ().fit(log)), worth(TIRING, FittedQ(ahead=1).fit(log))
    most = best(TIRING, PERIODS, DISCOUNT)[1]
    nothing = value(TIRING, np.eye(4)[np.zeros(6480, int)], PERIODS, DISCOUNT)
    assert far - near > 2.0
    assert (far - nothing) / (most - nothing) > 0.7


def test_looking_ahead_costs_little_where_they_do_not() -> None:
    log = logged(TIRELESS, 3_000, PERIODS, SHARES, seed=1)
    most = best(TIRELESS, PERIODS, DISCOUNT)[1]
    assert worth(TIRELESS, FittedQ().fit(log)) > 0.95 * most


@pytest.mark.slow
def test_trees_learn_it_too(log: Trajectories) -> None:
    policy = FittedQ(learner="lightgbm", halvings=1, ahead=10).fit(log)
    assert worth(TIRING, policy) - worth(TIRING, FittedQ(ahead=1).fit(log)) > 1.0
    again = SequentialPolicy.from_bytes(policy.to_bytes())
    assert (again.choose(TIRING.cells) == policy.choose(TIRING.cells)).all()


def test_two_halves_promise_less_than_one(log: Trajectories) -> None:
    """A single Q promises far more than its policy brings; halves that value each other's choices hardly do."""
    few = log.take(np.arange(300))
    over = {}
    for halvings in (0, 3):
        policy = FittedQ(halvings=halvings, discount=0.95, ahead=20, pairs=True).fit(few)
        chosen = policy.choose(TIRING.cells, TIRING.eligible)
        said = float(TIRING.newcomers @ policy.q(TIRING.cells)[np.arange(6480), chosen])
        over[halvings] = said - value(TIRING, np.eye(4)[chosen], 20, 0.95)
    assert over[0] > 10.0
    assert over[3] < 0.5 * over[0]


def test_a_policy_is_used_only_if_customers_it_did_not_see_confirm_it() -> None:
    quiet = Habits(working=0.0, tiring=0.0, spoiling=0.0)
    kept, lost = [], []
    for seed in range(8):
        fit = confirm(FittedQ(seed=seed), logged(quiet, 300, PERIODS, SHARES, seed=seed), replicates=12)
        kept.append(not fit.choose(quiet.cells, quiet.eligible).any())
        lost.append(best(quiet, PERIODS, DISCOUNT)[1] - worth(quiet, fit.policy))
    assert np.mean(kept) >= 0.85  # at most 5% each: 2 of 8 in one of 20 tries
    assert np.mean(lost) > 0.5  # unconfirmed, the policies cost something


def test_a_good_policy_is_confirmed(log: Trajectories) -> None:
    fit = confirm(FittedQ(), log, replicates=12)
    assert fit.deviates
    assert (fit.choose(TIRING.cells, TIRING.eligible) == fit.policy.choose(TIRING.cells, TIRING.eligible)).all()
    truth = worth(TIRING, fit.policy) - value(TIRING, np.eye(4)[np.zeros(6480, int)], PERIODS, DISCOUNT)
    assert fit.arm == 0
    assert fit.low < truth < fit.gain + 3 * (fit.gain - fit.low)


def test_who_cannot_be_written_to_is_not(log: Trajectories) -> None:
    policy = FittedQ(ahead=3).fit(log)
    chances = policy.propensities(TIRING.cells, TIRING.eligible)
    assert (chances[~TIRING.eligible] == 0).all()
    assert np.allclose(chances.sum(axis=1), 1)
    count = TIRING.eligible.sum(axis=1, keepdims=True)
    assert (np.where(TIRING.eligible, chances - 0.02 / count, 0) > -1e-12).all()
    along = policy.along(log)
    assert along.shape == log.eligible.shape
    assert (along[~log.eligible] == 0).all()


def test_the_same_log_the_same_bytes(log: Trajectories) -> None:
    some = log.take(np.arange(500))
    one, two = (FittedQ(ahead=4).fit(some) for _ in range(2))
    assert one.to_bytes() == two.to_bytes()
    again = SequentialPolicy.from_bytes(one.to_bytes())
    assert again.to_bytes() == one.to_bytes()
    assert (again.q(TIRING.cells) == one.q(TIRING.cells)).all()
    assert FittedQ(ahead=4, seed=2).fit(some).to_bytes() != one.to_bytes()


def test_a_lead_that_members_doubt_does_not_count() -> None:
    q = np.array([[[0.0, 5.0, 1.0]], [[0.0, -3.0, 1.0]], [[0.0, 4.0, 1.0]]])
    every = np.ones((1, 3), bool)
    assert preferred(q, every, 0.0).tolist() == [1]
    assert preferred(q, every, 1.0).tolist() == [2]
    assert preferred(q, np.array([[True, True, False]]), 1.0).tolist() == [0]


def test_nonsense_is_refused(log: Trajectories) -> None:
    for bad in ({"learner": "lightgmb"}, {"discount": 1.5}, {"ahead": 0}, {"halvings": -1}, {"epsilon": 0.0}):
        with pytest.raises(UsageError):
            FittedQ(**bad)
    with pytest.raises(TooLittleData, match="call"):
        FittedQ().fit(log.take(np.arange(30)))
    with pytest.raises(StateError):
        SequentialPolicy.from_bytes(b'{"format": 1, "kind": "base_rate"}')
    policy = FittedQ(ahead=1).fit(log)
    with pytest.raises(UsageError):
        policy.choose(np.zeros((3, 2)))
    with pytest.raises(UsageError):
        policy.choose(np.zeros((3, 7)), np.zeros((3, 4), bool))


def test_trajectories_that_contradict_themselves_are_refused(log: Trajectories) -> None:
    from dataclasses import replace

    one = log.take(np.arange(3))
    impossible = one.propensity.copy()
    impossible[0, 0] = [0, 0, 0, 0]
    bad_ones = (
        {"reward": one.reward[:, :-1]},
        {"propensity": impossible},
        {"arms": tuple("abcd")},
        {"state": one.state[:, :-1]},
    )
    for bad in bad_ones:
        with pytest.raises(UsageError):
            replace(one, **bad)
    closed = one.eligible.copy()
    closed[0, 0, 0] = False
    with pytest.raises(UsageError):
        replace(one, eligible=closed)
