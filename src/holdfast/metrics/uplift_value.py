"""What a policy would have been worth on logged treatments: doubly robust (AIPW), with its standard error.

    score[i, a] = predicted[i, a] + 1{arm[i] = a} / propensity[i, a] x (outcome[i] - predicted[i, a])

The mean of `score[i, choice[i]]` is the value of the policy per customer (Dudík, Langford & Li 2011); its influence
function is the score less the mean, which gives the standard error. With logged propensities it is unbiased whatever the
predictions are; good predictions, made by models that did not see the customer, only make it narrower.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import UsageError

Floats = NDArray[np.float64]
#: Standard errors on either side of a 95% interval.
Z = 1.959964


@dataclass(frozen=True, slots=True)
class PolicyValue:
    """Mean outcome per customer under a policy (or the difference of two), in outcome units, with its standard error."""

    value: float
    standard_error: float
    n: int

    @property
    def low(self) -> float:
        """Of the 95% interval."""
        return self.value - Z * self.standard_error

    @property
    def high(self) -> float:
        return self.value + Z * self.standard_error

    @classmethod
    def of(cls, each: Floats) -> PolicyValue:
        """From one number for each customer; under two customers the error is NaN.

        >>> PolicyValue.of(np.array([1.0, 3.0])).value
        2.0
        """
        n = len(each)
        if not n:
            return cls(float("nan"), float("nan"), 0)
        error = float(each.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
        return cls(float(each.mean()), error, n)


def scores(outcome: Any, arm: Any, propensity: Any, predicted: Any = None) -> Floats:
    """Doubly robust scores, customers x arms; without predictions inverse propensity weights alone.

    `propensity` is one chance for each arm, or for each customer and arm. Raises `UsageError` where somebody got an arm
    that could not be given.

    >>> scores([1.0, 0.0], [0, 1], [0.5, 0.5], [[1.0, 0.0], [1.0, 0.0]]).tolist()
    [[1.0, 0.0], [1.0, 0.0]]
    """
    y, given = np.asarray(outcome, np.float64), np.asarray(arm, np.int64)
    chance = np.asarray(propensity, np.float64)
    chance = np.broadcast_to(chance, (len(y), chance.shape[-1]))
    said = np.zeros(chance.shape) if predicted is None else np.asarray(predicted, np.float64)
    at = np.arange(len(y))
    own = chance[at, given]
    if len(y) and not own.min() > 0:
        raise UsageError("somebody got an arm whose propensity is 0", remedy="log the propensities that were used")
    found = said.copy()
    found[at, given] += (y - said[at, given]) / own
    return found


def policy_value(
    outcome: Any,
    arm: Any,
    propensity: Any,
    choice: Any,
    predicted: Any = None,
    *,
    against: Any = None,
    cost: Any = None,
) -> PolicyValue:
    """The mean outcome if everybody got their `choice`, or by how much that beats the choice `against` on the same customers.

    `choice` and `against` are one arm for each customer, or one for all. `predicted` (customers x arms) must come from
    models that did not see the customer. `cost` per arm is taken off. The difference is paired: where both
    choices agree, nothing adds to its error.

    >>> found = policy_value([1.0, 0.0, 1.0, 0.0], [1, 0, 1, 0], [0.5, 0.5], 1, against=0)
    >>> found.value
    1.0
    """
    each = scores(outcome, arm, propensity, predicted)
    if cost is not None:
        each = each - np.asarray(cost, np.float64)
    return value_of(each, choice, against)


def value_of(each: Floats, choice: Any, against: Any = None) -> PolicyValue:
    """The same from scores that are there already."""
    at = np.arange(len(each))
    mine = each[at, np.broadcast_to(np.asarray(choice, np.int64), len(each))]
    if against is not None:
        mine = mine - each[at, np.broadcast_to(np.asarray(against, np.int64), len(each))]
    return PolicyValue.of(mine)
