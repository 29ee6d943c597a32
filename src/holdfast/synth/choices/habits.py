"""Customers over periods: contacts tire, discounts spoil, silence deepens. Every transition is known.

A state is a cell of a lattice (6480 cells), so the value of any policy and the best policy are exact sums, no simulation.
Coordinates: what kind of customer (price sensitivity 0..2, richness 0..1), silence (periods since the last order, 0..8),
fatigue (0..4), habit of buying at a discount (0..3), engagement (0..2), reachable (0 after an unsubscription).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SIZES = {"sensitive": 3, "rich": 2, "silence": 9, "fatigue": 5, "habit": 4, "engaged": 3, "reachable": 2}
#: What a model may see of a state.
STATE: tuple[str, ...] = tuple(SIZES)


@dataclass(frozen=True)
class Habits:
    """How customers live through the periods. Arms: nothing, mail, coupon, call.

    `tiring`: how much contacts tire (0: not at all, a world in which the future does not care for what is done today, but
    for the orders). `spoiling`: how much coupons teach customers to wait for the next. `cost` and `discount` by arm.

    >>> Habits().cells.shape
    (6480, 7)
    """

    arms: tuple[str, ...] = ("nothing", "mail", "coupon", "call")
    cost: tuple[float, ...] = (0.0, 0.05, 0.1, 2.0)
    discount: tuple[float, ...] = (0.0, 0.0, 0.3, 0.0)
    margin: tuple[float, float] = (12.0, 30.0)
    spread: float = 0.5
    tiring: float = 1.0
    spoiling: float = 1.0
    working: float = 1.0

    @cached_property
    def cells(self) -> Floats:
        """States x 7: the coordinates of every state."""
        grids = np.meshgrid(*(np.arange(size, dtype=np.float64) for size in SIZES.values()), indexing="ij")
        return np.column_stack([one.ravel() for one in grids])

    @cached_property
    def eligible(self) -> NDArray[np.bool_]:
        """States x arms: who unsubscribed can still be called, not written to."""
        reachable = self.cells[:, 6] > 0
        return np.column_stack([np.ones_like(reachable), reachable, reachable, np.ones_like(reachable)])

    @cached_property
    def orders(self) -> Floats:
        """States x arms: P(order in the period)."""
        sensitive, _, silence, fatigue, habit, engaged, _ = self.cells.T
        rhythm = np.array([0.16, 0.26, 0.34, 0.30, 0.22, 0.15, 0.10, 0.06, 0.03])[silence.astype(np.int64)]
        base = rhythm * np.array([0.45, 0.8, 1.15])[engaged.astype(np.int64)]
        base = base * (1 - 0.12 * habit * self.spoiling)  # who is used to coupons waits for one
        tired = np.clip(fatigue * self.tiring, 0, 4)
        mail = np.interp(tired, [0, 1, 2, 3, 4], [0.09, 0.07, 0.02, -0.02, -0.05])
        coupon = (0.04 + 0.08 * sensitive) * np.interp(tired, [0, 2, 4], [1.0, 0.7, 0.2])
        call = np.where(silence >= 5, 0.16, 0.04) * np.where(tired >= 3, 0.2, 1.0)
        return np.asarray(
            np.clip(base[:, None] + self.working * np.column_stack([0 * base, mail, coupon, call]), 0.005, 0.9)
        )

    @cached_property
    def reward(self) -> Floats:
        """States x arms: expected margin of the period less the cost of the arm."""
        margin = np.array(self.margin)[self.cells[:, 1].astype(np.int64)]
        return np.asarray(self.orders * margin[:, None] * (1 - np.array(self.discount)) - np.array(self.cost))

    def moves(self, arm: int, ordered: bool) -> tuple[NDArray[np.int64], Floats]:
        """What follows an arm and an order (or none): next states and their chances, each branches x states."""
        sensitive, rich, silence, fatigue, habit, engaged, reachable = self.cells.T
        contact, coupon = arm > 0, arm == 2
        calm = np.zeros_like(silence)
        silence = calm if ordered else np.minimum(silence + 1, 8)
        step, tires = (2.0, 1.0) if arm == 3 else (1.0, 1.0) if contact else (-1.0, 0.6)
        spoils = 0.5 * self.spoiling if coupon and ordered else 0.0
        forgets = 0.0 if coupon else 0.15
        up = calm + (0.35 if ordered else 0.0)
        down = calm + (0.0 if ordered else 0.08 + 0.12 * (silence > 5))
        if contact:
            down = np.clip(down + 0.14 * self.tiring * np.clip(fatigue - 1, 0, None), 0, 1 - up)
        leaves = 0.03 * self.tiring * np.clip(fatigue - 1, 0, None) if arm in (1, 2) else calm
        changes = [
            (3, [(step, calm + tires), (0.0, calm + 1 - tires)]),
            (4, [(1.0, calm + spoils), (-1.0, calm + forgets), (0.0, calm + 1 - spoils - forgets)]),
            (5, [(1.0, up), (-1.0, down), (0.0, 1 - up - down)]),
            (6, [(-1.0, leaves), (0.0, 1 - leaves)]),
        ]
        branches = [(np.column_stack([sensitive, rich, silence, fatigue, habit, engaged, reachable]), calm + 1)]
        for at, options in changes:
            top = list(SIZES.values())[at] - 1
            branches = [
                (_moved(cells, at, by, top), chance * p) for cells, chance in branches for by, p in options if p.any()
            ]
        return np.stack([_index(cells) for cells, _ in branches]), np.stack([chance for _, chance in branches])

    @cached_property
    def steps(self) -> tuple[tuple[NDArray[np.int64], Floats], ...]:
        """For each arm: next states and chances over both outcomes, each branches x states."""
        found = []
        for arm in range(len(self.arms)):
            (bought, p), (not_bought, q) = self.moves(arm, True), self.moves(arm, False)
            order = self.orders[:, arm]
            found.append((np.concatenate([bought, not_bought]), np.concatenate([p * order, q * (1 - order)])))
        return tuple(found)

    @cached_property
    def newcomers(self) -> Floats:
        """Chance of each state at the start: rested and reachable, of all kinds, silences and engagements."""
        _, _, silence, fatigue, habit, engaged, reachable = self.cells.T
        weight = np.exp(-silence / 4) * (fatigue <= 1) * np.where(habit == 0, 1.0, 0.2) * (habit <= 1)
        weight = weight * np.array([0.3, 0.5, 0.2])[engaged.astype(np.int64)] * reachable
        return np.asarray(weight / weight.sum())


def _moved(cells: Floats, at: int, by: float, top: int) -> Floats:
    moved = cells.copy()
    moved[:, at] = np.clip(moved[:, at] + by, 0, top)
    return moved


def _index(cells: Floats) -> NDArray[np.int64]:
    return np.asarray(np.ravel_multi_index(tuple(cells.astype(np.int64).T), tuple(SIZES.values())), np.int64)
