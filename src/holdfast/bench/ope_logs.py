"""Two logs of one shop window: Open Bandit rows, worlds calibrated to them, and the bootstrap over both logs.

The `bts` policy is a context-free Thompson sampler, updated every few minutes; a row logs only the propensity of what was
shown. Its *average* policy of the week is therefore read from its own log: the share of each item at a position. That is
the policy evaluated from `random` logs, and it is re-read in every replicate. What this assumes, and nothing else: an item's
click rate at a position does not move together with the sampler's own moves within the week.
"""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.measure.off_policy import LoggedDecisions, reward_table

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
POSITIONS = 3
#: Updates of the sampler in a calibrated world.
BATCHES = 200


@dataclass(frozen=True)
class Shown:
    """Rows of one policy: the item shown at a position (0 to 2), its propensity, whether it was clicked."""

    item: Ints
    position: Ints
    propensity: Floats
    click: Floats
    items: int

    @property
    def cell(self) -> Ints:
        return self.position * self.items + self.item

    @property
    def shares(self) -> Floats:
        """Positions x items: the average policy, as it was drawn."""
        counts = np.bincount(self.cell, minlength=POSITIONS * self.items).astype(np.float64)
        return np.asarray(shares_of(counts[None], self.items)[0])


def shares_of(counts: NDArray[np.floating[Any]], items: int) -> Floats:
    """Replicates x positions x items from counts of cells; rows add to 1 (0 where a position was never shown)."""
    shaped = np.asarray(counts, np.float64).reshape(len(counts), POSITIONS, items)
    return np.asarray(shaped / np.maximum(shaped.sum(axis=2, keepdims=True), 1.0))


def read(folder: Path, policy: str, campaign: str) -> Shown:
    """One file of the Open Bandit small sample."""
    with gzip.open(folder / policy / campaign / f"{campaign}.csv.gz", "rt", encoding="utf-8", newline="") as lines:
        rows = [(r["item_id"], r["position"], r["propensity_score"], r["click"]) for r in csv.DictReader(lines)]
    found = np.array(rows, dtype=np.float64)
    with gzip.open(folder / policy / campaign / "item_context.csv.gz", "rt", encoding="utf-8") as lines:
        items = sum(1 for _ in lines) - 1
    return Shown(found[:, 0].astype(int), found[:, 1].astype(int) - 1, found[:, 2], found[:, 3], items)


def decisions(log: Shown, target: Floats) -> LoggedDecisions:
    """The rows as decisions; `target`: positions x items."""
    return LoggedDecisions(log.item, log.click, log.propensity, target[log.position], log.position)


@dataclass(frozen=True)
class Draws:
    """Replicates of both logs: Poisson(1) counts of rows, replicates x rows."""

    here: NDArray[np.float32]
    there: NDArray[np.float32]

    @classmethod
    def of(cls, here: Shown, there: Shown, count: int, seed: int) -> Draws:
        random = np.random.default_rng([seed, 23])
        draw = [random.poisson(1.0, (count, len(one.item))).astype(np.float32) for one in (here, there)]
        return cls(draw[0], draw[1])


def replicated(here: Shown, there: Shown, draws: Draws, *, estimated: bool, seed: int = 1) -> dict[str, Floats]:
    """Each estimator's value, from the log `here`, of the policy of `there`, less the value on its own log; by replicate.

    `estimated`: the target is read from `there`, anew in each replicate; else it shows every item alike. `own`: the value
    on the own log. The reward model of `doubly_robust` is learnt once.
    """
    cells, items = POSITIONS * here.items, here.items
    whole = there.shares if estimated else np.full((POSITIONS, items), 1.0 / items)
    flat = (
        shares_of(_summed(draws.there, there.cell, cells), items).reshape(-1, cells)
        if estimated
        else whole.reshape(1, cells)
    )
    own = (draws.there @ there.click) / draws.there.sum(axis=1)
    n = draws.here.sum(axis=1)
    w = whole[here.position, here.item] / here.propensity
    keep = np.minimum(w, np.sqrt(len(w))) / np.maximum(w, 1e-300)  # what clipping leaves of a weight

    def mean(value: Floats) -> Floats:
        """Mean of target / propensity x value: linear in the target, so cell by cell."""
        each = value / here.propensity
        if not estimated:
            return np.asarray(draws.here @ (flat[0][here.cell] * each) / n)
        return np.asarray((flat * _summed(draws.here, here.cell, cells, each)).sum(axis=1) / n)

    said = reward_table(decisions(here, whole), seed=seed)
    done = said[np.arange(len(w)), here.item]
    found = {"ips": mean(here.click), "clipped": mean(keep * here.click)}
    found["snips"] = found["ips"] / mean(np.ones(len(w)))
    found["doubly_robust"] = _direct(here, draws, flat, said) / n + mean(keep * (here.click - done))
    return {name: each - own for name, each in found.items()} | {"own": own}


