"""A feature is data, not code: a small formula over what was known, with its unit, window, meaning and sentence.

The same declaration is compiled to a query (`features.compile`) and evaluated for one live customer in plain Python
(`features.plain`), so that training and serving cannot drift apart. The leaves of a formula are:

- `Total`: a measure of the day ledger summed over a window of local days
- `Since`: age in days of the first or last day on which a measure was above zero
- `Rhythm`: something about the sequence of order days (gaps, first and last basket)
- `Variety`: how many different things, and how evenly
- `Season`: where in the year the cutoff stands
"""

from __future__ import annotations

import string
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from holdfast.core.registry import Registry
from holdfast.core.tables import FeatureColumn
from holdfast.core.text import Text
from holdfast.features.leans import LEANS

#: Windows that counts and sums are declared over, in days.
WINDOWS: tuple[int, ...] = (7, 30, 60, 90, 180)


class Formula:
    """Arithmetic over leaves. Dividing by zero, like any arithmetic on a missing number, is missing."""

    def __add__(self, other: Formula | float) -> Formula:
        return Call("add", (self, formula(other)))

    def __sub__(self, other: Formula | float) -> Formula:
        return Call("subtract", (self, formula(other)))

    def __mul__(self, other: Formula | float) -> Formula:
        return Call("multiply", (self, formula(other)))

    def __truediv__(self, other: Formula | float) -> Formula:
        return Call("divide", (self, formula(other)))


@dataclass(frozen=True, slots=True)
class Number(Formula):
    """A constant."""

    value: float


@dataclass(frozen=True, slots=True)
class Call(Formula):
    """An operation of `compile.OPERATIONS` and `plain.OPERATIONS` on other formulas."""

    operation: str
    arguments: tuple[Formula, ...]


class Leaf(Formula, ABC):
    """Something read from what was known; `column` names it within one query."""

    @property
    @abstractmethod
    def column(self) -> str:
        """Its name within one query."""


@dataclass(frozen=True, slots=True)
class Total(Leaf):
    """Sum of a measure over the local days of age in (after, window]; window None: all history."""

    measure: str
    window: int | None = None
    after: int = 0

    @property
    def column(self) -> str:
        return f"total_{self.measure}_{self.after}_{self.window or 'ever'}"


@dataclass(frozen=True, slots=True)
class Since(Leaf):
    """Age in days of the first or last day with the measure above zero; missing if there is none."""

    measure: str
    which: Literal["first", "last"] = "last"

    @property
    def column(self) -> str:
        return f"since_{self.which}_{self.measure}"


@dataclass(frozen=True, slots=True)
class Rhythm(Leaf):
    """A number of the sequence of order days; `compile.RHYTHM` says which there are."""

    what: str

    @property
    def column(self) -> str:
        return f"rhythm_{self.what}"


@dataclass(frozen=True, slots=True)
class Variety(Leaf):
    """Different things (`of` item, category, brand, platform): how many were bought or `seen`, in how many lines, how evenly."""

    of: Literal["item", "category", "brand", "platform"]
    what: Literal["count", "seen", "entropy", "top", "lines", "again"]
    window: int | None = None

    @property
    def column(self) -> str:
        return f"variety_{self.of}_{self.what}_{self.window or 'ever'}"


@dataclass(frozen=True, slots=True)
class Season(Leaf):
    """Where in the year the cutoff stands: `sine`, `cosine`, or `day` of the year."""

    what: Literal["sine", "cosine", "day"]

    @property
    def column(self) -> str:
        return f"season_{self.what}"


def formula(one: Formula | float) -> Formula:
    """A plain number as a formula."""
    return one if isinstance(one, Formula) else Number(float(one))


def root(one: Formula) -> Formula:
    """Square root; below zero counts as zero."""
    return Call("root", (one,))


def at_least(one: Formula, floor: float) -> Formula:
    """The larger of a formula and a constant."""
    return Call("at_least", (one, Number(floor)))


def leaves(one: Formula) -> Iterator[Leaf]:
    """The leaves of a formula, in order.

    >>> [leaf.column for leaf in leaves(Total("revenue", 90) / Total("order_count", 90))]
    ['total_revenue_0_90', 'total_order_count_0_90']
    """
    if isinstance(one, Leaf):
        yield one
    elif isinstance(one, Call):
        for argument in one.arguments:
            yield from leaves(argument)


@dataclass(frozen=True, slots=True)
class Feature:
    """One declared feature.

    `window` is written as in names (`90d`; empty: all history); `missing` says what a null means. `sentence` is the
    reason sentence: `{value}` is the customer's own number, any other placeholder is another feature's name.
    """

    name: str
    family: str
    formula: Formula
    unit: str
    missing: str
    sentence: Text
    window: str = ""

    @property
    def column(self) -> FeatureColumn:
        leans = LEANS.get(self.name, 0)
        return FeatureColumn(self.name, self.unit, self.window, self.missing, self.family, self.sentence, leans)

    @property
    def mentions(self) -> tuple[str, ...]:
        """Other features whose numbers the sentence needs.

        >>> FEATURES["overdue_own_ratio"].mentions
        ('gap_days_mean', 'days_since_last_order')
        """
        names = [name for _, name, _, _ in string.Formatter().parse(self.sentence.en) if name]
        return tuple(dict.fromkeys(name for name in names if name != "value"))


#: Every declared feature by name. A new family is one new file in `holdfast/features/`.
FEATURES: Registry[Feature] = Registry("feature", "holdfast.features")

NEVER = "never missing"


def declare(
    name: str, family: str, of: Formula, unit: str, en: str, zh: str, *, missing: str = NEVER, window: int | None = None
) -> Feature:
    """Declare one feature and enrol it; `window` in days becomes the end of its name."""
    suffix = "" if window is None else f"{window}d"
    full = f"{name}_{suffix}" if suffix else name
    return FEATURES.add(full, Feature(full, family, of, unit, missing, Text(en, zh), suffix))


def over_windows(
    name: str, family: str, measure: str, unit: str, en: str, zh: str, *, scale: float = 1.0,
    windows: tuple[int | None, ...] = (*WINDOWS, None),
) -> None:  # fmt: skip
    """Declare the total of a measure over several windows; `{window}` and `{span}` in the sentences are filled."""
    for window in windows:
        total: Formula = Total(measure, window)
        english = f"in the last {window} days" if window else "so far"
        chinese = f"最近{window}天" if window else "至今"
        declare(
            name, family, total if scale == 1.0 else total / scale, unit,
            en.replace("{span}", english), zh.replace("{span}", chinese), window=window,
        )  # fmt: skip
