"""A preset: which columns a known kind of file has, what they mean, and what cleaning it wants.

One file in this folder registers one preset in `PRESETS`; `checks.check_source` walks them all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from holdfast.core.registry import Registry
from holdfast.core.text import Text

#: Rewrites a chunk of raw columns (text, plus `ROW`, the source row of each) before columns are looked up by name.
#: It may change the number of rows as long as each keeps its `ROW`, and may remember the chunks before.
Shaper = Callable[[pa.Table], pa.Table]
#: Columns whose names start so are ours, not the file's.
HIDDEN = "\x00"
#: Name of the column that carries the number of the source row through shaping.
ROW = HIDDEN + "row"
#: The whole row as it came, where shaping or flattening took it apart.
RAW = HIDDEN + "raw"
#: What tells a line from the others of its order. Kept with a rejected row, so that a replay gives it the same event_id.
LINE = HIDDEN + "line"
#: Event type of rows that only say who somebody is; they become identity keys and no event.
IDENTIFY = "identify"


@dataclass(frozen=True)
class Head:
    """The first rows of a file: its column names (given or made up), whether they were given, and some rows."""

    names: tuple[str, ...]
    named: bool
    rows: tuple[tuple[str, ...], ...] = ()
    format: str = "csv"


@dataclass(frozen=True)
class Preset:
    """How one kind of file is read.

    `columns`: canonical column -> header names it goes by, best first (compared without case and punctuation).
    `bare`: names for the columns of a file without header, one tuple per known width; `looks` confirms such a file.
    `constants`: canonical column -> value for every row. `flatten`: one JSON object -> flat rows.
    `shape`: makes a fresh `Shaper` for each file. `clean`: wishes for the sections of `log.settings`.
    """

    name: str
    title: Text
    columns: Mapping[str, tuple[str, ...]]
    required: tuple[str, ...] = ("customer_id", "occurred_at")
    table: str = "events"
    bare: tuple[tuple[str, ...], ...] = ()
    looks: Callable[[Head], bool] | None = None
    constants: Mapping[str, str] = field(default_factory=dict)
    event_types: Mapping[str, str] = field(default_factory=dict)
    negative: str = "refund"
    flatten: Callable[[Mapping[str, Any]], list[dict[str, Any]]] | None = None
    shape: Callable[[], Shaper] | None = None
    zone: str = ""
    currency: str = ""
    date_order: str = ""
    source: str = "shop"
    keep_properties: bool = False
    clean: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[Text, ...] = ()

    def find(self, names: Sequence[str]) -> dict[str, str]:
        """Canonical column -> the file's column, for those that the file has. One column serves one meaning."""
        known = {plain(name): name for name in reversed(names)}
        found: dict[str, str] = {}
        for canonical, aliases in self.columns.items():
            for alias in aliases:
                column = known.get(plain(alias))
                if column is not None:
                    found[canonical] = column
                    break
        return found

    def recognises(self, head: Head) -> bool:
        """Is this file of this kind, judged by its header or, where it has none, by its first rows?"""
        if self.looks is not None:
            return self.looks(head)
        return head.named and all(one in self.find(head.names) for one in self.required)


#: Presets by name. `recognise` order is alphabetical; a preset whose files others could claim defines `looks`.
PRESETS: Registry[Preset] = Registry("preset", "holdfast.log.sources")


def plain(name: str) -> str:
    """A column name without case, blanks and punctuation.

    >>> plain("Invoice No."), plain("客户 ID")
    ('invoiceno', '客户id')
    """
    return name if name.startswith(HIDDEN) else re.sub(r"[^\w]|_", "", name.lower())
