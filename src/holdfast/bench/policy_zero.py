"""Worlds in which nothing has any effect: how often the guard is fooled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from holdfast.bench.policy import Found


def guard_alone(kind: str, seed: int, size: int) -> Found:
    """One world of its own per seed: does the guard deviate from the best uniform arm, and send anything that costs?

    `sends_nothing_costly`: nobody of the 5,000 fresh customers gets an arm with a cost. Beside it the naive T-learner.
    """
    from holdfast.bench.policy_rivals import naive
    from holdfast.decide.guard import Guard
    from holdfast.synth.choices.parameters import WORLDS
    from holdfast.synth.choices.world import customers

    world = WORLDS[kind].seeded(seed)
    log = customers(world, size, 10_000 + seed).experiment(seed=seed)
    fresh = customers(world, 5_000, 1_000_000 + seed)
    fit = Guard().fit(log.x, log.arm, log.outcome, log.propensity, arms=world.arms, cost=fresh.cost, seed=seed)
    protocol = f"no effect anywhere, {size:,} logged customers, one world a seed"
    found: Found = {(protocol, "guarded", "deviates"): float(fit.deviates)}
    for name, chosen in (("guarded", fit.choose(fresh.x)), ("naive_uplift", naive(log, fresh, seed))):
        found[(protocol, name, "sends_nothing_costly")] = float(not np.any(fresh.cost[chosen] > 0))
        found[(protocol, name, "regret")] = fresh.regret(chosen)
    return found
