"""Forecast quality: calibration, lift, and every model beside the baselines at every test cutoff."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdfast.core.text import Text
from holdfast.report.html import Html, el
from holdfast.report.parts import Section, absent
from holdfast.report.scores import Scores, model_name
from holdfast.report.sections.forecast_plots import calibration, folds, lift
from holdfast.report.sections.forecast_tables import by_cutoff, details, segments, stakes
from holdfast.report.story import Story
from holdfast.report.voice import Voice

_TITLE = Text("How good is the forecast?", "预测有多准？")
_ABSENT = Text(
    "No backtest was possible: {why}. Take the probabilities as a first guess.",
    "无法回测：{why}。请把概率看作初步估计。",
)
_NO_REASON = Text("the release holds none", "该版本未包含回测")
_PAIR = Text(
    "Shown one customer who left and one who ordered, it picks the right one in {auc} of 100 pairs.",
    "任取一位流失客户和一位下单客户，它在100对中能判对{auc}对。",
)
_NOTE = Text(
    "Every figure is walk-forward: a model that tests at a cutoff has learnt only from periods that had closed by then; "
    "the published model was chosen on cutoffs before the newest one. Test at {day}: {n} customers, {base} of them "
    "churned. {definition}",
    "所有数字均为滚动前推检验：在某个时刻受检的模型只学习过当时已经结束的时段；发布的模型是在最新检验时刻之前选定的。"
    "检验时刻{day}：{n}位客户，其中{base}流失。{definition}",
)
_CARD = Text("Model card: known limits", "模型卡：已知局限")


def forecast(story: Story, voice: Voice) -> Section:
    """The verdict in words, then pictures, then the tables."""
    backtest = story.backtest
    found = Scores.read(backtest)
    if not found.rows:
        why = backtest.get("undetermined") or backtest.get("reason") or voice.say(_NO_REASON)
        return Section("forecast", voice.say(_TITLE), None, absent(_ABSENT, voice, why=str(why).rstrip(".。")))
    reference = backtest.get("reference") or {}
    pictures = [calibration(reference, voice), lift(reference, voice)]
    body = [
        el("div", [one for one in pictures if one is not None], class_="pair"),
        folds(found, voice),
        by_cutoff(found, voice),
        details(found, voice),
        segments(backtest.get("segments") or [], voice),
        stakes(backtest.get("value_at_risk") or [], voice),
        _limits(story, voice),
    ]
    return Section("forecast", voice.say(_TITLE), _lead(found, voice), body, _note(story, reference, voice))


def _lead(found: Scores, voice: Voice) -> str:
    auc = found.value(found.chosen, "auc")
    said = [found.verdict(voice) or model_name(found.chosen, voice)]
    if auc is not None:
        said.append(voice.say(_PAIR, auc=voice.count(100 * auc)))
    return voice.pick(" ", "").join(said)


def _note(story: Story, reference: Mapping[str, Any], voice: Voice) -> str:
    said = voice.say(
        _NOTE,
        day=voice.day(reference.get("cutoff")),
        n=voice.count(reference.get("n")),
        base=voice.percent(reference.get("base_rate")),
        definition=story.rule(voice),
    )
    notes = [voice.say(one) for one in story.backtest.get("notes") or []]
    return voice.pick(" ", "").join([said, *notes])


def _limits(story: Story, voice: Voice) -> Html | None:
    limits = story.card.get("limits") or story.card.get("known_limits") or []
    if isinstance(limits, (str, Mapping)):
        limits = [limits]
    if not limits:
        return None
    return el("details", el("summary", voice.say(_CARD)), el("ul", [el("li", voice.say(one)) for one in limits]))
