"""What would have to be different for the forecast to be different, over things that the shop or the customer can act on.

Only declared actions are tried, each in its own direction and step (`ACTIONS`): age, season, first order and anything
protected cannot be acted on and never appear. Each action is applied to the customer's row as a whole (`models.whatif`),
so that no scenario is a row that could not exist. All scenarios of a customer are one small batch of predictions.

A counterfactual speaks of the forecast, not of the world: customers who order more differ in other ways too, and only an
experiment says what an offer would do. The gravest such error is taken out: a model lowers the risk of whoever has more
orders because frequent buyers are another kind of customer, which one more order does not make of anybody. So more
orders are told only where the silence itself counts: of customers with a rhythm of their own (two orders or more) who are
silent for `OVERDUE` times their usual gap, and where the forecast falls by at least `SILENCE_COUNTS` when nothing but the
day of the last order is moved. In a simulator with known risks that is the difference between a claim that is true of 6
customers in 10 and one that is true of more than 9 (ADR 15).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import UsageError
from holdfast.core.tables import FeatureTable
from holdfast.core.text import Language, Text
from holdfast.features.declare import Rhythm, Since, Total
from holdfast.models.reasons import number_text, singular
from holdfast.models.whatif import Known, later_order, more_orders, more_visits, none_of, rewritten, solve_leaves

Floats = NDArray[np.float64]
Predict = Callable[[FeatureTable], Floats]
#: Columns without which nothing can be said about another order.
NEEDED = ("days_since_last_order", "frequency", "T")
#: Silence, in usual gaps, from which another order is told. The usual gap is shrunken as in the feature `overdue_ratio`.
OVERDUE, PRIOR_GAP_DAYS = 1.5, 60.0
#: How much the risk must fall when only the last order is moved, before more orders are told.
SILENCE_COUNTS = 0.1
#: The newest of the supposed orders lies at most so many days before the cutoff.
_NEWEST_DAYS = 15
CAUTION = Text(
    "This is a statement about the forecast, not a promise: what an offer would change, only an experiment can tell.",
    "以上描述的是预测如何变化，并非承诺：优惠究竟能改变什么，只有实验才能说明。",
)


@dataclass(frozen=True)
class Scenario:
    """One action at one step: the leaves it changes, and the numbers that its sentence needs."""

    steps: int
    changed: Known
    words: Mapping[str, float]


@dataclass(frozen=True)
class Action:
    """Something that can be acted on: `who` can, which way (`more` or `less`), in steps of what, and how it is told."""

    action_id: str
    who: str
    direction: str
    unit: str
    sentence: Text
    scenarios: Callable[[Known], list[Scenario]]
    proof: Callable[[Known], Known] | None = None  # what must lower the risk by SILENCE_COUNTS before this is told
    allowed: Callable[[Known], bool] | None = None  # of whom it may be told at all


def _orders(known: Known) -> list[Scenario]:
    """One to three more orders since the last one, evenly spread, the newest at most 15 days ago."""
    silence, newest = int(known.get(Since("order_count"), 0)), _newest(known)
    found = []
    value = known.get(Total("revenue"), 0.0) / 10_000 / max(known.get(Rhythm("order_days"), 1.0), 1.0)
    for count in (1, 2, 3):
        ages = sorted({round(age) for age in np.linspace(newest, silence, count + 1)[:-1]})
        if len(ages) == count and ages[0] >= 1 and ages[-1] < silence:
            found.append(Scenario(count, more_orders(known, ages), {"days": float(ages[0]), "value": value}))
    return found


def _overdue(known: Known) -> bool:
    """Whether somebody with a rhythm of their own is silent for longer than it explains."""
    orders, silence = known.get(Rhythm("order_days"), 0.0), known.get(Since("order_count"), 0.0)
    tenure = known.get(Since("order_count", "first"), silence) - silence
    return bool(orders >= 2 and silence >= OVERDUE * (tenure + PRIOR_GAP_DAYS) / orders)


def _newest(known: Known) -> int:
    """How many days ago the newest supposed order lies."""
    return max(1, min(_NEWEST_DAYS, int(known.get(Since("order_count"), 0)) // 2))


def _only_later(known: Known) -> Known:
    return later_order(known, _newest(known))


def _visits(known: Known) -> list[Scenario]:
    """Some more visits within the last 30 days, of a shop that records visits."""
    if known.get(Total("session_count"), 0.0) <= 0:
        return []
    steps = (1, 2, 4, 8)
    return [Scenario(n, more_visits(known, [round(a) for a in np.linspace(2, 28, n)]), {}) for n in steps]


def _deliveries(known: Known) -> list[Scenario]:
    """No failed delivery, for a customer who had one."""
    failed = known.get(Total("delivery_failed_count", 180), 0.0)
    return [Scenario(int(failed), none_of(known, "delivery_failed_count"), {})] if failed > 0 else []


ACTIONS: tuple[Action, ...] = (
    Action(
        "more_orders", "customer", "more", "orders",
        Text(
            "With {steps} more orders of the usual {value} since the last one (the newest {days} days ago), "
            "the risk of not ordering would be forecast at {after} instead of {before}.",
            "若上次下单之后再有{steps}次平常金额（{value}）的订单（最近一次在{days}天前），不下单的预测风险将从{before}变为{after}。",
        ), _orders, _only_later, _overdue,
    ),
    Action(
        "more_visits", "customer", "more", "visits",
        Text(
            "With {steps} more visits in the last 30 days, the risk of not ordering would be forecast at {after} instead of {before}.",
            "若最近30天多访问{steps}次，不下单的预测风险将从{before}变为{after}。",
        ), _visits,
    ),
    Action(
        "no_failed_delivery", "shop", "less", "failed deliveries",
        Text(
            "Had no delivery failed in the last 180 days ({steps} did), the risk would be forecast at {after} instead of {before}.",
            "若最近180天没有配送失败（实际{steps}次），不下单的预测风险将从{before}变为{after}。",
        ), _deliveries,
    ),
)  # fmt: skip


def counterfactuals(
    predict: Predict, features: FeatureTable, *, share: float = 0.5, language: Language = "en", currency: str = "",
    actions: Sequence[Action] = ACTIONS, proven: bool = True,
) -> list[list[dict[str, Any]]]:  # fmt: skip
    """For each row, for each action that lowers its p_churn, the smallest step that brings it to `share` of what it is.

    Where no step reaches that, the best step, with `reached` false. Best action first; empty for a row of which nothing
    can be said (no order yet, or just ordered). `predict` gives p_churn of each row of a table. Each entry is
    {action, who, steps, unit, before, after, reached, moved: {column: [from, to]}, text}. `proven=False` leaves the gates of
    an action open: what the model would say, whether or not it can be believed of an act (never show that to a customer).
    """
    missing = [name for name in NEEDED if name not in features.names]
    if missing:
        raise UsageError(
            f"counterfactuals need the feature {missing[0]!r}, which this table lacks",
            remedy=f"build the features with {', '.join(NEEDED)}",
        )
    if not 0 < share < 1:
        raise UsageError(f"a share of {share} of the risk is no goal", remedy="between 0 and 1, e.g. 0.5 to halve it")
    rows = [features.take(np.array([i])) for i in range(len(features))]
    return [_row(predict, row, share, language, currency, actions, proven) for row in rows]


def _row(
    predict: Predict,
    row: FeatureTable,
    share: float,
    language: Language,
    currency: str,
    actions: Sequence[Action],
    proven: bool,
) -> list[dict[str, Any]]:
    known = solve_leaves(dict(zip(row.names, row.values[0].astype(float), strict=True)))
    if Since("order_count") not in known or Rhythm("order_days") not in known:
        return []
    able = [one for one in actions if not proven or one.allowed is None or one.allowed(known)]
    tried = [(action, one) for action in able for one in action.scenarios(known) if one.changed]
    if not tried:
        return []
    proofs = [action for action in able if proven and action.proof is not None]
    shown = [action.proof(known) for action in proofs if action.proof is not None]
    table = rewritten(row, known, [{}, *(one.changed for _, one in tried), *shown])
    p = np.asarray(predict(table), np.float64)
    before, found = float(p[0]), []
    unproven = [a for a, after in zip(proofs, p[1 + len(tried) :], strict=True) if before - after < SILENCE_COUNTS]
    for action in able:
        if any(action is one for one in unproven):
            continue
        steps = [
            (one, float(after), at)
            for at, ((a, one), after) in enumerate(zip(tried, p[1 : 1 + len(tried)], strict=True))
            if a is action
        ]
        better = [one for one in steps if one[1] < before - 1e-4]
        if not better:
            continue
        reached = [one for one in better if one[1] <= share * before]
        scenario, after, at = reached[0] if reached else min(better, key=lambda one: one[1])
        moved = _moved(table, at + 1)
        text = _text(action, scenario, before, after, language, currency)
        found.append({
            "action": action.action_id, "who": action.who, "steps": scenario.steps, "unit": action.unit,
            "before": before, "after": after, "reached": bool(reached), "moved": moved, "text": text,
        })  # fmt: skip
    return sorted(found, key=lambda one: (not one["reached"], one["after"]))


def _moved(table: FeatureTable, at: int) -> dict[str, list[float]]:
    """Columns of scenario `at` that differ from the row as it is."""
    old, new = table.values[0].astype(float), table.values[at].astype(float)
    other = ~((old == new) | (np.isnan(old) & np.isnan(new)))
    return {table.names[i]: [float(old[i]), float(new[i])] for i in np.flatnonzero(other)}


def _text(action: Action, scenario: Scenario, before: float, after: float, language: Language, currency: str) -> str:
    words = {"steps": f"{scenario.steps}", "before": f"{before:.0%}", "after": f"{after:.0%}"}
    if "value" in scenario.words:
        words["value"] = number_text(scenario.words["value"], "currency", currency)
    if "days" in scenario.words:
        words["days"] = number_text(scenario.words["days"], "days")
    sentence = action.sentence.render(language, **words)
    return singular(sentence) if language == "en" else sentence
