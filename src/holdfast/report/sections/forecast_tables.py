"""The tables of forecast quality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from holdfast.core.text import Text
from holdfast.report.html import Html, el
from holdfast.report.parts import Col, table, term
from holdfast.report.scores import LESS, Scores, model_name
from holdfast.report.voice import Voice

_MODEL = Text("Model", "模型")
_MEAN, _WORST, _SPREAD = Text("Mean", "平均"), Text("Worst", "最差"), Text("Spread", "波动")
_GAIN = Text("Published model's gain", "发布模型的优势")
_PUBLISHED = Text("published", "已发布")
_BY_CUTOFF = Text("AUC by test cutoff, beside the baselines", "各检验时刻的 AUC（与基线对照）")
_LOSS_BY_CUTOFF = Text("Log loss by test cutoff (less is better)", "各检验时刻的对数损失（越低越好）")
_ALL = Text("Every metric at {day}, with 95% intervals", "{day}的全部指标（含95%区间）")
METRICS = {
    "auc": Text("AUC", "AUC"),
    "average_precision": Text("average precision", "平均精度"),
    "log_loss": Text("log loss", "对数损失"),
    "brier": Text("Brier score", "Brier 分数"),
    "ece": Text("calibration error (ECE)", "校准误差（ECE）"),
    "accuracy": Text("accuracy", "准确率"),
    "precision": Text("precision", "精确率"),
    "recall": Text("recall", "召回率"),
    "f1": Text("F1", "F1"),
    "lift_at_5pct": Text("lift at 5%", "前5%提升"),
    "lift_at_10pct": Text("lift at 10%", "前10%提升"),
    "lift_at_20pct": Text("lift at 20%", "前20%提升"),
    "recall_at_5pct": Text("recall at 5%", "前5%召回"),
    "recall_at_10pct": Text("recall at 10%", "前10%召回"),
    "recall_at_20pct": Text("recall at 20%", "前20%召回"),
}
_SEGMENTS = Text("By kind of customer (all test cutoffs together)", "按客户类型（合并全部检验时刻）")
_SEGMENT, _SAID, _HAPPENED = Text("Customers", "客户"), Text("Said", "预测"), Text("Happened", "实际")
_THIN = Text("too few", "太少")
_STAKES = Text("Value at risk in the backtest: called at risk, then lost", "回测中的风险价值：预计与实际损失")
_CUTOFF = Text("Cutoff", "截止时刻")
_CALLED, _LOST = Text("Called at risk", "预计面临风险"), Text("Then lost", "实际损失")
_HOLDERS = Text("Customers", "客户数")


def by_cutoff(found: Scores, voice: Voice) -> list[Html]:
    """AUC in the open, log loss folded away."""
    first = el("div", el("h3", voice.say(_BY_CUTOFF)), _grid(found, "auc", voice))
    second = el("details", el("summary", voice.say(_LOSS_BY_CUTOFF)), _grid(found, "log_loss", voice))
    return [first, second] if found.value(found.chosen, "log_loss") is not None else [first]


def _grid(found: Scores, metric: str, voice: Voice) -> Html:
    heads = [
        Col(voice.say(_MODEL)),
        *(Col([voice.short_day(day), el("small", day[:4])], "num") for day in found.cutoffs),
        *(Col(voice.say(word), "num") for word in (_MEAN, _WORST)),
        Col(term("spread", voice.say(_SPREAD), voice), "num"),
        Col(voice.say(_GAIN), "num"),
    ]
    rows = []
    for model in sorted(found.models, key=lambda m: _rank(found, m, metric)):
        name = [model_name(model, voice)]
        if model == found.chosen:
            name = [el("b", name), " ", el("span", voice.say(_PUBLISHED), class_="chip chosen")]
        cells = [
            voice.number(found.value(model, metric, kind), 3) for kind in (*found.cutoffs, "mean", "worst", "spread")
        ]
        rows.append((name, *cells, _gain(found, model, metric, voice)))
    return table(heads, rows, label=voice.say(METRICS[metric]))


def _rank(found: Scores, model: str, metric: str) -> float:
    value = found.value(model, metric, "mean")
    worst = float("inf")
    return worst if value is None else value if metric in LESS else -value


def _gain(found: Scores, model: str, metric: str, voice: Voice) -> Any:
    """How much better the published model is than this one: paired, customers as clusters, positive is better."""
    row, sign = found.row(found.chosen, metric, f"over {model}"), 1
    if row is None:
        row, sign = found.row(model, metric, f"over {found.chosen}"), -1
    if row is None:
        return "–"
    value = _signed(sign * row["value"], voice)
    if row.get("low") is None:
        return value
    low, high = sorted((sign * row["low"], sign * row["high"]))
    return [el("span", value), el("small", f"{_signed(low, voice)} … {_signed(high, voice)}")]


def _signed(value: float, voice: Voice) -> str:
    text = voice.number(abs(value), 3)
    return ("−" if value < 0 and float(text) else "+") + text


def details(found: Scores, voice: Voice) -> Html | None:
    """Everything at the newest test cutoff."""
    metrics = [m for m in METRICS if any(found.value(model, m) is not None for model in found.models)]
    if not found.cutoffs or not metrics:
        return None
    heads = [Col(voice.say(_MODEL)), *(Col(term(m, voice.say(METRICS[m]), voice), "num") for m in metrics)]
    rows = []
    for model in found.models:
        cells = [_with_interval(found.row(model, m), voice) for m in metrics]
        rows.append((el("b", model_name(model, voice)) if model == found.chosen else model_name(model, voice), *cells))
    title = voice.say(_ALL, day=voice.day(found.cutoffs[-1]))
    return el("details", el("summary", title), table(heads, rows, label=title))


def _with_interval(row: Mapping[str, Any] | None, voice: Voice) -> Any:
    if row is None or row["value"] is None:
        return "–"
    if row.get("low") is None:
        return voice.number(row["value"], 3)
    bounds = f"{voice.number(row['low'], 3)}–{voice.number(row['high'], 3)}"
    return [el("span", voice.number(row["value"], 3)), el("small", bounds)]


def segments(rows: Sequence[Mapping[str, Any]], voice: Voice) -> Html | None:
    """A forecast that is good on average may be useless for newcomers."""
    if not rows:
        return None
    heads = [
        Col(voice.say(_SEGMENT)), Col("n", "num"), Col(voice.say(_SAID), "num"), Col(voice.say(_HAPPENED), "num"),
        Col("AUC", "num"), Col(voice.say(METRICS["log_loss"]), "num"),
    ]  # fmt: skip
    cells = []
    for one in rows:
        metrics = one.get("metrics") or {}
        auc = _with_interval(metrics.get("auc"), voice) if metrics else voice.say(_THIN)
        loss = _with_interval(metrics.get("log_loss"), voice) if metrics else voice.say(_THIN)
        said, happened = voice.percent(one.get("mean_said")), voice.percent(one.get("churn_rate"))
        cells.append((segment_name(str(one["segment"]), voice), voice.count(one["n"]), said, happened, auc, loss))
    title = voice.say(_SEGMENTS)
    return el("details", el("summary", title), table(heads, cells, label=title))


_SEGMENT_WORDS = {
    "one order": Text("one order", "只下过一单"),
    "2 to 4 orders": Text("2 to 4 orders", "2至4单"),
    "5 orders or more": Text("5 orders or more", "5单及以上"),
    "silent up to 30 days": Text("silent up to 30 days", "沉默不超过30天"),
    "silent 31 to 90 days": Text("silent 31 to 90 days", "沉默31至90天"),
    "silent over 90 days": Text("silent over 90 days", "沉默超过90天"),
}


def segment_name(name: str, voice: Voice) -> str:
    return voice.say(_SEGMENT_WORDS[name]) if name in _SEGMENT_WORDS else name


def stakes(rows: Sequence[Mapping[str, Any]], voice: Voice) -> Html | None:
    """What earlier cutoffs would have called at risk, and what these customers then spent less than usual."""
    if not rows:
        return None
    heads = [
        Col(voice.say(_CUTOFF)),
        Col(voice.say(_HOLDERS), "num"),
        Col(voice.say(_CALLED), "num"),
        Col(voice.say(_LOST), "num"),
    ]
    cells = [
        (
            voice.day(one["cutoff"]),
            voice.count(one.get("customers")),
            voice.money(one["said"]),
            voice.money(one["lost"]),
        )
        for one in rows
    ]
    title = voice.say(_STAKES)
    return el("details", el("summary", title), table(heads, cells, label=title))
