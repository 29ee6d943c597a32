"""One customer's row as it would read had something else happened: every column that the act moves, moves with it.

Features are formulas over leaves (`features.declare`). From a row's own numbers the leaves are solved back, an act
changes the leaves, and the formulas are evaluated again: an extra order moves counts over all windows, silence, gaps,
spend rates and shares together, as it would have in the ledger. A column that hangs on a leaf that the row does not
give away (how evenly items were bought, say) stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from holdfast.core.tables import FeatureTable
from holdfast.features.declare import Call, Formula, Leaf, Number, Rhythm, Since, Total, Variety, leaves

Floats = NDArray[np.float64]
Known = dict[Leaf, Any]  # a number, or one number for each scenario
#: Gaps that `gap_days_recent` averages over, as in `features.compile`.
RECENT_GAPS = 3
#: Measures that one order of the usual basket adds to, beside those in proportion to lines or acts.
_SHARES_OF_LINES = frozenset({"discount", "coupon_line_count", "weekend_line_count", "evening_line_count"})
_SHARES_OF_ACTS = frozenset(
    {"night_act_count", "weekend_act_count", "web_act_count", "app_act_count", "store_act_count"}
)
_APPLY: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": lambda a, b: np.divide(a, b, out=np.full(np.broadcast(a, b).shape, np.nan), where=np.asarray(b) != 0),
    "root": lambda a: np.sqrt(np.maximum(a, 0.0)),
    "at_least": np.maximum,
}


@cache
def formulas(names: tuple[str, ...]) -> tuple[tuple[int, Formula, frozenset[Leaf]], ...]:
    """(column, formula, leaves) of the columns that are declared features."""
    from holdfast.features.declare import FEATURES

    declared = FEATURES.load()
    found = []
    for at, name in enumerate(names):
        if name in declared:
            formula = declared[name].formula
            found.append((at, formula, frozenset(leaves(formula))))
    return tuple(found)


def solve_leaves(row: Mapping[str, float]) -> Known:
    """The leaves behind one customer's numbers, as far as they can be solved for.

    >>> known = solve_leaves({"order_count": 3.0, "frequency": 2.0, "T": 100.0, "days_since_last_order": 40.0})
    >>> known[Rhythm("order_days")], known[Since("order_count")]
    (3.0, 40.0)
    """
    names = tuple(row)
    known: Known = {}
    if np.isfinite(row.get("frequency", np.nan)):
        known[Rhythm("order_days")] = float(row["frequency"]) + 1.0
        known[Rhythm("gap_recent_count")] = float(min(row["frequency"], RECENT_GAPS))
    waiting = [(names[at], formula, asked) for at, formula, asked in formulas(names) if np.isfinite(row[names[at]])]
    while True:
        left = []
        for name, formula, asked in waiting:
            open_leaves = [one for one in asked if one not in known]
            if len(open_leaves) == 1:
                value = _solve(formula, float(row[name]), open_leaves[0], known)
                if value is not None:
                    known[open_leaves[0]] = _whole(open_leaves[0], value)
            elif open_leaves:
                left.append((name, formula, asked))
        if len(left) == len(waiting):
            break
        waiting = left
    for leaf in {leaf for _, _, asked in formulas(names) for leaf in asked if leaf not in known}:
        if isinstance(leaf, Total) and known.get(Total(_base(leaf.measure), leaf.window, leaf.after)) == 0:
            known[leaf] = 0.0  # a share of nothing is missing; what it counts is still known: none
    return known


def _base(measure: str) -> str:
    """What a measure is a part of: no order lines, no coupons on them; no acts, no acts at night."""
    return "line_count" if measure in _SHARES_OF_LINES or measure in ("revenue", "units") else "act_count"


def _whole(leaf: Leaf, value: float) -> float:
    """Leaves are whole numbers; float32 columns lose their last digits."""
    near = round(value)
    return float(near) if abs(value - near) <= max(1e-3, 2e-6 * abs(value)) else value


def _solve(one: Formula, value: float, leaf: Leaf, known: Known) -> float | None:
    """The leaf's value that gives the formula this value; None where it cannot be told."""
    if one == leaf:
        return value
    if not isinstance(one, Call):
        return None
    holds = [leaf in leaves(argument) for argument in one.arguments]
    if sum(holds) != 1:
        return None  # it stands on both sides
    inside = one.arguments[holds.index(True)]
    if one.operation == "root":
        return _solve(inside, value * value, leaf, known)
    other = float(evaluate(one.arguments[holds.index(False)], known))
    if not np.isfinite(other):
        return None
    undone = _undo(one.operation, value, other, left=holds[0])
    return None if undone is None else _solve(inside, undone, leaf, known)


