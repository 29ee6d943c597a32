"""What an encoder's heads learn from: what followed a cutoff, as far as it was known at the encoder's own cutoff."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.clock import DAY_MICROS, Cutoff, Duration
from holdfast.core.errors import UsageError
from holdfast.core.sequences import PURCHASE, EventSequences
from holdfast.core.tables import Key, Outcomes, Rows

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Labels:
    """For each customer and earlier cutoff: the days to the next order, and the spend within the horizon.

    `duration` ends with an order where `observed`, else the order is later than that (censored, not retained).
    `known` is how many days could be seen at all: what is asked of a stretch may count only rows that see it whole, or
    those with an order would be counted and those without would not. `spend` is money within the horizon of a closed
    label window, NaN where the window had not closed.
    """

    key: Key
    duration: Floats
    observed: NDArray[np.bool_]
    known: Floats
    spend: Floats

    def __post_init__(self) -> None:
        if {len(self.duration), len(self.observed), len(self.known), len(self.spend)} != {len(self.key)}:
            raise UsageError("the label columns have different lengths", remedy="build them with Labels.of")
        if not bool(((self.duration >= 0) & (self.duration <= self.known + 1e-9)).all()):
            raise UsageError(
                "a duration is negative, not a number, or longer than what was known",
                remedy="durations are days from the cutoff on, censored where knowledge ends",
            )

    def __len__(self) -> int:
        return len(self.key)

    def take(self, rows: Rows) -> Labels:
        return replace(
            self, key=self.key.take(rows), duration=self.duration[rows], observed=self.observed[rows],
            known=self.known[rows], spend=self.spend[rows],
        )  # fmt: skip

    @classmethod
    def of(cls, outcomes: Outcomes, known_at: Cutoff, gap: Duration) -> Labels:
        """Outcomes as they were known at an encoder's cutoff."""
        known = outcomes.known_by(known_at, gap)
        days = np.maximum(known_at.micros - known.key.cutoff - gap.micros, 0) / DAY_MICROS
        revenue = np.maximum(known.revenue, 0).astype(np.float64)
        spend = np.where(days >= known.horizon.days, revenue, np.nan)
        return cls(known.key, known.duration, known.event_observed, days, spend)


@dataclass(frozen=True, eq=False)
class Placed:
    """Labels beside the histories they belong to: the row of each, how many of its events lay before the cutoff."""

    labels: Labels
    row: NDArray[np.int64]
    count: NDArray[np.int64]
    silence_days: Floats
    age_days: Floats
    seen: NDArray[np.int64]
    next_at: NDArray[np.int64]  # position in `codes` of the first purchase from the cutoff on, -1 where there is none

    def __len__(self) -> int:
        return len(self.row)


def placed(labels: Labels, told: EventSequences) -> Placed:
    """Find each label's customer in the histories; labels of customers without one are left out."""
    where = pa.compute.index_in(labels.key.customer_id, value_set=told.key.customer_id).fill_null(-1)
    rows = np.asarray(where.to_numpy(zero_copy_only=False), np.int64)
    labels, rows = labels.take(rows >= 0), rows[rows >= 0]
    at, owner = told.events.occurred_at[told.positions], told.row_of
    order = np.where(told.events.kind[told.positions] == PURCHASE, np.arange(len(at)), len(at))
    bought = np.minimum.accumulate(order[::-1])[::-1] if len(order) else order
    count, next_at = np.zeros(len(rows), np.int64), np.full(len(rows), -1, np.int64)
    for cutoff in np.unique(labels.key.cutoff):
        mine = np.flatnonzero(labels.key.cutoff == cutoff)
        before = np.bincount(owner[at < cutoff], minlength=len(told))
        count[mine] = before[rows[mine]]
        first = told.offsets[rows[mine]] + count[mine]
        following = np.append(bought, len(at))[first]
        inside = following < told.offsets[rows[mine] + 1]
        next_at[mine] = np.where(inside, following, -1)
    some = count > 0
    last = np.where(some, np.append(at, 0)[np.maximum(told.offsets[rows] + count - 1, 0)], 0)
    cutoff = labels.key.cutoff
    return Placed(
        labels, rows, count, np.where(some, (cutoff - last) / DAY_MICROS, np.inf),
        np.maximum(cutoff - told.first_at[rows], 0) / DAY_MICROS,
        np.maximum(count + told.seen[rows] - told.lengths[rows], 0), next_at,
    )  # fmt: skip
