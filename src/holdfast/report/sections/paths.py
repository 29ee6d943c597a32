"""How sticky the shop is, when customers come back by days, and what they did before they left or stayed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from holdfast.core.text import Text
from holdfast.report import words
from holdfast.report.html import Html, el
from holdfast.report.parts import Col, Section, absent, figure, line_legend, table
from holdfast.report.plot import Axis, Plot, share_axis
from holdfast.report.segment_words import step
from holdfast.report.story import Story
from holdfast.report.voice import Voice

_TITLE = Text("How they stay, and what comes before leaving", "留存与流失前的行为")
_LEAD = Text(
    "Of the customers who {did} within four weeks, {week} do so in a given week and {day} on a given day.{bracket}",
    "四周内{did}的客户中，平均每周有{week}，每天有{day}。{bracket}",
)
_DID = {"ordering": Text("ordered", "下单"), "browsing": Text("came", "到访")}
_BRACKET = Text(
    " {share} of new customers order again between day {low} and day {high}.",
    "新客户中有{share}在第{low}至{high}天再次下单。",
)
_ABSENT = Text("Stickiness and paths were not computed.", "未计算黏性与路径。")
_SERIES = {"ordering": Text("ordering", "下单"), "browsing": Text("any act", "任何行为")}
_STICKY = Text("Stickiness", "黏性")
_STICKY_CAPTION = Text(
    "Customers active in a week as a share of those active in the four weeks, at the end of each four weeks.",
    "每四周内，周活跃客户占四周活跃客户的比例。",
)
_STICKY_HEADS = (
    Text("Four weeks to", "截至"), Text("of", "口径"), Text("a day", "日均"), Text("a week", "周均"), Text("four weeks", "四周"),
    Text("day / four weeks", "日/四周"), Text("week / four weeks", "周/四周"),
)  # fmt: skip
_TRIANGLE = Text("Came back, by days since the first order", "首单后按天数的回购率")
_KINDS = {
    "n_day": Text("on exactly that day", "恰在该日"),
    "bracket": Text("from that day to the next column's", "该日至下一列之间"),
    "unbounded": Text("on that day or later", "该日及以后"),
}
_TRIANGLE_NOTE = Text(
    "Average over the cohorts that have been watched long enough; – where none has.",
    "对观察期足够长的同期群取平均；尚无则为–。",
)
_PATHS = Text("What customers did in their last {steps} steps before {day}", "{day}之前最后{steps}步的行为")
_PATH_HEADS = (
    Text("Path", "路径"), words.CUSTOMERS, Text("left", "流失"), Text("the equally silent without it", "同样沉默但无此路径者"),
    Text("ratio (95%)", "比值（95%）"),
)  # fmt: skip
_LEAVING, _STAYING = Text("Before leaving", "流失之前"), Text("Before staying", "留存之前")
_NO_PATHS = Text(
    "Of {n} paths, none sets those who left apart from customers who had been silent for as long.",
    "在{n}条路径中，没有一条能将流失客户与同样沉默的客户区分开。",
)
_PATH_NOTE = Text(
    "Left: no order within {horizon} of {day}. {n} paths of at least 30 customers were compared with customers who had been "
    "silent for as long; shown are those whose difference survives correction for so many looks (false discovery rate 5%). "
    "They are signs, not causes.",
    "流失指{day}之后{horizon}内未下单。共比较{n}条至少30位客户的路径，对照为沉默时间相近的客户；仅显示经多重检验校正后仍显著者"
    "（错误发现率5%）。这些是征兆，不是原因。",
)


def paths(story: Story, voice: Voice) -> Section:
    """Stickiness over time, triangles by days, and the paths."""
    facts = story.outlook.get("profile") or {}
    if "stickiness" not in facts:
        return Section("paths", voice.say(_TITLE), None, absent(_ABSENT, voice))
    body = [
        _sticky(facts["stickiness"], voice),
        _triangle(facts.get("triangles") or {}, voice),
        *_paths(facts.get("paths") or {}, voice),
    ]
    return Section(
        "paths",
        voice.say(_TITLE),
        _lead(facts, voice),
        [one for one in body if one],
        _note(facts.get("paths") or {}, voice),
    )


def _lead(facts: Mapping[str, Any], voice: Voice) -> str | None:
    kind = "browsing" if "browsing" in facts["stickiness"] else "ordering"
    one = facts["stickiness"][kind]
    if not one["days"] or one["weekly_share"][-1] is None:
        return None
    return voice.say(
        _LEAD, did=voice.say(_DID[kind]), week=voice.percent(one["weekly_share"][-1]), day=voice.percent(one["daily_share"][-1]),
        bracket=_bracket((facts.get("triangles") or {}).get("bracket") or {}, voice),
    )  # fmt: skip


def _bracket(facts: Mapping[str, Any], voice: Voice) -> str:
    days, average = facts.get("days") or [], facts.get("average") or []
    if 30 not in days or not average:
        return ""
    k = days.index(30)
    if average[k] is None or k + 1 >= len(days):
        return ""
    return voice.say(_BRACKET, share=voice.percent(average[k]), low=days[k], high=days[k + 1] - 1)


def _sticky(facts: Mapping[str, Any], voice: Voice) -> Html | None:
    series = [(name, one) for name, one in facts.items() if one["days"]]
    if not series or len(series[0][1]["days"]) < 2:
        return None
    days = series[-1][1]["days"]
    every = max(1, -(-len(days) // 6))
    ticks = tuple((float(i), voice.short_day(day)) for i, day in enumerate(days) if (len(days) - 1 - i) % every == 0)
    high = max(share or 0 for _, one in series for share in one["weekly_share"])
    plot = Plot(Axis(0, len(days) - 1, ticks), share_axis(voice, "", high), voice.say(_STICKY), 240)
    cells = []
    for i, (name, one) in enumerate(series):
        shift = len(days) - len(one["days"])
        points = [(float(shift + k), share) for k, share in enumerate(one["weekly_share"]) if share is not None]
        plot.line(points, f"seq{i}")
        for at, share in points:
            plot.dot(
                at,
                share,
                f"seq{i}",
                f"{voice.say(_SERIES[name])}, {voice.day(days[int(at)])}: {voice.percent(share)}",
                7,
            )
        cells += [_sticky_row(name, one, k, voice) for k in reversed(range(len(one["days"])))]
    heads = [
        Col(voice.say(_STICKY_HEADS[0])),
        Col(voice.say(_STICKY_HEADS[1])),
        *(Col(voice.say(h), "num") for h in _STICKY_HEADS[2:]),
    ]
    names = line_legend([(f"seq{i}", voice.say(_SERIES[name])) for i, (name, _) in enumerate(series)])
    numbers = table(heads, cells, label=voice.say(_STICKY))
    chart = figure(el("div", names, plot.html()), voice.say(_STICKY_CAPTION), numbers, voice)
    return el("div", el("h3", voice.say(_STICKY)), chart)


def _sticky_row(name: str, one: Mapping[str, Any], k: int, voice: Voice) -> tuple[str, ...]:
    return (
        voice.day(one["days"][k]), voice.say(_SERIES[name]), voice.number(one["daily"][k]), voice.number(one["weekly"][k]),
        voice.count(one["monthly"][k]), voice.percent(one["daily_share"][k]), voice.percent(one["weekly_share"][k]),
    )  # fmt: skip


def _triangle(facts: Mapping[str, Any], voice: Voice) -> Html | None:
    if not facts or not facts["bracket"]["average"]:
        return None
    title = voice.say(_TRIANGLE)
    heads = [Col(""), *(Col(voice.days(day), "num") for day in facts["bracket"]["days"])]
    cells = [
        (voice.say(_KINDS[kind]), *(voice.percent(one) for one in facts[kind]["average"]))
        for kind in _KINDS
        if kind in facts
    ]
    inner = [table(heads, cells, label=title), el("p", voice.say(_TRIANGLE_NOTE), class_="note")]
    return el("div", el("h3", title), inner)


def _paths(facts: Mapping[str, Any], voice: Voice) -> list[Html]:
    if not facts:
        return []
    title = el("h3", voice.say(_PATHS, steps=facts["steps"], day=voice.day(facts["cutoff"])))
    groups = [(_LEAVING, facts["leaving"]), (_STAYING, facts["staying"])]
    if not any(rows for _, rows in groups):
        return [title, absent(_NO_PATHS, voice, n=voice.count(facts["looked_at"]))]
    return [title, *(_path_table(name, rows, voice) for name, rows in groups if rows)]


def _path_table(name: Text, rows: Sequence[Mapping[str, Any]], voice: Voice) -> Html:
    heads = [
        Col(f"{voice.say(name)}: {voice.say(_PATH_HEADS[0])}", "wide"),
        *(Col(voice.say(one), "num") for one in _PATH_HEADS[1:]),
    ]
    cells = [
        (
            " → ".join(step(one, voice) for one in row["steps"]), voice.count(row["customers"]), voice.percent(row["left_share"]),
            voice.percent(row["expected"]),
            f"{voice.number(row['ratio'], 2)} ({voice.number(row['low'], 2)}–{voice.number(row['high'], 2)})",
        )
        for row in rows
    ]  # fmt: skip
    return table(heads, cells, label=voice.say(name))


def _note(facts: Mapping[str, Any], voice: Voice) -> str | None:
    if not facts:
        return None
    horizon = (
        voice.days(float(str(facts["horizon"]).rstrip("d")))
        if str(facts["horizon"]).endswith("d")
        else facts["horizon"]
    )
    return voice.say(_PATH_NOTE, horizon=horizon, day=voice.day(facts["cutoff"]), n=voice.count(facts["looked_at"]))
