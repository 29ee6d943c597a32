"""Empty the outbox through one channel: claim, look once more, send, mark.

At least once, by design: a worker that dies between sending and marking leaves the message to the next one, which sends
it again under the same id. What cannot be sent is tried again after a wait that doubles, up to a limit of tries; then it
is a dead letter with its reason, and the money it would have cost goes back.
"""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from holdfast.core.contact import Blocked, Channel, Message, Receipt
from holdfast.engine.state.outbox import Outbox

#: Says when a message may leave (now, or later), or that it may not.
Look = Callable[[Message, datetime], "datetime | Blocked"]
_FIRST_WAIT, _LONGEST_WAIT = 30.0, 6 * 3600.0
#: Receipts are marked at least this often, in seconds: what a crash can send twice.
_MARK_EVERY = 0.5


class Refunds(Protocol):
    """The part of the ledger that takes back what was committed for messages that will not leave."""

    def revoke(self, decision_ids: Sequence[str], now: datetime) -> int:
        """Give it back."""


@dataclass
class Drained:
    """What one call did: counts, and the reason of each message that will not leave."""

    sent: int = 0
    later: int = 0
    postponed: int = 0
    reasons: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        lost = list(self.reasons.values())
        told = {one: lost.count(one) for one in sorted(set(lost))}
        return {
            "sent": self.sent,
            "later": self.later,
            "postponed": self.postponed,
            "given_up": len(lost),
            "reasons": told,
        }


def backoff(decision_id: str, tries: int) -> float:
    """Seconds to wait after so many tries: 30 doubled each time up to 6 hours, less up to half of it, by the id.

    >>> [round(backoff("d1", tries)) for tries in (1, 2, 3, 20)]
    [17, 55, 111, 11248]
    """
    full = min(_FIRST_WAIT * 2 ** min(tries - 1, 20), _LONGEST_WAIT)
    drawn = int.from_bytes(hashlib.sha256(f"{decision_id}/{tries}".encode()).digest()[:8], "big") / 2**64
    return float(full * (0.5 + drawn / 2))


def drain(
    outbox: Outbox, channel: Channel, now: datetime, *, look: Look | None = None, ledger: Refunds | None = None,
    count: int = 100, lease: timedelta = timedelta(minutes=10), tries: int = 8, worker: str = "",
) -> Drained:  # fmt: skip
    """Send everything that is due on this channel, in batches of `count`; many workers may do so at once.

    A message to a customer to whom another worker is just writing waits for the next call.
    `now` is the instant at which the call begins. `look` is asked about each message just before it leaves
    (`decide.contact.last_look`). `ledger`: where what will not leave is given back.
    """
    began, run = time.monotonic(), Drained()
    me = worker or f"{os.getpid()}-{uuid.uuid4().hex[:8]}"

    def clock() -> datetime:
        return now + timedelta(seconds=time.monotonic() - began)

    while messages := outbox.claim(channel.name, clock(), me, count=count, lease=lease):
        _Batch(outbox, channel, clock, me, look, ledger, tries, run).send(messages, clock() + lease * 0.8)
    return run


@dataclass
class _Batch:
    """One claim: its messages are all marked when `send` returns, or left to their lease where it does not."""

    outbox: Outbox
    channel: Channel
    clock: Callable[[], datetime]
    worker: str
    look: Look | None
    ledger: Refunds | None
    tries: int
    run: Drained

    def send(self, messages: Sequence[Message], until: datetime) -> None:
        going = [one for one in messages if self._may_leave(one)]
        waiting = {one.decision_id: one for one in going}
        sent: list[str] = []
        marked = time.monotonic()
        try:
            for receipt in self.channel.send(going) if going else ():
                one = waiting.pop(receipt.decision_id)
                if receipt.state == "sent":
                    sent.append(one.decision_id)
                else:
                    self._not_sent(one, receipt)
                if time.monotonic() - marked > _MARK_EVERY:
                    self._mark(sent)
                    marked = time.monotonic()
                if self.clock() > until:
                    break  # the lease is about to end: the rest is for another claim
        finally:
            self._mark(sent)
            for one in waiting.values():
                self.outbox.later(one.decision_id, self.worker, one.due_at or self.clock(), "not reached", tried=False)

    def _mark(self, sent: list[str]) -> None:
        if sent:
            self.run.sent += self.outbox.sent(sent, self.clock())
            sent.clear()

    def _may_leave(self, message: Message) -> bool:
        now = self.clock()
        when = now if self.look is None else self.look(message, now)
        if isinstance(when, Blocked):
            self._lost(message, when.text.en, "dropped")
            return False
        if message.until is not None and when > message.until:
            self._lost(message, "its time has passed", "dropped")
            return False
        if when > now:
            self.outbox.later(message.decision_id, self.worker, when, "waits for the contact rules", tried=False)
            self.run.postponed += 1
            return False
        return True

    def _not_sent(self, message: Message, receipt: Receipt) -> None:
        if receipt.state == "refused" or message.tries >= self.tries:
            self._lost(message, receipt.reason, "dead")
            return
        wait = max(backoff(message.decision_id, message.tries), receipt.wait_seconds or 0.0)
        self.outbox.later(message.decision_id, self.worker, self.clock() + timedelta(seconds=wait), receipt.reason)
        self.run.later += 1

    def _lost(self, message: Message, reason: str, state: str) -> None:
        marked = self.outbox.give_up(message.decision_id, self.worker, self.clock(), reason, state=state)
        if marked:
            self.run.reasons[message.decision_id] = reason
            if self.ledger is not None:
                self.ledger.revoke([message.decision_id], self.clock())
