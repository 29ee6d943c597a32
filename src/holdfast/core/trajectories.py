"""What was done for customers period after period, and what came of it: the data of sequential policies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.core.decide import NOTHING
from holdfast.core.errors import UsageError

__all__ = ["Trajectories"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Trajectories:
    """n customers over T periods; k arms, the first is `nothing`; d features of the state.

    `state`: n x (T+1) x d, what was known before each period and after the last. `eligible`: n x (T+1) x k. `arm`: n x T.
    `propensity`: n x T x k, chances with which the arm was drawn, all arms. `reward`: n x T, margin less cost (money).

    >>> one = Trajectories(("nothing", "mail"), ("age",), np.zeros((1, 2, 1)), np.ones((1, 2, 2), bool),
    ...                    np.array([[1]]), np.array([[[0.5, 0.5]]]), np.array([[2.0]]))
    >>> len(one), one.periods
    (1, 1)
    """

    arms: tuple[str, ...]
    features: tuple[str, ...]
    state: Floats
    eligible: NDArray[np.bool_]
    arm: NDArray[np.int64]
    propensity: Floats
    reward: Floats

    def __post_init__(self) -> None:
        n, periods = self.arm.shape
        k, d = len(self.arms), len(self.features)
        shapes = {
            "state": (n, periods + 1, d), "eligible": (n, periods + 1, k),
            "propensity": (n, periods, k), "reward": (n, periods),
        }  # fmt: skip
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise UsageError(f"trajectories.{name} has shape {getattr(self, name).shape}, not {shape}")
        if not self.arms or self.arms[0] != NOTHING:
            raise UsageError(f"the first arm is {self.arms[:1]}, not `nothing`")
        if n and not self.eligible[..., 0].all():
            raise UsageError("`nothing` is open to everybody in every period")
        if n and (self.propensity[~self.eligible[:, :-1]] != 0).any():
            raise UsageError("an arm that is not eligible has propensity 0")
        if n and not (self.chosen_propensity > 0).all():
            raise UsageError("something was done that could not be: its propensity is 0")

    def __len__(self) -> int:
        return len(self.arm)

    @property
    def periods(self) -> int:
        return int(self.arm.shape[1])

    @property
    def chosen_propensity(self) -> Floats:
        """n x T: chance of what was done."""
        return np.asarray(np.take_along_axis(self.propensity, self.arm[..., None], axis=2)[..., 0])

    def take(self, rows: NDArray[np.int64]) -> Trajectories:
        """Some of the customers, in the given order."""
        return Trajectories(
            self.arms, self.features, self.state[rows], self.eligible[rows],
            self.arm[rows], self.propensity[rows], self.reward[rows],
        )  # fmt: skip
