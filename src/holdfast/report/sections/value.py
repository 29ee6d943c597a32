"""What customers are worth: the total, how unevenly it lies, and how earlier forecasts of it turned out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdfast.core.text import Text
from holdfast.report.html import Html, el
from holdfast.report.parts import Col, Section, absent, figure, line_legend, table
from holdfast.report.plot import Axis, Plot, round_ticks, share_axis
from holdfast.report.scores import model_name
from holdfast.report.story import Story
from holdfast.report.voice import Voice

_TITLE = Text("What they are worth", "客户价值")
_LEAD = Text(
    "Over the next {horizon} these {n} customers should bring {total} of margin; {share} of it from one tenth of them.",
    "未来{horizon}，这{n}位客户预计带来{total}毛利；其中{share}来自一成客户。",
)
_ABSENT = Text("Customer value could not be learnt: {why}.", "无法学习客户价值：{why}。")
_NONE = Text("the release holds none", "该版本未包含")
_DECILES = Text("Said and spent, by tenth of customers", "按十分位：预测与实际消费")
_DECILES_CAPTION = Text(
    "Test at {day}, mean spend within {horizon} by tenth of what was said (scale: square root).",
    "检验时刻{day}：按预测分十组，{horizon}内的平均消费（平方根刻度）。",
)
_GAIN = Text("How much of the money does the top of the list hold?", "名单前部包含多少消费？")
_SHARE, _MONEY = Text("share of customers", "客户占比"), Text("share of spend", "消费占比")
_SAID, _SPENT, _RANDOM = Text("said", "预测"), Text("spent", "实际"), Text("random", "随机")
_MODEL = Text("Model", "模型")
_GAIN_CAPTION = Text(
    "Customers from the most valuable down. The top tenth held {top} of what was then spent; Gini {gini} of a perfect list's.",
    "按价值从高到低。前一成客户占此后消费的{top}；归一化基尼系数{gini}。",
)
_CUTOFFS = Text("Value at earlier cutoffs", "较早时刻的价值预测")
_CUTOFF, _N, _GINI, _BIAS = (
    Text("Cutoff", "截止时刻"),
    Text("Customers", "客户数"),
    Text("Gini", "基尼"),
    Text("bias", "偏差"),
)


def value(story: Story, voice: Voice) -> Section:
    """Total and unevenness in words; deciles and gain curve of the newest judged cutoff; all of them as a table."""
    facts = story.outlook.get("value") or {}
    if not facts.get("model"):
        why = str(facts.get("undetermined") or voice.say(_NONE))
        return Section("value", voice.say(_TITLE), None, absent(_ABSENT, voice, why=why.rstrip(".。")))
    horizon = voice.days(float(str(facts["horizon"]).rstrip("d")))
    lead = voice.say(
        _LEAD, horizon=horizon, n=voice.count(facts["customers"]), total=voice.money(facts["total"]),
        share=voice.percent(facts["top_tenth"]),
    )  # fmt: skip
    judged = facts.get("cutoffs") or []
    body = None
    if judged:
        pictures = [one for one in (_deciles(judged[-1], facts, voice), _gain(judged[-1], voice)) if one is not None]
        body = [el("div", pictures, class_="pair"), _cutoffs(judged, voice)]
    note = voice.pick(" ", "").join([f"{voice.say(_MODEL)}: {model_name(facts['model'], voice)}.", *facts["notes"]])
    return Section("value", voice.say(_TITLE), lead, body, note)


def _deciles(one: Mapping[str, Any], facts: Mapping[str, Any], voice: Voice) -> Html:
    groups = one["deciles"]
    most = max(max(g["said"], g["spent"]) for g in groups)
    ticks = round_ticks(most)
    axis = Axis(0, ticks[-1] ** 0.5, tuple((t**0.5, voice.money(t)) for t in ticks))
    tenths = tuple((at + 0.5, str(at + 1)) for at in range(len(groups)))
    plot = Plot(Axis(0, len(groups), tenths), axis, voice.say(_DECILES), 280)
    rows = []
    for at, group in enumerate(groups):
        said, spent = voice.money(group["said"]), voice.money(group["spent"])
        plot.bar(at + 0.15, at + 0.85, 0, max(group["spent"], 0.0) ** 0.5, "seq1", f"{voice.say(_SPENT)} {spent}")
        plot.dot(at + 0.5, max(group["said"], 0.0) ** 0.5, "chosen", f"{voice.say(_SAID)} {said}", 9)
        rows.append((str(at + 1), said, spent))
    heads = [Col("", "num"), Col(voice.say(_SAID), "num"), Col(voice.say(_SPENT), "num")]
    caption = voice.say(
        _DECILES_CAPTION,
        day=voice.day(one["cutoff"]),
        horizon=voice.days(float(str(facts["learnt_horizon"]).rstrip("d"))),
    )
    numbers = table(heads, rows, label=voice.say(_DECILES))
    return el("div", el("h3", voice.say(_DECILES)), figure(plot.html(), caption, numbers, voice))


def _gain(one: Mapping[str, Any], voice: Voice) -> Html | None:
    points = one.get("gain_curve") or []
    if not points:
        return None
    plot = Plot(share_axis(voice, voice.say(_SHARE)), share_axis(voice, voice.say(_MONEY)), voice.say(_GAIN), 280)
    plot.line([(0, 0), (1, 1)], "ideal")
    plot.line([(0, 0), *((p["share"], p["gain"]) for p in points)], "chosen")
    caption = voice.say(_GAIN_CAPTION, top=voice.percent(one["top_tenth_share"]), gini=voice.number(one["gini"], 2))
    picture = el("div", line_legend([("chosen", voice.say(_SAID)), ("ideal", voice.say(_RANDOM))]), plot.html())
    return el("div", el("h3", voice.say(_GAIN)), figure(picture, caption, None, voice))


def _cutoffs(judged: list[Mapping[str, Any]], voice: Voice) -> Html:
    heads = [Col(voice.say(_CUTOFF)), *(Col(voice.say(w), "num") for w in (_N, _SAID, _SPENT, _BIAS, _GINI))]
    rows = [
        (
            voice.day(one["cutoff"]), voice.count(one["customers"]), voice.money(one["said"]), voice.money(one["spent"]),
            "–" if one["bias"] is None else voice.percent(one["bias"]), voice.number(one["gini"], 3),
        )
        for one in judged
    ]  # fmt: skip
    return el("details", el("summary", voice.say(_CUTOFFS)), table(heads, rows, label=voice.say(_CUTOFFS)))
