"""Who first, when the money does not reach everybody: the effect of one arm, spread over customers as far as it is proven.

The mean gain of an arm is measured; who gains more than the mean is learnt, and learning is often wrong. So the learnt
order counts only as far as customers that the learner never saw bear it out: their doubly robust gains are regressed on
the learnt effect (the best linear predictor of Chernozhukov, Demirer, Duflo & Fernandez-Val 2018, "Generic machine
learning inference on heterogeneous treatment effects"). Where the slope is not above 0 by a one-sided 95% bound,
everybody is expected to gain the mean and nobody comes first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.decide.guard_half import STEADY, Scored, unseen
from holdfast.models.uplift.experiment import Experiment
from holdfast.models.uplift.fitted import FittedEffects
from holdfast.models.uplift.learner import UPLIFT

Floats = NDArray[np.float64]
_Z95 = 1.6448536269514722
#: A learnt effect is not blown up beyond what was learnt.
_MOST = 1.0


@dataclass(frozen=True, eq=False)
class Priority:
    """Expected gain of one arm over nothing, net of cost: `mean` + `slope` x (learnt effect - `middle`)."""

    arm: int
    mean: float
    slope: float
    standard_error: float
    middle: float
    effects: FittedEffects

    @property
    def proven(self) -> bool:
        """Whether the learnt order was borne out."""
        return self.slope > 0

    def gains(self, X: Floats) -> Floats:
        """One expected gain for each customer."""
        if not self.proven:
            return np.full(len(X), self.mean)
        return np.asarray(self.mean + self.slope * (self.effects.effects(X)[:, self.arm] - self.middle))


def priorities(
    experiment: Experiment, arms: tuple[int, ...], cost: Floats, learner: str = STEADY
) -> dict[int, Priority]:
    """One for each of these arms; `cost` per arm in the unit of the outcome. Deterministic given the experiment's seed.

    >>> rng = np.random.default_rng(1)
    >>> x = rng.standard_normal((4000, 3)); arm = rng.integers(0, 2, 4000)
    >>> seen = Experiment.of(x, arm, x[:, 0] * arm + 0.5 * arm + rng.standard_normal(4000))
    >>> found = priorities(seen, (1,), np.zeros(2))[1]
    >>> found.proven, bool(found.gains(np.eye(3))[0] > found.gains(-np.eye(3))[0] + 1)
    (True, True)
    """
    learnt, said = unseen(experiment, (learner,))
    net = Scored.of(experiment, said, cost).net
    whole = experiment.fitted(UPLIFT[learner])
    middle = whole.effects(experiment.X).mean(axis=0)
    found = {}
    for arm in arms:
        gained, score = net[:, arm] - net[:, 0], learnt[learner][:, arm]
        slope, error = _slope(gained, score)
        bound = slope - _Z95 * error
        found[arm] = Priority(
            arm, float(gained.mean()), min(slope, _MOST) if bound > 0 else 0.0, error, float(middle[arm]), whole
        )
    return found


def _slope(gained: Floats, score: Floats) -> tuple[float, float]:
    """Least-squares slope and its heteroscedasticity-robust standard error (HC1); no slope where all scores are equal."""
    x = score - score.mean()
    square = float((x * x).sum())
    if square <= 1e-12 * max(1.0, float((score * score).sum())):
        return 0.0, float("inf")
    slope = float((x * gained).sum()) / square
    rest = gained - gained.mean() - slope * x
    n = len(x)
    return slope, float(np.sqrt((x * x * rest * rest).sum() * n / max(n - 2, 1))) / square
