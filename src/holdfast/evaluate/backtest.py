"""The walk-forward backtest: what would have been published at earlier cutoffs, and how it turned out.

At each test cutoff everything is decided as it could have been then: models learn from closed slices, corrections
from predictions at earlier closed cutoffs. The model to publish is chosen on cutoffs before the newest test cutoff,
which only reports.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import NO_GAP, Cutoff, Gap, Horizon
from holdfast.core.errors import TooLittleData, UsageError
from holdfast.core.models import Model
from holdfast.core.progress import SILENT, Progress
from holdfast.core.results import Score
from holdfast.core.tables import Slices
from holdfast.core.text import Text
from holdfast.evaluate.choose import Step, Trial, choose_calibration, choose_model, corrected
from holdfast.evaluate.forward import Forward, predict_forward, training
from holdfast.evaluate.judge import judge, scores
from holdfast.evaluate.reference import Reference, look_closer
from holdfast.evaluate.segments import segment_scores
from holdfast.evaluate.settings import EvaluateSettings
from holdfast.evaluate.stakes import Stake, stakes
from holdfast.evaluate.tune import Tried, tune
from holdfast.models.base_rate import BaseRate
from holdfast.models.ensemble import Ensemble

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Backtest:
    """What the backtest found. `forward` and `said` feed `fit_final`; `as_dict` is what is published."""

    test_cutoffs: tuple[Cutoff, ...]
    horizon: Horizon
    gap: Gap
    zone: str
    models: tuple[str, ...]
    chosen: str
    calibration: str
    calibrations: Mapping[str, str]
    steps: tuple[Step, ...]
    trials: tuple[Trial, ...]
    scores: list[Score]
    reference: Reference
    segments: list[dict[str, Any]]
    stakes: list[Stake]
    notes: tuple[Text, ...]
    tried: tuple[Tried, ...]
    competed: Mapping[str, Model] = field(repr=False)
    forward: Forward = field(repr=False)
    said: Mapping[str, Mapping[Cutoff, Floats]] = field(repr=False)

    def score(self, metric: str, model: str | None = None, cutoff: Cutoff | None = None) -> Score:
        """One score at a test cutoff: by default of the chosen model at the newest."""
        day = str((cutoff or self.test_cutoffs[-1]).local_day(self.zone))
        wanted = (model or self.chosen, metric)
        for one in self.scores:
            if (one.model, one.metric) == wanted and one.protocol.endswith(f"test {day}"):
                return one
        raise UsageError(f"no score {metric!r} of {wanted[0]!r} at {day}", remedy=f"models: {', '.join(self.models)}")

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Everything publishable, ready for JSON; what could not be computed is null."""
        facts = {
            "horizon": str(self.horizon),
            "gap": str(self.gap),
            "test_cutoffs": [str(one.local_day(self.zone)) for one in self.test_cutoffs],
            "models": list(self.models),
            "chosen": self.chosen,
            "calibration": self.calibration,
            "calibrations": dict(self.calibrations),
            "choice": [_plain(one) for one in self.steps],
            "calibration_trials": [_plain(one) for one in self.trials],
            "tuning": [_plain(one) for one in self.tried],
            "scores": [one.as_dict() for one in self.scores],
            "reference": self.reference.as_dict(),
            "segments": self.segments,
            "value_at_risk": [one.as_dict(self.zone) for one in self.stakes],
            "notes": [one.render("zh" if language == "zh" else "en") for one in self.notes],
        }
        return dict(_finite(facts))


def backtest(
    slices: Slices, models: Mapping[str, Model], *, test_cutoffs: Sequence[Cutoff], horizon: Horizon,
    gap: Gap = NO_GAP, seed: int = 1, settings: EvaluateSettings | None = None, progress: Progress = SILENT,
    data: str = "shop", zone: str = "UTC",
) -> Backtest:  # fmt: skip
    """Judge `models` (simplest first) at `test_cutoffs`; every label in `slices` must be closed at the log's end."""
    settings = settings or EvaluateSettings()
    closes_after = (gap, horizon)
    tests, dropped = _judgeable(slices, sorted(test_cutoffs), closes_after, settings)
    newest = tests[-1]
    usable, notes = usable_models(models, training(slices, newest, closes_after, settings))
    at = _rolling(slices, tests, closes_after, settings)
    usable, tried = _tuned(usable, slices, newest, closes_after, settings, progress)
    forward = predict_forward(slices, usable, at, closes_after, settings, progress)
    kinds = {(m, c): choose_calibration(forward, m, c, settings)[0] for m in usable for c in at}
    said = {m: {c: _said(forward, m, c, kinds[m, c]) for c in at} for m in usable}
    earlier, borrowed = _earlier(at, tests, closes_after)
    chosen, steps = choose_model(said, forward, earlier, settings, seed)
    judged = judge(slices, said, tests, settings, seed)
    what = f"churned, {horizon}" + (f", gap {gap}" if gap.micros else "")
    final = slices.at([newest])
    return Backtest(
        tests, horizon, gap, zone, tuple(usable), chosen, kinds[chosen, newest],
        {m: kinds[m, newest] for m in usable}, tuple(steps),
        tuple(choose_calibration(forward, chosen, newest, settings)[1]),
        scores(judged, settings, data=data, what=what, zone=zone),
        look_closer(final, said[chosen][newest], chosen, newest, zone),
        segment_scores(slices, {c: said[chosen][c] for c in tests}, settings, seed),
        stakes(slices, {c: said[chosen][c] for c in tests}, closes_after, settings),
        (*notes, *dropped, *borrowed, *_notes(forward, chosen, newest, kinds[chosen, newest], settings)),
        tuple(tried), usable, forward, said,
    )  # fmt: skip


