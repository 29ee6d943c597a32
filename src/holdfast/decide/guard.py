"""The guard: everybody gets the best uniform arm, unless groups were confirmed that do better with another.

Learned targeting often loses to "the same for everybody": what it chose on is noise. So a policy may deviate from the
best uniform arm ("nothing" included, net of cost) only for groups of customers that were fixed on one half of the data
and whose total gain was confirmed on the other half by a one-sided bound, corrected for the number of groups (Holm).
Both halves take both parts; each is granted half of the error. An arm that costs must itself be confirmed against
doing nothing before everybody gets it. All errors together are at most `error`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import TooLittleData, UsageError
from holdfast.decide.guard_fit import Deviation, GuardedFit, Standing
from holdfast.decide.guard_half import Direction, Half, Scored, as_plain
from holdfast.metrics.uplift_bound import holm
from holdfast.models.uplift.experiment import Experiment, even_parts
from holdfast.models.uplift.learner import OUTCOME, UPLIFT
from holdfast.models.uplift.mean_learner import mean_of

Floats = NDArray[np.float64]
#: An arm given to fewer customers is left out: halves and folds would hold too few to learn from.
FEWEST_OF_ARM = 80
LEARNERS = (
    "s_ridge", "t_ridge", "x_ridge", "dr_ridge", "s_lightgbm", "t_lightgbm", "x_lightgbm", "dr_lightgbm", "mean_learner",
    "response_proxy", "churn_proxy",
)  # fmt: skip


@dataclass(frozen=True)
class Guard:
    """`error`: the most chance that anything costly is sent, or anybody treated otherwise than everybody, where nothing has
    an effect. The default keeps a margin below the 5% that is promised.

    `uniform_share` of it is granted to the uniform arm, the rest to the groups. `learners` are ids of `UPLIFT`.
    """

    learners: tuple[str, ...] = LEARNERS
    error: float = 0.03
    uniform_share: float = 0.4

    def fit(
        self, X: Any, arm: Any, outcome: Any, propensity: Any, *, arms: int | Sequence[str], cost: Any, seed: int = 1
    ) -> GuardedFit:
        """Learn from logged treatments.

        `X`: customers x columns; `arm` 0 = nothing; `outcome` in any unit, `cost` per arm in the same; `propensity` for
        each arm, or for each customer and arm: the chance before a holdout was drawn, 0 where an arm was not open to a
        customer. Customers who had to be treated (no chance of nothing) teach nothing and are left out. Raises
        `TooLittleData` where doing nothing was hardly ever logged and `UsageError` where the numbers do not belong together.
        """
        names = tuple(f"arm_{one}" for one in range(arms)) if isinstance(arms, int) else tuple(arms)
        spent = np.broadcast_to(np.asarray(cost, np.float64), len(names))
        if not np.isfinite(spent).all() or spent[0] != 0:
            raise UsageError(f"costs {spent.tolist()}: nothing costs 0, every other arm a number")
        logged = Logged.of(X, arm, outcome, propensity, len(names), seed)
        return _Fitting(self, names, spent, logged, seed).run()


@dataclass(frozen=True, eq=False)
class Logged:
    """The experiment over the arms that were given often enough; `place` says which arm of the shop each is."""

    experiment: Experiment
    place: NDArray[np.int64]

    @classmethod
    def of(cls, X: Any, arm: Any, outcome: Any, propensity: Any, arms: int, seed: int) -> Logged:
        X, given, y = np.asarray(X, np.float64), np.asarray(arm, np.int64), np.asarray(outcome, np.float64)
        chance = np.asarray(propensity, np.float64)
        if chance.shape not in ((arms,), (len(given), arms)) or (
            len(given) and not 0 <= given.min() <= given.max() < arms
        ):
            raise UsageError(f"{arms} arms, but propensities of shape {chance.shape} or arms outside 0 to {arms - 1}")
        chance = np.broadcast_to(chance, (len(given), arms))
        free = chance[:, 0] > 0
        counts = np.bincount(given[free], minlength=arms)
        place = np.flatnonzero(counts >= FEWEST_OF_ARM)
        if not len(place) or place[0] != 0 or len(place) < 2:
            raise TooLittleData(
                f"customers by arm: {', '.join(f'{one:,}' for one in counts)}; nothing and one other arm need {FEWEST_OF_ARM}",
                remedy="keep a holdout, treat at random for longer, or plan on stated effects",
            )
        kept = np.flatnonzero(free & np.isin(given, place))
        share = chance[np.ix_(kept, place)]
        share = share / np.maximum(share.sum(axis=1, keepdims=True), 1e-12)
        mine = np.searchsorted(place, given[kept])
        return cls(Experiment.of(X[kept], mine, y[kept], share, arms=len(place), seed=seed), place)


@dataclass(frozen=True, eq=False)
class _Fitting:
    guard: Guard
    names: tuple[str, ...]
    cost: Floats
    logged: Logged
    seed: int

    def run(self) -> GuardedFit:
        experiment, cost = self.logged.experiment, self.cost[self.logged.place]
        standing = self.standing
        alpha = self.guard.error * (1 - self.guard.uniform_share) / 2
        direction = Direction(self.guard.learners, standing.base, tuple(cost.tolist()), alpha)
        part = even_parts(experiment.arm, 2, self.seed)
        first, second = (experiment.take(np.flatnonzero(part == one)) for one in (0, 1))
        halves = (direction.run(first, second), direction.run(second, first))
        return GuardedFit(
            self.names, self.logged.place, cost, standing, self.deviation(halves), experiment.X.shape[1],
            self.report(halves),
        )  # fmt: skip

    @cached_property
    def standing(self) -> Standing:
        """The best uniform arm: free ones by their value, those that cost only once confirmed against nothing."""
        experiment, cost = self.logged.experiment, self.cost[self.logged.place]
        said = np.mean([experiment.unseen(base) for base in OUTCOME.values()], axis=0)
        scored, everybody = Scored.of(experiment, said, cost), np.arange(len(experiment))
        gains = tuple(scored.gain(everybody, one, 0) for one in range(experiment.arms))
        costly = np.flatnonzero(cost > 0)
        stood = np.ones(experiment.arms, bool)
        stood[costly] = holm([gains[one].p for one in costly], self.guard.error * self.guard.uniform_share)
        value = np.array([one.per_head for one in gains])
        base = int(np.argmax(np.where(stood, value, -np.inf)))
        return Standing(base, value, gains, tuple(stood.tolist()))

    def deviation(self, halves: tuple[Half, Half]) -> Deviation | None:
        """The learners whose groups stood, learnt again from everybody; a group is the same band of the new advantage."""
        stood = [one for one in halves if one.stands]
        if not stood:
            return None
        experiment = self.logged.experiment
        fits = tuple(experiment.fitted(UPLIFT[one.learner]) for one in stood)
        effects = mean_of("+".join(dict.fromkeys(one.learner for one in stood)), fits)
        groups = [
            (group, gain)
            for one in stood
            for group, gain, ok in zip(one.groups, one.gains, one.confirmed, strict=True)
            if ok
        ]
        return Deviation.of(effects, groups, experiment.X, self.cost[self.logged.place], self.standing.base)

    def report(self, halves: tuple[Half, Half]) -> dict[str, Any]:
        """What was compared and what stood, in plain data."""
        called = [self.names[one] for one in self.logged.place]
        uniform = [
            {
                "arm": name, "gain": gain.per_head, "standard_error": gain.standard_error if at else 0.0,
                "p": gain.p if at else None, "confirmed": ok, "cost": float(self.cost[place]),
            }
            for at, (name, gain, ok, place) in enumerate(
                zip(called, self.standing.gains, self.standing.stood, self.logged.place, strict=True)
            )
        ]  # fmt: skip
        return {
            "customers": len(self.logged.experiment),
            "error": self.guard.error,
            "left_out": [name for at, name in enumerate(self.names) if at not in self.logged.place],
            "uniform": uniform,
            "best_uniform": called[self.standing.base],
            "deviates": any(one.stands for one in halves),
            "halves": [self._half(one, called) for one in halves],
        }

    def _half(self, half: Half, called: list[str]) -> dict[str, Any]:
        base = called[self.standing.base]
        groups = [
            {
                "arm": "best" if group.arm < 0 else called[group.arm], "advantage_from": group.low, "advantage_to": group.high,
                "customers": gain.n, "gain": gain.per_head, "total": gain.total, "total_low": gain.low() if gain.n > 1 else None,
                "p": gain.p, "confirmed": ok,
            }
            for group, gain, ok in zip(half.groups, half.gains, half.confirmed, strict=True)
        ]  # fmt: skip
        candidates = {name: as_plain(value) for name, value in half.values.items()}
        chosen = f"uniform_{base}" if half.learner.startswith("uniform_") else half.learner
        return {"chosen": chosen, "gain_over_best_uniform": candidates, "groups": groups}
