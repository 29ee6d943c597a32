"""What one command of the command line did: exit code, standard output, standard error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Said:
    """What one command did."""

    code: int
    out: str
    err: str


Holdfast = Callable[..., Said]
