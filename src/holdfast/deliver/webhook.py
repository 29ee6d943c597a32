"""Messages to a program of the shop: one signed POST each, by Standard Webhooks.

The receiver answers 2xx and has it. Everything else is tried again later (`deliver.send` says when), but for a redirect,
which is never followed, and 410 Gone. `webhook-id` is the decision's id: a receiver that has seen it does nothing.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from holdfast.core.contact import Message, Receipt
from holdfast.core.errors import ConfigError
from holdfast.deliver.secrets import secret
from holdfast.deliver.signature import sign

_LOCAL = ("localhost", "127.0.0.1", "::1")
#: Nobody is believed who says "come back" later than this.
LONGEST_WAIT = 86_400.0


class Answer(NamedTuple):
    """What a receiver said."""

    status: int
    headers: Mapping[str, str]


#: How a request leaves: (url, headers, body, timeout in seconds) -> the answer. Raises OSError or HTTPException.
Post = Callable[[str, Mapping[str, str], bytes, float], Answer]


def post(url: str, headers: Mapping[str, str], body: bytes, timeout: float) -> Answer:
    """POST over a connection of its own; follows no redirect, checks certificates, reads the answer's head only."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    connection = (
        http.client.HTTPSConnection(host, port, timeout=timeout, context=ssl.create_default_context())
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, port, timeout=timeout)
    )
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target, body=body, headers=dict(headers))
        answer = connection.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()})
    finally:
        connection.close()


@dataclass(frozen=True)
class Webhook:
    """A channel that posts to one address. `secret_env` names the variable that holds the secret, or two while rotating.

    `allow_http`: also plain http to other machines than this one. `post` and `clock` are seams for tests.
    """

    name: str
    url: str
    secret_env: str
    timeout_seconds: float = 10.0
    allow_http: bool = False
    post: Post = field(default=post, repr=False, compare=False)
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC), repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            fine = bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except ValueError:
            fine = False
        if not fine or parts.scheme not in ("https", "http") or re.search(r"[\x00-\x20\x7f-\uffff]", self.url):
            raise ConfigError(f"not an address to post to ({self.name})", remedy="write https://host/path")
        if parts.username or parts.password:
            raise ConfigError(
                f"the address of {self.name} holds a login", remedy="receivers check the signature instead"
            )
        if parts.scheme == "http" and parts.hostname not in _LOCAL and not self.allow_http:
            raise ConfigError(
                f"{self.name} would send customers' data unencrypted to {parts.hostname}",
                remedy="write https://, or allow_http = true inside a closed network",
            )

    def send(self, messages: Sequence[Message]) -> Iterator[Receipt]:
        """Post these one by one."""
        keys = secret(self.secret_env, f"channels.toml, [{self.name}]").split()
        for message in messages:
            yield self._one(message, keys)

    def _one(self, message: Message, keys: Sequence[str]) -> Receipt:
        stamp, body = int(self.clock().timestamp()), payload(message)
        headers = {
            "content-type": "application/json",
            "user-agent": "holdfast",
            "webhook-id": header_id(message.decision_id),
            "webhook-timestamp": str(stamp),
            "webhook-signature": sign(keys, header_id(message.decision_id), stamp, body),
        }
        try:
            answer = self.post(self.url, headers, body, self.timeout_seconds)
        except (OSError, http.client.HTTPException) as error:
            return Receipt(message.decision_id, "later", f"no answer: {type(error).__name__}")
        return receipt(message.decision_id, answer, self.clock())


def payload(message: Message) -> bytes:
    """The body: the same bytes at every try.

    >>> payload(Message("d1", "c1", "push", due_at=datetime(2024, 5, 1, tzinfo=UTC)))[:75]
    b'{"data":{"address":"","channel":"push","customer_id":"c1","data":{},"decisi'
    """
    told = {
        "type": "message.send",
        "timestamp": None
        if message.due_at is None
        else message.due_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "data": message.as_dict(),
    }
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def header_id(decision_id: str) -> str:
    """The id as it may stand in a header and in what is signed, where full stops part the fields.

    >>> header_id("d-17"), header_id("d.17")[:12]
    ('d-17', 'msg_d088dc41')
    """
    if re.fullmatch(r"[A-Za-z0-9_\-:]{1,200}", decision_id):
        return decision_id
    return f"msg_{hashlib.sha256(decision_id.encode()).hexdigest()[:40]}"


def receipt(decision_id: str, answer: Answer, now: datetime) -> Receipt:
    """What an answer means: sent, to be tried again (when the receiver says), or refused."""
    if 200 <= answer.status < 300:
        return Receipt(decision_id)
    if 300 <= answer.status < 400:
        return Receipt(decision_id, "refused", f"answered {answer.status}: redirects are not followed")
    if answer.status == 410:
        return Receipt(decision_id, "refused", "answered 410: the receiver is gone")
    return Receipt(
        decision_id, "later", f"answered {answer.status}", retry_after(answer.headers.get("retry-after"), now)
    )


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds to wait by a Retry-After header, seconds or a date; None where it says nothing that can be read.

    >>> retry_after("120", datetime(2024, 5, 1, tzinfo=UTC)), retry_after("soon", datetime(2024, 5, 1, tzinfo=UTC))
    (120.0, None)
    >>> retry_after("Wed, 01 May 2024 00:01:30 GMT", datetime(2024, 5, 1, tzinfo=UTC))
    90.0
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max((until - now).total_seconds(), 0.0), LONGEST_WAIT)
