"""What it is the churn of: weights that make training rows show what happens when nothing is done.

Once offers go out, treated risky customers teach a model that risk is low. Treated rows are not learnt from; untreated
ones stand for those that were treated as well, by the inverse of their chance of being left alone (Horvitz & Thompson
1952; Robins, Hernan & Brumback 2000 for several decisions in a row). That chance is logged, or the customers of a
holdout show everything, or it is fitted on what was known; with none of these the model card says "under current
marketing". Everything is worked out slice by slice from the slice alone, so a weight knows nothing that its label does
not know.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from holdfast.core.assignments import Assignments
from holdfast.core.errors import UsageError
from holdfast.core.tables import Slices
from holdfast.core.text import Language, Text
from holdfast.models.calibration import Evidence
from holdfast.models.columns import customer_columns
from holdfast.models.logit import fit_logit, sigmoid
from holdfast.models.prepare import Recipe
from holdfast.snapshot.treated_settings import BY_EXPOSURES, TreatedSettings

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Way = Literal["nobody", "logged", "holdout", "fitted", "current_marketing"]
#: A propensity model needs so many treated and untreated rows in its slice; with fewer the slice's share stands in.
_LEAST_FITTED = 20
_PROPENSITY_L2 = 10.0
_QUARTERS = 4

SENTENCES: dict[Way, Text] = {
    "nobody": Text(
        "Nobody was contacted in the training rows, so the risk is that of a customer left alone.",
        "训练数据中没有客户被联系过，因此风险是不采取任何措施时的风险。",
    ),
    "logged": Text(
        "If nothing is done: {treated} of the training rows were treated and are left out; the others stand for them by "
        "the logged chance of being left alone. They count as {effective} of {rows} rows.",
        "不采取措施时的风险：训练数据中{treated}受过营销影响，已排除；其余按记录的未触达概率加权代表全体，相当于{rows}行中的{effective}行。",
    ),
    "holdout": Text(
        "If nothing is done: learnt from the {effective} rows of the holdout alone, which is never contacted; {treated} "
        "of all {rows} rows were treated.",
        "不采取措施时的风险：仅从从不联系的对照组（{effective}行）学习；全部{rows}行中{treated}受过营销影响。",
    ),
    "fitted": Text(
        "If nothing is done, as far as contacts followed from what is known: {treated} of the training rows were treated "
        "and are left out; the others stand for them by a fitted chance of being left alone. They count as {effective} "
        "of {rows} rows. Contacts chosen for reasons that were not recorded are not corrected for.",
        "不采取措施时的风险（前提是触达由已知信息决定）：训练数据中{treated}受过营销影响，已排除；其余按估计的未触达概率加权，"
        "相当于{rows}行中的{effective}行。未记录的触达原因无法校正。",
    ),
    "current_marketing": Text(
        "Under current marketing: {treated} of the training rows were treated, and too few comparable customers were left "
        "alone to tell their risk without it. A small holdout from now on would.",
        "在现有营销之下：训练数据中{treated}受过营销影响，而可比的未触达客户太少，无法得知不营销时的风险。从现在起留出小比例对照组即可解决。",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Note:
    """How the weights came about: for the model card and the release.

    `effective_rows` is Kish's (sum w)^2 / sum w^2; `no_overlap_share` the share of all rows that were nearly sure to be
    treated, whom only a holdout can speak for; `clipped_share` the share of used rows whose weight met the limit.
    """

    way: Way
    rows: int
    treated_share: float
    holdout_rows: int
    effective_rows: float
    no_overlap_share: float
    clipped_share: float

    def sentence(self) -> Text:
        """For the model card, numbers filled in."""
        values = {
            "treated": f"{self.treated_share:.0%}", "effective": f"{self.effective_rows:,.0f}", "rows": f"{self.rows:,}",
        }  # fmt: skip
        text = SENTENCES[self.way]
        return Text(text.render("en", **values), text.render("zh", **values))

    def as_dict(self, language: Language = "en") -> dict[str, Any]:
        """For JSON."""
        numbers = {
            "way": self.way, "rows": self.rows, "treated_share": self.treated_share, "holdout_rows": self.holdout_rows,
            "effective_rows": self.effective_rows, "no_overlap_share": self.no_overlap_share,
            "clipped_share": self.clipped_share,
        }  # fmt: skip
        return {**numbers, "text": self.sentence().render(language)}


def untreated(
    slices: Slices, assignments: Assignments, settings: TreatedSettings = BY_EXPOSURES
) -> tuple[Slices, Note]:
    """The slices with weights that show the risk if nothing is done, and how they came about.

    Weights already there are multiplied. Slices come back as they were where nobody was treated, and where too few rows
    were left alone (`way` is "current_marketing").
    """
    if not assignments.key.equals(slices.features.key):
        raise UsageError("assignments and slices have different rows", remedy="build both from the same snapshot")
    treated = np.asarray(assignments.treated, bool)
    held = np.asarray(assignments.holdout, bool) & ~treated
    if not treated.any():
        return slices, _note("nobody", assignments, np.ones(len(slices)), 0.0, 0.0)
    churned = slices.outcomes.churned
    logged = bool(np.isfinite(assignments.p_untreated[~treated]).all())
    ways: list[Way] = ["logged"] if logged else ["fitted", "holdout"]
    for way in ways:
        weights, no_overlap, clipped = _weights(way, slices, assignments, held, settings)
        if _enough(weights, churned, settings):
            whole = weights if slices.weights is None else weights * slices.weights
            return replace(slices, weights=whole), _note(way, assignments, weights, no_overlap, clipped)
    return slices, _note("current_marketing", assignments, np.ones(len(slices)), 0.0, 0.0)


def _note(way: Way, found: Assignments, weights: Floats, no_overlap: float, clipped: float) -> Note:
    held = int((np.asarray(found.holdout, bool) & ~np.asarray(found.treated, bool)).sum())
    share = float(found.treated.mean()) if len(found) else 0.0
    return Note(way, len(found), share, held, effective(weights), no_overlap, clipped)


def effective(weights: Floats) -> float:
    """Kish's effective number of rows: how many equal rows would tell as much.

    >>> effective(np.array([1.0, 1.0, 0.0])), effective(np.array([3.0, 1.0]))
    (2.0, 1.6)
    """
    squares = float(weights @ weights)
    return float(weights.sum()) ** 2 / squares if squares > 0 else 0.0


def _enough(weights: Floats, churned: Bools, settings: TreatedSettings) -> bool:
    used = weights > 0
    classes = min(int((churned & used).sum()), int((~churned & used).sum()))
    return effective(weights) >= settings.least_rows and classes >= settings.least_class


def _weights(
    way: Way, slices: Slices, found: Assignments, held: Bools, settings: TreatedSettings
) -> tuple[Floats, float, float]:
    """Weights, the share of rows without overlap, the share of used rows that were clipped."""
    weights, p = held.astype(np.float64), np.ones(len(slices))
    if way == "holdout":
        return weights, 0.0, 0.0
    treated, rest = np.asarray(found.treated, bool), ~np.asarray(found.holdout, bool)
    for cutoff in slices.cutoffs:
        mine = np.flatnonzero(slices.features.key.at([cutoff]) & rest)
        if not len(mine):
            continue
        p[mine] = found.p_untreated[mine] if way == "logged" else left_alone(slices.take(mine), found.take(mine))
        left = mine[~treated[mine]]
        raw = 1.0 / np.maximum(p[left], 1.0 / settings.most)
        # Holdout and rest show the same customers: each counts by its effective rows, the best mix of the two.
        weights[left] = raw * (effective(raw) / max(raw.sum(), 1e-300))
    seen = rest & np.isfinite(p)
    thin = p < 1.0 / settings.most
    used = rest & (weights > 0)
    return weights, float((thin & seen).sum() / max(len(p), 1)), float((thin & used).sum() / max(int(used.sum()), 1))


def left_alone(slices: Slices, found: Assignments) -> Floats:
    """P(no contact in the horizon | what was known and done up to each contact), fitted on the rows of one slice.

    A campaign in the middle of a horizon passes over those who have just ordered. So the chance of a contact is modelled
    for each quarter of the horizon among those not contacted before, by logistic regression on all features, whether
    the customer has ordered since the cutoff and how long ago that was; the chances of none multiply (Robins & Finkelstein
    2000). With fewer than twenty treated or untreated rows the share of the slice is all there is to say.
    """
    treated, n = np.asarray(found.treated, bool), len(slices)
    count = int(treated.sum())
    if min(count, n - count) < _LEAST_FITTED:
        return np.full(n, (n - count + 1) / (n + 2))
    known = Recipe.learn(slices.features, customer_columns(slices.features)).apply(slices.features)
    edges = np.linspace(0.0, slices.outcomes.horizon.days, _QUARTERS + 1)
    contact = np.where(treated, np.maximum(found.contact_days, 0.0), np.inf)
    rows = [_by_then(slices, known, edge, at) for at, edge in enumerate(edges[:-1])]
    here = [contact >= edge for edge in edges[:-1]]
    hit = [contact < edge for edge in (*edges[1:-1], np.inf)]
    there = np.concatenate([one[at] for one, at in zip(rows, here, strict=True)])
    beta = fit_logit(there, np.concatenate([one[at] for one, at in zip(hit, here, strict=True)]), l2=_PROPENSITY_L2)
    spared = [1.0 - sigmoid(beta[0] + one @ beta[1:]) for one in rows]
    return np.asarray(np.prod(spared, axis=0))


def _by_then(slices: Slices, known: Floats, day: float, period: int) -> Floats:
    """What is known of each row `day` days after its cutoff: the features, which period it is, orders since the cutoff."""
    ordered = slices.outcomes.event_observed & (slices.outcomes.duration < day)
    since = np.where(ordered, np.log1p(np.maximum(day - slices.outcomes.duration, 0.0)), 0.0)
    which = np.zeros((len(known), _QUARTERS))
    which[:, period] = 1.0
    return np.column_stack([known * ~ordered[:, None], known * ordered[:, None], which, ordered, since])


def as_untreated(evidence: Evidence, weights: Floats | None) -> Evidence:
    """Evidence that calibrators and intervals may learn from: rows drawn by weight, as many as they are worth.

    Within each slice as many rows as the weights count for are taken at even steps of the cumulated weight (systematic
    resampling), in order of the prediction: what happened to the untreated, spread as the whole population. Nothing is
    random, and none of the calibrators has to know about weights.

    >>> said, happened = np.array([0.2, 0.4, 0.6]), np.array([False, True, True])
    >>> evidence = Evidence(said, happened, np.zeros(3, np.int64))
    >>> as_untreated(evidence, np.array([1.0, 0.0, 1.0])).said.tolist()
    [0.2, 0.6]
    """
    if weights is None:
        return evidence
    rows = []
    for one in evidence.slices:
        mine = np.flatnonzero(evidence.cutoff == one)
        rows.append(mine[drawn(weights[mine], np.lexsort((mine, evidence.said[mine])))])
    kept = np.concatenate(rows) if rows else np.array([], np.int64)
    return replace(evidence, said=evidence.said[kept], happened=evidence.happened[kept], cutoff=evidence.cutoff[kept])


def drawn(weights: Floats, order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows drawn by weight at even steps of the weight cumulated in this order, as many as the weights are worth.

    >>> drawn(np.array([1.0, 0.0, 1.0]), np.arange(3)).tolist()
    [0, 2]
    """
    mine = order[weights[order] > 0]
    count = round(effective(weights[mine]))
    if not count:
        return mine[:0]
    upto = np.cumsum(weights[mine])
    steps = (np.arange(count) + 0.5) * upto[-1] / count
    return np.asarray(mine[np.minimum(np.searchsorted(upto, steps), len(mine) - 1)], np.int64)