def _undo(operation: str, value: float, other: float, *, left: bool) -> float | None:
    """What the unknown side of an operation was."""
    if operation == "add":
        return value - other
    if operation == "subtract":
        return value + other if left else other - value
    if operation == "multiply":
        return value / other if other else None
    if operation == "divide":
        return value * other if left else (other / value if value else None)
    return value if value > other else None  # at_least: below the floor nothing is told


def evaluate(one: Formula, known: Known) -> Any:
    """A formula over known leaves; NaN where one is not known or a division is by zero."""
    if isinstance(one, Number):
        return one.value
    if isinstance(one, Leaf):
        return known.get(one, np.nan)
    assert isinstance(one, Call)  # noqa: S101  (a formula is one of the three)
    return _APPLY[one.operation](*(evaluate(argument, known) for argument in one.arguments))


def rewritten(row: FeatureTable, known: Known, changed: Sequence[Known]) -> FeatureTable:
    """The one row of `row`, once for each of `changed` (leaves with other values), all columns recomputed.

    Columns that read a leaf which is neither known nor changed keep their value, in every scenario alike.
    """
    count = len(changed)
    values = np.repeat(row.values, count, axis=0).astype(np.float64)
    touched = {leaf for one in changed for leaf in one}
    merged: Known = dict(known)
    for leaf in touched:
        merged[leaf] = np.array([one.get(leaf, known.get(leaf, np.nan)) for one in changed], np.float64)
    for at, formula, asked in formulas(row.names):
        if asked & touched and all(leaf in merged for leaf in asked):
            found = np.broadcast_to(np.asarray(evaluate(formula, merged), np.float64), (count,))
            moved = np.array([bool(asked & set(one)) for one in changed])
            values[:, at] = np.where(moved, found, values[:, at])
    return FeatureTable(row.key.take(np.zeros(count, np.int64)), row.columns, values.astype(np.float32))


def more_orders(known: Known, ages: Sequence[int]) -> Known:
    """The leaves had there been one more order of the usual basket at each of these ages (days before the cutoff).

    Ages are distinct, from 1 to below the days since the last order: the new orders follow the last real one.
    """
    silence, days = known[Since("order_count")], known[Rhythm("order_days")]
    lines = max(1.0, round(known.get(Total("line_count"), days) / days))
    usual = {
        "order_count": 1.0, "order_day_count": 1.0, "line_count": lines, "act_count": lines, "active_day_count": 1.0,
        "revenue": float(round(known.get(Total("revenue"), 0.0) / days)),
        "units": float(round(known.get(Total("units"), 0.0) / days)),
        "session_count": 1.0 if known.get(Total("session_count"), 0.0) > 0 else 0.0,
    }  # fmt: skip
    changed: Known = {}
    for leaf in known:
        if isinstance(leaf, Total):
            inside = sum(leaf.after < age and (leaf.window is None or age <= leaf.window) for age in ages)
            if inside:
                changed[leaf] = known[leaf] + inside * _added(leaf, known, usual)
        elif isinstance(leaf, Since) and leaf.which == "last" and leaf.measure in ("order_count", "act_count"):
            changed[leaf] = min(known[leaf], float(min(ages)))
        elif _windowed_items(leaf) and min(ages) <= (leaf.window or 0):  # the usual things again
            ever = known.get(Variety("item", leaf.what), np.inf)
            changed[leaf] = max(known[leaf], min(lines, ever))
    return changed | _rhythm(known, sorted(ages), silence, usual)


def later_order(known: Known, age: int) -> Known:
    """The leaves had the last order come at this age (days before the cutoff) instead: as many orders, less silence.

    Of a customer with one order that is the first order as well, so their whole history is younger.
    """
    silence = known[Since("order_count")]
    lines = max(1.0, known.get(Rhythm("lines_last"), 1.0))
    last = {
        "order_count": 1.0, "order_day_count": 1.0, "line_count": lines, "act_count": lines, "active_day_count": 1.0,
        "revenue": known.get(Rhythm("revenue_last"), 0.0), "units": known.get(Rhythm("units_last"), 0.0),
        "session_count": 1.0 if known.get(Total("session_count"), 0.0) > 0 else 0.0,
    }  # fmt: skip
    changed: Known = {}
    for leaf in known:
        if isinstance(leaf, Total) and leaf.measure in last:
            inside = [leaf.after < one and (leaf.window is None or one <= leaf.window) for one in (silence, age)]
            if inside[0] != inside[1]:
                changed[leaf] = max(0.0, known[leaf] + (last[leaf.measure] if inside[1] else -last[leaf.measure]))
        elif isinstance(leaf, Since) and leaf.which == "last" and leaf.measure in ("order_count", "act_count"):
            changed[leaf] = min(known[leaf], float(age))
        elif leaf == Since("order_count", "first") and known[Rhythm("order_days")] == 1:
            changed[leaf] = float(age)
    old, new = known.get(Rhythm("gap_last"), np.nan), known.get(Rhythm("gap_last"), np.nan) + silence - age
    moved = {
        "gap_last": new, "gap_squares": known.get(Rhythm("gap_squares"), np.nan) - old**2 + new**2,
        "gap_longest": max(known.get(Rhythm("gap_longest"), 0.0), new),
        "gap_recent_sum": known.get(Rhythm("gap_recent_sum"), np.nan) + silence - age,
    }  # fmt: skip
    return changed | {Rhythm(what): v for what, v in moved.items() if Rhythm(what) in known and np.isfinite(v)}


