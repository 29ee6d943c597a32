"""The call list as text, and what people said of earlier alerts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdfast.core.text import Language, Text
from holdfast.report import words
from holdfast.report.plain import heading, wrap
from holdfast.report.summary import isolated_text
from holdfast.report.voice import Voice, isolated

_TITLE = Text("Who to call now", "现在该联系谁")
_LEAD = Text(
    "{n} alerts of at most {capacity}, {fresh} of them new; {snoozed} snoozed.",
    "共{n}条提醒（上限{capacity}条），其中{fresh}条为新增；{snoozed}条已暂缓。",
)
_NONE = Text("Nobody needs a call now.", "目前无需联系任何人。")
_ABSENT = Text("No alerts: {why}.", "没有提醒：{why}。")
_ROW = Text("{id}, {band}, {value} at risk, {days} left", "{id}，{band}，风险价值{value}，剩余{days}")
_LATE = Text("{id}, {band}, {value} at risk, overdue", "{id}，{band}，风险价值{value}，已超期")
_DO = Text("suggested: {what}", "建议：{what}")
_NOTED = Text("{n} noted.", "已记录{n}条。")
_SAID = Text(
    "Of {raised} alerts so far: {done} done, {snoozed} snoozed, {wrong} wrong, {open} open.",
    "至今{raised}条提醒：完成{done}条，暂缓{snoozed}条，有误{wrong}条，未处理{open}条。",
)
_WRONG = Text("Wrong in {share} of those judged: {why}.", "已判断的提醒中有误的占{share}：{why}。")
_NOTE = Text(
    "These are reported, never learnt from: who is called is not like who is not.",
    "以上仅作统计，绝不用于训练：被联系的客户与未被联系的客户并不相同。",
)


def alerts_page(data: Mapping[str, Any], language: Language = "en") -> str:
    """The answer of `holdfast alerts` for a person."""
    voice = Voice(language, str(data["currency"]))
    lines = heading(_TITLE.render(language))[1:]
    if data.get("undetermined"):
        lines += wrap(_ABSENT.render(language, why=str(data["undetermined"]).rstrip(".。")))
    else:
        lead = {name: data[name] for name in ("capacity", "fresh", "snoozed")}
        lines += wrap(
            _LEAD.render(language, n=len(data["alerts"]), **lead) if data["alerts"] else _NONE.render(language)
        )
    for place, one in enumerate(data["alerts"], 1):
        lines += _row(place, one, voice, language)
    return "\n".join([*lines, "", summary_text(data["dispositions"], language)]) + "\n"


def _row(place: int, one: Mapping[str, Any], voice: Voice, language: Language) -> list[str]:
    text = (_ROW if one["lead_days"] > 0 else _LATE).render(
        language, id=isolated(one["customer_id"]), band=words.band(one["risk_band"]).render(language),
        value=voice.money(one["value_at_risk"]), days=voice.days(round(one["lead_days"])),
    )  # fmt: skip
    lines = ["", *wrap(isolated_text(text), first=f"{place:>4}. ", indent=" " * 6)]
    for said in (one["reason"], one["treatment_id"] and _DO.render(language, what=one["treatment_id"])):
        if said:
            lines += wrap(isolated_text(said), first=" " * 6 + "· ", indent=" " * 8)
    return lines


def summary_text(told: Mapping[str, Any], language: Language = "en", *, noted: int | None = None) -> str:
    """What people said of alerts: counts, the share wrong and why."""
    lines = [] if noted is None else wrap(_NOTED.render(language, n=noted))
    counts = {name: told[name] for name in ("raised", "done", "snoozed", "wrong", "open")}
    lines += wrap(_SAID.render(language, **counts))
    if told["wrong"]:
        why = ("；" if language == "zh" else "; ").join(
            f"{isolated(one['why'])} ({one['count']})" for one in told["why"][:5]
        )
        share = Voice(language, "").percent(told["wrong_share"])
        lines += wrap(isolated_text(_WRONG.render(language, share=share, why=why)))
    if told["done"] or told["wrong"]:
        lines += wrap(_NOTE.render(language))
    return "\n".join(lines)
