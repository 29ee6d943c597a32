"""Gradient-boosted trees (LightGBM), small and deterministic: finds the bends a linear model cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Horizon
from holdfast.core.models import FITTED, MODELS
from holdfast.core.tables import FeatureTable, Outcomes, Predictions
from holdfast.models.columns import customer_columns, slice_weights
from holdfast.models.logit import sigmoid
from holdfast.models.pack import pack, require_rows, unpack

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LightGbmFit:
    """Trees as LightGBM's own text."""

    model_id: str
    columns: tuple[str, ...]
    horizon: Horizon
    trees: str

    @cached_property
    def _booster(self) -> Any:
        import lightgbm

        return lightgbm.Booster(model_str=self.trees)

    def predict(self, features: FeatureTable) -> Predictions:
        """p_churn of each row; refuses a table that lacks a column it was fitted on."""
        score = self._booster.predict(self._rows(features), raw_score=True, num_threads=1)
        return Predictions(features.key, self.horizon, self.model_id, sigmoid(np.asarray(score)))

    def contributions(self, features: FeatureTable) -> tuple[float, Floats]:
        """Exact Shapley values of the trees in log-odds (Lundberg et al. 2020); the baseline is the mean score."""
        parts = np.asarray(self._booster.predict(self._rows(features), pred_contrib=True, num_threads=1))
        baseline = float(parts[0, -1]) if len(parts) else 0.0
        return baseline, parts[:, : len(self.columns)].reshape(len(features), len(self.columns))

    def to_bytes(self) -> bytes:
        return pack(self.model_id, horizon=str(self.horizon), columns=list(self.columns), trees=self.trees)

    @classmethod
    def from_bytes(cls, data: bytes) -> LightGbmFit:
        saved = unpack(data)
        return cls(saved["kind"], tuple(saved["columns"]), Horizon.parse(saved["horizon"]), saved["trees"])

    def _rows(self, features: FeatureTable) -> Floats:
        return rows_for_trees(features, self.columns)


def rows_for_trees(features: FeatureTable, columns: Sequence[str]) -> Floats:
    """The columns as LightGBM reads them: infinity is missing, and where no column tells anything there is one of zeros."""
    rows = np.asarray(features.select(columns).values, np.float64)
    return np.where(np.isinf(rows), np.nan, rows) if rows.shape[1] else np.zeros((len(rows), 1))


@dataclass(frozen=True)
class LightGbm:
    """Few small trees with large leaves: with a few thousand customers, bigger ones memorise them."""

    model_id: ClassVar[str] = "lightgbm"
    rounds: int = 150
    leaves: int = 4
    learning_rate: float = 0.05
    min_rows_in_leaf: int = 200
    column_share: float = 0.15
    l2: float = 10.0
    half_life_days: float = 90.0
    threads: int = 1
    seed: int = 1

    def fit(
        self, features: FeatureTable, outcomes: Outcomes, *, sequences: Any = None, assignments: Any = None,
        weights: NDArray[np.float64] | None = None,
    ) -> LightGbmFit:  # fmt: skip
        import lightgbm

        require_rows(outcomes, self.model_id)
        columns = customer_columns(features)
        rows = rows_for_trees(features, columns)
        weight = slice_weights(features.key.cutoff, self.half_life_days) * (1.0 if weights is None else weights)
        parameters = self._parameters(len(rows))
        data = lightgbm.Dataset(rows, outcomes.churned.astype(np.float64), weight=weight, params=parameters)
        booster = lightgbm.train(parameters, data, num_boost_round=self.rounds)
        return LightGbmFit(self.model_id, columns, outcomes.horizon, booster.model_to_string())

    def _parameters(self, rows: int) -> dict[str, Any]:
        return {
            "objective": "binary", "num_leaves": self.leaves, "learning_rate": self.learning_rate,
            "min_data_in_leaf": min(self.min_rows_in_leaf, max(5, rows // 50)), "feature_fraction": self.column_share, "lambda_l2": self.l2,
            "max_bin": 63, "bin_construct_sample_cnt": 20_000, "deterministic": True, "force_row_wise": True, "num_threads": self.threads,
            "seed": self.seed, "verbosity": -1, "feature_pre_filter": False,
        }  # fmt: skip


MODELS.add(LightGbm.model_id, LightGbm)
FITTED.add(LightGbm.model_id, LightGbmFit)
