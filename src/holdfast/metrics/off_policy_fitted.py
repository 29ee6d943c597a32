"""Fitted Q evaluation: what a sequential policy would bring, by a linear model of what follows what (Le, Voloshin & Yue 2019).

All values are money per customer from the first period on, discounted. It trusts its model: no interval knows of a wrong
one. Intervals come from customers resampled (Poisson counts), every step fitted again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import UsageError
from holdfast.core.results import Effect, Undetermined
from holdfast.core.trajectories import Trajectories

Floats = NDArray[np.float64]
#: A state's features -> columns of a linear model.
Design = Callable[[Floats], Floats]
#: An arm that the policy gives in more than `RARE` of the cases must have been logged so often, or evaluation is refused.
RARE, FEWEST_OF_ARM = 0.005, 50
LEVEL = 0.95


@dataclass(frozen=True)
class PolicyValues:
    """A linear Q of a policy for each number of periods to go: `theta` (periods + 1) x k x columns; with 0 to go all is 0."""

    design: Design
    theta: Floats

    def q(self, state: Floats, to_go: int) -> Floats:
        """Rows x k."""
        return np.asarray(self.design(state) @ self.theta[to_go].T)

    def v(self, state: Floats, chances: Floats, to_go: int) -> Floats:
        """Rows: value under the policy's chances (rows x k)."""
        return np.asarray((self.q(state, to_go) * chances).sum(axis=1))


class Transitions:
    """Trajectories in rows, their columns made once for many fits. All periods teach every step: how customers behave
    does not change with the calendar."""

    def __init__(self, logged: Trajectories, design: Design, discount: float, ridge: float = 1.0) -> None:
        d = logged.state.shape[2]
        self.logged, self.design, self._discount = logged, design, discount
        self._now = design(logged.state[:, :-1].reshape(-1, d))
        self._then = design(logged.state[:, 1:].reshape(-1, d))
        self._first = design(logged.state[:, 0])
        self._rows = [np.flatnonzero(logged.arm.ravel() == one) for one in range(len(logged.arms))]
        self._penalty = np.eye(self._now.shape[1]) * ridge

    def fits(self, policies: list[Floats], counts: Floats | None = None) -> list[PolicyValues]:
        """The values of several policies (chances n x (T+1) x k) that share the normal equations; `counts` by customer."""
        logged = self.logged
        n, periods = logged.arm.shape
        k, width = len(logged.arms), self._now.shape[1]
        for chances in policies:
            if np.shape(chances) != logged.eligible.shape:
                raise UsageError(f"chances of shape {np.shape(chances)}, where {logged.eligible.shape} are needed")
        weight = np.repeat(np.ones(n) if counts is None else counts, periods)
        weighted = [(self._now[at] * weight[at, None]).T for at in self._rows]
        solve = [np.linalg.inv(w @ self._now[at] + self._penalty) for w, at in zip(weighted, self._rows, strict=True)]
        reward, found = logged.reward.ravel(), []
        for chances in policies:
            follows = chances[:, 1:].reshape(-1, k)
            theta = np.zeros((periods + 1, k, width))
            for to_go in range(1, periods + 1):
                worth = reward + self._discount * ((self._then @ theta[to_go - 1].T) * follows).sum(axis=1)
                for one, at in enumerate(self._rows):
                    theta[to_go, one] = solve[one] @ (weighted[one] @ worth[at])
            found.append(PolicyValues(self.design, theta))
        return found

    def worths(self, policies: list[Floats], counts: Floats | None = None) -> Floats:
        """The value of each policy, averaged over the customers' first states."""
        each = zip(policies, self.fits(policies, counts), strict=True)
        first = [((self._first @ fit.theta[-1].T) * chances[:, 0]).sum(axis=1) for chances, fit in each]
        return np.array([np.average(one, weights=counts) for one in first])

    def resampled(self, policies: list[Floats], replicates: int, seed: int) -> Floats:
        """Replicates x policies: the same counts of customers for all policies of a replicate."""
        random = np.random.default_rng([seed, 8])
        n = len(self.logged)
        return np.stack([self.worths(policies, random.poisson(1.0, n).astype(np.float64)) for _ in range(replicates)])


def fitted_q(
    logged: Trajectories, chances: Floats, design: Design, discount: float, *, replicates: int = 30, seed: int = 1
) -> Effect | Undetermined:
    """Value of a policy, given by its chances in every logged state, the last included (n x (T+1) x k).

    Undetermined where an arm that it gives was hardly logged.
    """
    if (no := unlogged(logged, chances)) is not None:
        return no
    rows = Transitions(logged, design, discount)
    half = z_of(LEVEL) * float(rows.resampled([chances], replicates, seed)[:, 0].std(ddof=1))
    return said(float(rows.worths([chances])[0]), half, len(logged), "fitted Q evaluation")


def fitted_q_gain(
    logged: Trajectories, chances: Floats, others: list[Floats], design: Design, discount: float, *, replicates: int = 30, seed: int = 1
) -> list[tuple[float, float]]:  # fmt: skip
    """What a policy brings more than each of the others: (difference, standard error), replicates paired."""
    rows = Transitions(logged, design, discount)
    policies = [chances, *others]
    worth, drawn = rows.worths(policies), rows.resampled(policies, replicates, seed)
    return [
        (float(worth[0] - worth[at]), float((drawn[:, 0] - drawn[:, at]).std(ddof=1))) for at in range(1, len(policies))
    ]


def unlogged(logged: Trajectories, chances: Floats) -> Undetermined | None:
    """Why the log cannot tell: an arm of the policy is missing in it."""
    wanted = chances.reshape(-1, len(logged.arms)).mean(axis=0) if len(logged) else np.zeros(len(logged.arms))
    seen = np.bincount(logged.arm.ravel(), minlength=len(logged.arms))
    for name, share, count in zip(logged.arms, wanted, seen, strict=True):
        if share > RARE and count < FEWEST_OF_ARM:
            return Undetermined(
                f"the policy gives `{name}` in {share:.0%} of the cases, and it was logged {count} times"
            )
    return None if len(logged) else Undetermined("no trajectories were logged")


def z_of(level: float) -> float:
    """Standard errors on each side of a two-sided interval."""
    return NormalDist().inv_cdf((1 + level) / 2)


def said(estimate: float, half: float, n: int, method: str) -> Effect:
    """The value of a policy as an effect."""
    return Effect(
        "value of the policy per customer over the horizon", estimate, estimate - half, estimate + half,
        n=n, method=method, unit="money", level=LEVEL,
    )  # fmt: skip
