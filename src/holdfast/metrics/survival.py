"""Is a survival curve any good: concordance, censoring-weighted Brier scores and AUC, calibration.

Durations are days, `happened` says that the event came (False: censored), and `survival` is P(no event before a day):
an event at exactly day d is survived up to d, as a horizon is half-open. Weights work as in `metrics.ranking`: none,
one vector, or one row for each bootstrap replicate.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.metrics.probability import bin_of
from holdfast.metrics.ranking import answer, auc

Floats = NDArray[np.float64]
#: Cells of a (replicates x rows) matrix worked on at once.
_CELLS = 4_000_000


def concordance(
    duration: NDArray[Any], happened: NDArray[Any], said: NDArray[Any], weights: NDArray[Any] | None = None
) -> Any:
    """P(of two rows, the one whose event came first was said to be sooner): Harrell's C, in O(n log n).

    `said` is higher for a sooner event. A pair counts if the earlier one had its event and the other was then still
    without; equal scores count half. Two events on the same day tell nothing. NaN where no pair counts.

    Pairs are counted while merging blocks of rows in order of time, as a merge sort counts inversions.

    >>> concordance(np.array([1, 2, 3]), np.array([True, True, False]), np.array([0.9, 0.8, 0.1]))
    1.0
    """
    order, group, score = _in_time(duration, happened, said)
    event = np.asarray(happened, bool)[order]
    weight = np.ones((1, len(order))) if weights is None else np.atleast_2d(weights)[:, order].astype(np.float64)
    step = max(1, _CELLS // max(len(order), 1))
    found = [_concordance(group, event, score, weight[at : at + step]) for at in range(0, len(weight), step)]
    return answer(np.concatenate(found), weights)


def _in_time(
    duration: NDArray[Any], happened: NDArray[Any], said: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Row order by time, events before the censored of the same day; the group of equal times; ranks of scores."""
    days, event = np.asarray(duration, np.float64), np.asarray(happened, bool)
    rank = np.unique(np.asarray(said, np.float64), return_inverse=True)[1].ravel()
    order = np.lexsort((rank, ~event, days)) if len(days) else np.array([], np.int64)
    days, event = days[order], event[order]
    new = np.r_[True, (days[1:] != days[:-1]) | (event[1:] != event[:-1])] if len(days) else np.array([], bool)
    return order, np.cumsum(new) - 1, rank[order]


def _concordance(
    group: NDArray[np.int64], event: NDArray[np.bool_], score: NDArray[np.int64], weight: Floats
) -> Floats:
    n = len(group)
    if not n:
        return np.full(len(weight), np.nan)
    head = np.zeros((len(weight), 1))
    total = np.hstack([head, np.cumsum(weight, axis=1)])
    ends = np.searchsorted(group, group, side="right")
    mine = weight * event
    pairs = (mine * (total[:, -1:] - total[:, ends])).sum(axis=1)
    # Within a group of equal times rows stand by rising score, so that merging counts its equal pairs only: taken off.
    cell = group * (int(score.max()) + 1) + score
    starts = np.flatnonzero(np.r_[True, cell[1:] != cell[:-1]])
    sums, squares = (np.add.reduceat(w, starts, axis=1) for w in (mine, mine**2))
    right = -0.25 * (sums**2 - squares).sum(axis=1)
    order = np.arange(n)
    size = 1
    while size < n:
        block = order // (2 * size)
        key = block * (n + 1) + score[order]
        order = order[np.argsort(key, kind="stable")]
        right += _merged(order, size, score, mine, weight)
        size *= 2
    return np.asarray(np.divide(right, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0))


def _merged(order: NDArray[np.int64], size: int, score: NDArray[np.int64], mine: Floats, weight: Floats) -> Floats:
    """Weight of pairs (event in a left half, later row in the right half) that are in order; equal scores half.

    `order` lists rows block by block (2 x size rows), by rising score within a block.
    """
    block, later = order // (2 * size), (order // size) % 2 == 1
    sorted_score = score[order]
    new = np.r_[True, (block[1:] != block[:-1]) | (sorted_score[1:] != sorted_score[:-1])]
    opens = np.r_[True, block[1:] != block[:-1]]
    tie_start = np.flatnonzero(new)[np.cumsum(new) - 1]
    tie_end = np.r_[np.flatnonzero(new)[1:], len(order)][np.cumsum(new) - 1]
    block_start = np.flatnonzero(opens)[np.cumsum(opens) - 1]
    behind = np.hstack([np.zeros((len(weight), 1)), np.cumsum(weight[:, order] * later, axis=1)])
    lower = behind[:, tie_start] - behind[:, block_start]
    equal = behind[:, tie_end] - behind[:, tie_start]
    return np.asarray((mine[:, order] * ~later * (lower + 0.5 * equal)).sum(axis=1))


