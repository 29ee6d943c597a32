"""What an uplift learner is, and where all of them are found."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from holdfast.core.registry import Registry
from holdfast.models.uplift.experiment import Experiment
from holdfast.models.uplift.fitted import FittedEffects
from holdfast.models.uplift.regressor import Regression
from holdfast.models.uplift.ridge import Ridge
from holdfast.models.uplift.trees import Boosting

__all__ = ["EFFECT", "OUTCOME", "UPLIFT", "UpliftLearner"]

#: How an outcome is learnt, by the name of the base.
OUTCOME: dict[str, Regression] = {"ridge": Ridge(), "lightgbm": Boosting()}
#: How an effect is learnt: of that there is less, so that its trees are fewer, smaller and on larger leaves.
EFFECT: dict[str, Regression] = {
    "ridge": Ridge(),
    "lightgbm": Boosting(rounds=40, leaves=4, learning_rate=0.08, leaf_share=0.04, rare_in_leaf=15.0, l2=20.0),
}


@runtime_checkable
class UpliftLearner(Protocol):
    """A frozen configuration that learns effects from an experiment."""

    @property
    def learner_id(self) -> str:
        """Its name, in snake case."""

    def fit(self, experiment: Experiment) -> FittedEffects:
        """Learn; the same experiment gives the same bytes."""


#: Learners by id. A new one is a file in `holdfast/models/uplift/` that registers itself here.
UPLIFT: Registry[UpliftLearner] = Registry("uplift learner", "holdfast.models.uplift")
