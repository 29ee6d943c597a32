"""What lies ahead of each customer beyond p_churn: survival curves, the next order, rhythm, value, what is wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.core.clock import Horizon
from holdfast.core.errors import TooLittleData
from holdfast.core.schema import RELEASE_RECOMMENDATIONS, RELEASE_SURVIVAL
from holdfast.core.tables import FeatureTable, Predictions
from holdfast.core.text import Language

if TYPE_CHECKING:
    from holdfast.app.study import Study
    from holdfast.evaluate.backtest import Backtest

#: A second order is asked for within so many days; one of the days of the survival table.
SECOND_ORDER_DAY = 90
#: Rows that curves learn from at most; a release is published in seconds, not minutes.
_CURVE_ROWS, _PROOF_ROWS = 30_000, 15_000


@dataclass(frozen=True)
class Outlook:
    """Columns of the release's customers, the survival table, facts for the report, fits to keep, and lists of items.

    `tables`: further tables of the release by name, each as `core.schema.RELEASE_TABLES` declares it.

    A file lies in `models/` unless its name says another folder. A part that could not be computed leaves its columns
    out, and `facts[part]` says why ("undetermined").
    """

    columns: Mapping[str, Any] = field(default_factory=dict)
    survival: pa.Table = field(default_factory=RELEASE_SURVIVAL.empty)
    facts: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    recommendations: pa.Table = field(default_factory=RELEASE_RECOMMENDATIONS.empty)
    tables: Mapping[str, pa.Table] = field(default_factory=dict)

    def with_part(self, name: str, part: Outlook) -> Outlook:
        """This and one part more."""
        return Outlook(
            {**self.columns, **part.columns}, part.survival if part.survival.num_rows else self.survival,
            {**self.facts, name: part.facts}, {**self.files, **part.files},
            part.recommendations if part.recommendations.num_rows else self.recommendations,
            {**self.tables, **part.tables},
        )  # fmt: skip


def look_ahead(
    question: Study, now: FeatureTable, said: Predictions, proof: Backtest, level_sd: float, language: Language
) -> Outlook:
    """Every part that this history can carry. `level_sd`: by how much whole slices were off (log-odds)."""
    from holdfast.app.profile.part import profile
    from holdfast.app.recommend.offers import offers

    found = Outlook()
    parts: dict[str, Callable[[], Outlook]] = {
        "survival": lambda: curves(question, now, said, language),
        "rhythm": lambda: rhythm(question, now),
        "value": lambda: value(question, now, said, language),
        "sequence": lambda: sequence(question),
        "drift": lambda: drift(question, now, said, proof, level_sd, language),
        "recommend": lambda: offers(question, now, language),
        "profile": lambda: profile(
            question, now, said, language, found.columns
        ),  # rules may ask for what is found so far
    }
    for name, part in parts.items():
        try:
            made = part()
        except TooLittleData as error:
            made = Outlook(facts={"undetermined": error.what})
        found = found.with_part(name, made)
    return found


def curves(question: Study, now: FeatureTable, said: Predictions, language: Language) -> Outlook:
    """Survival at the release days, bent to the published p_churn, and what follows from it."""
    from holdfast.models.survival.curves import fit_curves
    from holdfast.models.survival.periods import RELEASE_DAYS
    from holdfast.models.survival.release import next_order_at, summary, survival_table

    asked = question.asked
    fitted = fit_curves(
        question.past, asked.cutoff, asked.gap, max_rows=_CURVE_ROWS, seed=question.shop.settings.seed,
        progress=question.progress,
    )  # fmt: skip
    survival = fitted.anchored(now, asked.horizon, said.p_churn)
    once = now.column("frequency") == 0
    second = np.where(once, 1.0 - survival[:, RELEASE_DAYS.index(SECOND_ORDER_DAY)], np.nan)
    columns = {
        "next_order_at": next_order_at(now.key, survival, asked.gap),
        "p_second_order": pa.array(second, from_pandas=True),
    }
    facts = summary(survival, fitted, seen=_held_against(question), language=language)
    return Outlook(columns, survival_table(now.key, survival), facts, {"survival.json": fitted.to_bytes()})


def _held_against(question: Study) -> tuple[Any, Any, Any] | None:
    """(duration, event_observed, survival said then) of the newest test cutoff, by curves that knew nothing after it."""
    from holdfast.models.survival.curves import fit_curves

    test = question.test_cutoffs[-1]
    rows = question.past.at([test])
    try:
        then = fit_curves(
            question.past, test, question.asked.gap, max_rows=_PROOF_ROWS, seed=question.shop.settings.seed
        )
    except TooLittleData:
        return None
    return rows.outcomes.duration, rows.outcomes.event_observed, then.survival(rows.features)


def rhythm(question: Study, now: FeatureTable) -> Outlook:
    """The purchase process of everybody who ever ordered: who is still a customer, how many orders are expected."""
    from holdfast.models.btyd.findings import purchase_findings

    asked = question.asked
    found = purchase_findings(
        question.histories,
        asked.horizon,
        gap=asked.gap,
        order_days=question.order_days,
        seed=question.shop.settings.seed,
    )
    where = pc.index_in(now.key.customer_id, value_set=found.key.customer_id)
    columns = {"p_alive": pa.array(found.p_alive, from_pandas=True).take(where)}
    return Outlook(columns, facts=found.summary, files=found.to_bytes())


def value(question: Study, now: FeatureTable, said: Predictions, language: Language) -> Outlook:
    """What each customer is worth over the value horizon, with what one customer may really bring; orders to expect."""
    from holdfast.models.clv.settings import ValueSettings
    from holdfast.models.clv.study import learn_value, learning_horizon

    asked, settings = question.asked, question.shop.config.section(ValueSettings)
    learnt = learning_horizon(Horizon.parse(settings.horizon), question.past.cutoffs, asked.cutoff, asked.gap)
    if learnt is None:
        raise TooLittleData(
            f"too few windows have closed to learn what customers spend within {settings.horizon}",
            remedy="import a longer history",
        )
    study = learn_value(
        question.over(learnt), asked.cutoff, settings, short=question.past, gap=asked.gap,
        seed=question.shop.settings.seed, progress=question.progress,
    )  # fmt: skip
    found = study.published.predict(now, said.p_churn)
    columns = {"clv": found.clv, "clv_low": found.low, "clv_high": found.high, "expected_orders": found.expected_orders}
    total = {"total": float(found.clv.sum()), "top_tenth": _top_tenth(found.clv), "customers": len(now)}
    return Outlook(
        columns, facts={**study.as_dict(language), **total}, files={"value.json": study.published.to_bytes()}
    )


def _top_tenth(clv: Any) -> float:
    """Share of all value that the tenth of customers with the most value is expected to bring."""
    ranked = np.sort(clv)[::-1]
    return float(ranked[: max(1, len(ranked) // 10)].sum() / max(ranked.sum(), 1e-9))


def sequence(question: Study) -> Outlook:
    """How large the shop's own sequence encoder is, how many tokens it saw, and how it learnt."""
    return Outlook(facts={} if question.encoders is None else question.encoders.state())


def drift(
    question: Study, now: FeatureTable, said: Predictions, proof: Backtest, level_sd: float, language: Language
) -> Outlook:
    """Is the present like the slices that were learnt from, and have forecasts since kept their level?"""
    from holdfast.models.calibration import Evidence
    from holdfast.models.columns import customer_columns
    from holdfast.models.drift import drift_report
    from holdfast.models.intervals import join
    from holdfast.models.treated import as_untreated

    past = question.past.features
    before = past.at([one for one in past.key.cutoffs if one < question.asked.cutoff])
    names = customer_columns(before)
    lag = question.asked.gap.micros + question.asked.horizon.micros
    kept = []
    for one in proof.test_cutoffs:
        rows = question.past.at([one])
        if len(rows) and one.plus(question.asked.gap, question.asked.horizon) <= question.asked.cutoff:
            told = Evidence(proof.said[proof.chosen][one], rows.outcomes.churned, np.full(len(rows), one.micros), lag)
            kept.append(as_untreated(told, rows.weights))
    found = drift_report(
        before.select(names),
        now.select(names),
        p_now=said.p_churn,
        kept=join(kept) if kept else None,
        level_sd=level_sd,
    )
    return Outlook(facts=found.as_dict(language))
