"""Values and names inside a rule, and how they are written."""

from __future__ import annotations

import math
import re
from typing import Any

from holdfast.core.errors import ConfigError

Value = bool | int | float | str
#: Words of the grammar; a column of such a name is written between backticks.
RESERVED = frozenset(
    ("and", "or", "not", "in", "is", "between", "within", "contains", "known", "unknown", "true", "false")
)
_LARGEST = 2**63
_PLAIN = re.compile(r"[^\W\d]\w*")


def accept(value: Any, field: str) -> Value:
    """A value a rule may hold: a flag, a finite number or a text."""
    if isinstance(value, bool | str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, int) and abs(value) < _LARGEST:
        return value
    raise ConfigError(
        f"{field} cannot be held against {value!r}", remedy="give a number, a text in quotes, true or false"
    )


def write(value: Value) -> str:
    """A value as the grammar writes it; a quote in a text is doubled.

    >>> write("it's"), write(True), write(2.5)
    ("'it''s'", 'true', '2.5')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        doubled = value.replace("'", "''")
        return f"'{doubled}'"
    return repr(value)


def name(field: str) -> str:
    """A column name as the grammar writes it.

    >>> name("order_count"), name("Monthly Charges")
    ('order_count', '`Monthly Charges`')
    """
    plain = _PLAIN.fullmatch(field) is not None and field.lower() not in RESERVED
    return field if plain else f"`{field}`"
