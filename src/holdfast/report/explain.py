"""One customer: profile, timeline, prediction with its interval and definition, reasons in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow.compute as pc

from holdfast.core.text import Language, Text
from holdfast.models.counterfactual import CAUTION
from holdfast.report import words
from holdfast.report.customer import INTERESTS, interest_lines, profile_rows
from holdfast.report.explain_words import KINDS
from holdfast.report.plain import columns, heading, pad, wrap
from holdfast.report.story import Story
from holdfast.report.summary import isolated_text
from holdfast.report.voice import NONE, Voice, isolated
from holdfast.report.wanted import WANTED, wanted_lines

_TITLE = Text("Customer {id}", "客户 {id}")
_FORECAST = Text("Forecast", "预测")
_P = Text(
    "Chance of no order in the {horizon} from {start}: {p} (90%: {interval}).",
    "{start}起{horizon}内不下单的概率：{p}（90%区间：{interval}）。",
)
_MONEY = Text("Value at risk: {money}. Risk band: {band}. {meaning}", "风险价值：{money}。风险等级：{band}。{meaning}")
_OUTSIDE = Text(
    "No forecast: outside the population of {release}. It covers {population}.",
    "没有预测：不在 {release} 的统计范围内。统计范围：{population}。",
)
_WHY = Text("Why (+ raises the chance, − lowers it)", "原因（+ 提高该概率，− 降低该概率）")
_CHANGES = Text("What would change the forecast", "什么会改变预测")
_AHEAD = Text(
    "Next order: as likely as not by {day}. Orders to expect in the {horizon}: {orders}.",
    "下次下单：{day}之前的可能性过半。{horizon}内预计下单{orders}次。",
)
_FAR = Text("Next order: not likely within half a year.", "下次下单：半年内可能性不到一半。")
_WORTH = Text(
    "Customer value: {money} of margin; what this customer really brings, 90%: {low} to {high}.",
    "客户价值：毛利{money}；实际贡献的90%区间：{low}至{high}。",
)
_PROFILE = Text("Profile", "概况")
_ROWS = (
    ("orders", Text("orders", "订单数")),
    ("revenue", Text("spend", "消费额")),
    ("first_order", Text("first order", "首次下单")),
    ("last_order", Text("last order", "最近下单")),
    ("usual_gap_days", Text("usual gap", "平常间隔")),
    ("overdue_ratio", Text("silence in usual gaps", "沉默为平常间隔的")),
    ("lifecycle", Text("life-cycle", "生命周期")),
)
_SPEND = Text("Spend by month", "每月消费")
_TIMELINE = Text("Timeline, newest first", "时间线（从新到旧）")
_UNITS = Text("{units} units", "{units}件")
_BARS = " ▁▂▃▄▅▆▇█"


def explanation(
    story: Story, customer_id: str, page: Mapping[str, Any], language: Language = "en",
    changes: Sequence[Mapping[str, Any]] = (), wanted: Sequence[Mapping[str, Any]] = (),
    profile: Mapping[str, Any] | None = None, identities: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:  # fmt: skip
    """The same for a program: `page` is `profile.customer.customer_page`; `prediction` is None outside the population.

    `changes` is what `models.counterfactual` found: what would have to be different for the forecast to be different;
    `wanted` are the customer's rows of `recommendations`, `profile` the one of `profiles` (None outside the population),
    `identities` the ids by which sources know the customer.
    """
    row = find(story, customer_id)
    return {
        "customer_id": customer_id,
        "release_id": story.release.get("release_id"),
        "definition": story.definition(story.voice(language)),
        "prediction": None if row is None else {k: _jsonable(v) for k, v in row.items()},
        "changes": [dict(one) for one in changes],
        "recommendations": [dict(one) for one in wanted],
        "profile": {**page, **{k: _jsonable(v) for k, v in (profile or {}).items()}},
        "identities": [dict(one) for one in identities],
    }


def explain(
    story: Story, customer_id: str, page: Mapping[str, Any], language: Language = "en",
    changes: Sequence[Mapping[str, Any]] = (), wanted: Sequence[Mapping[str, Any]] = (),
    profile: Mapping[str, Any] | None = None, identities: Sequence[Mapping[str, Any]] = (),
) -> str:  # fmt: skip
    """One customer's page as text."""
    voice = story.voice(language)
    row = find(story, customer_id)
    lines = heading(voice.say(_TITLE, id=isolated(customer_id)))[1:]
    lines += heading(voice.say(_FORECAST)) + _forecast(story, row, voice)
    if row is not None and row.get("reasons"):
        lines += heading(voice.say(_WHY))
        for reason in row["reasons"]:
            mark = "−" if (reason.get("contribution") or 0) < 0 else "+"
            lines += wrap(isolated_text(reason["text"]), first=f"  {mark} ", indent="    ")
    if changes:
        lines += heading(voice.say(_CHANGES))
        for one in changes:
            lines += wrap(isolated_text(one["text"]), first="  · ", indent="    ")
        lines += wrap(voice.say(CAUTION))
    if wanted:
        lines += heading(voice.say(WANTED)) + wanted_lines(wanted, language)
    facts = story.outlook.get("profile") or {}
    about = [*_profile(page, row, voice), *profile_rows(profile, facts, voice, identities)]
    lines += heading(voice.say(_PROFILE)) + columns(about)
    liked = interest_lines(profile, voice)
    if liked:
        lines += heading(voice.say(INTERESTS)) + liked
    lines += _months(page.get("months") or [], voice)
    if page.get("timeline"):
        lines += heading(voice.say(_TIMELINE)) + _timeline(page["timeline"], voice)
    return "\n".join(lines) + "\n"


