"""The first screen: what is happening, who, and what to do on Monday."""

from __future__ import annotations

from typing import Any

import numpy as np

from holdfast.core.text import Text
from holdfast.report import words
from holdfast.report.story import Story
from holdfast.report.voice import Voice, isolated

_HAPPENING = Text(
    "Of {n} {population}, about {k} ({p}) will probably not order in the next {horizon}{compared}.",
    "{population}共{n}位，其中约{k}位（{p}）在接下来的{horizon}内很可能不会下单{compared}。",
)
_MORE = Text(", more than the {base} of the last period that could be checked", "，高于最近一个可核对时段的{base}")
_FEWER = Text(", fewer than the {base} of the last period that could be checked", "，低于最近一个可核对时段的{base}")
_ALIKE = Text(", much like the {base} of the last period that could be checked", "，与最近一个可核对时段的{base}相近")
#: Shares that differ by less are alike: the level between seasons is not known better.
_CLOSE = 0.03
_WHO = Text(
    "Of what they usually spend in that time, {money} is at risk{interval}; {m} customers ({share}) hold half of it{state}.",
    "这段时间里，他们平常的消费中有{money}面临风险{interval}；其中一半集中在{m}位客户（{share}）身上{state}。",
)
_WHO_INTERVAL = Text(" (90%: {low} to {high})", "（90%区间：{low}至{high}）")
_WHO_STATE = Text(", most of them {state}", "，其中大多是“{state}”")
_NO_MONEY = Text(
    "No usual spend is at risk: nobody is expected to spend less than usual.",
    "没有消费面临风险：预计没有客户会比平常花得更少。",
)
_MONDAY = Text(
    "On Monday, {what}, starting with {first}; leave a random tenth of them alone, to see what it changed.",
    "周一请{what}，从{first}开始；随机留出十分之一不联系，以便衡量效果。",
)
_DO = {
    "critical": Text("write to the {critical} critical customers with an offer", "带优惠联系{critical}位危急客户"),
    "high": Text("write to the {high} high-risk customers, without an offer", "不带优惠联系{high}位高风险客户"),
}
_BOTH = Text(
    "write to the {critical} critical customers with an offer and to the {high} high-risk ones without",
    "带优惠联系{critical}位危急客户，不带优惠联系{high}位高风险客户",
)
_NOBODY = Text(
    "On Monday, contact nobody yet: at the assumed costs no contact pays for itself; check [costs] in holdfast.toml.",
    "周一暂不必联系任何人：按假设的成本，联系都不划算；请检查 holdfast.toml 的 [costs]。",
)
_EMPTY = Text("Nobody is in the population at this cutoff.", "在该截止时刻，统计范围内没有客户。")


def opening(story: Story, voice: Voice, *, base_rate: float | None = None) -> list[str]:
    """Three sentences (one, where there is nobody to speak about)."""
    if story.customers.num_rows == 0:
        return [voice.say(_EMPTY)]
    return [_happening(story, voice, base_rate), _who(story, voice), _monday(story, voice)]


def _happening(story: Story, voice: Voice, base_rate: float | None) -> str:
    share = float(story.p_churn.mean())
    return voice.say(
        _HAPPENING,
        n=voice.count(len(story.p_churn)),
        population=story.population(voice),
        k=voice.count(float(story.p_churn.sum())),
        p=voice.percent(share),
        horizon=voice.days(story.horizon_length),
        compared=_compared(share, base_rate, voice),
    )


def _compared(share: float, base: float | None, voice: Voice) -> str:
    if base is None:
        return ""
    text = _ALIKE if abs(share - base) < _CLOSE else _MORE if share > base else _FEWER
    return voice.say(text, base=voice.percent(base))


def _who(story: Story, voice: Voice) -> str:
    total, low, high = story.total_at_risk
    if total <= 0:
        return voice.say(_NO_MONEY)
    holders = half_holders(story.at_risk)
    interval = "" if low is None else voice.say(_WHO_INTERVAL, low=voice.money(low), high=voice.money(high))
    states = story.customers["lifecycle"].to_pylist()
    common = _commonest([states[i] for i in story.ranked[:holders]])
    return voice.say(
        _WHO,
        money=voice.money(total),
        interval=interval,
        m=voice.count(holders),
        share=voice.percent(holders / len(story.at_risk)),
        state=voice.say(_WHO_STATE, state=voice.say(words.state(common))) if common else "",
    )


def half_holders(at_risk: np.ndarray[Any, Any]) -> int:
    """How many customers, largest first, hold half of the value at risk.

    >>> half_holders(np.array([1.0, 5.0, 2.0, 2.0]))
    1
    """
    ranked = np.sort(at_risk)[::-1].cumsum()
    return int(np.searchsorted(ranked, ranked[-1] / 2)) + 1 if len(ranked) and ranked[-1] > 0 else 0


def _commonest(states: list[str | None]) -> str | None:
    counts = {one: states.count(one) for one in sorted({s for s in states if s})}
    best = max(counts, key=lambda one: counts[one], default=None)
    return best if best is not None and counts[best] * 2 > len(states) else None


def _monday(story: Story, voice: Voice) -> str:
    counts = {band: int((story.band == band).sum()) for band in ("critical", "high")}
    there = [band for band, count in counts.items() if count]
    if not there:
        return voice.say(_NOBODY)
    chosen = there[0]
    said = {band: voice.count(count) for band, count in counts.items()}
    what = voice.say(_BOTH if len(there) == 2 else _DO[chosen], **said)
    first = [isolated(row["customer_id"]) for row in story.top(3, chosen)]
    return voice.say(_MONDAY, what=what, first=voice.listed(first))
