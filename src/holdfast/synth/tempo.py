"""What is the same for everybody on a day: season, weekday, promotions, campaign days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from holdfast.synth.parameters import World

#: Promotions by (month, day) of their first day, and their length in days.
PROMOTIONS = ((1, 8, 7), (3, 18, 5), (6, 10, 7), (9, 16, 5), (11, 24, 6))
HOLIDAYS = ((1, 1), (5, 1), (10, 3), (12, 25), (12, 26))
_WEEKDAY = np.array([1.0, 0.95, 0.95, 1.0, 1.1, 1.15, 0.85])
_CAMPAIGN_FROM = 90


@dataclass(frozen=True, eq=False)
class Tempo:
    """Per day of the world, and some days beyond it so that a truth near the end can still look ahead."""

    pace: NDArray[np.float64]  # multiplies every chance of an order
    promotion: NDArray[np.bool_]
    holiday: NDArray[np.bool_]
    campaign: NDArray[np.int64]  # number of the campaign that starts on the day, -1 for none
    month: NDArray[np.int64]


def tempo(world: World, beyond: int = 400) -> Tempo:
    """The calendar of a world, from its parameters alone.

    >>> tempo(World()).campaign[90]
    np.int64(0)
    """
    days = [world.start + timedelta(days=i) for i in range(world.days + beyond)]
    phase = np.array([day.timetuple().tm_yday for day in days]) / 365.25
    yearly = world.season * np.cos(2 * np.pi * (phase - 0.92)) + 0.4 * world.season * np.cos(4 * np.pi * (phase - 0.42))
    weekday = _WEEKDAY[[day.weekday() for day in days]]
    number = np.arange(len(days))
    running = number - _CAMPAIGN_FROM
    starts = (running >= 0) & (running % world.campaign_every == 0)
    return Tempo(
        pace=np.exp(yearly) * weekday,
        promotion=np.array([_promoted(day.month, day.day) for day in days]),
        holiday=np.array([(day.month, day.day) in HOLIDAYS for day in days]),
        campaign=np.where(starts, running // world.campaign_every, -1),
        month=np.array([day.month for day in days]),
    )


def _promoted(month: int, day: int) -> bool:
    return any(month == m and first <= day < first + length for m, first, length in PROMOTIONS)
