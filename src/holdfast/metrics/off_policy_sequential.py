"""What a sequential policy would bring, from trajectories of another: per-decision weighting, fitted Q evaluation, both.

All values are money per customer from the first period on, discounted by `discount` a period. An answer that rests on too
few customers is `Undetermined`: long horizons under a policy unlike the logged one leave almost no weight to anybody.
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
#: Below this effective number of customers in any period, weighting is refused.
FEWEST_EFFECTIVE = 100.0
#: An arm that the policy gives in more than `RARE` of the cases must have been logged so often, or evaluation is refused.
RARE, FEWEST_OF_ARM = 0.005, 50
LEVEL = 0.95


def ratios(logged: Trajectories, chances: Floats) -> Floats:
    """n x T products, up to each period, of the policy's chance of what was done over the logged one.

    `chances`: n x T x k (or T + 1), of the policy to be valued, in the logged states. Raises UsageError if they do not
    add to 1.
    """
    target = np.asarray(chances, np.float64)[:, : logged.periods]
    if target.shape != logged.propensity.shape:
        raise UsageError(f"chances of shape {np.shape(chances)} for trajectories of {logged.propensity.shape}")
    if target.size and (abs(target.sum(axis=2) - 1).max() > 1e-6 or target.min() < 0):
        raise UsageError("the chances of a policy must be at least 0 and add to 1 over all arms")
    mine = np.take_along_axis(target, logged.arm[..., None], axis=2)[..., 0]
    return np.asarray(np.cumprod(mine / logged.chosen_propensity, axis=1))


def effective_size(weights: Floats) -> Floats:
    """For each period, of how many equally weighted customers the weights (n x T) are worth: (sum w)^2 / sum w^2.

    >>> effective_size(np.array([[1.0, 3.0], [1.0, 0.0]])).tolist()
    [2.0, 1.0]
    """
    squares = (weights**2).sum(axis=0)
    return np.asarray(weights.sum(axis=0) ** 2 / np.where(squares > 0, squares, 1.0))


def per_decision(logged: Trajectories, chances: Floats, discount: float) -> Effect | Undetermined:
    """Per-decision importance sampling (Precup, Sutton & Singh 2000): unbiased, and wild."""
    weights = ratios(logged, chances)
    if (no := _refused(weights)) is not None:
        return no
    worth = (weights * logged.reward * _fading(logged, discount)).sum(axis=1)
    return _effect(worth, "per-decision importance sampling")


def weighted_per_decision(logged: Trajectories, chances: Floats, discount: float) -> Effect | Undetermined:
    """The same with weights that add to 1 in each period: a little biased, much calmer; interval by linearisation."""
    weights = ratios(logged, chances)
    if (no := _refused(weights)) is not None:
        return no
    share = len(logged) * weights / weights.sum(axis=0)
    fading = _fading(logged, discount)
    mean = (share * logged.reward).mean(axis=0)
    influence = (share * (logged.reward - mean) * fading).sum(axis=1)
    return _effect(influence + float((mean * fading).sum()), "weighted per-decision importance sampling")


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


def fit_values(
    logged: Trajectories,
    chances: Floats,
    design: Design,
    discount: float,
    *,
    ridge: float = 1.0,
    counts: Floats | None = None,
) -> PolicyValues:
    """Fitted Q evaluation (Le, Voloshin & Yue 2019), linear: with h periods to go, reward + discount x value with h - 1.

    `chances` n x (T+1) x k of the policy in all states, the last included; `counts` weighs customers (a bootstrap). All
    periods teach every step: how customers behave does not change with the calendar.
    """
    n, periods = logged.arm.shape
    d = logged.state.shape[2]
    if np.shape(chances) != logged.eligible.shape:
        raise UsageError(f"chances of shape {np.shape(chances)}, where {logged.eligible.shape} are needed: all states")
    now, then = design(logged.state[:, :-1].reshape(-1, d)), design(logged.state[:, 1:].reshape(-1, d))
    arm, reward = logged.arm.ravel(), logged.reward.ravel()
    next_chances = chances[:, 1:].reshape(-1, len(logged.arms))
    weight = np.repeat(np.ones(n) if counts is None else counts, periods)
    k, width = len(logged.arms), now.shape[1]
    rows = [np.flatnonzero(arm == one) for one in range(k)]
    penalty = np.eye(width) * ridge
    solve = [np.linalg.inv((now[at] * weight[at, None]).T @ now[at] + penalty) for at in rows]
    theta = np.zeros((periods + 1, k, width))
    for to_go in range(1, periods + 1):
        worth = reward + discount * ((then @ theta[to_go - 1].T) * next_chances).sum(axis=1)
        for one, at in enumerate(rows):
            theta[to_go, one] = solve[one] @ (now[at].T @ (weight[at] * worth[at]))
    return PolicyValues(design, theta)


def fitted_q(
    logged: Trajectories, chances: Floats, design: Design, discount: float, *, replicates: int = 30, seed: int = 1
) -> Effect | Undetermined:
    """Value by fitted Q evaluation; interval from customers resampled (Poisson counts), every step fitted again.

    It trusts the model: no interval knows of a wrong one. Compare it with `doubly_robust` where that answers.
    """
    if (no := _unlogged(logged, chances)) is not None:
        return no

    def worth(counts: Floats | None) -> float:
        fit = fit_values(logged, chances, design, discount, counts=counts)
        first = fit.v(logged.state[:, 0], chances[:, 0], logged.periods)
        return float(np.average(first, weights=counts))

    random = np.random.default_rng([seed, 8])
    drawn = [worth(random.poisson(1.0, len(logged)).astype(np.float64)) for _ in range(replicates)]
    half = _z() * float(np.std(drawn, ddof=1))
    estimate = worth(None)
    return _said(estimate, half, len(logged), "fitted Q evaluation")


def doubly_robust(
    logged: Trajectories, chances: Floats, design: Design, discount: float, *, seed: int = 1
) -> Effect | Undetermined:
    """Doubly robust (Jiang & Li 2016) with weights that add to 1 in each period (Thomas & Brunskill 2016).

    The Q of each half of the customers is fitted on the other half. Right if either the model or the weights are, and
    refused where the weights are worth too few customers.
    """
    if (no := _refused(weights := ratios(logged, chances)) or _unlogged(logged, chances)) is not None:
        return no
    n, periods = logged.arm.shape
    side = np.random.default_rng([seed, 9]).permutation(n) % 2
    q, v = np.zeros((n, periods)), np.zeros((n, periods))
    for one in range(2):
        learn, tell = np.flatnonzero(side != one), np.flatnonzero(side == one)
        fit = fit_values(logged.take(learn), chances[learn], design, discount)
        for at in range(periods):
            said = fit.q(logged.state[tell, at], periods - at)
            q[tell, at] = np.take_along_axis(said, logged.arm[tell, at, None], axis=1)[:, 0]
            v[tell, at] = (said * chances[tell, at]).sum(axis=1)
    share = n * weights / weights.sum(axis=0)
    before = np.column_stack([np.ones(n), share[:, :-1]])
    worth = ((share * (logged.reward - q) + before * v) * _fading(logged, discount)).sum(axis=1)
    return _effect(worth, "weighted doubly robust")


def _fading(logged: Trajectories, discount: float) -> Floats:
    if not 0 <= discount <= 1:
        raise UsageError(f"a discount of {discount}", remedy="between 0 and 1: what money is worth one period later")
    return np.asarray(discount ** np.arange(logged.periods, dtype=np.float64))


def _refused(weights: Floats) -> Undetermined | None:
    size = effective_size(weights)
    least = int(size.argmin()) if len(weights) else 0
    if len(weights) and size[least] >= FEWEST_EFFECTIVE:
        return None
    worth = f"{size[least]:.0f}" if len(weights) else "0"
    return Undetermined(
        f"the policy is too unlike the logged one: in period {least + 1} the weights of {len(weights):,} customers are worth "
        f"{worth}, and {FEWEST_EFFECTIVE:.0f} are needed; shorten the horizon or log more"
    )


def _unlogged(logged: Trajectories, chances: Floats) -> Undetermined | None:
    wanted = chances.reshape(-1, len(logged.arms)).mean(axis=0) if len(logged) else np.zeros(len(logged.arms))
    seen = np.bincount(logged.arm.ravel(), minlength=len(logged.arms))
    for name, share, count in zip(logged.arms, wanted, seen, strict=True):
        if share > RARE and count < FEWEST_OF_ARM:
            return Undetermined(
                f"the policy gives `{name}` in {share:.0%} of the cases, and it was logged {count} times"
            )
    return None if len(logged) else Undetermined("no trajectories were logged")


def _z() -> float:
    return NormalDist().inv_cdf((1 + LEVEL) / 2)


def _effect(worth: Floats, method: str) -> Effect:
    """Mean over customers with its normal interval."""
    half = _z() * float(worth.std(ddof=1)) / len(worth) ** 0.5
    return _said(float(worth.mean()), half, len(worth), method)


def _said(estimate: float, half: float, n: int, method: str) -> Effect:
    return Effect(
        "value of the policy per customer over the horizon", estimate, estimate - half, estimate + half,
        n=n, method=method, unit="money", level=LEVEL,
    )  # fmt: skip
