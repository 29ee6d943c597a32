"""A world in which other customers respond from half way on: who notices?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from holdfast.bench.policy import Found

ROUNDS, EACH = 40, 1_000
#: Rounds after the turn that count as "soon after" and "later".
SOON, LATER = range(21, 30), range(30, 40)


def turn(kind: str, seed: int, size: int) -> Found:
    """40 rounds of 1,000 customers; at the 21st the effects are drawn anew. Learners that fade, that do not, and a guard
    fitted once on the first half."""
    from holdfast.decide.learn.linucb import LinUcb
    from holdfast.decide.learn.thompson import Thompson
    from holdfast.synth.choices.parameters import WORLDS
    from holdfast.synth.choices.world import customers

    world = WORLDS[kind].seeded(seed)
    rivals = {
        "thompson": Thompson(),
        "thompson_discounted": Thompson(discount=0.85),
        "linucb": LinUcb(),
        "linucb_discounted": LinUcb(discount=0.85),
    }
    rounds = [customers(world, EACH, seed * 1_000 + at, at / ROUNDS) for at in range(ROUNDS)]
    found: Found = {}
    for name, rival in rivals.items():
        state, regrets = rival.start(rounds[0].x, world.arms), []
        for at, came in enumerate(rounds):
            arm, chances = state.choose(came.x, seed=at)
            regrets.append(came.regret(chances))
            mine = chances[np.arange(EACH), arm]
            state = state.aged().update(came.x, arm, came.play(arm, seed * 1_000 + at) - came.cost[arm], mine)
        found |= told(name, regrets)
    return found | told("guarded_once", guarded_once(kind, seed, rounds))


def told(name: str, regrets: list[float]) -> Found:
    """Mean regret per customer before the turn, in the ten rounds after it and in the ten after these."""
    parts = {"rounds 11 to 20, before the turn": range(10, 20), "rounds 22 to 30": SOON, "rounds 31 to 40": LATER}
    return {(f"{part}, 1,000 customers each", name, "regret"): float(np.mean([regrets[at] for at in which])) for part, which in parts.items()}  # fmt: skip


def guarded_once(kind: str, seed: int, rounds: list) -> list[float]:  # type: ignore[type-arg]
    """A guard that learnt from an experiment on 10,000 customers before the turn and is never fitted again."""
    from holdfast.decide.guard import Guard
    from holdfast.synth.choices.parameters import WORLDS
    from holdfast.synth.choices.world import customers

    world = WORLDS[kind].seeded(seed)
    log = customers(world, 10_000, 500_000 + seed).experiment(seed=seed)
    fit = Guard().fit(log.x, log.arm, log.outcome, log.propensity, arms=world.arms, cost=rounds[0].cost, seed=seed)
    return [came.regret(fit.choose(came.x)) for came in rounds]
