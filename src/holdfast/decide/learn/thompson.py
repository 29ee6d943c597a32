"""Thompson sampling: an arm is drawn as often as it is likely to be the best one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import UsageError
from holdfast.decide.learn.policy import Learner, learner

Floats = NDArray[np.float64]


@learner("thompson")
@dataclass(frozen=True)
class Thompson(Learner):
    """Linear Thompson sampling (Agrawal & Goyal 2013), a Gaussian posterior for each arm.

    The share of `draws` of the coefficients (fixed by the seed) in which an arm is best is its chance, and arms are drawn
    with just that chance: what is logged is exact, not an estimate of it. `boldness` multiplies the posterior's spread.

    >>> state = Thompson(tolerance=None).start(np.random.default_rng(1).normal(size=(50, 2)), ("nothing", "mail"))
    >>> state.propensities(np.zeros((1, 2))).sum()
    np.float64(1.0)
    """

    name: ClassVar[str] = "thompson"
    draws: int = 200
    boldness: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.draws < 1 or self.boldness < 0:
            raise UsageError("draws is at least 1, boldness at least 0", where=self.name)

    def shares(self, design: Floats, eligible: NDArray[np.bool_], posterior: tuple[Floats, Floats, float]) -> Floats:
        theta, inverse, noise = posterior
        k, d = theta.shape
        luck = np.random.default_rng([self.seed, 6]).normal(size=(k, d, self.draws))
        root = np.linalg.cholesky(inverse + np.eye(d) * 1e-12)
        drawn = theta[..., None] + self.boldness * np.sqrt(noise) * (root @ luck)
        found = np.zeros((len(design), k))
        for start in range(0, len(design), 4096):
            rows = slice(start, start + 4096)
            seen = np.stack([design[rows] @ drawn[one] for one in range(k)])  # k x rows x draws
            best = np.where(eligible[rows].T[..., None], seen, -np.inf).argmax(axis=0)
            found[rows] = np.stack([(best == one).mean(axis=1) for one in range(k)], axis=1)
        return found
