"""How long each segment stays silent after a cutoff, with intervals (Kaplan-Meier)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from holdfast.core.tables import Outcomes
from holdfast.models.survival.kaplan_meier import kaplan_meier

_DAYS = (7, 14, 30, 60, 90, 180)
_Z90 = 1.6448536269514722


def survival(outcomes: Outcomes, segment: Sequence[str | None], *, least: int = 20) -> list[dict[str, Any]]:
    """For each segment at the cutoff of `outcomes`: P(no order within d days) with 90% intervals, as far as it was watched.

    Returns [{"segment", "n", "days", "silent", "low", "high", "median_days"}], most customers first; segments of fewer
    than `least` customers are left out: a curve of ten people says nothing.
    """
    names = np.array(["" if one is None else one for one in segment], dtype=object)
    found = []
    for name in sorted(set(names.tolist()) - {""}):
        mine = names == name
        if mine.sum() < least:
            continue
        duration, happened = outcomes.duration[mine], outcomes.event_observed[mine]
        curve = kaplan_meier(duration, happened, z=_Z90)
        days = [day for day in _DAYS if (duration >= day).any()]
        points = [curve.at(float(day)) for day in days]
        found.append(
            {
                "segment": name, "n": int(mine.sum()), "days": days, "silent": [p[0] for p in points],
                "low": [p[1] for p in points], "high": [p[2] for p in points], "median_days": curve.median(),
            }
        )  # fmt: skip
    return sorted(found, key=lambda one: (-int(one["n"]), str(one["segment"])))
