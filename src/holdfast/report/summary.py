"""What the command line prints after a run: the first screen of the report as text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from holdfast.core.text import Language, Text
from holdfast.report import words
from holdfast.report.figures import base_rate, figures
from holdfast.report.kept import kept, newest_first
from holdfast.report.opening import opening
from holdfast.report.plain import columns, heading, wrap
from holdfast.report.story import Story
from holdfast.report.voice import Voice, isolated

_HEAD = Text("{shop} · what was known on {cutoff} · the {horizon} after", "{shop} · 截至{cutoff} · 之后{horizon}")
_KEPT = Text("Promises kept", "言出必验")
_TOP = Text("Top five customers at risk", "风险价值最高的五位客户")
_REPORT = Text("Report: {path}", "报告：{path}")


def summary(story: Story, language: Language = "en", *, report: Path | str | None = None) -> str:
    """The run in one screen: three sentences, key figures, the first five customers with their reasons."""
    voice = story.voice(language)
    head = voice.say(
        _HEAD,
        shop=isolated(story.release.get("shop") or "shop"),
        cutoff=voice.day(story.release.get("cutoff")),
        horizon=voice.days(story.horizon_length),
    )
    lines = [*heading(head)[1:], ""]
    for number, sentence in enumerate(opening(story, voice, base_rate=base_rate(story)), start=1):
        lines += wrap(sentence, first=f"{number}. ", indent="   ")
    if story.promises:
        lines += heading(voice.say(_KEPT)) + wrap(kept(newest_first(story.promises)[0], voice))
    lines += ["", *columns([(one.label, one.number, one.bounds) for one in figures(story, voice)], right=[1])]
    lines += _top(story, voice)
    lines += ["", *wrap(story.definition(voice))]
    if report is not None:
        lines += ["", voice.say(_REPORT, path=report)]
    return "\n".join(lines) + "\n"


def _top(story: Story, voice: Voice) -> list[str]:
    top = story.top(5)
    if not top:
        return []
    lines = heading(voice.say(_TOP))
    rows = columns([_row(i, one, voice) for i, one in enumerate(top, start=1)], right=[0, 3, 4])
    for row, one in zip(rows, top, strict=True):
        lines.append(row)
        for reason in one.get("reasons") or []:
            lines += wrap(isolated_text(reason["text"]), first="       · ", indent="         ")
    return lines


def _row(number: int, one: Mapping[str, Any], voice: Voice) -> tuple[str, ...]:
    chance = f"{voice.percent(one['p_churn'])} ({voice.interval(one['p_churn_low'], one['p_churn_high'])})"
    return (
        f"{number}.",
        isolated(one["customer_id"], 40),
        voice.say(words.band(one["risk_band"])),
        voice.money(one["value_at_risk"]),
        chance,
        voice.say(words.state(one["lifecycle"])),
    )


def isolated_text(text: object) -> str:
    """A sentence that may quote data: no control characters."""
    return "".join(c for c in str(text) if c.isprintable() or c == " ")
