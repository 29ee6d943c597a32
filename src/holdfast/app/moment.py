"""When something happens that is done now: now, or just after the end of a history that is looked at in hindsight."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

#: A history that ended longer ago is looked at in hindsight: what happens now happens just after its end.
LIVE = timedelta(days=30)


def acting_at(last: datetime | None) -> datetime:
    """The instant of an act of now, given the last event of the log (aware) or None."""
    now = datetime.now(UTC)
    if last is None or now - last <= LIVE:
        return now
    return last.astimezone(UTC) + timedelta(seconds=1)
