"""How a long job tells its caller how far it is, without knowing who listens."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives steps; the command line draws them as bars, tests ignore them."""

    def step(self, what: str, done: float, total: float | None = None) -> None:
        """`what` has come to `done` of `total` (`None`: not known). `done == total` ends the step."""


class Silent:
    """A progress that nobody sees."""

    def step(self, what: str, done: float, total: float | None = None) -> None:
        return None


SILENT = Silent()
