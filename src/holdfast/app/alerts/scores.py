"""What a contact could save for each customer who may be alerted: expected shortfall x chance to change it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.core.clock import Cutoff, Duration, Gap, Window
from holdfast.core.errors import TooLittleData
from holdfast.core.tables import FeatureTable, Slices
from holdfast.core.threads import one_thread

if TYPE_CHECKING:
    from holdfast.app.study import Study
    from holdfast.core.decide import Decisions
    from holdfast.core.models import Fitted
    from holdfast.warn.rhythm import Rhythms
    from holdfast.warn.shortfall import ShortfallFit

Floats = NDArray[np.float64]
#: Rows that the alert score learns from at most.
_ROWS = 30_000
_LEAST_ROWS = 200


@dataclass(frozen=True)
class Checks:
    """Rhythms at the present cutoff and at earlier ones, and who may be alerted there.

    `order_days` as known at `now`. A cutoff cuts the day it falls into: what was known of that day counts at `now`,
    and at an earlier one nothing of it, because the days do not say which orders came after.
    """

    order_days: pa.Table
    zone: str
    every: Window
    now: Cutoff

    def rhythm(self, cutoff: Cutoff) -> Rhythms:
        from holdfast.snapshot.days import cutoff_day, day_of
        from holdfast.warn.rhythm import rhythms

        today = day_of(cutoff_day(cutoff, self.zone)) if cutoff == self.now else cutoff.local_day(self.zone)
        return rhythms(self.order_days, today)

    def before(self, cutoff: Cutoff) -> Cutoff:
        """The check before, at a local midnight too."""
        return Cutoff.midnight(cutoff.minus(Gap(self.every.length)).local_day(self.zone), self.zone)

    def alertable(self, features: FeatureTable) -> NDArray[np.bool_]:
        """Rows of customers who were within their own rhythm at the check before."""
        kept = np.zeros(len(features), bool)
        for cutoff in features.key.cutoffs:
            rows = np.flatnonzero(features.key.at([cutoff]))
            then = self.rhythm(self.before(cutoff))
            place = then.rows_of(features.key.take(rows).customer_id)
            kept[rows] = (place >= 0) & then.within[np.maximum(place, 0)] if len(then) else False
        return kept


@dataclass(frozen=True)
class Scorer:
    """A churn forecast and a shortfall model, both learnt from alertable rows whose windows had closed."""

    churn: Fitted
    shortfall: ShortfallFit

    @classmethod
    @one_thread
    def fit(cls, slices: Slices, by: Cutoff, closes_after: tuple[Duration, ...], checks: Checks) -> Scorer:
        """As it could have been learnt at `by`; raises `TooLittleData` with too few rows, or where nobody spends."""
        from dataclasses import replace

        from holdfast.evaluate.forward import training
        from holdfast.evaluate.settings import EvaluateSettings
        from holdfast.models.fitting import fit_on
        from holdfast.models.lightgbm import LightGbm
        from holdfast.warn.shortfall import fit_shortfall

        known = training(slices, by, closes_after, replace(EvaluateSettings(), max_train_rows=_ROWS))
        known = known.take(checks.alertable(known.features))
        if len(known) < _LEAST_ROWS:
            raise TooLittleData(
                f"{len(known)} customers within their own rhythm are too few to learn from; {_LEAST_ROWS} are needed",
                remedy="import a longer history",
            )
        if not (known.outcomes.revenue > 0).any():
            raise TooLittleData("no order has a price, so nobody can say what is at risk", remedy="import prices")
        return cls(fit_on(LightGbm(), known), fit_shortfall(known))

    def shortfall_of(self, features: FeatureTable, p_churn: Floats | None = None, season: float = 1.0) -> Floats:
        """Expected shortfall of each row (money): the mean of what the trees and p_churn say of the share lost."""
        p = self.churn.predict(features).p_churn if p_churn is None else p_churn
        share = (np.clip(self.shortfall.share.predict(features), 0.0, 1.0) + p) / 2
        return np.asarray(self.shortfall.spend.usual(features, season) * share)


@dataclass(frozen=True)
class Chances:
    """Chance to change it, by customer: share of the shortfall that the suggested treatment saves."""

    share: Floats
    treatment_id: list[str | None]
    holdout: NDArray[np.bool_]
    measured: bool

    @classmethod
    def of(
        cls, customers: pa.Array, p_churn: Floats, decisions: Decisions | None, assumed: float, *, measured: bool
    ) -> Chances:
        """From decisions, where an experiment `measured` their effect; else the assumed share for everybody.

        An arm that chance or a prior chose says what to do, not whom to call first. Nobody in the holdout is called.
        """
        n = len(customers)
        share, holdout, treatment = np.full(n, assumed), np.zeros(n, bool), np.full(n, None, dtype=object)
        if decisions is None or not len(decisions):
            return cls(share, treatment.tolist(), holdout, False)
        place = pc.fill_null(pc.index_in(customers, value_set=decisions.customer_id), -1).to_numpy(zero_copy_only=False)
        there, at = place >= 0, np.maximum(place, 0).astype(np.int64)
        acts = there & (decisions.chosen[at] != 0)
        holdout = there & decisions.holdout[at]
        told = acts & np.isfinite(decisions.uplift[at]) & measured
        share[told] = np.clip(decisions.uplift[at][told] / np.maximum(p_churn[told], 0.01), 0.0, 1.0)
        arms = np.asarray(decisions.arms, dtype=object)
        treatment[acts] = arms[decisions.chosen[at][acts]]
        return cls(share, treatment.tolist(), holdout, bool(told.any()))


def season_at(question: Study) -> float:
    """How the coming horizon's season compares with the half year before it."""
    from holdfast.models.value import season_of

    asked = question.asked
    return season_of(question.order_days, asked.cutoff, asked.horizon, asked.zone)


def settings_of(question: Study) -> Any:
    """Section `[alerts]`."""
    from holdfast.warn.settings import AlertSettings

    return question.shop.config.section(AlertSettings)
