"""Promises kept: what earlier releases published, beside what then happened. Shown when unflattering, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdfast.core.text import Text
from holdfast.report import words
from holdfast.report.html import Html, el
from holdfast.report.kept import gone, kept, money_kept, newest_first
from holdfast.report.parts import Col, Section, absent, figure, legend, table
from holdfast.report.plot import Plot, share_axis
from holdfast.report.story import Story
from holdfast.report.voice import Voice

_TITLE = Text("Promises kept", "言出必验")
_NONE_YET = Text(
    "No earlier release has passed its horizon yet. When data reaches past {day}, this section will say first how "
    "this release's promises turned out.",
    "尚无更早的发布版本走完预测期。当数据超过{day}后，这里会首先说明本版本的预测是否兑现。",
)
_RELEASE = Text("Release of {day}", "{day}发布的版本")
_SAID, _HAPPENED = Text("said", "预测"), Text("happened", "实际")
_INSIDE = Text("The share that left lies within the published interval.", "实际流失比例落在当时公布的区间内。")
_OUTSIDE = Text("The share that left lies outside the published interval.", "实际流失比例落在当时公布的区间之外。")
_CAPTION = Text(
    "On the line, what was said happened. By risk band; whiskers: 95%.",
    "落在对角线上表示所言即所现。按风险等级；须线为95%区间。",
)
_BIG = Text("Said {said}, happened {happened}", "预测{said}，实际{happened}")
_TIP = Text("{band}: said {said}, happened {happened}, n = {n}", "{band}：预测{said}，实际{happened}，n = {n}")
_NOTE = Text(
    "Scored is what a release published before the outcome was known, not a backtest. Lost: usual spend in the horizon "
    "minus what was spent, over the customers called at risk.",
    "评分对象是结果揭晓之前已发布的预测，而非回测。损失：被列为风险客户的平常消费减去实际消费。",
)
SHOWN = 6


def promises(story: Story, voice: Voice) -> Section:
    """One block for each old release whose horizon has passed, newest first."""
    if not story.promises:
        _, end = story.horizon_days(voice)
        return Section("promises", voice.say(_TITLE), None, absent(_NONE_YET, voice, day=voice.day(end)))
    newest = newest_first(story.promises)
    blocks = [_block(one, voice) for one in newest[:SHOWN]]
    rest = _older(newest[SHOWN:], voice)
    return Section("promises", voice.say(_TITLE), kept(newest[0], voice), [blocks, rest], voice.say(_NOTE))


def _block(one: Mapping[str, Any], voice: Voice) -> Html:
    big = voice.say(_BIG, said=voice.percent(one.get("said")), happened=voice.percent(one.get("happened")))
    within = one.get("within_interval")
    facts = [
        el("h3", voice.say(_RELEASE, day=voice.day(one.get("cutoff")))),
        el("p", big, class_="kept-big"),
        el("p", voice.say(_INSIDE if within else _OUTSIDE), class_="muted") if within is not None else None,
        [el("p", said, class_="muted") for said in (money_kept(one, voice), gone(one, voice)) if said],
    ]
    return el("div", el("div", facts), _bands(one.get("bands") or [], voice), class_="promise")


def _bands(bands: list[Mapping[str, Any]], voice: Voice) -> Html | None:
    if not bands:
        return None
    plot = Plot(share_axis(voice, voice.say(_SAID)), share_axis(voice, voice.say(_HAPPENED)), voice.say(_TITLE), 200)
    plot.line([(0, 0), (1, 1)], "ideal")
    rows = []
    for one in bands:
        name = voice.say(words.band(one["band"]))
        said, happened = voice.percent(one["said"]), voice.percent(one["happened"])
        if one.get("low") is not None:
            plot.whisker(one["said"], one["low"], one["high"], one["band"])
        tip = voice.say(_TIP, band=name, said=said, happened=happened, n=voice.count(one["n"]))
        plot.dot(one["said"], one["happened"], one["band"], tip, 12)
        rows.append((name, voice.count(one["n"]), said, happened))
    heads = [
        Col(voice.say(words.BAND)),
        Col("n", "num"),
        Col(voice.say(_SAID), "num"),
        Col(voice.say(_HAPPENED), "num"),
    ]
    names = legend([(one["band"], voice.say(words.band(one["band"]))) for one in bands])
    return figure(
        el("div", plot.html(), names), voice.say(_CAPTION), table(heads, rows, label=voice.say(_TITLE)), voice
    )


_OLDER = Text("Older releases", "更早的版本")
_CUTOFF = Text("Cutoff", "截止时刻")


def _older(rest: list[Mapping[str, Any]], voice: Voice) -> Html | None:
    if not rest:
        return None
    heads = [Col(voice.say(_CUTOFF)), Col("n", "num"), Col(voice.say(_SAID), "num"), Col(voice.say(_HAPPENED), "num")]
    rows = [
        (
            voice.day(one.get("cutoff")),
            voice.count(one.get("n")),
            voice.percent(one.get("said")),
            voice.percent(one.get("happened")),
        )
        for one in rest
    ]
    title = voice.say(_OLDER)
    return el("details", el("summary", title), table(heads, rows, label=title))
