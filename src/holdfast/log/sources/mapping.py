"""Your own columns, declared under `[mapping]` in holdfast.toml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdfast.core.errors import ConfigError
from holdfast.core.registry import nearest
from holdfast.core.schema import CANONICAL, EVENT_TYPES
from holdfast.core.text import Text
from holdfast.log.sources.holdfast import IMPORTED
from holdfast.log.sources.preset import PRESETS, Head, Preset
from holdfast.log.sources.settings import MappingSettings

_EVENT_EXTRAS = ("line_total", "title", "category", "brand", "email", "phone", "login")


def columns_of(table: str) -> tuple[str, ...]:
    """Canonical columns that `[mapping] columns` may name for a table."""
    names = tuple(name for name in CANONICAL[table].names if name not in ("source", "source_id"))
    return (*names, *_EVENT_EXTRAS) if table == "events" else names


def declared(mapping: MappingSettings) -> Preset:
    """The preset that `[mapping]` describes; raises `ConfigError` where it names what does not exist."""
    where = "holdfast.toml, [mapping]"
    if mapping.table not in IMPORTED:
        raise ConfigError(
            f"unknown table {mapping.table!r}", where=where, remedy=nearest(mapping.table, sorted(IMPORTED))
        )
    known = columns_of(mapping.table)
    for name in (*mapping.columns, *mapping.values):
        if name not in known:
            raise ConfigError(f"unknown column {name!r}", where=where, remedy=nearest(name, sorted(known)))
    for kind in mapping.event_types.values():
        if kind not in EVENT_TYPES:
            raise ConfigError(
                f"unknown event type {kind!r}", where=where, remedy=nearest(str(kind), sorted(EVENT_TYPES))
            )
    return Preset(
        name="mapping",
        title=_TITLE,
        columns=_aliases(mapping.columns),
        required=tuple(mapping.columns),
        table=mapping.table,
        bare=(mapping.header,) if mapping.header else (),
        constants={name: str(value) for name, value in mapping.values.items()},
        event_types={str(word): str(kind) for word, kind in mapping.event_types.items()},
    )


def _aliases(columns: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(map(str, value)) if isinstance(value, (list, tuple)) else (str(value),)
        for name, value in columns.items()
    }


def _never(head: Head) -> bool:
    return False


_TITLE = Text("your own columns, from [mapping]", "自定义列（[mapping]）")
PRESETS.add("mapping", Preset(name="mapping", title=_TITLE, columns={}, looks=_never))
