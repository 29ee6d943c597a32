"""Which cutoffs may train and calibrate for which: a slice counts only once its label window has closed."""

from __future__ import annotations

from datetime import timedelta

from holdfast.core.clock import DAY_MICROS, NO_GAP, Cutoff, Gap, Horizon, Window
from holdfast.core.errors import TooLittleData, UsageError
from holdfast.core.log import EventLog
from holdfast.core.tables import Fold
from holdfast.snapshot.days import whole_days


def default_cutoff(log: EventLog) -> Cutoff:
    """The first local midnight after the last event: now, as far as the data knows."""
    if log.last_event_at is None:
        raise TooLittleData("there is no event yet", remedy="import a file: holdfast import DIR FILE")
    return Cutoff.midnight(Cutoff(log.last_event_at).local_day(log.zone) + timedelta(days=1), log.zone)


def first_cutoff(log: EventLog, warm_up: Window) -> Cutoff:
    """The first local midnight with `warm_up` of history before it."""
    if log.first_event_at is None:
        raise TooLittleData("there is no event yet", remedy="import a file: holdfast import DIR FILE")
    return midnight_from(Cutoff(log.first_event_at).plus(warm_up), log.zone)


def midnight_from(cutoff: Cutoff, zone_name: str) -> Cutoff:
    """The first local midnight at or after an instant."""
    floor = Cutoff.midnight(cutoff.local_day(zone_name), zone_name)
    if floor == cutoff:
        return floor
    return Cutoff.midnight(cutoff.local_day(zone_name) + timedelta(days=1), zone_name)


def newest_closed(ends: Cutoff, horizon: Horizon, gap: Gap, zone_name: str) -> Cutoff:
    """The last local midnight whose label window has closed at `ends`.

    >>> from holdfast.core.clock import Horizon
    >>> print(newest_closed(Cutoff.parse("2011-12-10"), Horizon.parse("30d"), NO_GAP, "UTC"))
    2011-11-10T00:00:00Z
    """
    return Cutoff.midnight(ends.minus(gap, horizon).local_day(zone_name), zone_name)


def training_cutoffs(
    test: Cutoff, horizon: Horizon, gap: Gap, step: Window, first: Cutoff, zone_name: str, slices: int | None = None
) -> tuple[Cutoff, ...]:
    """Local midnights `step` apart, from the newest whose labels have closed at `test` back to `first`, oldest first.

    >>> found = training_cutoffs(
    ...     Cutoff.parse("2011-11-09"), Horizon.parse("30d"), NO_GAP, Window.parse("15d"), Cutoff.parse("2011-09-01"), "UTC")
    >>> [str(one)[:10] for one in found]
    ['2011-09-10', '2011-09-25', '2011-10-10']
    """
    days = whole_days(step.micros)
    if days is None:
        raise UsageError(f"forecast.step = {step} is not a whole number of days", remedy="write it in days, e.g. 15d")
    found: list[Cutoff] = []
    at = newest_closed(test, horizon, gap, zone_name)
    while at >= first and (slices is None or len(found) < slices):
        found.append(at)
        at = Cutoff.midnight(at.local_day(zone_name) - timedelta(days=days), zone_name)
    return tuple(reversed(found))


def test_cutoffs(  # the word of DESIGN section 2; pytest is told below that it is none of its tests
    newest: Cutoff,
    horizon: Horizon,
    gap: Gap,
    first: Cutoff,
    zone_name: str,
    count: int = 5,  # noqa: PT028  (not a pytest test)
) -> tuple[Cutoff, ...]:
    """Up to `count` cutoffs to test at, whole horizons apart and oldest first, each with a closed slice to learn from.

    `first` is the earliest training cutoff. Test windows do not overlap, so that no customer's month counts twice.
    """
    days = -(-horizon.micros // DAY_MICROS)
    found: list[Cutoff] = []
    at = newest
    while len(found) < count and newest_closed(at, horizon, gap, zone_name) >= first:
        found.append(at)
        at = Cutoff.midnight(at.local_day(zone_name) - timedelta(days=days), zone_name)
    return tuple(reversed(found))


test_cutoffs.__test__ = False  # type: ignore[attr-defined]  # pytest: this is no test


def fold(test: Cutoff, cutoffs: tuple[Cutoff, ...], horizon: Horizon, gap: Gap = NO_GAP, calibrate: int = 1) -> Fold:
    """The fold of a test cutoff: of the cutoffs closed by then the newest `calibrate`, the rest trains.

    >>> days = tuple(Cutoff.parse(f"2011-0{m}-01") for m in range(1, 8))
    >>> one = fold(days[-1], days, Horizon.parse("30d"))
    >>> len(one.train), [str(c)[:10] for c in one.calibrate]
    (5, ['2011-06-01'])
    """
    closed = sorted(one for one in cutoffs if one.plus(gap, horizon) <= test)
    if not closed:
        raise TooLittleData(
            f"no slice has closed by {test}", remedy=f"ask for a later cutoff or a shorter horizon than {horizon}"
        )
    at = max(len(closed) - calibrate, 1) if calibrate else len(closed)
    return Fold(tuple(closed[:at]), tuple(closed[at:]), test, gap.micros + horizon.micros)
