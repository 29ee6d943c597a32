"""What must not get worse: one-sided bounds against limits that were declared beforehand (non-inferiority)."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from holdfast.core.results import Undetermined
from holdfast.core.text import Language
from holdfast.core.trials import Trial
from holdfast.measure.always_valid import refusal
from holdfast.measure.arms import ArmMean, means_of
from holdfast.measure.settings import BY_DEFAULT, MeasureSettings
from holdfast.measure.words import NO_CHANCES
from holdfast.metrics.confidence_sequence import multiplier

Verdict = Literal["kept", "broken", "open"]
WATCHED = ("unsubscribed", "complaints", "returns")


def verdict(low: float, high: float, limit: float) -> Verdict:
    """`kept`: even the upper bound of the worsening is under the limit; `broken`: even the lower is over it.

    >>> verdict(-0.01, 0.004, 0.01), verdict(0.02, 0.05, 0.01), verdict(-0.01, 0.03, 0.01)
    ('kept', 'broken', 'open')
    """
    if high < limit:
        return "kept"
    return "broken" if low > limit else "open"


def guardrails(
    rows: Trial, arm: int, control: int, planned: int, settings: MeasureSettings = BY_DEFAULT, language: Language = "en"
) -> list[dict[str, Any]]:
    """{name, worse, low, high, limit, verdict} of each: `worse` is by how much the arm is worse than the control.

    Bounds hold at all looks together; each is one-sided at the level. Rare events: a pseudo-event per arm keeps the spread
    above 0 (Agresti & Caffo 2000, The American Statistician 54). The margin's limit is a share of the control's.
    """
    n, m = int(np.isin(rows.arm, (arm, control)).sum()), int((rows.arm == control).sum())
    why = refusal(n - m, m, None, settings, language)
    if why is None and np.isnan(rows.propensities).any():
        why = Undetermined(NO_CHANCES.render(language))
    limits = {name: getattr(settings, f"most_{name}") for name in WATCHED}
    if why is not None:
        return [
            {"name": one, "limit": limits.get(one), "verdict": "open", **why.as_dict()} for one in (*WATCHED, "margin")
        ]
    line = float(multiplier(n, max(planned, 1), 2 * (1 - settings.level)))
    found = [_worse(rows, arm, control, name, limits[name], line) for name in WATCHED]
    values = rows.outcome("margin")
    top, low = means_of(rows, arm, control, values)
    return [*found, _said("margin", low.minus(top), rows, settings.least_margin * max(low.mean, 0.0), line)]


def _worse(rows: Trial, arm: int, control: int, name: str, limit: float, line: float) -> dict[str, Any]:
    values = rows.outcome(name)
    top, low = means_of(rows, arm, control, values, ())
    floor = sum(_rare(values[rows.arm == one]) for one in (arm, control))
    return _said(name, top.minus(low), rows, limit, line, floor)


def _rare(values: NDArray[np.float64]) -> float:
    """Variance of a mean of rare events, with one pseudo-event on either side."""
    n = len(values)
    p = (min(float(values.sum()), n) + 1) / (n + 2)
    return p * (1 - p) / (n + 2)


def _said(name: str, worse: ArmMean, rows: Trial, limit: float, line: float, floor: float = 0.0) -> dict[str, Any]:
    half = line * float(np.sqrt(max(worse.se(rows.who) ** 2, floor)))
    low, high = worse.mean - half, worse.mean + half
    return {
        "name": name,
        "worse": worse.mean,
        "low": low,
        "high": high,
        "limit": limit,
        "verdict": verdict(low, high, limit),
    }
