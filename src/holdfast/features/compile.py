"""From declarations to one query: each kind of leaf is one grouping of a small table, joined by (cut, who)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import ibis

from holdfast.features.declare import (
    Call,
    Feature,
    Formula,
    Leaf,
    Number,
    Rhythm,
    Season,
    Since,
    Total,
    Variety,
    leaves,
)
from holdfast.snapshot.days import cutoff_day, day_of
from holdfast.snapshot.observed import Observed

BY = ["cut", "who"]
#: How many of the newest gaps are "recent".
RECENT = 3
YEAR = 365.25


def _divide(a: Any, b: Any) -> Any:
    return a / b.nullif(0.0)


#: What a `Call` does, on Ibis numbers.
OPERATIONS: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": _divide,
    "root": lambda a: (a > 0).ifelse(a, a * 0.0).sqrt(),
    "at_least": lambda a, floor: (a < floor).ifelse(floor, a),
}

#: What a `Rhythm` leaf reads off the order days of one customer, newest first (`back` 0), `gap` to the one before.
RHYTHM: dict[str, Callable[[Any], Any]] = {
    "order_days": lambda d: d.count(),
    "gap_squares": lambda d: (d.gap * d.gap).sum(),
    "gap_last": lambda d: d.gap.max(where=d.back == 0),
    "gap_longest": lambda d: d.gap.max(),
    "gap_recent_sum": lambda d: d.gap.sum(where=d.back < RECENT),
    "gap_recent_count": lambda d: d.gap.count(where=d.back < RECENT),
    "revenue_first": lambda d: d.revenue.sum(where=d.gap.isnull()),
    "revenue_last": lambda d: d.revenue.sum(where=d.back == 0),
    "revenue_highest": lambda d: d.revenue.max(),
    "revenue_squares": lambda d: ((d.revenue // 100) * (d.revenue // 100)).sum(),
    "units_first": lambda d: d.units.sum(where=d.gap.isnull()),
    "units_last": lambda d: d.units.sum(where=d.back == 0),
    "lines_first": lambda d: d.line_count.sum(where=d.gap.isnull()),
    "lines_last": lambda d: d.line_count.sum(where=d.back == 0),
}


def season(what: str, day: int) -> float:
    """The value of a `Season` leaf at a cutoff day."""
    of_year = (day_of(day) - day_of(day).replace(month=1, day=1)).days
    angle = 2 * math.pi * of_year / YEAR
    return {"sine": math.sin(angle), "cosine": math.cos(angle), "day": float(of_year)}[what]


def query(observed: Observed, features: Sequence[Feature], people: Any) -> Any:
    """The features of `people` (cut, who, and whatever identifies the row) as one lazy table."""
    asked = {leaf.column: leaf for one in features for leaf in leaves(one.formula)}
    rows = people
    for part in _parts(observed, list(asked.values()), people.select(*BY).distinct()):
        fresh = [name for name in part.columns if name not in BY]
        rows = rows.left_join(part, BY).select(rows, *[part[name] for name in fresh])
    values = {one.name: compiled(one.formula, rows).cast("float32") for one in features}
    return rows.select(*people.columns, **values)


def compiled(one: Formula, rows: Any) -> Any:
    """A formula as an Ibis expression over the joined leaves."""
    if isinstance(one, Number):
        return ibis.literal(one.value, "float64")
    if isinstance(one, Leaf):
        found = rows[one.column] if one.column in rows.columns else ibis.null("int64")
        counts = isinstance(one, Total) or (isinstance(one, Variety) and one.what in ("count", "seen"))
        return (found.fill_null(0) if counts else found).cast("float64")
    if isinstance(one, Call):
        return OPERATIONS[one.operation](*(compiled(argument, rows) for argument in one.arguments))
    raise TypeError(f"no formula: {one!r}")


def _parts(observed: Observed, asked: Iterable[Leaf], people: Any) -> list[Any]:
    """One lazy table keyed by (cut, who) for each kind of leaf asked for."""
    asked = list(asked)
    totals = [one for one in asked if isinstance(one, (Total, Since))]
    rhythms = [one for one in asked if isinstance(one, Rhythm)]
    varieties = [one for one in asked if isinstance(one, Variety)]
    seasons = [one for one in asked if isinstance(one, Season)]
    parts = []
    if totals:
        parts.append(_totals(observed.days.semi_join(people, BY), totals))
    if rhythms:
        parts.append(_rhythms(observed.orders.semi_join(people, BY), rhythms))
    if items := [one for one in varieties if one.of == "item"]:
        parts += _items(observed, people, items)
    for of in ("category", "brand", "platform"):
        if some := [one for one in varieties if one.of == of]:
            parts.append(_others(observed, people, of, some))
    if seasons:
        parts.append(_seasons(observed, people, seasons))
    return [part for part in parts if part is not None]


def _totals(days: Any, asked: Sequence[Total | Since]) -> Any:
    """Every window in one pass. A CASE inside a sum is read column by column; a filter on it costs twice as much."""

    def one(leaf: Total | Since) -> Any:
        measure = days[leaf.measure]
        if isinstance(leaf, Since):
            return days.age.min(where=measure > 0) if leaf.which == "last" else days.age.max(where=measure > 0)
        if leaf.window is None:
            return measure.sum()
        inside = days.age <= leaf.window
        return (inside & (days.age > leaf.after) if leaf.after else inside).ifelse(measure, 0).sum()

    return days.group_by(BY).aggregate(**{leaf.column: one(leaf) for leaf in asked})


def order_days(orders: Any) -> Any:
    """One row per order day: what was bought, `back` (0 = newest), `gap` (days since the one before; first: null)."""
    days = orders.group_by([*BY, "age"]).aggregate(
        **{name: orders[name].sum() for name in ("revenue", "units", "line_count")}
    )
    newest_first = ibis.window(group_by=BY, order_by="age")
    return days.mutate(back=ibis.row_number().over(newest_first), gap=days.age.lead().over(newest_first) - days.age)


def _rhythms(orders: Any, asked: Sequence[Rhythm]) -> Any:
    days = order_days(orders)
    return days.group_by(BY).aggregate(**{leaf.column: RHYTHM[leaf.what](days) for leaf in asked})


def _items(observed: Observed, people: Any, asked: Sequence[Variety]) -> list[Any]:
    """Distinct items as counts of newest rows; what needs whole baskets by grouping."""
    items = observed.items.semi_join(people, BY)
    parts = []
    for how, what in (("bought", "count"), ("seen", "seen")):
        if counted := [one for one in asked if one.what == what]:
            newest = _newest(items if how == "seen" else items.filter(items.line_count > 0), how, observed.chained)
            parts.append(newest.group_by(BY).aggregate(**{one.column: _within(newest, one.window) for one in counted}))
    if others := [one for one in asked if one.what not in ("count", "seen")]:
        parts.append(_read(_each(items.filter(items.line_count > 0), "item"), others))
    return parts


def _others(observed: Observed, people: Any, of: str, asked: Sequence[Variety]) -> Any:
    """Distinct categories, brands or platforms bought; None where the shop never says."""
    if of == "platform":
        rows = observed.platforms.semi_join(people, BY)
    elif observed.catalogue is None:
        return None
    else:
        bought = observed.items.filter(observed.items.line_count > 0).semi_join(people, BY)
        rows = bought.join(observed.catalogue, ["cut", "item"])
    return _read(_each(rows.filter(rows[of].notnull()), of), asked)


def _read(each: Any, asked: Sequence[Variety]) -> Any:
    return each.group_by(BY).aggregate(**{one.column: VARIETY[one.what](each, one.window) for one in asked})


def _newest(items: Any, how: str, chained: bool) -> Any:
    """cut, who, age: for each item the newest day."""
    known = items.filter(items[f"newest_{how}"]).select(*BY, "age")
    if chained:
        return known
    loose = items.filter(items[f"newest_{how}"].isnull())
    grouped = loose.group_by([*BY, "item"]).aggregate(age=loose.age.min())
    return known.union(grouped.select(*BY, "age"))


def _within(rows: Any, window: int | None) -> Any:
    return rows.count() if window is None else (rows.age <= window).cast("int32").sum()


def _each(bought: Any, thing: str) -> Any:
    """cut, who, thing: in how many lines and on which days it was bought."""
    return bought.group_by([*BY, thing]).aggregate(
        age=bought.age.min(), lines=bought.line_count.sum(), oldest=bought.age.max()
    )


#: What a `Variety` leaf reads off the different things bought by one customer.
VARIETY: dict[str, Callable[[Any, int | None], Any]] = {
    "count": _within,
    "again": lambda each, window: each.count(where=each.oldest > each.age),
    "top": lambda each, window: each.lines.max(),
    "lines": lambda each, window: each.lines.sum(),
    "entropy": lambda each, window: entropy(each.lines),
}


def entropy(lines: Any) -> Any:
    """Entropy of a grouping's line counts in 1e-9 nats; each term is a whole number, so that the sum is exact."""
    n = lines.cast("float64")
    terms = (n * n.ln() * 1e9 + 0.5).floor().cast("int64").sum().cast("float64")
    total = lines.sum().cast("float64")
    return total.ln() * 1e9 - terms / total


def _seasons(observed: Observed, people: Any, asked: Sequence[Season]) -> Any:
    days = [cutoff_day(one, observed.zone) for one in observed.cutoffs]

    def one(leaf: Season) -> Any:
        cases = [(people.cut == cut, season(leaf.what, day)) for cut, day in enumerate(days)]
        return ibis.cases(*cases, else_=ibis.null("float64"))

    return people.select(*BY, **{leaf.column: one(leaf) for leaf in asked})
