"""The three pictures of forecast quality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from holdfast.core.text import Text
from holdfast.report.html import Html, el
from holdfast.report.parts import Col, figure, line_legend, table
from holdfast.report.plot import Axis, Plot, share_axis
from holdfast.report.scores import BASELINES, Scores, model_name
from holdfast.report.voice import Voice

_CALIBRATION = Text("Does 30% mean 30%?", "说30%就是30%吗？")
_CALIBRATION_CAPTION = Text(
    "Customers in ten groups of equal size by what was said; on the line, what was said happened. Whiskers: 95%.",
    "按预测概率把客户等分为十组；落在对角线上表示所言即所现。须线为95%区间。",
)
_SAID, _HAPPENED = Text("said", "预测"), Text("happened", "实际")
_GROUP = Text(
    "{n} customers: said {said}, happened {happened} ({low}–{high})",
    "{n}位客户：预测{said}，实际{happened}（{low}–{high}）",
)
_LIFT = Text("How many leavers does the list reach?", "名单能覆盖多少流失客户？")
_LIFT_CAPTION = Text(
    "Contacting customers from the riskiest down. The riskiest fifth holds {recall} of those who left; a random fifth "
    "would hold 20%, a perfect list {best}.",
    "从风险最高者开始依次联系。风险最高的五分之一包含了{recall}的流失客户；随机的五分之一只含20%，完美名单为{best}。",
)
_CONTACTED, _REACHED = (
    Text("share of customers contacted", "已联系的客户占比"),
    Text("share of leavers reached", "覆盖的流失客户占比"),
)
_RANDOM, _PERFECT = Text("random", "随机"), Text("perfect", "完美")
_MODEL = Text("model", "模型")
_POINT = Text(
    "riskiest {share}: {recall} of leavers, {lift} times a random list",
    "风险最高的{share}：覆盖流失客户的{recall}，是随机名单的{lift}倍",
)
_FOLDS = Text("The same at every test cutoff (AUC)", "每个检验时刻的表现（AUC）")
_FOLDS_CAPTION = Text(
    "Higher is better; 0.5 is a coin. Whiskers: 95% interval of the published model.",
    "越高越好；0.5等于抛硬币。须线为发布模型的95%区间。",
)
_LIFT_WORD = Text("lift", "提升")


def calibration(reference: Mapping[str, Any], voice: Voice) -> Html | None:
    """Said against happened."""
    groups = reference.get("calibration") or []
    if not groups:
        return None
    plot = Plot(
        share_axis(voice, voice.say(_SAID)), share_axis(voice, voice.say(_HAPPENED)), voice.say(_CALIBRATION), 300
    )
    plot.line([(0, 0), (1, 1)], "ideal")
    rows = []
    for one in groups:
        words = {key: voice.percent(one[key]) for key in ("said", "happened", "low", "high")}
        plot.whisker(one["said"], one["low"], one["high"], "chosen")
        plot.dot(one["said"], one["happened"], "chosen", voice.say(_GROUP, n=voice.count(one["n"]), **words), 11)
        rows.append((words["said"], words["happened"], f"{words['low']}–{words['high']}", voice.count(one["n"])))
    heads = [Col(voice.say(_SAID), "num"), Col(voice.say(_HAPPENED), "num"), Col("95%", "num"), Col("n", "num")]
    numbers = table(heads, rows, label=voice.say(_CALIBRATION))
    return _titled(_CALIBRATION, plot.html(), voice.say(_CALIBRATION_CAPTION), numbers, voice)


def lift(reference: Mapping[str, Any], voice: Voice) -> Html | None:
    """Recall by depth of the list, between a random and a perfect one."""
    points = reference.get("lift") or []
    base = float(reference.get("base_rate") or 0)
    if not points or not base:
        return None
    plot = Plot(share_axis(voice, voice.say(_CONTACTED)), share_axis(voice, voice.say(_REACHED)), voice.say(_LIFT), 300)
    plot.line([(0, 0), (base, 1), (1, 1)], "perfect")
    plot.line([(0, 0), (1, 1)], "ideal")
    plot.line([(0, 0), *((one["share"], one["recall"]) for one in points)], "chosen")
    rows = []
    for one in points:
        words = (voice.percent(one["share"]), voice.percent(one["recall"]), voice.number(one["lift"], 2))
        plot.dot(
            one["share"], one["recall"], "chosen", voice.say(_POINT, share=words[0], recall=words[1], lift=words[2]), 6
        )
        rows.append(words)
    heads = [Col(voice.say(_CONTACTED), "num"), Col(voice.say(_REACHED), "num"), Col(voice.say(_LIFT_WORD), "num")]
    fifth = min(points, key=lambda one: abs(one["share"] - 0.2))
    caption = voice.say(_LIFT_CAPTION, recall=voice.percent(fifth["recall"]), best=voice.percent(min(1.0, 0.2 / base)))
    names = [("chosen", voice.say(_MODEL)), ("ideal", voice.say(_RANDOM)), ("perfect", voice.say(_PERFECT))]
    picture = el("div", plot.html(), line_legend(names))
    return _titled(_LIFT, picture, caption, table(heads, rows, label=voice.say(_LIFT)), voice)


def _titled(title: Text, picture: Html, caption: str, numbers: Html | None, voice: Voice) -> Html:
    return el("div", el("h3", voice.say(title)), figure(picture, caption, numbers, voice))


def folds(found: Scores, voice: Voice) -> Html | None:
    """One line for each model over the test cutoffs; the published one stands out."""
    if len(found.cutoffs) < 2:
        return None
    models = [m for m in found.models if found.value(m, "auc") is not None]
    values = [v for m in models for c in found.cutoffs if (v := found.value(m, "auc", c)) is not None]
    lows = [row["low"] for c in found.cutoffs if (row := found.row(found.chosen, "auc", c)) and row["low"] is not None]
    if not values:
        return None  # one class only: no pair to tell apart
    low, high = min([*values, *lows]), max(values)
    ticks = [t / 20 for t in range(int(low * 20), int(high * 20) + 2)]
    count = len(found.cutoffs)
    days = tuple((i + 0.5, voice.short_day(c)) for i, c in enumerate(found.cutoffs))
    axis = Axis(ticks[0], ticks[-1], tuple((t, voice.number(t, 2)) for t in ticks), "AUC")
    plot = Plot(Axis(0, count, days), axis, voice.say(_FOLDS), 280)
    _draw_folds(plot, found, _in_order(models, found.chosen), voice)
    names = [(kind_of(m, i, found), model_name(m, voice)) for i, m in enumerate(_in_order(models, found.chosen))]
    return _titled(_FOLDS, el("div", line_legend(names), plot.html()), voice.say(_FOLDS_CAPTION), None, voice)


def _draw_folds(plot: Plot, found: Scores, models: Sequence[str], voice: Voice) -> None:
    for i, model in reversed(list(enumerate(models))):
        kind = kind_of(model, i, found)
        points = [(k + 0.5, v) for k, c in enumerate(found.cutoffs) if (v := found.value(model, "auc", c)) is not None]
        plot.line(points, kind)
        for (x, value), cutoff in zip(points, found.cutoffs, strict=False):
            row = found.row(model, "auc", cutoff) or {}
            if model == found.chosen and row.get("low") is not None:
                plot.whisker(x, row["low"], row["high"], kind)
            tip = f"{model_name(model, voice)}, {voice.day(cutoff)}: {voice.number(value, 3)}"
            plot.dot(x, value, kind, tip, 9 if model == found.chosen else 6)


def _in_order(models: Sequence[str], chosen: str) -> list[str]:
    """The published model first, then the learnt ones, then the baselines."""
    return sorted(models, key=lambda m: (m != chosen, m in BASELINES, models.index(m)))


def kind_of(model: str, place: int, found: Scores) -> str:
    """How a model's line is drawn: colour and dash both tell it apart."""
    return "chosen" if model == found.chosen else f"other{min(place, 5)}"
