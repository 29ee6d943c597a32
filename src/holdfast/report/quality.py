"""What `holdfast quality` prints: rows and money step by step, findings with an example each, and the proofs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdfast.core.text import Language, Text
from holdfast.report.plain import columns, heading, wrap
from holdfast.report.summary import isolated_text
from holdfast.report.voice import Voice

Facts = Mapping[str, Any]
_STEPS = Text("Row by row, step by step", "逐步核对行数与金额")
_HEAD = (Text("step", "步骤"), Text("taken away", "减少"), Text("rows left", "剩余行数"), Text("money left", "剩余金额"))
_LEFT = Text(
    "What is left: {orders} orders of {buyers} customers, {spend} spent.",
    "最终保留：{buyers}位客户的{orders}笔订单，消费额{spend}。",
)
_FINDINGS = Text("What was found", "发现的问题")
_EXAMPLE = Text("for example {file}, row {row}: {cells}", "例如 {file} 第{row}行：{cells}")
_PROOFS = Text("Does it add up?", "账目是否吻合")
_HOLDS, _FAILS = Text("yes", "是"), Text("NO", "否")
_ASSUMED = Text(
    "The sources do not say when they knew of an event; the time it happened is assumed (recorded_at).",
    "数据源没有说明何时得知事件；假定为事件发生的时刻（recorded_at）。",
)


def quality_page(facts: Facts, language: Language = "en") -> str:
    """The page as text, from `Quality.as_dict(language)`."""
    voice = Voice(language, str(facts.get("currency") or ""))
    lines = heading(voice.say(_STEPS))[1:] + _steps(facts, voice)
    lines += heading(voice.say(_FINDINGS))
    for one in facts.get("findings") or []:
        lines += _finding(one, voice)
    lines += heading(voice.say(_PROOFS)) + columns(
        [(voice.say(_HOLDS if one["holds"] else _FAILS), isolated_text(one["sentence"])) for one in facts["proofs"]]
    )
    if facts.get("recorded_at") in ("assumed", "mixed"):
        lines += ["", *wrap(voice.say(_ASSUMED))]
    return "\n".join(lines) + "\n"


def _steps(facts: Facts, voice: Voice) -> list[str]:
    rows = [
        (
            isolated_text(one["title"]),
            voice.count(one["rows_removed"]),
            voice.count(one["rows"]),
            f"{one['amount']:,.2f}",
        )
        for one in facts.get("steps") or []
    ]
    table = columns([tuple(voice.say(h) for h in _HEAD), *rows], right=[1, 2, 3])
    left = voice.say(
        _LEFT,
        orders=voice.count(facts.get("orders")),
        buyers=voice.count(facts.get("buyers")),
        spend=f"{facts.get('currency') or ''} {facts.get('spend') or 0:,.2f}".strip(),
    )
    return [*table, "", *wrap(left)]


def _finding(one: Facts, voice: Voice) -> list[str]:
    lines = wrap(isolated_text(one["sentence"]), first="  · ", indent="    ")
    example = next(iter(one.get("examples") or []), None)
    if example:
        cells = ", ".join(
            f"{key} {value}"
            for key, value in example.items()
            if key not in ("source_file", "source_row") and value is not None
        )
        place = {"file": example.get("source_file"), "row": example.get("source_row"), "cells": cells}
        lines += wrap(isolated_text(voice.say(_EXAMPLE, **place)), first="      ", indent="      ")
    return lines
