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


@dataclass(frozen=True, slots=True)
class Effect:
    """What something changed: a difference (or ratio) with its interval; the counterpart of `Undetermined`.

    `estimand` says what is estimated ("orders per customer, treated less held out"), `unit` of what; `low` and `high`
    bound the `level` interval; `n` customers in all, `n_control` of them in the arm compared with; `method` by which.

    >>> Effect("revenue per customer", 1.2, 0.4, 2.0, n=900, n_control=100, method="difference").significant
    True
    """

    estimand: str
    estimate: float
    low: float
    high: float
    n: int = 0
    n_control: int = 0
    method: str = ""
    unit: str = ""
    level: float = 0.95
    arm: str = ""
    control: str = "nothing"

    @property
    def significant(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
