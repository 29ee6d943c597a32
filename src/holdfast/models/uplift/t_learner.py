"""T-learner: one model of the outcome for each arm; the effect is their difference (Künzel et al. 2019, section 2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from holdfast.models.uplift.experiment import Experiment
from holdfast.models.uplift.fitted import FittedEffects
from holdfast.models.uplift.learner import OUTCOME, UPLIFT


@dataclass(frozen=True)
class TLearner:
    """Simple, and noisy: the noise of both models adds."""

    base: str = "ridge"

    @property
    def learner_id(self) -> str:
        return f"t_{self.base}"

    def fit(self, experiment: Experiment) -> FittedEffects:
        models = experiment.responses(OUTCOME[self.base])
        weights = np.eye(experiment.arms)
        weights[:, 0] -= 1.0
        return FittedEffects(self.learner_id, experiment.X.shape[1], models, weights, np.zeros(experiment.arms))


for _base in OUTCOME:
    UPLIFT.add(TLearner(_base).learner_id, TLearner(_base))
