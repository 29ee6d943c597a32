"""What earlier campaigns say each arm is worth for each customer of today: the guarded policy, learnt from experience."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from holdfast.app.plan.experience import COLUMNS, Experience, filled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holdfast.core.decide import Treatment
    from holdfast.core.tables import FeatureTable
    from holdfast.decide.guard_fit import GuardedFit

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Learned:
    """A guarded policy and what it says of today's customers.

    `gain`: customers x arms of `arms`, expected profit over nothing, net of the contact's cost; `uplift`: effect on
    P(order in the follow-up); `spread`: standard error of the mean gain of each arm.
    """

    arms: tuple[str, ...]
    gain: Floats
    uplift: Floats
    spread: Floats
    fit: GuardedFit
    report: dict[str, Any]


def learn(taught: Experience, now: FeatureTable, treatments: Sequence[Treatment], seed: int) -> Learned:
    """Fit the guard to closed campaigns and ask it about `now`; raises `TooLittleData` where arms are too small."""
    from holdfast.decide.guard import Guard

    cost = np.array([_cost(one, treatments) for one in taught.arms])
    fit = Guard().fit(
        taught.X, taught.arm, taught.profit, taught.propensity, arms=taught.arms, cost=cost, seed=seed,
    )  # fmt: skip
    X = filled(np.column_stack([now.column(name).astype(np.float64) for name in COLUMNS]), taught.fill)
    gain, order = _spread_out(fit, taught, X, cost, seed)
    report = {**fit.report, "order": order}
    return Learned(taught.arms, gain, _uplift(taught, X, seed), _errors(taught, cost), fit, report)


def _spread_out(
    fit: GuardedFit, taught: Experience, X: Floats, cost: Floats, seed: int
) -> tuple[Floats, dict[str, dict[str, float]]]:
    """The guard's values; within an arm that was confirmed, as much more for those who gain more as is proven.

    Without a budget nothing changes: the arm of each customer stays the guard's. With one, money goes first to where it
    is proven to do more. An arm that costs and was not confirmed is never expected to gain anything.
    """
    from holdfast.decide.priority import priorities
    from holdfast.models.uplift.experiment import Experiment

    found, chosen = fit.values(X), fit.choose(X)
    hair = 1e-9 * max(1.0, float(np.abs(found).max()))
    stood = np.zeros(len(taught.arms), bool)
    if len(fit.standing.stood):
        stood[fit.place] = fit.standing.stood
    for unproven in np.flatnonzero(~stood & (cost > 0)).tolist():
        others = chosen != unproven  # a group that was confirmed for it keeps what it gains
        found[others, unproven] = np.minimum(found[others, unproven], -hair)
    proven = [int(one) for one in np.flatnonzero(stood & (np.arange(len(stood)) > 0)) if found[:, one].max() > 0]
    if not proven:
        return _closed(found), {}
    seen = Experiment.of(taught.X, taught.arm, taught.profit, taught.propensity, arms=len(taught.arms), seed=seed)
    order = priorities(seen, tuple(proven), cost)
    for arm, one in order.items():
        free = np.isin(chosen, [arm, fit.best_uniform]) & (found[:, arm] > 0)
        found[free, arm] = np.maximum(one.gains(X)[free], hair)
    best = np.arange(len(X)), chosen
    ceiling = np.where(chosen > 0, found[best], np.inf)[:, None] - hair
    capped = np.minimum(found, ceiling)
    capped[best] = found[best]
    said = {
        taught.arms[arm]: {"mean": one.mean, "slope": one.slope, "standard_error": one.standard_error}
        for arm, one in order.items()
    }
    return _closed(capped), said


def _closed(gain: Floats) -> Floats:
    gain[:, 0] = 0.0
    return gain


def _cost(arm: str, treatments: Sequence[Treatment]) -> float:
    known = {one.treatment_id: one.cost for one in treatments}
    return known.get(arm, 0.0)


def _uplift(taught: Experience, X: Floats, seed: int) -> Floats:
    """Effect of each arm on P(order), by the learner that is hardest to lead astray: a linear one on residuals."""
    from holdfast.models.uplift.experiment import Experiment
    from holdfast.models.uplift.learner import UPLIFT

    seen = Experiment.of(
        taught.X, taught.arm, taught.ordered.astype(np.float64), taught.propensity, arms=len(taught.arms), seed=seed
    )
    return np.clip(UPLIFT["dr_ridge"].fit(seen).effects(X), -1.0, 1.0)


def _errors(taught: Experience, cost: Floats) -> Floats:
    """Standard error of each arm's mean gain over nothing, from the logged profits alone."""
    mean_of = [taught.profit[taught.arm == one] for one in range(len(taught.arms))]
    errors = np.array([one.std(ddof=1) / np.sqrt(len(one)) if len(one) > 1 else np.inf for one in mean_of])
    return np.asarray(np.sqrt(errors**2 + errors[0] ** 2) * (np.arange(len(cost)) > 0))
