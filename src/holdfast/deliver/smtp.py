"""E-mail through a relay, encrypted by STARTTLS or from the start."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parseaddr
from typing import Literal

from holdfast.core.contact import Message, Receipt
from holdfast.core.errors import ConfigError, UsageError
from holdfast.deliver.letter import letter, recipient
from holdfast.deliver.secrets import secret

_LOCAL = ("localhost", "127.0.0.1", "::1")
SECURITY = ("starttls", "tls", "none")


@dataclass(frozen=True)
class Smtp:
    """A channel that hands e-mail to a relay.

    `security`: starttls (refused where the relay does not offer it), tls, or none (this machine only). `user` with
    `password_env`, the variable that holds the password. `mailbox` takes unsubscriptions by mail. A message that is not
    of a `transactional` purpose must say where to unsubscribe. `connect` and `clock` are seams for tests.
    """

    name: str
    host: str
    sender: str
    port: int = 587
    security: str = "starttls"
    user: str = ""
    password_env: str = ""
    reply_to: str = ""
    mailbox: str = ""
    transactional: tuple[str, ...] = ("transactional",)
    timeout_seconds: float = 20.0
    connect: Callable[[Smtp], smtplib.SMTP] | None = field(default=None, repr=False, compare=False)
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC), repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.security not in SECURITY:
            raise ConfigError(f"security = {self.security!r} ({self.name})", remedy=f"one of: {', '.join(SECURITY)}")
        if self.security == "none" and self.host not in _LOCAL:
            raise ConfigError(f"{self.name} would send mail unencrypted to {self.host}", remedy="starttls or tls")
        for address in [parseaddr(self.sender)[1], *filter(None, (parseaddr(self.reply_to)[1], self.mailbox))]:
            try:
                recipient(address)
                if not (self.sender + self.reply_to).isprintable():
                    raise UsageError("a control character")
            except UsageError as error:
                raise ConfigError(f"{address!r} is no e-mail address ({self.name})", remedy="Shop <news@shop.example>") from error  # fmt: skip

    def send(self, messages: Sequence[Message]) -> Iterator[Receipt]:
        """Send these over one connection; one that breaks is opened again for the next message."""
        relay: smtplib.SMTP | None = None
        try:
            for message in messages:
                try:
                    relay = relay or (self.connect or _connect)(self)
                except (OSError, smtplib.SMTPException) as error:
                    yield Receipt(message.decision_id, "later", f"no relay: {_said(error)}")
                    continue
                one, relay = self._one(relay, message)
                yield one
        finally:
            _quit(relay)

    def _one(self, relay: smtplib.SMTP, message: Message) -> tuple[Receipt, smtplib.SMTP | None]:
        if not (message.unsubscribe or self.mailbox or message.purpose in self.transactional):
            return Receipt(message.decision_id, "refused", "says nowhere how to unsubscribe"), relay
        try:
            mail = letter(message, self.sender, self.clock(), reply_to=self.reply_to, mailbox=self.mailbox)
            relay.send_message(mail, parseaddr(self.sender)[1], [recipient(message.address)])
        except (UsageError, ValueError) as error:
            return Receipt(message.decision_id, "refused", error.what if isinstance(error, UsageError) else "not a letter"), relay  # fmt: skip
        except smtplib.SMTPRecipientsRefused as error:
            code, _ = next(iter(error.recipients.values()))
            return Receipt(message.decision_id, _state(code), f"recipient: {code}"), relay
        except (smtplib.SMTPServerDisconnected, OSError) as error:
            if isinstance(error, smtplib.SMTPResponseException):
                # A sender or a login that the relay refuses is ours to mend: tried again, whatever the code.
                final = isinstance(error, smtplib.SMTPDataError)
                state: Literal["later", "refused"] = _state(error.smtp_code) if final else "later"
                return Receipt(message.decision_id, state, _said(error)), None if error.smtp_code == 421 else relay
            _quit(relay)
            return Receipt(message.decision_id, "later", f"connection lost: {_said(error)}"), None
        return Receipt(message.decision_id), relay


def _connect(channel: Smtp) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if channel.security == "tls":
        relay: smtplib.SMTP = smtplib.SMTP_SSL(
            channel.host, channel.port, timeout=channel.timeout_seconds, context=context
        )
    else:
        relay = smtplib.SMTP(channel.host, channel.port, timeout=channel.timeout_seconds)
    try:
        if channel.security == "starttls":
            relay.starttls(context=context)  # raises where the relay does not offer it: nothing is sent in the clear
        if channel.user:
            relay.login(channel.user, secret(channel.password_env, f"channels.toml, [{channel.name}]"))
    except BaseException:
        _quit(relay)
        raise
    return relay


def _quit(relay: smtplib.SMTP | None) -> None:
    if relay is not None:
        try:
            relay.quit()
        except (OSError, smtplib.SMTPException):
            relay.close()


def _state(code: int) -> Literal["later", "refused"]:
    return "refused" if 500 <= code < 600 else "later"


def _said(error: Exception) -> str:
    """What a relay said, in words that hold no address and no login."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{type(error).__name__} {error.smtp_code}"
    return type(error).__name__
