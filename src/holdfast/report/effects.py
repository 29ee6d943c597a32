"""What `holdfast measure` prints, and the words that the report's section shares with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from holdfast.core.text import Language, Text
from holdfast.report.plain import columns, heading, wrap
from holdfast.report.voice import Voice

Facts = Mapping[str, Any]

ARMS = {"nothing": Text("nothing", "不采取措施"), "holdfast": Text("Holdfast", "Holdfast")}
NAMES = {
    "pooled": Text("All campaigns together", "全部活动合计"),
    "whole": Text("Holdfast as a whole", "Holdfast 整体"),
}
COLUMNS = (
    Text("arm", "组"), Text("n", "n"), Text("ordered again", "再次下单"), Text("orders", "订单"), Text("revenue", "收入"),
    Text("margin", "毛利"), Text("net return per 1 spent", "每花费1的净回报"),
)  # fmt: skip
HEAD = Text(
    "Measured over {follow_up} after each assignment, against nobody doing anything; {level} intervals that hold at every look.",
    "统计每次分配之后{follow_up}，与不采取措施相比；{level}区间，任何时候查看都有效。",
)
NOTHING_YET = Text("Nothing can be measured: {why}.", "无法衡量：{why}。")
_ASSIGNED = Text(
    "{closed} of {assigned} assignments have closed ({customers} customers).",
    "{assigned}次分配中{closed}次已结束（{customers}位客户）。",
)
MONEY = Text(
    "{arm}: margin gained {gain} for {cost} spent on {n} customers.", "{arm}：对{n}次分配花费{cost}，增量毛利{gain}。"
)
_RATIO_OK = Text("Arm sizes are as the chances say (p = {p}).", "各组人数与分配概率相符（p = {p}）。")
_RATIO_BAD = Text(
    "Do not trust these numbers: the arms' sizes do not fit their chances (p = {p}); somebody was left out or added.",
    "请勿相信这些数字：各组人数与分配概率不符（p = {p}），有人被遗漏或加入。",
)
_RATIO_NONE = Text(
    "Chances were not logged; the arms' sizes cannot be checked.", "没有记录分配概率，无法检查各组人数。"
)
_BALANCE = Text(
    "{arm} differed before the assignment already: {what} by {gap} standard deviations (p = {p}); corrected for, but look at it.",
    "{arm}在分配之前已有差异：{what}相差{gap}个标准差（p = {p}）；已作校正，但请留意。",
)
_CONTAMINATED = Text(
    "{share} of the rows got another arm's treatment within the follow-up; effects are by assignment and so too small.",
    "{share}的记录在跟踪期内受到了其他组的措施；效果按分配计算，因此偏小。",
)
_BROKEN = Text(
    "{arm} breaks a guardrail: {what}, {worse} more per customer (limit {limit}).",
    "{arm}突破护栏：{what}，每位客户多{worse}（上限{limit}）。",
)
_OPEN = Text("Not yet shown to be harmless: {what}.", "尚未证明无害：{what}。")
_SEEN = Text(
    "So many customers show a change of revenue from {revenue} a customer upwards (four times in five).",
    "这么多客户能看出每位客户{revenue}以上的收入变化（五次中四次）。",
)
WATCHED = {
    "unsubscribed": Text("unsubscribing", "退订"), "complaints": Text("complaints", "投诉"),
    "returns": Text("lines sent back", "退货"), "margin": Text("margin lost", "毛利损失"),
    "orders": Text("orders", "订单数"), "revenue": Text("revenue", "收入"),
}  # fmt: skip


def effects_page(facts: Facts, language: Language = "en") -> str:
    """The page as text, from `app.measure.part.measured`."""
    voice = Voice(language, str(facts.get("currency") or ""))
    if why := facts.get("undetermined"):
        return "\n".join(wrap(voice.say(NOTHING_YET, why=str(why).rstrip(".。")))) + "\n"
    lines = wrap(voice.say(HEAD, follow_up=facts["follow_up"], level=voice.percent(facts["level"])))
    parts = [facts[name] for name in ("whole", "pooled") if name in facts]
    for one in [*parts, *facts["campaigns"]]:
        lines += _block(one, voice)
    return "\n".join(lines) + "\n"


def title(one: Facts, voice: Voice) -> str:
    """What a block is called: the campaign's id, or the words for all of them."""
    name = str(one["name"])
    return f"{voice.say(NAMES[name])} ({one['follow_up']})" if name in NAMES else name


def _block(one: Facts, voice: Voice) -> list[str]:
    lines = heading(title(one, voice))
    if "assigned" in one:
        counts = {name: voice.count(one[name]) for name in ("closed", "assigned", "customers")}
        lines += wrap(voice.say(_ASSIGNED, **counts))
    if why := one.get("undetermined"):
        return [*lines, *wrap(voice.say(NOTHING_YET, why=str(why).rstrip(".。")))]
    lines += columns(rows(one, voice), right=range(1, 7))
    said = reasons(one, voice)
    lines += [line for text in [*said, *money(one, voice), *notes(one, voice)] for line in wrap(text, indent="  ")]
    return lines


