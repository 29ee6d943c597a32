"""The page of a labelled table: one HTML file that opens offline, in the style of the shop's report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from holdfast.core.text import Language, Text
from holdfast.report.html import Html, el, join, name_of
from holdfast.report.meanings import METRICS
from holdfast.report.page import asset, contents, head
from holdfast.report.parts import Col, Section, table, tiles
from holdfast.report.table import summary as lines
from holdfast.report.table.columns import groups, matter, protected, quality
from holdfast.report.table.scores import copies, scores, warning
from holdfast.report.table.told import Told
from holdfast.report.voice import Voice, isolated

_TITLE = Text("{file}: who is {positive}?", "{file}：谁会是{positive}？")
_SKIP = Text("Skip to the findings", "跳到正文")
_SCREEN = (
    Text("What the table says", "表格说明什么"), Text("How far to trust it", "可信程度"), Text("Where to look first", "先看哪里"),
)  # fmt: skip
_TILES = (
    Text("Rows", "行数"), Text("Share of {positive}", "{positive}占比"), Text("Pairs told apart (AUC)", "判对的比例（AUC）"),
    Text("Called rightly at 50%", "以50%为界判对"),
)  # fmt: skip
_DIFFERENT = Text("{n} once copies are taken together", "合并副本后为{n}")
_SINGLE = Text("best single column {auc}; coin 0.5", "最佳单列为{auc}；抛硬币为0.5")
_MAJORITY = Text("always the commoner kind: {share}", "总猜多数类：{share}")
_LIST = Text("The riskiest rows", "风险最高的行")
_LIST_LEAD = Text(
    "The first {n} of the list; all rows are in predictions.csv.", "名单的前{n}行；全部行见 predictions.csv。"
)
_LIST_UNSEEN = Text(
    "These rows were scored by models that had not seen them, so that the list can be held against what happened.",
    "这些行由未见过它们的模型评分，因此可以与实际结果对照。",
)
_ROW, _CHANCE, _HAPPENED, _WHY = (
    Text("row", "行"),
    Text("chance", "概率"),
    Text("happened", "实际"),
    Text("why", "原因"),
)
_ABOUT = Text("The model, and where not to trust it", "模型及其局限")
_LIMITS = Text("Where not to trust it", "不可轻信之处")
_WORDS = Text("What the numbers mean", "数字的含义")
_YES, _NO = Text("yes", "是"), Text("no", "否")

SECTIONS: tuple[Callable[[Told], Section | None], ...] = (warning, copies, scores, matter, groups, protected, quality)


def render(facts: Mapping[str, Any], riskiest: Sequence[Mapping[str, Any]], language: Language = "en") -> str:
    """The whole page as text. `facts` is `table.json`; `riskiest` the rows to look at first."""
    told = Told(facts, Voice(language))
    voice = told.voice
    title = voice.say(_TITLE, file=isolated(facts["file"]), positive=told.positive)
    found = [one for make in SECTIONS if (one := make(told)) is not None]
    found += [listed(told, riskiest), about(told)]
    body = el(
        "body",
        el("a", voice.say(_SKIP), href="#findings", class_="skip"),
        _header(told, title),
        el("div", contents(found, voice), el("main", [one.html() for one in found], id="findings"), class_="page"),
        el("script", Html(asset("page.js"))),
    )
    return f"<!doctype html>\n{el('html', head(title), body, lang='zh-Hans' if language == 'zh' else 'en')}\n"


def _header(told: Told, title: str) -> Html:
    sentences = (
        lines.rate_line(told),
        lines.suspect_line(told) or lines.short_trust_line(told),
        lines.first_line(told),
    )
    points = [
        el("li", el("h2", told.voice.say(label)), el("p", sentence))
        for label, sentence in zip(_SCREEN, sentences, strict=True)
    ]
    return el(
        "header", el("h1", title), el("ol", points, class_="opening"), tiles(_tiles(told)),
        el("p", told.facts["card"]["checked"], class_="note"),
    )  # fmt: skip


def _tiles(told: Told) -> list[tuple[Any, Any, Any]]:
    voice, facts = told.voice, told.facts
    different = facts["copies"]["different"]
    copied = facts["grouped"] and different < facts["labelled"]
    single = told.number("auc", "one_column") if "one_column" in facts["models"] else "0.500"
    labels = [voice.say(one, positive=told.positive) for one in _TILES]
    rate = voice.percent(facts["label"]["rate"], 1)
    accuracy = voice.percent(told.score("accuracy")["value"], 1)
    return [
        (labels[0], voice.count(facts["rows"]), voice.say(_DIFFERENT, n=voice.count(different)) if copied else ""),
        (labels[1], rate, ""),
        (labels[2], told.number("auc"), voice.say(_SINGLE, auc=single)),
        (labels[3], accuracy, voice.say(_MAJORITY, share=voice.percent(lines.majority(told), 1))),
    ]


def listed(told: Told, riskiest: Sequence[Mapping[str, Any]]) -> Section:
    """The rows to look at first, each with its reasons."""
    voice = told.voice
    heads = [
        Col(voice.say(_ROW)), Col(voice.say(_CHANCE), "num", voice.say(_CHANCE)),
        Col(voice.say(_HAPPENED), "text", voice.say(_HAPPENED)), Col(voice.say(_WHY), "wide", voice.say(_WHY)),
    ]  # fmt: skip
    rows = [
        (
            name_of(one["id"]), voice.percent(one["p"], 1),
            "" if one["label"] is None else voice.say(_YES if one["label"] else _NO), _reasons(one["reasons"]),
        )
        for one in riskiest
    ]  # fmt: skip
    known = any(one["label"] is not None for one in riskiest)
    lead = voice.say(_LIST_LEAD, n=len(rows))
    people = table(heads, rows, label=voice.say(_LIST), class_="people")
    return Section("list", voice.say(_LIST), lead, people, voice.say(_LIST_UNSEEN) if known else None)


def _reasons(reasons: Sequence[Mapping[str, Any]]) -> Html:
    return el(
        "ul",
        [el("li", one["text"], class_="down" if one["contribution"] < 0 else None) for one in reasons],
        class_="why",
    )


def about(told: Told) -> Section:
    """The card, its limits, and the meaning of the metrics."""
    voice, card = told.voice, told.facts["card"]
    shown = [
        key for key in METRICS if key in ("auc", "average_precision", "log_loss", "brier", "ece", "accuracy", "lift")
    ]
    words = [
        join(el("dt", key.replace("_", " "), id=f"def-{key}"), el("dd", voice.say(_generic(METRICS[key]))))
        for key in shown
    ]
    body = join(
        el("ul", [el("li", one) for one in [*card["sentences"], *told.facts["notes"]]]),
        el("h3", voice.say(_LIMITS)), el("ul", [el("li", one) for one in card["limits"]]),
        el("h3", voice.say(_WORDS)), el("dl", [el("div", one) for one in words], class_="definitions"),
    )  # fmt: skip
    return Section("about", voice.say(_ABOUT), None, body)


def _generic(text: Text) -> Text:
    """The metrics are explained by customers who leave or order; here they are rows of one kind or the other."""
    en = text.en.replace(
        "one customer who left and one who ordered", "one row of the kind asked for and one of the other"
    )
    en = (
        en.replace("the leaver was", "the first was")
        .replace("leavers", "rows asked for")
        .replace("a leaver", "such a row")
    )
    zh = (
        text.zh.replace("一位流失客户与一位下单客户", "一行正例与一行反例")
        .replace("流失者", "正例")
        .replace("流失客户", "正例")
    )
    return Text(en.replace("customers", "rows"), zh.replace("客户", "行"))
