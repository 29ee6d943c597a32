"""What `holdfast segments` prints: each segment with its size, words, value and churn; who moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from holdfast.core.text import Text
from holdfast.report.plain import columns, heading, wrap
from holdfast.report.segment_words import SCHEMES, SEGMENT, apart, titles
from holdfast.report.voice import NONE, Voice
from holdfast.report.words import CUSTOMERS

_TITLE = Text("Segments on {day}, by {scheme}", "{day}的分群，依据{scheme}")
_HEADS = (
    SEGMENT, CUSTOMERS, Text("share", "占比"), Text("spend", "消费额"), Text("of all", "占全部"), Text("no order", "不下单概率"),
    Text("value ahead", "预期价值"),
)  # fmt: skip
HOW = Text(
    "Learnt by {method} from {features} measures: {count} is the largest number of groups that all come back when customers "
    "are drawn anew (each at least {jaccard} of itself, agreement {ari}) and lie nearly as far apart as fewer would.",
    "用{method}从{features}个指标学习得到：{count}是重复抽样后各组都能再现（每组至少再现{jaccard}，一致性{ari}）且区分度相近的最大组数。",
)
CONTINUUM = Text(
    " They are a cut through customers who differ by degrees, not islands (separation {separation}).",
    "这些分组是对渐变人群的划分，并非彼此孤立的群体（分离度{separation}）。",
)
METHODS = {"k_means": Text("k-means", "k-means"), "gaussian_mixture": Text("a Gaussian mixture", "高斯混合模型")}
_SPAN = Text(
    "Spend: of the last {days} days. No order: mean chance within the horizon. Value ahead: expected margin of all.",
    "消费额为最近{days}天；不下单概率为预测期内的平均值；预期价值为全部客户的预期毛利。",
)
_FLOW = Text("Who moved since {day}", "{day}以来的变动")
_FROM, _TO, _STAYED = Text("from", "原分群"), Text("to", "现分群"), Text("stayed", "未变动")
_NO_FLOW = Text(
    "Who moved cannot be told: {why}. Against an earlier release: holdfast segments --since RELEASE.",
    "无法得知变动情况：{why}。与较早发布比较：holdfast segments --since RELEASE。",
)
#: Below this mean silhouette the groups are no islands.
ISLANDS = 0.25


def segments_page(facts: Mapping[str, Any], scheme: str, voice: Voice, *, day: Any, moves: bool = False) -> str:
    """The page as text; `facts` is `outlook["profile"]`."""
    rows = facts["segments"][scheme]
    lines = heading(voice.say(_TITLE, day=voice.day(day), scheme=voice.say(SCHEMES[scheme])))[1:]
    lines += columns([[voice.say(one) for one in _HEADS], *(_row(one, voice) for one in rows)], right=range(1, 7))
    lines.append("")
    names = titles(rows, voice)
    for one in rows:
        title = names[one["name"]]
        lines += wrap(f"{one['name']}: {title}" if title != one["name"] else title, first="  ", indent="      ")
        lines += wrap(apart(one["apart"], voice), first="    · ", indent="      ")
    lines += ["", *wrap(how(facts, scheme, voice) + voice.say(_SPAN, days=facts["window_days"]))]
    if moves:
        lines += flow_lines(facts, scheme, voice)
    return "\n".join(lines) + "\n"


def how(facts: Mapping[str, Any], scheme: str, voice: Voice) -> str:
    """How learnt segments were learnt, in a sentence; nothing for the others."""
    known = facts["segments"].get("how_learnt") or {}
    if scheme != "learnt" or "count" not in known:
        return ""
    said = voice.say(
        HOW, method=voice.say(METHODS[known["method"]]), features=len(known["features"]), count=known["count"],
        jaccard=voice.percent(min(known["stability"]["jaccard"])), ari=voice.number(known["stability"]["ari"], 2),
    )  # fmt: skip
    if known["separation"] < ISLANDS:
        said += voice.say(CONTINUUM, separation=voice.number(known["separation"], 2))
    return said + voice.pick(" ", "")


def flow_lines(facts: Mapping[str, Any], scheme: str, voice: Voice, most: int = 20) -> list[str]:
    """The moves, largest first, those who stayed last."""
    flow = facts.get("flow") or {}
    rows = flow.get(scheme)
    why = (rows if isinstance(rows, Mapping) else flow).get("undetermined")
    if not isinstance(rows, Sequence):
        return ["", *wrap(voice.say(_NO_FLOW, why=why or NONE))]
    lines = heading(voice.say(_FLOW, day=voice.day(flow["since"])))
    moved = [one for one in rows if one["from"] != one["to"]][:most]
    table = [(one["from"], one["to"], voice.count(one["count"])) for one in moved]
    stayed = sum(one["count"] for one in rows if one["from"] == one["to"])
    head = (voice.say(_FROM), voice.say(_TO), voice.say(CUSTOMERS))
    return [*lines, *columns([head, *table, (voice.say(_STAYED), "", voice.count(stayed))], right=[2])]


def _row(one: Mapping[str, Any], voice: Voice) -> tuple[str, ...]:
    return (
        one["name"], voice.count(one["customers"]), voice.percent(one["share"]), voice.money(one["revenue"]),
        voice.percent(one["revenue_share"]), voice.percent(one["p_churn"]), voice.money(one.get("clv")),
    )  # fmt: skip
