"""What customers write: reviews whose words agree with their stars, complaints about late parcels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holdfast.synth.people import Floats

_GOOD = ("Love this {noun}.", "Very good {noun}, would buy again.", "Exactly as described.", "Great value.")
_FAIR = ("The {noun} is all right.", "Does the job, nothing special.", "Decent for the price.")
_BAD = ("Disappointed with this {noun}.", "Poor quality, broke soon.", "Not what I expected.", "Would not buy again.")
_LATE = (" Delivery took far too long.", " It came days late.")
_QUICK = (" Fast delivery.", " Arrived well packed.", "", "")
_CHATS = ("Where is my parcel? It should have been here days ago.", "My order is late, can you check please?")


def reviews(stars: Floats, late: NDArray[np.bool_], nouns: list[str], rng: np.random.Generator) -> list[str]:
    """One review per row: stars of 4 and more praise, 3 shrugs, below complains; a late parcel is mentioned."""
    pick, tail = rng.integers(0, 12, len(stars)), rng.integers(0, 4, len(stars))
    out = []
    for star, slow, noun, p, t in zip(stars, late, nouns, pick, tail, strict=True):
        pool = _GOOD if star >= 4 else _FAIR if star == 3 else _BAD
        end = _LATE[t % 2] if slow and star <= 4 else _QUICK[t]
        out.append(pool[p % len(pool)].format(noun=noun) + end)
    return out


def complaints(n: int, rng: np.random.Generator) -> list[str]:
    """What customers of late parcels write in the chat."""
    return [_CHATS[int(one)] for one in rng.integers(0, len(_CHATS), n)]
