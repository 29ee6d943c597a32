"""What earlier campaigns changed: measured against people who were left alone, or why it cannot be said yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdfast.core.text import Text
from holdfast.report.effects import COLUMNS, HEAD, NOTHING_YET, money, notes, reasons, rows, title
from holdfast.report.html import Html, el
from holdfast.report.parts import Col, Section, absent, table
from holdfast.report.story import Story
from holdfast.report.voice import Voice

_TITLE = Text("What it changed", "带来了什么改变")
_NONE = Text("the release holds none", "该版本未包含")
_ONE_BY_ONE = Text("Campaign by campaign", "逐个活动")
_NOTE = Text(
    "A customer counts in the arm that was drawn, whatever then arrived. Spend is capped at a point fixed by what buyers "
    "spent before the assignment. A dash: too little is known to say a number.",
    "客户按抽到的组计算，无论之后实际收到什么。消费按分配之前买家消费确定的上限截断。短横线表示所知太少，不给出数字。",
)


def effects(story: Story, voice: Voice) -> Section:
    """Holdfast as a whole, all campaigns together, and each campaign; fed by `outlook["effects"]`."""
    facts = story.outlook.get("effects") or {}
    if not facts.get("campaigns"):
        why = str(facts.get("undetermined") or voice.say(_NONE))
        return Section("effects", voice.say(_TITLE), None, absent(NOTHING_YET, voice, why=why.rstrip(".。")))
    lead = voice.say(HEAD, follow_up=facts["follow_up"], level=voice.percent(facts["level"]))
    blocks = [_block(facts[name], voice) for name in ("whole", "pooled") if name in facts]
    each = [_block(one, voice) for one in facts["campaigns"]]
    return Section(
        "effects", voice.say(_TITLE), lead, [blocks, el("details", el("summary", voice.say(_ONE_BY_ONE)), each)],
        voice.say(_NOTE),
    )  # fmt: skip


def _block(one: Mapping[str, Any], voice: Voice) -> Html:
    head = el("h3", title(one, voice))
    if why := one.get("undetermined"):
        return el("div", head, absent(NOTHING_YET, voice, why=str(why).rstrip(".。")))
    heads = [Col(voice.say(name), "num" if at else "text") for at, name in enumerate(COLUMNS)]
    said = [el("p", text, class_="muted") for text in (*reasons(one, voice), *money(one, voice), *notes(one, voice))]
    return el("div", head, table(heads, rows(one, voice)[1:], label=title(one, voice)), said)
