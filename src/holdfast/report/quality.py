"""What cleaning found, as text: for `holdfast quality` and for the doctor's page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdfast.core.text import Language, Text
from holdfast.report.plain import columns, heading, wrap
from holdfast.report.sections.quality import FATES, verdict
from holdfast.report.summary import isolated_text
from holdfast.report.voice import Voice

Facts = Mapping[str, Any]
_STEPS = Text("Row by row, step by step", "逐步核对行数与金额")
_HEADS = (
    Text("step", "步骤"),
    Text("taken away", "减少"),
    Text("rows left", "剩余行数"),
    Text("money left", "剩余金额"),
)
_LEFT = Text(
    "What is left: {orders} orders of {buyers} customers, {spend} spent.",
    "最终保留：{buyers}位客户的{orders}笔订单，消费额{spend}。",
)
_FINDINGS = Text("What was found", "发现的问题")
_NOTHING = Text("Nothing was found.", "没有发现问题。")
_EXAMPLE = Text("for example {file}, row {row}: {cells}", "例如 {file} 第{row}行：{cells}")
_CUSTOMER = Text("for example {cells}", "例如 {cells}")
_PROOFS = Text("Does it add up?", "账目是否吻合")
_HOLDS, _FAILS = Text("yes", "是"), Text("NO", "否")
_ASSUMED = Text(
    "The sources do not say when they knew of an event; the time it happened is assumed (recorded_at).",
    "数据源没有说明何时得知事件；假定为事件发生的时刻（recorded_at）。",
)


def quality_page(facts: Facts, language: Language = "en") -> str:
    """`log.quality.Quality.as_dict(language)` as text: steps, findings with an example each, and every proof."""
    voice = Voice(language, str(facts.get("currency") or ""))
    lines = [*heading(voice.say(_STEPS))[1:], *step_lines(facts, voice)]
    lines += heading(voice.say(_FINDINGS)) + finding_lines(facts, voice)
    proofs = [
        (voice.say(_HOLDS if one["holds"] else _FAILS), isolated_text(voice.say(one["sentence"])))
        for one in facts.get("proofs") or []
    ]
    lines += heading(voice.say(_PROOFS)) + columns(proofs)
    if facts.get("recorded_at") in ("assumed", "mixed"):
        lines += ["", *wrap(voice.say(_ASSUMED))]
    return "\n".join(lines) + "\n"


def step_lines(facts: Facts, voice: Voice) -> list[str]:
    """The sequential steps as columns, and what is left at the end."""
    steps = facts.get("steps") or []
    if not steps:
        return []
    rows = [
        (
            isolated_text(voice.say(one.get("title") or one.get("step"))),
            voice.count(one.get("rows_removed")),
            voice.count(one["rows"]),
            voice.cents(one.get("amount")),
        )
        for one in steps
    ]
    left = voice.say(
        _LEFT,
        orders=voice.count(facts.get("orders")),
        buyers=voice.count(facts.get("buyers")),
        spend=voice.cents(facts.get("spend")),
    )
    return [*columns([tuple(voice.say(head) for head in _HEADS), *rows], right=[1, 2, 3]), "", *wrap(left)]


def finding_lines(facts: Facts, voice: Voice) -> list[str]:
    """Every finding with what became of the rows and one example; then whether everything reconciles."""
    lines = []
    for one in facts.get("findings") or []:
        fate = voice.say(FATES.get(one["disposition"], one["disposition"]))
        lines += wrap(f"{isolated_text(voice.say(one['sentence']))} [{fate}]", first="  · ", indent="    ")
        if one.get("examples"):
            lines += wrap(_example(one["examples"][0], voice), first="      ", indent="      ")
    if not lines:
        lines = [f"  {voice.say(_NOTHING)}"]
    said = verdict(facts, voice)
    return [*lines, "", *wrap(said)] if said else lines


def _example(one: Facts, voice: Voice) -> str:
    place = ("source_file", "source_row")
    cells = ", ".join(f"{k} {str(v)[:60]}" for k, v in one.items() if k not in place and v is not None)
    if one.get("source_file") is None:  # a finding about customers, not about rows of a file
        return isolated_text(voice.say(_CUSTOMER, cells=cells))
    return isolated_text(voice.say(_EXAMPLE, file=one["source_file"], row=one.get("source_row", "–"), cells=cells))
