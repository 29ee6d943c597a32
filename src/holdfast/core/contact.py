"""The language of contact: a message, what became of it, a cap on how many, and why one may not be sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.clock import Window
from holdfast.core.errors import UsageError
from holdfast.core.schema import INSTANT, TEXT
from holdfast.core.text import Text

__all__ = ["ALL", "CONTACTS", "REASONS", "Blocked", "Cap", "Channel", "Message", "Receipt"]

Micros = NDArray[np.int64]
#: The scope of a cap or of quiet hours that holds for every channel together.
ALL = "all"
#: Messages that left or are about to: what `ContactHistory.sent` returns. A null channel (a log that does not say)
#: counts against every channel.
CONTACTS: pa.Schema = pa.schema(
    [
        pa.field("customer_id", TEXT), pa.field("channel", TEXT), pa.field("purpose", TEXT),
        pa.field("treatment_id", TEXT), pa.field("decision_id", TEXT), pa.field("at", INSTANT),
        pa.field("transactional", pa.bool_()),
    ]
)  # fmt: skip


_DAY = Window(timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `count` messages in any window of this length; 0 switches the channel off.

    A window is half-open: a message that left exactly one window ago no longer counts, so under "3 per 7d" the fourth
    is due at the very instant at which the first leaves the window.

    >>> Cap.parse("3 per 7d")
    Cap(count=3, window=Window(length=datetime.timedelta(days=7)))
    >>> Cap.parse("0").count
    0
    """

    count: int
    window: Window = _DAY

    @classmethod
    def parse(cls, text: str) -> Cap:
        """Read `3 per 7d` or `0` (off). Raises `UsageError` on anything else."""
        found = re.fullmatch(r"\s*(\d+)\s*(?:per\s+(\d+\s*[hdw])\s*)?", str(text))
        if found is None or (found[2] is None and int(found[1]) > 0):
            raise UsageError(f"{text!r} is not a cap", remedy='write "3 per 7d", or "0" to switch the channel off')
        return cls(int(found[1]), Window.parse(found[2])) if found[2] else cls(0)

    def barred(self, times: Micros) -> tuple[Micros, Micros]:
        """The open intervals (low, high) in which one message more would be too many, given sorted instants (us).

        Any `count` consecutive messages less than a window apart bar every instant that would share a window with all
        of them. Instants may lie ahead (reserved, not yet sent): a message before them counts with them, too.

        >>> low, high = Cap.parse("2 per 1h").barred(np.array([0, 600_000_000]))
        >>> (low / 60e6).tolist(), (high / 60e6).tolist()
        ([-50.0], [60.0])
        """
        first, last = times[: max(len(times) - self.count + 1, 0)], times[self.count - 1 :]
        close = last - first < self.window.micros
        return last[close] - self.window.micros, first[close] + self.window.micros

    def allows(self, at: int, times: Sequence[int]) -> bool:
        """Whether one more message at this instant (us) keeps the cap, given the instants of the others, in any order.

        >>> day = 86_400_000_000
        >>> Cap.parse("1 per 1d").allows(day, [0]), Cap.parse("1 per 1d").allows(day - 1, [0])
        (True, False)
        """
        if len(times) < self.count or self.count == 0:
            return self.count > 0
        width = self.window.micros
        near = sorted(one for one in times if at - width < one < at + width)
        return all(
            max(near[i + self.count - 1], at) - min(near[i], at) >= width for i in range(len(near) - self.count + 1)
        )

    def __str__(self) -> str:
        return f"{self.count} per {self.window}" if self.count else "0"


#: Why a message may not be sent, by code. The first of these that applies is the one that is told.
REASONS: dict[str, Text] = {
    "forgotten": Text("not a customer any more", "已不是客户"),
    "suppressed": Text("on the suppression list", "在禁止联系名单上"),
    "channel_off": Text("the channel is switched off (cap 0)", "该渠道已关闭（上限为0）"),
    "unsubscribed": Text("unsubscribed", "已退订"),
    "no_consent": Text("consent refused", "客户不同意"),
    "consent_unknown": Text("no consent on record", "没有同意记录"),
}


@dataclass(frozen=True, slots=True)
class Blocked:
    """A message that may not be sent at any time, as things stand.

    >>> Blocked("no_consent", "mail").text.en
    'consent refused (mail)'
    """

    code: str
    detail: str = ""

    def __post_init__(self) -> None:
        if self.code not in REASONS:
            raise UsageError(f"no such reason: {self.code!r}", remedy=f"one of: {', '.join(REASONS)}")

    @property
    def text(self) -> Text:
        """The reason in words."""
        known = REASONS[self.code]
        return Text(f"{known.en} ({self.detail})", f"{known.zh}（{self.detail}）") if self.detail else known


@dataclass(frozen=True)
class Message:
    """One message to one customer. `decision_id` is its identity: sent twice, it must count once.

    `address` is where it goes (an e-mail address; empty where the receiver knows the customer). `text` and `html` are
    its body, `data` whatever else a receiver needs (plain JSON values). Not before `due_at`, not after `until`.
    `unsubscribe` is the https address of one-click unsubscription.

    >>> Message("d1", "c1", "mail", subject="Hello").as_dict()["subject"]
    'Hello'
    """

    decision_id: str
    customer_id: str
    channel: str
    treatment_id: str = ""
    purpose: str = "marketing"
    address: str = field(default="", repr=False)
    subject: str = ""
    text: str = field(default="", repr=False)
    html: str = field(default="", repr=False)
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)
    unsubscribe: str = field(default="", repr=False)
    due_at: datetime | None = None
    until: datetime | None = None
    tries: int = 0

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON values, for a receiver: without when it may be sent and how often it was tried."""
        names = (
            "decision_id", "customer_id", "channel", "treatment_id", "purpose", "address", "subject", "text", "html",
            "unsubscribe",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names} | {"data": dict(self.data)}


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one message: `sent`; `later`, try again (not before `wait_seconds`, if given); or `refused` for good.

    >>> Receipt("d1", "later", "the server is busy", wait_seconds=30.0).state
    'later'
    """

    decision_id: str
    state: Literal["sent", "later", "refused"] = "sent"
    reason: str = ""
    wait_seconds: float | None = None


class Channel(Protocol):
    """A way to reach customers. Sending the same `decision_id` again must do no harm: delivery is at least once."""

    @property
    def name(self) -> str:
        """The channel's name in treatments.toml: mail, sms, ..."""

    def send(self, messages: Sequence[Message]) -> Iterable[Receipt]:
        """Send these in order; a receipt for each as soon as it is known. Raises nothing that a later try could mend."""
