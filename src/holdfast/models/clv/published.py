"""Everything needed to say what customers are worth: holds no customers itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Horizon
from holdfast.core.errors import UsageError
from holdfast.core.tables import FeatureTable
from holdfast.core.text import Text
from holdfast.models.clv.boost import Trees
from holdfast.models.clv.conformal import LEVELS, SpendIntervals
from holdfast.models.clv.horizon import Stretch
from holdfast.models.clv.level import Level
from holdfast.models.clv.orders import OrdersFit
from holdfast.models.clv.registry import VALUE_FITTED, ValueFitted
from holdfast.models.pack import pack, unpack

Floats = NDArray[np.float64]
_MARGIN = Text(
    "Value is margin: {margin} of revenue, discounted at {rate} a year. Both are assumed: set them under [value].",
    "客户价值指毛利：按收入的{margin}计，年贴现率{rate}。两者均为假设，可在 [value] 中修改。",
)
_MEAN = Text(
    "clv is a mean: most customers will bring less and a few far more. Its interval is for what one customer really brings.",
    "clv 是平均值：多数客户会低于它，少数远高于它。其区间针对单个客户的实际金额。",
)
_LEVEL = {
    "recent": Text(
        "The level was moved by {moved}: so much do the newest short windows lie above what closed slices say.",
        "总体水平调整了{moved}：最近的短窗口相对于已结束时刻的偏离程度。",
    ),
    "season": Text(
        "The level was moved by {moved}, from the same weeks of earlier years.",
        "总体水平调整了{moved}，依据往年同期。",
    ),
}
_BOUNDS = Text(
    "Beyond the learnt {learnt} the interval is stretched, not measured: below by what was learnt, above in proportion.",
    "超出所学的{learnt}部分，区间为外推而非实测：下限取所学期间，上限按比例放大。",
)


@dataclass(frozen=True)
class ValueForecast:
    """Row by row, in currency units. `clv` is discounted margin over the value horizon, `low` and `high` its 90% ends.

    `spend` is mean revenue over the learnt horizon, `expected_revenue` over the value horizon (no margin, no
    discount); `expected_orders` is over the churn horizon.
    """

    clv: Floats
    low: Floats
    high: Floats
    expected_revenue: Floats
    spend: Floats
    expected_orders: Floats | None = None


@dataclass(frozen=True)
class PublishedValue:
    """The chosen model with its level, its intervals and the way to the asked horizon."""

    fitted: ValueFitted
    order: Trees
    level: Level
    intervals: SpendIntervals
    stretch: Stretch
    margin_rate: float
    orders: OrdersFit | None = None

    @property
    def model_id(self) -> str:
        return self.fitted.model_id

    @property
    def horizon(self) -> Horizon:
        """Over which `clv` is counted."""
        return self.stretch.asked

    def predict(self, features: FeatureTable, p_churn: Floats | None = None, *, level: float = 0.9) -> ValueForecast:
        """What each row is worth. `p_churn` (of the churn horizon) is needed for `expected_orders`."""
        if level not in LEVELS:
            raise UsageError(f"no interval of level {level}", remedy=f"one of {', '.join(map(str, LEVELS))}")
        spend = self.fitted.predict(features) * self.level.factor
        low, high = self.spend_interval(features, spend, level)
        wide, first = self.margin_rate * self.stretch.discounted, self.margin_rate * self.stretch.first
        clv = wide * spend
        orders = None if self.orders is None or p_churn is None else self.orders.predict(features, p_churn)
        low, high = np.minimum(first * low, clv), np.maximum(wide * high, clv)
        return ValueForecast(clv, low, high, spend * self.stretch.spend, spend, orders)

    def median_spend(self, features: FeatureTable, spend: Floats) -> Floats:
        """The median of realised spend over the learnt horizon, for those who judge by absolute error."""
        return self.intervals.median(spend, self.p_order(features))

    def spend_interval(self, features: FeatureTable, spend: Floats, level: float = 0.9) -> tuple[Floats, Floats]:
        """Ends of the interval of realised spend over the learnt horizon."""
        return self.intervals.around(spend, self.p_order(features), level)

    def p_order(self, features: FeatureTable) -> Floats:
        """P(an order within the learnt horizon) of each row."""
        return np.clip(self.order.predict(features), 0.0, 1.0)

    @property
    def notes(self) -> tuple[Text, ...]:
        """What a reader must know beside the number."""
        said = [
            self.stretch.note,
            _filled(_MARGIN, margin=f"{self.margin_rate:.0%}", rate=f"{self.stretch.discount_rate:.0%}"),
        ]
        if self.level.kind in _LEVEL and abs(self.level.factor - 1) >= 0.005:
            said.append(_filled(_LEVEL[self.level.kind], moved=f"{self.level.factor - 1:+.0%}"))
        said.append(_MEAN)
        if self.stretch.kind != "closed":
            said.append(_filled(_BOUNDS, learnt=str(self.stretch.learnt)))
        return tuple(said)

    def to_bytes(self) -> bytes:
        stretch = {
            "asked": str(self.stretch.asked), "learnt": str(self.stretch.learnt), "retained": self.stretch.retained,
            "kind": self.stretch.kind, "discount_rate": self.stretch.discount_rate,
        }  # fmt: skip
        return pack(
            "published_value", model=json.loads(self.fitted.to_bytes()), order=self.order.as_dict(),
            level=self.level.as_dict(), intervals=self.intervals.as_dict(), stretch=stretch,
            margin_rate=self.margin_rate, orders=None if self.orders is None else self.orders.as_dict(),
        )  # fmt: skip

    @classmethod
    def from_bytes(cls, data: bytes) -> PublishedValue:
        saved = unpack(data)
        model, s = saved["model"], saved["stretch"]
        return cls(
            VALUE_FITTED[model["kind"]].from_bytes(json.dumps(model).encode()), Trees.from_dict(saved["order"]),
            Level.from_dict(saved["level"]), SpendIntervals.from_dict(saved["intervals"]),
            Stretch(
                Horizon.parse(s["asked"]), Horizon.parse(s["learnt"]), float(s["retained"]), s["kind"],
                float(s["discount_rate"]),
            ),
            float(saved["margin_rate"]), None if saved["orders"] is None else OrdersFit.from_dict(saved["orders"]),
        )  # fmt: skip


def _filled(text: Text, **words: Any) -> Text:
    return Text(text.en.format(**words), text.zh.format(**words))
