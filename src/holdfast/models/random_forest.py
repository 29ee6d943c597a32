"""A random forest (Breiman 2001): many big trees on resampled rows and columns, averaged; steady where boosting is nervous.

LightGBM grows it (`boosting=rf`), so it takes seconds and its fit is text. The forest averages probabilities; its
Shapley values are therefore shares of a probability. They are mapped onto log-odds by one factor for each row,
(logit p - logit mean) / (p - mean), so that they add up exactly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Horizon
from holdfast.core.models import FITTED, MODELS
from holdfast.core.tables import FeatureTable, Outcomes, Predictions
from holdfast.models.columns import customer_columns, slice_weights
from holdfast.models.lightgbm import LightGbmFit, rows_for_trees
from holdfast.models.logit import logit
from holdfast.models.pack import pack, require_rows, unpack

Floats = NDArray[np.float64]
#: No forest is surer than this: a leaf of fifty churners does not prove a certainty.
_EDGE = 0.002


@dataclass(frozen=True)
class ForestFit(LightGbmFit):
    """Trees as LightGBM's own text; each leaf holds how far its churn rate lies from `rate`, that of everybody."""

    rate: float = 0.5

    def predict(self, features: FeatureTable) -> Predictions:
        """p_churn of each row: the mean churn rate of its leaves."""
        apart = np.asarray(self._booster.predict(self._rows(features), num_threads=1), np.float64)
        return Predictions(features.key, self.horizon, self.model_id, np.clip(self.rate + apart, _EDGE, 1 - _EDGE))

    def contributions(self, features: FeatureTable) -> tuple[float, Floats]:
        """Exact Shapley values of the mean churn rate, stretched for each row so that they add up in log-odds."""
        rows = self._rows(features)
        told = np.asarray(self._booster.predict(rows, num_threads=1), np.float64)
        parts = np.asarray(self._booster.predict(rows, pred_contrib=True, num_threads=1), np.float64)
        parts = parts.reshape(len(features), -1)[:, : len(self.columns)]
        apart = parts.sum(axis=1)
        # the mean of the trees is what a row's columns do not explain: LightGBM's own misses trees without a split
        mean = float(np.clip(self.rate + (told[0] - apart[0] if len(told) else 0.0), _EDGE, 1 - _EDGE))
        baseline = float(logit(np.array([mean]))[0])
        rise = logit(np.clip(self.rate + told, _EDGE, 1 - _EDGE)) - baseline
        flat = np.full(len(features), 1.0 / (mean * (1 - mean)))
        return baseline, parts * np.divide(rise, apart, out=flat, where=np.abs(apart) > 1e-9)[:, None]

    def to_bytes(self) -> bytes:
        return pack(
            self.model_id, horizon=str(self.horizon), columns=list(self.columns), trees=self.trees, rate=self.rate
        )  # fmt: skip

    @classmethod
    def from_bytes(cls, data: bytes) -> ForestFit:
        saved = unpack(data)
        horizon = Horizon.parse(saved["horizon"])
        return cls(saved["kind"], tuple(saved["columns"]), horizon, saved["trees"], saved["rate"])


@dataclass(frozen=True)
class RandomForest:
    """Trees on half of the rows, a few random columns at each split, leaves large enough to hold a rate."""

    model_id: ClassVar[str] = "random_forest"
    trees: int = 100
    leaves: int = 64
    min_rows_in_leaf: int = 50
    row_share: float = 0.5
    column_share: float = 0.1
    half_life_days: float = 90.0
    seed: int = 1

    def light(self) -> RandomForest:
        """Fewer trees: what resampling asks for."""
        return replace(self, trees=min(self.trees, 30))

    def fit(
        self, features: FeatureTable, outcomes: Outcomes, *, sequences: Any = None, assignments: Any = None,
        weights: Floats | None = None,
    ) -> ForestFit:  # fmt: skip
        import lightgbm

        require_rows(outcomes, self.model_id)
        columns = customer_columns(features)
        rows = rows_for_trees(features, columns)
        weight = slice_weights(features.key.cutoff, self.half_life_days) * (1.0 if weights is None else weights)
        parameters = self._parameters(len(rows))
        rate = float((weight @ outcomes.churned + 0.5) / (weight.sum() + 1.0))
        data = lightgbm.Dataset(rows, outcomes.churned - rate, weight=weight, params=parameters)
        booster = lightgbm.train(parameters, data, num_boost_round=self.trees)
        return ForestFit(self.model_id, columns, outcomes.horizon, booster.model_to_string(), rate)

    def _parameters(self, rows: int) -> dict[str, Any]:
        return {
            "objective": "regression", "boosting": "rf", "boost_from_average": False, "bagging_freq": 1, "bagging_fraction": self.row_share,
            "feature_fraction_bynode": self.column_share, "num_leaves": self.leaves,
            "min_data_in_leaf": min(self.min_rows_in_leaf, max(5, rows // 50)), "max_bin": 63,
            "bin_construct_sample_cnt": 20_000, "deterministic": True, "force_row_wise": True, "num_threads": 1,
            "seed": self.seed, "verbosity": -1, "feature_pre_filter": False,
        }  # fmt: skip


MODELS.add(RandomForest.model_id, RandomForest)
FITTED.add(RandomForest.model_id, ForestFit)
