"""Fits of recommenders as bytes: a line of JSON for the small things, then numpy arrays. Never pickle."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.errors import StateError
from holdfast.core.interactions import Items

#: Raised when the meaning of a saved fit changes.
FORMAT = 1
#: How the bytes begin: a bare length could look like the first byte of something else.
MARK = b"holdfast"


def pack(kind: str, arrays: dict[str, NDArray[Any]] | None = None, **parts: Any) -> bytes:
    """The parts as bytes; equal fits are equal bytes.

    >>> unpack(pack("popular", {"score": np.ones(2)}, half_life=7.0))[0]["half_life"]
    7.0
    """
    head = json.dumps({"format": FORMAT, "kind": kind, **parts}, sort_keys=True, allow_nan=False).encode()
    body = io.BytesIO()
    np.savez(body, allow_pickle=False, **(arrays or {}))
    return MARK + len(head).to_bytes(8, "little") + head + body.getvalue()


def unpack(data: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The parts and the arrays back; refuses what is not a saved fit of this format."""
    try:
        start = len(MARK) + 8
        size = int.from_bytes(data[len(MARK) : start], "little") if data.startswith(MARK) else 0
        saved = json.loads(data[start : start + size])
        with np.load(io.BytesIO(data[start + size :]), allow_pickle=False) as body:
            arrays = {name: body[name] for name in body.files}
        known = saved["format"] == FORMAT
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise StateError("this is not a saved recommender", remedy="run: holdfast release verify") from error
    if not known:
        raise StateError(f"saved recommender of format {saved['format']!r}", remedy="update holdfast, or run again")
    return saved, arrays


def pack_items(items: Items) -> dict[str, NDArray[Any]]:
    """What a fit needs of its catalogue: ids and titles, for `pack` (fixed-width text, no pickle)."""
    titles = [one or "" for one in items.title.to_pylist()]
    return {"item_id": np.array(items.item_id.to_pylist(), dtype=str), "item_title": np.array(titles, dtype=str)}


def unpack_items(arrays: dict[str, NDArray[Any]]) -> Items:
    """The catalogue of a saved fit: ids and titles."""
    ids = pa.array(arrays["item_id"].tolist(), pa.string())
    return Items.named(ids, title=[one or None for one in arrays["item_title"].tolist()])
