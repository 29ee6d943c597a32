"""Local days as whole numbers since 1970-01-01, without asking a database for a time zone.

Back ends disagree about zones (Ibis drops them), so the few changes of the clock in a span of years are looked up
here and become one CASE of plain comparisons, the same on every back end.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from holdfast.core.clock import DAY_MICROS, Cutoff, from_micros, to_micros, zone

_EPOCH = date(1970, 1, 1)


def day_number(day: date) -> int:
    """Days since 1970-01-01.

    >>> day_number(date(1970, 1, 3))
    2
    """
    return (day - _EPOCH).days


def day_of(number: int) -> date:
    """The date of a day number."""
    return _EPOCH + timedelta(days=number)


def offsets(zone_name: str, first: datetime, last: datetime) -> list[tuple[datetime, int]]:
    """(from when, seconds ahead of UTC) of a zone, covering [first, last] with two days to spare.

    >>> span = offsets("Europe/London", datetime(2011, 1, 1, tzinfo=UTC), datetime(2011, 12, 31, tzinfo=UTC))
    >>> [(since.isoformat()[:16], ahead) for since, ahead in span[1:]]
    [('2011-03-27T01:00', 3600), ('2011-10-30T01:00', 0)]
    """
    tz = zone(zone_name)

    def ahead(instant: datetime) -> int:
        return int(instant.astimezone(tz).utcoffset().total_seconds())  # type: ignore[union-attr]  # tz is never None

    at, end = first - timedelta(days=2), last + timedelta(days=2)
    found = [(at, ahead(at))]
    while at < end:
        later = min(at + timedelta(days=7), end)
        if ahead(later) == found[-1][1]:
            at = later
            continue
        low, high = to_micros(at), to_micros(later)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if ahead(from_micros(middle)) == found[-1][1] else (low, middle)
        at = from_micros(high)
        found.append((at, ahead(at)))
    return found


def local_day(instant: Any, spans: list[tuple[datetime, int]]) -> Any:
    """Ibis expression: the local day number of an instant column."""
    import ibis

    seconds = instant.epoch_seconds().cast("float64")
    later = [(instant >= ibis.literal(since.astimezone(UTC)), ahead) for since, ahead in reversed(spans[1:])]
    ahead = ibis.cases(*later, else_=spans[0][1]) if later else ibis.literal(spans[0][1])
    return ((seconds + ahead) / 86_400).floor().cast("int32")


def is_midnight(cutoff: Cutoff, zone_name: str) -> bool:
    """Whether a cutoff falls between two local days and cuts none."""
    return Cutoff.midnight(cutoff.local_day(zone_name), zone_name) == cutoff


def cutoff_day(cutoff: Cutoff, zone_name: str) -> int:
    """Day number of the first local midnight at or after the cutoff; a row of day d has age `cutoff_day - d` >= 1.

    >>> cutoff_day(Cutoff.parse("1970-01-02"), "UTC"), cutoff_day(Cutoff.parse("1970-01-02T12:00:00Z"), "UTC")
    (1, 2)
    """
    day = day_number(cutoff.local_day(zone_name))
    return day if is_midnight(cutoff, zone_name) else day + 1


def whole_days(micros: int) -> int | None:
    """The length as whole days, or None if it is not."""
    return micros // DAY_MICROS if micros % DAY_MICROS == 0 else None
