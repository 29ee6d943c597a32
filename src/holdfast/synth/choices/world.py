"""Customers with what every arm would bring them, and experiments on them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from holdfast.core.errors import UsageError
from holdfast.synth.choices.parameters import ChoiceWorld
from holdfast.synth.choices.people import features, levels
from holdfast.synth.choices.response import Nature, Response

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Experiment:
    """What a shop would have in its log: features, the arm drawn, its outcome (margin before the cost of the arm)."""

    x: Floats
    arm: Numbers
    outcome: Floats
    propensity: Floats

    def __len__(self) -> int:
        return len(self.arm)


@dataclass(frozen=True)
class Customers:
    """The truth about n customers: `x` n x 10 features, `p` n x arms P(order), `mean` n x arms expected margin.

    Money in currency units, before the cost of the arm; `cost` by arm.
    """

    world: ChoiceWorld
    x: Floats
    p: Floats
    mean: Floats

    def __len__(self) -> int:
        return len(self.x)

    @property
    def cost(self) -> Floats:
        return np.array(self.world.cost)

    @cached_property
    def gain(self) -> Floats:
        """n x arms: expected profit of the arm over doing nothing, net of its cost. Column 0 is 0."""
        return self.mean - self.mean[:, :1] - self.cost

    @property
    def risk(self) -> Floats:
        """P(no order) if nothing is done."""
        return 1 - self.p[:, 0]

    @cached_property
    def oracle(self) -> Numbers:
        """The best arm for each; ties go to the earlier arm."""
        return np.asarray(self.gain.argmax(axis=1), np.int64)

    @cached_property
    def best_uniform(self) -> int:
        """The arm that is best when everybody gets the same."""
        return int(self.gain.mean(axis=0).argmax())

    def value(self, policy: ArrayLike) -> float:
        """Exact mean gain over `nothing` per customer, of arms (n) or of chances of arms (n x arms)."""
        chosen = np.asarray(policy)
        if chosen.ndim == 2:
            return float((self.gain * chosen).sum(axis=1).mean())
        if chosen.shape != (len(self),):
            raise UsageError(f"{chosen.shape} decisions for {len(self)} customers")
        return float(self.gain[np.arange(len(self)), chosen].mean())

    def regret(self, policy: ArrayLike) -> float:
        """What the policy leaves on the table, per customer: the oracle's value less its own; never below 0."""
        return self.value(self.oracle) - self.value(policy)

    def share(self, policy: ArrayLike) -> float:
        """The policy's part of what the oracle gains over the best uniform arm; NaN where that is nothing."""
        uniform = float(self.gain[:, self.best_uniform].mean())
        more = self.value(self.oracle) - uniform
        return (self.value(policy) - uniform) / more if more > 1e-12 else float("nan")

    def outcomes(self, seed: int) -> Floats:
        """n x arms potential outcomes, drawn with the same luck in every arm: who orders anyway, orders anyway."""
        random = np.random.default_rng([seed, 3])
        luck = random.random((len(self), 1))
        size = self.mean / np.maximum(self.p, 1e-12)
        wobble = random.lognormal(-(self.world.spread**2) / 2, self.world.spread, (len(self), 1))
        return np.asarray(np.where(luck < self.p, size * wobble, 0.0))

    def play(self, arm: Numbers, seed: int) -> Floats:
        """What the given arms bring, before their cost."""
        return np.asarray(self.outcomes(seed)[np.arange(len(self)), arm])

    def experiment(self, propensity: ArrayLike | None = None, seed: int = 1) -> Experiment:
        """Arms drawn with the given chances (by arm, or n x arms; None: all equal) and what they brought."""
        k = len(self.world.arms)
        given = np.full(k, 1 / k) if propensity is None else np.asarray(propensity, np.float64)
        chances = np.broadcast_to(given, (len(self), k)).astype(np.float64)
        if abs(chances.sum(axis=1) - 1).max() > 1e-9 or (chances < 0).any():
            raise UsageError("the chances of the arms must be at least 0 and add to 1")
        drawn = (np.random.default_rng([seed, 2]).random((len(self), 1)) > chances.cumsum(axis=1)).sum(axis=1)
        arm = np.minimum(drawn, k - 1).astype(np.int64)
        return Experiment(self.x, arm, self.play(arm, seed), chances)


def customers(world: ChoiceWorld, n: int, seed: int = 1, at: float = 0.0) -> Customers:
    """n customers of the world at time `at` (0 to 1). The seed draws customers; the world's seed draws its effects.

    >>> some = customers(ChoiceWorld(benefit=0.0, harm=0.0, discount=(0.0,) * 4), 100)
    >>> some.value(some.oracle), round(some.regret(np.full(100, 1)), 12)
    (0.0, 0.1)
    """
    u = levels(n, np.random.default_rng([seed, 1]))
    nature = Nature.of(np.random.default_rng([world.seed, 11]))
    turned = world.turns_at is not None and at >= world.turns_at
    random = np.random.default_rng([world.seed, 13 if turned else 12])
    ordering, margin = nature.orders(u), nature.margins(u, world.margin)
    p = np.column_stack([ordering] * len(world.arms))
    for one in range(1, len(world.arms)):
        response = Response.of(random, world.base[one], world.benefit, world.harm)(u)
        p[:, one] += np.where(response > 0, response * (1 - ordering), response * ordering)
    mean = p * margin[:, None] * (1 - np.array(world.discount))
    return Customers(world, features(u), p, mean)