def rows(one: Facts, voice: Voice) -> list[tuple[str, ...]]:
    """Head and one row per arm: n, then each effect with its interval."""
    body = [
        (
            arm(two["arm"], voice), voice.count(two["n_treated"]),
            *(cell(two["effects"].get(name), voice) for name in ("retention", "orders", "revenue", "margin")),
            cell(two["roi"], voice),
        )
        for two in one["comparisons"]
    ]  # fmt: skip
    control = next((two for two in one["arms"] if two["arm"] == "nothing"), None)
    last = [(arm("nothing", voice), voice.count(control["closed"]), *[""] * 5)] if control else []
    return [tuple(voice.say(name) for name in COLUMNS), *body, *last]


def arm(name: str, voice: Voice) -> str:
    return voice.say(ARMS.get(name, name))


def cell(found: Facts | None, voice: Voice) -> str:
    """`+1.2 [0.3, 2.1]` in the effect's unit; a dash where it may not be said."""
    if not found or "undetermined" in found:
        return "–"
    parts = [_number(found[name], found["unit"], voice) for name in ("estimate", "low", "high")]
    plus = "+" if found["estimate"] > 0 else ""
    return f"{plus}{parts[0]} [{parts[1]}, {parts[2]}]".replace("-", "−")


def _number(value: float, unit: str, voice: Voice) -> str:
    if unit == "share":
        return voice.percent(value, 1)
    return voice.number(value, 3 if unit == "orders" else 1) if unit in ("orders", "ratio") else voice.money(value)


def reasons(one: Facts, voice: Voice) -> list[str]:
    """Why a number is missing, each reason once, with the arms it holds for."""
    found: dict[str, list[str]] = {}
    for two in one["comparisons"]:
        for effect in two["effects"].values():
            if why := effect.get("undetermined"):
                arms = found.setdefault(why, [])
                if arm(two["arm"], voice) not in arms:
                    arms.append(arm(two["arm"], voice))
    return [f"{voice.listed(arms)}{voice.pick(': ', '：')}{why}{voice.pick('.', '。')}" for why, arms in found.items()]


def money(one: Facts, voice: Voice) -> list[str]:
    """What each arm earned beside what it cost."""
    return [
        voice.say(
            MONEY, arm=arm(two["arm"], voice), gain=cell(two["totals"]["margin"], voice), cost=voice.money(two["cost"]),
            n=voice.count(two["n_treated"]),
        )
        for two in one["comparisons"] if "undetermined" not in two["totals"]["margin"]
    ]  # fmt: skip


def notes(one: Facts, voice: Voice) -> list[str]:
    """Whether it is sound: arm sizes, balance, contamination, guardrails."""
    health = one["health"]
    lines = [] if one["name"] == "whole" and health["ratio"] is None else [ratio(health["ratio"], voice)]
    for two in health["balance"]:
        if two["alarm"]:
            what, gap = voice.say(WATCHED[two["covariate"]]), voice.number(two["gap"], 2)
            lines.append(voice.say(_BALANCE, arm=arm(two["arm"], voice), what=what, gap=gap, p=_p(two["p_value"])))
    if health["contamination"]["share"] > 0:
        lines.append(voice.say(_CONTAMINATED, share=voice.percent(health["contamination"]["share"], 1)))
    for two in one["comparisons"]:
        lines += _guarded(two, voice)
    seen = next((two["seen"].get("revenue") for two in one["comparisons"]), None)
    if isinstance(seen, float):
        lines.append(voice.say(_SEEN, revenue=voice.money(seen)))
    return lines


def ratio(found: Facts | None, voice: Voice) -> str:
    """Whether the arms are as large as their chances say."""
    if found is None:
        return voice.say(_RATIO_NONE)
    p = found["p_value"] if found["p_any_time"] is None else found["p_any_time"]
    return voice.say(_RATIO_BAD if found["alarm"] else _RATIO_OK, p=_p(p))


def _guarded(two: Facts, voice: Voice) -> Sequence[str]:
    name, lines = arm(two["arm"], voice), []
    for one in two["guardrails"]:
        if one["verdict"] == "broken":
            what, digits = voice.say(WATCHED[one["name"]]), 3
            worse, limit = voice.number(one["worse"], digits), voice.number(one["limit"], digits)
            lines.append(voice.say(_BROKEN, arm=name, what=what, worse=worse, limit=limit))
    still = [
        voice.say(WATCHED[one["name"]])
        for one in two["guardrails"]
        if one["verdict"] == "open" and "undetermined" not in one
    ]
    if still:
        lines.append(f"{name}{voice.pick(': ', '：')}{voice.say(_OPEN, what=voice.listed(still))}")
    return lines


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.2g}"
