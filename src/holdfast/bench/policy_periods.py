"""Customers over periods: policies that look one period ahead against those that look further, and their evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.results import Undetermined

if TYPE_CHECKING:
    from holdfast.bench.policy import Found
    from holdfast.core.trajectories import Trajectories
    from holdfast.synth.choices.habits import Habits

Floats = NDArray[np.float64]
PERIODS, DISCOUNT = 12, 0.95
LOGGED = (500, 4_000)
#: Shares of the arms in the log, among those eligible.
RANDOM = (0.5, 0.2, 0.2, 0.1)
#: The evaluation looks at fewer periods: longer ones are refused.
SHORT = 5


def world_of(kind: str) -> Habits:
    """`habits`: contacts tire and coupons spoil; `habits_tireless`: they do not; `habits_zero`: they do nothing but cost."""
    from holdfast.synth.choices.habits import Habits

    if kind == "habits":
        return Habits()
    return Habits(tiring=0.0, spoiling=0.0, working=1.0 if kind == "habits_tireless" else 0.0)


def live_periods(kind: str, seed: int, size: int) -> Found:
    """Exact value over 12 periods, discount 0.95, of policies learnt from random logs of 500 and 4,000 customers."""
    from holdfast.synth.choices.periods import best, logged, value

    habits = world_of(kind)
    most = best(habits, PERIODS, DISCOUNT)[1]
    found: Found = {}
    for n in LOGGED:
        log = logged(habits, n, PERIODS, RANDOM, seed=seed)
        told = {name: value(habits, chances, PERIODS, DISCOUNT) for name, chances in rivals(habits, log, seed)}
        told["oracle"] = most
        uniform = max(told[name] for name in told if name.startswith("uniform_") or name == "nothing")
        protocol = f"{PERIODS} periods, learnt from {n:,} customers' random logs"
        for name, worth in told.items():
            found[(protocol, name, "policy_value")] = worth
            found[(protocol, name, "regret")] = most - worth
            found[(protocol, name, "share_of_oracle_gain")] = (worth - uniform) / (most - uniform)
    return found


def rivals(habits: Habits, log: Trajectories, seed: int) -> Iterator[tuple[str, Floats]]:
    """Chances of every policy in every state: states x arms."""
    from holdfast.decide.sequential.confirm import confirm
    from holdfast.decide.sequential.iteration import FittedQ

    hot = np.eye(len(habits.arms))
    for at, name in enumerate(habits.arms):
        yield ("nothing" if at == 0 else f"uniform_{name}"), hot[np.where(habits.eligible[:, at], at, 0)]
    late = habits.cells[:, 2] >= np.quantile(log.state[..., 2], 0.8)
    yield "churn_risk", hot[np.where(late & habits.eligible[:, 2], 2, 0)]
    yield "guarded", hot[one_step(habits, log, seed)]
    yield "fitted_q_confirmed", hot[confirm(FittedQ(seed=seed), log).choose(habits.cells, habits.eligible)]
    learners = {
        "myopic": FittedQ(ahead=1, seed=seed),
        "fitted_q": FittedQ(seed=seed),
        "fitted_q_single": FittedQ(halvings=0, seed=seed),
    }
    if habits.tiring:  # trees take longer than all the others together
        learners["fitted_q_lightgbm"] = FittedQ(learner="lightgbm", halvings=1, ahead=8, seed=seed)
    for name, settings in learners.items():
        yield name, hot[settings.fit(log).choose(habits.cells, habits.eligible)]


def quiet_periods(kind: str, seed: int, size: int) -> Found:
    """Does a confirmed sequential policy stay quiet where every contact costs and none has an effect?"""
    from holdfast.decide.sequential.confirm import confirm
    from holdfast.decide.sequential.iteration import FittedQ
    from holdfast.synth.choices.periods import best, logged, value

    habits = world_of(kind)
    fit = confirm(FittedQ(seed=seed), logged(habits, size, PERIODS, RANDOM, seed=seed))
    chosen = fit.choose(habits.cells, habits.eligible)
    most = best(habits, PERIODS, DISCOUNT)[1]
    hot = np.eye(len(habits.arms))
    protocol = f"no effect anywhere, {PERIODS} periods, {size:,} customers' random logs"
    found: Found = {
        (protocol, "fitted_q_confirmed", "deviates"): float(fit.deviates),
        (protocol, "fitted_q_confirmed", "sends_nothing_costly"): float(not chosen.any()),
    }
    told = {"fitted_q_confirmed": chosen, "fitted_q": fit.policy.choose(habits.cells, habits.eligible)}
    for name, arms in told.items():
        found[(protocol, name, "regret")] = most - value(habits, hot[arms], PERIODS, DISCOUNT)
    return found


def one_step(habits: Habits, log: Trajectories, seed: int) -> NDArray[np.int64]:
    """The guard on single periods as if they were customers: it sees this period's margin alone."""
    from holdfast.decide.guard import Guard

    reachable = log.eligible[:, :-1].all(axis=2)
    cost = np.array(habits.cost)
    outcome = log.reward + cost[log.arm]
    fit = Guard().fit(
        log.state[:, :-1][reachable], log.arm[reachable], outcome[reachable], log.propensity[reachable],
        arms=log.arms, cost=cost, seed=seed,
    )  # fmt: skip
    chosen = fit.choose(habits.cells)
    return np.where(habits.eligible[np.arange(len(chosen)), chosen], chosen, 0)


