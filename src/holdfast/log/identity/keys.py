"""Keys that prove who somebody is, normalised and hashed before anything is stored.

An e-mail address, phone number or login is personal; the lake holds only a keyed hash of it. Values that many
people share (`null`, `0`, `anonymous`, info@ addresses) prove nothing and are dropped here.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from holdfast.log.tables import STORED_KEYS

#: Values that stand for "we do not know", in any kind of key.
NOBODY = frozenset(
    (
        "", "0", "-", "--", "-1", "null", "none", "nil", "nan", "na", "n/a", "undefined", "unknown", "anonymous", "anon",
        "guest", "test", "customer", "user", "admin", "default", "empty", "匿名", "游客", "未知", "无",
    )
)  # fmt: skip
#: Mailboxes that belong to a desk or a machine, not to a person.
SHARED_MAILBOXES = frozenset(
    (
        "info",
        "noreply",
        "no-reply",
        "donotreply",
        "office",
        "sales",
        "support",
        "test",
        "anonymous",
        "null",
        "none",
        "unknown",
        "guest",
    )
)
_GOOGLE = frozenset(("gmail.com", "googlemail.com"))


def normalise(kind: str, value: str | None) -> str | None:
    """The key in its one form, or None where it proves nothing.

    >>> normalise("email", " Ann.Lee+shop@GMAIL.com ")
    'annlee@gmail.com'
    >>> normalise("phone", "+44 (0)20 7946-0018")
    '442079460018'
    >>> normalise("login", "Anonymous") is None
    True
    """
    text = unicodedata.normalize("NFKC", value or "").strip().casefold()
    if text in NOBODY:
        return None
    if kind == "email":
        return _email(text)
    if kind == "phone":
        return _phone(text)
    return text


def _email(text: str) -> str | None:
    mailbox, at, domain = text.removeprefix("mailto:").rpartition("@")
    mailbox = mailbox.split("+", 1)[0]
    if domain in _GOOGLE:
        mailbox, domain = mailbox.replace(".", ""), "gmail.com"
    if not at or not mailbox or "." not in domain or mailbox in SHARED_MAILBOXES:
        return None
    return f"{mailbox}@{domain}"


def _phone(text: str) -> str | None:
    digits = re.sub(r"\D", "", text.replace("(0)", ""))
    digits = digits.removeprefix("00") if text.lstrip("( ").startswith("00") else digits
    if len(digits) < 7 or len(set(digits)) <= 2:
        return None
    return digits


def key_hash(kind: str, value: str, pepper: str = "") -> str:
    """Keyed hash of a normalised key.

    >>> key_hash("email", "a@b.cc") == key_hash("login", "a@b.cc")
    False
    """
    text = f"{kind}\x1f{value}".encode()
    return hashlib.blake2b(text, key=pepper.encode()[:64], digest_size=16, person=b"holdfast-id").hexdigest()


def hash_keys(keys: pa.Table, pepper: str = "") -> pa.Table:
    """Rows of `IDENTITY_KEYS` as rows of the lake's `identity_keys` (without loaded_at), worthless keys dropped."""
    kinds, values = keys["kind"].to_pylist(), keys["value"].to_pylist()
    known: dict[tuple[str, str | None], str | None] = {}
    for pair in dict.fromkeys(zip(kinds, values, strict=True)):
        normal = normalise(*pair)
        known[pair] = None if normal is None else key_hash(pair[0], normal, pepper)
    hashes = pa.array([known[pair] for pair in zip(kinds, values, strict=True)], pa.string())
    columns = {name: keys[name] for name in ("source", "source_id", "kind", "seen_at")} | {"key_hash": hashes}
    schema = pa.schema([STORED_KEYS.schema.field(name).with_nullable(True) for name in columns])
    return pa.table(columns).cast(schema).filter(pc.is_valid(hashes))


def blocked_hashes(blocked: Collection[str], kinds: Collection[str], pepper: str = "") -> list[str]:
    """Hashes of the values a shop blocks, in any spelling, so that they can be left out where only hashes are left."""
    pairs = [(kind, normalise(kind, one)) for one in blocked for kind in kinds]
    return sorted({key_hash(kind, normal, pepper) for kind, normal in pairs if normal is not None})
