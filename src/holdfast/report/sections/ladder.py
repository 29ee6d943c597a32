"""The risk ladder: how many customers and how much money stand on each rung, and what to do there."""

from __future__ import annotations

from holdfast.core.text import Text
from holdfast.report import words
from holdfast.report.html import Html, el
from holdfast.report.parts import Col, Section, chip, figure, table, term
from holdfast.report.sections.holders import holders
from holdfast.report.story import Story
from holdfast.report.voice import Voice

_TITLE = Text("Risk ladder", "风险阶梯")
_LEAD = Text(
    "{count} customers ({share}) are on the two upper rungs and hold {money} of the value at risk.",
    "最上面两级共有{count}位客户（{share}），占风险价值的{money}。",
)
_MEAN_P = Text("Mean chance", "平均概率")
_CAPTION = Text("Bars: share of customers and share of value at risk.", "条形：客户占比与风险价值占比。")
_OF_CUSTOMERS = Text("of customers", "客户占比")
_OF_VALUE = Text("of value at risk", "风险价值占比")
ORDER = ("critical", "high", "watch", "low")


def ladder(story: Story, voice: Voice) -> Section:
    """Rungs from critical down to low, with their cost rule."""
    total = max(float(story.at_risk.sum()), 1e-9)
    upper = (story.band == "critical") | (story.band == "high")
    lead = voice.say(
        _LEAD,
        count=voice.count(int(upper.sum())),
        share=voice.percent(float(upper.mean()) if len(upper) else None),
        money=voice.percent(float(story.at_risk[upper].sum()) / total),
    )
    rungs = el("div", [_rung(story, voice, band, total) for band in ORDER], class_="ladder")
    body = [figure(rungs, voice.say(_CAPTION), _numbers(story, voice), voice), holders(story, voice)]
    return Section("ladder", voice.say(_TITLE), lead, body, voice.say(story.bands.get("rule")))


def _rung(story: Story, voice: Voice, band: str, total: float) -> Html:
    mine = story.band == band
    share = float(mine.mean()) if len(mine) else 0.0
    value = float(story.at_risk[mine].sum())
    meaning = voice.say((story.bands.get("meanings") or {}).get(band))
    return el(
        "div",
        el("div", chip(band, voice.say(words.band(band))), el("b", voice.count(int(mine.sum()))), class_="rung-head"),
        el("p", meaning),
        _bar(share, f"{voice.percent(share)} {voice.say(_OF_CUSTOMERS)}", band),
        _bar(value / total, f"{voice.percent(value / total)} {voice.say(_OF_VALUE)} · {voice.money(value)}", band),
        class_="rung",
    )


def _bar(share: float, label: str, kind: str) -> Html:
    return el(
        "div",
        el("i", class_=f"fill {kind}", style=f"width:{100 * share:.2f}%"),
        el("span", label),
        class_="bar",
    )


def _numbers(story: Story, voice: Voice) -> Html:
    heads = [
        Col(voice.say(words.BAND)),
        Col(voice.say(words.CUSTOMERS), "num"),
        Col(term("p_churn", voice.say(_MEAN_P), voice), "num"),
        Col(term("value_at_risk", voice.say(words.VALUE_AT_RISK), voice), "num"),
    ]
    rows = []
    for band in ORDER:
        mine = story.band == band
        mean = float(story.p_churn[mine].mean()) if mine.any() else None
        money = voice.money(float(story.at_risk[mine].sum()))
        rows.append((voice.say(words.band(band)), voice.count(int(mine.sum())), voice.percent(mean), money))
    return table(heads, rows, label=voice.say(_TITLE))
