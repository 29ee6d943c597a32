"""Why a row got its probability: the columns that pulled most, beside what is usual."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.app.table.columns import TableColumn
from holdfast.app.table.look import number
from holdfast.core.models import Fitted
from holdfast.core.tables import FeatureTable
from holdfast.core.text import Language, Text

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
_SENTENCE = Text("{column}: {value} (others: {usual})", "{column}：{value}（一般为{usual}）")
_NOT_FILLED = Text("not filled in", "未填写")
TOP = 3


@dataclass(frozen=True)
class Pulls:
    """What each column of the file adds to each row's log-odds."""

    columns: tuple[str, ...]
    baseline: float
    parts: Floats


def pulls(fitted: Fitted, features: FeatureTable) -> Pulls:
    """Contributions of the model's columns, added up by the column of the file they came from."""
    if not fitted.columns:
        return Pulls((), fitted.contributions(features)[0], np.zeros((len(features), 0)))
    used = features.select(fitted.columns)
    baseline, parts = fitted.contributions(used)
    names = tuple(dict.fromkeys(column.family for column in used.columns))
    member = np.array([[column.family == name for column in used.columns] for name in names], np.float64)
    return Pulls(names, baseline, parts @ member.T)


def usual(columns: Sequence[TableColumn], rows: Codes) -> dict[str, str | float | None]:
    """The median of a number, the commonest level of a category, among these rows."""
    found: dict[str, str | float | None] = {}
    for one in columns:
        if one.kind == "category":
            counts = np.bincount(one.codes[rows] + 1, minlength=len(one.levels) + 1)[1:]
            found[one.name] = one.levels[int(counts.argmax())] if len(counts) and counts.any() else None
        else:
            known = one.numbers[rows][~np.isnan(one.numbers[rows])]
            found[one.name] = one.told(float(np.median(known))) if len(known) else None
    return found


def reasons(
    found: Pulls, columns: Mapping[str, TableColumn], rows: Codes, common: Mapping[str, str | float | None],
    language: Language,
) -> list[list[dict[str, Any]]]:  # fmt: skip
    """For each row at most three of {column, value, contribution, text}.

    A row above the average is told what raises it, any other what lowers it; what is as usual is no reason unless
    there is no other.
    """
    total = found.parts.sum(axis=1)
    lean = np.where(total >= 0, 1.0, -1.0)
    order = np.argsort(-lean[:, None] * found.parts, axis=1, kind="stable")
    told = []
    for i, row in enumerate(rows):
        pulling = [at for at in order[i] if lean[i] * found.parts[i, at] > 1e-9]
        unusual = [at for at in pulling if columns[found.columns[at]].cell(row) != common[found.columns[at]]]
        told.append([
            _reason(columns[found.columns[at]], row, float(found.parts[i, at]), common, language)
            for at in (unusual[:TOP] or pulling[:1])
        ])  # fmt: skip
    return told


def _reason(
    column: TableColumn, row: int, pull: float, common: Mapping[str, str | float | None], language: Language
) -> dict[str, Any]:
    value = column.cell(row)
    text = _SENTENCE.render(
        language, column=column.name, value=shown(value, language), usual=shown(common[column.name], language)
    )
    return {"column": column.name, "value": shown(value, language), "contribution": pull, "text": text}


def shown(value: str | float | None, language: Language) -> str:
    """A cell as a person reads it."""
    if value is None:
        return _NOT_FILLED.render(language)
    return value if isinstance(value, str) else number(value)
