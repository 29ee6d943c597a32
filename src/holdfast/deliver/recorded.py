"""Fakes that keep what would have been sent, one for each way of sending: for tests, rehearsals and examples."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from holdfast.core.contact import Message, Receipt
from holdfast.deliver.webhook import Answer


@dataclass
class Recorded:
    """A channel that sends nothing. `script` gives receipts' states by decision id, one a try; then everything is sent.

    >>> fake = Recorded("mail", {"d1": ["later"]})
    >>> [one.state for _ in range(2) for one in fake.send([Message("d1", "c1", "mail")])], len(fake.messages)
    (['later', 'sent'], 2)
    """

    name: str
    script: dict[str, list[str]] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)

    def send(self, messages: Sequence[Message]) -> Iterator[Receipt]:
        for one in messages:
            self.messages.append(one)
            states = self.script.get(one.decision_id)
            state = states.pop(0) if states else "sent"
            yield Receipt(one.decision_id, state, "" if state == "sent" else "as the script says")  # type: ignore[arg-type]


@dataclass
class RecordedPost:
    """Stands for `webhook.post`: keeps requests, answers from a list, then 204.

    >>> fake = RecordedPost([Answer(503, {})])
    >>> [fake("https://x.example", {}, b"{}", 1.0).status for _ in range(2)]
    [503, 204]
    """

    answers: list[Answer | Exception] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes, timeout: float) -> Answer:
        self.requests.append((url, dict(headers), body))
        answer = self.answers.pop(0) if self.answers else Answer(204, {})
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class RecordedRelay:
    """Stands for a relay: keeps letters, raises from a list first. Hand `connect=lambda channel: relay` to `Smtp`."""

    failures: list[Exception | None] = field(default_factory=list)
    letters: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)

    def send_message(self, mail: EmailMessage, sender: str, to: Sequence[str]) -> dict[str, Any]:
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        self.letters.append(mail)
        self.recipients.append(list(to))
        return {}

    def quit(self) -> None:
        """Part from nobody."""

    def close(self) -> None:
        """Close nothing."""

    def as_relay(self) -> smtplib.SMTP:
        """As the type that `Smtp.connect` returns."""
        return self  # type: ignore[return-value]
