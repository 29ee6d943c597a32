"""A world in which other customers respond from half way on: who notices?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from holdfast.bench.policy import Found
    from holdfast.decide.learn.policy import Learner

FIRST, ROUNDS, EACH = 10_000, 40, 1_000
FADING = 0.9
#: Rounds after the turn that count as "soon after" and "later".
SOON, LATER = range(21, 30), range(30, 40)


def turn(kind: str, seed: int, size: int) -> Found:
    """An experiment on 10,000 customers, then 40 rounds of 1,000; at the 21st the effects are drawn anew.

    Learners that forget (discount 0.9 a round), learners that do not, and a guard that is fitted once.
    """
    from holdfast.decide.guard import Guard
    from holdfast.decide.learn.linucb import LinUcb
    from holdfast.decide.learn.thompson import Thompson
    from holdfast.synth.choices.parameters import WORLDS
    from holdfast.synth.choices.world import customers

    world = WORLDS[kind].seeded(seed)
    rounds = [customers(world, EACH, seed * 1_000 + at, at / ROUNDS) for at in range(ROUNDS)]
    log = customers(world, FIRST, 500_000 + seed).experiment(seed=seed)
    cost = rounds[0].cost
    fit = Guard().fit(log.x, log.arm, log.outcome, log.propensity, arms=world.arms, cost=cost, seed=seed)
    found = told("guarded_once", [came.regret(fit.choose(came.x)) for came in rounds])
    rivals: dict[str, Learner] = {
        "thompson": Thompson(),
        "thompson_discounted": Thompson(discount=FADING),
        "linucb": LinUcb(),
        "linucb_discounted": LinUcb(discount=FADING),
    }
    for name, rival in rivals.items():
        state, regrets = rival.start(log.x, world.arms), []
        state = state.update(log.x, log.arm, log.outcome - cost[log.arm], log.propensity[np.arange(FIRST), log.arm])
        for at, came in enumerate(rounds):
            arm, chances = state.choose(came.x, seed=at)
            regrets.append(came.regret(chances))
            mine = chances[np.arange(EACH), arm]
            state = state.aged().update(came.x, arm, came.play(arm, seed * 1_000 + at) - cost[arm], mine)
        found |= told(name, regrets)
    return found


def told(name: str, regrets: list[float]) -> Found:
    """Mean regret per customer before the turn, in the ten rounds after it and in the ten after these."""
    parts = {"rounds 11 to 20, before the turn": range(10, 20), "rounds 22 to 30": SOON, "rounds 31 to 40": LATER}
    mean = {part: float(np.mean([regrets[at] for at in which])) for part, which in parts.items()}
    return {(f"{part}, 1,000 customers each", name, "regret"): value for part, value in mean.items()}
