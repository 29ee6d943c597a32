"""What one run found about the customers: the table that is published, and the pictures behind the report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from holdfast.app.outlook import Outlook, look_ahead
from holdfast.core.schema import RELEASE_CUSTOMERS
from holdfast.core.tables import FeatureTable, Predictions
from holdfast.core.text import Language

if TYPE_CHECKING:
    from holdfast.app.study import Study
    from holdfast.evaluate.backtest import Backtest
    from holdfast.evaluate.final import Published


@dataclass(frozen=True)
class Findings:
    """`customers` has the columns of RELEASE_CUSTOMERS; `ahead` what lies beyond p_churn; the rest is what the report draws."""

    customers: pa.Table
    value_at_risk: dict[str, Any]
    ahead: Outlook
    cohorts: dict[str, Any] = field(default_factory=dict)
    lifecycle: dict[str, Any] = field(default_factory=dict)
    retention: dict[str, Any] = field(default_factory=dict)
    families: dict[str, float] = field(default_factory=dict)


def find(
    question: Study, now: FeatureTable, model: Published, said: Predictions, proof: Backtest, language: Language
) -> Findings:
    """Life-cycle, value at risk, bands and reasons of everybody; cohorts and curves of the shop."""
    from holdfast.app.alerts.part import alerts, as_part
    from holdfast.app.measure.part import effects
    from holdfast.app.plan.options import with_profiles
    from holdfast.app.plan.part import decisions
    from holdfast.models.surrogate import family_weights
    from holdfast.models.value import season_of
    from holdfast.profile.cohorts import cohorts, retention_curves
    from holdfast.profile.lifecycle import lifecycle, lifecycle_over_time
    from holdfast.profile.orders import Orders
    from holdfast.profile.settings import LifecycleSettings

    rules = question.shop.config.section(LifecycleSettings)
    day = question.asked.cutoff.local_day(question.asked.zone)
    table = question.order_days
    orders = Orders.read(table)
    factor = season_of(table, question.asked.cutoff, question.asked.horizon, question.asked.zone)
    at_risk = model.value(now, said.p_churn, factor).at_risk
    total = model.total_at_risk(now, said.p_churn, season=factor, seed=question.shop.settings.seed)
    ahead = look_ahead(question, now, said, proof, model.intervals.level_sd, language)
    states = dict(zip(*(c.to_pylist() for c in lifecycle(orders, day, rules).columns[:2]), strict=True))
    customers = _customers(question, now, said, model, at_risk, states, ahead, language)
    made, planned = decisions(question, now, with_profiles(customers, ahead.tables["profiles"]), language)
    measured = bool(planned.facts.get("measured"))
    called, facts = alerts(question, now, said, customers, made, language, measured=measured)
    ahead = ahead.with_part("alerts", as_part(called, facts, ahead.facts.get("drift"), language))
    ahead = ahead.with_part("plan", planned).with_part("effects", Outlook(facts=effects(question, language)))
    return Findings(
        customers=customers,
        value_at_risk={**total, "season": factor},
        ahead=ahead,
        cohorts=cohorts(orders, day, data_from=orders.first_day()),
        lifecycle=lifecycle_over_time(orders, day, rules),
        retention=retention_curves(orders, day),
        families=family_weights(model.fitted, now),
    )


def _customers(
    question: Study,
    now: FeatureTable,
    said: Predictions,
    model: Published,
    at_risk: np.ndarray[Any, Any],
    states: dict[str, str],
    ahead: Outlook,
    language: Language,
) -> pa.Table:
    from holdfast.decide.bands import risk_bands
    from holdfast.decide.settings import CostSettings

    silence = now.column("days_since_last_order").astype(np.float64)
    ids = now.key.customer_id
    low = said.p_churn if said.low is None else said.low
    high = said.p_churn if said.high is None else said.high
    columns = {
        **now.key.columns(),
        "p_churn": said.p_churn,
        "p_churn_low": low,
        "p_churn_high": high,
        **ahead.columns,
        "value_at_risk": at_risk,
        "currency": pa.array([question.log.currency] * len(now)),
        "days_since_last_order": pa.array(silence, from_pandas=True),
        "risk_band": risk_bands(said.p_churn, at_risk, question.shop.config.section(CostSettings)),
        "lifecycle": [states.get(one, "none") for one in ids.to_pylist()],
        "reasons": pa.array(
            model.reasons(now, language=language, currency=question.log.currency),
            RELEASE_CUSTOMERS.schema.field("reasons").type,
        ),
    }
    return RELEASE_CUSTOMERS.conform(pa.table(columns))
