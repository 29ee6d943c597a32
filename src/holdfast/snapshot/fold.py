"""Events folded once into small tables whose columns add.

Every ledger row says when it counts: from `known_day` (the later of its own day and the day it was recorded on)
until `lost_day` (the day on which something retracted it; null: it still counts). At a midnight cutoff of day D it
is visible if `known_day < D` and not `lost_day < D`. A row that no midnight ever sees is left out; cutoffs within a
day read that day from the events. See docs/adr/0005.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from holdfast.core.schema import NOT_OWN_ACTS
from holdfast.snapshot.days import local_day, offsets
from holdfast.snapshot.measures import ACT_MEASURES, COUNTED, GIVEN, MEASURES, ORDER_MEASURES, measured

WHEN = ("who", "day", "known_day", "lost_day")
#: A day later than any.
STILL = 2**31 - 1


@dataclass(frozen=True)
class Survey:
    """What one look over the events says about how they must be folded.

    `plain`: every row was recorded as it happened and none was retracted, so that nothing has to be merged. `types`:
    event types that occur; `given`: the rarer things of `measures.GIVEN` that occur. What does not is not summed.
    """

    rows: int
    first: datetime | None
    last: datetime | None
    plain: bool
    types: frozenset[str]
    given: frozenset[str]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "rows": self.rows,
            "first": self.first and self.first.isoformat(),
            "last": self.last and self.last.isoformat(),
            "plain": self.plain,
            "types": sorted(self.types),
            "given": sorted(self.given),
        }

    @classmethod
    def from_dict(cls, said: dict[str, Any]) -> Survey:
        """Back from JSON."""
        first, last = (said[name] and datetime.fromisoformat(said[name]) for name in ("first", "last"))
        types, given = frozenset(said["types"]), frozenset(said["given"])
        return cls(said["rows"], first, last, said["plain"], types, given)


def survey(engine: Any, events: Any) -> Survey:
    """Look over the events once, reading only what decides the way of folding."""
    types = engine.arrow(events.select("event_type").distinct())
    row = engine.arrow(
        events.aggregate(
            rows=events.count(),
            first=events.occurred_at.min(),
            last=events.occurred_at.max(),
            recorded=events.recorded_at.max(),
            retracted=events.retracted_at.max(),
            odd=events.count(where=(events.recorded_at > events.occurred_at) | events.retracted_at.notnull()),
            **{f"given_{one}": events.count(where=condition(events)) for one, condition in GIVEN.items()},
        )
    ).to_pylist()[0]
    ends = [row[name] for name in ("last", "recorded", "retracted") if row[name] is not None]
    return Survey(
        rows=row["rows"],
        first=row["first"],
        last=max(ends, default=None),
        plain=row["odd"] == 0,
        types=frozenset(types["event_type"].to_pylist()),
        given=frozenset(one for one in GIVEN if row[f"given_{one}"]),
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

    rows = rows.select(*by, "known_day", until=rows.lost_day.fill_null(STILL)).distinct()
    order = ["known_day", "until"]
    before = ibis.window(group_by=list(by), order_by=order, rows=(None, -1))
    upto = ibis.window(group_by=list(by), order_by=order, rows=(None, 0))
    rows = rows.mutate(reached=rows.until.max().over(before))
    rows = rows.mutate(fresh=(rows.reached.isnull() | (rows.known_day > rows.reached)).cast("int64"))
    rows = rows.mutate(stretch=rows.fresh.sum().over(upto))
    merged = rows.group_by([*by, "stretch"]).aggregate(known_day=rows.known_day.min(), until=rows.until.max())
    until = ibis.ifelse(merged.until == STILL, ibis.null("int32"), merged.until)
    return merged.mutate(lost_day=until).drop("stretch", "until")


def _own(rows: Any, seen: Survey) -> Any:
    """Whether a row is an act of the customer's own."""
    import ibis

    return rows.event_type.notin(NOT_OWN_ACTS) if seen.types & set(NOT_OWN_ACTS) else ibis.literal(True)


def _sums(rows: Any, by: Sequence[str], names: Sequence[str], seen: Survey, **more: Any) -> Any:
    """The measures over groups of events, without those whose events never occur."""
    live = [name for name in names if MEASURES[name].occurs(seen.types, seen.given)]
    return rows.group_by(list(by)).aggregate(
        **{name: measured(rows, MEASURES[name], seen.types) for name in live}, **more
    )


def _shaped(part: Any) -> Any:
    """The columns of `customer_day`, in order, with their types; what a part does not say is 0."""
    import ibis

    kinds = {name: MEASURES[name].dtype if name in MEASURES else "int32" for name in (*MEASURES, *COUNTED)}
    said = {n: part[n].fill_null(0) if n in part.columns else ibis.literal(0) for n in kinds}
    return part.select(*WHEN, **{name: said[name].cast(kind) for name, kind in kinds.items()})


def _odd_groups(rows: Any, by: Sequence[str]) -> Any:
    """The groups in which some row was late or retracted."""
    return rows.filter((rows.known_day > rows.day) | rows.lost_day.notnull()).select(*by).distinct()


def fold_orders(rows: Any) -> Any:
    """One row per order and day on which it was placed, with its instant and what was bought."""
    bought = lasting(rows.filter(rows.event_type == "purchase"))
    bought = bought.mutate(order_id=bought.order_id.fill_null(""))
    by = [*WHEN, "order_id", "replaced"]
    sums = {name: measured(bought, MEASURES[name]) for name in ORDER_MEASURES}
    return bought.group_by(by).aggregate(ordered_at=bought.occurred_at.min(), **sums)