def off_policy(kind: str, seed: int, size: int) -> Found:
    """Value of a policy between the logged and the learnt one, and of the learnt one itself, from 4,000 customers' logs."""
    from holdfast.decide.learn.basis import Basis
    from holdfast.decide.sequential.iteration import FittedQ
    from holdfast.metrics import off_policy_sequential as estimators
    from holdfast.synth.choices.periods import logged, value

    habits = world_of(kind)
    learnt = FittedQ(seed=seed).fit(logged(habits, 1_000, PERIODS, RANDOM, seed=seed))
    log = logged(habits, 4_000, SHORT, RANDOM, seed=20_000 + seed)
    random = np.where(habits.eligible, np.array(RANDOM), 0.0)
    random /= random.sum(axis=1, keepdims=True)
    rule = learnt.propensities(habits.cells, habits.eligible)
    basis = Basis.of(log.state.reshape(-1, log.state.shape[2]), 4, True)
    found: Found = {}
    for name, part in (("a third learnt", 1 / 3), ("learnt", 1.0)):
        chances = part * learnt.along(log) + (1 - part) * _logged_chances(log)
        truth = value(habits, part * rule + (1 - part) * random, SHORT, DISCOUNT)
        said: dict[str, Any] = {
            "per_decision_ips": estimators.per_decision(log, chances, DISCOUNT),
            "weighted_ips": estimators.weighted_per_decision(log, chances, DISCOUNT),
            "fitted_q_evaluation": estimators.fitted_q(log, chances, basis, DISCOUNT, replicates=20, seed=seed),
            "doubly_robust": estimators.doubly_robust(log, chances, basis, DISCOUNT, seed=seed),
        }
        for estimator, one in said.items():
            found |= _judged(
                f"off-policy value of a policy that is {name}, {SHORT} periods, 4,000 logged", estimator, one, truth
            )
    return found


def _logged_chances(log: Trajectories) -> Floats:
    """The random policy's chances in all states, the last included."""
    chances = np.where(log.eligible, np.array(RANDOM), 0.0)
    return np.asarray(chances / chances.sum(axis=2, keepdims=True))


def _judged(protocol: str, estimator: str, one: Any, truth: float) -> Found:
    refused = isinstance(one, Undetermined)
    found: Found = {(protocol, estimator, "refused"): float(refused)}
    if not refused:
        found[(protocol, estimator, "bias")] = one.estimate - truth
        found[(protocol, estimator, "relative_error")] = abs(one.estimate - truth) / abs(truth)
        found[(protocol, estimator, "coverage")] = float(one.low <= truth <= one.high)
    return found
