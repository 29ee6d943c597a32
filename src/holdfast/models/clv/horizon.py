"""From spend over a horizon that has closed to value over the horizon that is asked: fading, discount, margin.

A year of data holds no customer whose following year is known. Where the asked horizon is longer than the learnt one,
later periods are taken as the first one times `retained` to the power of how many periods later they are. That share
is measured: how much of what customers of a slice spend in one horizon they spend in the next.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from holdfast.core.clock import DAY_MICROS, Cutoff, Duration, Horizon
from holdfast.core.tables import Slices
from holdfast.core.text import Text
from holdfast.models.clv.registry import spend_of
from holdfast.models.clv.rolling import closed_by

#: Share of spend kept from one horizon to the next where no two closed slices lie a horizon apart.
UNMEASURED = 0.8
_MONTH_DAYS = 365.25 / 12
_NOTES = {
    "closed": Text(
        "Customer value over {asked} was learnt from closed windows of that length.",
        "{asked}的客户价值直接由同样长度、已结束的时间窗学得。",
    ),
    "measured": Text(
        "No window of {asked} has closed: spend was learnt over {learnt}, and each further {learnt} is taken to bring {kept} of "
        "the one before, as measured on earlier customers.",
        "尚无已结束的{asked}时间窗：先按{learnt}学习消费，之后每{learnt}按前一期的{kept}计算（由较早客户测得）。",
    ),
    "assumed": Text(
        "No window of {asked} has closed: spend was learnt over {learnt}, and each further {learnt} is assumed to bring {kept} "
        "of the one before; the history is too short to measure that.",
        "尚无已结束的{asked}时间窗：先按{learnt}学习消费，之后每{learnt}假定为前一期的{kept}；历史太短，无法实测。",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Stretch:
    """How spend over the learnt horizon becomes spend and discounted spend over the asked one."""

    asked: Horizon
    learnt: Horizon
    retained: float
    kind: str  # closed, measured or assumed
    discount_rate: float

    @property
    def spend(self) -> float:
        """Undiscounted: spend over the asked horizon / spend over the learnt one.

        >>> Stretch(Horizon.parse("180d"), Horizon.parse("90d"), 0.5, "measured", 0.0).spend
        1.5
        """
        return float(self._parts().sum())

    @property
    def discounted(self) -> float:
        """The same, each month's money brought back to the cutoff."""
        return float(self._parts() @ self._discounts())

    @property
    def first(self) -> float:
        """Discount of money within the learnt horizon alone: what a lower bound is multiplied by."""
        days = min(self.learnt.days, self.asked.days) / 2
        return float((1 + self.discount_rate) ** (-days / 365.25))

    @property
    def note(self) -> Text:
        words = {"asked": str(self.asked), "learnt": str(self.learnt), "kept": f"{self.retained:.0%}"}
        note = _NOTES[self.kind]
        return Text(note.en.format(**words), note.zh.format(**words))

    def _edges(self) -> np.ndarray:
        whole = np.arange(0.0, self.asked.days, _MONTH_DAYS)
        return np.unique(np.append(whole, self.asked.days))

    def _parts(self) -> np.ndarray:
        """Spend of each month, the learnt horizon's spend being 1: an even rate that falls from horizon to horizon."""
        return np.diff(self._until(self._edges()))

    def _until(self, days: np.ndarray) -> np.ndarray:
        place = days / self.learnt.days
        whole = np.floor(place)
        k = self.retained
        before = whole if abs(k - 1.0) < 1e-9 else (1 - k**whole) / (1 - k)
        return np.asarray(before + k**whole * (place - whole))

    def _discounts(self) -> np.ndarray:
        edges = self._edges()
        return np.asarray((1 + self.discount_rate) ** (-(edges[1:] + edges[:-1]) / 2 / 365.25))


def stretch(asked: Horizon, slices: Slices, cutoff: Cutoff, gap: Duration, discount_rate: float) -> Stretch:
    """How to reach the asked horizon from the slices' one, as known at `cutoff`."""
    learnt = slices.outcomes.horizon
    if asked <= learnt:
        return Stretch(asked, learnt, 1.0, "closed", discount_rate)
    kept = retained(slices, cutoff, gap)
    if kept is None:
        return Stretch(asked, learnt, UNMEASURED, "assumed", discount_rate)
    return Stretch(asked, learnt, kept, "measured", discount_rate)


def retained(slices: Slices, cutoff: Cutoff, gap: Duration) -> float | None:
    """Spend of a slice's customers in the horizon after next / in the next one, over all pairs of closed slices.

    A customer who is no longer in the later slice's population counts as spending nothing there. At most 1: growth of
    known customers is not extrapolated. None where no two closed slices lie a horizon apart (within five days).
    """
    length, found = slices.outcomes.horizon.micros, closed_by(slices, cutoff, gap)
    first, second = 0.0, 0.0
    for one in found:
        later = min(found, key=lambda other: abs(other.micros - one.micros - length))
        if abs(later.micros - one.micros - length) > 5 * DAY_MICROS:
            continue
        here, there = slices.at([one]), slices.at([later])
        stays = pc.is_in(there.features.key.customer_id, value_set=here.features.key.customer_id)
        first += float(spend_of(here.outcomes).sum())
        second += float(spend_of(there.outcomes)[stays.to_numpy(zero_copy_only=False)].sum())
    return None if first <= 0 else float(np.clip(second / first, 0.0, 1.0))
