"""State that lower floors need, as protocols: implemented in `engine.state`, handed in by `app`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.contact import Cap, Message
from holdfast.core.errors import UsageError
from holdfast.core.schema import INSTANT, MONEY, TEXT

__all__ = [
    "CLAIMS", "HOLD", "HOLDOUT", "Arm", "AssignmentStore", "Balance", "ContactHistory", "Ledger", "SpendLimits",
    "Verdicts",
]  # fmt: skip

#: The experiment, and the arm of it, of customers who are never treated.
HOLDOUT = "holdout"
#: How long a reservation holds when nothing else is said.
HOLD = timedelta(hours=1)
#: What a planner asks of the ledger, most wanted first. `cost` is money (1/10,000); `channel` is empty where no message
#: is sent; `at` is when it will leave; `transactional` rows are exempt from caps and do not count towards them.
CLAIMS: pa.Schema = pa.schema(
    [
        pa.field("decision_id", TEXT), pa.field("customer_id", TEXT), pa.field("treatment_id", TEXT),
        pa.field("channel", TEXT), pa.field("purpose", TEXT), pa.field("at", INSTANT), pa.field("cost", MONEY),
        pa.field("transactional", pa.bool_()),
    ]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Arm:
    """Which arm a customer was put into in one experiment, and with which chances; `propensities` over every arm."""

    customer_id: str
    arm: str
    propensities: Mapping[str, float]
    assigned_at: datetime

    def __post_init__(self) -> None:
        if not self.propensities.get(self.arm, 0.0) > 0 or abs(sum(self.propensities.values()) - 1) > 1e-9:
            raise UsageError(
                f"the propensities of {self.customer_id!r} do not fit arm {self.arm!r}: {dict(self.propensities)}",
                remedy="name every arm; they add to 1, and that of the customer's own arm is above 0",
            )


class AssignmentStore(Protocol):
    """Who is in which arm of which experiment: written once, stable ever after. The holdout is experiment `holdout`."""

    def assigned(self, experiment: str, customers: Sequence[str]) -> dict[str, Arm]:
        """The arms of those of these customers who have one."""

    def assign(self, experiment: str, arms: Sequence[Arm]) -> dict[str, Arm]:
        """Store arms; a customer who has one keeps it. Returns what now holds."""


class ContactHistory(Protocol):
    """Messages that left, and reservations of those about to leave."""

    def sent(self, customers: Sequence[str], since: datetime, now: datetime | None = None) -> pa.Table:
        """customer_id, channel, purpose, treatment_id, decision_id, at, transactional: everything since then.

        With `now`, reservations that have lapsed by then are left out, although nobody has released them yet.
        """


@dataclass(frozen=True)
class SpendLimits:
    """What one period may spend: money (1/10,000), messages by channel, treatments by stock; None or absent: no limit.

    `period` names whose budget it is ("2026-12", a campaign): all planners that name it share it. `caps` bound messages
    per customer by channel (`all`: over all channels), whatever the period.

    >>> SpendLimits("2026-12", money=50_000_000, channels={"phone": 50}).accounts()
    {('money', ''): 50000000, ('channel', 'phone'): 50}
    """

    period: str
    money: int | None = None
    channels: Mapping[str, int] = field(default_factory=dict)
    stock: Mapping[str, int] = field(default_factory=dict)
    caps: Mapping[str, tuple[Cap, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.period or any(limit < 0 for limit in self.accounts().values()):
            raise UsageError(f"limits need a period, and none is below 0: {self.period!r} {self.accounts()}")

    def accounts(self) -> dict[tuple[str, str], int]:
        """The limits by (kind, name)."""
        money = {} if self.money is None else {("money", ""): self.money}
        named = {("channel", k): v for k, v in self.channels.items()} | {("stock", k): v for k, v in self.stock.items()}
        return money | named


@dataclass(frozen=True, slots=True)
class Balance:
    """One account of a period: granted = spent + reserved + left, always. `granted` None: unlimited.

    `left` is negative only where a limit was lowered below what was already spent or reserved.
    """

    period: str
    kind: str
    name: str
    granted: int | None
    reserved: int
    spent: int

    @property
    def left(self) -> int | None:
        return None if self.granted is None else self.granted - self.reserved - self.spent


@dataclass(frozen=True)
class Verdicts:
    """The ledger's answer, row by row: granted or not, and why. Reasons of a grant: `granted`, `again` (it was before).

    Of a refusal: `money`, `channel:NAME`, `stock:NAME`, `cap:SCOPE`, `holdout`, `conflict` (the id names another decision),
    `expired` (reserved too long ago), `unknown` (never reserved).
    """

    granted: NDArray[np.bool_]
    reason: tuple[str, ...]

    def counts(self) -> dict[str, int]:
        """Rows by reason."""
        return {one: self.reason.count(one) for one in sorted(set(self.reason))}


class Ledger(Protocol):
    """Money, channel capacity, stock and caps, shared by planners that run at once: reserve, then commit or release."""

    def reserve(
        self, plan_id: str, claims: pa.Table, limits: SpendLimits, now: datetime, *, hold: timedelta = HOLD,
        outside: pa.Table | None = None,
    ) -> Verdicts:  # fmt: skip
        """Set aside what these claims need, in their order, all in one transaction; lapses after `hold`."""

    def commit(self, decision_ids: Sequence[str], now: datetime, messages: Sequence[Message] = ()) -> Verdicts:
        """Spend what was reserved and put the messages into the outbox, in one transaction; twice counts once."""

    def release(self, decision_ids: Sequence[str], now: datetime) -> int:
        """Give reservations back; returns how many there were."""

    def balances(self, period: str) -> list[Balance]:
        """Every account of a period."""
