"""One direction of the guard: everything is fixed on one half of the data and confirmed on the other.

On the first half, learners are compared by the doubly robust value of their policies on customers that they did not see
(two folds); the best one's groups are cut there, too. The second half is used once: to test those groups.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.decide.guard_groups import CUTS, Group, Ladder, advantages, cut, expected
from holdfast.metrics.uplift_bound import Gain, gain, holm
from holdfast.metrics.uplift_value import PolicyValue, scores, value_of
from holdfast.models.uplift.experiment import Experiment, outcomes_said
from holdfast.models.uplift.learner import OUTCOME, UPLIFT
from holdfast.models.uplift.regressor import Said

Floats = NDArray[np.float64]
#: Fewer customers in a group, and it is not put to the test.
FEWEST_IN_GROUP = 40
#: The candidate that errs least where candidates cannot be told apart.
STEADY = "mean_learner"


@dataclass(frozen=True, eq=False)
class Scored:
    """Customers with their doubly robust scores net of cost, and what a careful standard error needs.

    Where an arm could not be given (propensity 0: not eligible), giving it means giving nothing.
    """

    net: Floats
    residual: Floats
    chance: Floats

    @classmethod
    def of(cls, experiment: Experiment, said: Floats, cost: Floats) -> Scored:
        at = np.arange(len(experiment))
        net = scores(experiment.outcome, experiment.arm, experiment.propensity, said) - cost
        chance, open_to = experiment.propensity, experiment.propensity > 0
        net, chance = np.where(open_to, net, net[:, :1]), np.where(open_to, chance, chance[:, :1])
        return cls(net, experiment.outcome - said[at, experiment.arm], chance)

    def gain(self, rows: NDArray[np.int64], arm: NDArray[np.int64] | int, base: int) -> Gain:
        """Of giving these customers their `arm` rather than `base`."""
        arm = np.broadcast_to(np.asarray(arm, np.int64), len(rows))
        chance = self.chance[rows]
        inflation = 1 / chance[np.arange(len(rows)), arm] + 1 / chance[:, base]
        each = self.net[rows, arm] - self.net[rows, base]
        return gain(each, self.residual[rows], inflation, float((self.residual**2).mean()))


@dataclass(frozen=True, eq=False)
class Half:
    """What one direction found: the learner, the values of all candidates, the groups with their tests."""

    learner: str
    values: dict[str, PolicyValue]
    groups: tuple[Group, ...]
    gains: tuple[Gain, ...]
    confirmed: tuple[bool, ...]

    @property
    def stands(self) -> bool:
        return any(self.confirmed)


@dataclass(frozen=True)
class Direction:
    """Settings of the search: learners by id, the uniform arm, cost by arm, and the error allowed in this direction."""

    learners: tuple[str, ...]
    base: int
    cost: tuple[float, ...]
    alpha: float

    def run(self, fix: Experiment, confirm: Experiment) -> Half:
        """Fix on one half, confirm on the other."""
        cost = np.asarray(self.cost)
        effects, said = unseen(fix, self.learners)
        scored = Scored.of(fix, said, cost)
        values = {
            name: value_of(scored.net, advantages(of - cost, self.base)[0], self.base) for name, of in effects.items()
        }
        learner = self.best(scored, effects, values)
        if not values[learner].value > 0:
            return Half(f"uniform_{self.base}", values, (), (), ())
        groups = self.nominate(scored, effects[learner] - cost, fix.arms)
        if not groups:
            return Half(learner, values, (), (), ())
        gains = self.test(groups, learner, fix, confirm)
        stood = holm([one.p for one in gains], self.alpha) & np.array([one.n >= FEWEST_IN_GROUP for one in gains])
        return Half(learner, values, groups, gains, tuple(bool(one) for one in stood))

    def best(self, scored: Scored, effects: dict[str, Floats], values: dict[str, PolicyValue]) -> str:
        """The most valuable policy; the mean of learners stays unless another beats it by more than the noise."""
        learner = max(values, key=lambda one: values[one].value)
        if STEADY not in values:
            return learner
        mine, other = (advantages(effects[one] - np.asarray(self.cost), self.base)[0] for one in (learner, STEADY))
        lead = value_of(scored.net, mine, other)
        return learner if lead.value > lead.standard_error or values[STEADY].value <= 0 else STEADY

    def nominate(self, scored: Scored, net: Floats, arms: int) -> tuple[Group, ...]:
        """The cut whose groups promise most, less the groups that do not even look good here."""
        best, advantage = advantages(net, self.base)
        rank = Ladder.of(advantage).rank(advantage)
        found: list[tuple[float, tuple[Group, ...]]] = [(0.0, ())]
        for by_arm, bands in CUTS:
            kept = []
            for one in cut(arms, self.base, by_arm, bands):
                rows = np.flatnonzero(one.holds(best, rank))
                if len(rows) >= FEWEST_IN_GROUP and (seen := scored.gain(rows, best[rows], self.base)).z > 0:
                    kept.append((one, seen))
            totals, z = np.array([seen.total for _, seen in kept]), np.array([seen.z for _, seen in kept])
            found.append((expected(totals, z, self.alpha), tuple(one for one, _ in kept)))
        return max(found, key=lambda one: one[0])[1]

    def test(self, groups: tuple[Group, ...], learner: str, fix: Experiment, confirm: Experiment) -> tuple[Gain, ...]:
        """The gains of the groups on the half that had no say in them."""
        cost, fitted = np.asarray(self.cost), fix.fitted(UPLIFT[learner])
        _, fixed = advantages(fitted.effects(fix.X) - cost, self.base)
        asked = Said(confirm.X)
        best, advantage = advantages(fitted.effects_from(asked) - cost, self.base)
        rank = Ladder.of(fixed).rank(advantage)
        scored = Scored.of(confirm, outcomes_said(fix, tuple(OUTCOME.values()), asked), cost)
        rows = [np.flatnonzero(one.holds(best, rank)) for one in groups]
        return tuple(scored.gain(of, best[of], self.base) for of in rows)


def unseen(experiment: Experiment, learners: tuple[str, ...]) -> tuple[dict[str, Floats], Floats]:
    """Effects by each learner, and the outcomes by arm, for customers that the models did not see."""
    shape = (len(experiment), experiment.arms)
    effects, said = {one: np.zeros(shape) for one in learners}, np.zeros(shape)
    for part in np.unique(experiment.fold):
        of = experiment.fold == part
        train = experiment.take(np.flatnonzero(~of))
        asked = Said(experiment.X[of])
        said[of] = outcomes_said(train, tuple(OUTCOME.values()), asked)
        for one in learners:
            effects[one][of] = train.fitted(UPLIFT[one]).effects_from(asked)
    return effects, said


def as_plain(value: PolicyValue) -> dict[str, Any]:
    """For the report."""
    return {"value": value.value, "low": value.low, "high": value.high, "n": value.n}
