"""The declarations read in plain Python, for one customer from plain rows.

It serves a live customer, and it is the slow twin against which every compiled feature is tested: it knows nothing of
ledgers, chains of days or stretches, only the rule of time and the formulas.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from holdfast.core.clock import Cutoff
from holdfast.core.schema import NOT_OWN_ACTS
from holdfast.features.build import chosen
from holdfast.features.compile import RECENT, season
from holdfast.features.declare import Call, Formula, Leaf, Number, Rhythm, Season, Since, Total, Variety
from holdfast.snapshot.days import cutoff_day, day_number
from holdfast.snapshot.measures import MEASURES, OWN_ACTS, Measure

Row = Mapping[str, Any]
Maybe = float | None

AMOUNTS: dict[str, Callable[[Row], int]] = {
    "one": lambda r: 1,
    "units": lambda r: math.floor(_quantity(r) * 1000 + 0.5),
    "revenue": lambda r: math.floor(_quantity(r) * (r.get("unit_price") or 0) + 0.5) - (r.get("discount") or 0),
    "discount": lambda r: r.get("discount") or 0,
    "duration": lambda r: math.floor((r.get("duration_seconds") or 0.0) * 1000 + 0.5),
    "rating": lambda r: math.floor((r.get("rating") or 0.0) * 1000 + 0.5),
}
CONDITIONS: dict[str, Callable[[Row], bool]] = {
    "always": lambda r: True,
    "night": lambda r: r["local_hour"] < 6,
    "evening": lambda r: r["local_hour"] >= 18,
    "weekend": lambda r: r["local_day"].weekday() >= 5,
    "web": lambda r: r.get("channel") == "web",
    "app": lambda r: r.get("channel") == "app",
    "store": lambda r: r.get("channel") == "store",
    "coupon": lambda r: r.get("coupon_code") is not None,
    "rated": lambda r: r.get("rating") is not None,
    "low_rating": lambda r: r.get("rating") is not None and r["rating"] <= 2,
}


def _quantity(row: Row) -> float:
    quantity = row.get("quantity")
    return 1.0 if quantity is None else float(quantity)


def _operation(apply: Callable[..., Maybe]) -> Callable[..., Maybe]:
    return lambda *args: None if any(one is None for one in args) else apply(*args)


OPERATIONS: dict[str, Callable[..., Maybe]] = {
    "add": _operation(lambda a, b: a + b),
    "subtract": _operation(lambda a, b: a - b),
    "multiply": _operation(lambda a, b: a * b),
    "divide": _operation(lambda a, b: None if b == 0 else a / b),
    "root": _operation(lambda a: math.sqrt(a) if a > 0 else 0.0),
    "at_least": _operation(max),
}


def visible(rows: Iterable[Row], cutoff: Cutoff) -> list[Row]:
    """The rows that were known at a cutoff."""
    return [
        row
        for row in rows
        if row["occurred_at"] < cutoff.at
        and row["recorded_at"] < cutoff.at
        and not (row.get("retracted_at") is not None and row["retracted_at"] < cutoff.at)
    ]


def evaluate(
    rows: Iterable[Row],
    cutoff: Cutoff,
    names: Sequence[str] | None = None,
    *,
    zone: str = "UTC",
    items: Iterable[Row] = (),
) -> dict[str, float]:
    """Features of one customer at a cutoff from rows as in EVENTS_CLEAN; a missing value is NaN.

    `items` are catalogue rows (item_id, category, brand, valid_from). Costs as much as the customer has rows.
    """
    history = History(visible(rows, cutoff), cutoff, zone, items)
    found = {one.name: history.value(one.formula) for one in chosen(names)}
    return {name: math.nan if value is None else value for name, value in found.items()}


class History:
    """One customer's visible rows, read leaf by leaf."""

    def __init__(self, rows: Sequence[Row], cutoff: Cutoff, zone: str, items: Iterable[Row] = ()) -> None:
        self._today = cutoff_day(cutoff, zone)
        self._rows = [(self._today - day_number(_day(row)), row) for row in rows]
        self._catalogue = catalogue(list(items), cutoff)
        self._order_days = self._fold_orders()

    def value(self, one: Formula) -> Maybe:
        """The value of a formula; None is missing."""
        if isinstance(one, Number):
            return one.value
        if isinstance(one, Call):
            return OPERATIONS[one.operation](*(self.value(argument) for argument in one.arguments))
        if isinstance(one, Leaf):
            found = self._leaf(one)
            return None if found is None else float(found)
        raise TypeError(f"no formula: {one!r}")

    def _leaf(self, one: Leaf) -> Maybe:
        if isinstance(one, Total):
            until = math.inf if one.window is None else one.window
            return sum(n for age, n in self._daily(one.measure).items() if one.after < age <= until)
        if isinstance(one, Since):
            ages = [age for age, n in self._daily(one.measure).items() if n > 0]
            return None if not ages else min(ages) if one.which == "last" else max(ages)
        if isinstance(one, Rhythm):
            return RHYTHM[one.what](self._order_days) if self._order_days else None
        if isinstance(one, Variety):
            return self._variety(one)
        if isinstance(one, Season):
            return season(one.what, self._today)
        raise TypeError(f"no leaf: {one!r}")

    def _daily(self, name: str) -> dict[int, int]:
        """A measure or counted set by age."""
        by_age: dict[int, int] = defaultdict(int)
        if name in MEASURES:
            for age, row in self._rows:
                by_age[age] += _amount(row, MEASURES[name])
            return by_age
        things: dict[int, set[str]] = defaultdict(set)
        for age, row in self._rows:
            if (thing := _counted(row, name)) is not None:
                things[age].add(thing)
        return {age: len(those) for age, those in things.items()}

    def _fold_orders(self) -> list[dict[str, Any]]:
        """Order days, newest first, with `back` and `gap` as in `compile.order_days`."""
        days: dict[int, dict[str, Any]] = {}
        for age, row in self._rows:
            if row["event_type"] == "purchase":
                day = days.setdefault(age, {"age": age, "revenue": 0, "units": 0, "line_count": 0})
                for name in ("revenue", "units", "line_count"):
                    day[name] += _amount(row, MEASURES[name])
        ordered = [days[age] for age in sorted(days)]
        for back, day in enumerate(ordered):
            day["back"] = back
            day["gap"] = ordered[back + 1]["age"] - day["age"] if back + 1 < len(ordered) else None
        return ordered

    def _variety(self, leaf: Variety) -> Maybe:
        lines: dict[str, int] = defaultdict(int)
        ages: dict[str, set[int]] = defaultdict(set)
        for age, row in self._rows:
            bought = row["event_type"] == "purchase"
            own = row["event_type"] not in NOT_OWN_ACTS
            thing = self._thing(row, leaf.of)
            if thing is not None and (bought or (leaf.what == "seen" and own)):
                lines[thing] += 1
                ages[thing].add(age)
        if leaf.what in ("count", "seen"):
            return sum(leaf.window is None or min(those) <= leaf.window for those in ages.values())
        return VARIETY[leaf.what](list(lines.values()), list(ages.values())) if lines else None

    def _thing(self, row: Row, of: str) -> str | None:
        if of == "platform":
            return row.get("platform")
        item = row.get("item_id")
        if item is None or of == "item":
            return item
        return self._catalogue.get(item, {}).get(of)


