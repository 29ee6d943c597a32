"""Chance that can be repeated: an order of customers that no file decides, lots by salted hash, systematic draws.

Nothing here depends on the order in which customers stand in a table, nor on who else stands in it, but for
`systematic`, whose draws lean on each other on purpose.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.errors import UsageError

Floats = NDArray[np.float64]
Words = NDArray[np.uint64]


def mixed(ids: pa.Array) -> Words:
    """64 mixed bits of each id: fast, not secret. Breaks ties and makes a canonical order (splitmix64 over the bytes).

    >>> bool(mixed(pa.array(["a", "b"]))[1] == mixed(pa.array(["b"]))[0])
    True
    """
    text = ids.cast(pa.large_string())
    if text.null_count:
        raise UsageError("a customer without an id cannot be decided for")
    n = len(text)
    offsets = np.frombuffer(text.buffers()[1], np.int64)[text.offset : text.offset + n + 1] if n else np.zeros(1, int)
    data = text.buffers()[2]
    padded = np.zeros((data.size if data else 0) + 8, np.uint8)
    if data:
        padded[:-8] = np.frombuffer(data, np.uint8)
    words = np.ndarray((len(padded) - 7,), np.dtype("<u8"), padded, 0, (1,))  # a word at every byte
    length = np.diff(offsets)
    keep = np.array([(1 << 8 * k) - 1 for k in range(9)], np.uint64)
    state = _scrambled(length.astype(np.uint64))
    for word in range(int(-(-length.max(initial=0) // 8))):
        rest = np.clip(length - 8 * word, 0, 8)
        at = np.minimum(offsets[:-1] + 8 * word, len(words) - 1)
        state = np.where(rest > 0, _scrambled(state ^ (words[at] & keep[rest])), state)
    return state


def _scrambled(x: Words) -> Words:
    with np.errstate(over="ignore"):
        x = x + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(x ^ (x >> np.uint64(31)), np.uint64)


def keyed(ids: pa.Array, salt: str) -> Words:
    """A fresh order for each salt: 64 bits of each id mixed with the salt's.

    >>> ids = pa.array(["a", "b"])
    >>> bool((keyed(ids, "spring") == keyed(ids, "autumn")).any())
    False
    """
    return _scrambled(mixed(ids) ^ np.uint64(number(salt)))


def number(text: str) -> int:
    """64 bits of a text."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def canonical(ids: pa.Array) -> NDArray[np.int64]:
    """Rows in an order that only the ids decide; refuses a customer who stands there twice.

    >>> ids = pa.array(["a", "b", "c"])
    >>> ids.take(pa.array(canonical(ids))) == ids[::-1].take(pa.array(canonical(ids[::-1])))
    True
    """
    key = mixed(ids)
    order = np.argsort(key, kind="stable").astype(np.int64)
    same = np.flatnonzero(key[order[1:]] == key[order[:-1]])
    for row in same.tolist():  # equal keys: the same customer twice, or (never yet seen) two ids with one hash
        one, two = ids[int(order[row])].as_py(), ids[int(order[row + 1])].as_py()
        if one == two:
            raise UsageError(f"customer {one!r} stands there twice", remedy="one row per customer")
        if one > two:
            order[row], order[row + 1] = order[row + 1], order[row]
    return order


def lots(ids: pa.Array, salt: str) -> Floats:
    """A number in [0, 1) for each id by salted BLAKE2b: uniform, the same ever after, unforeseeable without the salt.

    >>> float(lots(pa.array(["anna"]), "autumn")[0]) == float(lots(pa.array(["ben", "anna"]), "autumn")[1])
    True
    """
    start = hashlib.blake2b(salt.encode(), digest_size=8)
    digests = bytearray()
    for one in ids.cast(pa.string()).to_pylist():
        if one is None:
            raise UsageError("a customer without an id cannot draw a lot")
        drawn = start.copy()
        drawn.update(b"\x00" + one.encode())
        digests += drawn.digest()
    whole = np.frombuffer(bytes(digests), np.dtype("<u8"))
    return np.asarray((whole >> np.uint64(11)) * 2.0**-53, np.float64)


def systematic(chance: Floats, start: float) -> NDArray[np.bool_]:
    """Who is drawn, each with exactly their chance, when `start` is uniform on [0, 1) (Madow 1949, "On the theory of
    systematic sampling II"). In any run of neighbours the number drawn is the sum of their chances rounded up or down,
    so among rows sorted by cost the cost drawn exceeds its mean by less than the greatest cost.

    >>> systematic(np.full(6, 0.5), 0.3).tolist()
    [True, False, True, False, True, False]
    """
    reached = np.ceil(np.cumsum(chance) - start)
    return np.diff(reached, prepend=np.ceil(-start)) > 0
