"""Fitted Q iteration: what an action is worth, today's margin and all that follows, learnt from logged trajectories."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from holdfast.core.errors import StateError, TooLittleData, UsageError
from holdfast.core.trajectories import Trajectories
from holdfast.decide.learn.basis import Basis
from holdfast.decide.learn.floor import mixed
from holdfast.decide.sequential.critics import Critic, Lesson, LinearTeacher, TreeTeacher, read_critic
from holdfast.models.pack import pack, unpack

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
#: An arm logged fewer times teaches nothing.
FEWEST_OF_ARM = 50
#: Fewer rows of the rarest arm for each column, and the linear learner does without pairs.
ROWS_PER_COLUMN = 30


@dataclass(frozen=True)
class FittedQ:
    """How to learn (Ernst, Geurts & Wehenkel 2005). `learner`: `linear` or `lightgbm`. `discount`: what money is worth a
    period later; `ahead`: periods looked ahead (1: myopic, the margin of this period alone).

    Against over-estimation: each of `halvings` splits the customers into two members that share nobody; what follows is
    worth the smaller of what a member and its other half say (clipped double Q; van Hasselt 2010, Fujimoto et al. 2018).
    With 0 there is one member, and its promises are too high. In use an arm must beat `nothing` by `pessimism` standard
    deviations between members. `epsilon` is shared by the eligible arms. `pairs`: whether
    the linear learner bends in two features at once; None: where the rarest arm has 30 rows for each of its columns.
    """

    learner: str = "linear"
    discount: float = 0.95
    ahead: int = 20
    halvings: int = 3
    pessimism: float = 0.25
    epsilon: float = 0.02
    ridge: float = 1.0
    knots: int = 4
    pairs: bool | None = None
    seed: int = 1

    def __post_init__(self) -> None:
        if self.learner not in ("linear", "lightgbm"):
            raise UsageError(f"fitted Q knows no learner {self.learner!r}", remedy="linear or lightgbm")
        if not 0 <= self.discount <= 1 or self.ahead < 1 or self.halvings < 0 or self.pessimism < 0:
            raise UsageError("discount lies between 0 and 1, ahead is at least 1, halvings and pessimism at least 0")
        if not 0 < self.epsilon <= 1 or self.ridge <= 0:
            raise UsageError("epsilon lies above 0 and at most at 1, ridge above 0")

    def fit(self, logged: Trajectories) -> SequentialPolicy:
        """Raises TooLittleData if an arm was logged less than 50 times."""
        seen = np.bincount(logged.arm.ravel(), minlength=len(logged.arms))
        if int(seen.min()) < FEWEST_OF_ARM:
            rare = logged.arms[int(seen.argmin())]
            raise TooLittleData(
                f"`{rare}` was logged {int(seen.min())} times, and {FEWEST_OF_ARM} are needed",
                remedy="keep every arm at its epsilon for longer, or leave the arm out",
            )
        lesson = Lesson.of(logged, self.halvings, self.seed)
        critic = self._linear(lesson) if self.learner == "linear" else self._trees(lesson)
        return SequentialPolicy(self, logged.arms, logged.features, critic)

    def _linear(self, lesson: Lesson) -> Critic:
        basis = Basis.of(lesson.state, self.knots, pairs=True)
        if not (self.pairs if self.pairs is not None else min(map(len, lesson.rows)) >= ROWS_PER_COLUMN * basis.width):
            basis = Basis.of(lesson.state, self.knots)
        teacher = LinearTeacher(lesson, basis, self.ridge)
        critic = teacher.learn(self._targets(lesson, None))
        for _ in range(self.ahead - 1):
            critic = teacher.learn(self._targets(lesson, teacher.ahead(critic)))
        return critic

    def _trees(self, lesson: Lesson) -> Critic:
        teacher = TreeTeacher(lesson, self.seed)
        critic = teacher.learn(self._targets(lesson, None))
        for _ in range(self.ahead - 1):
            critic = teacher.learn(self._targets(lesson, teacher.ahead(critic)))
        return critic

    def _targets(self, lesson: Lesson, then: Floats | None) -> Floats:
        """members x rows: reward and the discounted worth of what follows, the smaller of two opinions."""
        now = np.broadcast_to(lesson.reward, (len(lesson.counts), len(lesson.reward)))
        if then is None:
            return now
        other = then.reshape(-1, 2, *then.shape[1:])[:, ::-1].reshape(then.shape) if self.halvings else then
        worth = np.where(lesson.then_eligible, np.minimum(then, other), -np.inf).max(axis=2)
        return np.asarray(now + self.discount * worth)


def preferred(q: Floats, eligible: Flags, pessimism: float) -> NDArray[np.int64]:
    """The eligible arm whose mean lead over `nothing`, less `pessimism` deviations between members, is largest.

    `q`: members x rows x arms.

    >>> preferred(np.array([[[0.0, 5.0]], [[0.0, -3.0]]]), np.ones((1, 2), bool), 1.0).tolist()
    [0]
    """
    lead = q - q[..., :1]
    score = lead.mean(axis=0) - pessimism * lead.std(axis=0)
    return np.asarray(np.where(eligible, score, -np.inf).argmax(axis=1), np.int64)


@dataclass(frozen=True)
class SequentialPolicy:
    """What was learnt; looks at the state alone. It holds no customers."""

    settings: FittedQ
    arms: tuple[str, ...]
    features: tuple[str, ...]
    critic: Critic

    def q(self, state: ArrayLike) -> Floats:
        """Rows x arms: money from now on if the arm is given now and the policy followed after; mean of the members."""
        return np.asarray(self.critic.q(self._checked(state)).mean(axis=0))

    def choose(self, state: ArrayLike, eligible: ArrayLike | None = None) -> NDArray[np.int64]:
        """The preferred arm of each row, without exploration."""
        rows = self._checked(state)
        return preferred(self.critic.q(rows), self._open(rows, eligible), self.settings.pessimism)

    def propensities(self, state: ArrayLike, eligible: ArrayLike | None = None) -> Floats:
        """Rows x arms: the chances to draw with and to log; every eligible arm keeps epsilon / arms."""
        rows = self._checked(state)
        open_to = self._open(rows, eligible)
        shares = np.eye(len(self.arms))[preferred(self.critic.q(rows), open_to, self.settings.pessimism)]
        return mixed(shares, open_to, self.settings.epsilon)

    def along(self, logged: Trajectories) -> Floats:
        """n x (T+1) x k: the policy's chances in every state of trajectories, as off-policy estimators want them."""
        n, steps, d = logged.state.shape
        flat = self.propensities(logged.state.reshape(-1, d), logged.eligible.reshape(-1, len(self.arms)))
        return flat.reshape(n, steps, -1)

    def to_bytes(self) -> bytes:
        from dataclasses import asdict

        return pack(
            "fitted_q", settings=asdict(self.settings), arms=list(self.arms), features=list(self.features),
            critic=self.critic.plain(),
        )  # fmt: skip

    @classmethod
    def from_bytes(cls, data: bytes) -> SequentialPolicy:
        saved = unpack(data)
        if saved.get("kind") != "fitted_q":
            raise StateError("this is not a saved sequential policy", remedy="learn a new one")
        return cls(
            FittedQ(**saved["settings"]), tuple(saved["arms"]), tuple(saved["features"]), read_critic(saved["critic"])
        )

    def _checked(self, state: ArrayLike) -> Floats:
        rows = np.asarray(state, np.float64)
        if rows.ndim != 2 or rows.shape[1] != len(self.features):
            raise UsageError(f"states of shape {rows.shape}, where {len(self.features)} features were learnt")
        return rows

    def _open(self, rows: Floats, eligible: ArrayLike | None) -> Flags:
        shape = (len(rows), len(self.arms))
        found = np.ones(shape, bool) if eligible is None else np.asarray(eligible, bool)
        if found.shape != shape or (len(rows) and not found[:, 0].all()):
            raise UsageError(f"eligible must be {shape}, and `nothing` open to everybody")
        return found
