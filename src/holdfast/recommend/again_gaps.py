"""How long customers wait before they buy the same item again, and whether they ever do.

A purchase is followed by another of the same item with chance `rate` (a mixture cure model: Boag 1949; Farewell 1982), and
then after a lognormal wait. Items are shrunk to the shop, a customer's own waits to the item's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.recommend.again_purchases import Ints, Purchases, days_apart

Floats = NDArray[np.float64]
#: Two orders within half a day are one occasion.
SHORTEST = 0.5
#: Purchases by which an item's own rate outweighs the shop's.
RATE_PURCHASES = 10.0
ROUNDS = 20
#: Where the shop has no gap at all: a month, give or take a factor of e.
NO_GAPS = (float(np.log(30.0)), 1.0)


@dataclass(frozen=True, eq=False)
class Gaps:
    """Per item `log_gap` (mean log days, shrunk), `count` (gaps seen) and `rate` (chance of ever buying again, shrunk).

    `within` is the variance of log gaps of one customer and item, `between` that of customers' means around the item's;
    `faith` is how many repeats a customer's own rate is worth.
    """

    log_gap: Floats = field(repr=False)
    count: Ints = field(repr=False)
    rate: Floats = field(repr=False)
    within: float
    between: float
    faith: float

    def chance(self, item: Ints, gaps: Ints, mean_log: Floats, since: Floats, horizon: float) -> Floats:
        """Chance that a customer buys the item in the next `horizon` days, `since` days after it last did.

        `gaps` and `mean_log` (0 where there are none) are its own gaps of that item.
        """
        from scipy.special import ndtr

        weight, prior = gaps / self.within, 1.0 / self.between
        mean = (weight * mean_log + prior * self.log_gap[item]) / (weight + prior)
        spread = np.sqrt(self.within + 1.0 / (weight + prior))
        rate = (self.faith * self.rate[item] + gaps) / (self.faith + gaps)
        since = np.maximum(since, 0.0)
        by_now = ndtr((np.log(np.maximum(since, 1e-9)) - mean) / spread)
        by_then = ndtr((np.log(since + horizon) - mean) / spread)
        found: Floats = rate * (by_then - by_now) / np.maximum(1.0 - rate * by_now, 1e-12)
        return np.clip(found, 0.0, 1.0)


def own_gaps(bought: Purchases) -> tuple[Ints, Floats]:
    """Of each (customer, item) pair: how many gaps, and their mean log days (0 without)."""
    gap, later = days_apart(bought)
    pairs = int(bought.starts.sum())
    count = np.bincount(bought.pair[later], minlength=pairs).astype(np.int64)
    total = np.bincount(bought.pair[later], np.log(np.maximum(gap, SHORTEST)), minlength=pairs)
    return count, total / np.maximum(count, 1)


def fit_gaps(bought: Purchases, items: int) -> Gaps:
    """Gaps of all customers pooled. Gaps that are still open lengthen nothing but count against the rate by their age.

    >>> from holdfast.core.clock import Cutoff
    >>> from holdfast.core.interactions import tiny_interactions
    >>> from holdfast.recommend.again_purchases import purchases
    >>> rows = {f"c{i}": [(70, "tea"), (42, "tea"), (14, "tea"), (60, "sofa")] for i in range(20)}
    >>> found = fit_gaps(purchases(tiny_interactions(rows, Cutoff.parse("2024-01-10"))), 2)
    >>> np.exp(found.log_gap).round().tolist(), found.rate.round(2).tolist()
    ([28.0, 28.0], [0.25, 0.95])
    """
    gap, later = days_apart(bought)
    log = np.log(np.maximum(gap, SHORTEST))
    which = bought.item[later]
    count = np.bincount(which, minlength=items).astype(np.int64)
    overall = float(log.mean()) if len(log) else NO_GAPS[0]
    within, between, across = _variances(log, bought.pair[later], which, count)
    own = np.bincount(which, log, minlength=items) / np.maximum(count, 1)
    # an item's mean is as sure as its customers are many; its gaps are treated as of different customers
    sure = count / (within + between)
    log_gap = (sure * own + overall / across) / (sure + 1.0 / across)
    rate, faith = _rates(bought, log_gap, within + between, items)
    return Gaps(log_gap, count, rate, within, between, faith)


def _variances(log: Floats, pair: Ints, item: Ints, count: Ints) -> tuple[float, float, float]:
    """Variances by moments: within one customer and item, between customers of an item, between items."""
    if len(log) < 3:
        return NO_GAPS[1], NO_GAPS[1], NO_GAPS[1]
    within = _inside(log, pair)
    near = _inside(log, item)  # of all gaps of an item: within plus between
    across = float(np.var(log)) - near
    least = 1e-2  # waits are never known to the hour
    within = max(min(within, near), least)
    return within, max(near - within, 0.1 * within), max(across, 0.05 * (within + least))


def _inside(log: Floats, group: Ints) -> float:
    """Pooled variance around the mean of each group; of everything where no group has two."""
    n = np.bincount(group)
    mean = np.bincount(group, log) / np.maximum(n, 1)
    free = int((n[n > 0] - 1).sum())
    return float(np.square(log - mean[group]).sum() / free) if free else float(np.var(log))


def _rates(bought: Purchases, log_gap: Floats, variance: float, items: int) -> tuple[Floats, float]:
    """Chance of ever buying again, by EM: an open purchase is still to be followed or never will be."""
    from scipy.special import ndtr

    last = np.ones(len(bought.starts), bool)
    last[:-1] = bought.starts[1:]
    item, age = bought.item[last], np.maximum(bought.days[last], SHORTEST)
    seen = ndtr((np.log(age) - log_gap[item]) / np.sqrt(variance))
    followed = np.bincount(bought.item[~last], minlength=items)
    total = np.bincount(bought.item, minlength=items)
    shop = float(followed.sum() / max(total.sum(), 1))
    rate = np.full(items, shop)
    for _ in range(ROUNDS):
        waiting = rate[item] * (1 - seen)
        still = np.bincount(item, waiting / np.maximum(1 - rate[item] * seen, 1e-12), minlength=items)
        shop = float((followed + still).sum() / max(total.sum(), 1))
        rate = np.clip((followed + still + RATE_PURCHASES * shop) / (total + RATE_PURCHASES), 1e-4, 0.999)
    return rate, _faith(bought, last)


def _faith(bought: Purchases, last: Any) -> float:
    """Repeats that a customer's own rate is worth: from how much likelier a second repeat is than a first."""
    first = bought.starts
    second = np.zeros(len(first), bool)
    second[1:] = first[:-1] & ~first[1:]
    if not first.any() or not second.any():
        return 4.0
    one, two = float((~last[first]).mean()), float((~last[second]).mean())
    return float(np.clip((1 - two) / max(two - one, 1e-6), 1.0, 50.0))
