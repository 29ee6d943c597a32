"""The four pictures of a forecast on a labelled table: ROC, precision and recall, said against happened, reach of the list."""

from __future__ import annotations

from typing import Any

from holdfast.core.text import Text
from holdfast.report.html import Html, el
from holdfast.report.parts import Col, figure, line_legend, table
from holdfast.report.plot import Axis, Plot, share_axis
from holdfast.report.table.told import Told
from holdfast.report.voice import Voice

_ROC = Text("Hits against false alarms (ROC)", "命中与误报（ROC）")
_ROC_CAPTION = Text(
    "Going down the list: the share of all {positive} found, over the share of all others called wrongly. The area is the "
    "AUC, {auc} ({bounds}).",
    "沿名单向下：已找到的{positive}占比，对比被误报的其他行占比。曲线下面积即AUC：{auc}（{bounds}）。",
)
_HITS, _FALSE = Text("found", "命中"), Text("false alarms", "误报")
_PR = Text("How clean is the list? (precision and recall)", "名单有多准？（精确率与召回率）")
_PR_CAPTION = Text(
    "The share of {positive} among the rows called so, as more and more of them are found. A random list stays at {base}. "
    "Mean: {ap} ({bounds}).",
    "随着找到的{positive}越来越多，被选出的行中{positive}的占比。随机名单恒为{base}。平均精确率：{ap}（{bounds}）。",
)
_PRECISION, _RECALL = Text("precision", "精确率"), Text("recall", "召回率")
_CALIBRATION = Text("Does 30% mean 30%?", "说30%就是30%吗？")
_CALIBRATION_CAPTION = Text(
    "Unseen rows in ten groups of equal size by what was said; on the line, what was said happened. Whiskers: 95%.",
    "按预测概率把未见过的行等分为十组；落在对角线上表示所言即所现。须线为95%区间。",
)
_SAID, _HAPPENED = Text("said", "预测"), Text("happened", "实际")
_GROUP = Text(
    "{n} rows: said {said}, happened {happened} ({low}–{high})", "{n}行：预测{said}，实际{happened}（{low}–{high}）"
)
_LIFT = Text("How many does the list reach?", "名单能覆盖多少？")
_LIFT_CAPTION = Text(
    "From the riskiest row down. The riskiest fifth holds {recall} of all {positive}; a random fifth 20%, a perfect list {best}.",
    "从风险最高的行开始。风险最高的五分之一包含了{recall}的{positive}；随机的五分之一为20%，完美名单为{best}。",
)
_SEEN, _REACHED = Text("share of rows looked at", "已查看的行占比"), Text("share found", "找到的占比")
_POINT = Text(
    "riskiest {share}: {recall} found, {lift} times a random list",
    "风险最高的{share}：找到{recall}，是随机名单的{lift}倍",
)
_MODEL, _RANDOM, _PERFECT = Text("model", "模型"), Text("random", "随机"), Text("perfect", "完美")
_TIMES = Text("times random", "随机的倍数")


def pictures(told: Told) -> list[Html]:
    """Two rows of two pictures, each with the numbers behind it."""
    return [
        el("div", roc(told), precision_recall(told), class_="pair"),
        el("div", calibration(told), lift(told), class_="pair"),
    ]


def roc(told: Told) -> Html:
    voice, points = told.voice, [(x, y) for x, y in told.facts["curves"]["roc"]]
    plot = Plot(share_axis(voice, voice.say(_FALSE)), share_axis(voice, voice.say(_HITS)), voice.say(_ROC), 300)
    plot.line([(0, 0), (1, 1)], "ideal")
    plot.line(points, "chosen")
    caption = voice.say(_ROC_CAPTION, positive=told.positive, auc=told.number("auc"), bounds=told.bounds("auc"))
    numbers = _pairs(points, voice.say(_FALSE), voice.say(_HITS), voice, voice.say(_ROC))
    return _titled(_ROC, el("div", plot.html(), _names(voice)), caption, numbers, voice)


