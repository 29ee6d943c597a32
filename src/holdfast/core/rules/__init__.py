"""Rules over a table of customers: who belongs to a segment, who may be given a treatment.

A rule is data, never code: it is read from one line of text or from TOML tables, checked against the columns it is
asked about, and evaluated over a whole Arrow table at once. See `parse`, `parse_text` and `Rule`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdfast.core.errors import ConfigError
from holdfast.core.rules.rule import Both, Comparison, Either, Negation, Rule
from holdfast.core.rules.tables import from_table
from holdfast.core.rules.tokens import parse_text

__all__ = ["Both", "Comparison", "Either", "Negation", "Rule", "parse", "parse_text"]


def parse(data: Mapping[str, Any] | str, where: str | None = None) -> Rule:
    """A rule from TOML: a line of text, or a table of the same grammar. `where` is named in errors.

    Tables: `{field, op, value, within}`, `{all = [...]}`, `{any = [...]}`, `{not = {...}}`; what lies in a list may
    be a table or a text again. `within = "90d"` after a field means its column over that window: `order_count` within
    90 days is the column `order_count_90d`. Raises `ConfigError`.

    >>> parse({"all": [{"field": "order_count", "within": "90d", "op": ">=", "value": 2}, "not lifecycle == 'lost'"]})
    Rule("order_count_90d >= 2 and not lifecycle == 'lost'")
    """
    if isinstance(data, str):
        return parse_text(data, where)
    if isinstance(data, Mapping):
        return from_table(data, where)
    raise ConfigError(f"a rule is a text or a table, not {data!r}", where=where, remedy='write when = "..."')
