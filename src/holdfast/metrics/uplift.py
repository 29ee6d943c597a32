"""Does a score put those first whom the treatment changes most? Gain curve, Qini, AUUC and uplift at k, any outcome.

Customers are put in order of their score, highest first. With s the share of customers at the front, w = 1/propensity of
what they got, and sums over those customers,

    gain(s) = s x ( sum of w y over the treated / sum of w over the treated
                  - sum of w y over the others  / sum of w over the others )

is what treating that share gains over treating nobody, per head of *all* customers, in outcome units; gain(1) is the mean
effect. A mean over nobody is 0. Equal scores come in together, and between their ends the curve is a straight line: the
expectation over every order of them.

    auuc = integral of gain(s) ds from 0 to 1                    (area under the gain curve)
    qini = integral of gain(s) - s gain(1) ds                    (area between curve and diagonal: 0 for a random score)
    qini_normalised = qini / qini of the perfect curve

The perfect curve is the highest that any score could have, given how the outcomes of each arm are spread: of each share
the treated with the largest outcomes and the others with the smallest,

    perfect(s) = mean over the treated of y 1{among the largest s} - mean over the others of y 1{among the smallest s}

(customers weighed by w). With equal propensities gain(s) is the uplift curve of Gutierrez & Gérardy (2017) over n;
Radcliffe (2007) scales his Qini curve by the treated at the front instead, and the peers' perfect curve holds for binary
outcomes alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import TooLittleData, UsageError
from holdfast.metrics.bootstrap import interval, replicates

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class GainCurve:
    """`gain` (outcome units per head) over `share` (0 to 1), both from 0; straight lines between the points.

    >>> curve = gain_curve([4, 3, 2, 1], [1, 0, 1, 0], [1.0, 0.0, 0.0, 1.0])
    >>> curve.share.tolist(), curve.gain.tolist()
    ([0.0, 0.25, 0.5, 0.75, 1.0], [0.0, 0.25, 0.5, 0.375, 0.0])
    >>> round(curve.auuc, 4), curve.auuc == curve.qini
    (0.2812, True)
    """

    share: Floats
    gain: Floats

    @property
    def auuc(self) -> float:
        return float(_area(self.share, self.gain))

    @property
    def qini(self) -> float:
        return self.auuc - float(self.gain[-1]) / 2

    def at(self, share: float) -> float:
        """Gain per head of all customers when this share is treated."""
        return float(np.interp(share, self.share, self.gain))


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric with the middle 95% of its replicates; None where none were drawn."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, eq=False)
class _Ordered:
    """Customers in order of a score: what they add to the curve, and where runs of equal scores end."""

    y: Floats
    treated: Floats
    other: Floats
    ends: NDArray[np.int64]
    order: NDArray[np.int64]

    def curves(self, weight: Floats) -> tuple[Floats, Floats]:
        """(share, gain), each replicates x (runs + 1), for replicates x customers of weights."""
        w = weight[:, self.order]
        heads, treated, other = (self._sums(w * one) for one in (np.ones(1), self.treated, self.other))
        mean_treated = _mean(self._sums(w * (self.treated * self.y)), treated)
        mean_other = _mean(self._sums(w * (self.other * self.y)), other)
        share = heads / heads[:, -1:]
        return share, share * (mean_treated - mean_other)

    def _sums(self, values: Floats) -> Floats:
        found = np.zeros((len(values), len(self.ends) + 1))
        found[:, 1:] = np.cumsum(values, axis=1)[:, self.ends]
        return found


@dataclass(frozen=True, eq=False)
class _Perfect:
    """Each arm in its own best order: the treated by falling, the others by rising outcome; places, outcomes, weights."""

    order: tuple[NDArray[np.int64], NDArray[np.int64]]
    y: tuple[Floats, Floats]
    base: tuple[Floats, Floats]

    @classmethod
    def of(cls, given: NDArray[np.bool_], y: Floats, chance: Floats) -> _Perfect:
        mine, other = np.flatnonzero(given), np.flatnonzero(~given)
        mine, other = mine[np.argsort(-y[mine], kind="stable")], other[np.argsort(y[other], kind="stable")]
        return cls((mine, other), (y[mine], y[other]), (1 / chance[mine], 1 / (1 - chance[other])))

    def halves(self, weight: Floats | None = None) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
        """(share, mean outcome that the share adds) of the treated and of the others, replicates x customers."""
        found = []
        for order, y, base in zip(self.order, self.y, self.base, strict=True):
            w = base[None] if weight is None else weight[:, order] * base
            share, total = _from_zero(np.cumsum(w, axis=1)), _from_zero(np.cumsum(w * y, axis=1))
            all_of_them = np.maximum(share[:, -1:], 1e-300)
            found.append((share / all_of_them, total / all_of_them))
        return found[0], found[1]


def gain_curve(score: Any, treated: Any, outcome: Any, propensity: Any = None) -> GainCurve:
    """The gain curve of a score.

    `treated`: whether each customer got the treatment; `propensity`: their chance of it (one number or one each), the
    share of treated where not given. Raises `UsageError` where the columns do not belong together and `TooLittleData`
    where nobody or everybody was treated.
    """
    ordered = _order(np.asarray(score, np.float64), *_columns(treated, outcome, propensity))
    share, gain = ordered.curves(np.ones((1, len(ordered.y))))
    return GainCurve(share[0], gain[0])


def perfect_curve(treated: Any, outcome: Any, propensity: Any = None) -> GainCurve:
    """The highest curve that any score could have.

    >>> perfect_curve([1, 0, 1, 0], [1.0, 0.0, 0.0, 1.0]).gain.tolist()
    [0.0, 0.5, 0.0]
    """
    halves = [(share[0], total[0]) for share, total in _Perfect.of(*_columns(treated, outcome, propensity)).halves()]
    share = np.unique(np.concatenate([one for one, _ in halves]))
    mine, other = (np.interp(share, *one) for one in halves)
    return GainCurve(share, mine - other)


def uplift_at(score: Any, treated: Any, outcome: Any, propensity: Any = None, *, share: float = 0.1) -> float:
    """Mean effect among the given share with the highest scores, outcome units per head of those.

    >>> uplift_at([4, 3, 2, 1], [1, 0, 1, 0], [1.0, 0.0, 0.0, 1.0], share=0.5)
    1.0
    """
    if not 0 < share <= 1:
        raise UsageError(f"a share of {share} cannot be treated", remedy="name a share above 0, at most 1")
    return gain_curve(score, treated, outcome, propensity).at(share) / share


def uplift_metrics(
    score: Any, treated: Any, outcome: Any, propensity: Any = None, *, shares: Sequence[float] = (0.1, 0.3),
    draws: int = 0, seed: int = 1,
) -> dict[str, Estimate]:  # fmt: skip
    """qini, qini_normalised, auuc and uplift_at_<k>pct; with `draws` each has a bootstrap interval over customers.

    >>> sorted(uplift_metrics([4, 3, 2, 1], [1, 0, 1, 0], [1.0, 0.0, 0.0, 1.0], shares=(0.5,)))
    ['auuc', 'qini', 'qini_normalised', 'uplift_at_50pct']
    """
    given, y, chance = _columns(treated, outcome, propensity)
    mine = _order(np.asarray(score, np.float64), given, y, chance)
    perfect = _Perfect.of(given, y, chance)
    point = _summary(mine, perfect, np.ones((1, len(y))), shares)
    drawn = [_summary(mine, perfect, w, shares) for w in replicates(len(y), draws, seed, cells=1_000_000)]
    found = {}
    for name, value in point.items():
        low, high = interval(np.concatenate([one[name] for one in drawn])) if drawn else (None, None)
        found[name] = Estimate(float(value[0]), low, high)
    return found


def _summary(mine: _Ordered, perfect: _Perfect, weight: Floats, shares: Sequence[float]) -> dict[str, Floats]:
    """Every metric for each replicate."""
    share, gain = mine.curves(weight)
    auuc = _area(share, gain)
    qini = auuc - gain[:, -1] / 2
    (ahead, behind) = perfect.halves(weight)
    best = _area(*ahead) - _area(*behind) - (ahead[1][:, -1] - behind[1][:, -1]) / 2
    found = {"qini": qini, "qini_normalised": qini / np.where(best > 0, best, np.nan), "auuc": auuc}
    for one in shares:
        each = [float(np.interp(one, s, g)) / one for s, g in zip(share, gain, strict=True)]
        found[f"uplift_at_{one:.0%}".replace("%", "pct")] = np.array(each)
    return found


def _order(score: Floats, given: NDArray[np.bool_], y: Floats, chance: Floats) -> _Ordered:
    if score.shape != y.shape or not np.isfinite(score).all():
        raise UsageError(f"{score.size:,} scores for {y.size:,} customers, or a score that is not a number")
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    ends = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
    treated = np.where(given, 1 / chance, 0.0)[order]
    other = np.where(given, 0.0, 1 / (1 - chance))[order]
    return _Ordered(y[order], treated, other, ends, order)


def _columns(treated: Any, outcome: Any, propensity: Any) -> tuple[NDArray[np.bool_], Floats, Floats]:
    given, y = np.asarray(treated).astype(bool), np.asarray(outcome, np.float64)
    if given.shape != y.shape or not np.isfinite(y).all():
        raise UsageError(f"{given.size:,} treatments for {y.size:,} outcomes, or an outcome that is not a number")
    if not 0 < given.sum() < len(given):
        raise TooLittleData(
            f"{int(given.sum()):,} of {len(given):,} customers were treated: there is nobody to compare with",
            remedy="keep a holdout that is not treated",
        )
    chance = np.broadcast_to(np.asarray(given.mean() if propensity is None else propensity, np.float64), y.shape)
    if not (chance.min() > 0 and chance.max() < 1):
        raise UsageError("the propensity of a treatment lies between 0 and 1, both left out")
    return given, y, chance


def _mean(total: Floats, weight: Floats) -> Floats:
    """0 over nothing."""
    return np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)


def _from_zero(sums: Floats) -> Floats:
    return np.hstack([np.zeros((len(sums), 1)), sums])


def _area(share: Floats, gain: Floats) -> Floats:
    """By trapezoids, along the last axis."""
    return np.asarray((np.diff(share, axis=-1) * (gain[..., 1:] + gain[..., :-1]) / 2).sum(axis=-1), np.float64)
