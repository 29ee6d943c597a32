"""What the purchase process says of spend: expected orders (buy till you die) x value of an order (Gamma-Gamma).

The process is fitted to everybody who ever ordered, as of each cutoff, and enters as learned columns; the value model
`btyd_gamma_gamma` reads them and learns nothing but the level.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.core.clock import NO_GAP, Duration, Horizon
from holdfast.core.errors import HoldfastError
from holdfast.core.tables import FeatureColumn, FeatureTable, Key, Outcomes
from holdfast.core.text import Text
from holdfast.models.clv.registry import (
    CEILING,
    VALUE_FITTED,
    VALUE_MODELS,
    balance,
    row_weights,
    spend_of,
    weighted_mean,
)
from holdfast.models.pack import pack, require_rows, unpack

Floats = NDArray[np.float64]
COLUMN = "btyd_expected_spend"
_SPEND = FeatureColumn(
    COLUMN, "currency", "", "no order before the cutoff, or too few customers to learn from", "btyd",
    Text("{value} expected from the purchase rhythm", "按购买节奏预计消费{value}"),
)  # fmt: skip


def spend_columns(
    histories: FeatureTable, key: Key, horizon: Horizon, gap: Duration = NO_GAP, *, model: str | None = None
) -> FeatureTable:
    """`btyd_expected_spend` for the rows of `key`: spend in the horizon, as of each cutoff, from that day's histories.

    `histories` has frequency, t_x, T and monetary_value of everybody who ever ordered. `model` names a purchase model;
    None: the one that the likelihood chooses. NaN where nothing can be fitted.
    """
    values = np.full((len(key), 1), np.nan, np.float32)
    for cutoff in key.cutoffs:
        rows = np.flatnonzero(key.at([cutoff]))
        here = histories.at([cutoff])
        place = pc.index_in(key.take(rows).customer_id, value_set=here.key.customer_id).fill_null(-1)
        where = place.to_numpy(zero_copy_only=False).astype(np.int64)
        said = _spend_at(here, horizon, gap, model)
        values[rows[where >= 0], 0] = said[where[where >= 0]]
    return FeatureTable(key, (_SPEND,), values)


def _spend_at(here: FeatureTable, horizon: Horizon, gap: Duration, model: str | None) -> Floats:
    from holdfast.models.btyd.choose import CHOOSABLE, choose_purchase_model, learnable
    from holdfast.models.btyd.gamma_gamma import GammaGamma
    from holdfast.models.btyd.purchase import PURCHASE_MODELS
    from holdfast.models.btyd.summary import PurchaseSummary

    try:
        summary = PurchaseSummary.from_features(here)
        fit = (
            choose_purchase_model(summary, CHOOSABLE, simulate=False).fit
            if model is None
            else PURCHASE_MODELS[model]().fit(learnable(summary))
        )
        orders = fit.expected_orders(summary, horizon, gap)
        repeat, money = (here.column(one).astype(np.float64) for one in ("frequency", "monetary_value"))
        value = GammaGamma().fit(repeat, money).expected_value(repeat, money)
    except HoldfastError:
        return np.full(len(here), np.nan)
    return np.asarray(orders * value)


@dataclass(frozen=True)
class PurchaseSpendFit:
    """The column times a level; rows without it get `typical`."""

    model_id: str
    columns: tuple[str, ...]
    horizon: Horizon
    level: float
    typical: float
    ceiling: float

    def predict(self, features: FeatureTable) -> Floats:
        """Mean spend of each row over the horizon, currency units."""
        said = features.column(self.columns[0]).astype(np.float64)
        known = np.where(np.isfinite(said), said * self.level, self.typical)
        return np.clip(known, 0.0, self.ceiling)

    def to_bytes(self) -> bytes:
        return pack(
            self.model_id, horizon=str(self.horizon), columns=list(self.columns), level=self.level,
            typical=self.typical, ceiling=self.ceiling,
        )  # fmt: skip

    @classmethod
    def from_bytes(cls, data: bytes) -> PurchaseSpendFit:
        saved = unpack(data)
        numbers = [float(saved[name]) for name in ("level", "typical", "ceiling")]
        return cls(saved["kind"], tuple(saved["columns"]), Horizon.parse(saved["horizon"]), *numbers)


@dataclass(frozen=True)
class PurchaseSpend:
    """Buy till you die x Gamma-Gamma; with `balanced` its sum is set right on closed slices, otherwise taken as it is."""

    model_id: ClassVar[str] = "btyd_gamma_gamma"
    balanced: bool = True
    half_life_days: float = 90.0

    def fit(self, features: FeatureTable, outcomes: Outcomes, *, weights: Floats | None = None) -> PurchaseSpendFit:
        require_rows(outcomes, self.model_id)
        spend, weight = spend_of(outcomes), row_weights(features, self.half_life_days, weights)
        known = np.isfinite(features.column(COLUMN).astype(np.float64))
        typical = weighted_mean(spend[~known], weight[~known]) if (~known).any() else weighted_mean(spend, weight)
        start = PurchaseSpendFit(
            self.model_id, (COLUMN,), outcomes.horizon, 1.0, typical, max(CEILING * float(spend.max()), 0.0)
        )
        if not self.balanced or not known.any():
            return start
        said = start.predict(features)[known]
        return replace(start, level=balance(spend[known], said, weight[known]))


VALUE_MODELS.add(PurchaseSpend.model_id, PurchaseSpend)
VALUE_FITTED.add(PurchaseSpend.model_id, PurchaseSpendFit)