def censored_weights(duration: NDArray[Any], happened: NDArray[Any], day: float) -> tuple[NDArray[np.bool_], Floats]:
    """Who had no event before `day`, and how much each row stands for: 0 where that is not known.

    Rows whose fate is known stand for those censored before (inverse probability of censoring, Graf et al. 1999). The
    chance of being watched so long comes from Kaplan-Meier with censoring as the event. All 0 where nobody is watched
    to `day`.

    >>> alive, weight = censored_weights(np.array([1.0, 2.0, 9.0]), np.array([True, False, False]), 5.0)
    >>> alive.tolist(), weight.tolist()
    ([False, True, True], [1.0, 0.0, 2.0])
    """
    days, event = np.asarray(duration, np.float64), np.asarray(happened, bool)
    early = event & (days < day)
    watched = days >= day
    if not watched.any():
        return ~early, np.zeros(len(days))
    times, counts = np.unique(days[~event], return_counts=True)
    # At an equal day events come before censoring, so those who have the event then are no longer at risk of it.
    at_risk = len(days) - np.searchsorted(np.sort(days), times, side="left")
    gone = np.searchsorted(np.sort(days[event]), times, side="right")
    gone -= np.searchsorted(np.sort(days[event]), times, side="left")
    stays = np.r_[1.0, np.cumprod(1.0 - counts / np.maximum(at_risk - gone, 1))]
    until = np.where(early, days, day)
    chance = stays[np.searchsorted(times, until, side="left")]
    known = early | watched
    return ~early, np.divide(known.astype(np.float64), chance, out=np.zeros(len(days)), where=chance > 0)


def brier_at(
    duration: NDArray[Any], happened: NDArray[Any], survival: NDArray[Any], day: float,
    weights: NDArray[Any] | None = None,
) -> Any:  # fmt: skip
    """Mean squared distance between survival said for `day` and what happened, censoring weighted; NaN if unknown.

    >>> brier_at(np.array([5.0, 40.0]), np.array([True, False]), np.array([0.5, 0.5]), 30.0)
    0.25
    """
    alive, known = censored_weights(duration, happened, day)
    return _mean((np.asarray(survival, np.float64) - alive) ** 2, known, weights)


def integrated_brier(
    duration: NDArray[Any], happened: NDArray[Any], survival: NDArray[Any], days: NDArray[Any],
    weights: NDArray[Any] | None = None,
) -> Any:  # fmt: skip
    """The Brier score averaged over days 0 to the last of `days` (trapezoids; 0 at day 0, when all is known).

    `survival` is rows x days.

    >>> integrated_brier(np.array([5.0, 40.0]), np.array([True, False]), np.full((2, 1), 0.5), np.array([30.0]))
    0.125
    """
    ends = np.asarray(days, np.float64)
    curve = np.asarray(survival, np.float64)
    scores = [np.atleast_1d(brier_at(duration, happened, curve[:, at], float(d), weights)) for at, d in enumerate(ends)]
    heights = np.stack([np.zeros(len(scores[0])), *scores])
    widths = np.diff(np.r_[0.0, ends])
    total = (widths[:, None] * (heights[1:] + heights[:-1]) / 2).sum(axis=0) / ends[-1]
    return answer(np.asarray(total), weights)


def auc_at(
    duration: NDArray[Any], happened: NDArray[Any], survival: NDArray[Any], day: float,
    weights: NDArray[Any] | None = None,
) -> Any:  # fmt: skip
    """Time-dependent AUC: P(one with an event before `day` was said to survive it less than one without).

    >>> auc_at(np.array([5.0, 40.0]), np.array([True, False]), np.array([0.2, 0.5]), 30.0)
    1.0
    """
    alive, known = censored_weights(duration, happened, day)
    weight = known if weights is None else np.asarray(weights, np.float64) * known
    return auc(alive, survival, weight)


def calibration_at(
    duration: NDArray[Any], happened: NDArray[Any], survival: NDArray[Any], day: float,
    weights: NDArray[Any] | None = None,
) -> Any:  # fmt: skip
    """Mean survival said for `day` less the share that did survive it: 0 is right on average.

    >>> calibration_at(np.array([5.0, 40.0]), np.array([True, False]), np.array([0.5, 0.7]), 30.0)
    0.09999999999999998
    """
    alive, known = censored_weights(duration, happened, day)
    said = np.asarray(survival, np.float64)
    everybody = np.ones(len(said)) if len(said) and bool((known > 0).any()) else np.zeros(len(said))
    return _mean(said, everybody, weights) - _mean(alive.astype(np.float64), known, weights)


