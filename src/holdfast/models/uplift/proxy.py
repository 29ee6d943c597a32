"""The two shortcuts that shops take for uplift: treat who buys most, or treat who is most likely to leave.

Both know the mean effect of each arm and nothing of who is changed; a learner that does not beat them has learnt nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from holdfast.metrics.uplift_value import scores
from holdfast.models.uplift.experiment import Experiment
from holdfast.models.uplift.fitted import FittedEffects
from holdfast.models.uplift.learner import OUTCOME, UPLIFT
from holdfast.models.uplift.regressor import Floats


@dataclass(frozen=True)
class ResponseProxy:
    """The effect grows with the outcome expected if nothing is done: "our best customers answer best"."""

    base: str = "ridge"
    learner_id: str = "response_proxy"

    def fit(self, experiment: Experiment) -> FittedEffects:
        model = experiment.responses(OUTCOME[self.base])[0]
        level = float(model.predict(experiment.X).mean())
        effect = mean_effects(experiment, self.base)
        if abs(level) < 1e-12:
            return FittedEffects(self.learner_id, experiment.X.shape[1], (), np.zeros((experiment.arms, 0)), effect)
        weights, offset = (effect / level)[:, None], np.zeros(experiment.arms)
        return FittedEffects(self.learner_id, experiment.X.shape[1], (model,), weights, offset)


@dataclass(frozen=True)
class ChurnProxy:
    """The effect grows as the outcome expected if nothing is done falls: "save who is about to leave"."""

    base: str = "ridge"
    learner_id: str = "churn_proxy"

    def fit(self, experiment: Experiment) -> FittedEffects:
        model = experiment.responses(OUTCOME[self.base])[0]
        said = model.predict(experiment.X)
        best = float(np.quantile(said, 0.99))
        missed = best - float(said.mean())
        effect = mean_effects(experiment, self.base)
        if missed < 1e-12:
            return FittedEffects(self.learner_id, experiment.X.shape[1], (), np.zeros((experiment.arms, 0)), effect)
        weights, offset = (-effect / missed)[:, None], effect * best / missed
        return FittedEffects(self.learner_id, experiment.X.shape[1], (model,), weights, offset)


def mean_effects(experiment: Experiment, base: str) -> Floats:
    """The mean effect of each arm over nothing, doubly robust."""
    said = experiment.unseen(OUTCOME[base])
    mean = scores(experiment.outcome, experiment.arm, experiment.propensity, said).mean(axis=0)
    return np.asarray(mean - mean[0], np.float64)


UPLIFT.add("response_proxy", ResponseProxy())
UPLIFT.add("churn_proxy", ChurnProxy())
