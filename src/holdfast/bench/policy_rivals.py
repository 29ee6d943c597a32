"""The policies that compete in a world that stands still: what each learns from the same number of customers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from holdfast.bench.policy import Found
    from holdfast.decide.learn.policy import Learner
    from holdfast.synth.choices.parameters import ChoiceWorld
    from holdfast.synth.choices.world import Customers, Experiment

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
FRESH = 20_000
#: A bandit begins with an experiment on a fifth of its customers; the others come in so many rounds.
FIRST, ROUNDS = 0.2, 20
RISKIEST = 0.2


def compete(kind: str, seed: int, size: int) -> Found:
    """Policies learnt from `size` customers of a randomised experiment (arms equal), judged on 20,000 fresh ones."""
    from holdfast.synth.choices.parameters import WORLDS
    from holdfast.synth.choices.world import customers

    world = WORLDS[kind].seeded(seed)
    log = customers(world, size, seed).experiment(seed=seed)
    fresh = customers(world, FRESH, 1_000_000 + seed)
    found: Found = {}
    for name, chosen in offline(log, fresh, seed):
        found |= judged(size, name, fresh, chosen)
    return found


def bandits(kind: str, seed: int, size: int) -> Found:
    """Learners that meet as many customers in rounds, judged on the same fresh ones, and by what they cost meanwhile."""
    from holdfast.decide.learn.linucb import LinUcb
    from holdfast.decide.learn.thompson import Thompson
    from holdfast.synth.choices.parameters import WORLDS
    from holdfast.synth.choices.world import customers

    world = WORLDS[kind].seeded(seed)
    fresh = customers(world, FRESH, 1_000_000 + seed)
    meanwhile = f"while learning: the last {1 - FIRST:.0%} of {size:,} customers, in {ROUNDS} rounds"
    found: Found = {(meanwhile, "experiment", "policy_value"): float(fresh.gain.mean())}
    rivals: dict[str, Learner] = {"thompson": Thompson(), "thompson_free": Thompson(tolerance=None), "linucb": LinUcb()}
    for name, rival in rivals.items():
        chances, during = online(rival, world, size, seed, fresh)
        found |= judged(size, name, fresh, chances)
        found[(meanwhile, name, "policy_value")] = during
    return found


def judged(size: int, name: str, fresh: Customers, policy: NDArray[np.generic]) -> Found:
    """Exact figures of one policy."""
    protocol = f"learnt from {size:,} customers, worth for others"
    return {
        (protocol, name, "policy_value"): fresh.value(policy),
        (protocol, name, "regret"): fresh.regret(policy),
        (protocol, name, "share_of_oracle_gain"): fresh.share(policy) if worth_telling(fresh) else float("nan"),
    }


def worth_telling(fresh: Customers) -> bool:
    """Whether the oracle gains enough over the best uniform arm (1% of a mean margin) for a share of it to mean anything."""
    more = fresh.value(fresh.oracle) - float(fresh.gain[:, fresh.best_uniform].mean())
    return more > 0.01 * float(fresh.mean[:, 0].mean() / fresh.p[:, 0].mean())


def offline(log: Experiment, fresh: Customers, seed: int) -> Iterator[tuple[str, Numbers]]:
    """Everybody the same; by risk; by the argmax of a T-learner; guarded."""
    from holdfast.decide.guard import Guard

    everybody = np.zeros(len(fresh), np.int64)
    yield "oracle", fresh.oracle
    yield "best_uniform", everybody + fresh.best_uniform
    yield "nothing", everybody
    measured = net_means(log, fresh.cost)
    yield "uniform_measured", everybody + int(measured.argmax())
    yield "churn_risk", riskiest(fresh, int(measured[1:].argmax()) + 1)
    yield "naive_uplift", naive(log, fresh, seed)
    guarded = Guard().fit(
        log.x, log.arm, log.outcome, log.propensity, arms=fresh.world.arms, cost=fresh.cost, seed=seed
    )
    yield "guarded", guarded.choose(fresh.x)


def net_means(log: Experiment, cost: Floats) -> Floats:
    """Mean outcome of each arm less its cost."""
    return np.array([log.outcome[log.arm == one].mean() for one in range(len(cost))]) - cost


def riskiest(fresh: Customers, arm: int) -> Numbers:
    """The fifth with the highest P(no order), the true one, gets the treatment that measured best; the rest nothing."""
    return np.where(fresh.risk >= np.quantile(fresh.risk, 1 - RISKIEST), arm, 0).astype(np.int64)


def naive(log: Experiment, fresh: Customers, seed: int) -> Numbers:
    """Each gets the arm that a T-learner on trees finds best for them, net of cost: no questions asked."""
    from holdfast.models.uplift.experiment import Experiment
    from holdfast.models.uplift.learner import UPLIFT

    data = Experiment.of(log.x, log.arm, log.outcome, log.propensity, arms=len(fresh.cost), seed=seed)
    effects = data.fitted(UPLIFT["t_lightgbm"]).effects(fresh.x)
    return np.asarray((effects - fresh.cost).argmax(axis=1), np.int64)


def online(learner: Learner, world: ChoiceWorld, size: int, seed: int, fresh: Customers) -> tuple[Floats, float]:
    """The bandit's chances for fresh customers after all rounds, and what customers gained on average in the rounds."""
    from holdfast.synth.choices.world import customers

    first = int(size * FIRST)
    each = (size - first) // ROUNDS
    log = customers(world, first, seed).experiment(seed=seed)
    state, gained = learner.start(log.x, world.arms), []
    state = state.update(log.x, log.arm, log.outcome - fresh.cost[log.arm], log.propensity[np.arange(first), log.arm])
    for at in range(ROUNDS):
        came = customers(world, each, seed * 1_000 + at)
        arm, chances = state.choose(came.x, seed=at)
        gained.append(came.value(chances))
        mine = chances[np.arange(each), arm]
        state = state.aged().update(came.x, arm, came.play(arm, seed * 1_000 + at) - came.cost[arm], mine)
    return state.propensities(fresh.x), float(np.mean(gained))
