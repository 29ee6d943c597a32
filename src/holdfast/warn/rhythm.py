"""Each customer's own rhythm: the distribution of the next gap between orders, shrunk to the shop's.

Gaps of one customer are gamma with a shape that the whole shop shares and a rate of the customer's own; rates vary over
customers as another gamma. So the next gap, given `count` own gaps that add to `total` days, is a scaled beta prime:

    gap / (b + total) ~ BetaPrime(shape, a + count x shape)

with closed quantiles. A customer without a gap has the shop's distribution; each own gap moves it (Platzer & Reutterer
2016 use the same gamma gaps; the three numbers are fitted by maximum marginal likelihood over everybody's gaps).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.core.errors import UsageError

Floats = NDArray[np.float64]
#: A customer is within the own rhythm below the first quantile of the next gap, and past it beyond the second.
WITHIN, PAST = 0.80, 0.95
#: With fewer gaps than this the shop's prior is not fitted but assumed: about a gap every two months.
LEAST_GAPS = 50
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Rhythm:
    """The shop's distribution of gaps: `shape` of one customer's, `a` and `b` of the rates over customers (days).

    >>> shop = Rhythm(shape=1.0, a=3.0, b=120.0)
    >>> [round(float(shop.quantile(0.8, count, total)), 1) for count, total in ((0, 0.0), (9, 90.0))]
    [85.2, 30.1]
    """

    shape: float
    a: float
    b: float
    gaps: int = 0

    @property
    def assumed(self) -> bool:
        """Whether there were too few gaps to learn it from."""
        return self.gaps < LEAST_GAPS

    @classmethod
    def fit(cls, count: Floats, total: Floats, logs: Floats) -> Rhythm:
        """From each customer's number of gaps, their sum, and the sum of their logarithms (days)."""
        some = count > 0
        n, s, log = count[some], total[some], logs[some]
        if n.sum() < LEAST_GAPS:
            return cls(1.0, 2.0, 80.0, int(n.sum()))
        from scipy.optimize import minimize
        from scipy.special import gammaln

        scale = float(s.sum() / n.sum())

        def loss(theta: Floats) -> float:
            shape, a, b = np.exp(theta) * np.array([1.0, 1.0, scale])
            each = (shape - 1) * log - n * gammaln(shape) + a * np.log(b) - gammaln(a)
            each += gammaln(a + n * shape) - (a + n * shape) * np.log(b + s)
            return -float(each.sum()) / float(n.sum())

        bounds = ((np.log(0.3), np.log(20.0)), (np.log(0.5), np.log(200.0)), (np.log(0.05), np.log(400.0)))
        best = minimize(loss, np.array([0.0, 0.7, 0.7]), method="L-BFGS-B", bounds=bounds)
        shape, a, b = np.exp(best.x) * np.array([1.0, 1.0, scale])
        return cls(float(shape), float(a), float(b), int(n.sum()))

    def quantile(self, share: float, count: Any, total: Any) -> Floats:
        """The gap in days that the next one stays below with this probability."""
        from scipy.special import betaincinv

        z = betaincinv(self.shape, self.a + np.asarray(count, np.float64) * self.shape, share)
        return np.asarray((self.b + np.asarray(total, np.float64)) * z / (1 - z))

    def level(self, silence: Any, count: Any, total: Any) -> Floats:
        """P(next gap < silence): how unusual it is to have been silent for so long, 0 to 1."""
        from scipy.special import betainc

        days = np.maximum(np.asarray(silence, np.float64), 0.0)
        z = days / (days + self.b + np.asarray(total, np.float64))
        return np.asarray(betainc(self.shape, self.a + np.asarray(count, np.float64) * self.shape, z))


@dataclass(frozen=True)
class Rhythms:
    """Everybody who ordered before a day: one row per customer in the order of their ids; lengths in days.

    `silence` from the last order day to the day asked at; `count` and `total` of the own gaps; `level` =
    P(next gap < silence); `q80` and `q95` of the next gap.
    """

    shop: Rhythm
    customer_id: pa.Array
    silence: Floats
    count: Floats
    total: Floats
    level: Floats
    q80: Floats
    q95: Floats

    def __len__(self) -> int:
        return len(self.silence)

    @property
    def within(self) -> NDArray[np.bool_]:
        """Who is still within the own rhythm: silence under the 80% quantile."""
        return np.asarray(self.silence < self.q80)

    @property
    def mean_gap(self) -> Floats:
        """Mean of the own gaps, unshrunk; NaN without one."""
        return np.where(self.count > 0, self.total / np.maximum(self.count, 1.0), np.nan)

    @property
    def lead_days(self) -> Floats:
        """Days until silence passes the 95% quantile, should the customer stay away; negative where it has."""
        return self.q95 - self.silence

    def rows_of(self, customer_id: pa.Array) -> NDArray[np.int64]:
        """Where each of these customers stands here; -1 for one who had not ordered."""
        found = pc.index_in(customer_id.cast(pa.string()), value_set=self.customer_id)
        return np.asarray(pc.fill_null(found, -1).to_numpy(zero_copy_only=False), np.int64)


def rhythms(order_days: pa.Table, today: date) -> Rhythms:
    """Rhythms as known at the midnight that begins `today`, from customer_id and local_day; later rows change nothing.

    >>> days = [date(2024, 1, 1), date(2024, 1, 11), date(2024, 1, 21), date(2024, 3, 1)]
    >>> found = rhythms(pa.table({"customer_id": ["a"] * 4, "local_day": days}), date(2024, 2, 1))
    >>> found.silence.tolist(), found.count.tolist(), found.total.tolist()
    ([11.0], [2.0], [20.0])
    """
    ids, code, day = _order_days(order_days, (today - _EPOCH).days)
    if not len(code):
        empty = np.zeros(0)
        return Rhythms(Rhythm.fit(empty, empty, empty), ids, empty, empty, empty, empty, empty, empty)
    starts = np.flatnonzero(np.diff(code, prepend=-1))
    ends = np.append(starts[1:], len(code)) - 1
    gap = np.diff(day, prepend=day[0]).astype(np.float64)
    gap[starts] = 1.0  # adds nothing to the logarithms
    count = (ends - starts).astype(np.float64)
    total = (day[ends] - day[starts]).astype(np.float64)
    logs = np.add.reduceat(np.log(gap), starts)
    silence = ((today - _EPOCH).days - day[ends]).astype(np.float64)
    shop = Rhythm.fit(count, total, logs)
    quantiles = (shop.quantile(share, count, total) for share in (WITHIN, PAST))
    return Rhythms(shop, ids, silence, count, total, shop.level(silence, count, total), *quantiles)


def _order_days(table: pa.Table, today: int) -> tuple[pa.Array, NDArray[np.int64], NDArray[np.int64]]:
    """Ids in their order; for each distinct order day before today the number of its customer, and the day."""
    for name in ("customer_id", "local_day"):
        if name not in table.column_names:
            raise UsageError(f"order days need a column {name!r}", remedy="give customer_id and local_day")
    day = table["local_day"].cast(pa.date32()).cast(pa.int32()).to_numpy().astype(np.int64)
    seen = np.flatnonzero(day < today)
    names = table["customer_id"].take(pa.array(seen)).cast(pa.string())
    ids, code = np.unique(np.asarray(names.to_pylist(), dtype=object), return_inverse=True)
    pairs = np.unique(np.column_stack([code.ravel(), day[seen]]), axis=0) if len(seen) else np.zeros((0, 2), np.int64)
    return pa.array(ids.tolist(), pa.string()), pairs[:, 0], pairs[:, 1]
