"""The rule itself: comparisons of one column, joined by and, or, not.

What is not known is neither true nor false (Kleene's logic, as in SQL): a comparison with a null is unknown, so is its
negation, and an unknown rule does not hold. Only `is unknown` asks for it by name. De Morgan's laws hold throughout.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.core.errors import ConfigError
from holdfast.core.rules import columns, literals, words
from holdfast.core.text import Language, Text

#: Operators by what follows them: one value, a list, two ends, or nothing.
ONE = ("==", "!=", "<", "<=", ">", ">=", "contains")
MANY = ("in", "not in")
NONE = ("is known", "is unknown")
BETWEEN = "between"
OPERATORS = (*ONE, *MANY, BETWEEN, *NONE)

Value = literals.Value


class Rule(ABC):
    """Who a rule is about. Equal rules compare equal; `text` writes it so that `parse_text` reads it back.

    >>> from holdfast.core.rules import parse_text
    >>> rule = parse_text("order_count_90d >= 2 and lifecycle in ['new', 'active']")
    >>> rule.holds(pa.table({"order_count_90d": [1, 2, 9], "lifecycle": ["new", "active", None]})).tolist()
    [False, True, False]
    >>> rule.describe("en")
    'orders in the last 90 days at least 2, and life-cycle one of new, active'
    """

    __slots__ = ()

    @property
    @abstractmethod
    def fields(self) -> tuple[str, ...]:
        """The columns it asks for, in order of appearance."""

    @abstractmethod
    def truth(self, table: pa.Table, where: str | None = None) -> pa.Array:
        """True, false or null (not known) for each row; raises `ConfigError` as `check` does."""

    @abstractmethod
    def check(self, schema: pa.Schema, where: str | None = None) -> None:
        """Raises `ConfigError` for a column that is not there (naming the nearest) or of another type."""

    @property
    @abstractmethod
    def text(self) -> str:
        """One line that reads back as this rule."""

    @abstractmethod
    def as_dict(self) -> dict[str, Any]:
        """The same as TOML tables."""

    @abstractmethod
    def describe(self, language: Language = "en", names: Mapping[str, Text] | None = None) -> str:
        """In words; `names` gives columns other names than `words.FIELDS` does."""

    def holds(self, table: pa.Table, where: str | None = None) -> NDArray[np.bool_]:
        """For which rows the rule holds, in the order of the table; what is not known never holds."""
        return np.asarray(pc.fill_null(self.truth(table, where), False).to_numpy(zero_copy_only=False), dtype=bool)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f'Rule("{self.text}")'


@dataclass(frozen=True, repr=False)
class Comparison(Rule):
    """One column held against a value; `value` is a tuple for lists and `between` (both ends belong to it)."""

    field: str
    op: str
    value: Value | tuple[Value, ...] | None = None

    def __post_init__(self) -> None:
        if self.op not in OPERATORS:
            raise ConfigError(f"unknown operator {self.op!r}", remedy=f"one of: {', '.join(OPERATORS)}")
        if not self.field or "`" in self.field:
            raise ConfigError(f"no column can be called {self.field!r}", remedy="rename the column")
        many = self.op in MANY or self.op == BETWEEN
        fits = self.value is None if self.op in NONE else isinstance(self.value, tuple) == many
        if not fits or (self.value is None and self.op not in NONE):
            raise ConfigError(f"{self.field} {self.op} {self.value!r} makes no sense", remedy=_EXAMPLES[many])
        for one in self.values:
            literals.accept(one, self.field)
        if self.op == BETWEEN and len(self.values) != 2:
            raise ConfigError(f"between wants two ends, not {len(self.values)}", remedy=f"{self.field} between 1 and 3")
        if many and not self.values:
            raise ConfigError(f"the list after {self.field} {self.op} is empty", remedy=_EXAMPLES[True])

    @property
    def values(self) -> tuple[Value, ...]:
        """Every value it mentions."""
        if self.value is None:
            return ()
        return self.value if isinstance(self.value, tuple) else (self.value,)

    @property
    def fields(self) -> tuple[str, ...]:
        return (self.field,)

    def check(self, schema: pa.Schema, where: str | None = None) -> None:
        columns.check(self.field, self.op, self.values, schema, where)

    def truth(self, table: pa.Table, where: str | None = None) -> pa.Array:
        self.check(table.schema, where)
        return columns.compare(table, self.field, self.op, self.values)

    @property
    def text(self) -> str:
        field = literals.name(self.field)
        if self.op in NONE:
            return f"{field} {self.op}"
        said = [literals.write(one) for one in self.values]
        if self.op == BETWEEN:
            return f"{field} between {said[0]} and {said[1]}"
        return f"{field} {self.op} {'[' + ', '.join(said) + ']' if self.op in MANY else said[0]}"

    def as_dict(self) -> dict[str, Any]:
        table: dict[str, Any] = {"field": self.field, "op": self.op}
        if self.value is not None:
            table["value"] = list(self.value) if isinstance(self.value, tuple) else self.value
        return table

    def describe(self, language: Language = "en", names: Mapping[str, Text] | None = None) -> str:
        return words.comparison(self.field, self.op, self.values, language, names)


@dataclass(frozen=True, repr=False)
class Negation(Rule):
    """Holds where the other is known not to."""

    part: Rule

    @property
    def fields(self) -> tuple[str, ...]:
        return self.part.fields

    def check(self, schema: pa.Schema, where: str | None = None) -> None:
        self.part.check(schema, where)

    def truth(self, table: pa.Table, where: str | None = None) -> pa.Array:
        return pc.invert(self.part.truth(table, where))

    @property
    def text(self) -> str:
        return f"not {_nested(self.part)}"

    def as_dict(self) -> dict[str, Any]:
        return {"not": self.part.as_dict()}

    def describe(self, language: Language = "en", names: Mapping[str, Text] | None = None) -> str:
        return words.NOT.render(language, part=self.part.describe(language, names))


@dataclass(frozen=True, repr=False)
class _Joined(Rule):
    parts: tuple[Rule, ...]

    def __post_init__(self) -> None:
        if len(self.parts) < 2:
            raise ConfigError(f"{self._key} joins two rules or more", remedy="write a single rule by itself")

    @property
    def _key(self) -> str:
        return "all" if isinstance(self, Both) else "any"

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for part in self.parts for name in part.fields))

    def check(self, schema: pa.Schema, where: str | None = None) -> None:
        for part in self.parts:
            part.check(schema, where)

    def truth(self, table: pa.Table, where: str | None = None) -> pa.Array:
        join = pc.and_kleene if isinstance(self, Both) else pc.or_kleene
        found = self.parts[0].truth(table, where)
        for part in self.parts[1:]:
            found = join(found, part.truth(table, where))
        return found

    @property
    def text(self) -> str:
        word = " and " if isinstance(self, Both) else " or "
        return word.join(_nested(part) for part in self.parts)

    def as_dict(self) -> dict[str, Any]:
        return {self._key: [part.as_dict() for part in self.parts]}

    def describe(self, language: Language = "en", names: Mapping[str, Text] | None = None) -> str:
        said = [
            f"({part.describe(language, names)})" if isinstance(part, _Joined) else part.describe(language, names)
            for part in self.parts
        ]
        return (words.AND if isinstance(self, Both) else words.OR).render(language).join(said)


@dataclass(frozen=True, repr=False)
class Both(_Joined):
    """Holds where every part holds."""


@dataclass(frozen=True, repr=False)
class Either(_Joined):
    """Holds where any part holds."""


def _nested(part: Rule) -> str:
    return f"({part.text})" if isinstance(part, _Joined) else part.text


_EXAMPLES = {True: "lifecycle in ['new', 'active'], orders between 2 and 5", False: "order_count_90d >= 2"}
