"""A first look at each column beside the label: which one alone tells too much, and who is at risk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.app.table.columns import TableColumn
from holdfast.app.table.table import Table
from holdfast.metrics.probability import wilson
from holdfast.metrics.ranking import auc

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
#: A column that alone tells so many pairs apart was almost always filled in after the fact.
SUSPECT_AUC = 0.98
#: Fewer rows of either kind than this prove nothing about a column.
SUSPECT_ROWS = 20
BINS = 4
#: A group of fewer rows than this, or a smaller share, is not shown.
LEAST_GROUP = 30
LEAST_GROUP_SHARE = 0.01


def alone(table: Table) -> dict[str, float]:
    """How well each column tells the label by itself: AUC of the label's rate by value, rates from the other half.

    Numbers are cut into twenty groups; missing is a value. A label that is only copied gives 1.
    """
    rows = table.labelled
    y = table.label.happened[rows].astype(np.float64)
    half = np.random.default_rng([1, 31]).permutation(len(rows)) % 2
    return {one.name: _alone(_cut(one, rows), y, half) for one in table.features}


def _cut(column: TableColumn, rows: Codes) -> Codes:
    if column.kind == "category":
        return column.codes[rows] + 1
    values = column.numbers[rows]
    known = values[~np.isnan(values)]
    if len(np.unique(known)) <= 20:
        return np.searchsorted(np.unique(known), values) + np.where(np.isnan(values), 1, 0)
    edges = np.unique(np.quantile(known, np.arange(1, 20) / 20))
    return np.where(np.isnan(values), 0, np.searchsorted(edges, values, side="right") + 1)


def _alone(codes: Codes, y: Floats, half: Codes) -> float:
    """Equal values in the other half give the expected label, drawn to the base rate where there are few."""
    said, size, base = np.empty(len(y)), int(codes.max()) + 1, y.mean()
    for one in (0, 1):
        there = half != one
        counts = np.bincount(codes[there], minlength=size)
        hits = np.bincount(codes[there], y[there], minlength=size)
        said[half == one] = ((hits + 2 * base) / (counts + 2))[codes[half == one]]
    return float(auc(y, said))


def suspects(table: Table, found: dict[str, float]) -> list[str]:
    """Columns that look as if they were filled in after the fact."""
    yes = int(table.label.happened.sum())
    few = min(yes, len(table.labelled) - yes) < SUSPECT_ROWS
    return [] if few else [name for name, value in found.items() if value >= SUSPECT_AUC]


def groups_of(column: TableColumn, rows: Codes) -> list[tuple[str, NDArray[np.bool_]]]:
    """The rows by value: each level of a category, quarters of a number, and those not filled in."""
    if column.kind == "category":
        counts = np.bincount(column.codes[rows] + 1, minlength=len(column.levels) + 1)[1:]
        top = np.argsort(-counts, kind="stable")[:8]
        found = [(column.levels[at], column.codes[rows] == at) for at in top if counts[at]]
    else:
        found = _by_number(column, column.numbers[rows])
    missing = column.missing[rows]
    return [*found, ("", missing)] if missing.any() else found


def _by_number(column: TableColumn, values: Floats) -> list[tuple[str, NDArray[np.bool_]]]:
    known = values[~np.isnan(values)]
    different = np.unique(known)
    if len(different) <= 5:
        return [(_said(column, float(one)), values == one) for one in different]
    edges = np.unique(np.quantile(known, np.arange(1, BINS) / BINS))
    if edges[-1] <= different[0]:  # more than three quarters hold the least value: they against the rest
        edges = different[1:2]
    place = np.where(np.isnan(values), -1, np.searchsorted(edges, np.nan_to_num(values), side="right"))
    found = []
    for at in range(len(edges) + 1):
        inside = place == at
        if inside.any():
            low, high = float(values[inside].min()), float(values[inside].max())
            name = _said(column, low) if low == high else f"{_said(column, low)} – {_said(column, high)}"
            found.append((name, inside))
    return found


def _said(column: TableColumn, value: float) -> str:
    told = column.told(value)
    return told if isinstance(told, str) else number(value)


def group_rates(
    columns: Sequence[TableColumn], rows: Codes, happened: NDArray[np.bool_], said: Floats
) -> list[dict[str, Any]]:
    """For each group of each column: rows, what happened (95% interval, Wilson), and what was said of unseen rows."""
    found = []
    for column in columns:
        for name, inside in groups_of(column, rows):
            n = int(inside.sum())
            if n < max(LEAST_GROUP, LEAST_GROUP_SHARE * len(rows)):
                continue
            rate = float(happened[rows][inside].mean())
            low, high = wilson(rate, n)
            told = said[rows][inside]
            mean = float(np.nanmean(told)) if (~np.isnan(told)).any() else None
            found.append(
                {"column": column.name, "group": name, "n": n, "rate": rate, "low": low, "high": high, "said": mean}
            )
    return found


def number(value: float) -> str:
    """A number as people write it.

    >>> number(3.0), number(12345.678), number(0.12345)
    ('3', '12,346', '0.123')
    """
    if value == int(value) and abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
