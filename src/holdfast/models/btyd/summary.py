"""What is known of each customer's orders: (frequency, t_x, T), with its unit of time, identical rows grouped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Duration
from holdfast.core.errors import UsageError
from holdfast.core.tables import FeatureTable
from holdfast.models.btyd.rows import Floats, Rows, Whole, grouped

WEEK = 7.0
#: No shop has a history of a century: such numbers are seconds, or dates, not days.
_LONGEST_DAYS = 36_525.0
_MOST_ORDERS = 1_000_000


@dataclass(frozen=True)
class PurchaseSummary:
    """One history for each customer: `frequency` repeat orders, the last `t_x` after the first, seen for `T`.

    Times are in units of `unit_days` days; a model fitted on a summary remembers the unit. `log_gaps` is the sum of the
    logs of all gaps between orders (in that unit), where they were seen: it tells regular from irregular buyers better.
    With `opportunities` the times count the chances to order (BG/BB). Customers who never ordered keep their place:
    what is computed for them is NaN.

    >>> two = PurchaseSummary.of([2, 0, 0], [30.4, 0, 0], [38.9, 27.0, 27.0], unit_days=7)
    >>> len(two), two.groups, two.orders
    (3, 2, 2)
    """

    frequency: Floats = field(repr=False)
    t_x: Floats = field(repr=False)
    T: Floats = field(repr=False)
    unit_days: float = 1.0
    log_gaps: float | None = None
    opportunities: bool = False

    @classmethod
    def of(
        cls, frequency: Any, t_x: Any, T: Any, *, unit_days: float = 1.0, log_gaps: float | None = None,
        opportunities: bool = False,
    ) -> PurchaseSummary:  # fmt: skip
        """From columns; NaN frequency: the customer never ordered. Raises UsageError for what cannot be a history."""
        x, last, end = columns = [np.atleast_1d(np.asarray(one, np.float64)) for one in (frequency, t_x, T)]
        if len({one.shape for one in columns}) != 1 or x.ndim != 1:
            raise UsageError(f"frequency, t_x and T have shapes {[one.shape for one in columns]}, not one length")
        if not 0 < unit_days < _LONGEST_DAYS:
            raise UsageError(f"a unit of {unit_days} days", remedy="unit_days=1 for days, 7 for weeks")
        for what, bad, remedy in _faults(x, last, end, unit_days, opportunities):
            if bad.any():
                row = int(np.flatnonzero(bad)[0])
                values = ", ".join(f"{one[row]:g}" for one in columns)
                raise UsageError(what, where=f"row {row}: frequency, t_x, T = {values}", remedy=remedy)
        return cls(x, last, end, float(unit_days), log_gaps, opportunities)

    @classmethod
    def from_features(cls, table: FeatureTable) -> PurchaseSummary:
        """From the feature columns frequency, t_x and T (days)."""
        x, t_x, T = (table.column(name).astype(np.float64) for name in ("frequency", "t_x", "T"))
        t_x = np.where(x > 0, np.minimum(t_x, T), np.where(np.isnan(x), np.nan, 0.0))  # two orders of one first day
        return cls.of(x, t_x, T)

    @classmethod
    def from_orders(
        cls, customer: Any, day: Any, through: Any, *, unit_days: float = 1.0
    ) -> PurchaseSummary:  # fmt: skip
        """From one (customer, local day) per order, seen through the end of the day `through`; later ones are left out.

        Customers come in the order of `customers_of`. Orders of one day are one order. T counts from the first order's
        day to `through`. Days are dates or whole numbers.

        >>> days = np.array(["1997-01-01", "1997-01-18", "1997-01-18", "1997-02-01"], "datetime64[D]")
        >>> one = PurchaseSummary.from_orders(["a", "a", "a", "b"], days, np.datetime64("1997-02-02"), unit_days=7)
        >>> one.frequency.tolist(), (one.t_x * 7).tolist(), (one.T * 7).round().tolist()
        ([1.0, 0.0], [17.0, 0.0], [32.0, 1.0])
        """
        who, when = order_days(customer, day, through)
        end = whole_day(through)
        x, t_x, T, log_gaps = _folded(who, when.astype(np.float64), np.full(_people(who), float(end)))
        repeats = int(x.sum())
        return cls.of(
            x, t_x / unit_days, T / unit_days, unit_days=unit_days, log_gaps=log_gaps - repeats * np.log(unit_days)
        )

    @classmethod
    def from_periods(cls, customer: Any, day: Any, through: Any, *, period_days: int) -> PurchaseSummary:
        """Opportunities for BG/BB: whole periods after the first order's own, each with an order or without.

        >>> days = np.array([0, 3, 12, 25, 26], np.int64)
        >>> one = PurchaseSummary.from_periods(["a"] * 5, days, 40, period_days=10)
        >>> one.frequency.tolist(), one.t_x.tolist(), one.T.tolist()
        ([2.0], [2.0], [3.0])
        """
        who, when = order_days(customer, day, through)
        first = when[np.flatnonzero(np.r_[True, who[1:] != who[:-1]])] if len(who) else when
        n = (whole_day(through) + 1 - first) // period_days - 1
        period = (when - first[who]) // period_days
        kept = (period > 0) & (period <= n[who])
        seen = np.unique(np.stack([who[kept], period[kept]]), axis=1)
        t_x = np.zeros(len(first))
        np.maximum.at(t_x, seen[0], seen[1].astype(np.float64))
        x = np.bincount(seen[0], minlength=len(first)).astype(np.float64)
        return cls.of(x, t_x, np.maximum(n, 0).astype(np.float64), unit_days=period_days, opportunities=True)

    @classmethod
    def from_times(cls, who: Whole, when: Floats, T: Floats, *, unit_days: float = 1.0) -> PurchaseSummary:
        """From repeat orders (customer number, time since the first order) of customers seen for T: simulated ones."""
        first = np.arange(len(T))
        everyone, times = np.concatenate([first, who]), np.concatenate([np.zeros(len(T)), when])
        order = np.lexsort((times, everyone))
        x, t_x, _, log_gaps = _folded(everyone[order], times[order], np.asarray(T, np.float64))
        return cls.of(x, t_x, T, unit_days=unit_days, log_gaps=log_gaps)

    def __len__(self) -> int:
        return len(self.frequency)

    @cached_property
    def ordered(self) -> NDArray[np.bool_]:
        """Which customers ever ordered."""
        return ~np.isnan(self.frequency)

    @property
    def customers(self) -> int:
        """How many ever ordered."""
        return int(self.ordered.sum())

    @property
    def orders(self) -> int:
        """How many repeat orders there are."""
        return int(np.nansum(self.frequency))

    @property
    def groups(self) -> int:
        """How many different histories there are."""
        return len(self._grouped[0])

    @cached_property
    def _grouped(self) -> tuple[Rows, Whole]:
        return self.with_covariates(None)

    @property
    def rows(self) -> Rows:
        """The different histories, weighted."""
        return self._grouped[0]

    @property
    def group(self) -> Whole:
        """For each customer who ever ordered, the row of `rows` that is theirs."""
        return self._grouped[1]

    def with_covariates(self, z: Floats | None) -> tuple[Rows, Whole]:
        """Rows grouped by history and covariates (one row of `z` a customer), and where each customer finds theirs."""
        known = self.ordered
        columns = [one[known] for one in (self.frequency, self.t_x, self.T)]
        own = None if z is None else np.asarray(z, np.float64)[known]
        first, count, group = grouped([*columns, *([] if own is None else list(own.T.copy()))])
        x, t_x, T = (one[first] for one in columns)
        return Rows(x, t_x, T, count.astype(np.float64), None if own is None else own[first]), group

    def spread(self, values: Floats, group: Whole | None = None) -> Floats:
        """A value for each row of `rows` given to its customers; NaN for those who never ordered."""
        found = values[self.group if group is None else group]
        if self.customers == len(self):
            return found
        whole = np.full(len(self), np.nan)
        whole[self.ordered] = found
        return whole

    def in_unit(self, unit_days: float) -> PurchaseSummary:
        """The same histories in another unit of time."""
        if unit_days == self.unit_days:
            return self
        if self.opportunities:
            raise UsageError("opportunities of another length cannot be converted", remedy="summarise the orders again")
        scale = self.unit_days / unit_days
        log_gaps = None if self.log_gaps is None else self.log_gaps + self.orders * np.log(scale)
        return PurchaseSummary(self.frequency, self.t_x * scale, self.T * scale, unit_days, log_gaps)

    def units(self, length: Duration | float) -> float:
        """A length of time (a bare number: days) in this unit."""
        return (length.days if isinstance(length, Duration) else float(length)) / self.unit_days

    def take(self, customers: Any) -> PurchaseSummary:
        """Some of the customers. The sum of log gaps is not known for a part."""
        x, t_x, T = (one[customers] for one in (self.frequency, self.t_x, self.T))
        return PurchaseSummary(x, t_x, T, self.unit_days, None, self.opportunities)


def _faults(
    x: Floats, t_x: Floats, T: Floats, unit_days: float, opportunities: bool
) -> Sequence[tuple[str, NDArray[np.bool_], str | None]]:
    """(what is wrong, which rows, remedy), the worst first; comparisons with NaN are false, as they should be."""
    some = np.isnan(x) | np.isnan(t_x) | np.isnan(T)
    known = ~some
    return (
        ("a history with a part missing", some & ~np.isnan(x), "give all three, or NaN for a customer without orders"),
        ("an infinite number in a history", np.isinf(x) | np.isinf(t_x) | np.isinf(T), None),
        ("a negative number of repeat orders", x < 0, None),
        ("a negative length of time", (t_x < 0) | (T < 0), "t_x and T count from the first order"),
        ("repeat orders are not a whole number", known & (x != np.floor(x)), "count the orders after the first"),
        ("the last order lies after the end of what is known", t_x > T * (1 + 1e-9) + 1e-9, "check the cutoff"),
        ("no repeat order, but t_x is not 0", (x == 0) & (t_x > 0), "t_x is 0 until there is a repeat order"),
        (
            "repeat orders, but no time between the first and the last", (x > 0) & (t_x == 0),
            "merge the orders of one day",
        ),
        (
            "a history longer than a century", T * unit_days > _LONGEST_DAYS,
            f"times are in units of {unit_days:g} days: convert seconds or hours first",
        ),
        (f"more than {_MOST_ORDERS:,} repeat orders of one customer", x > _MOST_ORDERS, "leave out this account"),
        (
            "opportunities are not whole numbers, or fewer than the orders",
            opportunities & known & ((t_x != np.floor(t_x)) | (np.floor(T) != T) | (x > t_x)),
            "count periods, each with an order or without",
        ),
    )  # fmt: skip


def whole_day(day: Any) -> int:
    """A date, datetime64 or whole number as a whole number of days."""
    one = np.asarray(day)
    if one.dtype.kind in "iuf":
        return int(one)
    return int(np.asarray(day, "datetime64[D]").astype(np.int64))


def order_days(customer: Any, day: Any, through: Any) -> tuple[Whole, Whole]:
    """(customer number, whole day) of each order day through `through`, sorted; numbers follow sorted names."""
    days = np.asarray(day)
    if days.dtype.kind not in "iuf":
        days = np.asarray(day, "datetime64[D]")
        if np.isnat(days).any():
            raise UsageError("an order without a date", where=f"row {int(np.flatnonzero(np.isnat(days))[0])}")
        days = days.astype(np.int64)
    names = np.asarray(customer)
    if len(names) != len(days):
        raise UsageError(f"{len(names)} customers for {len(days)} order days")
    seen = days <= whole_day(through)
    _, who = np.unique(names[seen], return_inverse=True)
    order = np.lexsort((days[seen], who))
    who, when = who[order].astype(np.int64), days[seen][order].astype(np.int64)
    new = np.ones(len(who), bool)
    new[1:] = (who[1:] != who[:-1]) | (when[1:] != when[:-1])
    return who[new], when[new]


def customers_of(customer: Any, day: Any, through: Any) -> NDArray[Any]:
    """The names of the customers of `from_orders`, in its order."""
    days = np.asarray(day)
    days = days if days.dtype.kind in "iuf" else np.asarray(day, "datetime64[D]").astype(np.int64)
    return np.asarray(np.unique(np.asarray(customer)[days <= whole_day(through)]))


def _people(who: Whole) -> int:
    return int(who[-1]) + 1 if len(who) else 0


def _folded(who: Whole, when: Floats, end: Floats) -> tuple[Floats, Floats, Floats, float]:
    """(x, t_x, T, sum of log gaps) of sorted order times, each customer's first order first."""
    starts = np.flatnonzero(np.r_[True, who[1:] != who[:-1]]) if len(who) else np.zeros(0, np.int64)
    ends = np.r_[starts[1:], len(who)] - 1 if len(who) else starts
    gaps = np.diff(when)
    inner = np.ones(len(gaps), bool)
    inner[starts[1:] - 1] = False
    x = (ends - starts).astype(np.float64)
    return x, when[ends] - when[starts], end - when[starts], float(np.log(gaps[inner]).sum())
