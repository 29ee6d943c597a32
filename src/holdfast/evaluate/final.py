"""From the backtest to what is published: the chosen model on all closed slices, calibrated, with intervals."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Cutoff, Gap, Horizon
from holdfast.core.errors import StateError, TooLittleData, UsageError
from holdfast.core.models import FITTED, Fitted, Model
from holdfast.core.progress import SILENT, Progress
from holdfast.core.tables import FeatureTable, Predictions, Slices
from holdfast.core.text import Language
from holdfast.evaluate.backtest import Backtest
from holdfast.evaluate.choose import calibrator_at
from holdfast.evaluate.forward import settled, training
from holdfast.evaluate.habits import habits
from holdfast.evaluate.settings import EvaluateSettings
from holdfast.metrics.forecast import METRICS
from holdfast.models.base_rate import BaseRate
from holdfast.models.calibration import Calibrator
from holdfast.models.card import Card
from holdfast.models.decision_tree import TreeFit
from holdfast.models.ensemble import Ensemble
from holdfast.models.fitting import fit_on
from holdfast.models.intervals import Intervals, Whose, form_sd, level_sd, refit
from holdfast.models.reasons import reasons, typical_values
from holdfast.models.value import AtRisk, SpendFit

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Published:
    """Everything needed to score customers: holds no customers itself."""

    model_id: str
    horizon: Horizon
    gap: Gap
    fitted: Fitted
    calibrator: Calibrator
    intervals: Intervals
    spend: SpendFit | None
    typical: Mapping[str, float]
    card: Card

    def predict(self, features: FeatureTable) -> Predictions:
        """p_churn with the ends of each customer's own 90% interval; refuses a table that lacks a column."""
        p = self.p_churn(features)
        low, high = self.intervals.around(features, p, self.calibrator)
        return Predictions(features.key, self.horizon, self.model_id, p, low, high)

    def p_churn(self, features: FeatureTable) -> Floats:
        """The same without intervals: quick, for many rows that differ a little."""
        return self.calibrator.apply(self.fitted.predict(features).p_churn, features.key.cutoff)

    def ends(
        self, features: FeatureTable, p_churn: Floats, *, level: float = 0.9, whose: Whose = "customer"
    ) -> tuple[Floats, Floats]:
        """Ends of the interval around `p_churn` at another level; `whose="group"` for the mean of many customers."""
        return self.intervals.around(features, p_churn, self.calibrator, level, whose)

    def reasons(
        self, features: FeatureTable, top: int = 3, language: Language = "en", *, currency: str = ""
    ) -> list[list[dict[str, Any]]]:
        """Why, for each row beside the typical customer: at most `top` of {feature, value, contribution, text}."""
        return reasons(self.fitted, features, top, language, typical=self.typical, currency=currency)

    def value(self, features: FeatureTable, p_churn: Floats, season: float = 1.0) -> AtRisk:
        """Usual spend, expected revenue and value at risk of each row, in currency units; zeros without prices."""
        if self.spend is None:
            nothing = np.zeros(len(features))
            return AtRisk(nothing, nothing, nothing)
        return self.spend.at_risk(features, p_churn, season)

    def total_at_risk(
        self, features: FeatureTable, p_churn: Floats, *, season: float = 1.0, seed: int = 1
    ) -> dict[str, float]:
        """{total, low, high}: 90% interval over resampled customers and the doubt about the level."""
        if self.spend is None:
            return {"total": 0.0, "low": 0.0, "high": 0.0}
        doubt = self.intervals.level_sd
        total, low, high = self.spend.total(features, p_churn, level_sd=doubt, season=season, seed=seed)
        return {"total": total, "low": low, "high": high}

    def save(self, folder: Path) -> list[Path]:
        """Write the files of `models/`; no pickle anywhere."""
        facts = {
            "model_id": self.model_id, "horizon": str(self.horizon), "gap": str(self.gap),
            "calibrator": self.calibrator.as_dict(), "spend": None if self.spend is None else self.spend.as_dict(),
            "typical": dict(self.typical), "card": _card_facts(self.card),
        }  # fmt: skip
        files = {
            "published.json": json.dumps(facts, sort_keys=True, ensure_ascii=False, indent=1).encode(),
            "model.json": self.fitted.to_bytes(),
            "intervals.json": self.intervals.to_bytes(),
            "card.md": self.card.markdown("en").encode(),
            "card.zh.md": self.card.markdown("zh").encode(),
        }
        if isinstance(self.fitted, TreeFit):
            files |= {"rules.txt": _lines(self.fitted.rules("en")), "rules.zh.txt": _lines(self.fitted.rules("zh"))}
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)
        return [folder / name for name in files]

    @classmethod
    def load(cls, folder: Path) -> Published:
        """Read back what `save` wrote."""
        try:
            facts = json.loads((folder / "published.json").read_bytes())
            model, intervals = (folder / "model.json").read_bytes(), (folder / "intervals.json").read_bytes()
        except (OSError, ValueError) as error:
            raise StateError(
                "the published model cannot be read", where=str(folder), remedy="run: holdfast release verify"
            ) from error
        return cls(
            facts["model_id"], Horizon.parse(facts["horizon"]), Gap.parse(facts["gap"]),
            FITTED[facts["model_id"]].from_bytes(model), Calibrator.from_dict(facts["calibrator"]),
            Intervals.from_bytes(intervals), None if facts["spend"] is None else SpendFit.from_dict(facts["spend"]),
            facts["typical"], _card_back(facts["card"]),
        )  # fmt: skip


