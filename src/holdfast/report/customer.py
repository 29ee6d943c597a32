"""Who one customer is, as the profile says it: rows for the customer page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from holdfast.core.text import Text
from holdfast.profile.interests import sentence
from holdfast.profile.rfm import GROUPS
from holdfast.report.plain import wrap
from holdfast.report.segment_words import STAGES, TIERS, WEEKDAYS, title
from holdfast.report.summary import isolated_text
from holdfast.report.voice import Voice, isolated

INTERESTS = Text("Interests", "兴趣")
_SEGMENT = Text("segment", "分群")
_GRID, _TIER, _STAGE = Text("RFM", "RFM"), Text("value tier", "价值层级"), Text("stage (AIPL)", "阶段（AIPL）")
_DEALS = Text("orders on a deal", "优惠订单")
_DEALS_SAID = Text("{share} (shrunk; the shop: {usual})", "{share}（已收缩；全店{usual}）")
_LEVEL = Text("prices paid", "价格水平")
_LEVEL_SAID = Text("{level} times the usual of the same categories", "同类别平均价格的{level}倍")
_HABITS = Text("shops", "购物习惯")
_CHANNEL = Text("by {channel} ({share})", "渠道{channel}（{share}）")
_HOUR = Text("around {hour}:00 ({share})", "{hour}点前后（{share}）")
_DAY = Text("on {day} ({share})", "常在{day}（{share}）")
_OF = Text("of {n} occasions", "共{n}次")
_UNCLEAR = Text("no clear channel, hour or weekday in {n} occasions", "{n}次中没有明显的渠道、时段或星期偏好")
_SERVICE = Text("service", "服务")
_PARTS = (
    ("ticket_count", Text("tickets: {n}", "工单：{n}")),
    ("refund_count", Text("lines sent back: {n}", "退货：{n}行")),
    ("delivery_failed_count", Text("failed deliveries: {n}", "配送失败：{n}次")),
)
_RATING = Text("rates {stars} stars", "评分{stars}星")
_CONTACTS = Text("contacts", "触达")
_CONTACTS_SAID = Text(
    "{n} messages, {opened} opens and clicks, {treated} treatments", "{n}条消息，{opened}次打开或点击，{treated}次措施"
)
_PLATFORMS, _KNOWN = Text("platforms", "平台"), Text("known as", "来源身份")
_MORE = Text(" and {n} more", "等{n}个")


def profile_rows(
    profile: Mapping[str, Any] | None,
    facts: Mapping[str, Any],
    voice: Voice,
    identities: Sequence[Mapping[str, Any]] = (),
) -> list[tuple[str, str]]:
    """(label, value) of all that the profile knows; what cannot be told is left out.

    `profile` is a row of RELEASE_PROFILES with `segment` beside it, `facts` is `outlook["profile"]`.
    """
    rows: list[tuple[Text, str | None]] = []
    if profile is not None:
        rows += [
            (_SEGMENT, _segment(profile, facts, voice)), (_GRID, _grid(profile, voice)), (_TIER, _one(TIERS, profile.get("value_tier"), voice)),
            (_STAGE, _one(STAGES, profile.get("aipl"), voice)), (_DEALS, _deals(profile, facts, voice)), (_LEVEL, _level(profile, voice)),
            (_HABITS, _habits(profile, voice)), (_SERVICE, _service(profile, voice)), (_CONTACTS, _contacts(profile, voice)),
            (_PLATFORMS, _listed(profile.get("platforms") or [])),
        ]  # fmt: skip
    rows.append((_KNOWN, _identities(identities, voice)))
    return [(voice.say(label), value) for label, value in rows if value]


def interest_lines(profile: Mapping[str, Any] | None, voice: Voice) -> list[str]:
    """One interest a line, with its evidence."""
    found = (profile or {}).get("interests") or []
    return [
        line
        for one in found
        for line in wrap(isolated_text(sentence(one, voice.language)), first="  · ", indent="    ")
    ]


def _segment(profile: Mapping[str, Any], facts: Mapping[str, Any], voice: Voice) -> str | None:
    name = profile.get("segment")
    known = facts.get("segments") or {}
    rows = known.get(str(known.get("use"))) or []
    said = next((title(one, voice) for one in rows if one["name"] == name), None)
    if name is None:
        return None
    return isolated(name) if said in (None, name) else f"{isolated(name)} ({said})"


def _grid(profile: Mapping[str, Any], voice: Voice) -> str | None:
    cell, group = profile.get("rfm_cell"), profile.get("rfm_group")
    return f"{cell} ({voice.say(GROUPS[group])})" if cell and group in GROUPS else None


def _one(words: Mapping[str, Text], name: str | None, voice: Voice) -> str | None:
    return voice.say(words[name]) if name is not None and name in words else None


def _deals(profile: Mapping[str, Any], facts: Mapping[str, Any], voice: Voice) -> str | None:
    share = profile.get("price_sensitivity")
    usual = (facts.get("prices") or {}).get("deal_share")
    return None if share is None else voice.say(_DEALS_SAID, share=voice.percent(share), usual=voice.percent(usual))


def _level(profile: Mapping[str, Any], voice: Voice) -> str | None:
    level = profile.get("price_level")
    return None if level is None else voice.say(_LEVEL_SAID, level=voice.number(level, 2))


def _habits(profile: Mapping[str, Any], voice: Voice) -> str | None:
    said = []
    if profile.get("channel") is not None:
        said.append(
            voice.say(_CHANNEL, channel=isolated(profile["channel"]), share=voice.percent(profile["channel_share"]))
        )
    if profile.get("hour") is not None:
        said.append(voice.say(_HOUR, hour=profile["hour"], share=voice.percent(profile["hour_share"])))
    if profile.get("weekday") is not None:
        day = voice.say(WEEKDAYS[profile["weekday"]])
        said.append(voice.say(_DAY, day=day, share=voice.percent(profile["weekday_share"])))
    count = profile.get("occasion_count")
    if not count:
        return None
    if not said:
        return voice.say(_UNCLEAR, n=voice.count(count))
    return voice.pick(", ", "，").join([*said, voice.say(_OF, n=voice.count(count))])


def _service(profile: Mapping[str, Any], voice: Voice) -> str | None:
    said = [voice.say(text, n=voice.count(profile[name])) for name, text in _PARTS if profile.get(name)]
    if profile.get("rating") is not None:
        said.append(voice.say(_RATING, stars=voice.number(profile["rating"])))
    return voice.pick(", ", "，").join(said) or None


def _contacts(profile: Mapping[str, Any], voice: Voice) -> str | None:
    counts = [profile.get(name) or 0 for name in ("message_count", "message_open_count", "treated_count")]
    return voice.say(_CONTACTS_SAID, n=counts[0], opened=counts[1], treated=counts[2]) if any(counts) else None


def _identities(rows: Sequence[Mapping[str, Any]], voice: Voice, most: int = 3) -> str | None:
    names = [f"{isolated(one['source'])}:{isolated(one['source_id'])}" for one in rows]
    said = ", ".join(names[:most])
    return said + voice.say(_MORE, n=len(names) - most) if len(names) > most else said or None


def _listed(names: Sequence[str]) -> str | None:
    return ", ".join(isolated(one) for one in names) or None
