"""What another policy would have earned, from the log of this one, and when the log cannot say.

IPS, self-normalised, clipped and doubly robust, each with its interval; refused where the two policies overlap too little:
a handful of decisions would then carry the whole estimate, and an interval of their spread would be made up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.core.results import Undetermined
from holdfast.core.text import Language, Text
from holdfast.metrics.off_policy import Value, clipped, doubly_robust, effective_n, ips, snips, weights

__all__ = ["ESTIMATORS", "LoggedDecisions", "overlap", "reward_table", "values"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
ESTIMATORS = ("ips", "snips", "clipped", "doubly_robust")
#: Fewer decisions than this behind the weights, or more than this share of the weight on one decision: refused.
LEAST_EFFECTIVE = 100.0
MOST_OF_ONE = 0.05
FOLDS = 5
_FEW = Text(
    "the two policies overlap too little: {n} logged decisions are worth {effective} of the other policy's",
    "两种策略重叠太少：{n}条记录只相当于另一策略的{effective}条",
)
_ONE = Text(
    "one logged decision carries {share} of the whole weight; the log cannot speak for the other policy",
    "单条记录占全部权重的{share}；该日志无法代表另一策略",
)
_EMPTY = Text("no decision is logged", "没有任何决策记录")


@dataclass(frozen=True)
class LoggedDecisions:
    """What was done, at which chance, and what came of it; `target`: the other policy's chance of every action.

    `action`: place in the columns of `target` (decisions x actions, rows add to 1); `stratum`: what the reward may
    depend on besides the action (a position, a segment).
    """

    action: Ints
    reward: Floats
    propensity: Floats
    target: Floats
    stratum: Ints

    @property
    def weights(self) -> Floats:
        return weights(self.target[np.arange(len(self.action)), self.action], self.propensity)


def overlap(w: Floats, language: Language = "en") -> Undetermined | None:
    """Why the log cannot speak for the other policy; None where it can.

    >>> overlap(np.ones(1000)) is None
    True
    >>> overlap(np.r_[np.full(999, 0.01), 50.0])
    Undetermined(reason="the two policies overlap too little: 1,000 logged decisions are worth 1 of the other policy's")
    """
    if not len(w):
        return Undetermined(_EMPTY.render(language))
    effective = effective_n(w)
    if effective < LEAST_EFFECTIVE:
        return Undetermined(_FEW.render(language, n=f"{len(w):,}", effective=f"{effective:,.0f}"))
    share = float(w.max() / w.sum())
    return Undetermined(_ONE.render(language, share=f"{share:.0%}")) if share > MOST_OF_ONE else None


def reward_table(log: LoggedDecisions, strength: float = 50.0, seed: int = 1) -> Floats:
    """Decisions x actions: the reward of every action by a model that did not see the decision.

    The mean reward of an action in its stratum, drawn towards the mean of all (worth `strength` decisions), cross-fitted
    over five parts.
    """
    n, actions = log.target.shape
    fold = np.random.default_rng([seed, 11]).integers(0, FOLDS, n)
    cell = log.stratum * actions + log.action
    cells = (int(log.stratum.max()) + 1) * actions
    out = np.empty((n, actions))
    for one in range(FOLDS):
        seen, asked = fold != one, fold == one
        total = np.bincount(cell[seen], log.reward[seen], minlength=cells)
        count = np.bincount(cell[seen], minlength=cells)
        said = (total + strength * log.reward[seen].mean()) / (count + strength)
        out[asked] = said.reshape(-1, actions)[log.stratum[asked]]
    return out


def values(log: LoggedDecisions, *, seed: int = 1, language: Language = "en") -> dict[str, Value | Undetermined]:
    """The other policy's mean reward by every estimator; those that use bare weights are refused by `overlap`.

    `clipped` and `doubly_robust` cap the weights at sqrt(n) and are judged by the capped ones.
    """
    w = log.weights
    capped = np.minimum(w, np.sqrt(len(w)))
    bare, tame = overlap(w, language), overlap(capped, language)
    found: dict[str, Value | Undetermined] = {}
    found["ips"] = bare if bare is not None else ips(log.reward, w)
    found["snips"] = bare if bare is not None else snips(log.reward, w)
    found["clipped"] = tame if tame is not None else clipped(log.reward, w)
    if tame is not None:
        return {**found, "doubly_robust": tame}
    said = reward_table(log, seed=seed)
    done = said[np.arange(len(w)), log.action]
    found["doubly_robust"] = doubly_robust(log.reward, capped, done, (log.target * said).sum(axis=1))
    return found
