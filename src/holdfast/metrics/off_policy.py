"""What another policy would have earned, from a log of this one: one number and one contribution per logged decision.

Every estimator returns `Value`: the estimate and its influence values (mean 0, one per decision), whose spread gives the
standard error and which paired comparisons subtract. Weights are w = target propensity / logged propensity of what was
done. Horvitz & Thompson (1952), JASA 47; Swaminathan & Joachims (2015), NeurIPS; Dudik, Langford & Li (2011), ICML;
Ionides (2008), J. Comp. Graph. Stat. 17 (clipping at sqrt(n) keeps the estimate consistent).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import UsageError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Value:
    """An estimated mean reward per decision; `influence` has one entry per decision."""

    estimate: float
    influence: Floats

    @property
    def se(self) -> float:
        """Standard error, decisions independent."""
        n = len(self.influence)
        return float(np.sqrt((self.influence**2).sum() / (n * max(n - 1, 1))))


def weights(target: Floats, logged: Floats) -> Floats:
    """target / logged propensity of what was done; raises `UsageError` where something done had no chance.

    >>> weights(np.array([0.5, 0.0]), np.array([0.25, 0.5])).tolist()
    [2.0, 0.0]
    """
    if len(logged) and not (logged > 0).all():
        raise UsageError(f"{int((~(logged > 0)).sum())} logged decisions have no propensity above 0")
    return np.asarray(target, np.float64) / logged


def effective_n(w: Floats) -> float:
    """(sum w)^2 / sum w^2: how many decisions the weighted ones are worth (Kish 1965).

    >>> effective_n(np.array([1.0, 1.0, 0.0, 0.0]))
    2.0
    """
    squares = float((w * w).sum())
    return float(w.sum()) ** 2 / squares if squares else 0.0


def ips(reward: Floats, w: Floats) -> Value:
    """Inverse propensity score: mean of w x reward; unbiased.

    >>> ips(np.array([1.0, 0.0]), np.array([2.0, 0.5])).estimate
    1.0
    """
    each = w * reward
    return Value(float(each.mean()), each - each.mean())


def snips(reward: Floats, w: Floats) -> Value:
    """Self-normalised: sum of w x reward over sum of w; within the range of the rewards, slightly biased."""
    mean = float(w.mean())
    estimate = float((w * reward).mean() / mean) if mean else float("nan")
    return Value(estimate, w * (reward - estimate) / mean if mean else np.full(len(w), np.nan))


def clipped(reward: Floats, w: Floats, most: float | None = None) -> Value:
    """IPS with weights of at most `most` (default sqrt(n)): less noise, biased towards 0 for rewards above 0.

    >>> clipped(np.ones(4), np.array([8.0, 0.0, 0.0, 0.0])).estimate
    0.5
    """
    return ips(reward, np.minimum(w, np.sqrt(len(w)) if most is None else most))


def doubly_robust(reward: Floats, w: Floats, said_done: Floats, said_target: Floats) -> Value:
    """A reward model, and what the log says against it: mean of said_target + w x (reward - said_done).

    `said_done`: the model's reward of what was done, by a model that did not see the row; `said_target`: its mean over
    what the target policy does. Right where either the weights or the model are.

    >>> doubly_robust(np.array([1.0, 0.0]), np.ones(2), np.zeros(2), np.zeros(2)).estimate
    0.5
    """
    each = said_target + w * (reward - said_done)
    return Value(float(each.mean()), each - each.mean())


def rare_interval(w: Floats, reward: Floats, level: float = 0.95) -> tuple[float, float]:
    """Interval of the mean of w x reward for rewards that are rarely 1 and else 0, such as clicks.

    The weighted count is taken as a scaled gamma, and its upper end allows for one more reward, of the weight that a
    reward usually has (sum of w^2 over sum of w): Fay & Feuer (1997), Statistics in Medicine 16, with the gentler
    continuity of Tiwari, Clegg & Zou (2006). The percentile bootstrap knows only weights that happened to be rewarded.

    >>> low, high = rare_interval(np.ones(1000), np.r_[np.ones(10), np.zeros(990)])
    >>> round(1000 * low, 2), round(1000 * high, 2)  # the exact Poisson interval of 10
    (4.8, 18.39)
    """
    from scipy.stats import gamma

    n, total, square = len(w), float((w * reward).sum()), float((w * w * reward).sum())
    tail, more = (1 - level) / 2, float((w * w).sum() / w.sum())
    low = float(gamma.ppf(tail, total**2 / square, scale=square / total)) if total > 0 else 0.0
    top, spread = total + more, square + more**2
    return low / n, float(gamma.ppf(1 - tail, top**2 / spread, scale=spread / top)) / n


Bounded = tuple[float, float, float]


def difference_interval(one: Bounded, other: Bounded) -> tuple[float, float]:
    """Of a difference, from (estimate, low, high) of each, independent (Zou & Donner 2008, Statistics in Medicine 27).

    >>> difference_interval((3.0, 2.0, 4.0), (1.0, 1.0, 1.0))
    (1.0, 3.0)
    """
    (a, low, high), (b, low_b, high_b) = one, other
    gap = a - b
    return gap - float(np.hypot(a - low, high_b - b)), gap + float(np.hypot(high - a, b - low_b))


def ratio_interval(one: Bounded, other: Bounded) -> tuple[float, float]:
    """Of a ratio of two positive numbers, the same way (Donner & Zou 2012, Stat. Methods Med. Res. 21).

    >>> ratio_interval((3.0, 2.0, 4.0), (2.0, 2.0, 2.0))
    (1.0, 2.0)
    """
    (a, low, high), (b, low_b, high_b) = one, other
    root = max((a * b) ** 2 - low * high_b * (2 * a - low) * (2 * b - high_b), 0.0)
    top = max((a * b) ** 2 - high * low_b * (2 * a - high) * (2 * b - low_b), 0.0)
    least = (a * b - float(np.sqrt(root))) / (high_b * (2 * b - high_b))
    return least, (a * b + float(np.sqrt(top))) / (low_b * (2 * b - low_b))
