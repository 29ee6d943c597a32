"""Exact values of sequential policies over `Habits`, the best of them, and logged trajectories."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from holdfast.core.trajectories import Trajectories
from holdfast.synth.choices.habits import STATE, Habits

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
#: What a policy is to the simulator: (states x d features, states x arms eligible) -> chances of arms, states x arms.
Rule = Callable[[Floats, NDArray[np.bool_]], Floats]


def ahead(habits: Habits, later: Floats) -> Floats:
    """States x arms: expected value of the next state, given the value of every state."""
    return np.column_stack([(chance * later[to]).sum(axis=0) for to, chance in habits.steps])


def values(habits: Habits, chances: Floats, periods: int, discount: float) -> Floats:
    """Value of every state (money over `periods`, discounted) when arms are drawn with the given chances."""
    later = np.zeros(len(habits.cells))
    for _ in range(periods):
        later = (chances * (habits.reward + discount * ahead(habits, later))).sum(axis=1)
    return later


def value(habits: Habits, rule: Rule | ArrayLike, periods: int, discount: float) -> float:
    """Exact expected money of a new customer under a policy that looks at the state alone.

    >>> habits = Habits()
    >>> never = np.eye(4)[np.zeros(6480, int)]
    >>> value(habits, never, 12, 0.95) < value(habits, best(habits, 12, 0.95)[0], 12, 0.95)
    True
    """
    chances = rule(habits.cells, habits.eligible) if callable(rule) else np.asarray(rule, np.float64)
    return float(habits.newcomers @ values(habits, chances, periods, discount))


def best(habits: Habits, periods: int, discount: float) -> tuple[Floats, float]:
    """The best policy for the first period (states x arms, one-hot) and the value of acting best in every period."""
    later = np.zeros(len(habits.cells))
    q = habits.reward
    for _ in range(periods):
        q = np.where(habits.eligible, habits.reward + discount * ahead(habits, later), -np.inf)
        later = q.max(axis=1)
    return np.eye(len(habits.arms))[q.argmax(axis=1)], float(habits.newcomers @ later)


def logged(habits: Habits, n: int, periods: int, share: ArrayLike, seed: int = 1) -> Trajectories:
    """n new customers under a random policy: arms drawn in the given shares among those eligible."""
    random = np.random.default_rng([seed, 5])
    k = len(habits.arms)
    chances = np.where(habits.eligible, np.asarray(share, np.float64), 0.0)
    chances /= chances.sum(axis=1, keepdims=True)
    return played(habits, chances, n, periods, random, k)


def played(
    habits: Habits, chances: Floats, n: int, periods: int, random: np.random.Generator, k: int = 4
) -> Trajectories:
    """n new customers whose arms are drawn with chances (states x arms)."""
    cell = random.choice(len(habits.cells), n, p=habits.newcomers)
    cells = np.empty((n, periods + 1), np.int64)
    arms, rewards = np.empty((n, periods), np.int64), np.empty((n, periods))
    for at in range(periods):
        cells[:, at] = cell
        arms[:, at] = np.minimum((random.random((n, 1)) > chances[cell].cumsum(axis=1)).sum(axis=1), k - 1)
        cell, rewards[:, at] = _lived(habits, cell, arms[:, at], random)
    cells[:, periods] = cell
    return Trajectories(
        habits.arms, STATE, habits.cells[cells], habits.eligible[cells], arms, chances[cells[:, :-1]], rewards
    )


def _lived(habits: Habits, cell: Numbers, arm: Numbers, random: np.random.Generator) -> tuple[Numbers, Floats]:
    """One period: where each customer goes and what it brings. An order is drawn with its size, then the rest."""
    ordered = random.random(len(cell)) < habits.orders[cell, arm]
    luck = random.random(len(cell))
    size = random.lognormal(-(habits.spread**2) / 2, habits.spread, len(cell))
    margin = np.array(habits.margin)[habits.cells[cell, 1].astype(np.int64)] * size
    reward = ordered * margin * (1 - np.array(habits.discount))[arm] - np.array(habits.cost)[arm]
    to = np.empty_like(cell)
    for one in range(len(habits.arms)):
        for outcome in (True, False):
            rows = np.flatnonzero((arm == one) & (ordered == outcome))
            states, chance = habits.moves(one, outcome)
            branch = (luck[rows] > chance[:, cell[rows]].cumsum(axis=0)).sum(axis=0)
            to[rows] = states[np.minimum(branch, len(states) - 1), cell[rows]]
    return to, reward
