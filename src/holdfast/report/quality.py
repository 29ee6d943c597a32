"""What cleaning found, as text: for `holdfast quality` and for the doctor's page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdfast.core.text import Language, Text
from holdfast.report.plain import columns, heading, wrap
from holdfast.report.sections.quality import FATES, verdict
from holdfast.report.summary import isolated_text
from holdfast.report.voice import Voice

_STEPS = Text("From rows read to purchases that stand", "从读入的行到有效的购买")
_HEADS = (Text("step", "步骤"), Text("taken", "移除"), Text("left", "剩余"), Text("money left", "剩余金额"))
_FOUND = Text("What was found", "发现")
_EXAMPLE = Text("e.g. {example}", "例如 {example}")
_NOTHING = Text("Nothing was found.", "没有发现问题。")


def quality_page(facts: Mapping[str, Any], language: Language = "en") -> str:
    """`log.quality.Quality.as_dict(language)` as text: steps, findings with an example each, and the proofs' verdict."""
    voice = Voice(language, str(facts.get("currency") or ""))
    return "\n".join([*heading(voice.say(_STEPS))[1:], *step_lines(facts, voice), *finding_lines(facts, voice)]) + "\n"


def step_lines(facts: Mapping[str, Any], voice: Voice) -> list[str]:
    """The sequential steps as columns."""
    rows = [
        (
            isolated_text(voice.say(one.get("title") or one.get("step"))),
            voice.count(-one["rows_removed"]) if one.get("rows_removed") else "",
            voice.count(one["rows"]),
            voice.cents(one.get("amount")),
        )
        for one in facts.get("steps") or []
    ]
    return columns([tuple(voice.say(head) for head in _HEADS), *rows], right=[1, 2, 3]) if rows else []


def finding_lines(facts: Mapping[str, Any], voice: Voice) -> list[str]:
    """Every finding with what became of the rows and one example; then whether everything reconciles."""
    lines = heading(voice.say(_FOUND))
    findings = facts.get("findings") or []
    for one in findings:
        fate = voice.say(FATES.get(one["disposition"], one["disposition"]))
        lines += wrap(f"{isolated_text(voice.say(one['sentence']))} [{fate}]", first="  · ", indent="    ")
        for example in (one.get("examples") or [])[:1]:
            shown = ", ".join(
                f"{key} {isolated_text(value)[:60]}" for key, value in example.items() if value is not None
            )
            lines += wrap(voice.say(_EXAMPLE, example=shown), first="      ", indent="      ")
    if not findings:
        lines.append(f"  {voice.say(_NOTHING)}")
    said = verdict(facts, voice)
    return [*lines, "", *wrap(said)] if said else lines
