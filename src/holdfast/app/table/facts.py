"""Everything a study found, as plain data: what `table.json` holds and the report is told from. Names no row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.app.table.card import card
from holdfast.app.table.columns import WHY_USELESS, TableColumn
from holdfast.app.table.fairness import by_protected
from holdfast.app.table.folds import FOLDS
from holdfast.app.table.look import group_rates
from holdfast.app.table.study import Lesson, TableStudy
from holdfast.core.text import Language
from holdfast.metrics.probability import brier_parts, calibration_table
from holdfast.metrics.ranking import Ranked, lift_curve

Floats = NDArray[np.float64]
#: Points kept of a curve.
_POINTS = 120
#: Columns whose groups are shown.
_SHOWN_COLUMNS = 6


def facts(study: TableStudy, language: Language) -> dict[str, Any]:
    """The study as JSON-able data, sentences in one language."""
    table, verdict = study.table, study.verdict
    rows = np.flatnonzero(study.fold >= 0)
    y, said = table.label.happened[rows], study.chosen.said[0, rows]
    top = [one for name in list(study.importance)[:_SHOWN_COLUMNS] for one in table.features if one.name == name]
    protocol = protocol_of(study)
    return {
        "file": table.name, "language": language, "rows": table.rows, "labelled": len(table.labelled),
        "tested": len(rows), "cut": table.cut, "preset": table.preset.name if table.preset else None,
        "label": {"column": table.label.column, "positive": table.label.positive, "others": list(table.label.others),
                  "rate": table.label.rate, "guessed": table.label.guessed},
        "id": table.id_column, "time": table.time_column, "dropped": list(table.dropped),
        "protocol": protocol, "folds": FOLDS, "repeats": study.repeats, "grouped": study.grouped,
        "models": list(study.models), "chosen": verdict.chosen, "correction": study.chosen.correction,
        "steps": [{"model": s.model, "over": s.over, "gain": s.gain, "low": s.low, "high": s.high, "taken": s.taken}
                  for s in verdict.steps],
        "scores": [_finite(one.as_dict()) for one in verdict.scores("table", table.name, protocol)],
        "gain_over_one_column": {metric: _bounded(v) for metric, v in verdict.gains.items()},
        "after_choosing": _bounded(verdict.after_choosing),
        "copies": _copies(study),
        "suspects": [{"column": name, "auc_alone": study.alone[name]} for name in study.suspects],
        "without_suspects": _lesson(study.without_suspects),
        "protected": by_protected(study), "with_protected": _lesson(study.with_protected),
        "columns": _columns(study, language),
        "groups": group_rates(top, rows, table.label.happened, study.chosen.said[0]),
        "curves": curves(y, said),
        "notes": [one.render(language) for one in (table.preset.notes if table.preset else ())],
        "card": card(study, language),
    }  # fmt: skip


def protocol_of(study: TableStudy) -> str:
    """Outcome and split in one phrase, as every score row carries it."""
    label = study.table.label
    asked = f"{label.column} = {label.positive}"
    if study.table.micros is not None:
        return f"{asked}, forward in time, {int(study.fold.max()) + 1} test parts"
    copies = "copies kept together" if study.grouped else "rows apart"
    return f"{asked}, {study.repeats} x {FOLDS}-fold stratified cross-validation, {copies}"


def curves(y: NDArray[np.bool_], said: Floats) -> dict[str, Any]:
    """ROC and precision-recall curves, lift, calibration and the parts of the Brier score, for plots."""
    ranked = Ranked.of(y, said)
    found, seen = ranked.found[0], ranked.seen[0]
    hits, false = found / found[-1], (seen - found) / max(float(seen[-1] - found[-1]), 1.0)
    precision = found / seen
    at = np.unique(np.linspace(0, len(found) - 1, min(_POINTS, len(found))).round().astype(int))
    return {
        "base_rate": float(y.mean()), "mean_said": float(said.mean()),
        "roc": [[0.0, 0.0], *([float(false[i]), float(hits[i])] for i in at)],
        "precision_recall": [[float(hits[i]), float(precision[i])] for i in at],
        "calibration": calibration_table(y, said), "lift": lift_curve(y, said), "brier": brier_parts(y, said),
    }  # fmt: skip


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    """What cannot be computed (the precision of a model that calls nobody) is null, never NaN."""
    return {**row, "value": row["value"] if np.isfinite(row["value"]) else None}


def _bounded(value: tuple[float, float | None, float | None]) -> dict[str, float | None]:
    return {"value": value[0], "low": value[1], "high": value[2]}


def _lesson(found: Lesson | None) -> dict[str, Any] | None:
    return None if found is None else {"n": found.n, "honest": found.honest, "other": found.other}


def _copies(study: TableStudy) -> dict[str, Any]:
    kin, table = study.table.kin, study.table
    rows = table.labelled
    return {
        "equal": table.copies, "near": kin.near, "different": len(np.unique(kin.group[rows])),
        "echo": None if kin.echo is None else {"rows": kin.echo.rows, "steps": kin.echo.steps},
        "random_split": _lesson(study.copies), "equal_only": _lesson(study.equal_only),
    }  # fmt: skip


def _columns(study: TableStudy, language: Language) -> list[dict[str, Any]]:
    table = study.table
    kinds = [("feature", table.features), ("left_out", table.left_out), ("protected", table.protected)]
    found = [_column(one, use, study, language) for use, columns in kinds for one in columns]
    return sorted(found, key=lambda one: -(one["importance"] or 0.0))


def _column(column: TableColumn, use: str, study: TableStudy, language: Language) -> dict[str, Any]:
    known = column.coded()[~column.missing]
    notes = [one.render(language) for one in column.notes]
    if column.useless:
        notes.insert(0, WHY_USELESS[column.useless].render(language))
    numbers = column.numbers[~np.isnan(column.numbers)]
    return {
        "name": column.name, "kind": column.kind, "use": use, "missing": float(column.missing.mean()),
        "different": len(np.unique(known)), "why": column.useless or None, "notes": notes,
        "low": float(numbers.min()) if len(numbers) else None, "high": float(numbers.max()) if len(numbers) else None,
        "importance": study.importance.get(column.name), "auc_alone": study.alone.get(column.name),
    }  # fmt: skip