def precision_recall(told: Told) -> Html:
    voice, points = told.voice, [(x, y) for x, y in told.facts["curves"]["precision_recall"]]
    base = float(told.facts["curves"]["base_rate"])
    plot = Plot(share_axis(voice, voice.say(_RECALL)), share_axis(voice, voice.say(_PRECISION)), voice.say(_PR), 300)
    plot.line([(0, base), (1, base)], "ideal")
    plot.line(points, "chosen")
    caption = voice.say(
        _PR_CAPTION, positive=told.positive, base=voice.percent(base), ap=told.number("average_precision"),
        bounds=told.bounds("average_precision"),
    )  # fmt: skip
    numbers = _pairs(points, voice.say(_RECALL), voice.say(_PRECISION), voice, voice.say(_PR))
    return _titled(_PR, el("div", plot.html(), _names(voice)), caption, numbers, voice)


def calibration(told: Told) -> Html:
    voice, groups = told.voice, told.facts["curves"]["calibration"]
    high = max([one["high"] for one in groups] + [one["said"] for one in groups])
    axis = share_axis(voice, voice.say(_SAID), high)
    upright = Axis(axis.low, axis.high, axis.ticks, voice.say(_HAPPENED))
    plot = Plot(axis, upright, voice.say(_CALIBRATION), 300)
    plot.line([(0, 0), (axis.high, axis.high)], "ideal")
    rows = []
    for one in groups:
        words = {key: voice.percent(one[key], 1) for key in ("said", "happened", "low", "high")}
        plot.whisker(one["said"], one["low"], min(one["high"], axis.high), "chosen")
        plot.dot(one["said"], one["happened"], "chosen", voice.say(_GROUP, n=voice.count(one["n"]), **words), 11)
        rows.append((words["said"], words["happened"], f"{words['low']}–{words['high']}", voice.count(one["n"])))
    heads = [Col(voice.say(_SAID), "num"), Col(voice.say(_HAPPENED), "num"), Col("95%", "num"), Col("n", "num")]
    numbers = table(heads, rows, label=voice.say(_CALIBRATION))
    return _titled(_CALIBRATION, plot.html(), voice.say(_CALIBRATION_CAPTION), numbers, voice)


def lift(told: Told) -> Html:
    voice, points = told.voice, told.facts["curves"]["lift"]
    base = float(told.facts["curves"]["base_rate"])
    plot = Plot(share_axis(voice, voice.say(_SEEN)), share_axis(voice, voice.say(_REACHED)), voice.say(_LIFT), 300)
    plot.line([(0, 0), (base, 1), (1, 1)], "perfect")
    plot.line([(0, 0), (1, 1)], "ideal")
    plot.line([(0, 0), *((one["share"], one["recall"]) for one in points)], "chosen")
    rows = []
    for one in points:
        share, recall, times = voice.percent(one["share"]), voice.percent(one["recall"]), voice.number(one["lift"], 2)
        plot.dot(one["share"], one["recall"], "chosen", voice.say(_POINT, share=share, recall=recall, lift=times), 6)
        rows.append((share, recall, times))
    fifth = min(points, key=lambda one: abs(one["share"] - 0.2))
    caption = voice.say(
        _LIFT_CAPTION, recall=voice.percent(fifth["recall"]), positive=told.positive,
        best=voice.percent(min(1.0, 0.2 / base)),
    )  # fmt: skip
    heads = [Col(voice.say(_SEEN), "num"), Col(voice.say(_REACHED), "num"), Col(voice.say(_TIMES), "num")]
    picture = el("div", plot.html(), _names(voice, perfect=True))
    return _titled(_LIFT, picture, caption, table(heads, rows, label=voice.say(_LIFT)), voice)


def _names(voice: Voice, *, perfect: bool = False) -> Html:
    names: list[tuple[str, Any]] = [("chosen", voice.say(_MODEL)), ("ideal", voice.say(_RANDOM))]
    return line_legend([*names, ("perfect", voice.say(_PERFECT))] if perfect else names)


def _pairs(points: list[tuple[float, float]], x: str, y: str, voice: Voice, label: str) -> Html:
    few = points[:: max(1, len(points) // 20)]
    rows = [(voice.percent(a, 1), voice.percent(b, 1)) for a, b in few]
    return table([Col(x, "num"), Col(y, "num")], rows, label=label)


def _titled(title: Text, picture: Html, caption: str, numbers: Html, voice: Voice) -> Html:
    return el("div", el("h3", voice.say(title)), figure(picture, caption, numbers, voice))
