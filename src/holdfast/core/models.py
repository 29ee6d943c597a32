"""What a model is: a frozen configuration that fits, and a frozen fit that predicts."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from holdfast.core.registry import Registry
from holdfast.core.tables import FeatureTable, Outcomes, Predictions


@runtime_checkable
class Fitted(Protocol):
    """A model that has learnt. Holds no customers; saved without pickle."""

    @property
    def model_id(self) -> str:
        """The id of the model that learnt it."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The feature columns it reads, in order."""

    def predict(self, features: FeatureTable) -> Predictions:
        """One prediction per row; refuses features other than `columns`."""

    def contributions(self, features: FeatureTable) -> tuple[float, NDArray[np.float64]]:
        """(baseline, rows x columns) in log-odds of churn; their sum is the logit of the uncalibrated p_churn."""

    def to_bytes(self) -> bytes:
        """The fit as bytes, readable by any later version."""

    @classmethod
    def from_bytes(cls, data: bytes) -> Fitted:
        """The same fit back."""


@runtime_checkable
class Model(Protocol):
    """A frozen dataclass of hyper-parameters; the configuration is the object."""

    model_id: ClassVar[str]

    def fit(
        self, features: FeatureTable, outcomes: Outcomes, *, sequences: Any = None, assignments: Any = None
    ) -> Fitted:
        """Learn from rows whose label windows have closed."""


#: Model classes by model_id. A new model is one new file in `holdfast/models/` that registers itself here.
MODELS: Registry[type[Model]] = Registry("model", "holdfast.models")
#: The class that reads a fit back, by model_id.
FITTED: Registry[type[Fitted]] = Registry("fitted model", "holdfast.models")