def catalogue(items: Sequence[Row], cutoff: Cutoff) -> dict[str, dict[str, str | None]]:
    """Category and brand of each item as known at a cutoff: from its newest row with `valid_from` before it."""
    newest: dict[str, Any] = {}
    for row in items:
        since = row.get("valid_from")
        if since is not None and since < cutoff.at:
            newest[row["item_id"]] = max(since, newest.get(row["item_id"], since))
    known: dict[str, dict[str, str | None]] = {}
    for row in items:
        if row.get("valid_from") is not None and row["valid_from"] == newest.get(row["item_id"]):
            one = known.setdefault(row["item_id"], {"category": None, "brand": None})
            for name in one:
                one[name] = max((v for v in (one[name], row.get(name)) if v is not None), default=None)
    return known


def _day(row: Row) -> date:
    day: date = row["local_day"]
    return day


def _amount(row: Row, measure: Measure) -> int:
    kind = row["event_type"]
    chosen_kind = kind not in NOT_OWN_ACTS if measure.types == OWN_ACTS else kind in measure.types
    return AMOUNTS[measure.amount](row) if chosen_kind and CONDITIONS[measure.when](row) else 0


def _counted(row: Row, name: str) -> str | None:
    """What a row adds to one of the COUNTED sets of its day."""
    bought, own = row["event_type"] == "purchase", row["event_type"] not in NOT_OWN_ACTS
    if name == "order_count":
        return row.get("order_id") or "" if bought else None
    if name == "order_day_count":
        return "day" if bought else None
    if name == "session_count":
        return row.get("session_id") if own else None
    return "day" if own else None


def _gaps(days: list[dict[str, Any]]) -> list[int]:
    return [day["gap"] for day in days if day["gap"] is not None]


def _first(name: str) -> Callable[[list[dict[str, Any]]], Maybe]:
    return lambda days: days[-1][name]


def _last(name: str) -> Callable[[list[dict[str, Any]]], Maybe]:
    return lambda days: days[0][name]


RHYTHM: dict[str, Callable[[list[dict[str, Any]]], Maybe]] = {
    "order_days": len,
    "gap_squares": lambda d: sum(gap * gap for gap in _gaps(d)) if _gaps(d) else None,
    "gap_last": lambda d: d[0]["gap"],
    "gap_longest": lambda d: max(_gaps(d), default=None),
    "gap_recent_sum": lambda d: sum(_gaps(d)[:RECENT]) if _gaps(d) else None,
    "gap_recent_count": lambda d: len(_gaps(d)[:RECENT]),
    "revenue_first": _first("revenue"),
    "revenue_last": _last("revenue"),
    "revenue_highest": lambda d: max(day["revenue"] for day in d),
    "revenue_squares": lambda d: sum((day["revenue"] // 100) ** 2 for day in d),
    "units_first": _first("units"),
    "units_last": _last("units"),
    "lines_first": _first("line_count"),
    "lines_last": _last("line_count"),
}


def _entropy(lines: list[int], ages: list[set[int]]) -> float:
    terms = sum(math.floor(n * math.log(n) * 1e9 + 0.5) for n in lines)
    return math.log(sum(lines)) * 1e9 - terms / sum(lines)


VARIETY: dict[str, Callable[[list[int], list[set[int]]], Maybe]] = {
    "again": lambda lines, ages: sum(len(those) > 1 for those in ages),
    "top": lambda lines, ages: max(lines),
    "lines": lambda lines, ages: sum(lines),
    "entropy": _entropy,
}
