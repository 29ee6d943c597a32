"""What learners share: a frozen configuration, a state of sums, chances that are what they say."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from holdfast.core.decide import NOTHING, Decisions
from holdfast.core.errors import StateError, UsageError
from holdfast.core.registry import Registry
from holdfast.decide.learn.basis import Basis
from holdfast.decide.learn.floor import mixed, promised, released, safe_arm
from holdfast.decide.learn.statistics import Statistics
from holdfast.models.pack import pack, unpack

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: Learners by name; each is a frozen dataclass derived from `Learner`.
LEARNERS: Registry[type[Learner]] = Registry("learner", "holdfast.decide.learn")
_L = TypeVar("_L", bound="type[Learner]")


def learner(name: str) -> Any:
    """Register a class of learners under its name."""

    def enrol(made: _L) -> _L:
        LEARNERS.add(name, made)
        return made

    return enrol


@dataclass(frozen=True)
class Learner(ABC):
    """How to learn. `ridge` draws coefficients to 0; `discount` (0 to 1) is what a period's rows count one period later.

    `epsilon` is shared evenly by the eligible arms, so each keeps at least epsilon / arms. `tolerance`: by the lower
    bound at `z` standard errors, a batch may lose at most so much per customer (money) against the safe arm: the best
    uniform arm that is known to beat `nothing`, else `nothing`; None: no such floor. Exploration comes on top: `epsilon`,
    and the `trial` share of the customers for whom the learner decides in any case, or nothing would ever be learnt.
    """

    name: ClassVar[str]
    ridge: float = 1.0
    discount: float = 1.0
    epsilon: float = 0.02
    tolerance: float | None = 0.25
    trial: float = 0.1
    z: float = 1.645
    seed: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.discount <= 1 or not 0 < self.epsilon <= 1 or self.ridge <= 0:
            raise UsageError("discount and epsilon lie above 0 and at most at 1, ridge above 0", where=self.name)
        if not 0 <= self.trial <= 1:
            raise UsageError(f"a trial share of {self.trial}", remedy="between 0 and 1", where=self.name)
        if self.tolerance is not None and self.tolerance < 0:
            raise UsageError("a tolerance is money that may be lost, at least 0", remedy="None switches the floor off")

    @abstractmethod
    def shares(self, design: Floats, eligible: Flags, posterior: tuple[Floats, Floats, float]) -> Floats:
        """Chances of the arms before any floor: n x k, rows add to 1, 0 where not eligible."""

    def start(self, sample: ArrayLike, arms: Sequence[str], *, knots: int = 3, pairs: bool = False) -> Learnt:
        """A state that has seen nothing; the sample of features fixes the curves of the model, not more."""
        basis = Basis.of(sample, knots, pairs)
        if not arms or arms[0] != NOTHING:
            raise UsageError(f"the first arm is {tuple(arms[:1])}, not `nothing`")
        nothing = Statistics.empty(len(arms), basis.width)
        return Learnt(self, tuple(arms), basis, (nothing, nothing))


@dataclass(frozen=True)
class Learnt:
    """What is known so far. It never changes: each update gives a new one. It holds sums and no customers.

    The rows are summed in two halves (by a hash of their features), so that what one half proposes is judged by the other.
    """

    learner: Learner
    arms: tuple[str, ...]
    basis: Basis
    halves: tuple[Statistics, Statistics]

    def update(self, x: ArrayLike, arm: ArrayLike, reward: ArrayLike, propensity: ArrayLike) -> Learnt:
        """With one batch more: features, arms given, rewards net of cost (money), chances of the arms given.

        Batches may come in any order within a period. Nothing fades by itself: call `aged` when a period has passed.
        """
        given, got = np.asarray(arm, np.int64), np.asarray(reward, np.float64)
        chance = np.asarray(propensity, np.float64)
        if not len(given) == len(got) == len(chance) == len(np.asarray(x)):
            raise UsageError("features, arms, rewards and propensities must be as many")
        if len(given) and (given.min() < 0 or given.max() >= len(self.arms) or not (chance > 0).all()):
            raise UsageError("an arm out of range, or one given with propensity 0")
        if not np.isfinite(got).all():
            raise UsageError(
                "a reward is not a finite number", remedy="leave out customers whose follow-up is not closed"
            )
        design, side = self.basis(x), _side(np.asarray(x, np.float64))
        rows = [np.flatnonzero(side == one) for one in range(2)]
        more = [Statistics.of(design[at], given[at], got[at], chance[at], len(self.arms)) for at in rows]
        return replace(self, halves=(self.halves[0] + more[0], self.halves[1] + more[1]))

    def aged(self, periods: float = 1.0) -> Learnt:
        """The same after so many periods: old rows count discount^periods as much."""
        by = self.learner.discount**periods
        return replace(self, halves=(self.halves[0].aged(by), self.halves[1].aged(by)))

    def __add__(self, other: Learnt) -> Learnt:
        """What two of the same make know together."""
        if (self.learner, self.arms, self.basis) != (other.learner, other.arms, other.basis):
            raise UsageError("only states of the same learner, arms and basis can be added")
        return replace(self, halves=(self.halves[0] + other.halves[0], self.halves[1] + other.halves[1]))

    @property
    def sums(self) -> Statistics:
        """Both halves together."""
        return self.halves[0] + self.halves[1]

    @property
    def safe_arm(self) -> int:
        """The uniform arm that the floor compares with."""
        return safe_arm(*self.sums.uniform(), self.learner.z)

    def values(self, x: ArrayLike) -> Floats:
        """n x k: expected reward of each arm less that of `nothing`."""
        mean = self.basis(x) @ self.sums.posterior(self.learner.ridge)[0].T
        return np.asarray(mean - mean[:, :1])

    def propensities(self, x: ArrayLike, eligible: ArrayLike | None = None) -> Floats:
        """n x k chances with which `choose` draws: exact, above 0 for every eligible arm, 0 for the others."""
        design = self.basis(x)
        shape = (len(design), len(self.arms))
        open_to = np.ones(shape, bool) if eligible is None else np.asarray(eligible, bool)
        if open_to.shape != shape or (len(design) and not open_to[:, 0].all()):
            raise UsageError(f"eligible must be {shape}, and `nothing` open to everybody")
        shares = self.learner.shares(design, open_to, self.sums.posterior(self.learner.ridge))
        if self.learner.tolerance is not None and len(design):
            shares = self._floored(design, open_to, shares, self.learner.tolerance)
        return mixed(shares, open_to, self.learner.epsilon)

    def _floored(self, design: Floats, eligible: Flags, shares: Floats, tolerance: float) -> Floats:
        """The safe arm for as many rows as it takes to keep the promise; least promising rows first."""
        safe = np.eye(len(self.arms))[np.where(eligible[:, self.safe_arm], self.safe_arm, 0)]
        known = [one.posterior(self.learner.ridge) for one in self.halves]
        bounds = []
        for proposes, judges in ((known[0], known[1]), (known[1], known[0])):
            change = self.learner.shares(design, eligible, proposes) - safe
            order = np.argsort(-(change * (design @ proposes[0].T)).sum(axis=1), kind="stable")
            sizes, bound = promised(design, change, order, judges[0], judges[1] * judges[2], self.learner.z)
            bounds.append(bound)
        count = released(sizes, np.mean(bounds, axis=0), tolerance)
        theta = self.sums.posterior(self.learner.ridge)[0]
        order = np.argsort(-((shares - safe) * (design @ theta.T)).sum(axis=1), kind="stable")
        found = self.learner.trial * shares + (1 - self.learner.trial) * safe
        found[order[:count]] = shares[order[:count]]
        return found

    def choose(self, x: ArrayLike, eligible: ArrayLike | None = None, *, seed: int = 0) -> tuple[Numbers, Floats]:
        """Arms drawn (n) and the chances of all (n x k); the same seed draws the same."""
        chances = self.propensities(x, eligible)
        luck = np.random.default_rng([self.learner.seed, seed, 7]).random(len(chances))
        return _drawn(chances, luck), chances

    def decide(
        self, customer_id: pa.Array, x: ArrayLike, eligible: ArrayLike | None = None, *, cost: ArrayLike, campaign: str
    ) -> Decisions:
        """The same as decisions of a plan. A customer's luck hangs on the id, the campaign and the seed alone."""
        chances = self.propensities(x, eligible)
        luck = np.array([_luck(str(one), campaign, self.learner.seed) for one in customer_id.to_pylist()])
        arm = _drawn(chances, luck)
        each = np.arange(len(arm))
        gain, price = self.values(x)[each, arm], np.asarray(cost, np.float64)[arm]
        return Decisions(
            customer_id, self.arms, arm, chances, np.full(len(arm), np.nan), gain, price, np.zeros(len(arm), bool),
            pa.array([f"{self.learner.name}: expected gain {one:.2f}" for one in gain], pa.string()), self.learner.name,
        )  # fmt: skip

    def to_bytes(self) -> bytes:
        return pack(
            f"learner_{self.learner.name}", learner=asdict(self.learner), arms=list(self.arms),
            basis=self.basis.as_dict(), halves=[one.as_dict() for one in self.halves],
        )  # fmt: skip

    @classmethod
    def from_bytes(cls, data: bytes) -> Learnt:
        saved = unpack(data)
        if not str(saved.get("kind", "")).startswith("learner_"):
            raise StateError("this is not a saved learner", remedy="start a new one")
        made = LEARNERS[saved["kind"].removeprefix("learner_")](**saved["learner"])
        first, second = (Statistics.from_dict(one) for one in saved["halves"])
        return cls(made, tuple(saved["arms"]), Basis.from_dict(saved["basis"]), (first, second))


