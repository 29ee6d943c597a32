"""`segments.toml`: the shop's own segments, as rules over what is known about each customer.

[[segment]]
name = "vip"
title = "Best customers"          # or { en = "...", zh = "..." }; the rule in words where there is none
when = "order_count_90d >= 3 and not lifecycle == 'lost'"
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.errors import ConfigError
from holdfast.core.registry import nearest
from holdfast.core.rules import Rule, parse
from holdfast.core.text import LANGUAGES, Text

FILE = "segments.toml"
#: Who no rule holds for.
OTHER = "other"
_KEYS = ("name", "title", "when")
_NAME = re.compile(r"[^\W\d][\w-]*")


@dataclass(frozen=True)
class RuleSegment:
    """One segment of the shop's own."""

    name: str
    title: Text
    when: Rule


def load(path: Path) -> tuple[RuleSegment, ...]:
    """The segments of a file, in order; none where there is no file. Raises `ConfigError` naming what is wrong."""
    if not path.is_file():
        return ()
    try:
        return read(tomllib.loads(path.read_text(encoding="utf-8")), str(path))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"not valid TOML: {error}", where=str(path), remedy="strings need quotes") from error


def read(raw: Mapping[str, Any], where: str = FILE) -> tuple[RuleSegment, ...]:
    """The segments of a parsed file.

    >>> read({"segment": [{"name": "vip", "when": "order_count_90d >= 3"}]})[0].title.en
    'orders in the last 90 days at least 3'
    """
    for key in raw:
        if key != "segment":
            raise ConfigError(f"unknown key {key!r}", where=where, remedy=nearest(str(key), ["segment"]))
    tables = raw.get("segment", [])
    if not isinstance(tables, list) or not all(isinstance(one, Mapping) for one in tables):
        raise ConfigError(
            "segments are written one below the other", where=where, remedy="write [[segment]] above each"
        )
    found = [_one(table, f"{where}, segment {place}") for place, table in enumerate(tables, 1)]
    names = [one.name for one in found]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"two segments are called {name!r}", where=where, remedy="give one of them another name")
    return tuple(found)


def _one(table: Mapping[str, Any], where: str) -> RuleSegment:
    for key in table:
        if key not in _KEYS:
            raise ConfigError(f"unknown key {key!r}", where=where, remedy=nearest(str(key), list(_KEYS)))
    name = table.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name == OTHER:
        raise ConfigError(f"no segment can be called {name!r}", where=where, remedy='write e.g. name = "vip"')
    if "when" not in table:
        raise ConfigError(f"segment {name!r} has no rule", where=where, remedy='write e.g. when = "order_count >= 3"')
    rule = parse(table["when"], f"{where}, {name!r}")
    return RuleSegment(name, _title(table.get("title"), rule, where), rule)


def _title(said: Any, rule: Rule, where: str) -> Text:
    if said is None:
        return Text(rule.describe("en"), rule.describe("zh"))
    if isinstance(said, str) and said:
        return Text(said, said)
    if isinstance(said, Mapping) and set(said) == set(LANGUAGES) and all(isinstance(one, str) for one in said.values()):
        return Text(**said)
    raise ConfigError(
        f"title = {said!r}", where=where, remedy='write title = "..." or title = { en = "...", zh = "..." }'
    )


def members(segments: Sequence[RuleSegment], table: pa.Table, where: str = FILE) -> NDArray[np.bool_]:
    """customers x segments: whose rule holds. Raises `ConfigError` for a column that the table does not have."""
    held = [one.when.holds(table, f"{where}, {one.name!r}") for one in segments]
    return np.column_stack(held) if held else np.zeros((table.num_rows, 0), bool)


def first(segments: Sequence[RuleSegment], held: NDArray[np.bool_]) -> list[str]:
    """The first segment whose rule holds for each customer, `other` where none does."""
    names = [one.name for one in segments]
    place = np.where(held.any(axis=1), held.argmax(axis=1), len(names)) if names else np.zeros(len(held), np.int64)
    return [(*names, OTHER)[one] for one in place.tolist()]
