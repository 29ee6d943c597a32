"""The baseline of a labelled table: whatever the best single column says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.tables import FeatureTable, Outcomes
from holdfast.metrics.probability import log_loss
from holdfast.models.columns import customer_columns
from holdfast.models.linear import LinearFit, fit_linear

#: More rows do not choose the column better.
MOST_ROWS = 20_000


@dataclass(frozen=True)
class OneColumn:
    """Logistic regression on one column of the file (all levels of a category together).

    Which one: each is fitted on half of the training rows and judged by log loss on the other half.
    """

    model_id: ClassVar[str] = "one_column"
    l2: float = 1.0
    seed: int = 1

    def fit(
        self, features: FeatureTable, outcomes: Outcomes, *, sequences: Any = None, assignments: Any = None,
        weights: NDArray[np.float64] | None = None,
    ) -> LinearFit:  # fmt: skip
        able = set(customer_columns(features))
        families: dict[str, list[str]] = {}
        for column in features.columns:
            if column.name in able:
                families.setdefault(column.family, []).append(column.name)
        drawn = np.random.default_rng([self.seed, 5]).permutation(len(features))[:MOST_ROWS]
        half = np.arange(len(drawn)) < len(drawn) / 2
        few, known = features.take(drawn), outcomes.take(drawn)
        judged = {name: self._loss(columns, few, known, half) for name, columns in families.items()}
        best = min(judged, key=lambda name: judged[name]) if judged else None
        return self._fit(families[best] if best else [], features, outcomes)

    def _loss(self, columns: list[str], features: FeatureTable, outcomes: Outcomes, half: NDArray[np.bool_]) -> float:
        fitted = self._fit(columns, features.take(half), outcomes.take(half))
        return float(log_loss(outcomes.churned[~half], fitted.predict(features.take(~half)).p_churn))

    def _fit(self, columns: list[str], features: FeatureTable, outcomes: Outcomes) -> LinearFit:
        return fit_linear(self.model_id, columns, features, outcomes, l2=self.l2, half_life_days=0.0)