def _direct(here: Shown, draws: Draws, flat: Floats, said: Floats) -> Floats:
    """Sum over rows of what the reward model says of the target; rows of one position and part are said the same of."""
    mark = np.column_stack([here.position, said @ np.sqrt(np.arange(2.0, said.shape[1] + 2.0))])
    _, first, kind = np.unique(mark.round(12), axis=0, return_index=True, return_inverse=True)
    counts = _summed(draws.here, kind.ravel(), len(first))
    total = np.zeros(len(draws.here))
    target = flat.reshape(len(flat), POSITIONS, -1)
    for at, row in enumerate(first):
        total += counts[:, at] * (target[:, here.position[row]] @ said[row])
    return total


def _summed(counts: NDArray[np.float32], cell: Ints, cells: int, values: Floats | None = None) -> Floats:
    """Replicates x cells: sums of counts x values over the rows of each cell."""
    from scipy.sparse import csr_matrix

    n = len(cell)
    rows = csr_matrix((np.ones(n) if values is None else values, (cell, np.arange(n))), shape=(cells, n))
    return np.asarray((rows @ counts.T).T, np.float64)


@dataclass(frozen=True)
class Calibrated:
    """A world like the data, whose values are known: click rates of each item and position, and a sampler that moves.

    `rate`: positions x items; `policies`: BATCHES x positions x items.
    """

    rate: Floats
    policies: Floats

    @classmethod
    def of(cls, random: Shown, bts: Shown, seed: int) -> Calibrated:
        """Click rates from both logs, drawn towards their mean by their own spread; the sampler's moves by the spread of
        the logged propensities of each item."""
        draw = np.random.default_rng([seed, 29])
        cells = POSITIONS * random.items
        cell = np.concatenate([random.cell, bts.cell])
        click = np.concatenate([random.click, bts.click])
        shown, clicks = np.bincount(cell, minlength=cells), np.bincount(cell, click, minlength=cells)
        mean = click.mean()
        between = max(
            float((shown * (clicks / np.maximum(shown, 1) - mean) ** 2).sum() / shown.sum())
            - mean * cells / shown.sum(),
            0.0,
        )
        strength = mean / between if between > 0 else 1e4
        rate = draw.beta(clicks + strength * mean, shown - clicks + strength * (1 - mean)).reshape(POSITIONS, -1)
        moves = np.exp(_moves(bts)[None] * draw.standard_normal((BATCHES, POSITIONS, random.items)))
        policies = np.maximum(bts.shares, 0.5 / len(bts.item)) * moves
        return cls(rate, policies / policies.sum(axis=2, keepdims=True))

    def log(self, policy: str, rows: int, seed: int) -> Shown:
        """Rows of one policy."""
        draw = np.random.default_rng([seed, 31 if policy == "bts" else 37])
        items = self.rate.shape[1]
        position, batch = draw.integers(0, POSITIONS, rows), draw.integers(0, BATCHES, rows)
        p = self.policies[batch, position] if policy == "bts" else np.full((rows, items), 1.0 / items)
        item = np.minimum((draw.random(rows)[:, None] >= np.cumsum(p, axis=1)).sum(axis=1), items - 1)
        click = (draw.random(rows) < self.rate[position, item]).astype(np.float64)
        return Shown(item, position, p[np.arange(rows), item], click, items)

    def value(self, policy: str) -> float:
        """Clicks per row, exactly."""
        mean = self.policies.mean(axis=0) if policy == "bts" else np.full(self.rate.shape, 1.0 / self.rate.shape[1])
        return float((mean * self.rate).sum(axis=1).mean())


def _moves(bts: Shown) -> Floats:
    """Positions x items: standard deviation of the logarithm of an item's logged propensity; the mean where rarely shown."""
    cells = POSITIONS * bts.items
    logs = np.log(np.maximum(bts.propensity, 1e-5))
    n, total = np.bincount(bts.cell, minlength=cells), np.bincount(bts.cell, logs, minlength=cells)
    spread = np.bincount(bts.cell, logs**2, minlength=cells) - total**2 / np.maximum(n, 1)
    own = np.sqrt(np.maximum(spread, 0.0) / np.maximum(n - 1, 1))
    usual = float(own[n >= 30].mean()) if (n >= 30).any() else 0.5
    return np.where(n >= 30, own, usual).reshape(POSITIONS, bts.items)
