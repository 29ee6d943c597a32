"""How good a list was, once the horizon had closed: value lost that was caught, precision, lead time, stability.

Everything is judged at the capacity: only the first `capacity` of a ranking are looked at, whatever the scores are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Floats = NDArray[np.float64]
METRICS = ("value_recall", "precision", "lead_days", "lead_positive_share")


def lost(usual: Floats, spent: Floats) -> Floats:
    """What each customer then spent less than at the own usual rate, money: max(0, usual - spent).

    >>> lost(np.array([10.0, 10.0]), np.array([4.0, 30.0])).tolist()
    [6.0, 0.0]
    """
    return np.maximum(0.0, usual - spent)


@dataclass(frozen=True)
class Check:
    """Who could have been alerted at one check and what became of them: one row per customer.

    `lost` money in the horizon; `churned`: no order in it; `lead_days` to the own 95% quantile of silence.
    """

    customer_id: pa.Array
    lost: Floats
    churned: NDArray[np.bool_]
    lead_days: Floats

    def __len__(self) -> int:
        return len(self.lost)

    def judge(self, score: Floats, capacity: int, weights: Floats | None = None) -> dict[str, Floats]:
        """METRICS of a ranking by `score`: arrays, one value per row of `weights` (replicates x customers; None: one).

        A customer of weight 2 takes two places. NaN where nothing was lost, or nobody is on the list.
        """
        order = best_first(score, self.customer_id)
        w = np.ones((1, len(self))) if weights is None else weights
        ordered = w[:, order]
        listed = np.clip(capacity - (np.cumsum(ordered, axis=1) - ordered), 0.0, ordered)
        places = listed.sum(axis=1)
        lead = self.lead_days[order]
        with np.errstate(invalid="ignore", divide="ignore"):
            return {
                "value_recall": (listed @ self.lost[order]) / (w @ self.lost),
                "precision": (listed @ self.churned[order].astype(np.float64)) / places,
                "lead_days": weighted_medians(lead, listed),
                "lead_positive_share": (listed @ (lead > 0).astype(np.float64)) / places,
            }


def best_first(score: Floats, customer_id: pa.Array) -> NDArray[np.int64]:
    """Rows by score, best first; equal scores by a hash of the id, which favours nobody and knows no row order."""
    import zlib

    hashed = np.array([zlib.crc32(one.encode()) for one in customer_id.to_pylist()], np.int64)
    return np.lexsort((hashed, -score))


def weighted_medians(values: Floats, weights: Floats) -> Floats:
    """The median of `values` under each row of weights; NaN without weight."""
    order = np.argsort(values, kind="stable")
    summed = np.cumsum(weights[:, order], axis=1)
    if not summed.shape[1]:
        return np.full(len(weights), np.nan)
    half = summed[:, -1:] / 2
    low, high = np.argmax(summed >= half, axis=1), np.argmax(summed > half, axis=1)
    middle = (values[order][low] + values[order][high]) / 2
    return np.where(summed[:, -1] > 0, middle, np.nan)


def stability(before: tuple[pa.Array, Floats], now: tuple[pa.Array, Floats], capacity: int) -> float:
    """Jaccard index of two successive lists among customers who could be on both; NaN where there are none.

    >>> ids = pa.array(["a", "b", "c"])
    >>> stability((ids, np.array([3.0, 2.0, 1.0])), (ids, np.array([3.0, 1.0, 2.0])), 2)
    0.3333333333333333
    """
    both = set(before[0].to_pylist()) & set(now[0].to_pylist())
    lists = []
    for ids, score in (before, now):
        top = best_first(score, ids)[:capacity]
        lists.append(set(ids.take(pa.array(top)).to_pylist()) & both)
    union = lists[0] | lists[1]
    return len(lists[0] & lists[1]) / len(union) if union else float("nan")
