"""How many orders to expect: P(an order) x (1 + how many more, given one), so that it never contradicts p_churn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.tables import FeatureTable, Slices
from holdfast.models.clv.boost import Boosting, Trees, fit_trees
from holdfast.models.columns import customer_columns, slice_weights

Floats = NDArray[np.float64]
#: Nobody is expected to order so many times more often than anybody in training did.
_MOST = 2.0


@dataclass(frozen=True)
class OrdersFit:
    """Poisson trees of the orders after the first one within the horizon, of those who order."""

    more: Trees
    most: float

    def predict(self, features: FeatureTable, p_churn: Floats) -> Floats:
        """Mean orders of each row in the horizon; at least 1 - p_churn, equal to it where nobody orders twice."""
        again = np.clip(self.more.predict(features), 0.0, self.most)
        return np.asarray((1.0 - p_churn) * (1.0 + again))

    def as_dict(self) -> dict[str, Any]:
        return {"more": self.more.as_dict(), "most": self.most}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> OrdersFit:
        return cls(Trees.from_dict(saved["more"]), float(saved["most"]))


def fit_orders(slices: Slices, *, half_life_days: float = 90.0, boosting: Boosting | None = None) -> OrdersFit:
    """Learn from slices whose label windows have closed."""
    came = slices.take(slices.outcomes.orders > 0)
    again = (came.outcomes.orders - 1).astype(np.float64)
    weight = slice_weights(came.features.key.cutoff, half_life_days)
    weight = weight if came.weights is None else weight * came.weights
    columns = customer_columns(slices.features)
    trees = fit_trees("poisson", boosting or Boosting(), came.features, columns, again, weight)
    return OrdersFit(trees, _MOST * float(again.max(initial=0.0)))
