"""Lists against what came later, customer by customer, with intervals over customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from holdfast.core.interactions import ItemOutcomes
from holdfast.core.recommend import Recommendations
from holdfast.core.results import Score
from holdfast.metrics.bootstrap import interval, replicates

Floats = NDArray[np.float64]
Metrics = Mapping[str, Floats]
METRICS = ("recall_at_10", "recall_at_20", "ndcg_at_10", "hit_at_10")
_REPLICATES = 1000


def per_customer(lists: Recommendations, later: ItemOutcomes) -> Metrics:
    """Each metric of each customer; NaN where nothing came later.

    Recall is hits over all targets; nDCG has gains of 1 and the best list of at most 10 as ideal.

    >>> import pyarrow as pa
    >>> from holdfast.core.clock import Cutoff, Horizon
    >>> at, names = Cutoff.parse("2024-01-10"), pa.array(["cup", "tea"])
    >>> later = ItemOutcomes(pa.array(["ann"]), at, Horizon.parse("1d"), names, np.array([0, 1]), np.array([1], np.int32),
    ...                      np.array([0]))
    >>> one = per_customer(Recommendations.listed(["ann"], ["cup", "tea"], [[0, 1]], at, "explore", "x"), later)
    >>> one["recall_at_10"].tolist(), round(float(one["ndcg_at_10"][0]), 3)
    ([1.0], 0.631)
    """
    width = len(later.item_id) + 1
    row = np.repeat(np.arange(len(lists)), lists.counts)
    wanted = np.repeat(np.arange(len(later)), later.counts) * width + later.item
    hit = np.isin(row * width + lists.item, wanted).astype(np.float64)
    n, rank, size = later.counts.astype(np.float64), lists.rank, len(lists)
    safe = np.where(n > 0, n, np.nan)

    def upto(k: int, worth: Floats) -> Floats:
        return np.asarray(np.bincount(row, worth * (rank <= k), minlength=size), np.float64)

    ideal = np.concatenate([[0.0], np.cumsum(1 / np.log2(np.arange(10) + 2))])[np.minimum(n, 10).astype(int)]
    return {
        "recall_at_10": upto(10, hit) / safe,
        "recall_at_20": upto(20, hit) / safe,
        "ndcg_at_10": upto(10, hit / np.log2(rank + 1)) / np.where(n > 0, ideal, np.nan),
        "hit_at_10": np.where(n > 0, upto(10, hit) > 0, np.nan),
    }


def scores_of(
    bench: str, data: str, protocol: str, found: Mapping[str, Metrics], pairs: Sequence[tuple[str, str]] = (),
    metrics: Sequence[str] = METRICS,
) -> list[Score]:  # fmt: skip
    """A row per model and metric with its 95% interval, then a row per pair (model, over) with the paired difference."""
    rows = []
    for metric in metrics:
        known = np.flatnonzero(~np.isnan(next(iter(found.values()))[metric]))
        draws = np.concatenate(list(replicates(len(known), _REPLICATES, seed=1)))
        for model, one in found.items():
            value = one[metric][known]
            rows.append(_row(bench, data, f"{protocol}, 95%", model, metric, value, draws))
        for model, over in pairs:
            value = found[model][metric][known] - found[over][metric][known]
            rows.append(_row(bench, data, f"{protocol}, paired gain over {over}, 95%", model, metric, value, draws))
    return rows


def _row(bench: str, data: str, protocol: str, model: str, metric: str, value: Floats, draws: Floats) -> Score:
    low, high = interval(draws @ value / draws.sum(axis=1))
    return Score(bench, data, protocol, model, metric, float(value.mean()), low, high, len(value))
