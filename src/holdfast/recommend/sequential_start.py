"""Where item vectors start, before a network of items learns: at random, from bought-together counts, or from the encoder.

A network that starts near the truth needs fewer steps, and rare items keep what their neighbours say of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Cutoff
from holdfast.core.errors import LeakError, UsageError
from holdfast.core.interactions import Items
from holdfast.core.threads import one_thread
from holdfast.recommend.sequential_network import START, SequentialNetwork
from holdfast.recommend.sequential_order import Histories

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
STARTS = ("random", "pairs", "encoder")
#: Events further apart than this say nothing about each other.
_REACH = 5


@one_thread
def pair_vectors(told: Histories, items: int, width: int) -> Floats | None:
    """(items, width) of codes 1, 2, ...: the leading eigenvectors of how often two items stand near each other.

    A pair counts 1 / distance; counts are divided by the root of both items' totals. None for too small a catalogue.
    """
    from scipy.sparse import csr_matrix, diags
    from scipy.sparse.linalg import eigsh

    if items <= width + 1:
        return None
    row = np.repeat(np.arange(len(told)), told.lengths)
    total: Any = csr_matrix((items, items))
    for apart in range(1, _REACH + 1):
        near = np.flatnonzero(row[apart:] == row[:-apart]) if apart < len(row) else np.array([], np.int64)
        cells = (told.codes[near] - 1, told.codes[near + apart] - 1)
        total = total + csr_matrix((np.full(len(near), 1.0 / apart), cells), shape=(items, items))
    total = total + total.T
    scale = diags(1.0 / np.sqrt(np.maximum(np.asarray(total.sum(axis=1)).ravel(), 1.0)))
    value, vector = eigsh(scale @ total @ scale, k=width, which="LA", v0=np.ones(items))
    vector = vector * np.sign(vector[np.abs(vector).argmax(axis=0), np.arange(width)])
    return np.asarray(vector * np.sqrt(np.maximum(value, 0.0)))


def encoder_vectors(encoder: Any, items: Items, code: Ints, width: int, cutoff: Cutoff) -> Floats:
    """(items, width) of codes 1, 2, ... from the shop's event encoder; NaN for items it has no vector of its own for.

    Raises `LeakError` where the encoder was taught on events after the cutoff.
    """
    if encoder is None:
        raise UsageError("start_from = 'encoder' without an encoder", remedy="give one: fit(past, encoder=...)")
    if encoder.cutoff > cutoff:
        raise LeakError(
            f"the encoder was taught at {encoder.cutoff}, after the cutoff {cutoff}",
            remedy="teach one on events before the cutoff",
        )
    names, vectors = encoder.item_vectors()
    place = {name: at for at, name in enumerate(names)}
    found = np.full((int(code.max(initial=0)), width), np.nan)
    kept = _narrowed(vectors.astype(np.float64), width)
    for column in np.flatnonzero(code > 0):
        at = place.get(items.item_id[int(column)].as_py())
        if at is not None:
            found[code[column] - 1] = kept[at]
    return found


@one_thread
def _narrowed(vectors: Floats, width: int) -> Floats:
    """Vectors about their mean, in so many numbers: the leading directions, or zeros behind a narrower one."""
    if not len(vectors):
        return np.zeros((0, width))
    middle = vectors - vectors.mean(axis=0)
    if middle.shape[1] > width:
        middle = middle @ np.linalg.svd(middle, full_matrices=False)[2][:width].T
    return np.pad(middle, ((0, 0), (0, width - middle.shape[1])))


def begin(network: SequentialNetwork, vectors: Floats | None) -> None:
    """Give the network's items these vectors, as long as random ones would be; where they are NaN or 0, it keeps its own."""
    if vectors is None:
        return
    length = np.linalg.norm(vectors, axis=1)
    known = np.isfinite(length) & (length > 0)
    scaled = vectors[known] / length[known, None] * START * np.sqrt(vectors.shape[1])
    torch = network.torch
    with torch.no_grad():
        network.vectors[torch.as_tensor(np.flatnonzero(known) + 1)] = torch.as_tensor(scaled.astype(np.float32))
