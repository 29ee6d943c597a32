"""Who was assigned to what by chance, and what they did in the same length of time after it and before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.core.clock import Horizon
from holdfast.core.decide import NOTHING
from holdfast.core.errors import UsageError
from holdfast.core.money import MONEY_SCALE

__all__ = ["BEFORE", "MONEY", "OUTCOMES", "Trial"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]
#: What is known of every enrolled customer after the assignment, and before it over the same length.
OUTCOMES = ("ordered", "orders", "revenue", "margin", "unsubscribed", "complaints", "returns")
BEFORE = ("orders", "revenue")
#: Kept as whole 1/10,000 of the currency.
MONEY = ("revenue", "margin")


@dataclass(frozen=True)
class Trial:
    """One row per customer and campaign: the arm drawn, its chances, and totals over a fixed follow-up.

    `arm` and `campaign` are places in `arms` (first: `nothing`) and `campaigns`. `propensities`: customers x arms, NaN
    where nobody logged them. `assigned_at`: microseconds UTC; `cohort`: the local day of the assignment, as days since
    1970. `before` (BEFORE) and `after` (OUTCOMES) are totals over [assigned_at - follow_up, assigned_at) and
    [assigned_at, assigned_at + follow_up); money is in whole 1/10,000 of the currency. `cost`: what the treatment cost,
    the same unit. `closed`: the whole follow-up is known; only such rows may be measured. `contaminated`: got another
    arm's treatment within the follow-up, or any although assigned nothing. Built in `snapshot/trials.py` alone.
    """

    customer_id: pa.Array
    campaign: Ints
    campaigns: tuple[str, ...]
    arm: Ints
    arms: tuple[str, ...]
    propensities: Floats
    assigned_at: Ints
    cohort: Ints
    follow_up: Horizon
    before: Mapping[str, Floats]
    after: Mapping[str, Floats]
    cost: Floats
    closed: Flags
    contaminated: Flags

    def __post_init__(self) -> None:
        n = len(self.customer_id)
        for name in ("campaign", "arm", "assigned_at", "cohort", "cost", "closed", "contaminated", "propensities"):
            if len(getattr(self, name)) != n:
                raise UsageError(f"trial column {name} has {len(getattr(self, name))} rows, not {n}")
        for name, values in (*self.before.items(), *self.after.items()):
            if len(values) != n:
                raise UsageError(f"trial column {name} has {len(values)} rows, not {n}")
        if not self.arms or self.arms[0] != NOTHING:
            raise UsageError(f"the first arm of a trial is {self.arms[:1]}, not `nothing`")
        if self.propensities.shape != (n, len(self.arms)):
            raise UsageError(f"propensities have shape {self.propensities.shape}, not {(n, len(self.arms))}")

    def __len__(self) -> int:
        return len(self.customer_id)

    @cached_property
    def who(self) -> Ints:
        """The same number for the same customer: rows of one customer in several campaigns are not independent."""
        names = pc.dictionary_encode(self.customer_id)
        return np.asarray(names.indices.to_numpy(zero_copy_only=False), np.int64)

    def outcome(self, name: str) -> Floats:
        """One outcome per row; money in currency units."""
        return self.after[name] / MONEY_SCALE if name in MONEY else self.after[name]

    def covariate(self, name: str) -> Floats:
        """The same before the assignment."""
        return self.before[name] / MONEY_SCALE if name in MONEY else self.before[name]

    @property
    def chance(self) -> Floats:
        """Logged chance of the arm that was drawn; NaN where not logged."""
        return np.asarray(self.propensities[np.arange(len(self)), self.arm])

    def take(self, rows: Flags | Ints) -> Trial:
        """Some of the rows."""
        at = np.flatnonzero(rows) if rows.dtype == bool else rows
        changed: dict[str, Any] = {"customer_id": self.customer_id.take(pa.array(at))}
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, np.ndarray):
                changed[one.name] = value[at]
            elif isinstance(value, Mapping):
                changed[one.name] = {name: column[at] for name, column in value.items()}
        return replace(self, **changed)

    def of(self, campaign: str) -> Trial:
        """The rows of one campaign; raises `UsageError` where there is none of that name."""
        if campaign not in self.campaigns:
            from holdfast.core.registry import nearest

            raise UsageError(f"no campaign {campaign!r}", remedy=nearest(campaign, list(self.campaigns)))
        return self.take(self.campaign == self.campaigns.index(campaign))

    @property
    def finished(self) -> Trial:
        """The rows whose follow-up has closed."""
        return self.take(self.closed)
