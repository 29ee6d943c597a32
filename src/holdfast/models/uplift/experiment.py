"""What learners learn from: who was treated how, with which chance, and what came of it.

Learners that need the same groundwork (outcome models for each arm, the same for customers a model has not seen) share
it: it is learnt when first asked for and kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import TooLittleData, UsageError
from holdfast.models.uplift.regressor import Floats, Regression, Regressor, Said
from holdfast.models.uplift.ridge import centre_of, standardised
from holdfast.models.uplift.trees import Bins

if TYPE_CHECKING:
    from holdfast.models.uplift.fitted import FittedEffects
    from holdfast.models.uplift.learner import UpliftLearner as Learner

#: An arm with fewer customers cannot be learnt from.
FEWEST = 10
#: Folds in which the outcomes of customers are predicted by models that did not see them.
FOLDS = 2


@dataclass(frozen=True, eq=False)
class Experiment:
    """Randomised (or logged) treatments: `X` customers x columns, `arm` 0 = nothing, `outcome`, `propensity` customers x arms.

    Good outcomes are large. A vector of propensities is the same for every customer; none at all means the arms' shares.
    `rows` are places in the data that `bins` holds. Raises `UsageError` where shapes or numbers make no sense and
    `TooLittleData` where an arm has fewer than 10 customers.

    >>> one = Experiment.of(np.zeros((40, 1)), np.arange(40) % 2, np.arange(40.0))
    >>> one.arms, one.propensity[0].tolist()
    (2, [0.5, 0.5])
    """

    X: Floats
    arm: NDArray[np.int64]
    outcome: Floats
    propensity: Floats
    rows: NDArray[np.int64]
    bins: Bins
    seed: int = 1
    _learnt: dict[Any, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, X: Any, arm: Any, outcome: Any, propensity: Any = None, *, arms: int = 0, seed: int = 1) -> Experiment:
        """Checked and put in shape."""
        X, outcome = np.asarray(X, np.float64), np.asarray(outcome, np.float64)
        given = np.asarray(arm, np.int64)
        _check(X, given, outcome)
        arms = arms or int(given.max()) + 1
        counts = np.bincount(given, minlength=arms)
        if len(counts) > arms or counts.min() < FEWEST:
            raise TooLittleData(
                f"the arms have {', '.join(f'{one:,}' for one in counts)} customers; each of {arms} needs {FEWEST}",
                remedy="leave out arms that were hardly given, or wait for more customers",
            )
        chance = _propensities(counts / len(given) if propensity is None else propensity, len(given), arms)
        if not (chance[np.arange(len(given)), given] > 0).all():
            raise UsageError("somebody got an arm whose propensity is 0", remedy="log the propensities that were used")
        return cls(X, given, outcome, chance, np.arange(len(given)), Bins(X, given, arms), seed)

    def __len__(self) -> int:
        return len(self.arm)

    @property
    def arms(self) -> int:
        return int(self.propensity.shape[1])

    def take(self, rows: NDArray[np.int64]) -> Experiment:
        """Some of the customers, in the order they stand in; the binning is shared, what was learnt is not."""
        at = np.sort(rows)
        return Experiment(
            self.X[at], self.arm[at], self.outcome[at], self.propensity[at], self.rows[at], self.bins, self.seed
        )

    @cached_property
    def centre(self) -> tuple[Floats, Floats]:
        return centre_of(self.X)

    @cached_property
    def standard(self) -> Floats:
        return standardised(self.X, *self.centre)

    @cached_property
    def rare_share(self) -> float:
        """Share of customers whose outcome is not the most usual one: small where few buy."""
        return 1.0 - float(np.unique(self.outcome, return_counts=True)[1].max()) / len(self)

    @cached_property
    def fold(self) -> NDArray[np.int64]:
        """A fold for each customer, even within each arm."""
        return even_parts(self.arm, FOLDS, self.seed)

    def fitted(self, learner: Learner) -> FittedEffects:
        """The learner, fitted once however often it is asked for."""
        if learner not in self._learnt:
            self._learnt[learner] = learner.fit(self)
        fit: FittedEffects = self._learnt[learner]
        return fit

    def responses(self, base: Regression) -> tuple[Regressor, ...]:
        """One model of the outcome for each arm."""
        if base not in self._learnt:
            self._learnt[base] = _by_arm(base, self, np.ones(len(self), bool))
        return tuple(self._learnt[base])

    def unseen(self, base: Regression) -> Floats:
        """Customers x arms: the outcome each arm would bring, said by models that did not see the customer."""
        key = ("unseen", base)
        if key not in self._learnt:
            said = np.zeros((len(self), self.arms))
            for one in range(FOLDS):
                models, of = _by_arm(base, self, self.fold != one), self.fold == one
                said[of] = Said(self.X[of]).by(models)
            self._learnt[key] = said
        return np.asarray(self._learnt[key])


def outcomes_said(experiment: Experiment, bases: tuple[Regression, ...], said: Said) -> Floats:
    """Customers x arms: the outcome each arm would bring by models of the experiment, the mean over the bases."""
    return np.asarray(np.mean([said.by(experiment.responses(one)) for one in bases], axis=0), np.float64)


def even_parts(arm: NDArray[np.int64], parts: int, seed: int) -> NDArray[np.int64]:
    """A part for each customer, drawn so that each part holds its share of every arm.

    >>> np.bincount(even_parts(np.zeros(10, int), 2, seed=1)).tolist()
    [5, 5]
    """
    random = np.random.default_rng([seed, 41])
    found = np.zeros(len(arm), np.int64)
    order = random.permutation(len(arm))
    order = order[np.argsort(arm[order], kind="stable")]
    found[order] = np.arange(len(arm)) % parts
    return found


def _by_arm(base: Regression, experiment: Experiment, seen: NDArray[np.bool_]) -> tuple[Regressor, ...]:
    rows = [np.flatnonzero(seen & (experiment.arm == one)) for one in range(experiment.arms)]
    return tuple(base.fit(experiment, of, experiment.outcome[of]) for of in rows)


def _check(X: Floats, arm: NDArray[np.int64], outcome: Floats) -> None:
    if X.ndim != 2 or not len(X) == len(arm) == len(outcome):
        raise UsageError(f"X {X.shape}, arm {arm.shape} and outcome {outcome.shape} do not belong together")
    if not len(arm) or arm.min() < 0:
        raise UsageError("arms are numbers from 0 (nothing), one for each customer")
    if not np.isfinite(outcome).all():
        raise UsageError("an outcome is missing or infinite", remedy="leave such customers out, or count them as 0")


def _propensities(given: Any, rows: int, arms: int) -> Floats:
    chance = np.asarray(given, np.float64)
    chance = np.broadcast_to(chance, (rows, arms)) if chance.shape in ((arms,), (rows, arms)) else chance
    if chance.shape != (rows, arms) or not np.isfinite(chance).all() or chance.min() < 0 or chance.max() > 1:
        raise UsageError(
            f"propensities of shape {chance.shape} for {rows:,} customers and {arms} arms",
            remedy="one chance between 0 and 1 for each arm, or for each customer and arm",
        )
    return chance
