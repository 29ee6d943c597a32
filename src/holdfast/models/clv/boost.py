"""Small deterministic trees behind the value models: one objective, one target, a ceiling on what they may say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.tables import FeatureTable
from holdfast.models.clv.registry import weighted_mean

Floats = NDArray[np.float64]
#: Trees whose answer is the exponential of their score.
_LOG_LINK = frozenset({"tweedie", "gamma", "poisson"})


@dataclass(frozen=True)
class Boosting:
    """Few small trees with large leaves, as in `models.lightgbm`."""

    rounds: int = 80
    leaves: int = 8
    learning_rate: float = 0.08
    min_rows_in_leaf: int = 200
    column_share: float = 0.3
    l2: float = 10.0
    threads: int = 1
    seed: int = 1

    def parameters(self, objective: str, rows: int) -> dict[str, Any]:
        """As LightGBM wants them."""
        return {
            "objective": objective, "num_leaves": self.leaves, "learning_rate": self.learning_rate,
            "min_data_in_leaf": min(self.min_rows_in_leaf, max(5, rows // 50)), "feature_fraction": self.column_share,
            "lambda_l2": self.l2, "max_bin": 63, "bin_construct_sample_cnt": 20_000, "deterministic": True,
            "force_row_wise": True, "num_threads": self.threads, "seed": self.seed, "verbosity": -1,
            "feature_pre_filter": False,
        }  # fmt: skip


@dataclass(frozen=True)
class Trees:
    """Trees as LightGBM's own text, in units of `scale`; with no text, everybody gets `constant`."""

    columns: tuple[str, ...]
    objective: str
    constant: float
    scale: float = 1.0
    text: str = ""

    @cached_property
    def _booster(self) -> Any:
        import lightgbm

        return lightgbm.Booster(model_str=self.text)

    def predict(self, features: FeatureTable) -> Floats:
        """The mean of each row (for `binary` a probability); refuses a table that lacks a column."""
        rows = np.asarray(features.select(self.columns).values, np.float64)
        if not self.text:
            return np.full(len(features), self.constant)
        if not len(features):
            return np.zeros(0)
        return np.asarray(self._booster.predict(rows, num_threads=1), np.float64) * self.scale

    def as_dict(self) -> dict[str, Any]:
        return {
            "columns": list(self.columns), "objective": self.objective, "constant": self.constant,
            "scale": self.scale, "text": self.text,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Trees:
        return cls(
            tuple(saved["columns"]), saved["objective"], float(saved["constant"]), float(saved["scale"]), saved["text"]
        )


def fit_trees(
    objective: str, boosting: Boosting, features: FeatureTable, columns: tuple[str, ...], target: Floats,
    weight: Floats, *, fewest: int = 20, **more: Any,
) -> Trees:  # fmt: skip
    """Trees of `target` (>= 0) under a LightGBM objective; a constant where fewer than `fewest` rows are above 0.

    Money is divided by its mean first: LightGBM keeps targets as float32, and its step sizes assume numbers near 1.
    """
    mean = weighted_mean(target, weight)
    told = int((target > 0).sum())
    if told < fewest or not columns or (objective == "binary" and told > len(target) - fewest):
        return Trees(columns, objective, mean)
    import lightgbm

    scale = mean if objective in _LOG_LINK else 1.0
    rows = np.asarray(features.select(columns).values, np.float64)
    parameters = boosting.parameters(objective, len(rows)) | more
    data = lightgbm.Dataset(rows, target / scale, weight=weight, params=parameters)
    booster = lightgbm.train(parameters, data, num_boost_round=boosting.rounds)
    return Trees(columns, objective, mean, scale, booster.model_to_string())
