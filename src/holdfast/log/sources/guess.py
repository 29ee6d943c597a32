"""What was made out about a file before reading it, shown so that a person can correct it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from holdfast.core.text import Text


@dataclass(frozen=True)
class Guess:
    """How a file will be read. `columns` maps canonical columns to the file's; `confidence` is 0 to 1.

    `as_toml` gives the lines of `holdfast.toml` that would say the same explicitly: edit them to override.

    >>> guess = Guess(preset="orders", format="csv", columns={"customer_id": "Kunde"}, delimiter=";")
    >>> print(guess.as_toml())
    [import]
    delimiter = ";"
    <BLANKLINE>
    [mapping]
    columns = { customer_id = "Kunde" }
    """

    preset: str
    format: str
    table: str = "events"
    columns: Mapping[str, str] = field(default_factory=dict)
    confidence: float = 1.0
    confidences: Mapping[str, float] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    delimiter: str = ""
    encoding: str = ""
    header: bool = True
    date_format: str = ""
    date_order: str = ""
    decimal: str = ""
    zone: str = ""
    currency: str = ""
    notes: tuple[Text, ...] = ()

    def as_toml(self) -> str:
        """The settings that say explicitly what was guessed."""
        lines = ["[import]"]
        for key in ("delimiter", "encoding", "decimal", "date_order"):
            if value := getattr(self, key):
                lines.append(f"{key} = {_quoted(value)}")
        if not self.header:
            lines.append('header = "no"')
        lines += ["", "[mapping]"]
        if self.table != "events":
            lines.append(f"table = {_quoted(self.table)}")
        pairs = ", ".join(f"{name} = {_quoted(column)}" for name, column in self.columns.items())
        lines.append(f"columns = {{ {pairs} }}" if pairs else "columns = {}")
        return "\n".join(lines)

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """The same for a program, notes in one language."""
        facts = {key: getattr(self, key) for key in self.__dataclass_fields__}
        facts |= {"columns": dict(self.columns), "confidences": dict(self.confidences), "unused": list(self.unused)}
        facts["notes"] = [note.render("zh" if language == "zh" else "en") for note in self.notes]
        return facts | {"toml": self.as_toml()}


def _quoted(value: str) -> str:
    """A TOML basic string; JSON's escapes are a subset of TOML's."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
