"""The mean of several learners: what they err in differently falls out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from holdfast.models.uplift.experiment import Experiment
from holdfast.models.uplift.fitted import FittedEffects
from holdfast.models.uplift.learner import UPLIFT


@dataclass(frozen=True)
class MeanLearner:
    """Learners of different kinds, each with the same weight."""

    of: tuple[str, ...] = ("s_lightgbm", "x_lightgbm", "dr_lightgbm", "x_ridge")
    learner_id: str = "mean_learner"

    def fit(self, experiment: Experiment) -> FittedEffects:
        return mean_of(self.learner_id, tuple(experiment.fitted(UPLIFT[one]) for one in self.of))


def mean_of(learner_id: str, fits: tuple[FittedEffects, ...]) -> FittedEffects:
    """Fits of the same arms and columns as one, whose effects are the mean of theirs."""
    return FittedEffects(
        learner_id, fits[0].columns, tuple(model for one in fits for model in one.models),
        np.hstack([one.weights for one in fits]) / len(fits), np.mean([one.offset for one in fits], axis=0),
    )  # fmt: skip


UPLIFT.add("mean_learner", MeanLearner())
