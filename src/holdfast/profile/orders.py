"""Order days as plain sorted columns: what life-cycle, cohorts and retention curves are counted from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.errors import UsageError

Whole = NDArray[np.int64]
_EPOCH = date(1970, 1, 1)


def day_number(day: date) -> int:
    """Days since 1970.

    >>> day_number(date(1970, 1, 31))
    30
    """
    return (day - _EPOCH).days


def to_date(number: int) -> date:
    """The day of so many days since 1970."""
    return _EPOCH + timedelta(days=int(number))


@dataclass(frozen=True)
class Orders:
    """One row per customer and local day with an order, sorted by customer, then day.

    `code` numbers the customers in the order of their ids; `day` is days since 1970; `revenue` is money
    (1/10,000). Made by `Orders.read` from an Ibis or Arrow table with customer_id, local_day and revenue.

    >>> rows = {"customer_id": ["b", "a", "a"], "local_day": [date(2024, 1, 3)] * 2 + [date(2024, 1, 1)]}
    >>> Orders.read(pa.table({**rows, "revenue": [7, 5, 3]})).revenue.tolist()
    [3, 5, 7]
    """

    ids: tuple[str, ...]
    code: Whole
    day: Whole
    revenue: Whole

    @classmethod
    def read(cls, table: Any) -> Orders:
        """Read an Ibis table (executed here) or anything Arrow; rows of one customer and day are added up."""
        arrow = _arrow(table)
        encoded = arrow["customer_id"].combine_chunks().cast(pa.string()).dictionary_encode()
        names = encoded.dictionary.to_pylist()
        order = sorted(range(len(names)), key=names.__getitem__)
        rank = np.empty(len(names), np.int64)
        rank[order] = np.arange(len(names))
        code = rank[encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)]
        day = arrow["local_day"].cast(pa.date32()).cast(pa.int32()).to_numpy().astype(np.int64)
        money = arrow["revenue"] if "revenue" in arrow.column_names else pa.chunked_array([np.zeros(len(code))])
        revenue = np.nan_to_num(money.to_numpy()).astype(np.int64)
        return cls(tuple(names[i] for i in order), *_by_day(code, day, revenue))

    def __len__(self) -> int:
        return len(self.code)

    def before(self, day: date) -> Orders:
        """The rows known at the midnight that begins `day`."""
        seen = self.day < day_number(day)
        return Orders(self.ids, self.code[seen], self.day[seen], self.revenue[seen])

    def starts(self) -> Whole:
        """Where each customer's rows begin."""
        return np.flatnonzero(np.diff(self.code, prepend=-1)) if len(self.code) else np.zeros(0, np.int64)

    def ends(self) -> Whole:
        """Where each customer's last row lies."""
        return np.append(self.starts()[1:], len(self.code)) - 1 if len(self.code) else np.zeros(0, np.int64)

    def first_day(self) -> date | None:
        return to_date(int(self.day.min())) if len(self.day) else None


def _arrow(table: Any) -> pa.Table:
    if hasattr(table, "to_pyarrow"):
        wanted = [name for name in ("customer_id", "local_day", "revenue") if name in table.columns]
        table = table.select(*wanted).to_pyarrow()
    arrow = table if isinstance(table, pa.Table) else pa.table(table)
    for name in ("customer_id", "local_day"):
        if name not in arrow.column_names:
            raise UsageError(f"order days need a column {name!r}", remedy="give customer_id, local_day and revenue")
    return arrow


def _by_day(code: Whole, day: Whole, revenue: Whole) -> Sequence[Whole]:
    by = np.lexsort((day, code))
    code, day, revenue = code[by], day[by], revenue[by]
    if not len(code):
        return code, day, revenue
    fresh = np.flatnonzero((np.diff(code, prepend=-1) != 0) | (np.diff(day, prepend=day[0] - 1) != 0))
    return code[fresh], day[fresh], np.add.reduceat(revenue, fresh)
