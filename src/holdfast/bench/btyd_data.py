"""The data of the buy-till-you-die papers: CDNOW's customers who first bought in January to March 1997."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from holdfast.core.errors import InputRefused

if TYPE_CHECKING:
    from holdfast.models.btyd.summary import PurchaseSummary

FIRST_DAY, LEARNT = np.datetime64("1997-01-01"), np.datetime64("1997-09-30")
LAST = np.datetime64("1998-06-30")


@dataclass(frozen=True)
class Cdnow:
    """One row per customer and order day, sorted; `when` counts days since 1970, `spent` is in dollars."""

    who: np.ndarray
    when: np.ndarray
    spent: np.ndarray

    @classmethod
    def read(cls, path: Path) -> Cdnow:
        """Read the sample file: id in the master, id, date, discs, dollars."""
        if not path.is_file():
            raise InputRefused("the data file is not there", where=str(path), remedy="set HOLDFAST_DATA")
        rows = [line.split() for line in path.read_text(encoding="ascii").splitlines() if line.strip()]
        days = [f"{row[-3][:4]}-{row[-3][4:6]}-{row[-3][6:]}" for row in rows]
        return cls.of([row[-4] for row in rows], np.array(days, "datetime64[D]"), [float(row[-1]) for row in rows])

    @classmethod
    def of(cls, customer: Any, day: Any, spent: Any) -> Cdnow:
        """Merge the orders of one customer and day."""
        _, who = np.unique(np.asarray(customer), return_inverse=True)
        when = np.asarray(day, "datetime64[D]").astype(np.int64)
        place, at = np.unique(who * 100_000 + when, return_inverse=True)
        return cls(place // 100_000, place % 100_000, np.bincount(at, np.asarray(spent, np.float64)))

    @property
    def born(self) -> np.ndarray:
        """Each customer's first day."""
        return self.when[np.flatnonzero(np.r_[True, self.who[1:] != self.who[:-1]])]

    def summary(self, unit_days: float = 7.0) -> PurchaseSummary:
        """Histories through 1997-09-30, in weeks as in the papers."""
        from holdfast.models.btyd.summary import PurchaseSummary

        return PurchaseSummary.from_orders(self.who, self.when, day_number(LEARNT), unit_days=unit_days)

    def values(self) -> tuple[np.ndarray, np.ndarray]:
        """(repeat orders, their mean value) through 1997-09-30."""
        known = self.when <= day_number(LEARNT)
        who, spent = self.who[known], self.spent[known]
        first = np.r_[True, who[1:] != who[:-1]]
        x = np.bincount(who[~first], minlength=who[-1] + 1)
        return x, np.bincount(who[~first], spent[~first], minlength=who[-1] + 1) / np.maximum(x, 1)

    def later(self, days: int) -> np.ndarray:
        """Order days of each customer in the `days` days after 1997-09-30."""
        inside = (self.when > day_number(LEARNT)) & (self.when <= day_number(LEARNT) + days)
        return np.bincount(self.who[inside], minlength=self.who[-1] + 1)

    def weeks(self, many: int) -> np.ndarray:
        """The last day of each week since 1997-01-01."""
        return day_number(FIRST_DAY) + 7 * np.arange(1, many + 1) - 1


def day_number(day: np.datetime64) -> int:
    """Days since 1970."""
    return int(day.astype("datetime64[D]").astype(np.int64))
