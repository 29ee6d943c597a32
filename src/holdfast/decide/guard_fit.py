"""A guarded policy that was learnt: the best uniform arm, the confirmed deviations from it, and how it came about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import UsageError
from holdfast.decide.guard_groups import Group, Ladder, advantages
from holdfast.metrics.uplift_bound import Gain
from holdfast.models.pack import pack, unpack
from holdfast.models.uplift.fitted import FittedEffects

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Standing:
    """The uniform arms: which is best (`base`), what each gains per customer over nothing, net of cost, and whether it may
    be given to everybody (`stood`): free arms always, those that cost where their gain was confirmed. `gains` says how
    sure that is; it is not kept in bytes."""

    base: int
    value: Floats
    gains: tuple[Gain, ...] = ()
    stood: tuple[bool, ...] = ()


@dataclass(frozen=True, eq=False)
class Deviation:
    """Who gets another arm than the best uniform one: bands of the advantage that a learner expects, with their gains.

    Within a group the gain per head is the confirmed one, spread in proportion to the advantage: its level is measured,
    its order is learnt.
    """

    effects: FittedEffects
    ladder: Ladder
    groups: tuple[Group, ...]
    gain: Floats
    usual: Floats

    @classmethod
    def of(
        cls, effects: FittedEffects, groups: list[tuple[Group, Gain]], X: Floats, cost: Floats, base: int
    ) -> Deviation:
        """Ladder and usual advantage of each group from the customers learnt from."""
        best, advantage = advantages(effects.effects(X) - cost, base)
        ladder = Ladder.of(advantage)
        rank = ladder.rank(advantage)
        inside = [group.holds(best, rank) for group, _ in groups]
        usual = np.array([float(advantage[of].mean()) if of.any() else 1.0 for of in inside])
        return cls(
            effects, ladder, tuple(one for one, _ in groups), np.array([one.per_head for _, one in groups]), usual
        )

    def who(self, X: Floats, cost: Floats, base: int) -> tuple[NDArray[np.int64], Floats]:
        """(arm, gain over the uniform arm) of each customer; who does not deviate keeps `base` and gains 0."""
        best, advantage = advantages(self.effects.effects(X) - cost, base)
        rank = self.ladder.rank(advantage)
        total, count = np.zeros(len(X)), np.zeros(len(X))
        for group, gain, usual in zip(self.groups, self.gain, self.usual, strict=True):
            mine = group.holds(best, rank)
            total[mine] += gain * advantage[mine] / usual
            count[mine] += 1
        return np.where(count > 0, best, base), total / np.maximum(count, 1)


@dataclass(frozen=True, eq=False)
class GuardedFit:
    """Chooses an arm for any customer. `place` are the arms that were logged often enough to be considered."""

    arms: tuple[str, ...]
    place: NDArray[np.int64]
    cost: Floats
    standing: Standing
    deviation: Deviation | None
    columns: int
    report: dict[str, Any]

    @property
    def best_uniform(self) -> int:
        """The arm that everybody gets who is in no confirmed group."""
        return int(self.place[self.standing.base])

    @property
    def deviates(self) -> bool:
        """Whether any group was confirmed."""
        return self.deviation is not None

    def choose(self, X: Any) -> NDArray[np.int64]:
        """One arm for each customer."""
        return np.asarray(self.place[self._who(X)[0]], np.int64)

    def values(self, X: Any) -> Floats:
        """Customers x arms: gain over nothing net of cost, outcome units; its largest in each row is `choose`.

        What was not confirmed is never said to be better than the best uniform arm: an arm is worth its mean for
        everybody, at most just under the best. Arms that were not considered are worth minus nothing but their cost.
        """
        arm, gain = self._who(X)
        base, mean = self.standing.base, self.standing.value
        hair = 1e-9 * max(1.0, float(np.abs(mean).max()))
        level = np.minimum(mean, mean[base] - hair)
        level[0], level[base] = 0.0, mean[base]
        found = np.tile(level, (len(arm), 1))
        moved = np.flatnonzero(arm != base)
        gain = np.maximum(gain, 2 * hair)
        treated, spared = moved[arm[moved] != 0], moved[arm[moved] == 0]
        found[treated, arm[treated]] = mean[base] + gain[treated]
        found[spared, 1:] = np.minimum(found[spared, 1:], -gain[spared][:, None])
        every = np.full((len(arm), len(self.arms)), -hair)
        every[:, self.place] = found
        return every

    def to_bytes(self) -> bytes:
        deviation = None
        if (one := self.deviation) is not None:
            deviation = {
                "effects": one.effects.to_bytes().decode(), "ladder": one.ladder.steps.tolist(), "gain": one.gain.tolist(),
                "usual": one.usual.tolist(), "groups": [[group.arm, group.low, group.high] for group in one.groups],
            }  # fmt: skip
        return pack(
            "guarded", arms=list(self.arms), place=self.place.tolist(), cost=self.cost.tolist(), columns=self.columns,
            base=self.standing.base, value=self.standing.value.tolist(), stood=list(self.standing.stood), deviation=deviation, report=self.report,
        )  # fmt: skip

    @classmethod
    def from_bytes(cls, data: bytes) -> GuardedFit:
        saved = unpack(data)
        deviation = None
        if (one := saved["deviation"]) is not None:
            deviation = Deviation(
                FittedEffects.from_bytes(one["effects"].encode()), Ladder(np.asarray(one["ladder"], np.float64)),
                tuple(Group(int(arm), low, high) for arm, low, high in one["groups"]),
                np.asarray(one["gain"], np.float64), np.asarray(one["usual"], np.float64),
            )  # fmt: skip
        standing = Standing(int(saved["base"]), np.asarray(saved["value"], np.float64), (), tuple(saved["stood"]))
        return cls(
            tuple(saved["arms"]), np.asarray(saved["place"], np.int64), np.asarray(saved["cost"], np.float64),
            standing, deviation, int(saved["columns"]), saved["report"],
        )  # fmt: skip

    def _who(self, X: Any) -> tuple[NDArray[np.int64], Floats]:
        X = np.asarray(X, np.float64)
        if X.ndim != 2 or X.shape[1] != self.columns:
            raise UsageError(f"the guard learnt from {self.columns} columns and is shown {X.shape}")
        if self.deviation is None:
            return np.full(len(X), self.standing.base), np.zeros(len(X))
        return self.deviation.who(X, self.cost, self.standing.base)
