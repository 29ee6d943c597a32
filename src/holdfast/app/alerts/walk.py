"""How lists like this one turned out at earlier cutoffs, beside the rules that need no model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from holdfast.app.alerts.scores import Checks, Scorer
from holdfast.core.clock import Cutoff
from holdfast.core.errors import TooLittleData
from holdfast.core.money import MONEY_SCALE

if TYPE_CHECKING:
    from holdfast.app.study import Study
    from holdfast.warn.judge import Check

Floats = NDArray[np.float64]
#: Test cutoffs looked at, the newest; each costs two fits.
_CUTOFFS = 3
_REPLICATES = 200
RANKINGS = ("alert_score", "own_spend", "recency", "own_gap")


def walked(question: Study, checks: Checks, capacity: int) -> dict[str, Any]:
    """Value caught, precision and lead time at the capacity, mean over test cutoffs; {} where none could be judged."""
    found = []
    for cutoff in question.test_cutoffs[-_CUTOFFS:]:
        try:
            found.append((cutoff, *_at(question, checks, cutoff)))
        except TooLittleData:
            continue
    if not found:
        return {}
    from holdfast.metrics.bootstrap import customer_codes, interval
    from holdfast.warn.judge import METRICS

    codes, people = customer_codes([check.customer_id for _, check, _ in found])
    random = np.random.default_rng([question.shop.settings.seed, people])
    draws = random.poisson(1.0, (_REPLICATES, people)).astype(np.float64)
    rows = []
    for name in RANKINGS:
        plain = [check.judge(scores[name], capacity) for _, check, scores in found]
        drawn = [
            check.judge(scores[name], capacity, draws[:, code])
            for (_, check, scores), code in zip(found, codes, strict=True)
        ]
        row: dict[str, Any] = {"model": name}
        for metric in METRICS:
            low, high = interval(np.mean([one[metric] for one in drawn], axis=0))
            value = float(np.mean([one[metric][0] for one in plain]))
            row[metric] = {"value": value, "low": low, "high": high}
        rows.append(row)
    return {
        "cutoffs": [str(cutoff.local_day(question.asked.zone)) for cutoff, _, _ in found],
        "customers": round(float(np.mean([len(check) for _, check, _ in found]))),
        "lost": float(np.mean([check.lost.sum() for _, check, _ in found])),
        "capacity": capacity, "rows": rows,
    }  # fmt: skip


def _at(question: Study, checks: Checks, cutoff: Cutoff) -> tuple[Check, dict[str, Floats]]:
    """Who could have been alerted at one test cutoff, what followed, and every ranking of them."""
    from holdfast.warn.judge import Check, lost

    learnt_at = checks.before(cutoff)
    scorer = Scorer.fit(question.past, learnt_at, (question.asked.gap, question.asked.horizon), checks)
    rows = question.past.at([cutoff])
    if rows.counted is not None:
        rows = rows.take(rows.counted > 0)  # what a contact changed says nothing of the list
    rows = rows.take(checks.alertable(rows.features))
    if not len(rows):
        raise TooLittleData(f"nobody could be alerted at {cutoff}")
    features, rhythm = rows.features, checks.rhythm(cutoff)
    place = rhythm.rows_of(features.key.customer_id)
    usual = scorer.shortfall.spend.usual(features)
    check = Check(
        features.key.customer_id, lost(usual, rows.outcomes.revenue / MONEY_SCALE), rows.outcomes.churned,
        rhythm.lead_days[place],
    )  # fmt: skip
    own, silence = rhythm.mean_gap[place], rhythm.silence[place]
    gap = np.where(np.isnan(own), rhythm.shop.quantile(0.5, 0, 0), own)
    scores = {
        "alert_score": scorer.shortfall_of(features), "own_spend": usual, "recency": silence, "own_gap": silence / gap,
    }  # fmt: skip
    return check, scores
