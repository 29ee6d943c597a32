"""The rankings that compete for the places on the list, each from what was known at the check before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from holdfast.bench.warn_cases import Alertable, previous
from holdfast.core.clock import Cutoff, Horizon
from holdfast.core.errors import TooLittleData

if TYPE_CHECKING:
    from holdfast.core.tables import FeatureTable
    from holdfast.models.lightgbm import LightGbmFit
    from holdfast.warn.rhythm import Rhythms
    from holdfast.warn.shortfall import ShortfallFit

Floats = NDArray[np.float64]
#: What `holdfast run` alerts by.
ALERT = "alert_score"
#: Scores in money that it was chosen from, on cutoffs earlier than the ones reported.
CANDIDATES = (ALERT, "expected_shortfall", "own_spend_p_churn", "value_at_risk")
#: Rules that need no model, and what the alert score is made of.
OTHERS = ("own_spend", "p_churn", "recency", "own_gap", "own_gap_shrunk", "random")


@dataclass(frozen=True)
class Learnt:
    """Models learnt at one check, and the horizon that they know."""

    churn: LightGbmFit
    shortfall: ShortfallFit
    asked: Horizon
    known: Horizon

    @classmethod
    def at(cls, shop: Alertable, cutoff: Cutoff, horizon: str) -> Learnt:
        """From rows whose windows had closed at `cutoff`."""
        from holdfast.models.lightgbm import LightGbm
        from holdfast.warn.shortfall import fit_shortfall

        found = shop.learnt_from(horizon, cutoff)
        if found is None:
            raise TooLittleData(f"no window has closed at {cutoff}", where=shop.data)
        known, slices = found
        churn = LightGbm().fit(slices.features, slices.outcomes)
        return cls(churn, fit_shortfall(slices), Horizon.parse(horizon), known)

    def usual(self, features: FeatureTable) -> Floats:
        """Own spend rate, shrunk, times the horizon asked for."""
        return self.shortfall.spend.usual(features) * (self.asked.days / self.known.days)

    def scores(self, features: FeatureTable, rhythm: Rhythms) -> dict[str, Floats]:
        """Every ranking, the first to be alerted highest."""
        row = rhythm.rows_of(features.key.customer_id)
        silence, usual = rhythm.silence[row], self.usual(features)
        p = self.churn.predict(features).p_churn
        own = rhythm.mean_gap[row]
        gap = np.where(np.isnan(own), np.nanmean(rhythm.mean_gap), own)
        share = self.shortfall.share.predict(features)
        return {
            ALERT: usual * (share + p) / 2,
            "expected_shortfall": usual * share,
            "own_spend_p_churn": usual * p,
            "value_at_risk": self.shortfall.spend.at_risk(features, p).at_risk,
            "own_spend": usual,
            "p_churn": p,
            "recency": silence,
            "own_gap": silence / gap,
            "own_gap_shrunk": rhythm.level[row],
            "random": np.random.default_rng([1, len(row)]).random(len(row)),
        }


@dataclass(frozen=True)
class Ranked:
    """One check with the check before: features, scores of both, and the usual spend at it."""

    cutoff: Cutoff
    features: FeatureTable
    scores: dict[str, Floats]
    before: FeatureTable
    scores_before: dict[str, Floats]
    usual: Floats


def ranked(shop: Alertable, cutoff: Cutoff, horizon: str) -> Ranked:
    """Everybody who may be alerted at a cutoff and at the check before, ranked by models learnt at the latter."""
    earlier = previous(cutoff)
    learnt = Learnt.at(shop, earlier, horizon)
    now, before = shop.at(cutoff), shop.at(earlier)
    scores, scores_before = (learnt.scores(one, shop.rhythm(at)) for one, at in ((now, cutoff), (before, earlier)))
    return Ranked(cutoff, now, scores, before, scores_before, learnt.usual(now))
