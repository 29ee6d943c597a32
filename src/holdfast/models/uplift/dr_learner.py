"""DR-learner: a regression of doubly robust scores, whose mean is the effect if either the outcome models or the
propensities are right (Kennedy 2023, "Towards optimal doubly robust estimation of heterogeneous causal effects").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from holdfast.metrics.uplift_value import scores
from holdfast.models.uplift.experiment import Experiment
from holdfast.models.uplift.fitted import FittedEffects
from holdfast.models.uplift.learner import EFFECT, OUTCOME, UPLIFT


@dataclass(frozen=True)
class DrLearner:
    """Outcome models are cross-fitted, so that a customer's score does not lean on a model that saw them."""

    base: str = "ridge"

    @property
    def learner_id(self) -> str:
        return f"dr_{self.base}"

    def fit(self, experiment: Experiment) -> FittedEffects:
        said = experiment.unseen(OUTCOME[self.base])
        each = scores(experiment.outcome, experiment.arm, experiment.propensity, said)
        everybody = np.arange(len(experiment))
        models = tuple(
            EFFECT[self.base].fit(experiment, everybody, each[:, one] - each[:, 0]) for one in range(1, experiment.arms)
        )
        weights = np.vstack([np.zeros(experiment.arms - 1), np.eye(experiment.arms - 1)])
        return FittedEffects(self.learner_id, experiment.X.shape[1], models, weights, np.zeros(experiment.arms))


for _base in OUTCOME:
    UPLIFT.add(DrLearner(_base).learner_id, DrLearner(_base))