def find(story: Story, customer_id: str) -> dict[str, Any] | None:
    """The customer's row of the release, or None."""
    found = story.customers.filter(pc.equal(story.customers["customer_id"], customer_id))
    return dict(found.slice(0, 1).to_pylist()[0]) if found.num_rows else None


def _forecast(story: Story, row: Mapping[str, Any] | None, voice: Voice) -> list[str]:
    if row is None:
        release = story.release.get("release_id") or NONE
        return wrap(voice.say(_OUTSIDE, release=release, population=story.population(voice)))
    start, _ = story.horizon_days(voice)
    said = voice.say(
        _P,
        horizon=voice.days(story.horizon_length),
        start=voice.day(start),
        p=voice.percent(row["p_churn"]),
        interval=voice.interval(row["p_churn_low"], row["p_churn_high"]),
    )
    meaning = voice.say((story.bands.get("meanings") or {}).get(row["risk_band"]))
    band = voice.say(words.band(row["risk_band"]))
    money = voice.say(_MONEY, money=voice.money(row["value_at_risk"]), band=band, meaning=meaning)
    ahead = [line for one in _ahead(story, row, voice) for line in wrap(one)]
    return [*wrap(said), *wrap(money), *ahead, *wrap(story.definition(voice))]


def _ahead(story: Story, row: Mapping[str, Any], voice: Voice) -> list[str]:
    """Next order and value, where the release tells them."""
    said = []
    if row.get("next_order_at") is not None:
        orders, horizon = voice.number(row.get("expected_orders")), voice.days(story.horizon_length)
        said.append(voice.say(_AHEAD, day=voice.day(row["next_order_at"]), horizon=horizon, orders=orders))
    elif row.get("expected_orders") is not None:
        said.append(voice.say(_FAR))
    if row.get("clv") is not None:
        money = {
            key: voice.money(row[name]) for key, name in (("money", "clv"), ("low", "clv_low"), ("high", "clv_high"))
        }
        said.append(voice.say(_WORTH, **money))
    return said


def _profile(page: Mapping[str, Any], row: Mapping[str, Any] | None, voice: Voice) -> list[tuple[str, str]]:
    values = dict(page)
    if row is not None:
        values["lifecycle"] = row.get("lifecycle")
    silence = page.get("days_since_last_order")
    return [
        (voice.say(label), _value(key, values[key], silence, voice))
        for key, label in _ROWS
        if values.get(key) is not None
    ]


def _value(key: str, value: Any, silence: float | None, voice: Voice) -> str:
    if key == "revenue":
        return voice.money(value)
    if key == "last_order":
        return f"{voice.day(value)} ({voice.say(words.AGO, days=voice.days(silence))})"
    if key == "first_order":
        return voice.day(value)
    if key == "usual_gap_days":
        return voice.days(value)
    if key == "lifecycle":
        return voice.say(words.state(value))
    return voice.number(value) if key == "overdue_ratio" else voice.count(value)


def _months(months: Sequence[Mapping[str, Any]], voice: Voice) -> list[str]:
    """Spend by month as one line of bars, with the scale beside it."""
    if not months:
        return []
    top = max(one["revenue"] for one in months)
    bars = "".join(_BARS[round(8 * max(one["revenue"], 0) / top) if top > 0 else 0] for one in months[-36:])
    first, last = months[-36:][0]["month"], months[-1]["month"]
    return [*heading(voice.say(_SPEND)), f"  {first} {bars} {last}   max {voice.money(top)}"]


def _timeline(entries: Sequence[Mapping[str, Any]], voice: Voice) -> list[str]:
    lines = []
    for one in entries:
        kind = voice.say(KINDS.get(one["kind"], Text(one["kind"], one["kind"])))
        money = voice.money(one["amount"]) if one.get("amount") is not None else ""
        units = voice.say(_UNITS, units=voice.count(one["units"])) if one.get("units") else ""
        items = isolated_text("; ".join(str(item) for item in one.get("items") or []))
        row = f"  {one['day']}  {pad(kind, 16)}  {pad(money, 12, right=True)}  {pad(units, 10, right=True)}  "
        lines += wrap(items, first=row, indent=" " * 56, columns=120)
    return lines


def _jsonable(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
