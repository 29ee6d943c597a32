"""Signatures of Standard Webhooks: HMAC-SHA256 over id, time and body, so that a receiver knows who sent it and when.

Specification: Standard Webhooks 1.0.0, "Signature scheme" (github.com/standard-webhooks/standard-webhooks).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

from holdfast.core.errors import ConfigError, UsageError

_PREFIX = "whsec_"
#: How old a signature may be, or how far ahead the sender's clock, in seconds.
TOLERANCE = 300


def sign(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` header: one `v1,...` for each secret, so that a receiver may know the old or the new one.

    >>> sign(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
    ...      b'{"test": 2432232314}')
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    if not secrets:
        raise UsageError("no secret to sign with")
    content = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(f"v1,{_mac(_key(one), content)}" for one in secrets)


def verify(secrets: Sequence[str], message_id: str, timestamp: str, signatures: str, body: bytes, now: int) -> bool:
    """Whether one of the signatures is by one of the secrets and was made within five minutes of `now` (seconds).

    >>> verify(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330",
    ...        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", b'{"test": 2432232314}', now=1614265400)
    True
    """
    if not timestamp.isascii() or not timestamp.isdigit() or abs(int(timestamp) - now) > TOLERANCE:
        return False
    wanted = sign(secrets, message_id, int(timestamp), body).split()
    return any(hmac.compare_digest(one.encode(), given.encode()) for given in signatures.split() for one in wanted)


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(_PREFIX) or len(key) < 16:
        raise ConfigError(
            "the webhook secret is not one of Standard Webhooks",
            remedy="whsec_ followed by 24 to 64 random bytes in base64; several are separated by a blank",
        )
    return key


def _mac(key: bytes, content: bytes) -> str:
    return base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
