"""What `holdfast backtest` prints: every model at every test cutoff, over all of them, and the paired gains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from holdfast.core.text import Language, Text
from holdfast.report.plain import columns, heading, wrap
from holdfast.report.scores import Scores, model_name
from holdfast.report.voice import Voice

_METRICS = ("auc", "average_precision", "log_loss", "ece", "lift_at_10pct")
_AT = Text("Test at {day}", "检验时刻 {day}")
_OVER = Text("Over {n} test cutoffs: mean [95%], worst, spread", "{n}个检验时刻：均值 [95%]、最差、离散")
_GAINS = Text("Paired gain of {model} over", "{model} 的配对增益（相对于）")
_MODEL = Text("model", "模型")


def backtest_page(facts: Mapping[str, Any], language: Language = "en") -> str:
    """The page as text, from `Backtest.as_dict(language)`. A gain is positive where the published model is better."""
    voice = Voice(language, "")
    found = Scores.read(facts)
    lines: list[str] = []
    for day in found.cutoffs:
        lines += heading(voice.say(_AT, day=day))[0 if lines else 1 :]
        lines += _table(found, voice, [(model, day) for model in found.models], bounds=True)
    if len(found.cutoffs) > 1:
        lines += heading(voice.say(_OVER, n=len(found.cutoffs)))
        for kind in ("mean", "worst", "spread"):
            lines += [f"  {kind}", *_table(found, voice, [(m, kind) for m in found.models], bounds=kind == "mean")]
    others = [one for one in found.models if found.row(found.chosen, "auc", f"over {one}")]
    if others:
        lines += heading(voice.say(_GAINS, model=model_name(found.chosen, voice)))
        rows = [(found.chosen, f"over {one}") for one in others]
        lines += _table(found, voice, rows, bounds=True, names=[model_name(one, voice) for one in others])
    for part in (found.verdict(voice), *(facts.get("notes") or [])):
        lines += ["", *wrap(str(part))] if part else []
    return "\n".join(lines) + "\n"


def _table(
    found: Scores, voice: Voice, rows: Sequence[tuple[str, str]], *, bounds: bool, names: Sequence[str] = ()
) -> list[str]:
    """One line for each (model, kind of row), one column for each metric."""
    titles = names or [f"{'→ ' if m == found.chosen else ''}{model_name(m, voice)}" for m, _ in rows]
    head = (voice.say(_MODEL), *_METRICS)
    body = [
        (title, *(_cell(found.row(model, metric, kind), bounds) for metric in _METRICS))
        for title, (model, kind) in zip(titles, rows, strict=True)
    ]
    return columns([head, *body], right=range(1, len(head)), indent="    ")


def _cell(row: Mapping[str, Any] | None, bounds: bool) -> str:
    if row is None or row["value"] is None:
        return "-"
    if not bounds or row.get("low") is None:
        return f"{row['value']:.3f}"
    return f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
