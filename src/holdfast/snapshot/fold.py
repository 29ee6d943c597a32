"""Events folded once into small tables whose columns add.

Every ledger row says when it counts: from `known_day` (the later of its own day and the day it was recorded on)
until `lost_day` (the day on which something retracted it; null: it still counts). At a midnight cutoff of day D it
is visible if `known_day < D` and not `lost_day < D`. A row that no midnight ever sees is left out; cutoffs within a
day read that day from the events. See docs/adr/0005.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from holdfast.core.schema import EVENT_TYPES, NOT_OWN_ACTS
from holdfast.snapshot.days import local_day, offsets
from holdfast.snapshot.measures import COUNTED, MEASURES, measured

WHEN = ("who", "day", "known_day", "lost_day")
_STILL = 2**31 - 1


@dataclass(frozen=True)
class Survey:
    """What one look over the events says about how they must be folded.

    `plain`: every row was recorded as it happened and none was retracted, so that nothing has to be merged.
    """

    rows: int
    first: datetime | None
    last: datetime | None
    plain: bool
    types: frozenset[str]
    platforms: bool


def survey(engine: Any, events: Any) -> Survey:
    """Look over the events once, reading only what decides the way of folding."""
    row = engine.arrow(
        events.aggregate(
            rows=events.count(),
            first=events.occurred_at.min(),
            last=events.occurred_at.max(),
            recorded=events.recorded_at.max(),
            retracted=events.retracted_at.max(),
            odd=events.count(where=(events.recorded_at > events.occurred_at) | events.retracted_at.notnull()),
            platforms=events.count(where=events.platform.notnull()),
            **{f"type_{one}": events.count(where=events.event_type == one) for one in EVENT_TYPES},
        )
    ).to_pylist()[0]
    ends = [row[name] for name in ("last", "recorded", "retracted") if row[name] is not None]
    return Survey(
        rows=row["rows"],
        first=row["first"],
        last=max(ends, default=None),
        plain=row["odd"] == 0,
        types=frozenset(one for one in EVENT_TYPES if row[f"type_{one}"]),
        platforms=row["platforms"] > 0,
    )


def stamped(events: Any, seen: Survey, zone: str) -> Any:
    """The events with `day`, `known_day`, `lost_day` as day numbers, and `replaced`.

    `replaced`: a newer version of the same event took its place, so it must not count beside it in an outcome.
    """
    import ibis

    day = events.local_day.epoch_days().cast("int32")
    nothing = ibis.null("int32")
    if seen.plain or seen.first is None or seen.last is None:
        return events.mutate(day=day, recorded_day=day, known_day=day, lost_day=nothing, replaced=ibis.literal(False))
    changes = offsets(zone, seen.first, seen.last)
    recorded = ibis.ifelse(events.recorded_at <= events.occurred_at, day, local_day(events.recorded_at, changes))
    lost = ibis.ifelse(events.retracted_at.isnull(), nothing, local_day(events.retracted_at, changes))
    rows = events.mutate(day=day, recorded_day=recorded, known_day=ibis.greatest(day, recorded), lost_day=lost)
    ended = events.filter(events.retracted_at.notnull()).select("event_id").distinct()
    newer = events.semi_join(ended, "event_id").select(new_id="event_id", new_at="recorded_at").distinct()
    rows = rows.left_join(newer, [rows.event_id == newer.new_id, rows.retracted_at == newer.new_at])
    return rows.mutate(replaced=rows.new_id.notnull()).drop("new_id", "new_at")


def lasting(rows: Any) -> Any:
    """Without the rows that no midnight sees: voided or replaced before the day they became known had ended."""
    return rows.filter(rows.lost_day.isnull() | (rows.lost_day > rows.known_day))


def stretches(rows: Any, by: tuple[str, ...]) -> Any:
    """For each thing `by`, the stretches of days in which at least one of its rows counts, as few as possible.

    An order of two lines, one recorded late, is one order from its first line on, not two.
    """
    import ibis

    rows = rows.select(*by, "known_day", until=rows.lost_day.fill_null(_STILL)).distinct()
    order = ["known_day", "until"]
    before = ibis.window(group_by=list(by), order_by=order, rows=(None, -1))
    upto = ibis.window(group_by=list(by), order_by=order, rows=(None, 0))
    rows = rows.mutate(reached=rows.until.max().over(before))
    rows = rows.mutate(fresh=(rows.reached.isnull() | (rows.known_day > rows.reached)).cast("int64"))
    rows = rows.mutate(stretch=rows.fresh.sum().over(upto))
    merged = rows.group_by([*by, "stretch"]).aggregate(known_day=rows.known_day.min(), until=rows.until.max())
    until = ibis.ifelse(merged.until == _STILL, ibis.null("int32"), merged.until)
    return merged.mutate(lost_day=until).drop("stretch", "until")


def _own(rows: Any) -> Any:
    return rows.filter(rows.event_type.notin(NOT_OWN_ACTS))


def _sets(rows: Any) -> dict[str, tuple[Any, tuple[str, ...]]]:
    """What COUNTED counts: which rows, and what makes two of them the same thing."""
    bought, own = rows.filter(rows.event_type == "purchase"), _own(rows)
    return {
        "order_count": (bought.mutate(order_id=bought.order_id.fill_null("")), ("who", "day", "order_id")),
        "order_day_count": (bought, ("who", "day")),
        "session_count": (own.filter(own.session_id.notnull()), ("who", "day", "session_id")),
        "active_day_count": (own, ("who", "day")),
    }


def _sums(rows: Any, by: list[str], types: frozenset[str]) -> Any:
    """The measures over groups of events; one whose events never occur is a plain 0."""
    import ibis

    live = {name: measured(rows, m) for name, m in MEASURES.items() if types & set(m.types)}
    grouped = rows.group_by(by).aggregate(**live)
    return grouped.mutate(**{name: ibis.literal(0, "int64") for name in MEASURES if name not in live})


def _counted(rows: Any, name: str, *, plain: bool) -> Any:
    """(WHEN, count) of one of the COUNTED sets."""
    chosen, by = _sets(rows)[name]
    things = chosen.select(*by, "known_day", "lost_day").distinct() if plain else stretches(chosen, by)
    return things.group_by(list(WHEN)).aggregate(**{name: things.count()})


def fold_days(rows: Any, seen: Survey) -> Any:
    """`customer_day`: every measure and every counted set, by customer, day and when the row counts."""
    import ibis

    rows = lasting(rows)
    if seen.plain:
        return _fold_plain(rows, seen.types)
    parts = [_sums(rows, list(WHEN), seen.types), *(_counted(rows, name, plain=False) for name in COUNTED)]
    names = (*MEASURES, *COUNTED)
    padded = [
        part.select(
            *WHEN, **{n: part[n].cast("int64") if n in part.columns else ibis.literal(0, "int64") for n in names}
        )
        for part in parts
    ]
    every = ibis.union(*padded)
    return every.group_by(list(WHEN)).aggregate(**{name: every[name].sum() for name in names})


def _fold_plain(rows: Any, types: frozenset[str]) -> Any:
    """The same where nothing was late or retracted: sessions and orders fall out of one grouping by day."""
    import ibis

    by = ["who", "day", "session_id", "order_id"]
    inner = _sums(rows, by, types)
    session = ibis.ifelse((inner.act_count > 0), inner.session_id, ibis.null("string"))
    order = ibis.ifelse(inner.line_count > 0, inner.order_id.fill_null(""), ibis.null("string"))
    days = inner.group_by(["who", "day"]).aggregate(
        **{name: inner[name].sum() for name in MEASURES},
        session_count=session.nunique(),
        order_count=order.nunique(),
    )
    return days.mutate(
        known_day=days.day,
        lost_day=ibis.null("int32"),
        order_day_count=(days.line_count > 0).cast("int64"),
        active_day_count=(days.act_count > 0).cast("int64"),
    ).select(*WHEN, *MEASURES, *COUNTED)


def fold_orders(rows: Any) -> Any:
    """One row per order and day on which it was placed, with the instant, money and units."""
    bought = lasting(rows.filter(rows.event_type == "purchase"))
    bought = bought.mutate(order_id=bought.order_id.fill_null(""))
    return bought.group_by([*WHEN, "order_id", "replaced"]).aggregate(
        ordered_at=bought.occurred_at.min(),
        **{name: measured(bought, MEASURES[name]) for name in ("line_count", "units", "revenue", "discount")},
    )


def fold_items(rows: Any) -> Any:
    """`customer_item_day`: which items a customer touched on a day, and how often they bought them."""
    touched = _own(lasting(rows)).filter(lambda t: t.item_id.notnull())
    return touched.group_by(["who", "item", *WHEN[1:]]).aggregate(
        act_count=touched.count(), line_count=measured(touched, MEASURES["line_count"])
    )
