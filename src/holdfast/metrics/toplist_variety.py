"""What lists show: how much of the catalogue, how evenly, how well known, how varied, and how like the history.

Lists are (customers x length) int32, best first, padded with -1. None of these asks whether the customer then bought.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import UsageError

Floats = NDArray[np.float64]
Codes = NDArray[np.int32]
#: Cells of a block of category shares or vectors: 64 MB.
_CELLS = 8_000_000


def exposure(lists: Codes, items: int) -> Floats:
    """How often each item is shown."""
    return np.bincount(lists[lists >= 0], minlength=items).astype(np.float64)


def coverage(shown: Floats, on_sale: NDArray[np.bool_] | None = None) -> float:
    """Share of the items on sale that appear in some list.

    >>> coverage(np.array([3.0, 0.0, 1.0, 0.0]))
    0.5
    """
    part = shown if on_sale is None else shown[on_sale]
    return float((part > 0).mean()) if len(part) else float("nan")


def gini(shown: Floats, on_sale: NDArray[np.bool_] | None = None) -> float:
    """Gini coefficient of exposure over the items on sale: 0 is even, near 1 a few items take all.

    >>> gini(np.array([2.0, 2.0])), gini(np.array([0.0, 0.0, 0.0, 4.0]))
    (0.0, 0.75)
    """
    part = np.sort(shown if on_sale is None else shown[on_sale])
    n, total = len(part), part.sum()
    if not n or total <= 0:
        return float("nan")
    return float((2 * np.arange(1, n + 1) - n - 1) @ part / (n * total))


def novelty(lists: Codes, bought: NDArray[Any]) -> Floats:
    """Mean of -log2(share of all purchases) over each list, in bits (Zhou et al. 2010); NaN for an empty list.

    `bought` counts purchases of each item; one is added to each, so that an item never bought is novel, not infinite.

    >>> novelty(np.array([[0, 1], [-1, -1]], np.int32), np.array([0, 0])).tolist()
    [1.0, nan]
    """
    share = (np.asarray(bought, np.float64) + 1) / (np.sum(bought) + max(len(bought), 1))
    return _mean(np.append(-np.log2(share), 0.0)[lists], lists >= 0)


def distance_by_category(lists: Codes, category: Codes) -> Floats:
    """Share of the pairs of a list that lie in different categories; entries of unknown category (-1) are left out.

    >>> distance_by_category(np.array([[0, 1, 2]], np.int32), np.array([5, 5, 6], np.int32)).round(3).tolist()
    [0.667]
    """
    code = np.append(category, -1)[lists].astype(np.int64)
    known = (code >= 0).sum(axis=1)
    code.sort(axis=1)
    # in a sorted row, the pairs of equals are, for each entry, as many as stand before it in its run
    new = np.ones(code.shape, bool)
    new[:, 1:] = code[:, 1:] != code[:, :-1]
    place = np.broadcast_to(np.arange(code.shape[1]), code.shape)
    start = np.maximum.accumulate(np.where(new, place, 0), axis=1)
    alike = np.where(code >= 0, place - start, 0).sum(axis=1)
    pairs = known * (known - 1) / 2
    return np.where(pairs > 0, 1 - alike / np.maximum(pairs, 1), np.nan)


def distance_by_vector(lists: Codes, vectors: NDArray[Any]) -> Floats:
    """Mean of 1 - cosine over the pairs of a list; an item without a vector (NaN or zeros) is left out.

    >>> distance_by_vector(np.array([[0, 1]], np.int32), np.array([[1.0, 0.0], [0.0, 2.0]])).tolist()
    [1.0]
    """
    size = np.linalg.norm(vectors, axis=1)
    known = np.isfinite(size) & (size > 0)
    unit = np.where(known[:, None], vectors / np.where(known, size, 1)[:, None], 0.0)
    unit = np.vstack([unit, np.zeros((1, unit.shape[1]))])
    count = np.append(known, False)[lists].sum(axis=1)
    total = np.zeros((len(lists), unit.shape[1]))
    for place in range(lists.shape[1]):
        total += unit[lists[:, place]]
    pairs = count * (count - 1) / 2
    alike = (np.einsum("ij,ij->i", total, total) - count) / 2
    return np.where(pairs > 0, 1 - alike / np.maximum(pairs, 1), np.nan)


def miscalibration(
    lists: Codes, category: Codes, customer: NDArray[Any], item: NDArray[Any], weight: NDArray[Any] | None = None,
    *, measure: Literal["kl", "js"] = "js", blend: float = 0.01,
) -> Floats:  # fmt: skip
    """How far each list's mix of categories lies from that of the customer's history (Steck 2018); 0 is the same mix.

    `customer` (rising), `item` and `weight` are the history. `kl`: sum of p log(p / q'), q' = (1 - blend) q + blend p, in
    nats; `js`: the square root of the Jensen-Shannon divergence in bits, from 0 to 1. NaN where either mix is empty.

    >>> miscalibration(np.array([[0], [1]], np.int32), np.array([0, 1], np.int32), np.array([0, 1]), np.array([0, 0])).tolist()
    [0.0, 1.0]
    """
    if measure not in ("kl", "js"):
        raise UsageError(f"measure = {measure!r}", remedy="one of: kl, js")
    many = int(category.max(initial=-1)) + 1
    found = np.full(len(lists), np.nan)
    weight = np.ones(len(item)) if weight is None else np.asarray(weight, np.float64)
    codes, own = np.append(category, -1)[lists], np.append(category, -1)[item]
    size = max(1, _CELLS // max(many, 1))
    for start in range(0, len(lists) if many else 0, size):
        stop = min(start + size, len(lists))
        low, high = np.searchsorted(customer, [start, stop])
        p = _mix(np.asarray(customer[low:high]) - start, own[low:high], weight[low:high], stop - start, many)
        row = np.repeat(np.arange(stop - start), lists.shape[1])
        q = _mix(row, codes[start:stop].ravel(), np.ones(len(row)), stop - start, many)
        found[start:stop] = _kl(p, (1 - blend) * q + blend * p) if measure == "kl" else _js(p, q)
    return found


def _mix(row: NDArray[Any], code: NDArray[Any], weight: Floats, rows: int, many: int) -> Floats:
    known = code >= 0
    cell = row[known].astype(np.int64) * many + code[known]
    total = np.bincount(cell, weight[known], minlength=rows * many).reshape(rows, many)
    whole = total.sum(axis=1, keepdims=True)
    return np.where(whole > 0, total / np.where(whole > 0, whole, 1), np.nan)


def _kl(p: Floats, q: Floats) -> Floats:
    share = np.where(p > 0, p / np.where(q > 0, q, 1), 1.0)
    empty = np.isnan(p).any(axis=1) | np.isnan(q).any(axis=1)
    return np.where(empty, np.nan, (np.nan_to_num(p) * np.log(share)).sum(axis=1))


def _js(p: Floats, q: Floats) -> Floats:
    middle = (p + q) / 2
    return np.asarray(np.sqrt(np.maximum((_kl(p, middle) + _kl(q, middle)) / 2 / np.log(2), 0)), np.float64)


def _mean(values: Floats, real: NDArray[np.bool_]) -> Floats:
    count = real.sum(axis=1)
    return np.where(count > 0, np.where(real, values, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)
