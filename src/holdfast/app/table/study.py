"""The whole path for a labelled table: read, understand, fold, learn, judge, explain. Each step is one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.app.table.ask import TableAsk
from holdfast.app.table.encode import Encoder
from holdfast.app.table.fit import Unseen, candidates, features_for, final_calibrator, teach, unseen
from holdfast.app.table.folds import LEAST_GROUPS, Split, folded, forward, repeats_for
from holdfast.app.table.judge import Verdict, judge
from holdfast.app.table.look import alone, suspects
from holdfast.app.table.read import Raw, read_raw
from holdfast.app.table.reasons import pulls, reasons, usual
from holdfast.app.table.table import Table, build_table
from holdfast.core.models import Fitted
from holdfast.core.progress import SILENT, Progress
from holdfast.models.calibration import Calibrator

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


#: Rows that get reasons: so many of the riskiest, and as many drawn at random. Exact contributions take a while.
MOST_EXPLAINED = 20_000
#: Fewer copies than this share of the rows change nothing worth a lesson.
SHOWN_COPIES = 0.02


@dataclass(frozen=True)
class Lesson:
    """The chosen model's scores under another way of working, beside the honest ones: metric -> value."""

    n: int
    honest: dict[str, float]
    other: dict[str, float]


@dataclass(frozen=True)
class TableStudy:
    """What was found out about a labelled table."""

    table: Table
    models: dict[str, Any]
    found: dict[str, Unseen] = field(repr=False)
    verdict: Verdict
    grouped: bool
    fold: Codes = field(repr=False)  # of the first repeat, -1 where never tested
    repeats: int
    encoder: Encoder = field(repr=False)
    fitted: Fitted = field(repr=False)
    calibrator: Calibrator
    p: Floats = field(repr=False)  # unseen where labelled and tested, else of the final model
    reasons: list[list[dict[str, Any]]] = field(repr=False)
    importance: dict[str, float]  # mean absolute pull in log-odds, by column
    alone: dict[str, float]
    suspects: tuple[str, ...]
    copies: Lesson | None  # copies torn apart
    equal_only: Lesson | None  # only equal rows kept together, near copies torn apart
    without_suspects: Lesson | None
    with_protected: Lesson | None

    @property
    def chosen(self) -> Unseen:
        return self.found[self.verdict.chosen]


def study_table(
    ask: TableAsk, progress: Progress = SILENT, *, raw: Raw | None = None, models: dict[str, Any] | None = None
) -> TableStudy:
    """Study a labelled table; `raw` stands in for the file. Raises errors that say what is wrong with it."""
    table = build_table(raw or read_raw(ask.file, ask.sheet, progress), ask)
    models = models or candidates(ask.seed)
    groups, grouped = _groups(table)
    repeats = 1 if table.micros is not None else repeats_for(len(table.labelled))
    splits = _splits(table, groups, repeats, ask.seed)
    found = unseen(table, models, splits, ask.seed, progress)
    verdict = judge(found, table.label.happened, groups, seed=ask.seed)
    fold = _fold_of(table, splits)
    encoder, fitted = teach(table, models[verdict.chosen], table.labelled, ask.seed)
    calibrator = final_calibrator(found[verdict.chosen], fold, table.label.happened)
    p, why, importance = _explained(table, found[verdict.chosen], fold, encoder, fitted, calibrator, ask)
    single = alone(table)
    odd = suspects(table, single)
    chosen = (verdict, models[verdict.chosen], groups, repeats, ask.seed)
    return TableStudy(
        table, models, found, verdict, grouped, fold, repeats, encoder, fitted, calibrator, p, why, importance, single,
        tuple(odd), *_copies_lessons(table, grouped, *chosen), _without(table, odd, *chosen), _with(table, *chosen),
    )  # fmt: skip


def _groups(table: Table) -> tuple[Codes, bool]:
    """Equal rows stand together, unless the columns are so coarse that hardly any rows differ."""
    different = len(np.unique(table.kin.group[table.labelled]))
    if different < min(LEAST_GROUPS, len(table.labelled)):
        return np.arange(table.rows), False
    return table.kin.group, True


def _splits(table: Table, groups: Codes, repeats: int, seed: int) -> list[Split]:
    if table.micros is not None:
        return forward(table.labelled, table.micros, table.label.happened)
    return folded(table.labelled, table.label.happened, groups, repeats=repeats, seed=seed)


