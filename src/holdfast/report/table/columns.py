"""The sections on columns and groups: what pulls, who is at risk, how protected groups fare, and how good the data is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from holdfast.core.text import Text
from holdfast.report.html import Html, el, join, name_of
from holdfast.report.parts import Col, Section, absent, table
from holdfast.report.table.summary import GUESSED, copies_line
from holdfast.report.table.told import Told
from holdfast.report.voice import NONE

_MATTER = Text("Columns that matter", "重要的列")
_MATTER_LEAD = Text(
    "{first} moves the forecast most, then {then}.",
    "对预测影响最大的是{first}，其次是{then}。",
)
_MATTER_ONE = Text("{first} moves the forecast most.", "对预测影响最大的是{first}。")
_MATTER_NONE = Text(
    "No column moves the forecast: it is the base rate for everyone.", "没有列影响预测：对所有行都给出平均比例。"
)
_MATTER_NOTE = Text(
    "Pull: how far a column moves a row's log-odds, on average over unseen rows (exact contributions of the model). Alone: "
    "the AUC of the column by itself, 0.5 for one that says nothing. Neither says that changing the column would change what "
    "happens.",
    "影响力：该列平均把一行的对数几率移动多少（模型的精确贡献，取自未见过的行）。单独：仅凭该列的AUC，0.5表示毫无信息。"
    "两者都不说明改变该列会改变结果。",
)
_COLUMN, _PULL, _ALONE = Text("column", "列"), Text("pull", "影响力"), Text("alone", "单独")
_GROUPS = Text("Who is at risk", "谁有风险")
_GROUPS_LEAD = Text(
    "Highest among groups of a useful size: {column}: {group}, where {rate} are {positive} against {base} overall.",
    "在规模足够的分组中最高的是{column}：{group}，其中{rate}为{positive}，总体为{base}。",
)
_GROUP, _ROWS, _HAPPENED, _SAID = (
    Text("group", "分组"),
    Text("rows", "行数"),
    Text("happened", "实际"),
    Text("said", "预测"),
)
_GROUPS_NOTE = Text(
    "The columns that pull most, cut into their values or into quarters. Happened: with its 95% interval. Said: the mean "
    "chance given to these rows unseen.",
    "对影响最大的列按取值或四分位分组。实际：附95%区间。预测：未见过这些行时给出的平均概率。",
)
_PROTECTED = Text("Groups the forecast may not look at", "预测不得使用的分组")
_PROTECTED_LEAD = Text(
    "{columns} are not features. The forecast may still treat these groups differently, because other columns go along "
    "with them.",
    "{columns}不作为特征。但其他列可能与之相关，预测对这些分组仍可能有差别。",
)
_COST = Text(
    "With them as features the AUC would be {other} instead of {honest}.", "若作为特征，AUC为{other}而不是{honest}。"
)
_LISTED, _FOUND, _FALSE = Text("on the list", "在名单中"), Text("found", "被找到"), Text("false alarms", "误报")
_PROTECTED_NOTE = Text(
    "The list: the riskiest fifth of all rows. On the list: share of the group on it. Found: share of those to whom it "
    "happened that are on it. False alarms: share of the others that are on it. Empty where a group has under ten rows of a "
    "kind.",
    "名单：全体中风险最高的五分之一。在名单中：该组在名单中的占比。被找到：实际发生者中在名单上的占比。误报：其他行中在名单上的占比。"
    "某类少于十行的分组留空。",
)
_QUALITY = Text("The columns as they came", "原始列的质量")
_QUALITY_LEAD = Text(
    "{features} columns were used, {left} left out as useless, {protected} protected, {dropped} dropped by wish.",
    "使用{features}列；{left}列无用而排除；{protected}列受保护；按要求排除{dropped}列。",
)
_CUT = Text("{n} rows could not be cut into columns and were set aside.", "{n}行无法切分成列，已搁置。")
_KIND, _USE, _MISSING, _DIFFERENT, _RANGE, _NOTES = (
    Text("kind", "类型"), Text("use", "用途"), Text("missing", "缺失"), Text("values", "取值数"), Text("range", "范围"),
    Text("notes", "说明"),
)  # fmt: skip
_KINDS = {"number": Text("number", "数值"), "category": Text("category", "类别"), "date": Text("date", "日期")}
_USES = {
    "feature": Text("used", "使用"),
    "left_out": Text("left out", "排除"),
    "protected": Text("protected", "受保护"),
}
_MOST = 15


def matter(told: Told) -> Section:
    """Pull and single-column AUC of the strongest columns."""
    voice = told.voice
    pulling = [one for one in told.facts["columns"] if one["importance"]][:_MOST]
    if not pulling:
        return Section("columns", voice.say(_MATTER), None, absent(_MATTER_NONE, voice))
    most = float(pulling[0]["importance"])
    rows = [
        (
            name_of(one["name"]),
            _bar(one["importance"] / most, voice.number(one["importance"], 2)),
            voice.number(one["auc_alone"], 3),
        )
        for one in pulling
    ]
    then = voice.listed([name_of(one["name"]) for one in pulling[1:3]])
    lead = _filled(told, _MATTER_LEAD if then else _MATTER_ONE, first=name_of(pulling[0]["name"]), then=then)
    heads = [Col(voice.say(_COLUMN)), Col(voice.say(_PULL), "wide"), Col(voice.say(_ALONE), "num")]
    return Section(
        "columns",
        voice.say(_MATTER),
        lead,
        table(heads, rows, label=voice.say(_MATTER), class_="holders"),
        voice.say(_MATTER_NOTE),
    )


def _filled(told: Told, text: Text, **values: str) -> Html:
    """A sentence with names from the data in it: those are HTML already, the sentence is our own."""
    return Html(told.voice.say(text, **values))


def _bar(share: float, words: str) -> Html:
    fill = el("i", class_="fill chosen", style=f"width:{100 * share:.1f}%")
    return el("span", el("span", words, class_="share"), el("span", fill, class_="track"), class_="share-bar")


def groups(told: Told) -> Section | None:
    """Rates by value of the columns that pull most."""
    voice, found = told.voice, told.facts["groups"]
    if not found:
        return None
    worst = max(found, key=lambda one: one["rate"])
    rows = [
        (
            join(name_of(one["column"]), ": ", told.group(one["group"])), voice.count(one["n"]),
            join(voice.percent(one["rate"], 1), el("small", voice.interval(one["low"], one["high"]))),
            voice.percent(one["said"], 1), _bar(one["rate"] / max(worst["rate"], 1e-9), ""),
        )
        for one in found
    ]  # fmt: skip
    lead = voice.say(
        _GROUPS_LEAD, column=worst["column"], group=told.group(worst["group"]), rate=voice.percent(worst["rate"], 1),
        positive=told.positive, base=voice.percent(told.facts["label"]["rate"], 1),
    )  # fmt: skip
    heads = [
        Col(voice.say(_GROUP)),
        *(Col(voice.say(one), "num") for one in (_ROWS, _HAPPENED, _SAID)),
        Col("", "wide"),
    ]
    return Section(
        "groups",
        voice.say(_GROUPS),
        lead,
        table(heads, rows, label=voice.say(_GROUPS), class_="holders"),
        voice.say(_GROUPS_NOTE),
    )


def protected(told: Told) -> Section | None:
    """Scores by protected group."""
    voice, found = told.voice, told.facts["protected"]
    if not found:
        return None
    names = voice.listed(list(dict.fromkeys(name_of(one["column"]) for one in found)))
    lead = _filled(told, _PROTECTED_LEAD, columns=names)
    with_them = told.facts["with_protected"]
    if with_them is not None:
        words = {key: voice.number(with_them[key]["auc"], 3) for key in ("other", "honest")}
        lead = join(lead, " ", voice.say(_COST, **words))
    rows = [
        (
            join(name_of(one["column"]), ": ", told.group(one["group"])), voice.count(one["n"]),
            voice.percent(one["rate"], 1), voice.percent(one["said"], 1), _metric(told, one, "auc"),
            _metric(told, one, "log_loss"), voice.percent(one["listed"], 1), voice.percent(one["found"], 1),
            voice.percent(one["false_alarm"], 1),
        )
        for one in found
    ]  # fmt: skip
    said = [voice.say(one) for one in (_ROWS, _HAPPENED, _SAID)]
    heads = [Col(voice.say(_GROUP)), *(Col(one, "num") for one in [*said, "AUC", voice.pick("log loss", "对数损失")])]
    heads += [Col(voice.say(one), "num") for one in (_LISTED, _FOUND, _FALSE)]
    return Section(
        "protected", voice.say(_PROTECTED), lead, table(heads, rows, label=voice.say(_PROTECTED), class_="holders"), voice.say(_PROTECTED_NOTE)
    )  # fmt: skip


def _metric(told: Told, group: Mapping[str, Any], metric: str) -> Any:
    found = group["metrics"].get(metric)
    if found is None:
        return NONE
    voice = told.voice
    small = f"{voice.number(found['low'], 2)}–{voice.number(found['high'], 2)}" if found["low"] is not None else ""
    return join(voice.number(found["value"], 3), el("small", small))


def quality(told: Told) -> Section:
    """Every column: what it was taken for, how much is missing, what was done with it."""
    voice, facts = told.voice, told.facts
    count = {use: sum(one["use"] == use for one in facts["columns"]) for use in _USES}
    lead = [
        voice.say(
            _QUALITY_LEAD, features=count["feature"], left=count["left_out"], protected=count["protected"],
            dropped=len(facts["dropped"]),
        )
    ]  # fmt: skip
    if facts["cut"]:
        lead.append(voice.say(_CUT, n=voice.count(facts["cut"])))
    if facts["grouped"] and facts["copies"]["random_split"] is None and (few := copies_line(told)):
        lead.append(few)
    if facts["label"]["guessed"]:
        lead.append(voice.say(GUESSED, positive=told.positive))
    rows = [
        (
            name_of(one["name"]), _whole(voice.say(_KINDS[one["kind"]])), _whole(voice.say(_USES[one["use"]])),
            voice.percent(one["missing"], 1) if one["missing"] else "", voice.count(one["different"]), _range(told, one),
_noted(one["notes"]),
        )
        for one in facts["columns"]
    ]  # fmt: skip
    kinds = ("text", "text", "text", "num", "num", "num", "text")
    texts = (_COLUMN, _KIND, _USE, _MISSING, _DIFFERENT, _RANGE, _NOTES)
    heads = [Col(_whole(voice.say(text)), kind) for text, kind in zip(texts, kinds, strict=True)]
    return Section(
        "quality",
        voice.say(_QUALITY),
        voice.pick(" ", "").join(lead),
        table(heads, rows, label=voice.say(_QUALITY), class_="holders"),
    )


def _whole(word: str) -> Html:
    """A word that a narrow screen does not break."""
    return el("span", word, style="white-space:nowrap")


def _noted(notes: Sequence[str]) -> Html | None:
    ended = [note if note.endswith(("。", ".")) else f"{note}." for note in notes]
    return el("div", " ".join(ended), style="min-width:14rem") if ended else None


def _range(told: Told, column: Mapping[str, Any]) -> str:
    if column["kind"] != "number" or column["low"] is None:
        return ""
    return f"{_number(column['low'])} – {_number(column['high'])}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:.3g}"
