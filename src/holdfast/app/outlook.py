"""What lies ahead of each customer beyond p_churn: survival curves, the next order, purchase rhythm, value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from holdfast.core.errors import TooLittleData
from holdfast.core.schema import RELEASE_SURVIVAL
from holdfast.core.tables import FeatureTable, Predictions
from holdfast.core.text import Language

if TYPE_CHECKING:
    from holdfast.app.study import Study

#: A second order is asked for within so many days; one of the days of the survival table.
SECOND_ORDER_DAY = 90
#: Rows that curves learn from at most; a release is published in seconds, not minutes.
_CURVE_ROWS, _PROOF_ROWS = 30_000, 15_000


@dataclass(frozen=True)
class Outlook:
    """Columns of the release's customers, the survival table, facts for the report, and fits to keep.

    A part that could not be computed leaves its columns out, and `facts[part]` says why ("undetermined").
    """

    columns: Mapping[str, Any] = field(default_factory=dict)
    survival: pa.Table = field(default_factory=RELEASE_SURVIVAL.empty)
    facts: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)

    def with_part(self, name: str, part: Outlook) -> Outlook:
        """This and one part more."""
        return Outlook(
            {**self.columns, **part.columns}, part.survival if part.survival.num_rows else self.survival,
            {**self.facts, name: part.facts}, {**self.files, **part.files},
        )  # fmt: skip


def look_ahead(question: Study, now: FeatureTable, said: Predictions, language: Language) -> Outlook:
    """Every part that this history can carry."""
    found = Outlook()
    for name, part in {"survival": curves}.items():
        try:
            made = part(question, now, said, language)
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
        then = fit_curves(question.past, test, question.asked.gap, max_rows=_PROOF_ROWS, seed=question.shop.settings.seed)
    except TooLittleData:
        return None
    return rows.outcomes.duration, rows.outcomes.event_observed, then.survival(rows.features)
