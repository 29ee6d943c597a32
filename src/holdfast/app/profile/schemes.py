"""Three ways to cut the customers (rules, RFM grid, learnt), one of them published; who moved, how long each is silent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from holdfast.app.profile.rules import rules_of
from holdfast.app.profile.seen import Seen, by_grid, see, span
from holdfast.core.clock import Cutoff, Window
from holdfast.core.errors import ConfigError, TooLittleData
from holdfast.core.text import Text
from holdfast.profile.settings import SegmentSettings

if TYPE_CHECKING:
    from holdfast.app.study import Study
    from holdfast.profile.rfm import Grid
    from holdfast.profile.segments.learnt import Learnt
    from holdfast.profile.segments.rules import RuleSegment

_MOVED_WITHIN, _WATCHED = Window.parse("28d"), Window.parse("90d")
_TOO_LATE = "its rules ask for forecasts, which are not kept for earlier cutoffs"


@dataclass(frozen=True, eq=False)
class Schemes:
    """The fitted ways of cutting, everybody's segment by each, and which one is published.

    `columns` fill the table `profiles`, `facts` the report. `names[scheme]` is None where the scheme could not be made.
    """

    use: str
    names: dict[str, list[str | None]]
    columns: Mapping[str, pa.Array]
    facts: dict[str, Any]
    grid: Grid
    learnt: Learnt | None = None
    rules: tuple[RuleSegment, ...] = ()
    _at: dict[Cutoff, tuple[pa.Array, dict[str, list[str | None]]]] = field(default_factory=dict)

    @property
    def chosen(self) -> pa.Array:
        """The published segment of each customer."""
        return pa.array(self.names[self.use], pa.string())

    def at(self, question: Study, cutoff: Cutoff) -> tuple[pa.Array, dict[str, list[str | None]]]:
        """(customers, their segments by scheme) at an earlier cutoff of the training slices, cut by the same fits."""
        if cutoff not in self._at:
            features, orders = question.past.features.at([cutoff]), _orders(question, cutoff)
            ids = features.key.customer_id
            names: dict[str, list[str | None]] = {"rfm": by_grid(self.grid, ids, orders, span(question, cutoff))}
            if self.learnt is not None:
                names["learnt"] = list(self.learnt.assign(features))
            if self.rules:
                with suppress(ConfigError):  # a forecast that only the present has
                    names["rules"] = list(see(question, features, cutoff, orders, {}).by_rules(self.rules)[0])
            self._at[cutoff] = ids, names
        return self._at[cutoff]


def schemes(question: Study, seen: Seen, forecasts: Mapping[str, Any]) -> Schemes:
    """Cut the present population in every way that can be."""
    from holdfast.profile.rfm import GROUPS
    from holdfast.profile.segments.rules import OTHER

    settings = question.shop.config.section(SegmentSettings)
    rules = rules_of(question.shop)
    table = seen.made.table
    names: dict[str, list[str | None]] = {"rfm": table["rfm_group"].to_pylist()}
    titles: dict[str, dict[str, Text]] = {"rfm": {k: GROUPS[k] for k in GROUPS}}
    columns: dict[str, pa.Array] = {}
    if rules:
        one, every = seen.by_rules(rules)
        names["rules"] = list(one)
        titles["rules"] = {r.name: r.title for r in rules} | {OTHER: Text("No rule holds", "不符合任何规则")}
        columns["segments"] = pa.array(every, pa.list_(pa.string()))
    learnt, why = _learn(question, seen, settings)
    if learnt is not None:
        names["learnt"] = list(learnt.assign(seen.features))
        titles["learnt"] = dict(zip(learnt.names, learnt.titles, strict=True))
        columns["learnt_segment"] = pa.array(names["learnt"], pa.string())
    use = settings.use
    if use == "auto":
        use = next(one for one in ("rules", "learnt", "rfm") if one in names)
    if use not in names:  # rules were asked for by `check` before; nothing may have been learnt
        use = "rfm"
    facts: dict[str, Any] = {"use": use}
    for scheme, mine in names.items():
        facts[scheme] = _told(mine, titles[scheme], seen, forecasts)
    facts["how_learnt"] = learnt.as_dict() if learnt is not None else {"undetermined": why}
    return Schemes(use, names, columns, facts, seen.made.grid, learnt, rules)


def _learn(question: Study, seen: Seen, settings: SegmentSettings) -> tuple[Learnt | None, str]:
    from holdfast.profile.segments.learnt import learn

    try:
        return learn(seen.features, settings, seed=question.shop.settings.seed), ""
    except TooLittleData as error:
        return None, error.what


def _told(
    mine: Sequence[str | None], titles: Mapping[str, Text], seen: Seen, forecasts: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Each segment with its size, what it is worth, how likely it leaves, and what sets it apart."""
    from holdfast.profile.segments.measures import Scaler, differences

    scaler = Scaler.fit(seen.features)
    names = np.array(["" if one is None else one for one in mine], dtype=object)
    p, clv = np.asarray(forecasts["p_churn"], np.float64), forecasts.get("clv")
    total = max(float(seen.revenue.sum()), 1e-12)
    found = []
    for name, title in titles.items():
        inside = names == name
        if not inside.any():
            continue
        row: dict[str, Any] = {
            "name": name, "title": {"en": title.en, "zh": title.zh}, "customers": int(inside.sum()),
            "share": float(inside.mean()), "revenue": float(seen.revenue[inside].sum()),
            "revenue_share": float(seen.revenue[inside].sum() / total), "p_churn": float(p[inside].mean()),
            "clv": None if clv is None else float(np.asarray(clv, np.float64)[inside].sum()),
            "apart": [one.as_dict() for one in differences(scaler, seen.features, inside)],
        }  # fmt: skip
        found.append(row)
    return sorted(found, key=lambda row: -row["revenue"])


