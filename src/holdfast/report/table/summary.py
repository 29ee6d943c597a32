"""A labelled table in a few lines: what the command line prints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from holdfast.core.text import Language, Text
from holdfast.report.plain import wrap
from holdfast.report.table.told import Told
from holdfast.report.voice import Voice, isolated

RATE = Text(
    "{rows} rows, {labelled} with a label; {rate} of those are {positive}.",
    "共{rows}行，{labelled}行有标签，其中{rate}为{positive}。",
)
SCORED = Text("The {n} rows without a label were scored.", "其余{n}行没有标签，已给出评分。")
TRUST = Text(
    "{model}: of two rows of different kinds it puts the right one first in {auc} of cases (AUC, 95%: {bounds}); the best "
    "single column in {single}. Log loss {loss} (base rate {base}). Accuracy {accuracy}; always saying the commoner kind: {majority}.",
    "{model}：两类各取一行，它排对先后的比例为{auc}（AUC，95%区间：{bounds}）；最佳单列为{single}。"
    "对数损失{loss}（平均比例为{base}）。准确率{accuracy}；总猜多数类为{majority}。",
)
SHORT_TRUST = Text(
    "Of two rows of different kinds the forecast puts the right one first in {auc} of cases (95%: {low}–{high}); the best "
    "single column in {single}, a coin in 50%.",
    "两类各取一行，预测排对先后的比例为{auc}（95%区间：{low}–{high}）；最佳单列为{single}，抛硬币为50%。",
)
FIRST = Text(
    "The riskiest fifth holds {recall} of all {positive}. What pulls most: {columns}.",
    "风险最高的五分之一包含了{recall}的{positive}。影响最大的列：{columns}。",
)
SUSPECT = Text(
    "WARNING: {columns} alone tells {auc} of pairs apart. Such a column was almost always filled in after the fact; the "
    "forecast is worth nothing if so. Leave it out with --drop.",
    "警告：仅凭“{columns}”就能分对{auc}的配对。这样的列几乎总是事后填写的，若属实，预测毫无价值。请用 --drop 排除。",
)
SUSPECT_WITHOUT = Text("Without it: AUC {auc}.", "排除后：AUC {auc}。")
COPIES = Text(
    "{copies} rows are copies of others ({how}); {different} stand alone. Copies were kept together, so that no model is "
    "tested on a row it has seen. A random split would have claimed AUC {random} instead of {auc}, accuracy {random_accuracy} "
    "instead of {accuracy}.",
    "有{copies}行是其他行的副本（{how}），真正独立的有{different}行。副本始终分在同一份，模型不会在见过的行上被检验。"
    "随机划分会声称AUC为{random}而不是{auc}，准确率为{random_accuracy}而不是{accuracy}。",
)
EQUAL = Text("{n} equal in every column but the id", "{n}行除编号外完全相同")
NEAR = Text("{n} equal in all columns but one", "{n}行仅一列不同")
ECHO = Text(
    "{n} repeat another row with the same constants added ({steps})",
    "{n}行重复另一行，只是数值加上了固定的量（{steps}）",
)
COARSE = Text(
    "So few different rows are no copies but coarse columns: they were not kept together.",
    "不同的行如此之少，说明是列太粗而非副本，因此没有按组划分。",
)
FEW_COPIES = Text(
    "{copies} rows are equal or nearly equal to others, perhaps by chance; they were kept together.",
    "有{copies}行与其他行相同或几乎相同（可能只是巧合），已分在一起。",
)
GUESSED = Text(
    "Which of the two labels is asked for was guessed: {positive}, the rarer one. --positive says otherwise.",
    "两个标签值中要预测哪一个是猜的：取较少的{positive}。可用 --positive 指定。",
)
REPORT = Text("report: {path}", "报告：{path}")


def summary(facts: Mapping[str, Any], report: Path, language: Language) -> str:
    """The whole answer as text."""
    told = Told(facts, Voice(language))
    lines = [rate_line(told), *warnings(told), trust_line(told), first_line(told), *facts["notes"]]
    wrapped = [part for line in lines for part in wrap(line, columns=100)]
    return "\n".join([*wrapped, "", told.voice.say(REPORT, path=report)])


def rate_line(told: Told) -> str:
    facts, voice = told.facts, told.voice
    unknown = facts["rows"] - facts["labelled"]
    line = voice.say(
        RATE, rows=voice.count(facts["rows"]), labelled=voice.count(facts["labelled"]),
        rate=voice.percent(facts["label"]["rate"], 1), positive=told.positive,
    )  # fmt: skip
    return voice.pick(" ", "").join([line, voice.say(SCORED, n=voice.count(unknown))] if unknown else [line])


def trust_line(told: Told) -> str:
    return told.voice.say(
        TRUST, model=told.model(), auc=told.number("auc"), bounds=told.bounds("auc"),
        single=told.number("auc", "one_column") if "one_column" in told.facts["models"] else "0.500",
        loss=told.number("log_loss"), base=told.number("log_loss", "base_rate"),
        accuracy=told.voice.percent(told.score("accuracy")["value"], 1),
        majority=told.voice.percent(majority(told), 1),
    )  # fmt: skip


def short_trust_line(told: Told) -> str:
    """The same for the head of the page."""
    voice, auc = told.voice, told.score("auc")
    single = told.score("auc", "one_column")["value"] if "one_column" in told.facts["models"] else 0.5
    low, high = (voice.percent(auc[end], 1) for end in ("low", "high"))
    return voice.say(
        SHORT_TRUST, auc=voice.percent(auc["value"], 1), low=low, high=high, single=voice.percent(single, 1)
    )  # fmt: skip


def majority(told: Told) -> float:
    """How often the commoner kind is right."""
    rate = float(told.facts["curves"]["base_rate"])
    return max(rate, 1 - rate)


def first_line(told: Told) -> str:
    fifth = min(told.facts["curves"]["lift"], key=lambda one: abs(one["share"] - 0.2))
    pulling = [one["name"] for one in told.facts["columns"] if one["importance"]][:3]
    return told.voice.say(
        FIRST, recall=told.voice.percent(fifth["recall"]), positive=told.positive,
        columns=told.voice.listed([isolated(one) for one in pulling]) or "–",
    )  # fmt: skip


def warnings(told: Told) -> list[str]:
    """What nobody may overlook: columns that know the answer, and copies."""
    few = told.facts["grouped"] and told.facts["copies"]["random_split"] is None
    guessed = told.voice.say(GUESSED, positive=told.positive) if told.facts["label"]["guessed"] else ""
    return [line for line in (suspect_line(told), guessed, "" if few else copies_line(told)) if line]


def suspect_line(told: Told) -> str:
    odd, voice = told.facts["suspects"], told.voice
    if not odd:
        return ""
    names = voice.listed([isolated(one["column"]) for one in odd])
    line = voice.say(SUSPECT, columns=names, auc=voice.percent(max(one["auc_alone"] for one in odd), 1))
    without = told.facts["without_suspects"]
    if without is None:
        return line
    return voice.pick(" ", "").join([line, voice.say(SUSPECT_WITHOUT, auc=voice.number(without["other"]["auc"], 3))])


def copies_line(told: Told) -> str:
    copies, voice = told.facts["copies"], told.voice
    if not told.facts["grouped"]:
        return voice.say(COARSE)
    loose, many = copies["random_split"], told.facts["labelled"] - copies["different"]
    if loose is None:
        return voice.say(FEW_COPIES, copies=voice.count(many)) if many else ""
    return voice.say(
        COPIES, copies=voice.count(many), how=copies_how(told),
        different=voice.count(copies["different"]), random=voice.number(loose["other"]["auc"], 3),
        auc=voice.number(loose["honest"]["auc"], 3), random_accuracy=voice.percent(loose["other"]["accuracy"], 1),
        accuracy=voice.percent(loose["honest"]["accuracy"], 1),
    )  # fmt: skip


def copies_how(told: Told) -> str:
    """In which ways rows are copies."""
    copies, voice = told.facts["copies"], told.voice
    ways = [voice.say(EQUAL, n=voice.count(copies["equal"]))] if copies["equal"] else []
    if copies["near"]:
        ways.append(voice.say(NEAR, n=voice.count(copies["near"])))
    if copies["echo"]:
        steps = [f"{isolated(k)} {v:+g}" for k, v in list(copies["echo"]["steps"].items())[-3:]]
        echo = copies["echo"]
        ways.append(voice.say(ECHO, n=voice.count(echo["rows"]), steps=", ".join(steps)))
    return voice.pick("; ", "；").join(ways)
