"""The label of a labelled table: which of its values is the one that is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.app.table.columns import text_of
from holdfast.core.errors import InputRefused, TooLittleData, UsageError
from holdfast.core.registry import nearest
from holdfast.log.sources.ids import as_text

Flags = NDArray[np.bool_]
#: Words of a label that mean: it happened. Compared without case.
HAPPENED = (
    "1", "yes", "y", "true", "t", "churn", "churned", "left", "leaver", "lost", "exited", "attrited", "attrited customer",
    "dropout", "drop-out", "dropped out", "withdrawn", "default", "defaulted", "bad", "cancelled", "canceled", "closed",
    "是", "流失", "退学", "违约", "离开",
)  # fmt: skip
MOST_VALUES = 20
LEAST_ROWS = 50
LEAST_OF_A_CLASS = 10


@dataclass(frozen=True)
class Label:
    """The label, understood: `happened` of every row (False where unknown), `known` where the cell is not empty."""

    column: str
    positive: str
    others: tuple[str, ...]
    happened: Flags = field(repr=False)
    known: Flags = field(repr=False)
    guessed: bool = False

    @property
    def rate(self) -> float:
        return float(self.happened[self.known].mean())


def read_label(column: str, cells: Any, positive: str | None) -> Label:
    """Understand a label column; raises what `LEAST_ROWS`, one value, too many values or an unknown positive ask for."""
    text = np.asarray(text_of(cells).to_pylist(), object)
    known = np.array([one is not None for one in text], bool)
    found, counts = np.unique(text[known].astype(str), return_counts=True)
    values = [str(one) for one in found]
    where = f"column {column}"
    if not known.any():
        raise InputRefused("the label is empty in every row", where=where, remedy="name another column with --label")
    if len(values) > MOST_VALUES:
        shown = ", ".join(values[:5])
        raise InputRefused(
            f"the label has {len(values):,} different values ({shown}, ...); it must say whether something happened",
            where=where, remedy="name a yes/no column with --label, or make one (for instance amount > 100)",
        )  # fmt: skip
    if len(values) == 1:
        raise TooLittleData(
            f"the label is {values[0]!r} in every row: nothing can be learnt from one class",
            where=where, remedy="give rows of both kinds",
        )  # fmt: skip
    chosen, guessed = _positive(values, counts, positive, where)
    happened = known & (text == chosen)
    _enough(happened, known, where)
    return Label(column, chosen, tuple(one for one in values if one != chosen), happened, known, guessed)


def _positive(values: list[str], counts: Any, asked: str | None, where: str) -> tuple[str, bool]:
    if asked is not None:
        wanted = str(as_text(pa.array([asked]))[0].as_py()).lower()  # "1.0" is 1, as in the cells
        found = [one for one in values if one.lower() == wanted]
        if not found:
            raise UsageError(f"--positive: no row is labelled {asked!r}", where=where, remedy=nearest(asked, values))
        return found[0], False
    spoken = [one for one in values if one.lower() in HAPPENED]
    if len(spoken) == 1:
        return spoken[0], False
    if len(values) == 2:
        return values[int(np.argmin(counts))], True
    shown = ", ".join(values)
    raise UsageError(f"the label has {len(values)} values: {shown}", where=where, remedy="say which with --positive")


def _enough(happened: Flags, known: Flags, where: str) -> None:
    rows, yes = int(known.sum()), int(happened.sum())
    if rows < LEAST_ROWS:
        raise TooLittleData(
            f"{rows} labelled rows are too few to learn from and to check the result",
            where=where, remedy=f"give at least {LEAST_ROWS}; some hundred make the intervals useful",
        )  # fmt: skip
    if min(yes, rows - yes) < LEAST_OF_A_CLASS:
        raise TooLittleData(
            f"of {rows:,} labelled rows {yes:,} are positive: too few of one kind",
            where=where, remedy=f"give at least {LEAST_OF_A_CLASS} rows of each kind",
        )  # fmt: skip
