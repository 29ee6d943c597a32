"""Who to call now: the head of the list with its reasons, how long there is, and how such lists turned out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from holdfast.core.text import Text
from holdfast.report import words
from holdfast.report.html import Html, el, name_of
from holdfast.report.parts import Col, Section, absent, chip, table
from holdfast.report.story import Story
from holdfast.report.voice import Voice, isolated

_TITLE = Text("Who to call now", "现在该联系谁")
_LEAD = Text(
    "{listed} alerts of at most {capacity}, out of {n} customers who were within their own rhythm a check ago; together "
    "they are expected to spend {money} less than usual within {horizon}. The whole list is {file}.",
    "从一次检查前仍在自身节奏内的{n}位客户中选出{listed}条提醒（上限{capacity}条）；"
    "预计他们在{horizon}内合计比平时少消费{money}。完整名单见 {file}。",
)
_LEAD_TIME = Text(
    "Half of them leave at least {days} before their silence passes what 95% of their own gaps stay below.",
    "其中一半客户距其沉默超过自身95%间隔还有至少{days}。",
)
_PROOF = Text(
    "At {cutoffs} such lists caught {recall} ({low}–{high}) of all value that was then lost; the longest silences would "
    "have caught {recency}, silence against the own usual gap {own_gap}, the biggest spenders {own_spend}. {precision} of "
    "those on the list then did not order at all.",
    "在{cutoffs}，这样的名单捕捉到其后损失价值的{recall}（{low}–{high}）；按沉默最久为{recency}，按自身通常间隔为{own_gap}，按消费最高为{own_spend}。"
    "名单中有{precision}其后完全没有下单。",
)
_UNPROVED = Text("No closed check could show how good such lists were.", "没有已结束的检查可以检验这类名单。")
_ABSENT = Text("No alerts: {why}.", "没有提醒：{why}。")
_NONE = Text("this release has none", "本次发布没有")
_LIST, _HOW = Text("The first {n}", "前{n}位"), Text("How such lists turned out", "这类名单的结果")
_HEADS = (
    Text("expected shortfall", "预计减少"), Text("days left", "剩余天数"), Text("since", "自"), Text("what to do", "建议措施"),
)  # fmt: skip
_MODELS = {
    "alert_score": Text("this list", "本名单"),
    "own_spend": Text("biggest spenders", "消费最高"),
    "recency": Text("longest silence", "沉默最久"),
    "own_gap": Text("silence over own gap", "沉默与自身间隔之比"),
}
_COLUMNS = (
    Text("Ranking", "排序依据"), Text("value lost that was caught", "捕捉的损失价值"), Text("did not order", "未下单"),
    Text("lead time", "提前天数"),
)  # fmt: skip
_NOTE = Text(
    "Ranked by what a contact may save: expected shortfall x {effect} saved by a contact ({basis}). A new alert needs the "
    "score of the last place; an open one stays until it falls below {clear} of that. “Days left” run to the day on "
    "which silence passes 95% of the customer's own gaps, shrunk to the shop's. What became of each call is noted with "
    "“holdfast alerts” and never learnt from.",
    "按一次联系可能挽回的金额排序：预计减少 × 联系可挽回{effect}（{basis}）。新提醒需达到名单末位的分数；已有提醒在低于其{clear}之前保留。"
    "“剩余天数”指沉默超过该客户自身95%间隔（已向全店收缩）之前的天数。每次联系的结果用“holdfast alerts”记录，绝不用于训练。",
)
_ASSUMED, _MEASURED = Text("assumed, not measured", "假设，并非实测"), Text("measured where known", "已知处为实测")
_FILE = "lists/alerts.csv"


def alerts(story: Story, voice: Voice) -> Section:
    """The call list of this release."""
    facts = story.outlook.get("alerts") or {}
    if not facts.get("list"):
        why = str(facts.get("undetermined") or voice.say(_NONE)).rstrip(".。")
        return Section("alerts", voice.say(_TITLE), None, [absent(_ABSENT, voice, why=why), *_shop(facts, voice)])
    before, after = voice.say(
        _LEAD, listed=voice.count(facts["listed"]), capacity=voice.count(facts["capacity"]),
        n=voice.count(facts["alertable"]), money=voice.money(facts["shortfall"]),
        horizon=voice.days(float(str(facts["horizon"]).rstrip("d"))), file="\0",
    ).split("\0")  # fmt: skip
    judged = facts.get("judged") or {}
    space = voice.pick(" ", "")
    lead = [
        before, el("a", _FILE, href=f"../{_FILE}"), after, space,
        voice.say(_LEAD_TIME, days=voice.days(round(facts["lead_days"]))), space, _proof(judged, voice),
    ]  # fmt: skip
    body = [_calls(facts["list"], voice), _turned_out(judged, voice), *_shop(facts, voice)]
    basis = voice.say(_MEASURED if facts["measured"] else _ASSUMED)
    clear = voice.percent(facts["clear_share"])
    note = voice.say(_NOTE, effect=voice.percent(facts["assumed_effect"]), basis=basis, clear=clear)
    return Section("alerts", voice.say(_TITLE), lead, [one for one in body if one is not None], note)


def _proof(judged: Mapping[str, Any], voice: Voice) -> str:
    rows = {one["model"]: one for one in judged.get("rows") or []}
    if "alert_score" not in rows:
        return voice.say(_UNPROVED)
    mine = rows["alert_score"]["value_recall"]
    others = {name: voice.percent(rows[name]["value_recall"]["value"]) for name in ("recency", "own_gap", "own_spend")}
    return voice.say(
        _PROOF, cutoffs=voice.listed([voice.day(one) for one in judged["cutoffs"]]), recall=voice.percent(mine["value"]),
        low=voice.percent(mine["low"]).rstrip("%"), high=voice.percent(mine["high"]),
        precision=voice.percent(rows["alert_score"]["precision"]["value"]), **others,
    )  # fmt: skip


def _calls(rows: Sequence[Mapping[str, Any]], voice: Voice) -> Html:
    heads = [
        Col(voice.say(words.CUSTOMER)), Col(voice.say(words.BAND), "text", voice.say(words.BAND)),
        *(Col(voice.say(one), "num", voice.say(one)) for one in _HEADS[:3]),
        Col(voice.say(words.REASONS), "wide", voice.say(words.REASONS)),
        Col(voice.say(_HEADS[3]), "text", voice.say(_HEADS[3])),
    ]  # fmt: skip
    cells = [
        (
            name_of(one["customer_id"]), chip(one["risk_band"], voice.say(words.band(one["risk_band"]))),
            voice.money(one["expected_shortfall"]), voice.count(round(one["lead_days"])), voice.short_day(one["raised_at"]),
            isolated(one["reason"], 300), isolated(one["treatment_id"] or "–"),
        )
        for one in rows
    ]  # fmt: skip
    title = voice.say(_LIST, n=len(rows))
    return el("div", el("h3", title), table(heads, cells, label=title, class_="people"))


def _turned_out(judged: Mapping[str, Any], voice: Voice) -> Html | None:
    rows = judged.get("rows") or []
    if not rows:
        return None
    heads = [Col(voice.say(_COLUMNS[0])), *(Col(voice.say(one), "num") for one in _COLUMNS[1:])]
    cells = [
        (
            voice.say(_MODELS.get(one["model"], Text(one["model"], one["model"]))), _with(one["value_recall"], voice),
            _with(one["precision"], voice), voice.days(round(one["lead_days"]["value"])),
        )
        for one in rows
    ]  # fmt: skip
    title = voice.say(_HOW)
    return el("details", el("summary", title), table(heads, cells, label=title))


def _with(one: Mapping[str, Any], voice: Voice) -> str:
    return f"{voice.percent(one['value'])} ({voice.interval(one['low'], one['high'])})"


def _shop(facts: Mapping[str, Any], voice: Voice) -> list[Html]:
    """Signals of the shop as a whole."""
    bend = facts.get("retention") or {}
    said = [voice.say(bend["sentence"])] if bend.get("sentence") else []
    if facts.get("drift"):
        said.append(str(facts["drift"]))
    return [el("p", one) for one in said]
