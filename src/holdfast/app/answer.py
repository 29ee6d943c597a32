"""What a service call returns: the facts for a program and the same facts as text for a person."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Answer:
    """`data` is JSON-able; `text` is what the command line prints without `--json`."""

    data: dict[str, Any] = field(default_factory=dict)
    text: str = ""
