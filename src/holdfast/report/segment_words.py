"""Segments in words: what sets them apart, in original units; shared by the page, the terminal and the customer page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from holdfast.core.text import Text
from holdfast.report.explain_words import KINDS
from holdfast.report.voice import Voice, isolated

_LONGEST = 120
SEGMENT = Text("Segment", "分群")
OTHERS = Text("{said} (others {other})", "{said}（其他客户{other}）")
NO_DIFFERENCE = Text("like the others in every measure", "各项指标与其他客户相近")
OUTSIDE = Text("outside", "不在统计范围")
SCHEMES = {
    "rules": Text("the rules of segments.toml", "segments.toml 中的规则"),
    "rfm": Text("the RFM grid", "RFM 网格"),
    "learnt": Text("groups learnt from the data", "从数据中学习的分组"),
}
WEEKDAYS = (
    Text("Monday", "周一"), Text("Tuesday", "周二"), Text("Wednesday", "周三"), Text("Thursday", "周四"),
    Text("Friday", "周五"), Text("Saturday", "周六"), Text("Sunday", "周日"),
)  # fmt: skip
TIERS = {
    "top": Text("top (the first half of all revenue)", "最高（贡献收入的前一半）"),
    "high": Text("high (the next 30%)", "高（其后的30%）"),
    "middle": Text("middle (the next 15%)", "中（其后的15%）"),
    "low": Text("low (the last 5%)", "低（最后的5%）"),
}
STAGES = {
    "aware": Text("aware", "认知"),
    "interest": Text("interest", "兴趣"),
    "purchase": Text("purchase", "购买"),
    "loyal": Text("loyal", "忠诚"),
    "none": Text("out of touch", "失去联系"),
}


def apart(rows: Sequence[Mapping[str, Any]], voice: Voice, most: int = 4) -> str:
    """What sets a segment apart, as one line."""
    if not rows:
        return voice.say(NO_DIFFERENCE)
    said = [voice.say(OTHERS, said=voice.say(one["said"]).format(value=_number(one["inside"], one, voice)),
                      other=_number(one["outside"], one, voice)) for one in rows[:most]]  # fmt: skip
    return ("；" if voice.language == "zh" else "; ").join(said)


def titles(rows: Sequence[Mapping[str, Any]], voice: Voice) -> dict[str, str]:
    """The title of each segment by name."""
    return {one["name"]: title(one, voice) for one in rows} | {"outside": voice.say(OUTSIDE)}


def title(row: Mapping[str, Any], voice: Voice) -> str:
    """The title of one segment; the shop wrote it, or we did, so it is only kept to one line."""
    said = "".join(c for c in voice.say(row["title"]) if c.isprintable())
    return said if len(said) <= _LONGEST else f"{said[: _LONGEST - 1]}…"


def step(name: str, voice: Voice) -> str:
    """A step of a path: `view Garden` is an event type and, after the space, a category."""
    kind, _, category = name.partition(" ")
    said = voice.say(KINDS.get(kind, Text(kind, kind)))
    return f"{said} {isolated(category)}" if category else said


def _number(value: float, row: Mapping[str, Any], voice: Voice) -> str:
    unit = row["unit"]
    if unit == "money":
        return voice.money(value)
    if unit == "share":
        return voice.percent(value)
    if unit == "number":
        return voice.number(value, 1)
    return voice.count(value) if abs(value) >= 10 or float(value).is_integer() else voice.number(value, 1)
