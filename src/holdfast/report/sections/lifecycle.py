"""Life-cycle counts over time: columns by month, and who moved in the last thirty days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from holdfast.core.text import Text
from holdfast.report import words
from holdfast.report.html import Html, el
from holdfast.report.parts import Col, Section, absent, figure, legend, table
from holdfast.report.plot import Axis, Plot, round_ticks
from holdfast.report.story import Story
from holdfast.report.voice import Voice

#: From the ground up: those in touch first, those gone last.
ORDER = ("active", "new", "returned", "slowing", "dormant", "lost")
_IN_TOUCH = ("active", "new", "returned")
_TITLE = Text("Life-cycle over time", "生命周期变化")
_LEAD = Text(
    "{now} customers are in touch (active, new or returned) on {day}, {change} than a month before; {down} slowed "
    "down or fell silent since, {back} came back.",
    "{day}有{now}位客户保持联系（活跃、新客或回归），比一个月前{change}；其间{down}位放缓或沉默，{back}位回归。",
)
_LEAD_SHORT = Text(
    "{now} customers are in touch (active, new or returned) on {day}.",
    "{day}有{now}位客户保持联系（活跃、新客或回归）。",
)
_MORE = Text("{n} more", "多{n}位")
_FEWER = Text("{n} fewer", "少{n}位")
_ABSENT = Text("Life-cycle counts were not computed.", "未计算生命周期。")
_CAPTION = Text(
    "Customers by state at the first of each month and at the cutoff. The usual gap is each customer's own, shrunk "
    "towards the shop's mean of {gap}, the same for all months.",
    "每月1日及截止时刻各状态的客户数。平常间隔取自客户本人，并向全店平均值（{gap}，各月相同）收缩。",
)
_DAY = Text("Day", "日期")
_MOVES = Text("Who moved since {day}", "{day}以来的变化")
_FROM, _TO = Text("From", "原状态"), Text("To", "现状态")


def lifecycle(story: Story, voice: Voice) -> Section:
    """Stacked columns over time."""
    facts = story.lifecycle
    if not facts.get("days"):
        return Section("lifecycle", voice.say(_TITLE), None, absent(_ABSENT, voice))
    caption = voice.say(_CAPTION, gap=voice.days(facts.get("shop_gap_days")))
    names = [(state, voice.say(words.state(state))) for state in ORDER]
    picture = el("div", legend(names), _columns(facts, voice))
    chart = figure(picture, caption, _numbers(facts, voice), voice)
    return Section(
        "lifecycle", voice.say(_TITLE), _lead(facts, voice), [chart, _meanings(facts, voice), _moves(facts, voice)]
    )


def _lead(facts: Mapping[str, Any], voice: Voice) -> str:
    counts, days = facts["counts"], facts["days"]
    in_touch = [sum(counts[state][i] for state in _IN_TOUCH) for i in range(len(days))]
    moves = facts.get("moves") or []
    down = sum(m["count"] for m in moves if m["from"] in _IN_TOUCH and m["to"] in ("slowing", "dormant", "lost"))
    back = sum(
        m["count"] for m in moves if m["to"] in ("returned", "active") and m["from"] in ("slowing", "dormant", "lost")
    )
    now, day = voice.count(in_touch[-1]), voice.day(days[-1])
    before = _month_ago(days)
    if before is None:
        return voice.say(_LEAD_SHORT, now=now, day=day)
    change = in_touch[-1] - in_touch[before]
    said = voice.say(_MORE if change >= 0 else _FEWER, n=voice.count(abs(change)))
    return voice.say(_LEAD, now=now, day=day, change=said, down=voice.count(down), back=voice.count(back))


def _month_ago(days: Sequence[str]) -> int | None:
    """The newest point at least 25 days before the last."""
    from datetime import date

    last = date.fromisoformat(days[-1])
    older = [i for i, day in enumerate(days) if (last - date.fromisoformat(day)).days >= 25]
    return older[-1] if older else None


def _columns(facts: Mapping[str, Any], voice: Voice) -> Html:
    days, counts = facts["days"], facts["counts"]
    totals = [sum(counts[state][i] for state in ORDER) for i in range(len(days))]
    ticks = round_ticks(max(totals))
    every = max(1, -(-len(days) // 7))
    labels = tuple((i + 0.5, voice.month(day)) for i, day in enumerate(days) if (len(days) - 1 - i) % every == 0)
    plot = Plot(
        Axis(0, len(days), labels), Axis(0, ticks[-1], tuple((t, voice.count(t)) for t in ticks)), voice.say(_TITLE)
    )
    for i, day in enumerate(days):
        ground = 0
        for state in ORDER:
            top = ground + counts[state][i]
            tip = f"{voice.day(day)}: {voice.say(words.state(state))} {voice.count(counts[state][i])}"
            plot.bar(i + 0.12, i + 0.88, ground, top, state, tip)
            ground = top
    return plot.html()


def _numbers(facts: Mapping[str, Any], voice: Voice) -> Html:
    heads = [Col(voice.say(_DAY)), *(Col(voice.say(words.state(state)), "num") for state in ORDER)]
    rows = [
        (voice.day(day), *(voice.count(facts["counts"][state][i]) for state in ORDER))
        for i, day in reversed(list(enumerate(facts["days"])))
    ]
    return table(heads, rows, label=voice.say(_TITLE))


def _meanings(facts: Mapping[str, Any], voice: Voice) -> Html | None:
    known = facts.get("meanings") or {}
    entries = [
        el("div", el("dt", el("i", class_=f"swatch {state}"), voice.say(words.state(state))), el("dd", voice.say(known[state])))
        for state in ORDER
        if state in known
    ]  # fmt: skip
    return el("dl", entries, class_="meanings") if entries else None


def _moves(facts: Mapping[str, Any], voice: Voice) -> Html | None:
    moves = [one for one in facts.get("moves") or [] if one["from"] != "none"][:8]
    if not moves:
        return None
    heads = [Col(voice.say(_FROM)), Col(voice.say(_TO)), Col(voice.say(words.CUSTOMERS), "num")]
    rows = [
        (voice.say(words.state(m["from"])), voice.say(words.state(m["to"])), voice.count(m["count"])) for m in moves
    ]
    title = voice.say(_MOVES, day=voice.day(facts["moves_since"]))
    return el("details", el("summary", title), table(heads, rows, label=title))
