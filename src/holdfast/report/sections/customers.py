"""The customers with the most value at risk, each with the reasons in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdfast.core.text import Text
from holdfast.report import words
from holdfast.report.html import Html, el, name_of
from holdfast.report.parts import Col, Section, absent, chip, table, term
from holdfast.report.story import Story
from holdfast.report.voice import Voice

SHOWN = 50
_TITLE = Text("Whom to look at first", "优先关注的客户")
_LEAD = Text(
    "The {shown} customers with the most value at risk, of {all} on the upper rungs or watched; "
    "the whole list is in {file}.",
    "风险价值最高的{shown}位客户；需处理或关注的客户共{all}位，完整名单见 {file}。",
)
_EMPTY = Text("Nobody is at risk.", "没有面临风险的客户。")
_NO_REASONS = Text("no reasons were computed", "未计算原因")
_FIND = Text("Find a customer, a reason, a band", "查找客户、原因或等级")
_FILE = "lists/at_risk.csv"


def customers(story: Story, voice: Voice) -> Section:
    """A table of the first customers; the search box is for screens only."""
    risky = int((story.band != "low").sum())
    top = [one for one in story.top(SHOWN + int((story.band == "low").sum())) if one["risk_band"] != "low"][:SHOWN]
    if not top:
        return Section("customers", voice.say(_TITLE), None, absent(_EMPTY, voice), story.definition(voice))
    link = el("a", _FILE, href=f"../{_FILE}")
    before, after = voice.say(_LEAD, shown=len(top), all=voice.count(risky), file="\0").split("\0")
    search = el("input", type="search", placeholder=voice.say(_FIND), aria_label=voice.say(_FIND), class_="find")
    grid = table(_heads(voice), [_row(one, voice) for one in top], label=voice.say(_TITLE), class_="people")
    return Section("customers", voice.say(_TITLE), [before, link, after], [search, grid], story.definition(voice))


def _heads(voice: Voice) -> list[Col]:
    value, chance, last, state = (
        voice.say(word) for word in (words.VALUE_AT_RISK, words.P_CHURN, words.LAST_ORDER, words.LIFECYCLE)
    )
    return [
        Col(voice.say(words.CUSTOMER)),
        Col(term("risk_band", voice.say(words.BAND), voice)),
        Col(term("value_at_risk", value, voice), "num", value),
        Col(term("p_churn", chance, voice), "num", chance),
        Col(term("days_since_last_order", last, voice), "num", last),
        Col(state, "text", state),
        Col(voice.say(words.REASONS), "wide"),
    ]


def _row(one: Mapping[str, Any], voice: Voice) -> tuple[Any, ...]:
    days = one["days_since_last_order"]
    return (
        name_of(one["customer_id"]),
        chip(one["risk_band"], voice.say(words.band(one["risk_band"]))),
        voice.money(one["value_at_risk"]),
        [el("b", voice.percent(one["p_churn"])), el("small", voice.interval(one["p_churn_low"], one["p_churn_high"]))],
        voice.say(words.AGO, days=voice.days(days)) if days is not None else "–",
        voice.say(words.state(one["lifecycle"])),
        reasons(one, voice),
    )


def reasons(one: Mapping[str, Any], voice: Voice) -> Html:
    """The reasons as a list; an arrow says which way each one pushes."""
    given = one.get("reasons") or []
    if not given:
        return el("span", voice.say(_NO_REASONS), class_="muted")
    return el("ul", [el("li", reason["text"], class_=_push(reason)) for reason in given], class_="why")


def _push(reason: Mapping[str, Any]) -> str:
    return "down" if (reason.get("contribution") or 0) < 0 else "up"
