"""The sequence encoder's own forecast, and all features together with what the encoder made of the events.

Both read learned columns (family `sequence`) that `holdfast.encoder.columns` made; this file needs no torch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Horizon
from holdfast.core.errors import UsageError
from holdfast.core.models import FITTED, MODELS
from holdfast.core.tables import FeatureTable, Outcomes, Predictions
from holdfast.models.columns import customer_columns
from holdfast.models.linear import LinearFit, fit_linear
from holdfast.models.logit import logit, sigmoid
from holdfast.models.pack import pack, require_rows, unpack

Floats = NDArray[np.float64]
#: The column that holds the encoder's P(no order in the horizon).
P_CHURN = "sequence_p_churn"
_EDGE = 1e-6


@dataclass(frozen=True)
class SequenceFit:
    """Says what the encoder said. `usual` is the mean log-odds of the training rows, and the answer where it is silent."""

    model_id: str
    horizon: Horizon
    usual: float
    columns: tuple[str, ...] = (P_CHURN,)

    def predict(self, features: FeatureTable) -> Predictions:
        """p_churn as the encoder gave it; refuses a table without its column."""
        return Predictions(features.key, self.horizon, self.model_id, sigmoid(self._logits(features)))

    def contributions(self, features: FeatureTable) -> tuple[float, Floats]:
        """The usual log-odds, and how far each customer's lie from them."""
        return self.usual, (self._logits(features) - self.usual)[:, None]

    def _logits(self, features: FeatureTable) -> Floats:
        said = _said(features, self.model_id)
        return np.where(np.isnan(said), self.usual, logit(said, _EDGE))

    def to_bytes(self) -> bytes:
        return pack(self.model_id, horizon=str(self.horizon), usual=self.usual)

    @classmethod
    def from_bytes(cls, data: bytes) -> SequenceFit:
        saved = unpack(data)
        return cls(saved["kind"], Horizon.parse(saved["horizon"]), float(saved["usual"]))


@dataclass(frozen=True)
class Sequence:
    """The encoder's P(no order in the horizon) as it is: the encoder has learnt already, only from before each cutoff."""

    model_id: ClassVar[str] = "sequence"

    def fit(
        self, features: FeatureTable, outcomes: Outcomes, *, sequences: Any = None, assignments: Any = None,
        weights: Floats | None = None,
    ) -> SequenceFit:  # fmt: skip
        require_rows(outcomes, self.model_id)
        said = _said(features, self.model_id)
        _same_horizon(features, outcomes.horizon)
        known = ~np.isnan(said)
        rate = (float(outcomes.churned.sum()) + 1) / (len(outcomes) + 2)  # where no encoder could be taught at all
        usual = float(logit(said[known], _EDGE).mean()) if known.any() else float(logit(np.array([rate]))[0])
        return SequenceFit(self.model_id, outcomes.horizon, usual)


@dataclass(frozen=True)
class SequenceFeatures:
    """The penalised logistic regression over all features and all columns of the encoder."""

    model_id: ClassVar[str] = "sequence_features"
    l2: float = 100.0
    half_life_days: float = 90.0

    def fit(
        self, features: FeatureTable, outcomes: Outcomes, *, sequences: Any = None, assignments: Any = None,
        weights: Floats | None = None,
    ) -> LinearFit:  # fmt: skip
        _said(features, self.model_id)
        columns = customer_columns(as_features(features))
        return fit_linear(
            self.model_id, columns, features, outcomes,
            l2=self.l2, half_life_days=self.half_life_days, weights=weights,
        )  # fmt: skip


def as_features(features: FeatureTable) -> FeatureTable:
    """The same table with the encoder's columns as plain features, so that any model sweeps them in."""
    columns = tuple(
        replace(one, family="sequence_features") if one.family == "sequence" else one for one in features.columns
    )
    return replace(features, columns=columns)


def _same_horizon(features: FeatureTable, horizon: Horizon) -> None:
    """The column names the horizon it speaks of, where it was made by an encoder; another one cannot be asked of it."""
    told = features.columns[features.names.index(P_CHURN)].window
    if told and told != str(horizon):
        raise UsageError(
            f"{P_CHURN} is the forecast of {told}, and {horizon} is asked", remedy=f"teach the encoders with {horizon}"
        )


def _said(features: FeatureTable, model_id: str) -> Floats:
    if P_CHURN not in features.names:
        raise UsageError(
            f"{model_id} needs the column {P_CHURN!r}, which this table lacks",
            remedy="join what holdfast.encoder.columns.sequence_columns makes (extra deep), or leave the model out",
        )
    return np.asarray(features.column(P_CHURN), np.float64)


MODELS.add(Sequence.model_id, Sequence)
FITTED.add(Sequence.model_id, SequenceFit)
MODELS.add(SequenceFeatures.model_id, SequenceFeatures)
FITTED.add(SequenceFeatures.model_id, LinearFit)
