"""Expected shortfall: the money by which a customer is expected to fall short of the own usual spend.

    E[max(0, usual - spend) | what is known] = usual x E[share lost | what is known]

The share lost, max(0, 1 - spend / usual), lies between 0 and 1, so trees learn it by cross-entropy whatever the tail of
spend. Ranking by it is the best list of a given length for catching lost value, where a contact saves the same share of
everybody's (the optimum of E[lost x chance] picks the largest terms). It counts a customer who spends less without
leaving, which `usual x p_churn` does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.core.money import MONEY_SCALE
from holdfast.core.tables import FeatureTable, Slices
from holdfast.models.clv.boost import Boosting, Trees, fit_trees
from holdfast.models.columns import customer_columns, slice_weights
from holdfast.models.value import SpendFit

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ShortfallFit:
    """What customers usually spend, and trees of the share of it that will be missing; holds no customers."""

    spend: SpendFit
    share: Trees

    def expected(self, features: FeatureTable, season: float = 1.0) -> Floats:
        """Expected shortfall of each row over the horizon, currency units."""
        return self.spend.usual(features, season) * np.clip(self.share.predict(features), 0.0, 1.0)


def fit_shortfall(
    slices: Slices, spend: SpendFit | None = None, *, boosting: Boosting | None = None, half_life_days: float = 90.0
) -> ShortfallFit:
    """Learn from slices whose label windows have closed."""
    spend = spend or SpendFit.fit(slices)
    usual = spend.usual(slices.features)
    spent = slices.outcomes.revenue.astype(np.float64) / MONEY_SCALE
    share = np.clip(1.0 - spent / np.maximum(usual, 1e-9), 0.0, 1.0)
    weight = slice_weights(slices.features.key.cutoff, half_life_days)
    if slices.weights is not None:
        weight = weight * slices.weights
    small = boosting or Boosting(rounds=150, leaves=4, learning_rate=0.05, column_share=0.15)
    trees = fit_trees("cross_entropy", small, slices.features, customer_columns(slices.features), share, weight)
    return ShortfallFit(spend, trees)