def _fold_of(table: Table, splits: Sequence[Split]) -> Codes:
    fold = np.full(table.rows, -1, np.int64)
    for one in splits:
        if one.repeat == 0:
            fold[one.test] = one.fold
    return fold


def _explained(
    table: Table, chosen: Unseen, fold: Codes, encoder: Encoder, fitted: Fitted, calibrator: Calibrator, ask: TableAsk
) -> tuple[Floats, list[list[dict[str, Any]]], dict[str, float]]:
    """Probability and reasons of every row, from a model that had not seen it; and which columns pull how much."""
    p = chosen.said[0].copy()
    unknown = np.flatnonzero(fold < 0)
    if len(unknown):
        p[unknown] = calibrator.apply(fitted.predict(features_for(table, encoder, unknown)).p_churn)
    told, sample = _worth_telling(p, fold, ask.seed)
    why: list[list[dict[str, Any]]] = [[] for _ in range(table.rows)]
    columns = {one.name: one for one in table.features}
    strength = dict.fromkeys(columns, 0.0)
    for number in (*sorted(chosen.fits), -1):
        rows = np.flatnonzero((fold == number) & told)
        if not len(rows):
            continue
        one, model = (encoder, fitted) if number == -1 else chosen.fits[number]
        found = pulls(model, features_for(table, one, rows))
        common = usual(table.features, np.flatnonzero((fold != number) & table.label.known))
        for row, sentences in zip(rows, reasons(found, columns, rows, common, ask.language), strict=True):
            why[row] = sentences
        for name, parts in zip(found.columns, found.parts.T, strict=True):
            strength[name] += float(np.abs(parts[sample[rows]]).sum()) / max(int(sample.sum()), 1)
    return p, why, dict(sorted(strength.items(), key=lambda pair: -pair[1]))


def _worth_telling(p: Floats, fold: Codes, seed: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which rows get reasons (the riskiest and a sample), and by which of them columns are weighed (the sample)."""
    sample = np.zeros(len(p), bool)
    tested = np.flatnonzero(fold >= 0)
    sample[np.random.default_rng([seed, 53]).permutation(tested)[:MOST_EXPLAINED]] = True
    told = sample.copy()
    told[np.argsort(-p, kind="stable")[:MOST_EXPLAINED]] = True
    return told, sample


def _copies_lessons(
    table: Table, grouped: bool, verdict: Verdict, model: Any, groups: Codes, repeats: int, seed: int
) -> tuple[Lesson | None, Lesson | None]:
    """What a split that tears copies apart would have claimed; and one that only minds rows equal in everything."""
    kin, rows = table.kin, len(table.labelled)
    many = rows - len(np.unique(kin.group[table.labelled]))
    if many < SHOWN_COPIES * rows or not grouped or table.micros is not None:
        return None, None
    loose = _again(table, verdict, model, np.arange(table.rows), repeats, seed)
    if not table.copies or np.array_equal(kin.twin, kin.group):
        return loose, None
    return loose, _again(table, verdict, model, kin.twin, repeats, seed)


def _without(
    table: Table, odd: list[str], verdict: Verdict, model: Any, groups: Codes, repeats: int, seed: int
) -> Lesson | None:
    """The scores without the columns that look like the label itself."""
    kept = tuple(one for one in table.features if one.name not in odd)
    if not odd or not kept:
        return None
    return _again(replace(table, features=kept), verdict, model, groups, repeats, seed)


def _with(table: Table, verdict: Verdict, model: Any, groups: Codes, repeats: int, seed: int) -> Lesson | None:
    """What leaving the protected columns out costs."""
    more = tuple(one for one in table.protected if not one.useless)
    if not more:
        return None
    return _again(replace(table, features=table.features + more), verdict, model, groups, repeats, seed)


def _again(table: Table, verdict: Verdict, model: Any, groups: Codes, repeats: int, seed: int) -> Lesson:
    name = verdict.chosen
    splits = _splits(table, groups, repeats, seed)
    other = judge(unseen(table, {name: model}, splits, seed), table.label.happened, groups, seed=seed)
    metrics = ("auc", "average_precision", "log_loss", "brier", "accuracy")
    return Lesson(
        other.n, *({m: float(one.points[name, m]) for m in metrics} for one in (verdict, other))
    )  # fmt: skip
