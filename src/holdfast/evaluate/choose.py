"""Choosing on earlier cutoffs only: which correction helps each model, and which model is worth its complexity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Cutoff
from holdfast.evaluate.forward import Forward
from holdfast.evaluate.settings import EvaluateSettings
from holdfast.metrics.bootstrap import customer_codes, interval, replicates
from holdfast.metrics.probability import log_loss, log_losses
from holdfast.models.calibration import Calibrator, fit_calibrator, possible

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Trial:
    """How one correction did at rolling cutoffs: mean log loss and over how many."""

    kind: str
    mean_log_loss: float
    cutoffs: int


def corrected(forward: Forward, model: str, cutoff: Cutoff, kind: str) -> Floats | None:
    """The model's predictions at a cutoff under one correction, learnt from cutoffs closed by then."""
    calibrator = calibrator_at(forward, model, cutoff, kind)
    return None if calibrator is None else calibrator.apply(forward.raw[model][cutoff], cutoff.micros)


def calibrator_at(forward: Forward, model: str, by: Cutoff, kind: str) -> Calibrator | None:
    """The correction as it could have been learnt at `by`; None where there was too little evidence."""
    if (model, by, kind) not in forward.known:
        evidence = forward.evidence(model, forward.closed(model, by))
        found = fit_calibrator(kind, evidence) if possible(kind, evidence) else None
        forward.known[model, by, kind] = found
    return cast("Calibrator | None", forward.known[model, by, kind])


def trials(forward: Forward, model: str, by: Cutoff, settings: EvaluateSettings) -> list[Trial]:
    """Every correction at the same rolling cutoffs closed by `by`: those where all of them could be learnt."""
    kinds = [kind for kind in settings.calibrations if _ever(forward, model, by, kind)]
    found: dict[str, list[float]] = {kind: [] for kind in kinds}
    for cutoff in forward.closed(model, by):
        said = {kind: corrected(forward, model, cutoff, kind) for kind in kinds}
        if all(one is not None for one in said.values()):
            rows = forward.slices.at([cutoff])
            happened, weight = rows.outcomes.churned, rows.counted
            for kind, one in said.items():
                found[kind].append(log_loss(happened, one, weight) if one is not None else np.nan)
    return [Trial(kind, float(np.mean(losses)), len(losses)) for kind, losses in found.items() if losses]


def _ever(forward: Forward, model: str, by: Cutoff, kind: str) -> bool:
    closed = forward.closed(model, by)
    return bool(closed) and calibrator_at(forward, model, closed[-1], kind) is not None


def choose_calibration(forward: Forward, model: str, by: Cutoff, settings: EvaluateSettings) -> tuple[str, list[Trial]]:
    """Least mean log loss over at least `need_rolling` rolling cutoffs; with fewer, no correction."""
    tried = trials(forward, model, by, settings)
    enough = [one for one in tried if one.cutoffs >= settings.need_rolling]
    if not enough:
        return "none", tried
    return min(enough, key=lambda one: one.mean_log_loss).kind, tried


@dataclass(frozen=True)
class Step:
    """One comparison on the way to the chosen model: mean log loss gained, and its interval."""

    model: str
    over: str
    gain: float
    low: float | None
    high: float | None
    taken: bool


def choose_model(
    said: Mapping[str, Mapping[Cutoff, Floats]], forward: Forward, cutoffs: Sequence[Cutoff],
    settings: EvaluateSettings, seed: int,
) -> tuple[str, list[Step]]:  # fmt: skip
    """The simplest model, unless a later one's gain in log loss has an interval above zero.

    `said` holds the corrected predictions, models in order of simplicity. The gain is the mean over the cutoffs,
    its interval resamples customers over all of them at once. A row counts as much as its weight.
    """
    names = list(said)
    chosen, steps = names[0], []
    if not cutoffs:
        return chosen, []
    tests = [forward.slices.at([one]) for one in cutoffs]
    counts = [np.ones(len(one)) if one.counted is None else one.counted for one in tests]
    losses = {
        name: [log_losses(t.outcomes.churned, said[name][c]) for t, c in zip(tests, cutoffs, strict=True)]
        for name in names
    }
    codes, customers = customer_codes([one.features.key.customer_id for one in tests])
    for name in names[1:]:
        gains = [theirs - ours for theirs, ours in zip(losses[chosen], losses[name], strict=True)]
        draws = _mean_draws(gains, counts, codes, customers, settings.replicates, seed)
        low, high = interval(draws, settings.level)
        taken = low is not None and low > 0
        point = float(np.mean([np.average(g, weights=w) for g, w in zip(gains, counts, strict=True)]))
        steps.append(Step(name, chosen, point, low, high, taken))
        chosen = name if taken else chosen
    return chosen, steps


def _mean_draws(
    gains: Sequence[Floats], counts: Sequence[Floats], codes: Sequence[NDArray[np.int64]], customers: int, count: int,
    seed: int,
) -> Floats:  # fmt: skip
    """Bootstrap replicates of the mean over cutoffs of the weighted mean gain; sums by customer make it one product."""
    rows = list(zip(codes, gains, counts, strict=True))
    tops = np.array([np.bincount(c, g * w, minlength=customers) for c, g, w in rows])
    sizes = np.array([np.bincount(c, w, minlength=customers) for c, _, w in rows])
    parts = [(w @ tops.T) / np.maximum(w @ sizes.T, 1.0) for w in replicates(customers, count, seed)]
    return np.asarray(np.concatenate(parts).mean(axis=1))
