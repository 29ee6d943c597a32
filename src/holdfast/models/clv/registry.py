"""What a value model is: a frozen configuration that fits, and a frozen fit that says mean spend over a horizon.

The mean, not the typical: spend is 0 for many and large for few, so a mean is judged by its order, its level and its
calibration (`metrics.value`), never by absolute error.
"""

from __future__ import annotations

from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Horizon
from holdfast.core.errors import UsageError
from holdfast.core.money import MONEY_SCALE
from holdfast.core.registry import Registry
from holdfast.core.tables import FeatureTable, Outcomes
from holdfast.models.columns import slice_weights

Floats = NDArray[np.float64]
#: No customer is expected to spend more than so many times the most that any training row spent.
CEILING = 3.0
#: Below so many training rows with spend nothing is told apart: everybody gets the mean.
FEWEST_SPENDERS = 20
#: Money beyond this (currency units) is a damaged file, not a customer.
_SANE = 1e12


@runtime_checkable
class ValueFitted(Protocol):
    """A value model that has learnt. Holds no customers; saved without pickle."""

    @property
    def model_id(self) -> str:
        """The id of the model that learnt it."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The feature columns it reads."""

    @property
    def horizon(self) -> Horizon:
        """How far ahead the spend is."""

    def predict(self, features: FeatureTable) -> Floats:
        """Mean spend of each row over the horizon, currency units, >= 0; refuses a table that lacks a column."""

    def to_bytes(self) -> bytes:
        """The fit as bytes, readable by any later version."""

    @classmethod
    def from_bytes(cls, data: bytes) -> ValueFitted:
        """The same fit back."""


@runtime_checkable
class ValueModel(Protocol):
    """A frozen dataclass of hyper-parameters; the configuration is the object."""

    model_id: ClassVar[str]

    def fit(self, features: FeatureTable, outcomes: Outcomes, *, weights: Floats | None = None) -> ValueFitted:
        """Learn from rows whose label windows have closed."""


#: Value models by id. A new one is one new file in `holdfast/models/clv/` that registers itself here.
VALUE_MODELS: Registry[type[ValueModel]] = Registry("value model", "holdfast.models.clv")
#: The class that reads a value fit back, by model id.
VALUE_FITTED: Registry[type[ValueFitted]] = Registry("fitted value model", "holdfast.models.clv")


def spend_of(outcomes: Outcomes) -> Floats:
    """Revenue of each row in currency units; refuses what no shop can have taken.

    >>> from holdfast.checks.model import world
    >>> float(spend_of(world().outcomes).max())
    25.0
    """
    spend = outcomes.revenue.astype(np.float64) / MONEY_SCALE
    if len(spend) and (not np.isfinite(spend).all() or spend.min() < 0 or spend.max() > _SANE):
        raise UsageError(
            f"spend in the horizon lies between {spend.min():.4g} and {spend.max():.4g}",
            remedy="revenue of purchases is between 0 and a trillion: check prices and quantities of the import",
        )
    return spend


def row_weights(features: FeatureTable, half_life_days: float, weights: Floats | None) -> Floats:
    """How much each row counts: newer slices more, times weights of its own."""
    return slice_weights(features.key.cutoff, half_life_days) * (1.0 if weights is None else weights)


def weighted_mean(values: Floats, weights: Floats) -> float:
    """0 over nothing.

    >>> weighted_mean(np.array([1.0, 3.0]), np.array([1.0, 1.0]))
    2.0
    """
    total = float(weights.sum())
    return float(values @ weights / total) if total > 0 else 0.0


def balance(spend: Floats, said: Floats, weights: Floats) -> float:
    """What the forecasts of the training rows must be multiplied by to sum to what was spent, from 0.1 to 10.

    Trees held down by penalties stop short of the heaviest spenders, so their sum falls short as well.

    >>> balance(np.array([0.0, 4.0]), np.array([1.0, 1.0]), np.ones(2))
    2.0
    """
    said_total = weighted_mean(said, weights)
    return float(np.clip(weighted_mean(spend, weights) / said_total, 0.1, 10.0)) if said_total > 0 else 1.0
