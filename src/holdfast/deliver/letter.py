"""A message as an e-mail: plain text, perhaps HTML beside it, and the headers by which people get rid of it.

One-click unsubscription: RFC 8058 with RFC 2369. No value from data can add a header or a second recipient.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from urllib.parse import urlsplit

from holdfast.core.contact import Message
from holdfast.core.errors import UsageError

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def letter(message: Message, sender: str, now: datetime, *, reply_to: str = "", mailbox: str = "") -> EmailMessage:
    """The e-mail of a message. `mailbox`: an address that takes unsubscriptions by mail, beside the one-click one.

    Raises `UsageError` where address, subject or unsubscription could not safely stand in a header.

    >>> from datetime import UTC
    >>> one = Message("d1", "c1", "mail", address="ann@x.example", subject="茶杯", text="Hello", unsubscribe="https://s.example/u/1")
    >>> mail = letter(one, "Shop <news@shop.example>", datetime(2024, 5, 1, tzinfo=UTC))
    >>> mail["To"], mail["List-Unsubscribe"], mail["List-Unsubscribe-Post"]
    ('ann@x.example', '<https://s.example/u/1>', 'List-Unsubscribe=One-Click')
    """
    if _CONTROL.search(message.subject):
        raise UsageError("the subject holds a line break or another control character")
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["To"] = Address(addr_spec=recipient(message.address))
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = message_id(message.decision_id, sender)
    if reply_to:
        mail["Reply-To"] = reply_to
    ways = [f"<{_link(message.unsubscribe)}>"] if message.unsubscribe else []
    ways += [f"<mailto:{recipient(mailbox)}>"] if mailbox else []
    if ways:
        mail["List-Unsubscribe"] = ", ".join(ways)
    if message.unsubscribe:
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text or "")
    if message.html:
        mail.add_alternative(message.html, subtype="html")
    return mail


def recipient(address: str) -> str:
    """One plain address, its domain in ASCII; raises `UsageError` for anything else.

    >>> recipient("ann@bücher.example")
    'ann@xn--bcher-kva.example'
    """
    text = address.strip()
    local, at, domain = text.rpartition("@")
    try:
        if _CONTROL.search(text) or not at or not local.isascii() or re.search(r"[\s,;<>()\[\]\\\"]", text):
            raise ValueError
        plain = f"{local}@{domain.encode('idna').decode('ascii')}"
        if Address(addr_spec=plain).addr_spec != plain or ("." not in domain and domain != "localhost"):
            raise ValueError
    except (ValueError, HeaderParseError, IndexError) as error:
        raise UsageError("not one e-mail address", remedy="correct the customer's address") from error
    return plain


def message_id(decision_id: str, sender: str) -> str:
    """The same at every try, so that a mailbox that gets it twice shows it once.

    >>> message_id("d1", "Shop <news@shop.example>")
    '<e0a17e5b38c0afbc863671eb283ec00e@shop.example>'
    """
    domain = parseaddr(sender)[1].rpartition("@")[2]
    return f"<{hashlib.sha256(f'holdfast {decision_id}'.encode()).hexdigest()[:32]}@{domain}>"


def _link(url: str) -> str:
    if urlsplit(url).scheme != "https" or re.search(r"[\x00-\x20<>,\x7f-\uffff]", url):
        raise UsageError("the address to unsubscribe at is not a plain https address", remedy="RFC 8058 wants https")
    return url
