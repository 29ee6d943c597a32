"""Wall-clock times to instants and back, for whole columns, from the standard zone tables.

Arrow's own conversion needs zone files of the operating system; these few lines read what `zoneinfo` reads, so
that a slim container with the `tzdata` package gives the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import DAY_MICROS, zone

Micros = NDArray[np.int64]
_FIRST, _LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_SECOND = 1_000_000


@dataclass(frozen=True)
class Offsets:
    """Offsets from UTC of one zone: `offsets[i]` holds from instant `starts[i]` on (microseconds)."""

    starts: Micros
    offsets: Micros

    def to_wall(self, instants: Micros) -> Micros:
        """What the clock on the wall shows at these instants."""
        which = np.searchsorted(self.starts[1:], instants, side="right")
        return instants + self.offsets[which]

    def to_instant(self, walls: Micros) -> Micros:
        """The instants of wall-clock times. A time that happens twice is the first one; one that is skipped when
        the clock jumps ahead is read with the offset before the jump."""
        ends = self.starts[1:] + self.offsets[:-1]
        which = np.searchsorted(ends, walls, side="right")
        instants = walls - self.offsets[which]
        skipped = (which > 0) & (instants < self.starts[which])
        return np.where(skipped, walls - self.offsets[np.maximum(which - 1, 0)], instants)


@lru_cache(maxsize=64)
def offsets(name: str) -> Offsets:
    """The offsets of a zone between 1900 and 2100; outside, the nearest one is used.

    >>> wall = np.array([np.datetime64("2011-07-01T00:30", "us").astype("int64")])
    >>> offsets("Europe/London").to_instant(wall).astype("datetime64[us]").astype(str).item()
    '2011-06-30T23:30:00.000000'
    """
    here = zone(name)

    def offset(second: int) -> int:
        at = datetime.fromtimestamp(second, tz=UTC).astimezone(here)
        return (at.utcoffset() or timedelta(0)) // timedelta(seconds=1)

    first, last, week = int(_FIRST.timestamp()), int(_LAST.timestamp()), 7 * 86_400
    starts, found = [first], [offset(first)]
    for left in range(first, last, week):
        right, before = left + week, found[-1]
        if (after := offset(right)) == before:
            continue
        low, high = left, right
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset(middle) == before else (low, middle)
        starts.append(high)
        found.append(after)
    return Offsets(np.array(starts, np.int64) * _SECOND, np.array(found, np.int64) * _SECOND)


def local_day_and_hour(instants: Micros, name: str) -> tuple[NDArray[np.int32], NDArray[np.int8]]:
    """Days since 1970 and hour of day in the zone."""
    walls = offsets(name).to_wall(instants)
    days = np.floor_divide(walls, DAY_MICROS)
    hours = (walls - days * DAY_MICROS) // (3600 * _SECOND)
    return days.astype(np.int32), hours.astype(np.int8)
