"""S-learner: one model of the outcome in which the arm is a column (Künzel et al. 2019, section 2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from holdfast.models.uplift.experiment import Experiment
from holdfast.models.uplift.fitted import FittedEffects
from holdfast.models.uplift.learner import OUTCOME, UPLIFT


@dataclass(frozen=True)
class SLearner:
    """Its effects are held towards 0, for the arm is one column among many."""

    base: str = "ridge"

    @property
    def learner_id(self) -> str:
        return f"s_{self.base}"

    def fit(self, experiment: Experiment) -> FittedEffects:
        models = OUTCOME[self.base].fit_with_arms(experiment)
        weights = np.eye(experiment.arms)
        weights[:, 0] -= 1.0
        return FittedEffects(self.learner_id, experiment.X.shape[1], models, weights, np.zeros(experiment.arms))


for _base in OUTCOME:
    UPLIFT.add(SLearner(_base).learner_id, SLearner(_base))
