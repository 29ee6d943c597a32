"""X-learner: what each customer's outcome differs from the other arm's model, learnt again (Künzel et al. 2019, section 3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from holdfast.models.uplift.experiment import Experiment
from holdfast.models.uplift.fitted import FittedEffects
from holdfast.models.uplift.learner import EFFECT, OUTCOME, UPLIFT
from holdfast.models.uplift.regressor import Regressor


@dataclass(frozen=True)
class XLearner:
    """Good where one arm is much larger: the effect learnt in the small arm leans on the model of the large one.

    The two effects are weighed by the arms' mean propensities. The other arm's outcome is predicted for each customer
    by models that did not see the customer.
    """

    base: str = "ridge"

    @property
    def learner_id(self) -> str:
        return f"x_{self.base}"

    def fit(self, experiment: Experiment) -> FittedEffects:
        said, arm, outcome = experiment.unseen(OUTCOME[self.base]), experiment.arm, experiment.outcome
        share, base = experiment.propensity.mean(axis=0), EFFECT[self.base]
        models: list[Regressor] = []
        weights = np.zeros((experiment.arms, 2 * (experiment.arms - 1)))
        untreated = np.flatnonzero(arm == 0)
        for one in range(1, experiment.arms):
            treated = np.flatnonzero(arm == one)
            models.append(base.fit(experiment, untreated, said[untreated, one] - outcome[untreated]))
            models.append(base.fit(experiment, treated, outcome[treated] - said[treated, 0]))
            of_treated = share[0] / (share[0] + share[one])
            weights[one, len(models) - 2 :][:2] = share[one] / (share[0] + share[one]), of_treated
        return FittedEffects(self.learner_id, experiment.X.shape[1], tuple(models), weights, np.zeros(experiment.arms))


for _base in OUTCOME:
    UPLIFT.add(XLearner(_base).learner_id, XLearner(_base))