def fit_final(
    backtest: Backtest, slices: Slices, models: Mapping[str, Model], *, cutoff: Cutoff | None = None, seed: int = 1,
    settings: EvaluateSettings | None = None, progress: Progress = SILENT, population: str = "",
) -> Published:  # fmt: skip
    """Fit the chosen model on every slice whose labels closed by `cutoff` (default: all of `slices`)."""
    settings = settings or EvaluateSettings()
    closes_after = (backtest.gap, backtest.horizon)
    at = cutoff or slices.cutoffs[-1].plus(*closes_after)
    train = training(slices, at, closes_after, settings)
    if not len(train):
        raise TooLittleData("no training slice has closed by the cutoff", remedy="import a longer history")
    model = _chosen(backtest, models, at)
    calibrator = calibrator_at(backtest.forward, backtest.chosen, at, backtest.calibration) or Calibrator("none")
    evidence = backtest.forward.evidence(backtest.chosen, backtest.forward.closed(backtest.chosen, at))
    doubt = level_sd(evidence, calibrator)
    form = _form(backtest, at, calibrator)
    fitted = fit_on(model, train)
    count = settings.refits if not isinstance(model, Ensemble) else min(settings.refits, settings.ensemble_refits)
    refits = refit(model, train, count=count, seed=seed, progress=progress)
    intervals = Intervals(refits, doubt, form, habits(backtest.forward, backtest.chosen, at))
    return Published(
        backtest.chosen, backtest.horizon, backtest.gap, fitted, calibrator, intervals, _spend(train),
        typical_values(train.features),
        _card(backtest, train, model, fitted, calibrator.kind, doubt, population),
    )  # fmt: skip


def _chosen(backtest: Backtest, models: Mapping[str, Model], at: Cutoff) -> Model:
    """The chosen model as it competed; an ensemble with its shares as of `at`."""
    model = {**models, **backtest.competed}.get(backtest.chosen, BaseRate())
    return settled(model, backtest.forward, at) if isinstance(model, Ensemble) else model


def _form(backtest: Backtest, at: Cutoff, calibrator: Calibrator) -> float:
    """Doubt about the form of the chosen model, from what the other models said at the same closed cutoffs."""
    seen = {
        model: backtest.forward.evidence(model, backtest.forward.closed(model, at), crossed=False)
        for model in backtest.models
    }
    others = [one for model, one in seen.items() if model not in (backtest.chosen, "base_rate")]
    return form_sd(seen[backtest.chosen], others, calibrator)


def _spend(train: Slices) -> SpendFit | None:
    try:
        return SpendFit.fit(train)
    except UsageError:
        return None  # no spend among the features: value at risk is 0 and the report names no money


def _card(
    backtest: Backtest, train: Slices, model: Model, fitted: Fitted, kind: str, doubt: float, population: str
) -> Card:
    first, last, tested = (
        str(one.local_day(backtest.zone)) for one in (train.cutoffs[0], train.cutoffs[-1], backtest.test_cutoffs[-1])
    )
    shown = {}
    for metric in METRICS:
        one = backtest.score(metric)
        shown[metric] = (one.value if np.isfinite(one.value) else None, one.low, one.high)
    parameters: dict[str, Any] = asdict(model) if is_dataclass(model) and not isinstance(model, type) else {}
    ids = train.features.key.customer_id
    return Card(
        backtest.chosen, str(backtest.horizon), str(backtest.gap), kind, doubt, len(train),
        len(ids.unique()), len(train.cutoffs), first, last,
        float(train.outcomes.churned.mean()), parameters, tuple(fitted.columns), population,
        tested, shown, backtest.notes,
    )  # fmt: skip


def _lines(rules: list[str]) -> bytes:
    return "".join(f"{one}\n" for one in rules).encode()


def _card_facts(card: Card) -> dict[str, Any]:
    facts = asdict(card)
    facts["notes"] = [[one.en, one.zh] for one in card.notes]
    return facts


def _card_back(facts: dict[str, Any]) -> Card:
    from holdfast.core.text import Text

    notes = tuple(Text(en, zh) for en, zh in facts["notes"])
    metrics = {name: tuple(values) for name, values in facts["metrics"].items()}
    return Card(**{**facts, "columns": tuple(facts["columns"]), "notes": notes, "metrics": metrics})
