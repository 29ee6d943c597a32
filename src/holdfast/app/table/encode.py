"""Columns of a table as numbers for a model, learnt on the training rows alone and blind to the label.

A number stays, missing is NaN (the models mark it). A category becomes one 0/1 column for each level that is frequent
in the training rows, one for missing, and, where there are many levels, how common the row's level was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.app.table.columns import TableColumn
from holdfast.core.clock import Cutoff
from holdfast.core.tables import FeatureColumn, FeatureTable, Key
from holdfast.core.text import Text

Rows = NDArray[np.int64]
#: A table has no time axis of its own: all rows stand at one instant.
ONE_INSTANT = Cutoff.from_micros(0)
#: A level is told apart if so many training rows, and so large a share of them, hold it.
LEAST_ROWS = 10
LEAST_SHARE = 0.005
MOST_LEVELS = 30
#: From so many levels on, how common the level is becomes a column of its own.
MANY_LEVELS = 10


@dataclass(frozen=True)
class Encoder:
    """What was learnt from the training rows: the levels kept, by category column, and how common each was."""

    numbers: tuple[str, ...]
    levels: Mapping[str, tuple[str, ...]]
    missing: tuple[str, ...]
    shares: Mapping[str, Mapping[str, float]]

    @classmethod
    def learn(cls, columns: Sequence[TableColumn], rows: Rows) -> Encoder:
        """Learn from these rows; the label plays no part."""
        levels: dict[str, tuple[str, ...]] = {}
        shares: dict[str, dict[str, float]] = {}
        missing = []
        for column in columns:
            if column.kind != "category":
                continue
            codes = column.codes[rows]
            counts = np.bincount(codes[codes >= 0], minlength=len(column.levels))
            needed = max(LEAST_ROWS, LEAST_SHARE * len(rows))
            often = [at for at in np.argsort(-counts, kind="stable")[:MOST_LEVELS] if counts[at] >= needed]
            levels[column.name] = _worth(sorted(often), column, counts)
            if (codes < 0).sum() >= needed:
                missing.append(column.name)
            if (counts > 0).sum() >= MANY_LEVELS:
                shares[column.name] = {
                    column.levels[at]: float(counts[at] / len(rows)) for at in np.flatnonzero(counts)
                }
        numbers = tuple(one.name for one in columns if one.kind != "category")
        return cls(numbers, levels, tuple(missing), shares)

    def apply(self, columns: Sequence[TableColumn], ids: Sequence[str], rows: Rows) -> FeatureTable:
        """These rows as features; levels never seen in training are in no column."""
        known = {one.name: one for one in columns}
        made: list[FeatureColumn] = []
        values: list[NDArray[Any]] = []
        for name in self.numbers:
            made.append(_described(name, name))
            values.append(known[name].numbers[rows])
        for name, kept in self.levels.items():
            column, codes = known[name], known[name].codes[rows]
            place = {level: at for at, level in enumerate(column.levels)}
            for level in kept:
                made.append(_described(f"{name} = {level}", name))
                values.append((codes == place.get(level, -2)).astype(np.float64))
            if name in self.missing:
                made.append(_described(f"{name} = (missing)", name))
                values.append((codes < 0).astype(np.float64))
            if name in self.shares:
                common = np.array([self.shares[name].get(level, 0.0) for level in column.levels] + [0.0])
                made.append(_described(f"{name}: share of rows", name))
                values.append(common[codes])
        key = Key.of(pa.array([ids[at] for at in rows], pa.string()), ONE_INSTANT)
        table = np.column_stack(values) if values else np.zeros((len(rows), 0))
        return FeatureTable(key, tuple(made), table.astype(np.float32))

    def as_dict(self) -> dict[str, Any]:
        return {
            "numbers": list(self.numbers), "levels": {k: list(v) for k, v in self.levels.items()},
            "missing": list(self.missing), "shares": {k: dict(v) for k, v in self.shares.items()},
        }  # fmt: skip

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Encoder:
        levels = {name: tuple(kept) for name, kept in saved["levels"].items()}
        return cls(tuple(saved["numbers"]), levels, tuple(saved["missing"]), saved["shares"])


def _worth(often: list[int], column: TableColumn, counts: NDArray[np.int64]) -> tuple[str, ...]:
    """Of two levels that share all rows one column says everything."""
    two = len(often) == 2 and counts.sum() == counts[often].sum()
    return tuple(column.levels[at] for at in (often[1:] if two else often))


def _described(name: str, source: str) -> FeatureColumn:
    """`family` is the file's own column, so that contributions can be added up by it."""
    return FeatureColumn(name, "", "", "not filled in", source, Text("{value}", "{value}"))
