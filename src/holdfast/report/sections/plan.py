"""What is worth doing: the money line of the proposed plan, who gets what, and why others are left alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdfast.core.text import Text
from holdfast.report.html import Html, el
from holdfast.report.parts import Col, Section, absent, figure, table
from holdfast.report.story import Story
from holdfast.report.voice import Voice, isolated

_TITLE = Text("What is worth doing", "值得做什么")
_LEAD = Text(
    "The proposed plan is expected to earn {plan} more than doing nothing within {follow_up} ({low} to {high}), and spends {cost}.",
    "建议的计划预计在{follow_up}内比什么都不做多赚{plan}（{low}至{high}），花费{cost}。",
)
_NOTHING = Text(
    "Nothing is worth doing for everybody as far as can be told; the plan treats {tried} customers to find out.",
    "就目前所知，没有值得对所有人做的事；计划对{tried}位客户进行试探以便了解。",
)
_ABSENT = Text("No plan: {why}.", "没有计划：{why}。")
_NONE = Text("this release has none", "本次发布没有")
_MONEY, _ARMS = Text("The money line", "资金对比"), Text("Who gets what", "谁得到什么")
_HEADS = (
    Text("Policy", "方案"), Text("net profit", "净利润"), Text("90% interval", "90%区间"), Text("spends", "花费"),
    Text("customers", "客户"),
)  # fmt: skip
_ARM_HEADS = (
    Text("Treatment", "措施"),
    Text("customers", "客户"),
    Text("cost", "成本"),
    Text("expected profit", "预期利润"),
)
_HELD = Text(
    "{n} customers are held out and never treated, so that the effect can be measured; {e} of the others draw an arm by chance. ",
    "{n}位客户作为对照、从不干预，以便衡量效果；其余客户中有{e}随机抽取措施。",
)
_HOW = Text(
    "To act on it: holdfast plan make, review, approve, export.", "执行：holdfast plan make、review、approve、export。"
)


def plan(story: Story, voice: Voice) -> Section:
    """The plan that `holdfast plan make` would start from; fed by `outlook["plan"]`."""
    facts = story.outlook.get("plan") or {}
    if not facts.get("money_line"):
        why = str(facts.get("undetermined") or voice.say(_NONE)).rstrip(".。")
        return Section("plan", voice.say(_TITLE), None, absent(_ABSENT, voice, why=why))
    body = [
        figure(_money(facts, voice), voice.say(_MONEY), None, voice),
        figure(_arms(facts, voice), voice.say(_ARMS), None, voice),
        el("p", voice.say(facts["basis"])),
        el("p", voice.say(facts["knows"]["words"])),
    ]
    note = voice.say(_HELD, n=voice.count(facts["held_out"]), e=voice.percent(facts["epsilon"])) + voice.say(_HOW)
    return Section("plan", voice.say(_TITLE), _lead(facts, voice), body, note)


def _lead(facts: Mapping[str, Any], voice: Voice) -> str:
    mine = next(one for one in facts["money_line"] if one["policy"] == "guarded")
    if mine["net_profit"] <= 0:
        return voice.say(_NOTHING, tried=voice.count(mine["customers"]))
    return voice.say(
        _LEAD, plan=voice.money(mine["net_profit"]), follow_up=facts["follow_up"], low=voice.money(mine["low"]),
        high=voice.money(mine["high"]), cost=voice.money(mine["cost"]),
    )  # fmt: skip


def _money(facts: Mapping[str, Any], voice: Voice) -> Html:
    heads = [Col(voice.say(one), "num" if at else "text", label=voice.say(one)) for at, one in enumerate(_HEADS)]
    rows = [
        (
            voice.say(one["label"]), voice.money(one["net_profit"]),
            f"{voice.money(one['low'])} – {voice.money(one['high'])}", voice.money(one["cost"]),
            voice.count(one["customers"]),
        )
        for one in facts["money_line"]
    ]  # fmt: skip
    return table(heads, rows, label=voice.say(_MONEY))


def _arms(facts: Mapping[str, Any], voice: Voice) -> Html:
    heads = [Col(voice.say(one), "num" if at else "text", label=voice.say(one)) for at, one in enumerate(_ARM_HEADS)]
    rows = [
        (isolated(one["title"]), voice.count(one["customers"]), voice.money(one["cost"]), voice.money(one["expected_profit"]))
        for one in facts["arms"]
    ]  # fmt: skip
    return table(heads, rows, label=voice.say(_ARMS))
