"""The money line of a plan: what doing nothing, treating everybody, treating the riskiest and the plan itself would earn.

Gains are expected profits over doing nothing. What is not known of them is an error of each arm's mean (or of its
prior), the same for all customers at once, so it does not average out: intervals are as wide for a thousand customers
as for ten, per head.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.decide import Decisions, Options
from holdfast.core.results import Undetermined
from holdfast.core.text import Text
from holdfast.metrics.power import detectable_difference

Floats = NDArray[np.float64]
_Z90 = 1.6448536269514722
_LABELS = {
    "nothing": Text("do nothing", "什么都不做"),
    "everyone": Text("everybody gets {arm}", "所有人都给{arm}"),
    "riskiest": Text("the riskiest get {arm}", "风险最高者给{arm}"),
    "guarded": Text("this plan", "本计划"),
}
_KNOWN = Text(
    "By {day} we shall know: {treated} treated and {control} left alone show a change of {points} points in the share that "
    "orders, if there is one (80% power).",
    "到{day}即可得知：{treated}位被干预者与{control}位未干预者可显示下单比例{points}个百分点的变化（检验功效80%）。",
)
_UNKNOWN = Text("This plan will not tell whether it worked: {why}.", "该计划无法判断是否有效：{why}。")


@dataclass(frozen=True)
class Earns:
    """One policy: expected net profit over doing nothing with its 90% interval, spend, customers treated."""

    policy: str
    label: dict[str, str]
    net_profit: float
    low: float
    high: float
    cost: float
    customers: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def money_line(
    options: Options, decisions: Decisions, *, p_churn: Floats, spread: Floats, means: Floats | None = None
) -> list[Earns]:
    """Four policies over the same customers. `spread`: customers x arms, the standard deviation of the gain's error.

    `means`: the measured mean gain of each arm (NaN: not measured), by which `everyone` and `riskiest` are judged: a plan
    does not count on a gain that was not confirmed, but a reader may see it with its interval.

    `everyone` gets the arm that earns most if all who may get it do, whatever the budget; `riskiest` gives that arm to
    those with the highest `p_churn` for as long as the money of the plan lasts. The holdout gets nothing in any of them.

    >>> import pyarrow as pa
    >>> from holdfast.decide.assign import decide
    >>> from holdfast.decide.budget import Limits, allocate
    >>> options = Options(pa.array(["a", "b"]), ("nothing", "mail"), np.array([[0, 2.0], [0, 1.0]]), np.full((2, 2), [0, 1.0]))
    >>> made = decide(options, allocate(options, Limits()), epsilon=0.0)
    >>> [(one.policy, one.net_profit) for one in money_line(options, made, p_churn=np.zeros(2), spread=np.zeros((2, 2)))]
    [('nothing', 0.0), ('everyone', 3.0), ('riskiest', 3.0), ('guarded', 3.0)]
    """
    free = options.eligible & ~decisions.holdout[:, None]
    usual = options.gain if means is None else np.where(np.isnan(means), options.gain, means)
    total = np.where(free, usual, 0.0).sum(axis=0)
    arm = 1 + int(np.argmax(total[1:])) if len(total) > 1 else 0
    everyone = np.where(free[:, arm], arm, 0)
    named = {"nothing": np.zeros(len(options), np.int64), "everyone": everyone,
             "riskiest": _riskiest(options, everyone, p_churn, float(decisions.cost.sum())), "guarded": decisions.chosen}  # fmt: skip
    said = {"everyone": usual, "riskiest": usual}
    return [
        _earns(policy, chosen, options, said.get(policy, options.gain), spread, options.arms[arm])
        for policy, chosen in named.items()
    ]


def _riskiest(options: Options, everyone: NDArray[np.int64], p_churn: Floats, money: float) -> NDArray[np.int64]:
    """The same arm, riskiest first, while the money lasts; equal risks in the order of their ids."""
    order = np.lexsort((np.array(options.customer_id.to_pylist(), dtype=object), -p_churn))
    order = order[everyone[order] > 0]
    spent = np.cumsum(options.cost[order, everyone[order]])
    chosen = np.zeros(len(options), np.int64)
    inside = order[spent <= money + 1e-9]
    chosen[inside] = everyone[inside]
    return chosen


def _earns(policy: str, chosen: NDArray[np.int64], options: Options, gains: Floats, spread: Floats, arm: str) -> Earns:
    rows = np.arange(len(options))
    gain = float(gains[rows, chosen].sum())
    by_arm = np.bincount(chosen, spread[rows, chosen], minlength=len(options.arms))
    doubt = _Z90 * math.sqrt(float((by_arm**2).sum()))
    label = {"en": _LABELS[policy].en.format(arm=arm), "zh": _LABELS[policy].zh.format(arm=arm)}
    cost = float(options.cost[rows, chosen].sum())
    return Earns(policy, label, gain, gain - doubt, gain + doubt, cost, int((chosen > 0).sum()))


def shall_know(decisions: Decisions, p_churn: Floats, start: date, follow_up_days: float) -> dict[str, Any]:
    """The size of change that this plan can show, and from which day on; or why it will show none.

    Counted as left alone: the holdout, and everybody who drew `nothing` although something was open to them.
    """
    alone = decisions.holdout | ((decisions.chosen == 0) & (decisions.propensities[:, 1:].sum(axis=1) > 0))
    treated, control = int((decisions.chosen > 0).sum()), int(alone.sum())
    rate = float(p_churn.mean()) if len(p_churn) else 0.0
    found = detectable_difference(rate, treated, control) if 0 < rate < 1 else Undetermined("nobody is uncertain")
    day = start + timedelta(days=math.ceil(follow_up_days))
    if isinstance(found, Undetermined):
        said = {"en": _UNKNOWN.en.format(why=found.reason), "zh": _UNKNOWN.zh.format(why=found.reason)}
        return {"undetermined": found.reason, "words": said}
    values = {
        "day": day.isoformat(),
        "treated": f"{treated:,}",
        "control": f"{control:,}",
        "points": f"{100 * found:.1f}",
    }
    words = {"en": _KNOWN.en.format(**values), "zh": _KNOWN.zh.format(**values)}
    return {"day": day.isoformat(), "treated": treated, "control": control, "difference": found, "words": words}