def moved(question: Study, found: Schemes, seen: Seen) -> dict[str, Any]:
    """Who was where four weeks or more ago and is where now, by the same fitted segments."""
    from holdfast.profile.segments.flow import flow

    then = [one for one in question.past.cutoffs if one.plus(_MOVED_WITHIN) <= question.asked.cutoff]
    if not then:
        return {"undetermined": "the history has no cutoff four weeks ago to compare with"}
    earlier, names = found.at(question, then[-1])
    facts: dict[str, Any] = {"since": then[-1].local_day(question.asked.zone).isoformat()}
    for scheme, mine in found.names.items():
        if scheme in names:
            facts[scheme] = flow(earlier, names[scheme], seen.ids, mine)
        else:
            facts[scheme] = {"undetermined": _TOO_LATE}
    return facts


def silent(question: Study, found: Schemes) -> dict[str, Any]:
    """Survival by segment from a cutoff 90 days ago (or the oldest there is); by the grid where the published way knows none."""
    from holdfast.profile.segments.survival import survival

    past, now = question.past, question.asked.cutoff
    closed = [one for one in past.cutoffs if one.plus(question.asked.gap, _WATCHED) <= now] or list(past.cutoffs[:1])
    if not closed:
        return {"undetermined": "no earlier cutoff has been watched long enough"}
    _, names = found.at(question, closed[-1])
    scheme = found.use if found.use in names else "rfm"
    outcomes = past.at([closed[-1]]).outcomes.known_by(now, question.asked.gap)
    day = closed[-1].local_day(question.asked.zone).isoformat()
    return {"cutoff": day, "by": scheme, "curves": survival(outcomes, names[scheme])}


def _orders(question: Study, cutoff: Cutoff) -> Any:
    """Order days as they were known at an earlier cutoff."""
    from holdfast.profile.orders import Orders
    from holdfast.snapshot.rows import order_days

    return Orders.read(order_days(question.snapshot((cutoff,)).observed))
