"""The sections on how good the forecast is: warnings, every model beside its baselines, and what copies would have hidden."""

from __future__ import annotations

from typing import Any

from holdfast.core.text import Text
from holdfast.report.html import Html, el, join
from holdfast.report.parts import Col, Section, chip, table, term
from holdfast.report.table import summary as lines
from holdfast.report.table.pictures import pictures
from holdfast.report.table.told import Told

_WARNING = Text("Read this first", "请先看这里")
_COPIES = Text("Copies among the rows", "行中的副本")
_SPLIT, _AUC, _LOSS, _ACCURACY = (
    Text("how rows were divided", "划分方式"), Text("AUC", "AUC"), Text("log loss", "对数损失"), Text("accuracy", "准确率"),
)  # fmt: skip
_TORN = Text("at random (wrong: shown once as a lesson)", "随机划分（错误做法，仅作教训展示）")
_ONLY_EQUAL = Text("equal rows kept together, near copies torn apart", "完全相同的行分在一起，近似副本被拆开")
_TOGETHER = Text("all copies kept together (reported everywhere else)", "所有副本分在一起（本报告其余各处采用）")
_COPIES_NOTE = Text(
    "A row whose copy was in the training part is remembered, not predicted. Rows that a business meets tomorrow have no "
    "copy here.",
    "如果一行的副本在训练数据中，模型是在回忆而不是预测。企业明天遇到的行在这里没有副本。",
)
_SCORES = Text("How good is the forecast?", "预测有多好？")
_LEAD = Text(
    "Chosen: {model}. It beats the best single column by {gain} AUC (95%: {low} to {high}). All figures are for rows that "
    "the model had not seen.",
    "选用：{model}。AUC比最佳单列高{gain}（95%区间：{low}至{high}）。所有数字均来自模型未见过的行。",
)
_NO_GAIN = Text(
    "Chosen: {model}. It is not surely better than the best single column: {gain} AUC (95%: {low} to {high}).",
    "选用：{model}。不能肯定它优于最佳单列：AUC差{gain}（95%区间：{low}至{high}）。",
)
_RULE = Text(
    "The simplest model is taken unless a later one gains in log loss with a 95% interval above zero. Judged on rows that did "
    "not choose, taking the best of these models has a log loss of {loss} ({low}–{high}). Always saying the commoner kind is "
    "right in {majority} of cases: what accuracy has to beat.",
    "除非后面的模型在对数损失上的改进其95%区间大于零，否则取最简单的模型。用没有参与选择的行检验，“取其中最好者”的对数损失为{loss}"
    "（{low}–{high}）。总猜多数类的准确率为{majority}：这是准确率需要超过的水平。",
)
_MODEL, _PUBLISHED = Text("model", "模型"), Text("chosen", "选用")
_HEADS: tuple[tuple[str, Text], ...] = (
    ("auc", Text("AUC", "AUC")), ("average_precision", Text("average precision", "平均精确率")),
    ("log_loss", Text("log loss", "对数损失")), ("brier", Text("Brier", "Brier")), ("ece", Text("ECE", "ECE")),
    ("accuracy", Text("accuracy", "准确率")), ("lift_at_10pct", Text("lift, top 10%", "前10%提升")),
)  # fmt: skip


def warning(told: Told) -> Section | None:
    """Columns that know the answer."""
    line = lines.suspect_line(told)
    if not line:
        return None
    return Section("warning", told.voice.say(_WARNING), el("strong", line), None)


def copies(told: Told) -> Section | None:
    """What copies are there, and what tearing them apart would have claimed."""
    line, voice, found = lines.copies_line(told), told.voice, told.facts["copies"]
    if not line or (found["random_split"] is None and told.facts["grouped"]):
        return None  # too few to matter: said among the columns
    rows = []
    for text, lesson in ((_TORN, found["random_split"]), (_ONLY_EQUAL, found["equal_only"])):
        if lesson is not None:
            rows.append(_lesson(told, voice.say(text), lesson["other"]))
    if found["random_split"] is not None:
        rows.append(_lesson(told, voice.say(_TOGETHER), found["random_split"]["honest"]))
    heads = [Col(voice.say(_SPLIT), "wide"), *(Col(voice.say(one), "num") for one in (_AUC, _LOSS, _ACCURACY))]
    body = table(heads, rows, label=voice.say(_COPIES)) if rows else None
    return Section("copies", voice.say(_COPIES), line, body, voice.say(_COPIES_NOTE) if rows else None)


def _lesson(told: Told, name: str, metrics: dict[str, float]) -> list[str]:
    voice = told.voice
    return [
        name, voice.number(metrics["auc"], 3), voice.number(metrics["log_loss"], 3), voice.percent(metrics["accuracy"], 1)
    ]  # fmt: skip


def scores(told: Told) -> Section:
    """Every model and every metric, with the pictures of the chosen one."""
    voice, facts = told.voice, told.facts
    rows = [[_name(told, model), *(_cell(told, model, metric) for metric, _ in _HEADS)] for model in facts["models"]]
    heads = [
        Col(voice.say(_MODEL)),
        *(Col(term(metric, voice.say(text), voice), "num") for metric, text in _HEADS),
    ]
    after, gain = facts["after_choosing"], facts["gain_over_one_column"]["auc"]
    lead = voice.say(
        _LEAD if (gain["low"] or 0) > 0 else _NO_GAIN, model=told.model(),
        **{key: voice.number(gain[key], 3) for key in ("low", "high")}, gain=voice.number(gain["value"], 3),
    )  # fmt: skip
    note = voice.say(
        _RULE, loss=voice.number(after["value"], 3), low=voice.number(after["low"], 3),
        high=voice.number(after["high"], 3), majority=voice.percent(lines.majority(told), 1),
    )  # fmt: skip
    body = join(table(heads, rows, label=voice.say(_SCORES), class_="holders"), pictures(told))
    return Section("scores", voice.say(_SCORES), lead, body, note)


def _name(told: Told, model: str) -> Html:
    shown: list[Any] = [told.model(model)]
    if model == told.chosen:
        shown += [el("br"), chip("chosen", told.voice.say(_PUBLISHED))]
    return join(*shown)


def _cell(told: Told, model: str, metric: str) -> Html:
    digits = 2 if metric.startswith("lift") else 3
    return join(told.number(metric, model, digits), el("small", told.bounds(metric, model, digits)))
