"""One campaign, all campaigns together, or Holdfast as a whole: what is known of each, as plain facts."""

from __future__ import annotations

from typing import Any

import numpy as np

from holdfast.core.clock import Cutoff
from holdfast.core.decide import NOTHING
from holdfast.core.results import Undetermined
from holdfast.core.text import Language
from holdfast.core.trials import Trial
from holdfast.measure.effects import compare
from holdfast.measure.health import balance, contamination, sample_ratio
from holdfast.measure.settings import BY_DEFAULT, MeasureSettings
from holdfast.measure.words import NO_CONTROL, NOT_CLOSED

__all__ = ["study"]


def study(trial: Trial, name: str, settings: MeasureSettings = BY_DEFAULT, language: Language = "en") -> dict[str, Any]:
    """Facts of a trial (any rows, open ones too; only closed ones are measured).

    {name, follow_up, first, last (assigned, ISO), assigned, closed, customers, campaigns, arms: [{arm, assigned, closed,
    cost}], comparisons: [Comparison.as_dict()], health: {ratio, balance, contamination}} or, where nothing can be compared,
    "undetermined" instead of comparisons.
    """
    done = trial.finished
    facts: dict[str, Any] = {
        "name": name, "follow_up": str(trial.follow_up), **_dates(trial), "assigned": len(trial), "closed": len(done),
        "customers": len(np.unique(done.who)), "campaigns": len(np.unique(trial.campaign)),
        "arms": [
            {"arm": arm, "assigned": int((trial.arm == at).sum()), "closed": int((done.arm == at).sum())}
            for at, arm in enumerate(trial.arms) if (trial.arm == at).any()
        ],
        "health": _health(trial, done, settings),
    }  # fmt: skip
    why = _why(trial, done, language)
    if why is not None:
        return {**facts, "comparisons": [], **why.as_dict()}
    drawn = [arm for at, arm in enumerate(trial.arms) if at and (done.arm == at).any()]
    found = [compare(done, arm, NOTHING, assigned=trial, settings=settings, language=language) for arm in drawn]
    return {**facts, "comparisons": [one.as_dict() for one in found]}


def _why(trial: Trial, done: Trial, language: Language) -> Undetermined | None:
    if not len(done) and len(trial):
        day = str(Cutoff.from_micros(int(trial.assigned_at.min()) + trial.follow_up.micros))[:10]
        return Undetermined(NOT_CLOSED.render(language, length=trial.follow_up, day=day))
    return None if (done.arm == 0).any() else Undetermined(NO_CONTROL.render(language))


def _dates(trial: Trial) -> dict[str, Any]:
    if not len(trial):
        return {"first": None, "last": None}
    ends = (int(trial.assigned_at.min()), int(trial.assigned_at.max()))
    return {name: str(Cutoff.from_micros(at)) for name, at in zip(("first", "last"), ends, strict=True)}


def _health(trial: Trial, done: Trial, settings: MeasureSettings) -> dict[str, Any]:
    """Arm sizes are judged over everybody assigned; the rest over closed rows."""
    found = sample_ratio(trial.arm, trial.propensities, settings.srm_alarm)
    return {
        "ratio": None if found is None else found.as_dict(),
        "balance": [
            {"arm": arm, **one}
            for at, arm in enumerate(done.arms) if at and (done.arm == at).any()
            for one in balance(done, at)
        ],
        "contamination": contamination(done),
    }  # fmt: skip
