"""What `holdfast plan` prints: the money line first, then who gets what, why others do not, and what happens next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdfast.core.text import Language, Text
from holdfast.report.plain import columns, heading, wrap
from holdfast.report.voice import Voice, isolated

_HEAD = Text("Plan {plan}, campaign {campaign}", "计划 {plan}，活动 {campaign}")
_MONEY = Text("The money line: net profit over {follow_up}", "资金对比：{follow_up}内的净利润")
_COLUMNS = (
    Text("policy", "方案"), Text("net profit", "净利润"), Text("90% interval", "90%区间"), Text("spends", "花费"),
    Text("customers", "客户"),
)  # fmt: skip
_ARMS = Text("Who gets what", "谁得到什么")
_ARM_COLUMNS = (
    Text("treatment", "措施"),
    Text("customers", "客户"),
    Text("cost", "成本"),
    Text("expected profit", "预期利润"),
)
_HELD = Text(
    "{n} customers are held out: never treated, so that the effect can be measured. {e} of the others draw an arm by chance.",
    "{n}位客户作为对照，从不干预，以便衡量效果。其余客户中有{e}随机抽取措施。",
)
_BUDGET = Text(
    "Budget: {budget}. Proven to lie within {gap} of the best plan there is.",
    "预算：{budget}。已证明与最优方案的差距不超过{gap}。",
)
_NO_BUDGET = Text("No budget limits this plan.", "该计划没有预算限制。")
_NEXT = {
    "proposed": Text(
        "next: holdfast plan review, then: holdfast plan approve --yes",
        "下一步：holdfast plan review，然后 holdfast plan approve --yes",
    ),
    "approved": Text("next: holdfast plan export --yes", "下一步：holdfast plan export --yes"),
    "exported": Text(
        "next, once {follow_up} have passed and the orders are imported: holdfast measure",
        "待{follow_up}过去并导入订单后：holdfast measure",
    ),
}  # fmt: skip
_CURVE = Text("What more money would earn", "增加预算的收益")
_ALONE = Text("Left alone on purpose", "有意不打扰的客户")
_BEST = Text("Treated first", "优先处理的客户")
_REVIEW_COLUMNS = (
    Text("customer", "客户"), Text("treatment", "措施"), Text("profit", "利润"), Text("cost", "成本"),
    Text("chance of no order", "不下单概率"), Text("why", "原因"),
)  # fmt: skip
_ONE = Text(
    "{customer} gets: {treatment} (chance {propensity}). {reason}",
    "{customer} 的措施：{treatment}（概率{propensity}）。{reason}",
)
_DRY = Text(
    "This was a dry run; nothing was changed. To do it: add --yes", "这是预演，未做任何更改。确认执行请加 --yes"
)
_WOULD = Text(
    "{n} customers would be contacted for {money}; {left} more may not be contacted now.",
    "将联系{n}位客户，花费{money}；另有{left}位目前不可联系。",
)
_APPROVED = Text(
    "approved: {n} of {asked} decisions are reserved ({money})", "已批准：{asked}项决定中预留了{n}项（{money}）"
)
_FINDING = Text("price fairness: {found}", "价格公平性：{found}")
_NO_PLAN = Text(
    "nothing to send: no plan has been exported to the channels yet", "没有可发送的内容：尚无计划导出到渠道"
)
_CHANNEL = Text(
    "{name}: {sent} sent, {later} to be tried again, {postponed} wait for their time, {given_up} given up",
    "{name}：已发送{sent}，稍后重试{later}，等待时机{postponed}，放弃{given_up}",
)
_REFUSED = Text("not reserved: {reasons}", "未预留：{reasons}")
_SENT = Text(
    "exported {n} messages to {to}; {spent} spent, {logged} decisions logged",
    "已导出{n}条消息到 {to}；花费{spent}，记录{logged}项决定",
)
_WOULD_SEND = Text("{n} messages would go to {to}", "将向 {to} 导出{n}条消息")


def plan_page(plan_id: str, facts: Mapping[str, Any], language: Language = "en") -> str:
    """The whole plan as text, from plan.json."""
    voice = Voice(language, str(facts["currency"]))
    lines = [voice.say(_HEAD, plan=plan_id, campaign=isolated(facts["campaign_id"]))]
    lines += money_lines(facts, voice)
    lines += ["", *wrap(voice.say(facts["basis"]))]
    lines += [*heading(voice.say(_ARMS)), *columns(_arm_rows(facts, voice), right=(1, 2, 3))]
    lines += ["", *wrap(voice.say(_HELD, n=voice.count(facts["held_out"]), e=voice.percent(facts["epsilon"])))]
    if facts["budget"] is None:
        lines += wrap(voice.say(_NO_BUDGET))
    else:
        lines += wrap(voice.say(_BUDGET, budget=voice.money(facts["budget"]), gap=f"{facts['gap']:.2%}"))
    for one in facts["shadow"]:
        lines += wrap(voice.say(one["words"]))
    if facts["curve"]:
        lines += [*heading(voice.say(_CURVE)), *columns(_curve_rows(facts, voice), right=(0, 1, 2))]
    lines += ["", *wrap(voice.say(facts["knows"]["words"]))]
    for one in facts["notes"]:
        lines += ["", *wrap(voice.say(one))]
    return "\n".join([*lines, "", voice.say(_NEXT["proposed"])]) + "\n"


def money_lines(facts: Mapping[str, Any], voice: Voice) -> list[str]:
    """Nothing, everyone, riskiest, guarded: what each would earn."""
    head = tuple(voice.say(one) for one in _COLUMNS)
    body = [
        (
            voice.say(one["label"]), voice.money(one["net_profit"]),
            "–" if one["low"] is None else f"{voice.money(one['low'])} – {voice.money(one['high'])}",
            voice.money(one["cost"]), voice.count(one["customers"]),
        )
        for one in facts["money_line"]
    ]  # fmt: skip
    title = voice.say(_MONEY, follow_up=facts.get("follow_up", "30d"))
    return [*heading(title), *columns([head, *body], right=(1, 2, 3, 4))]


def _arm_rows(facts: Mapping[str, Any], voice: Voice) -> list[tuple[str, ...]]:
    head = tuple(voice.say(one) for one in _ARM_COLUMNS)
    body = [
        (isolated(one["title"]), voice.count(one["customers"]), voice.money(one["cost"]), voice.money(one["expected_profit"]))
        for one in facts["arms"]
    ]  # fmt: skip
    return [head, *body]


def _curve_rows(facts: Mapping[str, Any], voice: Voice) -> list[tuple[str, ...]]:
    head = (voice.pick("budget", "预算"), voice.pick("gain", "收益"), voice.pick("spent", "花费"))
    return [
        head,
        *((voice.money(one["budget"]), voice.money(one["gain"]), voice.money(one["cost"])) for one in facts["curve"]),
    ]


def review_page(facts: Mapping[str, Any], language: Language = "en") -> str:
    """What `plan review` prints."""
    voice = Voice(language, str(facts["currency"]))
    lines = [voice.say(_HEAD, plan=facts["plan_id"], campaign=isolated(facts["campaign_id"]))]
    if one := facts.get("customer"):
        said = voice.say(
            _ONE, customer=isolated(one["customer_id"]), treatment=one["treatment_id"],
            propensity=voice.percent(one["propensity"], 1), reason=one["reason"],
        )  # fmt: skip
        return "\n".join([*lines, "", *wrap(said), "", *columns(_chances(one, voice), right=(1,))]) + "\n"
    lines += money_lines(facts, voice)
    lines += [*heading(voice.say(_BEST)), *columns(_first(facts, voice), right=(2, 3, 4))]
    alone = [(voice.count(one["customers"]), isolated(one["reason"], 90)) for one in facts["left_alone"][:12]]
    lines += [*heading(voice.say(_ALONE)), *columns(alone, right=(0,))]
    following = _NEXT.get(facts["status"])
    return "\n".join([*lines, "", voice.say(following, follow_up="30d") if following else ""]).rstrip() + "\n"


def _chances(one: Mapping[str, Any], voice: Voice) -> list[tuple[str, str]]:
    return [(arm["treatment_id"], voice.percent(arm["propensity"], 1)) for arm in one["arm_propensities"]]


def _first(facts: Mapping[str, Any], voice: Voice) -> list[tuple[str, ...]]:
    head = tuple(voice.say(one) for one in _REVIEW_COLUMNS)
    body = [
        (
            isolated(one["customer_id"], 24), one["treatment_id"], voice.money(one["expected_profit"]),
            voice.money(one["cost"]), voice.percent(one["p_churn"]), isolated(one["reason"], 60),
        )
        for one in facts["customers"]
    ]  # fmt: skip
    return [head, *body]


def approved_page(facts: Mapping[str, Any], language: Language = "en") -> str:
    """What `plan approve` prints."""
    voice = Voice(language, str(facts["currency"]))
    money = voice.money(facts["money"])
    found = [voice.say(_FINDING, found=one) for one in facts["findings"]]
    if not facts["approved"]:
        said = voice.say(_WOULD, n=voice.count(facts["asked"]), money=money, left=voice.count(facts["left_out"]))
        return "\n".join([*found, said, voice.say(_DRY)]) + "\n"
    lines = [
        *found,
        voice.say(_APPROVED, n=voice.count(facts["granted"]), asked=voice.count(facts["asked"]), money=money),
    ]
    refused = {why: n for why, n in facts["reasons"].items() if why not in ("granted", "again")}
    if refused:
        lines.append(voice.say(_REFUSED, reasons=", ".join(f"{why} {n:,}" for why, n in sorted(refused.items()))))
    return "\n".join([*lines, voice.say(_NEXT["approved"])]) + "\n"


def exported_page(facts: Mapping[str, Any], language: Language = "en") -> str:
    """What `plan export` prints."""
    voice = Voice(language, str(facts.get("currency") or ""))
    if not facts["exported"]:
        return f"{voice.say(_WOULD_SEND, n=voice.count(facts['messages']), to=facts['to'])}\n{voice.say(_DRY)}\n"
    said = voice.say(
        _SENT, n=voice.count(facts["messages"]), to=facts["to"], spent=voice.money(facts["spent"]),
        logged=voice.count(facts["logged"]),
    )  # fmt: skip
    return f"{said}\n{voice.say(_NEXT['exported'], follow_up='30d')}\n"


def sent_page(facts: Mapping[str, Any], language: Language = "en") -> str:
    """What `plan send` prints."""
    voice = Voice(language, "")
    if not facts["channels"]:
        return voice.say(_NO_PLAN) + "\n"
    names = ("sent", "later", "postponed", "given_up")
    lines = []
    for name, one in facts["channels"].items():
        lines.append(voice.say(_CHANNEL, name=name, **{key: voice.count(one[key]) for key in names}))
        lines += [f"  {one['error']}"] if one.get("error") else []
    return "\n".join(lines) + "\n"
