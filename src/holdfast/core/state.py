"""State that lower floors need, as protocols: implemented in `engine.state`, handed in by `app`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Arm:
    """Which arm a customer was put into in one experiment, and with which chances; `propensities` over every arm."""

    customer_id: str
    arm: str
    propensities: Mapping[str, float]
    assigned_at: datetime


class AssignmentStore(Protocol):
    """Who is in which arm of which experiment: written once, stable ever after. The holdout is experiment `holdout`."""

    def assigned(self, experiment: str, customers: Sequence[str]) -> dict[str, Arm]:
        """The arms of those of these customers who have one."""

    def assign(self, experiment: str, arms: Sequence[Arm]) -> dict[str, Arm]:
        """Store arms; a customer who has one keeps it. Returns what now holds."""


class ContactHistory(Protocol):
    """Messages that left, and reservations of those about to leave."""

    def sent(self, customers: Sequence[str], since: datetime) -> pa.Table:
        """customer_id, channel, purpose, treatment_id, decision_id, at, transactional: everything since then."""