def _windowed_items(leaf: Leaf) -> TypeGuard[Variety]:
    """How many different items were bought or looked at in some window."""
    return isinstance(leaf, Variety) and leaf.of == "item" and leaf.what in ("count", "seen") and bool(leaf.window)


def _added(leaf: Total, known: Known, usual: Mapping[str, float]) -> float:
    if leaf.measure in usual:
        return usual[leaf.measure]
    for measures, base in ((_SHARES_OF_LINES, "line_count"), (_SHARES_OF_ACTS, "act_count")):
        if leaf.measure not in measures:
            continue
        for same in (leaf, Total(leaf.measure)):  # the share in the window, or over all history
            whole = known.get(Total(base, same.window, same.after), 0.0)
            if whole > 0 and same in known:
                return float(known[same] / whole * usual["line_count"])
    return 0.0


def _rhythm(known: Known, ages: Sequence[int], silence: float, usual: Mapping[str, float]) -> Known:
    """The sequence of order days with new ones at its newest end; a gap list is newest first."""
    new = np.diff([*ages, silence])
    count, revenue = len(ages), usual["revenue"]
    changes: dict[str, float] = {
        "order_days": known[Rhythm("order_days")] + count,
        "gap_squares": known.get(Rhythm("gap_squares"), 0.0) + float(new @ new),
        "gap_last": float(new[0]), "gap_longest": max(known.get(Rhythm("gap_longest"), 0.0), float(new.max())),
        "revenue_last": revenue, "units_last": usual["units"], "lines_last": usual["line_count"],
        "revenue_highest": max(known.get(Rhythm("revenue_highest"), 0.0), revenue),
        "revenue_squares": known.get(Rhythm("revenue_squares"), 0.0) + count * float(revenue // 100) ** 2,
    }  # fmt: skip
    old = known[Rhythm("order_days")] - 1
    gaps = [*new, *_recent(known, int(min(old, RECENT_GAPS)))][:RECENT_GAPS]
    changes |= {"gap_recent_sum": float(sum(gaps)), "gap_recent_count": float(len(gaps))}
    known_before = {leaf.what for leaf in known if isinstance(leaf, Rhythm)}
    fresh = {"order_days", "gap_squares", "gap_last", "gap_longest", "gap_recent_sum", "gap_recent_count"}
    return {
        Rhythm(what): value for what, value in changes.items() if what in known_before or (what in fresh and old < 1)
    }


def _recent(known: Known, count: int) -> list[float]:
    """The newest old gaps: the last one is known, those before it are taken as equal."""
    if count <= 0:
        return []
    total = known.get(Rhythm("gap_recent_sum"), np.nan)
    last = known.get(Rhythm("gap_last"), total / count)
    return [float(last), *[float((total - last) / max(count - 1, 1))] * (count - 1)]


def more_visits(known: Known, ages: Sequence[int]) -> Known:
    """The leaves had there been one more visit of the usual kind at each of these ages."""
    sessions = known.get(Total("session_count"), 0.0)
    views = max(
        1.0, round(known.get(Total("view_count", 90), 0.0) / max(known.get(Total("session_count", 90), 0.0), 1.0))
    )
    seconds = known.get(Total("duration", 90), 0.0) / max(known.get(Total("session_count", 90), 0.0), 1.0)
    usual = {
        "session_count": 1.0 if sessions > 0 else 0.0, "view_count": views, "act_count": views,
        "active_day_count": 1.0, "duration": seconds,
    }  # fmt: skip
    changed: Known = {}
    for leaf in known:
        if isinstance(leaf, Total) and leaf.measure in usual:
            inside = sum(leaf.after < age and (leaf.window is None or age <= leaf.window) for age in ages)
            if inside:
                changed[leaf] = known[leaf] + inside * usual[leaf.measure]
        elif isinstance(leaf, Since) and leaf.which == "last" and leaf.measure == "act_count":
            changed[leaf] = min(known[leaf], float(min(ages)))
    return changed


def none_of(known: Known, measure: str) -> Known:
    """The leaves had nothing of this measure happened."""
    return {leaf: 0.0 for leaf in known if isinstance(leaf, Total) and leaf.measure == measure and known[leaf] > 0}
