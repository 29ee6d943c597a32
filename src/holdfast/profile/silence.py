"""How long is too long? What the shop's own gaps say about silence, horizon and activity window.

Every order day of a customer starts a wait: until the next order day, or (censored) until the data end. The
Kaplan-Meier curve of these waits, S, gives the chance that somebody silent for s days orders again within d more
days: 1 - S(s + d) / S(s) (Kaplan & Meier 1958).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.errors import TooLittleData

HORIZONS = (7, 14, 30, 60, 90, 180)
WINDOWS = (30, 60, 90, 120, 180, 270, 365)
Days = NDArray[np.int64]


@dataclass(frozen=True)
class Orders:
    """Order days, one row per customer and local day, sorted; `customer` is a dense number, days count from 1970."""

    customer: Days
    day: Days
    last_day: int

    @classmethod
    def of(cls, order_days: pa.Table, last_day: date) -> Orders:
        """From a table of (customer_id, local_day); repeated rows count once."""
        if order_days.num_rows == 0:
            raise TooLittleData("there is no order to look at", remedy="import a file with purchases")
        customer = order_days["customer_id"].combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
        day = order_days["local_day"].cast(pa.int32()).to_numpy().astype(np.int64)
        pairs = np.unique(np.column_stack([customer, day]), axis=0)
        return cls(pairs[:, 0], pairs[:, 1], (last_day - date(1970, 1, 1)).days)

    def waits(self) -> tuple[Days, NDArray[np.bool_]]:
        """(days waited, whether an order ended the wait) after each order day."""
        again = np.append(self.customer[1:] == self.customer[:-1], False)
        until = np.where(again, np.append(self.day[1:], 0), self.last_day)
        return until - self.day, again


@dataclass(frozen=True)
class Silence:
    """The Kaplan-Meier curve of the waits: `survival[d]` = P(no order within d days of an order day)."""

    survival: NDArray[np.float64]
    median_gap: float

    def returns(self, silent: int, within: int) -> float | None:
        """Share of those silent for `silent` days who order within `within` more; None beyond what was seen."""
        if silent + within >= len(self.survival) or self.survival[silent] <= 0:
            return None
        return float(1 - self.survival[silent + within] / self.survival[silent])

    def window(self, share: float, within: int) -> int | None:
        """The shortest of WINDOWS after which fewer than `share` return within `within` days."""
        known = ((one, self.returns(one, within)) for one in WINDOWS)
        return next((one for one, back in known if back is not None and back < share), None)

    def horizon(self) -> int:
        """The shortest of HORIZONS that holds the median gap between two orders of one customer."""
        return next((one for one in HORIZONS if one >= self.median_gap), HORIZONS[-1])


def silence(orders: Orders) -> Silence:
    """The curve of one shop.

    >>> table = pa.table({"customer_id": ["a", "a", "b"], "local_day": [date(2024, 1, d) for d in (1, 11, 1)]})
    >>> curve = silence(Orders.of(table, date(2024, 1, 31)))
    >>> round(curve.returns(silent=0, within=10), 3), curve.median_gap
    (0.333, 10.0)
    """
    waited, ended = orders.waits()
    longest = int(waited.max()) + 1
    events = np.bincount(waited[ended], minlength=longest)
    at_risk = np.cumsum(np.bincount(waited, minlength=longest)[::-1])[::-1]
    survival = np.cumprod(1 - events / np.maximum(at_risk, 1))
    # Beyond the day where under 30 waits are still watched the curve is noise.
    seen = int(np.searchsorted(-at_risk, -29.5)) if at_risk[0] >= 30 else longest
    return Silence(survival[: max(seen, 1)], float(np.median(waited[ended])) if ended.any() else float("inf"))


def windows_and_horizons(orders: Orders) -> list[dict[str, Any]]:
    """How population and base churn change with the activity window and the horizon, at the newest closed cutoff."""
    rows = []
    first = int(orders.day.min())
    for horizon in HORIZONS:
        cutoff = orders.last_day + 1 - horizon
        before = orders.day < cutoff
        last = np.full(int(orders.customer.max()) + 1, -1)
        np.maximum.at(last, orders.customer[before], orders.day[before])
        back = np.zeros(len(last), bool)
        back[orders.customer[~before]] = True
        for window in WINDOWS:
            if cutoff - window < first - 30:
                continue
            inside = (last >= 0) & (last >= cutoff - window)
            if inside.any():
                churned = float(1 - back[inside].mean())
                rows.append({"window": window, "horizon": horizon, "customers": int(inside.sum()), "churned": churned})
    return rows
