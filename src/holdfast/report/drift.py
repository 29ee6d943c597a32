"""What `holdfast drift` prints: the verdict, what the release said and what happened, what moved most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdfast.core.text import Language, Text
from holdfast.report.plain import columns, heading, wrap
from holdfast.report.voice import Voice

_HEAD = Text("Release {release} of {published}, seen from {cutoff}", "版本 {release}（{published}），从 {cutoff} 看")
_LEVEL = Text(
    "Since then {n} cutoffs have closed: {said} were said to churn and {happened} did.",
    "此后已有{n}个时刻结束：预测流失{said}，实际流失{happened}。",
)
_OPEN = Text(
    "No window has closed since it was published; only the customers themselves can be compared.",
    "发布以来尚无预测期结束；只能比较客户本身。",
)
_EXPECTED = Text(
    "Expected of it on today's customers: AUC {auc} ({low}–{high}). {assumes}",
    "对今天的客户，预期 AUC {auc}（{low}–{high}）。{assumes}",
)
_MOVED = Text("What moved most", "变化最大的特征")
_COLUMNS = (
    Text("feature", "特征"), Text("PSI", "PSI"), Text("usual", "通常"), Text("KS", "KS"), Text("chance", "偶然概率"),
)  # fmt: skip
_SHOWN = 10


def drift_page(facts: Mapping[str, Any], language: Language = "en") -> str:
    """The page as text, from `app.drift.judge_release`."""
    voice = Voice(language, "")
    head = voice.say(_HEAD, release=facts["release_id"], published=facts["published_at"], cutoff=facts["cutoff"])
    lines = [head, ""]
    for one in facts["reasons"]:
        lines += wrap(str(one))
    lines += ["", *wrap(_level(facts, voice))]
    if expected := facts.get("expected"):
        auc = {name: voice.number(expected["auc"][name], 2) for name in ("value", "low", "high")}
        said = voice.say(_EXPECTED, auc=auc["value"], low=auc["low"], high=auc["high"], assumes=expected["assumes"])
        lines += ["", *wrap(said)]
    lines += [*heading(voice.say(_MOVED)), *columns(_rows(facts, voice), right=range(1, 5))]
    for note in facts["notes"]:
        lines += ["", *wrap(str(note))]
    return "\n".join(lines) + "\n"


def _level(facts: Mapping[str, Any], voice: Voice) -> str:
    level = facts.get("calibration")
    if not level:
        return voice.say(_OPEN)
    said, happened = voice.percent(level["said"]), voice.percent(level["happened"])
    return voice.say(_LEVEL, n=len(level["slices"]), said=said, happened=happened)


def _rows(facts: Mapping[str, Any], voice: Voice) -> list[tuple[str, ...]]:
    head = tuple(voice.say(one) for one in _COLUMNS)
    body = [
        (
            one["name"], *(voice.number(one[name], 2) for name in ("psi", "usual", "ks")),
            "–" if one["p"] is None else voice.number(one["p"], 2),
        )
        for one in facts["features"][:_SHOWN]
    ]  # fmt: skip
    return [head, *body]
