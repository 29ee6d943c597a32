"""Whom a campaign contacts: anybody with the arms' own propensities, or rather those whom the shop thinks at risk.

The shop's own risk score is the one that every shop has: days since the last order. It is known to the shop and it is
logged, so a targeted world is confounded, but never beyond what was known.
"""

from __future__ import annotations

import numpy as np

from holdfast.synth.parameters import World
from holdfast.synth.people import Floats, Ints

#: Chance of any contact, of the freshest customer and of the longest silent one.
LEAST, MOST = 0.05, 0.85


def propensities(world: World, last: Ints, day: int) -> Floats:
    """P(arm) of each customer in the campaign of `day`, customers x arms; rows add to 1. `last`: day of the last order.

    Under `target="risk"` the chance of any contact grows with the days since the last order, half-way at
    `target_days`; the arms that contact share it in proportion to their own propensities.

    >>> propensities(World(), np.array([100, 10]), 101)[:, 0].tolist()
    [0.4, 0.4]
    >>> propensities(World(target="risk"), np.array([100, 10]), 101)[:, 0].round(2).tolist()
    [0.89, 0.21]
    """
    own = np.array([arm.propensity for arm in world.arms])
    if world.target == "random":
        return np.broadcast_to(own, (len(last), len(own)))
    late = (day - last - world.target_days) / (0.4 * world.target_days)
    contact = LEAST + (MOST - LEAST) * 0.5 * (1 + np.tanh(0.5 * late))
    shares = own[1:] / own[1:].sum()
    return np.column_stack([1 - contact, contact[:, None] * shares])