def fold_days(rows: Any, orders: Any, seen: Survey) -> Any:
    """`customer_day`: every measure and every counted set, by customer, day and when the row counts."""
    acts, by = lasting(rows), ["who", "day"]
    if seen.plain:
        return _plain_days(acts, orders, seen)
    odd = _odd_groups(acts, by)
    usual = _plain_days(acts.anti_join(odd, by), orders.anti_join(odd, by), seen)
    return usual.union(_odd_days(acts.semi_join(odd, by), orders.semi_join(odd, by), seen))


def _plain_days(rows: Any, orders: Any, seen: Survey) -> Any:
    """Where every row counts from its own day on, one grouping of the events and one of the orders say it all."""
    import ibis

    by = ("who", "day")
    acts = _sums(rows, by, ACT_MEASURES, seen, session_count=rows.session_id.nunique(where=_own(rows, seen)))
    bought = _order_sums(orders, by).mutate(order_day_count=1)
    days = acts.left_join(bought, list(by)).drop("who_right", "day_right")
    active = (days.act_count > 0).cast("int32") if "act_count" in days.columns else ibis.literal(0)
    return _shaped(days.mutate(known_day=days.day, lost_day=ibis.null("int32"), active_day_count=active))


def _odd_days(rows: Any, orders: Any, seen: Survey) -> Any:
    """Where rows came late or went: sums by when they count, and sets by the stretches in which they have a member."""
    import ibis

    sums = [_sums(rows, WHEN, ACT_MEASURES, seen), _order_sums(orders, WHEN).drop("order_count")]
    every = ibis.union(*(_shaped(part) for part in (*sums, *_odd_sets(rows), *_odd_orders(orders))))
    return _shaped(every.group_by(list(WHEN)).aggregate(**{n: every[n].sum() for n in (*MEASURES, *COUNTED)}))


def _order_sums(orders: Any, by: Sequence[str]) -> Any:
    sums = {name: orders[name].sum() for name in ORDER_MEASURES}
    return orders.group_by(list(by)).aggregate(order_count=orders.order_id.nunique(), **sums)


def _odd_orders(orders: Any) -> list[Any]:
    things = {"order_count": ("who", "day", "order_id"), "order_day_count": ("who", "day")}
    return [_stretched(orders, name, by) for name, by in things.items()]


def _odd_sets(rows: Any) -> list[Any]:
    own = rows.filter(rows.event_type.notin(NOT_OWN_ACTS))
    sessions = own.filter(own.session_id.notnull())
    return [
        _stretched(sessions, "session_count", ("who", "day", "session_id")),
        _stretched(own, "active_day_count", ("who", "day")),
    ]


def _stretched(rows: Any, name: str, by: tuple[str, ...]) -> Any:
    things = stretches(rows, by)
    return things.group_by(list(WHEN)).aggregate(**{name: things.count()})


def fold_items(rows: Any, seen: Survey) -> Any:
    """`customer_item_day`: which items a customer touched on a day, and how often they bought them.

    `seen_until` is the next day on which the same customer touched the same item, `bought_until` the next on which it
    was bought (`STILL` if there is none). At a cutoff of day D the row is the newest of its item if `day < D <= until`,
    so that distinct items in any window are a plain count of rows. Where a row was late or retracted the two are null,
    and distinct items are counted the long way.
    """
    import ibis

    touched = lasting(rows.filter(_own(rows, seen) & rows.item.notnull()))
    if seen.plain:
        return _chained(touched)
    groups, by = _odd_groups(touched, ("who", "item")), ["who", "item"]
    plain, odd = touched.anti_join(groups, by), touched.semi_join(groups, by)
    loose = odd.group_by(["who", "item", *WHEN[1:]]).aggregate(
        act_count=odd.count(), line_count=odd.count(where=odd.event_type == "purchase")
    )
    nothing = ibis.null("int32")
    chained = _chained(plain)
    return chained.union(loose.mutate(seen_until=nothing, bought_until=nothing).select(*chained.columns))


def fold_platforms(rows: Any) -> Any:
    """On which platforms a customer bought on a day, and in how many order lines."""
    bought = lasting(rows.filter((rows.event_type == "purchase") & rows.platform.notnull()))
    return bought.group_by(["who", "platform", *WHEN[1:]]).aggregate(line_count=bought.count())


def _chained(rows: Any) -> Any:
    """Most customers touch most items on one day only; only the others need a window function."""
    import ibis

    bought = rows.event_type == "purchase"
    pairs = rows.group_by(["who", "item"]).aggregate(
        day=rows.day.min(), last=rows.day.max(), act_count=rows.count(), line_count=rows.count(where=bought)
    )
    still = ibis.literal(STILL, "int32")
    once = pairs.filter(pairs.day == pairs.last).drop("last").mutate(seen_until=still, bought_until=still)
    often = rows.semi_join(pairs.filter(pairs.day < pairs.last), ["who", "item"])
    days = often.group_by(["who", "item", "day"]).aggregate(
        act_count=often.count(), line_count=often.count(where=often.event_type == "purchase")
    )
    later = ibis.window(group_by=["who", "item"], order_by="day", rows=(1, None))
    days = days.mutate(
        seen_until=days.day.min().over(later).fill_null(STILL),
        bought_until=days.day.min(where=days.line_count > 0).over(later).fill_null(STILL),
    )
    every = once.union(days.select(*once.columns))
    return every.mutate(known_day=every.day, lost_day=ibis.null("int32"))
