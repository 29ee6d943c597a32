"""Has the world moved under the model? Features, calibration, expected performance, and one rule: refit now or not.

A shop is never the same twice: customers grow older, seasons turn. So the present is not held against a bare 0.2, but
against how far earlier slices lay from the slices before them, at the same distance in time. A feature, or the whole
table, has drifted only if the present is more unusual than chance and many features allow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import LeakError, TooLittleData, UsageError
from holdfast.core.tables import FeatureTable
from holdfast.core.text import Language, Text
from holdfast.metrics.drift import adjusted, ks, psi, wasserstein
from holdfast.metrics.ranking import auc
from holdfast.models.calibration import Evidence
from holdfast.models.drift_promises import CalibrationDrift, Expected, calibration_drift, expected
from holdfast.models.drift_settings import DriftSettings
from holdfast.models.drift_words import INPUTS, LEVEL, ONE_FEATURE, STEADY, UNTESTED
from holdfast.models.logit import fit_logit, logit, sigmoid
from holdfast.models.parts import hashed
from holdfast.models.prepare import Recipe

Floats = NDArray[np.float64]
#: Slices with fewer rows tell nothing about a distribution.
LEAST_ROWS = 50
#: A spread of references below these is luck: log PSI, AUC.
_PSI_SPREAD, _AUC_SPREAD = 0.35, 0.05
_CLASSIFIER_ROWS = 4000
#: Reference slices that a test against them needs.
LEAST_REFERENCES = 4


@dataclass(frozen=True)
class FeatureDrift:
    """One feature, present against the newest training slices; `usual` is the median PSI of earlier slices.

    `p` is how likely a PSI so far above the usual is by chance, corrected for the number of features; None where too
    few earlier slices tell what is usual.
    """

    name: str
    psi: float
    usual: float
    ks: float
    wasserstein: float
    p: float | None
    flagged: bool


@dataclass(frozen=True)
class Domain:
    """How well a classifier tells present rows from training rows (AUC, customers kept apart); `usual` as above.

    It reads only features that are usually calm: the age of a history differs from slice to slice, and says nothing.
    """

    auc: float
    usual: float | None
    p: float | None


@dataclass(frozen=True)
class Drift:
    """What moved, and whether to refit now."""

    refit: bool
    reasons: tuple[Text, ...]
    features: tuple[FeatureDrift, ...]
    domain: Domain
    calibration: CalibrationDrift | None
    expected: Expected | None
    references: int
    notes: tuple[Text, ...] = field(default=())

    def as_dict(self, language: Language = "en") -> dict[str, Any]:
        """Ready for JSON, features furthest from usual first."""
        listed = sorted(self.features, key=lambda one: (not one.flagged, -one.psi))
        return {
            "refit": self.refit,
            "reasons": [one.render(language) for one in self.reasons],
            "features": [vars(one) for one in listed],
            "domain": vars(self.domain),
            "calibration": None if self.calibration is None else self.calibration.as_dict(),
            "expected": None if self.expected is None else self.expected.as_dict(language),
            "references": self.references,
            "notes": [one.render(language) for one in self.notes],
        }


def drift_report(
    train: FeatureTable, present: FeatureTable, *, p_now: Floats | None = None, kept: Evidence | None = None,
    level_sd: float | None = None, settings: DriftSettings | None = None,
) -> Drift:  # fmt: skip
    """What moved between the training slices and the present, and whether to refit now.

    `p_now`: what the model says of the present rows; `kept`: what it said at cutoffs after it was fitted and what
    happened, where their windows have closed; `level_sd`: by how much whole slices were off at fitting (log-odds,
    `Intervals.level_sd`). Raises `TooLittleData` below 50 rows, `LeakError` where a label would be looked at early.
    """
    settings = settings or DriftSettings()
    _check(train, present, p_now)
    _check_time(train, present, kept)
    pairs = _references(train, present, settings)
    features = _features(train, present, pairs, settings)
    calm = [one.name for one in features if one.usual < settings.psi_look]
    domain = _domain(train.select(calm), present, pairs, settings)
    calibration = None if kept is None else calibration_drift(kept, level_sd, settings)
    reasons = _reasons(features, domain, calibration, settings)
    few = len(pairs) < LEAST_REFERENCES
    return Drift(
        bool(reasons), tuple(reasons) or (STEADY,), features, domain, calibration,
        None if p_now is None else expected(p_now, level_sd if level_sd is not None else settings.level_doubt),
        len(pairs), (UNTESTED,) if few else (),
    )  # fmt: skip


def _check(train: FeatureTable, present: FeatureTable, p_now: Floats | None) -> None:
    lost = [name for name in train.names if name not in present.names]
    if lost:
        raise UsageError(f"the present lacks {lost[0]!r}, which was trained on", remedy="build the same features")
    if p_now is not None and len(p_now) != len(present):
        raise UsageError(f"{len(p_now)} predictions for {len(present)} present rows")
    for what, table in (("training", train), ("present", present)):
        if len(table) < LEAST_ROWS:
            raise TooLittleData(
                f"{len(table)} {what} rows say nothing about drift; {LEAST_ROWS} are needed",
                remedy="look again when there are more customers",
            )


def _check_time(train: FeatureTable, present: FeatureTable, kept: Evidence | None) -> None:
    now = int(present.key.cutoff.min())
    if int(train.key.cutoff.max()) >= now:
        raise LeakError(
            "the present is not later than every training slice", remedy="leave its own cutoff out of train"
        )
    if kept is not None and len(kept) and int(kept.cutoff.max()) + kept.lag > now:
        raise LeakError("a kept promise had not closed at the present cutoff", remedy="leave open promises out")


def _references(
    train: FeatureTable, present: FeatureTable, settings: DriftSettings
) -> list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """(earlier rows, rows of one slice) of `train`, apart in time as the present is from the newest training slice."""
    cutoffs, at = np.unique(train.key.cutoff), train.key.cutoff
    lag = int(present.key.cutoff.min()) - int(cutoffs[-1])
    for wait in (lag, lag // 2, 1):  # the older the model, the fewer slices lie so far apart: then what there is
        found = []
        for one in cutoffs[::-1]:
            before = cutoffs[cutoffs <= one - max(wait, 1)][-settings.window :]
            if len(before):
                found.append((np.isin(at, before), at == one))
        enough = [(a, b) for a, b in found if min(a.sum(), b.sum()) >= LEAST_ROWS]
        if len(enough) >= LEAST_REFERENCES:
            return enough[: settings.references]
    return []


def _newest(train: FeatureTable, settings: DriftSettings) -> NDArray[np.bool_]:
    return np.isin(train.key.cutoff, np.unique(train.key.cutoff)[-settings.window :])


def _features(
    train: FeatureTable, present: FeatureTable, pairs: Sequence[tuple[Any, Any]], settings: DriftSettings
) -> tuple[FeatureDrift, ...]:
    newest = train.take(_newest(train, settings))
    found = []
    for name in train.names:
        past, now, all_past = newest.column(name), present.column(name), train.column(name)
        usual = np.array([psi(all_past[before], all_past[one]) for before, one in pairs])
        value = psi(past, now)
        p = _unusual(np.log(value + 1e-4), np.log(usual + 1e-4), _PSI_SPREAD)
        found.append(
            (name, value, float(np.median(usual)) if len(usual) else 0.0, ks(past, now), wasserstein(past, now), p)
        )
    known = [one[5] is not None for one in found]
    fair = adjusted(np.array([one[5] for one in found if one[5] is not None])) if any(known) else np.array([])
    places = iter(fair.tolist())
    return tuple(
        FeatureDrift(*one[:5], p := next(places) if told else None, _flagged(one[1], p, settings))
        for one, told in zip(found, known, strict=True)
    )


def _flagged(value: float, p: float | None, settings: DriftSettings) -> bool:
    """Unusual and large; where nothing says what is usual, only what is large by any measure."""
    return value >= settings.psi_act if p is None else value >= settings.psi_look and p < 0.05


def _domain(
    train: FeatureTable, present: FeatureTable, pairs: Sequence[tuple[Any, Any]], settings: DriftSettings
) -> Domain:
    now = told_apart(train.take(_newest(train, settings)), present)
    usual = np.array([told_apart(train.take(before), train.take(one)) for before, one in pairs])
    p = _unusual(float(logit(np.array([now]), 1e-3)[0]), logit(usual, 1e-3), _AUC_SPREAD)
    return Domain(now, float(np.median(usual)) if len(usual) else None, p)


def told_apart(before: FeatureTable, now: FeatureTable, l2: float = 10.0) -> float:
    """AUC of a logistic regression that tells two tables apart, each customer judged by a fit that never saw them.

    0.5 means that nothing tells them apart. Both sides count alike whatever their size; at most 4,000 rows each.
    """
    if not before.names:
        return 0.5
    rows = [one.take(_sampled(len(one))).select(before.names) for one in (before, now)]
    ids = np.concatenate([hashed(table.key.customer_id, b"drift") >> 4 for table in rows])
    values = np.concatenate([table.values for table in rows])
    late = np.repeat([False, True], [len(one) for one in rows])
    both = FeatureTable(_key_of(rows), before.columns, values)
    prepared = Recipe.learn(both, both.names).apply(both)
    weight = np.where(late, 1.0 / max(late.sum(), 1), 1.0 / max((~late).sum(), 1)) * len(late) / 2
    said = np.full(len(late), 0.5)
    for part in range(2):
        mine = ids % 2 == part
        if mine.any() and 0 < late[~mine].sum() < (~mine).sum():
            beta = fit_logit(prepared[~mine], late[~mine], l2=l2, weights=weight[~mine])
            said[mine] = sigmoid(beta[0] + prepared[mine] @ beta[1:])
    parts = [auc(late[ids % 2 == part], said[ids % 2 == part]) for part in range(2)]
    finite = [one for one in parts if np.isfinite(one)]
    return float(np.mean(finite)) if finite else 0.5


def _key_of(rows: Sequence[FeatureTable]) -> Any:
    import pyarrow as pa

    from holdfast.core.tables import Key

    return Key(
        pa.concat_arrays([one.key.customer_id for one in rows]), np.concatenate([one.key.cutoff for one in rows])
    )


def _sampled(rows: int) -> NDArray[np.int64]:
    if rows <= _CLASSIFIER_ROWS:
        return np.arange(rows)
    return np.linspace(0, rows - 1, _CLASSIFIER_ROWS).astype(np.int64)


def _unusual(value: float, usual: Floats, least: float) -> float | None:
    """One-sided p of one more value beyond the `usual` ones; None with too few of them.

    Student's t for a prediction, with median and median absolute deviation in place of mean and standard deviation:
    the first slices of a young history lie apart, and must not excuse everything that comes later.
    """
    from scipy.stats import t

    n = len(usual)
    if n < LEAST_REFERENCES:
        return None
    middle = float(np.median(usual))
    spread = max(1.4826 * float(np.median(np.abs(usual - middle))), least)
    return float(t.sf((value - middle) / (spread * np.sqrt(1 + 1 / n)), n - 1))


def _reasons(
    features: Sequence[FeatureDrift], domain: Domain, calibration: CalibrationDrift | None, settings: DriftSettings
) -> list[Text]:
    """The one rule: refit now if any of three tests speaks, each at a third of the chance of a false alarm."""
    level, reasons = settings.alarm / 3, []
    if calibration is not None and calibration.alarm:
        reasons.append(_filled(LEVEL, said=f"{calibration.said:.0%}", happened=f"{calibration.happened:.0%}"))
    named = ", ".join(one.name for one in sorted(features, key=lambda one: -one.psi)[:3])
    far = domain.usual is not None and domain.auc > domain.usual + settings.apart
    if far and domain.p is not None and domain.p < level:
        reasons.append(_filled(INPUTS, auc=f"{domain.auc:.2f}", usual=f"{domain.usual:.2f}", named=named))
    worst = [one for one in features if one.psi >= settings.psi_act and (one.p is None or one.p < level)]
    if worst:
        top = max(worst, key=lambda one: one.psi)
        reasons.append(_filled(ONE_FEATURE, name=top.name, psi=f"{top.psi:.2f}", usual=f"{top.usual:.2f}"))
    return reasons


def _filled(text: Text, **values: object) -> Text:
    return Text(text.render("en", **values), text.render("zh", **values))
