"""Fits as bytes: JSON that a person can read and any later version can load. Never pickle."""

from __future__ import annotations

import json
from typing import Any

from holdfast.core.errors import StateError, TooLittleData
from holdfast.core.tables import Outcomes

#: Raised when the meaning of a saved fit changes.
FORMAT = 1


def pack(kind: str, **parts: Any) -> bytes:
    """The parts as bytes, keys sorted, so that equal fits are equal bytes.

    >>> pack("base_rate", p=0.5)
    b'{"format": 1, "kind": "base_rate", "p": 0.5}'
    """
    return json.dumps({"format": FORMAT, "kind": kind, **parts}, sort_keys=True, allow_nan=False).encode()


def unpack(data: bytes) -> dict[str, Any]:
    """The parts back; refuses what is not a saved fit of this format."""
    try:
        saved = json.loads(data)
        known = saved["format"] == FORMAT
    except (ValueError, KeyError, TypeError) as error:
        raise StateError("this is not a saved model", remedy="run: holdfast release verify") from error
    if not known:
        raise StateError(f"saved model of format {saved['format']!r}", remedy="update holdfast, or run again")
    return dict(saved)


def require_rows(outcomes: Outcomes, model_id: str, needed: int = 1) -> None:
    """A model learns from at least so many rows."""
    if len(outcomes) < needed:
        raise TooLittleData(
            f"{model_id} has {len(outcomes)} labelled rows to learn from and needs {needed}",
            remedy="import a longer history, or ask for a shorter horizon",
        )
