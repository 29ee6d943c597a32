"""The guard of sequential policies: learnt on one half of the customers, confirmed on the other, or not used."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.core.trajectories import Trajectories
from holdfast.decide.learn.basis import Basis
from holdfast.decide.sequential.iteration import FittedQ, SequentialPolicy
from holdfast.metrics.off_policy_fitted import fitted_q_gain, z_of

Floats = NDArray[np.float64]
#: One-sided.
LEVEL = 0.95


@dataclass(frozen=True)
class Confirmed:
    """Whether a sequential policy may be used. `arm`: what everybody gets (where eligible) if not.

    `gain`: what the policy brings more than that, per customer over the logged periods, by fitted Q evaluation on
    customers that it was not learnt from; `low` its one-sided 95% bound. `policy` is learnt from all customers.
    """

    policy: SequentialPolicy
    arm: int
    gain: float
    low: float

    @property
    def deviates(self) -> bool:
        """Whether the learnt policy was confirmed."""
        return self.low > 0

    def choose(self, state: Floats, eligible: NDArray[np.bool_]) -> NDArray[np.int64]:
        """An arm for each row."""
        if self.deviates:
            return self.policy.choose(state, eligible)
        return np.where(eligible[:, self.arm], self.arm, 0).astype(np.int64)


def confirm(settings: FittedQ, logged: Trajectories, *, replicates: int = 20) -> Confirmed:
    """Learn, and compare with giving everybody one arm always.

    Each half of the customers confirms what the other taught; the two gains are averaged and the larger standard error
    stands for both, as if they were one. The uniform arm is the best of those that beat `nothing` by their own lower
    bound (Bonferroni), or `nothing`. The evaluation trusts a linear model of what follows what. Raises TooLittleData.
    """
    side = np.random.default_rng([settings.seed, 10]).permutation(len(logged)) % 2
    halves = [np.flatnonzero(side == one) for one in range(2)]
    basis = Basis.of(logged.state.reshape(-1, logged.state.shape[2]), settings.knots)
    arms = range(len(logged.arms))
    gains, errors = np.zeros((2, len(arms))), np.zeros((2, len(arms)))
    uniform, doubt = np.zeros((2, len(arms))), np.zeros((2, len(arms)))
    for at in range(2):
        policy, other = settings.fit(logged.take(halves[at])), logged.take(halves[1 - at])
        shares = np.eye(len(arms))[_greedy(policy, other)]
        always = [np.eye(len(arms))[np.where(other.eligible[..., one], one, 0)] for one in arms]
        told = fitted_q_gain(other, shares, always, basis, settings.discount, replicates=replicates, seed=settings.seed)
        gains[at], errors[at] = np.array(told).T
        told = fitted_q_gain(
            other, always[0], always[1:], basis, settings.discount, replicates=replicates, seed=settings.seed
        )
        uniform[at, 1:], doubt[at, 1:] = -np.array(told)[:, 0], np.array(told)[:, 1]
    z, strict = z_of(2 * LEVEL - 1), z_of(1 - 2 * (1 - LEVEL) / max(len(arms) - 1, 1))
    proved = uniform.mean(axis=0) - strict * doubt.max(axis=0)
    arm = int(np.where(proved > 0, uniform.mean(axis=0), np.where(np.arange(len(arms)) == 0, 0.0, -np.inf)).argmax())
    gain = float(gains[:, arm].mean())
    return Confirmed(settings.fit(logged), arm, gain, gain - z * float(errors[:, arm].max()))


def _greedy(policy: SequentialPolicy, logged: Trajectories) -> NDArray[np.int64]:
    """The policy's arm in every state of the log: n x (T+1)."""
    n, steps, d = logged.state.shape
    flat = policy.choose(logged.state.reshape(-1, d), logged.eligible.reshape(n * steps, -1))
    return flat.reshape(n, steps)
