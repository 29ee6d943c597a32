"""Is a synthetic shop like the real one, and is anybody in it a copy? Measured on order lines, side by side.

Distances of the synthetic customers are judged by those of a half of the real customers that the sampler never saw: a
sampler that is as far from what it learnt as strangers are has copied nobody.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.metrics.drift import ks
from holdfast.synth.sampler import Lines

Floats = NDArray[np.float64]


def fidelity(real: pa.Table, synthetic: pa.Table) -> dict[str, float]:
    """How alike two tables of order lines are: Kolmogorov-Smirnov distances, correlations, seasons, items.

    `ks_*`: 0 is the same distribution. `frequency_value_*`: rank correlation of orders and mean order value.
    `season`, `weekday`: half the sum of differences between monthly or daily shares. `items`: the same of the shares of
    items; `item_rank`: rank correlation of how often items are bought; `repeat_*`: share of lines bought before.
    """
    one, two = _told(real), _told(synthetic)
    found = {f"ks_{name}": ks(one[name], two[name]) for name in _COMPARED}
    for name, told in (("real", one), ("synthetic", two)):
        found[f"frequency_value_{name}"] = _rank_correlation(told["orders"], told["mean_value"])
        found[f"repeat_{name}"] = float(told["repeat"][0])
    found["season"] = _apart(one["day"] // 30, two["day"] // 30)
    found["weekday"] = _apart(one["day"] % 7, two["day"] % 7)
    items = np.unique(np.r_[one["item"], two["item"]])
    count = [np.bincount(np.searchsorted(items, told["item"]), minlength=len(items)) for told in (one, two)]
    found["items"] = float(0.5 * np.abs(count[0] / count[0].sum() - count[1] / count[1].sum()).sum())
    found["item_rank"] = _rank_correlation(*(one.astype(np.float64) for one in count))
    return found


_COMPARED = ("orders", "gap", "order_value", "order_lines", "mean_value", "silence", "age", "spend")


def closeness(learnt: pa.Table, strangers: pa.Table, synthetic: pa.Table) -> dict[str, float]:
    """Whether synthetic customers sit closer to those they were learnt from than real strangers do.

    Customers are points: orders, first and last day, mean and spread of gap and order value, lines (standardised).
    `median_ratio`, `near_ratio`: distance to the closest learnt customer, synthetic over strangers, in the middle and
    at the closest 5% (1 or more: no closer than strangers). `copies`: share of synthetic customers with two orders
    or more whose days and values are exactly those of a real one.
    """
    known, others, made = (_points(one) for one in (learnt, strangers, synthetic))
    middle, spread = known.mean(axis=0), known.std(axis=0) + 1e-9
    near = [_closest((one - middle) / spread, (known - middle) / spread) for one in (made, others)]
    real = _histories(learnt) | _histories(strangers)
    mine = _histories(synthetic)
    return {
        "median_ratio": float(np.median(near[0]) / max(np.median(near[1]), 1e-12)),
        "near_ratio": float(np.quantile(near[0], 0.05) / max(np.quantile(near[1], 0.05), 1e-12)),
        "copies": len(mine & real) / max(len(mine), 1),
    }


def _told(table: pa.Table) -> dict[str, Any]:
    lines = Lines.of(table)
    who, day, value, size = lines.orders()
    counts = np.bincount(who)
    begins = np.flatnonzero(np.r_[True, who[1:] != who[:-1]])
    ends = np.r_[begins[1:], len(who)] - 1
    spend = np.bincount(who, value)
    pair = lines.customer * len(lines.items) + lines.item
    _, first, which = np.unique(pair, return_index=True, return_inverse=True)
    later = lines.order > begins[lines.customer]
    again = lines.order[first][which] < lines.order
    names = np.array(lines.items.to_pylist(), dtype=object).astype(str)
    return {
        "orders": counts.astype(np.float64), "gap": np.diff(day)[who[1:] == who[:-1]].astype(np.float64),
        "order_value": value, "order_lines": size.astype(np.float64), "mean_value": spend / counts, "spend": spend,
        "silence": (day.max() - day[ends]).astype(np.float64), "age": (day.max() - day[begins]).astype(np.float64),
        "day": day, "item": names[lines.item], "repeat": np.array([again[later].mean() if later.any() else 0.0]),
    }  # fmt: skip


def _points(table: pa.Table) -> Floats:
    who, day, value, size = Lines.of(table).orders()
    counts = np.bincount(who)
    begins = np.flatnonzero(np.r_[True, who[1:] != who[:-1]])
    last = day[np.r_[begins[1:], len(who)] - 1]
    level = np.log(np.maximum(value, 1e-6))
    own = np.bincount(who, level) / counts
    spread = np.sqrt(np.maximum(np.bincount(who, level**2) / counts - own**2, 0.0))
    gap = np.log1p((last - day[begins]) / np.maximum(counts - 1, 1))
    lots = np.bincount(who, np.log(size)) / counts
    return np.column_stack([np.log(counts), day[begins], last, gap, own, spread, lots]).astype(np.float64)


def _closest(points: Floats, known: Floats, at_once: int = 500) -> Floats:
    squares = (known**2).sum(axis=1)
    found = []
    for start in range(0, len(points), at_once):
        some = points[start : start + at_once]
        apart = (some**2).sum(axis=1)[:, None] - 2 * some @ known.T + squares
        found.append(np.sqrt(np.maximum(apart.min(axis=1), 0.0)))
    return np.concatenate(found)


def _histories(table: pa.Table) -> set[tuple[tuple[int, float], ...]]:
    """Days and values of every customer with two orders or more."""
    who, day, value, _ = Lines.of(table).orders()
    ends = np.flatnonzero(np.r_[who[1:] != who[:-1], True]) + 1
    found = set()
    for start, stop in zip(np.r_[0, ends[:-1]], ends, strict=True):
        if stop - start > 1:
            found.add(tuple(zip(day[start:stop].tolist(), np.round(value[start:stop], 4).tolist(), strict=True)))
    return found


def _rank_correlation(a: Floats, b: Floats) -> float:
    """Spearman's, ties sharing their rank; 0 where one of them is constant."""
    ranks = []
    for one in (a, b):
        values, place, count = np.unique(one, return_inverse=True, return_counts=True)
        ranks.append((np.cumsum(count) - (count - 1) / 2)[place] if len(values) > 1 else np.zeros(len(one)))
    if min(one.std() for one in ranks) == 0:
        return 0.0
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _apart(a: NDArray[np.int64], b: NDArray[np.int64]) -> float:
    """Half the sum of differences between shares."""
    values = np.unique(np.r_[a, b])
    share = [np.bincount(np.searchsorted(values, one), minlength=len(values)) / len(one) for one in (a, b)]
    return float(0.5 * np.abs(share[0] - share[1]).sum())
