"""Published probabilities against what happened since, and what performance they lead one to expect before it has."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Cutoff
from holdfast.core.errors import UsageError
from holdfast.core.text import Language
from holdfast.metrics.drift import cusum
from holdfast.metrics.probability import log_loss
from holdfast.metrics.ranking import auc
from holdfast.models.calibration import Evidence
from holdfast.models.drift_settings import DriftSettings
from holdfast.models.drift_words import ASSUMES
from holdfast.models.logit import logit, sigmoid

Floats = NDArray[np.float64]
#: Page's slack, in standard deviations of a slice's error: shifts of about twice it are found fastest.
_SLACK = 0.5


@dataclass(frozen=True)
class CalibrationDrift:
    """Errors of level by closed slice, oldest first (log-odds, happened less said), and their cumulative sum."""

    cutoffs: tuple[Cutoff, ...]
    shifts: tuple[float, ...]
    sums: tuple[float, ...]
    limit: float
    said: float
    happened: float
    observed_over_expected: float

    @property
    def alarm(self) -> bool:
        """Whether the newest closed slice stands above the limit."""
        return bool(self.sums) and self.sums[-1] > self.limit

    def as_dict(self) -> dict[str, Any]:
        rows = zip(self.cutoffs, self.shifts, self.sums, strict=True)
        return {
            "slices": [{"cutoff": str(c), "shift": s, "cusum": total} for c, s, total in rows],
            "limit": self.limit, "alarm": self.alarm, "said": self.said, "happened": self.happened,
            "observed_over_expected": self.observed_over_expected,
        }  # fmt: skip


def calibration_drift(kept: Evidence, level_sd: float | None, settings: DriftSettings) -> CalibrationDrift | None:
    """Cumulative sum of how far whole slices were off, in standard deviations of chance and usual swings together.

    Slices closer than their horizon share outcomes, so only slices a horizon (`kept.lag`) apart are added up. The limit
    is the one that as many slices without any change pass with the chance `alarm` / 3 (found by simulation, fixed seed).
    None without any closed slice.
    """
    if not len(kept):
        return None
    if not (np.isfinite(kept.said).all() and ((kept.said >= 0) & (kept.said <= 1)).all()):
        raise UsageError("kept promises must be probabilities in [0, 1]")
    chosen: list[int] = []
    for one in kept.slices[::-1].tolist():
        if not chosen or chosen[-1] - one >= kept.lag:
            chosen.append(one)
    rows = np.isin(kept.cutoff, chosen)
    apart = replace(kept, said=kept.said[rows], happened=kept.happened[rows], cutoff=kept.cutoff[rows])
    shifts, variances = apart.shifts()
    doubt = settings.level_doubt if level_sd is None else max(level_sd, 0.05)
    sums = cusum(shifts / np.sqrt(variances + doubt**2), _SLACK)
    said, happened = float(apart.said.mean()), float(apart.happened.mean())
    return CalibrationDrift(
        tuple(Cutoff.from_micros(int(one)) for one in apart.slices), tuple(shifts.tolist()), tuple(sums.tolist()),
        limit_of(len(sums), settings.alarm / 3), said, happened, happened / max(said, 1e-9),
    )  # fmt: skip


def limit_of(slices: int, alarm: float) -> float:
    """What the newest cumulative sum of so many standard normal errors exceeds with the chance `alarm`.

    >>> limit_of(1, 0.05) < limit_of(4, 0.05) < limit_of(12, 0.05)
    True
    """
    draws = np.random.default_rng([slices, 17]).standard_normal((20_000, slices))
    up, down = np.zeros(len(draws)), np.zeros(len(draws))
    for column in draws.T:
        up, down = np.maximum(0.0, up + column - _SLACK), np.maximum(0.0, down - column - _SLACK)
    return float(np.quantile(np.maximum(up, down), 1 - alarm))


@dataclass(frozen=True)
class Expected:
    """AUC, log loss and share churned to be expected of some predictions, with 90% intervals."""

    auc: tuple[float, float, float]
    log_loss: tuple[float, float, float]
    churned: tuple[float, float, float]

    def as_dict(self, language: Language = "en") -> dict[str, Any]:
        named = {"auc": self.auc, "log_loss": self.log_loss, "churned": self.churned}
        told = {name: dict(zip(("value", "low", "high"), one, strict=True)) for name, one in named.items()}
        return {**told, "assumes": ASSUMES.render(language)}


def expected(p: Floats, level_sd: float, draws: int = 200) -> Expected:
    """Confidence-based performance estimation: what calibrated probabilities say of their own quality.

    Outcomes are drawn from the probabilities, after their common level is moved by a normal doubt of `level_sd`
    (log-odds); the predictions are judged against each draw.

    >>> found = expected(np.full(500, 0.3), 0.0)
    >>> round(found.log_loss[0], 2), found.auc[0]
    (0.61, 0.5)
    """
    random = np.random.default_rng([len(p), 23])
    said = np.clip(np.asarray(p, np.float64), 1e-9, 1 - 1e-9)
    found = []
    for move in random.normal(0.0, 1.0, draws) * level_sd:
        happened = random.random(len(said)) < sigmoid(logit(said, 1e-9) + move)
        found.append((auc(happened, said), log_loss(happened, said), float(happened.mean())))
    columns = np.array(found).T
    return Expected(*(_spread(one) for one in columns))


def _spread(values: Floats) -> tuple[float, float, float]:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return 0.5, 0.0, 1.0  # one outcome in every draw: nothing is ranked
    low, high = np.quantile(finite, [0.05, 0.95])
    return float(finite.mean()), float(low), float(high)