def calibration_by_tenth(
    duration: NDArray[Any], happened: NDArray[Any], survival: NDArray[Any], day: float, bins: int = 10
) -> list[dict[str, float]]:
    """Said against happened at `day` in groups of equal size, by rising survival; groups nobody watched are left out.

    >>> rows = calibration_by_tenth(np.array([5.0, 40.0]), np.array([True, False]), np.array([0.2, 0.9]), 30.0, 2)
    >>> [(row["said"], row["happened"]) for row in rows]
    [(0.2, 0.0), (0.9, 1.0)]
    """
    said = np.asarray(survival, np.float64)
    alive, known = censored_weights(duration, happened, day)
    groups = bin_of(said, bins)
    rows = []
    for group in range(int(groups.max()) + 1 if len(said) else 0):
        inside = groups == group
        total = float(known[inside].sum())
        if total > 0:
            share = float(known[inside] @ alive[inside]) / total
            rows.append({"n": int(inside.sum()), "said": float(said[inside].mean()), "happened": share})
    return rows


def ece_at(
    duration: NDArray[Any], happened: NDArray[Any], survival: NDArray[Any], day: float,
    weights: NDArray[Any] | None = None, bins: int = 10,
) -> Any:  # fmt: skip
    """Mean distance between said and happened over tenths of customers by survival at `day`, censoring weighted.

    >>> ece_at(np.array([5.0, 40.0]), np.array([True, False]), np.array([0.2, 0.9]), 30.0, bins=2)
    0.15
    """
    said = np.asarray(survival, np.float64)
    alive, known = censored_weights(duration, happened, day)
    order = np.argsort(bin_of(said, bins), kind="stable")
    groups = bin_of(said, bins)[order]
    starts = np.flatnonzero(np.r_[True, np.diff(groups) > 0]) if len(groups) else np.array([], np.int64)
    weight = np.ones((1, len(said))) if weights is None else np.atleast_2d(weights).astype(np.float64)
    if not len(starts) or not bool((known > 0).any()):
        return answer(np.full(len(weight), np.nan), weights)
    n, told, seen, stayed = (
        np.add.reduceat((weight * column)[:, order], starts, axis=1) for column in (1.0, said, known, known * alive)
    )
    share = np.divide(stayed, seen, out=np.full_like(stayed, np.nan), where=seen > 0)
    off = np.where((n > 0) & (seen > 0), np.abs(told - n * share), 0.0)
    return answer(np.asarray(off.sum(axis=1) / np.maximum(n.sum(axis=1), 1e-300)), weights)


def d_calibration(happened: NDArray[Any], survival_at_end: NDArray[Any], bins: int = 10) -> tuple[Floats, float]:
    """Share of rows in each tenth of survival at their own time, and the chi-square distance from equal shares.

    Under a true curve the survival at the event is uniform; a censored row may yet fall anywhere below its own survival,
    so it is spread there (Haider et al. 2020). The distance has about `bins` - 1 degrees of freedom.

    >>> shares, distance = d_calibration(np.ones(4, bool), np.array([0.1, 0.4, 0.6, 0.9]), bins=2)
    >>> shares.tolist(), distance
    ([0.5, 0.5], 0.0)
    """
    event, ends = np.asarray(happened, bool), np.clip(np.asarray(survival_at_end, np.float64), 1e-12, 1.0)
    low, high = np.arange(bins) / bins, np.arange(1, bins + 1) / bins
    exact = np.minimum((ends[event] * bins).astype(np.int64), bins - 1)
    mass = np.bincount(exact, minlength=bins).astype(np.float64)
    left = ends[~event][:, None]
    mass += (np.clip(left - low, 0.0, high - low) / left).sum(axis=0)
    if not len(ends):
        return np.full(bins, np.nan), float("nan")
    return mass / len(ends), float(((mass - len(ends) / bins) ** 2).sum() / (len(ends) / bins))


def _mean(values: Floats, known: Floats, weights: NDArray[Any] | None) -> Any:
    weight = (np.ones((1, len(values))) if weights is None else np.atleast_2d(weights).astype(np.float64)) * known
    total = weight.sum(axis=1)
    found = np.divide(weight @ values, total, out=np.full(len(total), np.nan), where=total > 0)
    return answer(np.asarray(found), weights)
