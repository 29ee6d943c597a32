"""Intervals of lists and of their gains, by resampling customers; windows pooled, rows for benches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from holdfast.core.errors import UsageError
from holdfast.core.results import Score
from holdfast.evaluate.lists.judge import Judged
from holdfast.metrics.bootstrap import customer_codes, interval, replicates
from holdfast.metrics.toplists import Floats

#: Metrics whose paired gains are reported.
PAIRED = ("recall_at_10", "ndcg_at_10", "hit_at_10")
REPLICATES, SEED = 1000, 4


def compare(
    one: Judged, other: Judged, metric: str, slice: str = "all", *, count: int = REPLICATES, level: float = 0.95
) -> tuple[float, float | None, float | None]:
    """(gain of `one` over `other`, low, high): the mean difference, and its interval by resampling customers.

    Raises `UsageError` where the two judged other customers.
    """
    return _gained(one, other, ((metric, slice),), count, level)[0]


def pooled(parts: Sequence[Judged]) -> Judged:
    """Windows of one recommender as one: customers in a row, and what belongs to whole windows as its mean.

    A customer who stands in several windows is resampled whole by `compare`.
    """
    first = parts[0]
    values: dict[str, dict[str, Floats]] = {}
    for name in first.values:
        shared = [m for m in first.values[name] if all(m in part.values[name] for part in parts)]
        values[name] = {m: np.concatenate([part.values[name][m] for part in parts]) for m in shared}
    whole = {m: float(np.mean([part.whole[m] for part in parts])) for m in first.whole}
    peaks = [part.peak_mb for part in parts if part.peak_mb is not None]
    ids = pa.concat_arrays([part.customer_id for part in parts])
    return Judged(first.model, ids, values, whole, max(part.items for part in parts), max(peaks, default=None))


def scores(
    judged: Judged, *, bench: str, data: str, protocol: str, metrics: Sequence[str] | None = None,
    slices: Sequence[str] | None = None, count: int = REPLICATES, level: float = 0.95,
) -> list[Score]:  # fmt: skip
    """Rows of every metric (or of some) with intervals, slices named in the protocol; then coverage, gini and times."""
    found: list[Score] = []
    for name in judged.values if slices is None else slices:
        n = judged.n(name)
        wanted = [m for m in judged.values[name] if metrics is None or m in metrics]
        if not n or not wanted:
            continue
        draws = _draws(judged.customer_id, np.column_stack([judged.of(m, name) for m in wanted]), count)
        said = protocol if name == "all" else f"{protocol}, slice {name}"
        for place, metric in enumerate(wanted):
            low, high = interval(draws[:, place], level)
            found.append(
                Score(
                    bench,
                    data,
                    said,
                    judged.model,
                    metric,
                    judged.mean(metric, name),
                    low,
                    high,
                    n,
                    None,
                    judged.peak_mb,
                )
            )
    whole = [m for m in judged.whole if metrics is None or m in metrics]
    return found + [Score(bench, data, protocol, judged.model, m, judged.whole[m], n=judged.n()) for m in whole]


def gains(
    judged: Mapping[str, Judged], over: Mapping[str, Judged] | None = None, *, bench: str, data: str, protocol: str,
    metrics: Sequence[str] = PAIRED, slices: Sequence[str] = ("all",), count: int = REPLICATES, level: float = 0.95,
) -> list[Score]:  # fmt: skip
    """Paired gains of each over each of `over` (by default over those before it), with intervals."""
    found: list[Score] = []
    names = list(judged)
    for place, name in enumerate(names):
        others = {one: judged[one] for one in names[:place]} if over is None else over
        for against, other in others.items():
            if against == name:
                continue
            what = tuple((metric, slice) for slice in slices for metric in metrics)
            for (metric, slice), (value, low, high) in zip(
                what, _gained(judged[name], other, what, count, level), strict=True
            ):
                said = protocol if slice == "all" else f"{protocol}, slice {slice}"
                said = f"{said}, paired gain over {against}"
                found.append(Score(bench, data, said, name, metric, value, low, high, judged[name].n(slice)))
    return found


def _gained(
    one: Judged, other: Judged, what: Sequence[tuple[str, str]], count: int, level: float
) -> list[tuple[float, float | None, float | None]]:
    if not one.customer_id.equals(other.customer_id):
        raise UsageError(
            "the two lists were judged on other customers", remedy="judge both on the same lists of customers"
        )
    gained = np.column_stack([one.of(m, s) - other.of(m, s) for m, s in what])
    draws = _draws(one.customer_id, gained, count)
    real = np.isfinite(gained)
    means = np.where(real, gained, 0.0).sum(axis=0) / np.where(real.any(axis=0), real.sum(axis=0), np.nan)
    return [(float(means[place]), *interval(draws[:, place], level)) for place in range(len(what))]


def _draws(customer_id: pa.Array, values: Floats, count: int) -> Floats:
    """(replicates x columns): means over resampled customers; a customer's rows rise and fall together."""
    (code,), customers = customer_codes([customer_id])
    real = np.isfinite(values)
    sums = np.zeros((customers, values.shape[1]))
    rows = np.zeros((customers, values.shape[1]))
    np.add.at(sums, code, np.where(real, values, 0.0))
    np.add.at(rows, code, real.astype(np.float64))
    parts = []
    for weight in replicates(customers, count, SEED):
        many = weight @ rows
        parts.append((weight @ sums) / np.where(many > 0, many, np.nan))
    return np.concatenate(parts) if parts else np.zeros((0, values.shape[1]))
