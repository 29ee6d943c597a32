"""What came before leaving, and before staying: short paths in the last steps before an earlier cutoff.

Paths are read before the cutoff and outcomes after it, at a cutoff whose horizon has closed: no future is used for what
is called a sign. Customers are compared with others who had been silent for as long, for otherwise every path would only
say how long ago it was. A path is a run of one to three steps; the same step several times in a row counts once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import erfc, exp, log, sqrt
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
Whole = NDArray[np.int64]
_Z = 1.959963984540054


@dataclass(frozen=True)
class Path:
    """One path: how many customers had it, the share of them that left, and that share over what it would have been.

    `expected` is the share that left of customers of the same strata without the path; `ratio` the Mantel-Haenszel risk
    ratio over strata with its 95% interval (Greenland & Robins 1985). `q` is the p-value after Benjamini and Hochberg's
    correction over all paths looked at (false discovery rate).
    """

    steps: tuple[str, ...]
    customers: int
    left_share: float
    expected: float
    ratio: float
    low: float
    high: float
    q: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "steps": list(self.steps)}


def paths(
    ids: pa.Array, churned: Flags, steps: Sequence[pa.Table], strata: Whole | None = None, *, longest: int = 3,
    least: int = 30, most: int = 10, rate: float = 0.05,
) -> dict[str, Any]:  # fmt: skip
    """The paths that set those who left apart from those who stayed.

    `ids`, `churned` and `strata` (whom to compare with whom): everybody of the population at the cutoff. `steps`: tables
    of customer_id, step, in order within each customer (one table for each way of telling steps apart). Only paths of at
    least `least` customers with and without are looked at; those with q below `rate` are told, the surest first. Of two
    paths of nearly the same customers the first is kept. Returns {"customers", "left_share", "looked_at",
    "leaving": [...], "staying": [...]}.
    """
    found: dict[tuple[str, ...], set[int]] = {}
    for table in steps:
        for owner, sequence in _collapsed(ids, table).items():
            for size in range(1, longest + 1):
                for at in range(len(sequence) - size + 1):
                    found.setdefault(tuple(sequence[at : at + size]), set()).add(owner)
    enough = {path: who for path, who in found.items() if least <= len(who) <= len(ids) - least}
    kept = {path: np.array(sorted(who), np.int64) for path, who in sorted(enough.items())}
    groups = np.zeros(len(ids), np.int64) if strata is None else np.unique(strata, return_inverse=True)[1]
    tested = _tested(kept, churned, groups)
    facts: dict[str, Any] = {
        "customers": len(ids), "left_share": float(churned.mean()) if len(ids) else 0.0, "looked_at": len(tested),
    }  # fmt: skip
    sure = [one for one in tested if one.q < rate]
    leaving = sorted((p for p in sure if p.ratio > 1), key=lambda p: (-p.low, len(p.steps), p.steps))
    staying = sorted((p for p in sure if p.ratio < 1), key=lambda p: (p.high, len(p.steps), p.steps))
    for name, ranked in (("leaving", leaving), ("staying", staying)):
        facts[name] = [one.as_dict() for one in _different(ranked, kept)[:most]]
    return facts


def _collapsed(ids: pa.Array, steps: pa.Table) -> dict[int, list[str]]:
    """The steps of each customer, by the place of the customer in `ids`."""
    row = pc.index_in(steps["customer_id"].cast(pa.string()).combine_chunks(), value_set=ids).to_pylist()
    names = steps["step"].to_pylist()
    sequences: dict[int, list[str]] = {}
    for owner, name in zip(row, names, strict=True):
        if owner is None:
            continue
        mine = sequences.setdefault(owner, [])
        if not mine or mine[-1] != name:
            mine.append(name)
    return sequences


def _tested(kept: dict[tuple[str, ...], Whole], churned: Flags, groups: Whole) -> list[Path]:
    rows = [(path, who, one) for path, who in kept.items() if (one := _ratio(who, churned, groups)) is not None]
    q = benjamini_hochberg([one[-1] for _, _, one in rows])
    return [
        Path(path, len(who), float(churned[who].mean()), one[0], one[1], one[2], one[3], adjusted)
        for (path, who, one), adjusted in zip(rows, q, strict=True)
    ]


def _ratio(who: Whole, churned: Flags, groups: Whole) -> tuple[float, float, float, float, float] | None:
    """(expected, ratio, low, high, p) by Mantel and Haenszel; None where some sum is empty."""
    width = int(groups.max()) + 1 if len(groups) else 1
    all_n, all_left = np.bincount(groups, minlength=width), np.bincount(groups[churned], minlength=width)
    n1, a = np.bincount(groups[who], minlength=width), np.bincount(groups[who][churned[who]], minlength=width)
    n0, c, n = all_n - n1, all_left - a, np.maximum(all_n, 1)
    with_path, without = float((a * n0 / n).sum()), float((c * n1 / n).sum())
    if with_path <= 0 or without <= 0:
        return None
    ratio = with_path / without
    variance = float(((n1 * n0 * (a + c) - a * c * n) / n**2).sum()) / (with_path * without)
    spread = sqrt(max(variance, 1e-12))
    p = erfc(abs(log(ratio)) / spread / sqrt(2))
    expected = float(a.sum() / n1.sum()) / ratio
    return expected, ratio, ratio * exp(-_Z * spread), ratio * exp(_Z * spread), p


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """Adjusted p-values that keep the false discovery rate (Benjamini & Hochberg 1995).

    >>> benjamini_hochberg([0.01, 0.04, 0.03])
    [0.03, 0.04, 0.04]
    """
    values = np.asarray(p, np.float64)
    order = np.argsort(values, kind="stable")
    scaled = values[order] * len(values) / np.arange(1, len(values) + 1)
    adjusted = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    found = np.empty(len(values))
    found[order] = adjusted
    return [float(one) for one in found.round(12)]


def _different(ranked: Sequence[Path], kept: dict[tuple[str, ...], Whole]) -> list[Path]:
    """Without paths that say nothing more than one before them: nearly the same customers."""
    chosen: list[Path] = []
    for one in ranked:
        mine = kept[one.steps]
        same = any(_overlap(mine, kept[other.steps]) > 0.8 for other in chosen)
        if not same:
            chosen.append(one)
    return chosen


def _overlap(one: Whole, other: Whole) -> float:
    both = len(np.intersect1d(one, other, assume_unique=True))
    return both / (len(one) + len(other) - both)
