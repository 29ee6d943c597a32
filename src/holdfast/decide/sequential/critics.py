"""Two ways to learn Q from targets: a bent linear model and small boosted trees. Members come in pairs that share no customer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from holdfast.core.trajectories import Trajectories
from holdfast.decide.learn.basis import Basis

Floats = NDArray[np.float64]


class Critic(Protocol):
    """A fitted Q: states (rows x d) -> members x rows x arms."""

    def q(self, state: Floats) -> Floats: ...

    def plain(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Lesson:
    """Transitions in rows: state, what was done, what followed; `counts` members x rows, 1 where a member learns from it."""

    state: Floats
    arm: NDArray[np.int64]
    reward: Floats
    then: Floats
    then_eligible: NDArray[np.bool_]
    counts: Floats
    arms: int

    @classmethod
    def of(cls, logged: Trajectories, halvings: int, seed: int) -> Lesson:
        """Each halving of the customers makes two members; without any there is one, which learns from all."""
        n, periods = logged.arm.shape
        d, k = logged.state.shape[2], len(logged.arms)
        random = np.random.default_rng([seed, 4])
        drawn = np.ones((max(2 * halvings, 1), n))
        for at in range(halvings):
            drawn[2 * at] = random.permutation(n) % 2
            drawn[2 * at + 1] = 1 - drawn[2 * at]
        return cls(
            logged.state[:, :-1].reshape(-1, d), logged.arm.ravel(), logged.reward.ravel(),
            logged.state[:, 1:].reshape(-1, d), logged.eligible[:, 1:].reshape(-1, k), np.repeat(drawn, periods, axis=1), k,
        )  # fmt: skip

    @cached_property
    def rows(self) -> list[NDArray[np.int64]]:
        """Rows of each arm."""
        return [np.flatnonzero(self.arm == one) for one in range(self.arms)]


@dataclass(frozen=True)
class LinearCritic:
    """`theta`: members x arms x columns of the basis."""

    basis: Basis
    theta: Floats

    def q(self, state: Floats) -> Floats:
        design = self.basis(state)
        return np.stack([design @ one.T for one in self.theta])

    def plain(self) -> dict[str, Any]:
        return {"kind": "linear", "basis": self.basis.as_dict(), "theta": self.theta.tolist()}


class LinearTeacher:
    """Solves the same least squares again and again: the normal equations are inverted once."""

    def __init__(self, lesson: Lesson, basis: Basis, ridge: float) -> None:
        self._lesson, self._basis = lesson, basis
        self._now, self._then = self._basis(lesson.state), self._basis(lesson.then)
        penalty = np.eye(self._basis.width) * ridge
        self._inverse = [
            [np.linalg.inv((self._now[at] * w[at, None]).T @ self._now[at] + penalty) for at in lesson.rows]
            for w in lesson.counts
        ]

    def learn(self, targets: Floats) -> LinearCritic:
        """Targets members x rows."""
        lesson = self._lesson
        theta = [
            [inverse[one] @ (self._now[at].T @ (w[at] * y[at])) for one, at in enumerate(lesson.rows)]
            for inverse, w, y in zip(self._inverse, lesson.counts, targets, strict=True)
        ]
        return LinearCritic(self._basis, np.array(theta))

    def ahead(self, critic: LinearCritic) -> Floats:
        """members x rows x arms in the states that followed."""
        return np.stack([self._then @ one.T for one in critic.theta])


_TREES = {
    "objective": "regression", "deterministic": True, "force_row_wise": True, "num_threads": 1, "verbosity": -1,
    "num_leaves": 15, "learning_rate": 0.15, "min_data_in_leaf": 60, "lambda_l2": 5.0, "max_bin": 63,
    "feature_pre_filter": False, "enable_bundle": False,
}  # fmt: skip
_ROUNDS = 40


@dataclass(frozen=True)
class TreeCritic:
    """LightGBM boosters: members x arms."""

    boosters: tuple[tuple[Any, ...], ...]

    def q(self, state: Floats) -> Floats:
        said = [[one.predict(state, num_threads=1) for one in member] for member in self.boosters]
        return np.asarray(np.transpose(np.array(said), (0, 2, 1)), np.float64)

    def plain(self) -> dict[str, Any]:
        return {"kind": "lightgbm", "boosters": [[one.model_to_string() for one in member] for member in self.boosters]}


class TreeTeacher:
    """Rows of each arm are binned once; each step grows new trees towards the new targets."""

    def __init__(self, lesson: Lesson, seed: int) -> None:
        import lightgbm

        self._lesson, self._seed = lesson, seed
        self._data = [
            lightgbm.Dataset(lesson.state[at], np.zeros(len(at)), params=dict(_TREES)).construct() for at in lesson.rows
        ]
        self._then, self._place = np.unique(lesson.then, axis=0, return_inverse=True)

    def learn(self, targets: Floats) -> TreeCritic:
        """Targets members x rows."""
        lesson = self._lesson
        return TreeCritic(
            tuple(
                tuple(self._grown(one, y[at], w[at]) for one, at in enumerate(lesson.rows))
                for w, y in zip(lesson.counts, targets, strict=True)
            )
        )

    def _grown(self, arm: int, target: Floats, weight: Floats) -> Any:
        import lightgbm

        data = self._data[arm]
        data.set_label(target)
        data.set_weight(weight)
        booster = lightgbm.Booster(params={**_TREES, "seed": self._seed}, train_set=data)
        for _ in range(_ROUNDS):
            if booster.update():
                break
        return lightgbm.Booster(model_str=booster.model_to_string())

    def ahead(self, critic: TreeCritic) -> Floats:
        """members x rows x arms in the states that followed; equal states are asked once."""
        return critic.q(self._then)[:, self._place.ravel()]


def read_critic(saved: dict[str, Any]) -> Critic:
    """A critic back from its plain data."""
    if saved["kind"] == "linear":
        return LinearCritic(Basis.from_dict(saved["basis"]), np.array(saved["theta"], np.float64))
    import lightgbm

    return TreeCritic(tuple(tuple(lightgbm.Booster(model_str=one) for one in member) for member in saved["boosters"]))
