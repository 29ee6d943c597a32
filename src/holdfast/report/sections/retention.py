"""Retention curves: after the first, second, ... order, the share that has ordered again by day d."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdfast.core.text import Text
from holdfast.report.html import Html, el
from holdfast.report.parts import Col, Section, absent, figure, line_legend, table
from holdfast.report.plot import Axis, Plot, share_axis
from holdfast.report.story import Story
from holdfast.report.voice import Voice

_TITLE = Text("How soon they order again", "多久会再次下单")
_LEAD = Text(
    "After a first order, {first} order again within 90 days; after {k} orders it is {last}.",
    "首单之后，{first}会在90天内再次下单；有过{k}单的客户则为{last}。",
)
_ABSENT = Text("There are too few orders to draw retention curves.", "订单太少，无法绘制复购曲线。")
_AFTER = Text("after order {k} (n = {n})", "第{k}单之后（n = {n}）")
_X = Text("days after that order", "距该次下单的天数")
_Y = Text("ordered again", "已再次下单")
_CAPTION = Text(
    "Share that has ordered again by day d, with 90% bands. Customers whose next order has not come yet are "
    "counted as still waiting, not as lost (Kaplan-Meier); a curve ends where fewer than 20 are still watched.",
    "截至第d天已再次下单的客户占比，含90%区间。尚未再次下单的客户按“仍在等待”而非“流失”计（Kaplan–Meier）；"
    "仍可观察的客户不足20位时曲线终止。",
)
_MEDIAN = Text("Half by day", "半数所需天数")
_WHICH = Text("After order", "第几单之后")
_GRID = (7, 14, 30, 60, 90, 180, 365)


def retention(story: Story, voice: Voice) -> Section:
    """One line for each order number, direct from the life table."""
    curves = story.retention.get("curves") or []
    if not curves:
        return Section("retention", voice.say(_TITLE), None, absent(_ABSENT, voice))
    names = [(f"seq{i}", voice.say(_AFTER, k=one["after"], n=voice.count(one["n"]))) for i, one in enumerate(curves)]
    picture = el("div", line_legend(names), _plot(curves, voice))
    chart = figure(picture, voice.say(_CAPTION), _numbers(curves, voice), voice)
    return Section("retention", voice.say(_TITLE), _lead(curves, voice), chart)


def _lead(curves: list[Mapping[str, Any]], voice: Voice) -> str | None:
    known = [one for one in curves if len(one["days"]) > 90]
    if not known:
        return None
    first, last = known[0], known[-1]
    return voice.say(
        _LEAD,
        first=voice.percent(first["ordered_again"][90]),
        k=last["after"],
        last=voice.percent(last["ordered_again"][90]),
    )


def _plot(curves: list[Mapping[str, Any]], voice: Voice) -> Html:
    longest = max(len(one["days"]) for one in curves) - 1
    step = 90 if longest > 200 else 30 if longest > 60 else 10
    ticks = tuple((float(day), str(day)) for day in range(0, longest + 1, step))
    plot = Plot(
        Axis(0, max(longest, 1), ticks, voice.say(_X)), share_axis(voice, voice.say(_Y)), voice.say(_TITLE), 320
    )
    for i, one in enumerate(curves):
        keep = [d for d in one["days"] if d % max(1, longest // 180) == 0 or d == one["days"][-1]]
        plot.band([(d, one["low"][d]) for d in keep], [(d, one["high"][d]) for d in keep], f"seq{i}")
    for i, one in enumerate(curves):
        keep = [d for d in one["days"] if d % max(1, longest // 180) == 0 or d == one["days"][-1]]
        plot.line([(d, one["ordered_again"][d]) for d in keep], f"seq{i}")
        for day in _GRID:
            if day < len(one["days"]):
                share = voice.percent(one["ordered_again"][day])
                interval = voice.interval(one["low"][day], one["high"][day])
                tip = f"{voice.say(_AFTER, k=one['after'], n=voice.count(one['n']))}, {voice.days(day)}: {share} ({interval})"
                plot.dot(day, one["ordered_again"][day], f"seq{i}", tip, 7)
    return plot.html()


def _numbers(curves: list[Mapping[str, Any]], voice: Voice) -> Html:
    shown = [day for day in _GRID if any(day < len(one["days"]) for one in curves)]
    heads = [Col(voice.say(_WHICH)), *(Col(voice.days(day), "num") for day in shown), Col(voice.say(_MEDIAN), "num")]
    rows = []
    for one in curves:
        shares = [voice.percent(one["ordered_again"][day]) if day < len(one["days"]) else "–" for day in shown]
        rows.append((f"{one['after']} (n = {voice.count(one['n'])})", *shares, voice.count(one.get("median_days"))))
    return table(heads, rows, label=voice.say(_TITLE))