def _tuned(
    models: Mapping[str, Model], slices: Slices, newest: Cutoff, closes_after: tuple[Gap, Horizon],
    settings: EvaluateSettings, progress: Progress,
) -> tuple[dict[str, Model], list[Tried]]:  # fmt: skip
    """Single models after the search, and ensembles of these."""
    single = {name: one for name, one in models.items() if not isinstance(one, Ensemble)}
    found, tried = tune(slices, single, newest, closes_after, settings, progress)
    for name, one in models.items():
        if isinstance(one, Ensemble):
            found[name] = replace(one, members=tuple((member, found[member]) for member, _ in one.members))
    return {name: found[name] for name in models}, tried


def usable_models(models: Mapping[str, Model], slices: Slices) -> tuple[dict[str, Model], list[Text]]:
    """The models that find their columns in this feature table; a note for each that does not.

    Where every training row has the same outcome there is nothing to tell apart: only the base rate is left.
    """
    if slices.outcomes.churned.all() or not slices.outcomes.churned.any():
        note = Text(
            "All training rows have one outcome, so every customer gets the base rate.",
            "所有训练数据的结果都相同，因此每位客户都得到平均流失率。",
        )
        return {BaseRate.model_id: models.get(BaseRate.model_id, BaseRate())}, [note]
    usable: dict[str, Model] = {}
    notes: list[Text] = []
    head = slices.take(np.arange(min(len(slices), 2)))
    for name, listed in models.items():
        try:
            model = listed.named().only(list(usable)) if isinstance(listed, Ensemble) else listed
            if not isinstance(model, Ensemble):
                model.fit(head.features, head.outcomes)
        except UsageError as error:
            notes.append(Text(f"{name} was left out: {error.what}.", f"未使用 {name}：{error.what}。"))
            continue
        usable[name] = model
    if not usable:
        raise TooLittleData("no model can use these features", remedy="add base_rate to [models] use")
    return usable, notes


def _said(forward: Forward, model: str, cutoff: Cutoff, kind: str) -> Floats:
    found = corrected(forward, model, cutoff, kind)
    return forward.raw[model][cutoff] if found is None else found


def _judgeable(
    slices: Slices, tests: Sequence[Cutoff], closes_after: tuple[Gap, Horizon], settings: EvaluateSettings
) -> tuple[tuple[Cutoff, ...], list[Text]]:
    """Test cutoffs with customers and enough closed training slices behind them."""
    good = []
    for one in tests:
        train = training(slices, one, closes_after, settings)
        if len(train.cutoffs) >= settings.train_slices and len(slices.at([one])):
            good.append(one)
    if not good:
        raise TooLittleData(
            f"no cutoff has {settings.train_slices} closed training slices before it: the history is too short "
            f"for a horizon of {closes_after[1]}",
            remedy="import a longer history, ask for a shorter horizon, or set a shorter [forecast] step",
        )
    lost = len(tests) - len(good)
    note = Text(
        f"{lost} earlier test cutoffs were left out: too little history lies before them.",
        f"有{lost}个较早的检验时刻因历史数据太少而未使用。",
    )
    return tuple(good), [note] if lost else []


def _rolling(
    slices: Slices, tests: Sequence[Cutoff], closes_after: tuple[Gap, Horizon], settings: EvaluateSettings
) -> list[Cutoff]:
    """Where to predict forward: the test cutoffs and the newest earlier ones whose labels close before the last."""
    able = [
        one
        for one in slices.cutoffs
        if one.plus(*closes_after) <= tests[-1]
        and len(training(slices, one, closes_after, settings).cutoffs) >= settings.train_slices
    ]
    return sorted({*able[-settings.rolling :], *tests})


def _earlier(
    at: Sequence[Cutoff], tests: Sequence[Cutoff], closes_after: tuple[Gap, Horizon]
) -> tuple[list[Cutoff], list[Text]]:
    """The cutoffs to choose the model on: those closed by the newest test cutoff, else the earlier test cutoffs."""
    closed = [one for one in at if one.plus(*closes_after) <= tests[-1]]
    if closed or len(tests) == 1:
        return closed, []
    note = Text(
        "No earlier cutoff had closed before the newest test cutoff, so the model was chosen on earlier test cutoffs "
        "whose horizons overlap its own: its score there is a little optimistic.",
        "在最新检验时刻之前没有已结束的检验期，因此模型是在预测期与其重叠的较早时刻上选定的：其得分略偏乐观。",
    )
    return list(tests[:-1]), [note]


def _notes(forward: Forward, model: str, newest: Cutoff, kind: str, settings: EvaluateSettings) -> list[Text]:
    """Why p_churn is not corrected, where it is not."""
    tried = max((one.cutoffs for one in choose_calibration(forward, model, newest, settings)[1]), default=0)
    if tried < settings.need_rolling:
        return [
            Text(
                f"A correction of p_churn could be tried at only {tried} earlier cutoffs ({settings.need_rolling} are "
                "needed), so none is made: its level may be off by a season's swing.",
                f"流失概率的校正只能在{tried}个较早时刻上试验（至少需要{settings.need_rolling}个），因此不做校正：总体水平可能有季节性偏差。",
            )
        ]
    if kind == "none":
        return [
            Text(
                "No correction of p_churn would have helped at earlier cutoffs, so none is made.",
                "在较早的时刻，任何校正都没有帮助，因此不做校正。",
            )
        ]
    return []


def _finite(value: Any) -> Any:
    """NaN and infinity become null, all the way down: JSON knows no others."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _plain(one: Step | Trial | Tried) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(one)
