"""What customers are grouped and told apart by: features, on a scale on which distances mean something, with words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.tables import FeatureTable
from holdfast.core.text import Text

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Measure:
    """One feature that segments are made of. `high` and `low` are what more or less of it is called; `said` tells it.

    `unit` is money, days, share, count or ratio: how a number of it is written.
    """

    name: str
    unit: str
    said: Text
    high: Text
    low: Text
    logarithm: bool = True


#: Few, near to what a shop can act on, none the double of another. The share of orders at weekends is left out: with one
#: order it is 0 or 1, and makes a segment of chance.
MEASURES: tuple[Measure, ...] = (
    Measure(
        "gap_days_shrunken", "days", Text("orders every {value} days", "每{value}天下单一次"),
        Text("seldom", "低频"), Text("frequent", "高频"),
    ),
    Measure(
        "order_count", "count", Text("orders so far: {value}", "至今{value}笔订单"),
        Text("many orders", "订单多"), Text("few orders", "订单少"),
    ),
    Measure(
        "days_since_last_order", "days", Text("last order {value} days ago", "上次下单在{value}天前"),
        Text("silent", "沉默"), Text("fresh", "近期活跃"),
    ),
    Measure(
        "T", "days", Text("a customer for {value} days", "成为客户{value}天"),
        Text("long-standing", "老客户"), Text("young", "新近客户"),
    ),
    Measure(
        "basket_value", "money", Text("{value} an order", "每单{value}"),
        Text("big baskets", "大单"), Text("small baskets", "小单"),
    ),
    Measure(
        "unit_price", "money", Text("{value} a unit", "单价{value}"),
        Text("dear goods", "高价商品"), Text("cheap goods", "低价商品"),
    ),
    Measure(
        "discount_share", "share", Text("{value} of the price discounted", "价格优惠{value}"),
        Text("on deals", "偏好优惠"), Text("full price", "全价"), False,
    ),
    Measure(
        "category_count", "count", Text("categories bought: {value}", "购买过{value}个类别"),
        Text("broad", "品类广"), Text("narrow", "品类窄"),
    ),
    Measure(
        "session_count_90d", "count", Text("visits in 90 days: {value}", "90天内访问{value}次"),
        Text("browsing", "常浏览"), Text("seldom browsing", "少浏览"),
    ),
    Measure(
        "refund_share", "share", Text("{value} of spending refunded", "退款占消费{value}"),
        Text("returning goods", "常退货"), Text("no returns", "无退货"), False,
    ),
    Measure(
        "store_share_180d", "share", Text("{value} of acts in a store", "门店行为占{value}"),
        Text("store", "门店"), Text("online", "线上"), False,
    ),
    Measure(
        "app_share_180d", "share", Text("{value} of acts in the app", "应用内行为占{value}"),
        Text("app", "应用"), Text("no app", "不用应用"), False,
    ),
)  # fmt: skip
_WIDEST = 3.0
#: A measure that hardly varies tells nobody apart.
_SAME = 0.95


@dataclass(frozen=True, eq=False)
class Scaler:
    """From features to standardised columns: logarithm where skewed, median for what is not known, clipped at 3 sd."""

    measures: tuple[Measure, ...]
    middle: Floats
    mean: Floats
    sd: Floats

    @classmethod
    def fit(cls, table: FeatureTable) -> Scaler:
        """Keep the measures that this history has and that vary."""
        kept, middle, mean, sd = [], [], [], []
        for one in MEASURES:
            if one.name not in table.names:
                continue
            values = _curved(table.column(one.name).astype(np.float64), one)
            known = values[np.isfinite(values)]
            if len(known) < 0.5 * len(values) or not len(known) or _alike(known):
                continue
            filled = np.where(np.isfinite(values), values, np.median(known))
            kept.append(one)
            middle.append(float(np.median(known)))
            mean.append(float(filled.mean()))
            sd.append(float(filled.std()))
        return cls(tuple(kept), np.array(middle), np.array(mean), np.array(sd))

    def columns(self, table: FeatureTable) -> Floats:
        """customers x measures, standardised."""
        made = np.empty((len(table), len(self.measures)))
        for j, one in enumerate(self.measures):
            values = _curved(table.column(one.name).astype(np.float64), one)
            filled = np.where(np.isfinite(values), values, self.middle[j])
            made[:, j] = np.clip((filled - self.mean[j]) / self.sd[j], -_WIDEST, _WIDEST)
        return made


def _curved(values: Floats, measure: Measure) -> Floats:
    return np.log1p(np.maximum(values, 0)) if measure.logarithm else values


def _alike(known: Floats) -> bool:
    _, counts = np.unique(known, return_counts=True)
    return bool(known.std() < 1e-9 or counts.max() >= _SAME * len(known))


@dataclass(frozen=True)
class Difference:
    """How one measure sets a segment apart: difference of means in standard deviations, and the medians."""

    measure: Measure
    size: float
    inside: float
    outside: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        word = self.measure.high if self.size > 0 else self.measure.low
        return {
            "feature": self.measure.name, "size": self.size, "inside": self.inside, "outside": self.outside,
            "unit": self.measure.unit, "word": {"en": word.en, "zh": word.zh},
            "said": {"en": self.measure.said.en, "zh": self.measure.said.zh},
        }  # fmt: skip


def differences(
    scaler: Scaler, table: FeatureTable, inside: NDArray[np.bool_], *, least: float = 0.4, most: int = 4
) -> list[Difference]:
    """What sets these customers apart from the rest, the largest difference first, in original units."""
    if not inside.any() or inside.all():
        return []
    scaled = scaler.columns(table)
    size = scaled[inside].mean(axis=0) - scaled[~inside].mean(axis=0)
    found = []
    for j in np.argsort(-np.abs(size), kind="stable")[:most]:
        if abs(size[j]) < least:
            break
        values = table.column(scaler.measures[j].name).astype(np.float64)
        ends = [_middle(values[inside]), _middle(values[~inside])]
        if scaler.measures[j].unit == "share" or ends[0] == ends[1]:  # medians of rare things are all 0
            ends = [_mean(values[inside]), _mean(values[~inside])]
        found.append(Difference(scaler.measures[j], float(size[j]), *ends))
    return found


def _middle(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else 0.0


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else 0.0


def name_segments(found: Sequence[Sequence[Difference]]) -> list[tuple[str, Text]]:
    """A short name for each segment, all different: its two largest differences, more where two would be alike.

    The name is an id (`frequent-big_baskets`), the text says it in each language.
    """
    names: list[tuple[str, Text]] = []
    taken: set[str] = set()
    for place, one in enumerate(found):
        words = [d.measure.high if d.size > 0 else d.measure.low for d in one] or [Text("average", "一般")]
        for count in range(min(2, len(words)), len(words) + 1):
            slug = "-".join(word.en.replace(" ", "_") for word in words[:count])
            if slug not in taken:
                break
        else:
            count, slug = len(words), f"{slug}-{place + 1}"
        taken.add(slug)
        title = Text(", ".join(w.en for w in words[:count]), "、".join(w.zh for w in words[:count]))
        names.append((slug, title))
    return names
