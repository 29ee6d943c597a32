"""Numbers with their uncertainty, and the honest absence of one."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Score:
    """One row of a benchmark or backtest; the same shape in `backtest.json` and `holdfast bench --json`.

    `low` and `high` bound the 90% or 95% interval that `protocol` names; None where none was computed.
    """

    bench: str
    data: str
    protocol: str
    model: str
    metric: str
    value: float
    low: float | None = None
    high: float | None = None
    n: int | None = None
    seconds: float | None = None
    peak_mb: float | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Undetermined:
    """What cannot be computed is never a plausible 0: it says why."""

    reason: str

    def as_dict(self) -> dict[str, Any]:
        return {"undetermined": self.reason}
