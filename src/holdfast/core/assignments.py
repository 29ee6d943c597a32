"""Who was treated: which rows show what happens when nothing is done, and how likely each was to be left alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from holdfast.core.clock import Cutoff, Horizon
from holdfast.core.errors import UsageError
from holdfast.core.tables import Floats, Key, Rows, _Arrow

__all__ = ["Assignments"]


@dataclass(frozen=True)
class Assignments(_Arrow):
    """Treatment of each row of a key. Built in `snapshot/` alone: it looks past the cutoff, as outcomes do.

    `treated`: a contact was drawn for, or delivered in, [cutoff - lingers, cutoff + gap + horizon), so that the row does
    not show what happens when nothing is done. `arm`: the last such arm, null for an untreated row. `contact_days`: days
    from the cutoff to the first such contact (negative: before it); NaN for an untreated row. `p_untreated`: the logged
    chance that no contact was drawn (the product over the decisions of that time; 1 without any); NaN where a decision
    logged no propensity. `holdout`: a customer who is never to be treated.

    >>> import numpy as np
    >>> key = Key.of(["a", "b"], Cutoff.parse("2024-01-01"))
    >>> found = Assignments(key, Horizon.parse("30d"), np.array([True, False]), pa.array(["mail", None]),
    ...                     np.array([3.0, np.nan]), np.array([0.4, 0.4]), np.array([False, False]))
    >>> found.take(np.array([1])).to_arrow().to_pylist()[0]["p_untreated"]
    0.4
    """

    key: Key
    horizon: Horizon
    treated: Rows
    arm: pa.Array
    contact_days: Floats
    p_untreated: Floats
    holdout: Rows

    def __post_init__(self) -> None:
        for name in ("treated", "arm", "contact_days", "p_untreated", "holdout"):
            if len(getattr(self, name)) != len(self.key):
                raise UsageError(
                    f"assignment column {name} has {len(getattr(self, name))} rows, the key {len(self.key)}"
                )

    def __len__(self) -> int:
        return len(self.key)

    def take(self, rows: Rows) -> Assignments:
        arms = self.arm.filter(pa.array(rows)) if rows.dtype == bool else self.arm.take(pa.array(rows))
        return Assignments(
            self.key.take(rows), self.horizon, self.treated[rows], arms, self.contact_days[rows],
            self.p_untreated[rows], self.holdout[rows],
        )  # fmt: skip

    def at(self, cutoffs: Iterable[Cutoff]) -> Assignments:
        return self.take(self.key.at(cutoffs))

    def to_arrow(self) -> pa.Table:
        return pa.table(
            {
                **self.key.columns(),
                "treated": self.treated,
                "arm": self.arm,
                "contact_days": pa.array(self.contact_days, from_pandas=True),
                "p_untreated": pa.array(self.p_untreated, from_pandas=True),
                "holdout": self.holdout,
            }
        )
