"""Quiet hours by the customer's own clock, through the days on which that clock is changed.

Every instant has one local time, so an instant is quiet if its local time is. Nothing needs to be decided about local
times that come twice or never: the end of quiet hours is the first instant whose local time is outside them. Where the
clock jumps over the end ("until 02:30" on a night without 02:30), that is the instant of the jump.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import DAY_MICROS, from_micros, to_micros, zone
from holdfast.core.errors import UsageError

Micros = NDArray[np.int64]
_MINUTE = 60_000_000
_STEP = DAY_MICROS // 4  # between probes for a change of the clock; no zone has two changes within one


@dataclass(frozen=True, slots=True)
class Quiet:
    """From `start` to before `end`, minutes after local midnight; over midnight where `end` is the earlier one.

    >>> Quiet.parse("21:00-08:00")
    Quiet(start=1260, end=480)
    >>> Quiet.parse("21:00-08:00").ends(datetime(2024, 3, 30, 22, tzinfo=UTC), ZoneInfo("Europe/Berlin")).isoformat()
    '2024-03-31T06:00:00+00:00'
    """

    start: int
    end: int

    @classmethod
    def parse(cls, text: str) -> Quiet | None:
        """Read `21:00-08:00`; empty: no quiet hours. Raises `UsageError` on anything else."""
        if not text.strip():
            return None
        found = re.fullmatch(r"\s*([01]?\d|2[0-3]):([0-5]\d)\s*-\s*([01]?\d|2[0-3]):([0-5]\d)\s*", text)
        if found is None:
            raise UsageError(f"{text!r} are no hours", remedy='write "21:00-08:00", or "" for none')
        start, end = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
        if start == end:
            raise UsageError(
                f"{text!r} is all day or never", remedy='write "" for no quiet hours; a cap of "0" is all day'
            )
        return cls(start, end)

    def covers(self, local: datetime) -> bool:
        """Whether this local time lies in the quiet hours."""
        minute = local.hour * 60 + local.minute
        if self.start < self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end

    def ends(self, at: datetime, where: ZoneInfo) -> datetime:
        """The first instant from `at` on that is not quiet there, in UTC."""
        now = at.astimezone(UTC)
        while self.covers(now.astimezone(where)):
            local = now.astimezone(where).replace(tzinfo=None)
            until = local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(minutes=self.end)
            then = now + (until - local if until > local else until + timedelta(days=1) - local)
            now = min(then, _change(now, then, where))
        return now

    def ends_all(self, at: Micros, zone_name: str) -> Micros:
        """The same for many instants (us) of one zone."""
        if not len(at):
            return at
        when, offsets = clock_changes(zone_name, *_years(at))
        out, start, end = at.copy(), self.start * _MINUTE, self.end * _MINUTE
        open_rows = np.arange(len(at))
        while len(open_rows):
            now = out[open_rows]
            piece = np.searchsorted(when, now, side="right") - 1
            clock = (now + offsets[piece]) % DAY_MICROS
            quiet = (clock >= start) & (clock < end) if start < end else (clock >= start) | (clock < end)
            open_rows, now, piece, clock = open_rows[quiet], now[quiet], piece[quiet], clock[quiet]
            # Just up to the next change of the clock, where local time must be read anew.
            following = np.append(when, np.iinfo(np.int64).max)[piece + 1]
            out[open_rows] = np.minimum(now + (end - clock) % DAY_MICROS, following)
        return out


def _change(start: datetime, end: datetime, where: ZoneInfo) -> datetime:
    """The first instant in (start, end] with another offset than `start`; `end` where there is none."""
    offset = start.astimezone(where).utcoffset()
    low, high = to_micros(start), to_micros(end)
    if end.astimezone(where).utcoffset() == offset:
        return end
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if from_micros(middle).astimezone(where).utcoffset() == offset else (low, middle)
    return from_micros(high)


def _years(at: Micros) -> tuple[int, int]:
    return from_micros(int(at.min())).year, from_micros(int(at.max())).year + 1


@lru_cache(maxsize=1024)
def clock_changes(zone_name: str, first: int, last: int) -> tuple[Micros, Micros]:
    """Instants (us) from which on an offset (us) from UTC holds in a zone, over these years.

    >>> when, offsets = clock_changes("Europe/Berlin", 2024, 2024)
    >>> [str(from_micros(int(one))) for one in when[1:]], (offsets / 3.6e9).tolist()
    (['2024-03-31 01:00:00+00:00', '2024-10-27 01:00:00+00:00'], [1.0, 2.0, 1.0])
    """
    where = zone(zone_name)
    start = to_micros(datetime(max(first, 2), 1, 1, tzinfo=UTC)) - DAY_MICROS
    stop = to_micros(datetime(min(last + 1, 9998), 1, 1, tzinfo=UTC)) + DAY_MICROS
    when, offsets = [start], [_offset(start, where)]
    for probe in range(start, stop, _STEP):
        if _offset(probe + _STEP, where) != offsets[-1]:
            moment = to_micros(_change(from_micros(probe), from_micros(probe + _STEP), where))
            when.append(moment)
            offsets.append(_offset(moment, where))
    return np.array(when, np.int64), np.array(offsets, np.int64)


def _offset(at: int, where: ZoneInfo) -> int:
    return (from_micros(at).astimezone(where).utcoffset() or timedelta(0)) // timedelta(microseconds=1)
