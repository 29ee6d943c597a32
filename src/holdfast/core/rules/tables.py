"""TOML tables to a rule."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from holdfast.core.errors import ConfigError
from holdfast.core.registry import nearest
from holdfast.core.rules.rule import BETWEEN, MANY, NONE, OPERATORS, Both, Comparison, Either, Negation, Rule
from holdfast.core.rules.tokens import DEEPEST, parse_text, windowed

_LEAF = ("field", "op", "value", "within", "window")
_JOINS = ("all", "any", "not")


def from_table(table: Mapping[str, Any], where: str | None, depth: int = 0) -> Rule:
    """The rule of one table; raises `ConfigError` with the nearest known key for one it does not know."""
    if depth > DEEPEST:
        raise ConfigError(f"a rule nested deeper than {DEEPEST}", where=where)
    for key in table:
        if key not in (*_LEAF, *_JOINS):
            raise ConfigError(
                f"unknown key {key!r} in a rule", where=where, remedy=nearest(str(key), [*_LEAF, *_JOINS])
            )
    joins = [key for key in _JOINS if key in table]
    if joins and len(table) > 1:
        raise ConfigError(f"{joins[0]!r} stands alone in its table", where=where, remedy="join tables with all or any")
    if not joins:
        return _leaf(table, where)
    if joins[0] == "not":
        return Negation(_part(table["not"], where, depth))
    return _join(joins[0], table[joins[0]], where, depth)


def _join(key: str, parts: Any, where: str | None, depth: int) -> Rule:
    if not isinstance(parts, list | tuple) or not parts:
        raise ConfigError(f"{key!r} wants a list of rules, not {parts!r}", where=where)
    read = tuple(_part(part, where, depth) for part in parts)
    if len(read) == 1:
        return read[0]
    return Both(read) if key == "all" else Either(read)


def _part(data: Any, where: str | None, depth: int) -> Rule:
    if isinstance(data, str):
        return parse_text(data, where)
    if not isinstance(data, Mapping):
        raise ConfigError(f"a rule is a text or a table, not {data!r}", where=where)
    return from_table(data, where, depth + 1)


def _leaf(table: Mapping[str, Any], where: str | None) -> Rule:
    field, op = table.get("field"), table.get("op")
    if not isinstance(field, str) or not field:
        raise ConfigError('a rule names its column: field = "..."', where=where)
    if op not in OPERATORS:
        raise ConfigError(f"unknown operator {op!r} for {field}", where=where, remedy=nearest(str(op), list(OPERATORS)))
    within = [table[key] for key in ("within", "window") if key in table]
    if len(within) > 1:
        raise ConfigError("within and window say the same", where=where, remedy="keep one of them")
    if within:
        field = windowed(field, str(within[0]), where)
    if (op in NONE) != ("value" not in table):
        raise ConfigError(f"{field} {op}: value {'missing' if op not in NONE else 'has no place'}", where=where)
    return Comparison(field, op, _value(table.get("value"), op, field, where))


def _value(value: Any, op: str, field: str, where: str | None) -> Any:
    many = op in MANY or op == BETWEEN
    if many != isinstance(value, list | tuple):
        raise ConfigError(f"{field} {op} wants {'a list' if many else 'one value'}, not {value!r}", where=where)
    if many:
        return tuple(_plain(one) for one in value)
    return _plain(value)


def _plain(value: Any) -> Any:
    """TOML's own dates are written as texts, as in a line."""
    return value.isoformat() if isinstance(value, date) else value
