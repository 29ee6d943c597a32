"""Who the customers are: segments with what sets each apart, who moved, how long each stays silent, what is liked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from holdfast.core.text import Text
from holdfast.report import words
from holdfast.report.html import Html, el
from holdfast.report.parts import Col, Section, absent, figure, line_legend, table
from holdfast.report.plot import Axis, Plot, share_axis
from holdfast.report.segment_words import SCHEMES, SEGMENT, STAGES, TIERS, WEEKDAYS, apart, titles
from holdfast.report.segments import how
from holdfast.report.story import Story
from holdfast.report.voice import Voice, isolated

_TITLE = Text("Who the customers are", "客户是谁")
_LEAD = Text(
    "{n} customers in {count} segments by {scheme}: {top} holds {share} of them and brought {revenue} of the spend of the "
    "last {days} days; {worst} is the likeliest to leave ({p} will not order).",
    "{n}位客户按{scheme}分为{count}个分群：{top}占{share}，贡献了最近{days}天消费额的{revenue}；{worst}最可能流失（{p}不会下单）。",
)
_ABSENT = Text("No segments: {why}.", "没有分群：{why}。")
_NONE = Text("this release has none", "本次发布没有")
_HEADS = (
    SEGMENT, words.CUSTOMERS, Text("Spend", "消费额"), Text("of all spend", "占全部消费"), words.P_CHURN, Text("What sets it apart", "特点"),
)  # fmt: skip
_NAME_NOTE = Text(
    "Every customer's segment is in customers.parquet, the rest of the profile in profiles.parquet; holdfast segments lists "
    "the other ways of cutting.",
    "每位客户的分群见 customers.parquet，其余画像见 profiles.parquet；其他分群方式可用 holdfast segments 查看。",
)
_FLOW = Text("Who moved since {day}", "{day}以来的变动")
_FROM, _TO = Text("From", "原分群"), Text("To", "现分群")
_SILENT = Text("Days without an order", "未下单天数")
_STILL = Text("Still silent", "仍未下单")
_CURVES = Text(
    "Share of each segment without an order since {day}, by days (Kaplan-Meier, 90% intervals); segments as they were then.",
    "自{day}起各分群仍未下单的比例（Kaplan-Meier，90%区间）；分群按当时情况。",
)
_HOW_LONG = Text("How long each segment stays silent", "各分群沉默多久")
_LIKES = Text("What is liked", "偏好")
_CATEGORY, _USUAL = Text("Category", "类别"), Text("share of all acts", "占全部行为")
_LIKED = Text("customers who like it more than others do", "明显更偏好的客户")
_STAGE = Text("How far they have come (everybody seen in {days} days)", "所处阶段（{days}天内出现过的所有人）")
_TIER = Text("Who brings the revenue", "谁带来收入")
_TIER_HEADS = (Text("Tier", "层级"), words.CUSTOMERS, Text("of all spend", "占全部消费"))
_WHEN = Text("When and where", "时间与渠道")
_TOLD = Text(
    "The channel can be told of {channel}, the hour of {hour} and the weekday of {weekday} of {n} customers; of the others "
    "there are too few occasions, or no clear preference.{deals}",
    "在{n}位客户中，可判断渠道的有{channel}位、时段{hour}位、星期{weekday}位；其余客户次数太少或没有明显偏好。{deals}",
)
_DEALS = Text(
    " {share} of orders are on a discount, a coupon or a promotion day; {high} customers buy surely more of theirs so, {low} "
    "surely fewer.",
    "{share}的订单享受折扣、优惠券或在促销日；{high}位客户明显更常如此，{low}位明显更少。",
)
_MOST_CURVES, _MOST_MOVES = 5, 10


def segments(story: Story, voice: Voice) -> Section:
    """The published segments, and what else the profiles say of the shop as a whole."""
    facts = story.outlook.get("profile") or {}
    if "segments" not in facts:
        why = str(facts.get("undetermined") or voice.say(_NONE)).rstrip(".。")
        return Section("segments", voice.say(_TITLE), None, absent(_ABSENT, voice, why=why))
    scheme = facts["segments"]["use"]
    rows = facts["segments"][scheme]
    body = [
        _table(rows, voice),
        _curves(facts, voice),
        el("div", _likes(facts, voice), _tiers(facts, voice), class_="pair"),
        _flow(facts.get("flow") or {}, scheme, titles(rows, voice), voice),
        _stages(facts, voice),
    ]
    note = how(facts, scheme, voice) + voice.say(_NAME_NOTE)
    return Section("segments", voice.say(_TITLE), _lead(facts, scheme, rows, voice), [b for b in body if b], note)


def _lead(facts: Mapping[str, Any], scheme: str, rows: Sequence[Mapping[str, Any]], voice: Voice) -> str | None:
    if not rows:
        return None
    names = titles(rows, voice)
    top, worst = rows[0], max(rows, key=lambda one: one["p_churn"])
    return voice.say(
        _LEAD, n=voice.count(sum(one["customers"] for one in rows)), count=len(rows), scheme=voice.say(SCHEMES[scheme]),
        top=_quoted(names[top["name"]], voice), share=voice.percent(top["share"]), revenue=voice.percent(top["revenue_share"]),
        days=facts["window_days"], worst=_quoted(names[worst["name"]], voice), p=voice.percent(worst["p_churn"]),
    )  # fmt: skip


def _quoted(name: str, voice: Voice) -> str:
    return voice.pick(f"“{name.split(':')[0]}”", f"“{name.split('：')[0]}”")


def _table(rows: Sequence[Mapping[str, Any]], voice: Voice) -> Html:
    names = titles(rows, voice)
    heads = [
        Col(voice.say(_HEADS[0]), "text"), *(Col(voice.say(one), "num", voice.say(one)) for one in _HEADS[1:5]),
        Col(voice.say(_HEADS[5]), "wide", voice.say(_HEADS[5])),
    ]  # fmt: skip
    cells = [
        (
            names[one["name"]], f"{voice.count(one['customers'])} ({voice.percent(one['share'])})", voice.money(one["revenue"]),
            voice.percent(one["revenue_share"]), voice.percent(one["p_churn"]), apart(one["apart"], voice, 3),
        )
        for one in rows
    ]  # fmt: skip
    return table(heads, cells, label=voice.say(_TITLE), class_="people")


def _curves(profile: Mapping[str, Any], voice: Voice) -> Html | None:
    facts = profile.get("survival") or {}
    curves = (facts.get("curves") or [])[:_MOST_CURVES]
    if not curves:
        return None
    long = titles(profile["segments"].get(facts["by"]) or [], voice)
    names = {name: said.split(":")[0].split("：")[0] for name, said in long.items()}
    top = max(one["days"][-1] for one in curves)
    days = sorted({day for one in curves for day in one["days"]})
    plot = Plot(
        Axis(0, top, tuple((float(d), str(d)) for d in (0, *days)), voice.say(_SILENT)), share_axis(voice, voice.say(_STILL)),
        voice.say(_HOW_LONG), 300,
    )  # fmt: skip
    for i, one in enumerate(curves):
        x = [0.0, *map(float, one["days"])]
        low, high = [1.0, *one["low"]], [1.0, *one["high"]]
        plot.band(list(zip(x, low, strict=True)), list(zip(x, high, strict=True)), f"seq{i}")
        plot.line(list(zip(x, [1.0, *one["silent"]], strict=True)), f"seq{i}")
        for day, share, lo, hi in zip(one["days"], one["silent"], one["low"], one["high"], strict=True):
            tip = f"{_name(one, names)}, {voice.days(day)}: {voice.percent(share)} ({voice.interval(lo, hi)})"
            plot.dot(day, share, f"seq{i}", tip, 7)
    legend = line_legend(
        [(f"seq{i}", f"{_name(one, names)} (n = {voice.count(one['n'])})") for i, one in enumerate(curves)]
    )
    heads = [Col(voice.say(SEGMENT)), *(Col(voice.days(day), "num") for day in days)]
    cells = [
        (_name(one, names), *(_at(one, day, voice) for day in days)) for one in curves
    ]  # fmt: skip
    numbers = table(heads, cells, label=voice.say(_HOW_LONG))
    caption = voice.say(_CURVES, day=voice.day(facts["cutoff"]))
    return el("div", el("h3", voice.say(_HOW_LONG)), figure(el("div", legend, plot.html()), caption, numbers, voice))


def _name(one: Mapping[str, Any], names: Mapping[str, str]) -> str:
    return names.get(one["segment"], isolated(one["segment"]))


def _at(one: Mapping[str, Any], day: int, voice: Voice) -> str:
    if day not in one["days"]:
        return "–"
    i = one["days"].index(day)
    return f"{voice.percent(one['silent'][i])} ({voice.interval(one['low'][i], one['high'][i])})"


def _flow(facts: Mapping[str, Any], scheme: str, names: Mapping[str, str], voice: Voice) -> Html | None:
    rows = facts.get(scheme)
    if not isinstance(rows, Sequence):
        return None
    moved = [one for one in rows if one["from"] != one["to"]][:_MOST_MOVES]
    if not moved:
        return None
    title = voice.say(_FLOW, day=voice.day(facts["since"]))
    heads = [Col(voice.say(_FROM)), Col(voice.say(_TO)), Col(voice.say(words.CUSTOMERS), "num")]
    cells = [
        (names.get(m["from"], isolated(m["from"])), names.get(m["to"], isolated(m["to"])), voice.count(m["count"]))
        for m in moved
    ]
    return el("details", el("summary", title), table(heads, cells, label=title))


def _likes(facts: Mapping[str, Any], voice: Voice) -> Html | None:
    rows = [one for one in (facts.get("interests") or {}).get("categories") or [] if one["customers"]]
    if not rows:
        return None
    heads = [Col(voice.say(_CATEGORY)), Col(voice.say(_USUAL), "num"), Col(voice.say(_LIKED), "num")]
    cells = [(isolated(r["category"]), voice.percent(r["usual_share"]), voice.count(r["customers"])) for r in rows]
    return el("div", el("h3", voice.say(_LIKES)), table(heads, cells, label=voice.say(_LIKES)))


def _tiers(facts: Mapping[str, Any], voice: Voice) -> Html | None:
    rows = [one for one in facts.get("value_tiers") or [] if one["customers"]]
    if not rows:
        return None
    heads = [Col(voice.say(_TIER_HEADS[0])), *(Col(voice.say(one), "num") for one in _TIER_HEADS[1:])]
    cells = [
        (voice.say(TIERS[r["name"]]), voice.count(r["customers"]), voice.percent(r["revenue_share"])) for r in rows
    ]
    return el("div", el("h3", voice.say(_TIER)), table(heads, cells, label=voice.say(_TIER)))


def _stages(facts: Mapping[str, Any], voice: Voice) -> Html:
    stages, habits = facts.get("aipl") or {}, facts.get("habits") or {}
    title = voice.say(_STAGE, days=facts["window_days"])
    rows = [(voice.say(STAGES[name]), voice.count(count)) for name, count in stages.items()]
    heads = [Col(voice.say(Text("Stage", "阶段"))), Col(voice.say(words.CUSTOMERS), "num")]
    told = {by: voice.count((habits.get(by) or {}).get("told")) for by in ("channel", "hour", "weekday")}
    days = (habits.get("weekday") or {}).get("counts") or {}
    when = [(voice.say(WEEKDAYS[int(day)]), voice.count(count)) for day, count in days.items()]
    said = voice.say(_TOLD, n=voice.count(facts["customers"]), deals=_deals(facts.get("prices") or {}, voice), **told)
    when_heads = [Col(voice.say(Text("Weekday", "星期"))), Col(voice.say(words.CUSTOMERS), "num")]
    inner = [
        table(heads, rows, label=title),
        el("p", said, class_="note"),
        table(when_heads, when, label=voice.say(_WHEN)),
    ]
    return el("details", el("summary", f"{title}; {voice.say(_WHEN)}"), inner)


def _deals(prices: Mapping[str, Any], voice: Voice) -> str:
    if not prices.get("deal_share"):
        return ""
    return voice.say(
        _DEALS,
        share=voice.percent(prices["deal_share"]),
        high=voice.count(prices["high"]),
        low=voice.count(prices["low"]),
    )
