"""All that a linear policy remembers: sums, so that batches may come in any order and shops may be merged."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Statistics:
    """Sums by arm (k arms, d columns of the basis). They hold no customers.

    `gram` k x d x d of z z', `moment` k x d of z r, `square` k of r^2, `count` k. `weighted`: k x 5 sums of w, w r, w^2,
    w^2 r, w^2 r^2 with w = 1 / propensity, from which the value of giving everybody one arm is estimated without a model.
    """

    gram: Floats
    moment: Floats
    square: Floats
    count: Floats
    weighted: Floats

    @classmethod
    def empty(cls, arms: int, width: int) -> Statistics:
        """Nothing seen yet.

        >>> Statistics.empty(2, 3).count
        array([0., 0.])
        """
        k, d = arms, width
        return cls(np.zeros((k, d, d)), np.zeros((k, d)), np.zeros(k), np.zeros(k), np.zeros((k, 5)))

    @classmethod
    def of(cls, z: Floats, arm: Numbers, reward: Floats, propensity: Floats, arms: int) -> Statistics:
        """Of one batch: rows of the basis, arm given, reward net of cost, chance of the arm given."""
        rows = [np.flatnonzero(arm == one) for one in range(arms)]
        w = 1 / propensity
        sums = np.column_stack([w, w * reward, w**2, w**2 * reward, w**2 * reward**2])
        return cls(
            np.stack([z[at].T @ z[at] for at in rows]),
            np.stack([z[at].T @ reward[at] for at in rows]),
            np.array([float(reward[at] @ reward[at]) for at in rows]),
            np.array([float(len(at)) for at in rows]),
            np.stack([sums[at].sum(axis=0) for at in rows]),
        )

    def __add__(self, other: Statistics) -> Statistics:
        return Statistics(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    def aged(self, by: float) -> Statistics:
        """The same, counting `by` (0 to 1) as much."""
        return Statistics(*(getattr(self, one.name) * by for one in fields(self)))

    def uniform(self) -> tuple[Floats, Floats]:
        """Mean reward of giving everybody each arm and its standard error (Hajek); (NaN, inf) of an arm never given."""
        w, wr, w2, w2r, w2r2 = self.weighted.T
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = wr / w
            error = np.sqrt(np.maximum(w2r2 - 2 * mean * w2r + mean**2 * w2, 0.0)) / w
        return np.where(w > 0, mean, np.nan), np.where(self.count >= 2, error, np.inf)

    def posterior(self, ridge: float) -> tuple[Floats, Floats, float]:
        """Ridge coefficients (k x d), (gram + ridge)^-1 (k x d x d), and the pooled variance of the noise."""
        d = self.gram.shape[1]
        penalty = np.eye(d) * ridge
        penalty[0, 0] = min(ridge, 1e-2)  # the level of an arm is not drawn to 0
        inverse = np.linalg.inv(self.gram + penalty)
        inverse = (inverse + inverse.transpose(0, 2, 1)) / 2
        theta = np.einsum("kij,kj->ki", inverse, self.moment)
        n = float(self.count.sum())
        left = float((self.square - (self.moment * theta).sum(axis=1)).sum())
        used = float(np.einsum("kij,kji->", inverse, self.gram))
        noise = max(left, 0.0) / max(n - used, n / 10) if n > 0 else 1.0
        return theta, inverse, max(noise, 1e-12)

    def as_dict(self) -> dict[str, Any]:
        return {one.name: getattr(self, one.name).tolist() for one in fields(self)}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Statistics:
        return cls(*(np.array(saved[one.name], np.float64) for one in fields(cls)))
