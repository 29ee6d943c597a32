"""The part of a release that says who to look at now. It knows the data alone: see docs/adr/0022."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.app.alerts.scores import Chances, Checks, Floats, Scorer, season_at, settings_of
from holdfast.core.clock import Cutoff, Window
from holdfast.core.errors import TooLittleData
from holdfast.core.schema import RELEASE_ALERTS
from holdfast.core.tables import FeatureTable, Predictions
from holdfast.core.text import Language, Text

if TYPE_CHECKING:
    from holdfast.app.outlook import Outlook
    from holdfast.app.study import Study
    from holdfast.core.decide import Decisions
    from holdfast.warn.alerts import Raised
    from holdfast.warn.rhythm import Rhythms
    from holdfast.warn.signals import Signal

#: A release keeps so many times the capacity, so that the call list can fill the place of a snoozed alert.
POOL = 3
#: Where a release keeps them.
POOL_FILE = "alerts/pool.json"
_TOLD = 10
OFF = Text("switched off: [alerts] capacity = 0", "已关闭：[alerts] capacity = 0")


def alerts(
    question: Study, now: FeatureTable, said: Predictions, customers: pa.Table, decisions: Decisions | None,
    language: Language, *, measured: bool = False,
) -> tuple[pa.Table, dict[str, Any]]:  # fmt: skip
    """RELEASE_ALERTS, best first, and facts for the report; facts["pool"] are the rows that the call list draws on.

    `customers`: the release's table, row by row as `now`. `measured`: an experiment, no prior, stands behind the uplift
    of the decisions. A history that cannot carry alerts gives an empty table and
    the reason under "undetermined".
    """
    settings = settings_of(question)
    try:
        if not settings.capacity:
            raise TooLittleData(OFF.render(language))
        return _alerts(question, now, said, customers, decisions, language, measured)
    except TooLittleData as error:
        return RELEASE_ALERTS.empty(), {"undetermined": error.what, **_retention(question)}


def _alerts(
    question: Study, now: FeatureTable, said: Predictions, customers: pa.Table, decisions: Decisions | None,
    language: Language, measured: bool,
) -> tuple[pa.Table, dict[str, Any]]:  # fmt: skip
    from holdfast.app.alerts.causes import p_before
    from holdfast.app.alerts.walk import walked
    from holdfast.decide.settings import CostSettings
    from holdfast.features.build import build
    from holdfast.warn.alerts import as_earlier, check

    asked, settings = question.asked, settings_of(question)
    costs = question.shop.config.section(CostSettings)
    checks = Checks(question.order_days, asked.zone, Window.parse(settings.every), asked.cutoff)
    question.progress.step("alerts", 0, 3)
    scorer = Scorer.fit(question.past, asked.cutoff, (asked.gap, asked.horizon), checks)
    # declared features alone: the alert models read no columns that another model learnt
    before = build(question.snapshot((checks.before(asked.cutoff),)).observed)
    question.progress.step("alerts", 1, 3)
    chances = Chances.of(now.key.customer_id, said.p_churn, decisions, costs.contact_effect, measured=measured)
    season = season_at(question)
    missing = scorer.shortfall_of(now, said.p_churn, season)
    worth = _Worth(
        scorer.shortfall.spend.usual(now, season), missing, costs.margin_rate * missing * chances.share, chances
    )
    may = np.flatnonzero(checks.alertable(now) & ~chances.holdout)
    best = _best(worth.score, now.key.customer_id, may, POOL * settings.capacity)
    few, rhythm = now.take(best), checks.rhythm(asked.cutoff)
    then, p_now = p_before(scorer, before, few.key.customer_id), scorer.churn.predict(few).p_churn
    rows, signals = _rows(question, few, worth, best, customers, then, p_now, rhythm, language)
    was = costs.margin_rate * scorer.shortfall_of(before, season=season)
    earlier = _earlier(was, before, checks, chances, now, settings)
    raised = check(rows, asked.cutoff, settings, as_earlier(earlier))
    question.progress.step("alerts", 2, 3)
    facts = {
        **_list(raised, rows, signals, settings, asked.horizon, question.log.currency),
        "alertable": len(may), "measured": chances.measured, "assumed_effect": costs.contact_effect,
        "expected_lost": float(missing[may].sum()), "judged": walked(question, checks, settings.capacity),
        "pool": rows.to_pylist(), **_retention(question),
    }  # fmt: skip
    question.progress.step("alerts", 3, 3)
    return raised.alerts, facts


def _best(score: Floats, ids: pa.Array, may: Any, count: int) -> Any:
    """The rows with the best scores, ties by id."""
    names = np.asarray(ids.take(pa.array(may)).to_pylist(), dtype=str)
    return may[np.lexsort((names, -score[may]))[:count]]


@dataclass(frozen=True)
class _Worth:
    """Row by row as the present: the usual spend, what will be missing of it, and the score (money)."""

    usual: Floats
    missing: Floats
    score: Floats
    chances: Chances


def _rows(
    question: Study, few: FeatureTable, worth: _Worth, best: Any, customers: pa.Table, then: Floats, p_now: Floats,
    rhythm: Rhythms, language: Language,
) -> tuple[pa.Table, list[Signal]]:  # fmt: skip
    """The pool: one row per customer who may be alerted, with reasons. `then`, `p_now`: p_churn at the last two checks."""
    from holdfast.app.alerts.causes import signals_of
    from holdfast.warn.signals import reasons

    ids = few.key.customer_id
    signals = signals_of(question, ids, rhythm, p_now, then, settings_of(question).price_rise)
    mine = customers.take(pc.index_in(ids, value_set=customers["customer_id"].combine_chunks()))
    money = _money(question, worth.usual[best], worth.missing[best], language)
    said = reasons(signals, range(len(best)), language, first=money, otherwise=_forecast(mine))
    table = pa.table(
        {
            "score": worth.score[best],
            "customer_id": ids,
            "risk_band": mine["risk_band"],
            "value_at_risk": mine["value_at_risk"],
            "lead_days": rhythm.lead_days[rhythm.rows_of(ids)],
            "reason": pa.array(said, pa.string()),
            "treatment_id": pa.array([worth.chances.treatment_id[one] for one in best], pa.string()),
            "expected_shortfall": worth.missing[best],
        }
    )
    return table, signals


def _money(question: Study, usual: Floats, missing: Floats, language: Language) -> list[str]:
    """What each customer is ranked by, in a sentence."""
    from holdfast.report.voice import Voice
    from holdfast.warn.signals import SHORTFALL

    voice, days = Voice(language, question.log.currency), question.asked.horizon.days
    return [
        SHORTFALL.render(language, missing=voice.money(less), usual=voice.money(spend), days=days)
        for spend, less in zip(usual, missing, strict=True)
    ]


def _forecast(customers: pa.Table) -> list[list[str]]:
    """The strongest reasons for leaving that the forecast gave, at most two of each customer."""
    if "reasons" not in customers.column_names:
        return [[] for _ in range(customers.num_rows)]
    return [
        [one["text"] for one in told or [] if one["contribution"] > 0][:2] for told in customers["reasons"].to_pylist()
    ]


def _earlier(
    score: Floats, before: FeatureTable, checks: Checks, chances: Chances, now: FeatureTable, settings: Any
) -> Raised:
    """The list at the check before, by the same models: what is on it holds its place. Who has ordered since is off it."""
    from holdfast.warn.alerts import check

    place = pc.fill_null(pc.index_in(before.key.customer_id, value_set=now.key.customer_id), -1)
    here = place.to_numpy(zero_copy_only=False).astype(np.int64)
    at = np.maximum(here, 0)
    silent = now.column("days_since_last_order").astype(np.float64)[at] >= checks.every.days
    rows = np.flatnonzero((here >= 0) & checks.alertable(before) & silent & ~chances.holdout[at])
    ids = before.key.customer_id.take(pa.array(rows))
    then = before.key.cutoffs[0] if len(before) else Cutoff.from_micros(0)
    return check(pa.table({"customer_id": ids, "score": (score * chances.share[at])[rows]}), then, settings)


def _list(
    raised: Raised, pool: pa.Table, signals: list[Signal], settings: Any, horizon: Any, currency: str
) -> dict[str, Any]:
    """The list and what it was cut at, for the report."""
    where = pc.index_in(raised.alerts["customer_id"], value_set=pool["customer_id"].combine_chunks())
    at = np.asarray(where.to_numpy(), np.int64)
    listed = raised.alerts.append_column("expected_shortfall", pool["expected_shortfall"].take(where))
    lead = raised.alerts["lead_days"].to_numpy()
    return {
        "capacity": settings.capacity, "every": settings.every, "horizon": str(horizon), "currency": currency,
        "clear_share": settings.clear_share, "listed": raised.alerts.num_rows, "fresh": int(raised.fresh.sum()), "raise_at": raised.raise_at,
        "clear_at": raised.clear_at, "shortfall": float(np.sum(listed["expected_shortfall"].to_numpy())),
        "lead_days": float(np.median(lead)) if len(lead) else None,
        "signals": {one.name: int(one.raised[at].sum()) for one in signals},
        "list": listed.slice(0, _TOLD).to_pylist(),
    }  # fmt: skip


def _retention(question: Study) -> dict[str, Any]:
    """Do new customers come back less than earlier ones did?"""
    from holdfast.warn.shop import retention_bend

    day = question.asked.cutoff.local_day(question.asked.zone)
    return {"retention": retention_bend(question.order_days, day).as_dict()}


def dated(table: pa.Table, zone: str) -> list[dict[str, Any]]:
    """Rows of RELEASE_ALERTS with the local day on which each was raised, as `raised_on`."""
    return [{**one, "raised_on": Cutoff(one["raised_at"]).local_day(zone).isoformat()} for one in table.to_pylist()]


def as_part(table: pa.Table, facts: Mapping[str, Any], drift: Mapping[str, Any] | None, language: Language) -> Outlook:
    """Table and facts as a part of the outlook: the pool becomes a file, and what drifted is named beside the alerts."""
    from holdfast.app.outlook import Outlook
    from holdfast.warn.shop import drift_signal

    moved = drift_signal(drift)
    told = {**facts, "drift": None if moved is None else moved.render(language)}
    pool = json.dumps(told.pop("pool", []), ensure_ascii=False, indent=1)
    return Outlook(facts=told, files={POOL_FILE: f"{pool}\n".encode()}, tables={"alerts": table})
