"""Retention analytics of a release: triangles in days, stickiness, paths before leaving and staying."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from holdfast.app.profile.seen import Seen
from holdfast.core.clock import Window
from holdfast.snapshot.acts import Acts

if TYPE_CHECKING:
    from holdfast.app.study import Study

_KINDS = ("n_day", "bracket", "unbounded")
#: Paths are read from so many steps of so many days before the cutoff.
_STEPS, _BACK = 8, Window.parse("90d")


def analytics(question: Study, seen: Seen) -> dict[str, Any]:
    """Facts by name: `triangles`, `stickiness`, `paths`."""
    from holdfast.profile.stickiness import stickiness
    from holdfast.profile.triangles import triangle

    until = question.asked.cutoff.local_day(question.asked.zone)
    sticky = {"ordering": stickiness(seen.orders, until)}
    if question.ledger.seen.types - {"purchase", "refund", "cancel"}:  # there is more than orders to be active in
        sticky["browsing"] = stickiness(seen.acts.active_days(), until)
    return {
        "triangles": {kind: triangle(seen.orders, until, kind) for kind in _KINDS},  # type: ignore[arg-type]  # they are Kinds
        "stickiness": sticky,
        "paths": _paths(question),
    }


def _paths(question: Study) -> dict[str, Any]:
    """At the newest cutoff whose horizon has closed: what those did before who then left, among the equally silent."""
    from holdfast.profile.paths import paths
    from holdfast.profile.rfm import Scale

    cutoff = question.test_cutoffs[-1]
    rows = question.past.at([cutoff])
    features = rows.features
    acts = Acts(question.ledger, cutoff, _BACK)
    steps = [acts.steps(_STEPS), acts.steps(_STEPS, categories=True)]
    silence = Scale.fit(features.column("days_since_last_order").astype(np.float64))
    strata = silence.score(features.column("days_since_last_order").astype(np.float64))
    found = paths(features.key.customer_id, rows.outcomes.churned, steps, strata)
    day = cutoff.local_day(question.asked.zone).isoformat()
    return {"cutoff": day, "horizon": str(question.asked.horizon), "steps": _STEPS, **found}
