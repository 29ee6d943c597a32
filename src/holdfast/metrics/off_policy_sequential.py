"""What a sequential policy would bring, from trajectories of another: per-decision weighting, fitted Q evaluation, both.

All values are money per customer from the first period on, discounted by `discount` a period. An answer that rests on too
few customers is `Undetermined`: long horizons under a policy unlike the logged one leave almost no weight to anybody.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import UsageError
from holdfast.core.results import Effect, Undetermined
from holdfast.core.trajectories import Trajectories
from holdfast.metrics.off_policy_fitted import LEVEL, Design, Transitions, fitted_q, said, unlogged, z_of

__all__ = ["doubly_robust", "effective_size", "fitted_q", "per_decision", "ratios", "weighted_per_decision"]

Floats = NDArray[np.float64]
#: Below this effective number of customers in any period, weighting is refused.
FEWEST_EFFECTIVE = 100.0


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


def doubly_robust(
    logged: Trajectories, chances: Floats, design: Design, discount: float, *, seed: int = 1
) -> Effect | Undetermined:
    """Doubly robust (Jiang & Li 2016) with weights that add to 1 in each period (Thomas & Brunskill 2016).

    The Q of each half of the customers is fitted on the other half. Right if either the model or the weights are, and
    refused where the weights are worth too few customers.
    """
    if (no := _refused(weights := ratios(logged, chances)) or unlogged(logged, chances)) is not None:
        return no
    n, periods = logged.arm.shape
    side = np.random.default_rng([seed, 9]).permutation(n) % 2
    q, v = np.zeros((n, periods)), np.zeros((n, periods))
    for one in range(2):
        learn, tell = np.flatnonzero(side != one), np.flatnonzero(side == one)
        fit = Transitions(logged.take(learn), design, discount).fits([chances[learn]])[0]
        for at in range(periods):
            told = fit.q(logged.state[tell, at], periods - at)
            q[tell, at] = np.take_along_axis(told, logged.arm[tell, at, None], axis=1)[:, 0]
            v[tell, at] = (told * chances[tell, at]).sum(axis=1)
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


def _effect(worth: Floats, method: str) -> Effect:
    """Mean over customers with its normal interval."""
    half = z_of(LEVEL) * float(worth.std(ddof=1)) / len(worth) ** 0.5
    return said(float(worth.mean()), half, len(worth), method)
