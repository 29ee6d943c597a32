"""What came before leaving, and before staying: short paths in the last events before an earlier cutoff.

Paths are read before the cutoff and outcomes after it, at a cutoff whose horizon has closed: no future is used for what
is called a sign. A path is a run of one to three steps; the same step several times in a row counts once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
_Z = 1.959963984540054


@dataclass(frozen=True)
class Path:
    """One path: how many of those who left and who stayed had it, the ratio of the two shares with its 95% interval.

    `q` is the p-value after Benjamini and Hochberg's correction over all paths looked at (false discovery rate).
    """

    steps: tuple[str, ...]
    left: int
    stayed: int
    lift: float
    low: float
    high: float
    q: float

    def as_dict(self, left: int, stayed: int) -> dict[str, Any]:
        """For JSON, with shares of all who left and all who stayed."""
        return {
            "steps": list(self.steps), "left": self.left, "stayed": self.stayed, "left_share": self.left / max(left, 1),
            "stayed_share": self.stayed / max(stayed, 1), "lift": self.lift, "low": self.low, "high": self.high, "q": self.q,
        }  # fmt: skip


def paths(
    ids: pa.Array,
    churned: Flags,
    steps: Sequence[pa.Table],
    *,
    longest: int = 3,
    least: int = 30,
    most: int = 12,
    rate: float = 0.05,
) -> dict[str, Any]:
    """The paths that set those who left apart from those who stayed.

    `ids` and `churned`: everybody of the population at the cutoff. `steps`: tables of customer_id, step, in order
    within each customer (one table for each way of telling steps apart). Only paths of at least `least` customers are
    looked at; those with q below `rate` are told, the strongest first. Of two paths of nearly the same customers the
    first is kept. Returns {"customers", "left", "stayed", "looked_at", "leaving": [...], "staying": [...]}.
    """
    found: dict[tuple[str, ...], set[int]] = {}
    for table in steps:
        for owner, sequence in _collapsed(ids, table).items():
            for size in range(1, longest + 1):
                for at in range(len(sequence) - size + 1):
                    found.setdefault(tuple(sequence[at : at + size]), set()).add(owner)
    kept = {path: np.fromiter(sorted(who), np.int64) for path, who in found.items() if len(who) >= least}
    tested = _tested(kept, churned)
    left = int(churned.sum())
    facts = {"customers": len(ids), "left": left, "stayed": len(ids) - left, "looked_at": len(tested)}
    sure = [one for one in tested if one.q < rate]
    for name, chosen, sign in (
        ("leaving", [p for p in sure if p.lift > 1], -1),
        ("staying", [p for p in sure if p.lift < 1], 1),
    ):
        ranked = sorted(chosen, key=lambda p: (sign * np.log(p.low if sign < 0 else p.high), len(p.steps), p.steps))
        facts[name] = [p.as_dict(left, len(ids) - left) for p in _shortest(ranked, kept)[:most]]
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


def _tested(kept: dict[tuple[str, ...], NDArray[np.int64]], churned: Flags) -> list[Path]:
    left, stayed = int(churned.sum()), int((~churned).sum())
    if not left or not stayed or not kept:
        return []
    rows = []
    for path, who in sorted(kept.items()):
        a = int(churned[who].sum())
        b = len(who) - a
        # half a customer more on each side keeps the ratio of shares finite (Walter 1975)
        lift = ((a + 0.5) / (left + 0.5)) / ((b + 0.5) / (stayed + 0.5))
        spread = np.sqrt(max(1 / (a + 0.5) - 1 / (left + 0.5) + 1 / (b + 0.5) - 1 / (stayed + 0.5), 1e-12))
        rows.append(
            (path, a, b, lift, lift * np.exp(-_Z * spread), lift * np.exp(_Z * spread), _p_value(a, left, b, stayed))
        )
    q = benjamini_hochberg([row[-1] for row in rows])
    return [
        Path(p, a, b, float(m), float(lo), float(hi), one) for (p, a, b, m, lo, hi, _), one in zip(rows, q, strict=True)
    ]


def _p_value(a: int, left: int, b: int, stayed: int) -> float:
    """Two shares, pooled z, two-sided."""
    from math import erfc, sqrt

    pooled = (a + b) / (left + stayed)
    spread = sqrt(max(pooled * (1 - pooled) * (1 / left + 1 / stayed), 1e-300))
    return erfc(abs(a / left - b / stayed) / spread / sqrt(2))


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


def _shortest(ranked: Sequence[Path], kept: dict[tuple[str, ...], NDArray[np.int64]]) -> list[Path]:
    """Without paths that say nothing more than one before them: nearly the same customers."""
    chosen: list[Path] = []
    for one in ranked:
        mine = kept[one.steps]
        same = any(_overlap(mine, kept[other.steps]) > 0.8 for other in chosen)
        if not same:
            chosen.append(one)
    return chosen


def _overlap(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    both = len(np.intersect1d(one, other, assume_unique=True))
    return both / (len(one) + len(other) - both)
