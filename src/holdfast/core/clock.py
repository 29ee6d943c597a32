"""Instants and lengths of time: the cutoff between what is known and what is asked.

All instants are UTC microseconds. Past is `< cutoff`; future is `[cutoff + gap, cutoff + gap + horizon)`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from holdfast.core.errors import UsageError

DAY_MICROS = 86_400_000_000
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def zone(name: str) -> ZoneInfo:
    """The time zone of that name.

    >>> zone("Asia/Shanghai").key
    'Asia/Shanghai'
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise UsageError(
            f"unknown time zone {name!r}",
            remedy="use a name such as 'UTC', 'Europe/London' or 'Asia/Shanghai'",
        ) from error


def to_micros(instant: datetime) -> int:
    """Microseconds since 1970 of an aware datetime."""
    if instant.tzinfo is None:
        raise UsageError(
            f"{instant.isoformat()} has no time zone", remedy="give an aware datetime, e.g. with tzinfo=UTC"
        )
    delta = instant.astimezone(UTC) - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def from_micros(micros: int) -> datetime:
    """The UTC datetime of so many microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=int(micros))


@dataclass(frozen=True, order=True, slots=True)
class Duration:
    """A length of time, written `30d`, `12h` or `4w`.

    >>> Horizon.parse("30d").days
    30.0
    >>> str(Window.parse("2w"))
    '14d'
    """

    length: timedelta

    def __post_init__(self) -> None:
        if not isinstance(self.length, timedelta):
            raise UsageError(
                f"{type(self).__name__} wants a timedelta, not {self.length!r}",
                remedy=f"write {type(self).__name__}.parse('30d')",
            )
        if self.length < timedelta(0) or (self.length == timedelta(0) and not isinstance(self, Gap)):
            raise UsageError(f"{type(self).__name__} must be positive, not {self.length}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `30d`, `12h`, `4w`. Bare numbers are refused: 30 what?"""
        found = re.fullmatch(r"\s*(\d+)\s*([hdw])\s*", str(text))
        if found is None:
            raise UsageError(f"{text!r} is not a length of time", remedy="write a number and a unit: 30d, 12h or 4w")
        return cls(int(found[1]) * _UNITS[found[2]])

    @property
    def days(self) -> float:
        return self.length / timedelta(days=1)

    @property
    def micros(self) -> int:
        return self.length // timedelta(microseconds=1)

    def __str__(self) -> str:
        whole = self.length // timedelta(days=1)
        return f"{whole}d" if self.length == timedelta(days=whole) else f"{self.length // timedelta(hours=1)}h"


class Horizon(Duration):
    """How far ahead an outcome is asked for. Always positive."""

    __slots__ = ()


class Window(Duration):
    """How far back a feature looks. Always positive."""

    __slots__ = ()


class Gap(Duration):
    """Dead time between cutoff and horizon: how long a list needs to reach the shop. May be `0d`."""

    __slots__ = ()


NO_GAP = Gap(timedelta(0))


@dataclass(frozen=True, order=True, slots=True)
class Cutoff:
    """The instant of knowledge: only what was recorded strictly before it may be used.

    >>> print(Cutoff.parse("2011-11-09", "Asia/Shanghai"))
    2011-11-08T16:00:00Z
    """

    at: datetime

    def __post_init__(self) -> None:
        if not isinstance(self.at, datetime):
            raise UsageError(
                f"a cutoff is a datetime, not {self.at!r}", remedy="write Cutoff.parse('2011-11-09', 'UTC')"
            )
        if self.at.tzinfo is None:
            raise UsageError(
                f"cutoff {self.at.isoformat()} has no time zone",
                remedy="give an aware datetime, or Cutoff.parse('2011-11-09', zone)",
            )
        object.__setattr__(self, "at", self.at.astimezone(UTC))

    @classmethod
    def parse(cls, text: str, zone_name: str = "UTC") -> Self:
        """Read an instant; a bare date is local midnight in the shop's zone."""
        try:
            if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
                return cls.midnight(date.fromisoformat(text), zone_name)
            instant = datetime.fromisoformat(text)
        except ValueError as error:
            raise UsageError(f"{text!r} is not a date", remedy="write 2011-11-09 or 2011-11-09T12:00:00Z") from error
        return cls(instant if instant.tzinfo else instant.replace(tzinfo=zone(zone_name)))

    @classmethod
    def midnight(cls, day: date, zone_name: str = "UTC") -> Self:
        """The first instant of a local day."""
        return cls(datetime.combine(day, time(0), tzinfo=zone(zone_name)))

    @classmethod
    def from_micros(cls, micros: int) -> Self:
        return cls(from_micros(micros))

    @property
    def micros(self) -> int:
        return to_micros(self.at)

    def plus(self, *lengths: Duration) -> Cutoff:
        """This instant moved ahead by exact lengths of time."""
        return Cutoff(self.at + sum((one.length for one in lengths), timedelta(0)))

    def minus(self, *lengths: Duration) -> Cutoff:
        """This instant moved back by exact lengths of time."""
        return Cutoff(self.at - sum((one.length for one in lengths), timedelta(0)))

    def local_day(self, zone_name: str = "UTC") -> date:
        return self.at.astimezone(zone(zone_name)).date()

    def __str__(self) -> str:
        return self.at.isoformat().replace("+00:00", "Z")
