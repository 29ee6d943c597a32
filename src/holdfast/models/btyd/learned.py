"""Churn models that say what a purchase model says: P(no order in the horizon), read from its learned column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Horizon
from holdfast.core.models import FITTED, MODELS
from holdfast.core.tables import FeatureTable, Outcomes, Predictions
from holdfast.models.logit import logit, sigmoid
from holdfast.models.pack import pack, require_rows, unpack


@dataclass(frozen=True)
class ColumnFit:
    """The column as it is; `typical` (log-odds) for rows without it, and as the baseline of contributions."""

    model_id: str
    columns: tuple[str, ...]
    horizon: Horizon
    typical: float

    def predict(self, features: FeatureTable) -> Predictions:
        return Predictions(features.key, self.horizon, self.model_id, sigmoid(self._log_odds(features)))

    def contributions(self, features: FeatureTable) -> tuple[float, NDArray[np.float64]]:
        """The average training row in log-odds, and how far each row lies from it."""
        return self.typical, (self._log_odds(features) - self.typical)[:, None]

    def _log_odds(self, features: FeatureTable) -> NDArray[np.float64]:
        said = features.column(self.columns[0]).astype(np.float64)
        return np.where(np.isnan(said), self.typical, logit(said))

    def to_bytes(self) -> bytes:
        return pack(self.model_id, horizon=str(self.horizon), columns=list(self.columns), typical=self.typical)

    @classmethod
    def from_bytes(cls, data: bytes) -> ColumnFit:
        saved = unpack(data)
        return cls(saved["kind"], tuple(saved["columns"]), Horizon.parse(saved["horizon"]), float(saved["typical"]))


@dataclass(frozen=True)
class PurchaseColumn:
    """The model of the same name, through `<model_id>_p_no_order` of `columns.btyd_columns`. It learns nothing itself.

    Rows without the column (never ordered, or a shop too thin) get the mean of the others, and where there are no
    others the share that churned.
    """

    model_id: ClassVar[str]

    def fit(
        self, features: FeatureTable, outcomes: Outcomes, *, sequences: Any = None, assignments: Any = None,
        weights: NDArray[np.float64] | None = None,
    ) -> ColumnFit:  # fmt: skip
        require_rows(outcomes, self.model_id)
        name = f"{self.model_id}_p_no_order"
        said = features.column(name).astype(np.float64)
        weight = np.ones(len(said)) if weights is None else weights
        known = ~np.isnan(said) & (weight > 0)
        if known.any():
            typical = float(np.average(logit(said[known]), weights=weight[known]))
        else:
            churned = (float(weight @ outcomes.churned) + 1) / (float(weight.sum()) + 2)
            typical = float(logit(np.array([churned]))[0])
        return ColumnFit(self.model_id, (name,), outcomes.horizon, typical)


@MODELS.register("btyd")
@dataclass(frozen=True)
class Btyd(PurchaseColumn):
    """The purchase model that the likelihood chose at each cutoff."""

    model_id: ClassVar[str] = "btyd"


@MODELS.register("nbd")
@dataclass(frozen=True)
class NbdColumn(PurchaseColumn):
    """NBD: gamma-distributed order rates, nobody leaves."""

    model_id: ClassVar[str] = "nbd"


@MODELS.register("bg_nbd")
@dataclass(frozen=True)
class BgNbdColumn(PurchaseColumn):
    """BG/NBD. P(no order), not 1 - P(alive), which calls every one-time buyer alive."""

    model_id: ClassVar[str] = "bg_nbd"


@MODELS.register("mbg_nbd")
@dataclass(frozen=True)
class MbgNbdColumn(PurchaseColumn):
    """MBG/NBD: one may leave after any order."""

    model_id: ClassVar[str] = "mbg_nbd"


@MODELS.register("pareto_nbd")
@dataclass(frozen=True)
class ParetoNbdColumn(PurchaseColumn):
    """Pareto/NBD: one may leave at any time."""

    model_id: ClassVar[str] = "pareto_nbd"


for _model in (Btyd, NbdColumn, BgNbdColumn, MbgNbdColumn, ParetoNbdColumn):
    FITTED.add(_model.model_id, ColumnFit)
