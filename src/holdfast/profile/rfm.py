"""Recency, frequency and money in a grid of five by five by five, and what the cells are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.text import Text

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
_PARTS = 5

#: Groups of the grid, best first: by recency, and by the mean of frequency and money.
GROUPS: dict[str, Text] = {
    "champions": Text("Champions: ordered lately, order often, spend much", "核心客户：近期购买、频繁且消费高"),
    "loyal": Text("Loyal: order often, still in touch", "忠诚客户：频繁购买，保持联系"),
    "promising": Text("Promising: ordered lately, not often yet", "潜力客户：近期购买，次数尚少"),
    "recent": Text("Recent: ordered lately, little so far", "近期客户：近期购买，累计尚少"),
    "need_attention": Text("Need attention: middling, growing silent", "需要关注：表现中等，逐渐沉默"),
    "cannot_lose": Text("Cannot lose: were among the best, silent for long", "不可流失：曾属最佳，沉默已久"),
    "at_risk": Text("At risk: good customers, silent for long", "有流失风险：优质客户，沉默已久"),
    "fading": Text("Fading: little so far, growing silent", "渐行渐远：累计较少，逐渐沉默"),
    "hibernating": Text("Hibernating: little so far, silent for long", "休眠客户：累计较少，沉默已久"),
}


@dataclass(frozen=True, eq=False)
class Scale:
    """Scores 1 to 5 of one measure: fifths of the customers it was fitted to, by their mean rank.

    Equal values get equal scores, so a fifth may be larger or smaller than its share; a shop in which everybody is
    alike scores everybody 3. Later values are scored by where they would have stood.
    """

    values: Floats
    middle: Floats  # mean rank as a share, 0 to 1, of each different value

    @classmethod
    def fit(cls, values: Floats) -> Scale:
        """Fit to the known values (NaN is left out).

        >>> Scale.fit(np.array([1.0, 1, 1, 2, 9])).score(np.array([1.0, 2, 3, 9, np.nan])).tolist()
        [2, 4, 4, 5, 0]
        """
        known = values[np.isfinite(values)]
        different, counts = np.unique(known, return_counts=True)
        before = np.cumsum(counts) - counts
        return cls(different, (before + counts / 2) / max(len(known), 1))

    def score(self, values: Floats) -> Whole:
        """1 to 5 for each value, 0 where it is not known."""
        if not len(self.values):
            return np.zeros(len(values), np.int64)
        at = np.interp(np.nan_to_num(values, nan=self.values[0]), self.values, self.middle)
        found = np.minimum(1 + np.floor(at * _PARTS + 1e-9), _PARTS).astype(np.int64)
        return np.where(np.isfinite(values), found, 0)


@dataclass(frozen=True, eq=False)
class Grid:
    """The fitted grid: fit once, and earlier or later customers can be put into the same cells."""

    recency: Scale
    frequency: Scale
    money: Scale

    @classmethod
    def fit(cls, silence: Floats, orders: Floats, revenue: Floats) -> Grid:
        """`silence`: days since the last order; `orders` and `revenue` within the window."""
        return cls(Scale.fit(-silence), Scale.fit(orders), Scale.fit(revenue))

    def scores(self, silence: Floats, orders: Floats, revenue: Floats) -> NDArray[np.int64]:
        """customers x (R, F, M), each 1 to 5; 0 where not known."""
        parts = (self.recency.score(-silence), self.frequency.score(orders), self.money.score(revenue))
        return np.column_stack(parts)


def cells(scores: NDArray[np.int64]) -> list[str | None]:
    """`543` is recency 5, frequency 4, money 3; None where the customer never ordered.

    >>> cells(np.array([[5, 4, 3], [0, 1, 1]]))
    ['543', None]
    """
    return ["".join(map(str, row)) if min(row) > 0 else None for row in scores.tolist()]


def groups(scores: NDArray[np.int64]) -> list[str | None]:
    """The name of each customer's part of the grid.

    >>> groups(np.array([[5, 5, 5], [1, 1, 2], [2, 5, 5], [0, 1, 1]]))
    ['champions', 'hibernating', 'cannot_lose', None]
    """
    recency, worth = scores[:, 0], scores[:, 1:].mean(axis=1)
    much, some = worth >= 3.5, worth >= 2.5
    late, middle = recency >= 4, recency == 3
    rules: list[tuple[Any, str]] = [
        (scores.min(axis=1) == 0, ""),
        (late & (recency == 5) & much, "champions"), (late & much, "loyal"), (late & some, "promising"), (late, "recent"),
        (middle & much, "loyal"), (middle & some, "need_attention"), (middle, "fading"),
        (worth >= 4.5, "cannot_lose"), (some, "at_risk"),
    ]  # fmt: skip
    found = np.select([rule for rule, _ in rules], [name for _, name in rules], "hibernating")
    return [str(name) or None for name in found.tolist()]


def tiers(revenue: Floats, bounds: Mapping[str, float] | None = None) -> list[str | None]:
    """Value tiers by the share of all revenue: `top` brings the first half, `high` the next 30%, `middle` 15%, `low` the rest.

    Equal spending is the same tier; who spent nothing (or of whom nothing is known) has none.

    >>> tiers(np.array([500.0, 300, 100, 60, 40, 0]))
    ['top', 'high', 'middle', 'middle', 'low', None]
    """
    limits = bounds or {"top": 0.5, "high": 0.8, "middle": 0.95}
    spent = np.where(np.isfinite(revenue) & (revenue > 0), revenue, 0.0)
    _, where = np.unique(spent, return_inverse=True)
    by_value = np.bincount(where, spent)
    above = (by_value[::-1].cumsum()[::-1] - by_value) / max(float(spent.sum()), 1e-12)  # brought by who spent more
    share = above[where]
    found = np.select([share < limit - 1e-12 for limit in limits.values()], list(limits), "low")
    return [name if money > 0 else None for name, money in zip(found.tolist(), spent.tolist(), strict=True)]


def aipl(reached: Floats, looked: Floats, order_days: Floats) -> list[str]:
    """Aware, interest, purchase, loyal: how far a customer has come within the window; `none` of it: out of touch.

    `loyal` ordered on two days or more. (Alibaba's consumer assets: awareness, interest, purchase, loyalty.)

    >>> aipl(np.array([1.0, 1, 1, 0, 0]), np.array([0.0, 2, 2, 0, 0]), np.array([0.0, 0, 1, 2, 0]))
    ['aware', 'interest', 'purchase', 'loyal', 'none']
    """
    rules = [order_days >= 2, order_days == 1, looked > 0, reached > 0]
    return [str(one) for one in np.select(rules, ["loyal", "purchase", "interest", "aware"], "none").tolist()]
