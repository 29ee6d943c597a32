"""The interval of p_churn: how far the probability itself could be off, for one customer or for a group.

Four doubts add up, in log-odds. *Who and when*: the model refitted on resampled customers and slices
(pigeonhole bootstrap, Owen 2007), through the calibrator. *The level*: how much whole slices were off after
calibration, beyond chance; no model can know the next season's level from under two seasons. *The form*: how far
what happened leans towards what other models said of the same customers. *The habit*: how far a customer's own risk
lies from that of customers who look the same; it belongs to each customer alone, so that over a group it averages out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from holdfast.core.models import FITTED, Fitted, Model
from holdfast.core.progress import SILENT, Progress
from holdfast.core.tables import FeatureTable, Slices
from holdfast.metrics.bootstrap import customer_codes
from holdfast.models.calibration import Calibrator, Evidence
from holdfast.models.fitting import fit_counted
from holdfast.models.logit import fit_logit, logit, sigmoid

Floats = NDArray[np.float64]
#: How far single customers lie from what is said of them: (log-odds said, standard deviation), by rising log-odds.
Habit = tuple[tuple[float, float], ...]
Whose = Literal["customer", "group"]
#: (standard deviation of the logistic curve's slope)^2: what turns the mean of a spread-out risk into its middle.
BEND = 0.346
#: Doubt about the level where fewer than three slices tell: about what one season moved Online Retail by.
_UNTOLD_SD = 0.3
#: The other models err as well, which hides part of the way to the truth; set so that planted worlds are covered.
_NOISY_WITNESS = 1.2


@dataclass(frozen=True)
class Intervals:
    """Refits of the chosen model, and the doubts about level, form and habit (standard deviations, log-odds).

    >>> from holdfast.core.clock import Cutoff
    >>> from holdfast.core.tables import Key
    >>> level_only = Intervals((), 0.3)
    >>> table = FeatureTable(Key.of(["a"], Cutoff.parse("2024-01-01")), (), np.zeros((1, 0), np.float32))
    >>> low, high = level_only.around(table, np.array([0.5]), Calibrator("none"), 0.9)
    >>> round(float(low[0]), 2), round(float(high[0]), 2)
    (0.38, 0.62)
    """

    refits: tuple[Fitted, ...]
    level_sd: float
    form_sd: float = 0.0
    habit: Habit = ()

    def around(
        self, features: FeatureTable, p_churn: Floats, calibrator: Calibrator, level: float = 0.9,
        whose: Whose = "customer",
    ) -> tuple[Floats, Floats]:  # fmt: skip
        """Ends of the interval of each row's probability; `group` leaves out what averages out over many customers.

        p_churn is the mean over everybody who looks like the customer. Their risks lie around a middle that is farther
        from one half than their mean (log-odds times sqrt(1 + .346 habit^2)), and so does the interval.
        """
        said = logit(p_churn)
        habit = np.zeros(len(said))
        if self.habit and whose == "customer":
            habit = np.interp(said, [at for at, _ in self.habit], [sd for _, sd in self.habit])
        middle = said * np.sqrt(1.0 + BEND * habit**2)
        variance = self._refit_variance(features, calibrator) + self.level_sd**2 + self.form_sd**2 + habit**2
        half = NormalDist().inv_cdf((1 + level) / 2) * np.sqrt(variance)
        return np.minimum(sigmoid(middle - half), p_churn), np.maximum(sigmoid(middle + half), p_churn)

    def _refit_variance(self, features: FeatureTable, calibrator: Calibrator) -> Floats:
        if len(self.refits) < 2:
            return np.zeros(len(features))
        cutoff = features.key.cutoff
        said = [logit(calibrator.apply(one.predict(features).p_churn, cutoff)) for one in self.refits]
        return np.asarray(np.var(np.array(said), axis=0, ddof=1))

    def to_bytes(self) -> bytes:
        refits = [one.to_bytes().decode() for one in self.refits]
        ids = [one.model_id for one in self.refits]
        doubts = {"level_sd": self.level_sd, "form_sd": self.form_sd, "habit": self.habit}
        return json.dumps({**doubts, "ids": ids, "refits": refits}, sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Intervals:
        saved = json.loads(data)
        pairs = zip(saved["ids"], saved["refits"], strict=True)
        return cls(
            tuple(FITTED[name].from_bytes(text.encode()) for name, text in pairs),
            saved["level_sd"], saved["form_sd"], tuple((one[0], one[1]) for one in saved.get("habit", [])),
        )  # fmt: skip


def level_sd(evidence: Evidence, calibrator: Calibrator) -> float:
    """Root mean square error of whole slices after calibration, beyond sampling noise, in log-odds."""
    if len(evidence.slices) < 3:
        return _UNTOLD_SD
    said = calibrator.apply(evidence.said, evidence.cutoff)
    shifts, variances = Evidence(said, evidence.happened, evidence.cutoff, evidence.lag).shifts()
    return float(np.sqrt(max(0.0, float((shifts**2).mean() - variances.mean()))))


def form_sd(ours: Evidence, others: Sequence[Evidence], calibrator: Calibrator) -> float:
    """How far the truth was seen to lie from our predictions towards another model's (the largest of `others`).

    With d the other model's log-odds less ours, level apart, the truth is taken as ours + share x d. The share, from
    0 (the other adds nothing) to 1 (the other is right), is fitted to what happened, out of time.

    >>> none = Evidence(np.array([]), np.array([], bool), np.array([], np.int64))
    >>> form_sd(none, [], Calibrator("none"))
    0.0
    """
    if not others or not len(ours):
        return 0.0
    said = logit(calibrator.apply(ours.said, ours.cutoff))
    where = np.searchsorted(ours.slices, ours.cutoff)
    shifts, _ = Evidence(sigmoid(said), ours.happened, ours.cutoff, ours.lag).shifts()
    offset = said + shifts[where]
    found = 0.0
    for other in others:
        apart = logit(other.said) - logit(ours.said)
        apart = apart - (np.bincount(where, apart) / np.bincount(where))[where]
        if float(apart.std()) < 1e-6:
            continue
        share = fit_logit(apart[:, None], ours.happened, l2=1.0, offset=offset)[1]
        found = max(found, float(np.clip(share, 0.0, 1.0) * apart.std()))
    return _NOISY_WITNESS * found


def refit(model: Model, slices: Slices, *, count: int, seed: int, progress: Progress = SILENT) -> tuple[Fitted, ...]:
    """The model fitted to `count` resamples of customers and of slices.

    A model with a `light` form is resampled in that form: fewer trees or networks add noise of their own, so the
    interval errs on the wide side.
    """
    model = model.light() if hasattr(model, "light") else model
    (codes,), customers = customer_codes([slices.features.key.customer_id])
    slice_of = np.searchsorted(np.unique(slices.features.key.cutoff), slices.features.key.cutoff)
    random = np.random.default_rng([seed, 11])
    fits: list[Fitted] = []
    for done in range(count):
        progress.step("interval", done, count)
        by_customer = random.poisson(1.0, customers)
        by_slice = _slice_counts(random, int(slice_of.max()) + 1)
        fits.append(fit_counted(model, slices, by_customer[codes] * by_slice[slice_of]))
    progress.step("interval", count, count)
    return tuple(fits)


def _slice_counts(random: np.random.Generator, slices: int) -> NDArray[np.int64]:
    """Slices drawn with replacement; with one or two there is nothing to draw from."""
    if slices < 3:
        return np.ones(slices, np.int64)
    return np.bincount(random.integers(0, slices, slices), minlength=slices)


def join(evidences: Sequence[Evidence]) -> Evidence:
    """Several slices' evidence as one."""
    if not evidences:
        return Evidence(np.array([]), np.array([], bool), np.array([], np.int64))
    return Evidence(
        np.concatenate([one.said for one in evidences]),
        np.concatenate([one.happened for one in evidences]),
        np.concatenate([one.cutoff for one in evidences]),
        evidences[0].lag,
    )
