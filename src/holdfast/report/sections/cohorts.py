"""The cohort triangle as a heat map: by month of first order, who orders again in the months after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdfast.core.text import Text
from holdfast.report.html import Html, el
from holdfast.report.parts import Section, absent
from holdfast.report.story import Story
from holdfast.report.voice import Voice

SHOWN = 18
_TITLE = Text("Cohorts: who orders again", "同期群：谁会再次下单")
_LEAD = Text(
    "Of each month's new customers, {one} on average order again in the next month and {six} in the sixth after.",
    "每个月的新客户，平均有{one}在下一个月再次下单，第六个月为{six}。",
)
_LEAD_SHORT = Text(
    "Of each month's new customers, {one} on average order again in the next month.",
    "每个月的新客户，平均有{one}在下一个月再次下单。",
)
_ABSENT = Text("There are no orders to build cohorts from.", "没有订单，无法构建同期群。")
_FIRST = Text("First order in", "首单月份")
_SIZE = Text("Customers", "客户数")
_AVERAGE = Text("Average", "平均")
_NOTE = Text(
    "Each cell: share of the cohort with at least one order in the n-th calendar month after the first order.{partial}"
    "{first}{cut}",
    "每格：同期群中在首单后第n个自然月至少下过一单的客户占比。{partial}{first}{cut}",
)
_PARTIAL = Text(" Hatched: {month} is not over yet.", "斜线：{month}尚未结束。")
_FIRST_NOTE = Text(
    " {month}, the first month of the data, also holds everybody who was a customer before.",
    "数据的第一个月（{month}）还包含此前已有的老客户。",
)
_CUT = Text(" Shown: the newest {n} cohorts.", "仅显示最近{n}个同期群。")
_TIP = Text("{month}, month {k}: {share} of {n}; {money} each", "{month}，第{k}个月：{n}位中的{share}；人均{money}")


def cohorts(story: Story, voice: Voice) -> Section:
    """A table whose cells are coloured: it is its own table behind the chart."""
    facts = story.cohorts
    if not facts.get("months"):
        return Section("cohorts", voice.say(_TITLE), None, absent(_ABSENT, voice))
    average = facts.get("average") or []
    lead = None
    if len(average) > 1:
        long = len(average) > 6
        six = voice.percent(average[6]) if long else ""
        lead = voice.say(_LEAD if long else _LEAD_SHORT, one=voice.percent(average[1]), six=six)
    return Section("cohorts", voice.say(_TITLE), lead, _triangle(facts, voice), _note(facts, voice))


def _note(facts: Mapping[str, Any], voice: Voice) -> str:
    partial, months = facts.get("partial_month"), facts["months"]
    first = facts.get("first_is_truncated") and len(months) <= SHOWN
    return voice.say(
        _NOTE,
        partial=voice.say(_PARTIAL, month=voice.month(partial)) if partial else "",
        first=voice.say(_FIRST_NOTE, month=voice.month(months[0])) if first else "",
        cut=voice.say(_CUT, n=SHOWN) if len(months) > SHOWN else "",
    )


def _triangle(facts: Mapping[str, Any], voice: Voice) -> Html:
    rows = range(max(0, len(facts["months"]) - SHOWN), len(facts["months"]))
    width = min(max(len(facts["share"][i]) for i in rows), SHOWN)
    top = max((v for i in rows for v in facts["share"][i][1:width]), default=0) or 1
    head = el(
        "tr",
        el("th", voice.say(_FIRST), scope="col"),
        el("th", voice.say(_SIZE), scope="col", class_="num"),
        [el("th", f"+{k}", scope="col") for k in range(1, width)],
    )
    body = [_row(facts, i, width, top, voice) for i in rows]
    mean = el("tr", el("th", voice.say(_AVERAGE), scope="row"), el("td"), [
        _cell(v, top, False, "", voice) for v in (facts.get("average") or [])[1:width]
    ], class_="average")  # fmt: skip
    inner = el("table", el("thead", head), el("tbody", body), el("tfoot", mean), class_="heat")
    return el("div", inner, class_="scroll", tabindex="0", role="region", aria_label=voice.say(_TITLE))


def _row(facts: Mapping[str, Any], i: int, width: int, top: float, voice: Voice) -> Html:
    month, share = facts["months"][i], facts["share"][i]
    money = (facts.get("revenue_per_customer") or [[]] * (i + 1))[i]
    cells = []
    for k in range(1, min(len(share), width)):
        tip = voice.say(
            _TIP, month=voice.month(month), k=k, share=voice.percent(share[k]), n=voice.count(facts["sizes"][i]),
            money=voice.money(money[k]) if k < len(money) else "–",
        )  # fmt: skip
        unfinished = bool(facts.get("partial_month")) and k == len(share) - 1
        cells.append(_cell(share[k], top, unfinished, tip, voice))
    return el(
        "tr",
        el("th", voice.month(month), scope="row"),
        el("td", voice.count(facts["sizes"][i]), class_="num"),
        cells,
    )


def _cell(share: float, top: float, unfinished: bool, tip: str, voice: Voice) -> Html:
    """Darker is more; the figure is always there, so that colour is never needed."""
    depth = min(share / top, 1.0)
    kind = "cell" + (" deep" if depth > 0.85 else " mid" if depth > 0.6 else "") + (" part" if unfinished else "")
    return el("td", el("span", f"{share:.0%}".rstrip("%")), class_=kind, style=f"--d:{depth:.2f}", data_tip=tip or None)
