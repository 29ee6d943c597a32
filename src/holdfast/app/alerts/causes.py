"""The signals behind an alert, read from the log for those few customers who may be on the list."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

if TYPE_CHECKING:
    from holdfast.app.alerts.scores import Scorer
    from holdfast.app.study import Study
    from holdfast.core.tables import FeatureTable
    from holdfast.warn.rhythm import Rhythms
    from holdfast.warn.signals import Signal

Floats = NDArray[np.float64]
_WATCHED_DAYS, _BOUGHT_DAYS = 120, 365


def signals_of(
    question: Study, ids: pa.Array, rhythm: Rhythms, p_now: Floats, p_before: Floats, least_rise: float
) -> list[Signal]:
    """Every signal of these customers at the cutoff."""
    from holdfast.warn import signals

    cutoff = question.asked.cutoff
    watched = _events(question, ids)
    found = [
        signals.cadence_break(rhythm, rhythm.rows_of(ids)),
        signals.hazard_jump(p_now, p_before),
        signals.engagement_drop(watched, ids, cutoff),
        signals.complaint(watched, ids, cutoff),
        signals.failed_delivery(watched, ids, cutoff),
    ]
    prices = question.log.tables.get("prices")
    if prices is not None and question.engine.scalar(prices.count()):
        told = question.engine.arrow(
            prices.filter(prices.valid_from < cutoff.at).select("item_id", "price", "valid_from")
        )
        found.append(signals.price_rise(_bought(question, ids), told, ids, cutoff, least=least_rise))
    return found


def _known(question: Study, ids: pa.Array, days: int) -> Any:
    """Events of these customers that counted at the cutoff, of the days before it."""
    at, rows = question.asked.cutoff.at, question.log.events
    known = (rows.occurred_at < at) & (rows.recorded_at < at) & (rows.occurred_at >= at - timedelta(days=days))
    counts = rows.retracted_at.isnull() | (rows.retracted_at >= at)
    who = question.engine.memory(pa.table({"customer_id": ids}))
    return rows.filter(known & counts).semi_join(who, "customer_id")


def _events(question: Study, ids: pa.Array) -> pa.Table:
    from holdfast.warn.signals import WATCHED

    rows = _known(question, ids, _WATCHED_DAYS)
    rows = rows.filter(rows.event_type.isin(list(WATCHED)))
    return question.engine.arrow(rows.select("customer_id", "occurred_at", "recorded_at", "event_type", "rating"))


def _bought(question: Study, ids: pa.Array) -> pa.Table:
    rows = _known(question, ids, _BOUGHT_DAYS)
    rows = rows.filter((rows.event_type == "purchase") & rows.item_id.notnull())
    spent = (rows.quantity * rows.unit_price).sum()
    return question.engine.arrow(rows.group_by(["customer_id", "item_id"]).aggregate(spent=spent))


def p_before(scorer: Scorer, before: FeatureTable, ids: pa.Array) -> Floats:
    """p_churn of these customers at the check before; NaN for those who were not in the population there."""
    import pyarrow.compute as pc

    said = scorer.churn.predict(before).p_churn
    place = pc.fill_null(pc.index_in(ids, value_set=before.key.customer_id), -1).to_numpy(zero_copy_only=False)
    return np.where(place >= 0, said[np.maximum(place, 0).astype(np.int64)] if len(said) else np.nan, np.nan)