def _drawn(chances: Floats, luck: Floats) -> Numbers:
    """The arm in whose part of [0, 1) the luck falls; never one of chance 0."""
    arm = (luck[:, None] >= chances.cumsum(axis=1)).sum(axis=1)
    last = chances.shape[1] - 1 - (chances[:, ::-1] > 0).argmax(axis=1)
    return np.asarray(np.minimum(arm, last), np.int64)


def _side(x: Floats) -> Numbers:
    """0 or 1 for each row, by its content: equal rows lie on the same side, in whatever batch they come."""
    bits = np.ascontiguousarray(x + 0.0).view(np.uint64)
    odd = np.arange(1, 2 * x.shape[1], 2, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed_bits = ((bits ^ (bits >> np.uint64(29))) * odd).sum(axis=1, dtype=np.uint64)
    mixed_bits = (mixed_bits ^ (mixed_bits >> np.uint64(32))) * np.uint64(0xBF58476D1CE4E5B9)
    return np.asarray(mixed_bits >> np.uint64(63), np.int64)


def _luck(customer_id: str, campaign: str, seed: int) -> float:
    """A number in [0, 1) from the id, as good as drawn."""
    said = hashlib.blake2b(f"{seed}\x1f{campaign}\x1f{customer_id}".encode(), digest_size=8).digest()
    return (int.from_bytes(said, "big") >> 11) / (1 << 53)
