"""Is the present like the past that was learnt from?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdfast.core.text import Text
from holdfast.report.html import Html, el
from holdfast.report.parts import Col, Section, absent, table
from holdfast.report.story import Story
from holdfast.report.voice import Voice

_TITLE = Text("Has the world moved?", "环境是否变化？")
_ABSENT = Text("Drift could not be judged: {why}.", "无法判断漂移：{why}。")
_NONE = Text("the release holds none", "该版本未包含")
_EXPECTED = Text(
    "What the forecast expects of itself, before anything has happened: AUC {auc} ({low}–{high}). {assumes}",
    "在结果发生之前，预测对自身的期望：AUC {auc}（{low}–{high}）。{assumes}",
)
_LEVEL = Text(
    "At earlier cutoffs {said} were said to churn and {happened} did.",
    "在较早的时刻，预测流失{said}，实际流失{happened}。",
)
_FEATURES = Text("What moved most, beside what is usual", "变化最大的特征（与通常相比）")
_FEATURE, _PSI, _USUAL, _KS, _P = (
    Text("Feature", "特征"), Text("PSI", "PSI"), Text("usual PSI", "通常 PSI"), Text("KS", "KS"), Text("chance", "偶然概率"),
)  # fmt: skip


def drift(story: Story, voice: Voice) -> Section:
    """The rule's verdict, the level at earlier cutoffs, expected quality, and the features that moved most."""
    facts = story.outlook.get("drift") or {}
    if not facts.get("reasons"):
        why = str(facts.get("undetermined") or voice.say(_NONE))
        return Section("drift", voice.say(_TITLE), None, absent(_ABSENT, voice, why=why.rstrip(".。")))
    lead = list(facts["reasons"])
    if level := facts.get("calibration"):
        lead.append(voice.say(_LEVEL, said=voice.percent(level["said"]), happened=voice.percent(level["happened"])))
    note = [*facts["notes"]]
    if expected := facts.get("expected"):
        auc = {key: voice.number(expected["auc"][key], 2) for key in ("value", "low", "high")}
        note.insert(
            0, voice.say(_EXPECTED, auc=auc["value"], low=auc["low"], high=auc["high"], assumes=expected["assumes"])
        )
    join = voice.pick(" ", "").join
    return Section("drift", voice.say(_TITLE), join(lead), _features(facts, voice), join(note) or None)


def _features(facts: Mapping[str, Any], voice: Voice) -> Html:
    heads = [Col(voice.say(_FEATURE)), *(Col(voice.say(one), "num") for one in (_PSI, _USUAL, _KS, _P))]
    rows = [
        (
            one["name"], voice.number(one["psi"], 2), voice.number(one["usual"], 2), voice.number(one["ks"], 2),
            "–" if one["p"] is None else voice.number(one["p"], 2),
        )
        for one in facts["features"][:10]
    ]  # fmt: skip
    return el("details", el("summary", voice.say(_FEATURES)), table(heads, rows, label=voice.say(_FEATURES)))
