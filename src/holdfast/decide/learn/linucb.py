"""LinUCB: the arm that could be the best one, as far as is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.decide.learn.policy import Learner, learner

Floats = NDArray[np.float64]


@learner("linucb")
@dataclass(frozen=True)
class LinUcb(Learner):
    """Disjoint LinUCB (Li et al. 2010); with `discount` below 1 as in Russac et al. (2019).

    Each customer gets the eligible arm with the highest mean + `alpha` standard errors, the epsilon apart: exact chances.

    >>> state = LinUcb(tolerance=None).start(np.random.default_rng(1).normal(size=(50, 2)), ("nothing", "mail"))
    >>> state.propensities(np.zeros((1, 2))).max().round(3)
    np.float64(0.99)
    """

    name: ClassVar[str] = "linucb"
    alpha: float = 1.0

    def shares(self, design: Floats, eligible: NDArray[np.bool_], posterior: tuple[Floats, Floats, float]) -> Floats:
        theta, inverse, noise = posterior
        spread = np.einsum("ni,kij,nj->nk", design, inverse, design, optimize=True)
        upper = design @ theta.T + self.alpha * np.sqrt(noise * np.maximum(spread, 0.0))
        return np.asarray(np.eye(len(theta))[np.where(eligible, upper, -np.inf).argmax(axis=1)])
