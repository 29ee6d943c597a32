"""The purchase process: how often customers order, whether they leave for good, and how well that describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdfast.core.text import Text
from holdfast.report.html import Html, el
from holdfast.report.parts import Col, Section, absent, figure, legend, line_legend, table
from holdfast.report.plot import Axis, Plot, round_ticks
from holdfast.report.scores import model_name
from holdfast.report.story import Story
from holdfast.report.voice import Voice

_TITLE = Text("How often they order, and whether they leave", "下单节奏，以及是否离开")
_LEAD = Text(
    "{n} customers who ever ordered came back {orders} times. The process that describes their orders best is {model}.",
    "{n}位下过单的客户共复购{orders}次。最能描述其下单过程的是{model}。",
)
_ABSENT = Text("No purchase process could be fitted: {why}.", "无法拟合购买过程：{why}。")
_NONE = Text("the release holds none", "该版本未包含")
_TRACK = Text("Repeat orders week by week", "逐周累计复购")
_TRACK_CAPTION = Text(
    "Learnt from the first {learnt} weeks alone; what came after was foretold: {gap} at the end.",
    "仅用前{learnt}周学习；其后均为预测：期末偏差{gap}。",
)
_WEEK, _ACTUAL, _EXPECTED = Text("week", "周"), Text("happened", "实际"), Text("expected", "预期")
_COUNT = Text("How many came back how often", "复购次数分布")
_COUNT_CAPTION = Text(
    "Customers by number of repeat order days, and what the process expects.", "按复购天数统计的客户数与过程的预期。"
)
_REPEATS, _CUSTOMERS = Text("repeat orders", "复购次数"), Text("customers", "客户数")
_FITS = Text("Every process that was tried", "全部候选过程")
_MODEL, _LOSS, _PARAMETERS = (
    Text("Process", "过程"),
    Text("log-likelihood", "对数似然"),
    Text("Parameters (days)", "参数（天）"),
)


def rhythm(story: Story, voice: Voice) -> Section:
    """Chosen process and dropout in words; tracking and histogram; the fits as a table."""
    facts = story.outlook.get("rhythm") or {}
    if not facts.get("models"):
        why = str(facts.get("undetermined") or voice.say(_NONE))
        return Section("rhythm", voice.say(_TITLE), None, absent(_ABSENT, voice, why=why.rstrip(".。")))
    chosen = facts["models"][facts["chosen"]]
    lead = voice.say(
        _LEAD, n=voice.count(chosen["customers"]), orders=voice.count(chosen["orders"]),
        model=model_name(facts["chosen"], voice),
    )  # fmt: skip
    said = [lead, voice.say(facts["dropout"]["reason"])]
    pictures = [one for one in (_tracking(facts, voice), _histogram(facts, voice)) if one is not None]
    body = [el("div", pictures, class_="pair"), _fits(facts, voice)]
    return Section("rhythm", voice.say(_TITLE), voice.pick(" ", "").join(said), body)


def _tracking(facts: Mapping[str, Any], voice: Voice) -> Html | None:
    track = facts.get("tracking")
    if not track or len(track["week"]) < 2:
        return None
    ticks = round_ticks(max(*track["actual"], *track["expected"]))
    last = track["week"][-1]
    weeks = tuple((float(week), str(week)) for week in range(0, last + 1, max(1, -(-last // 6))))
    axis = Axis(0, ticks[-1], tuple((one, voice.count(one)) for one in ticks))
    plot = Plot(Axis(0, last, weeks, voice.say(_WEEK)), axis, voice.say(_TRACK), 260)
    plot.line([(track["learnt_weeks"], 0), (track["learnt_weeks"], ticks[-1])], "ideal")
    for kind, name in (("seq1", "actual"), ("chosen", "expected")):
        plot.line(list(zip(track["week"], track[name], strict=True)), kind)
    gap = ("+" if track["gap_at_end"] >= 0 else "−") + voice.percent(abs(track["gap_at_end"]))
    caption = voice.say(_TRACK_CAPTION, learnt=voice.count(track["learnt_weeks"]), gap=gap)
    rows = [
        tuple(voice.count(track[name][at]) for name in ("week", "actual", "expected"))
        for at in range(0, len(track["week"]), max(1, len(track["week"]) // 12))
    ]
    numbers = table([Col(voice.say(one), "num") for one in (_WEEK, _ACTUAL, _EXPECTED)], rows, label=voice.say(_TRACK))
    names = [("seq1", voice.say(_ACTUAL)), ("chosen", voice.say(_EXPECTED))]
    picture = el("div", line_legend(names), plot.html())
    return el("div", el("h3", voice.say(_TRACK)), figure(picture, caption, numbers, voice))


def _histogram(facts: Mapping[str, Any], voice: Voice) -> Html | None:
    found = facts.get("orders")
    if not found:
        return None
    ticks = round_ticks(max(*found["actual"], *found["expected"]))
    places = range(len(found["orders"]))
    more = len(found["orders"]) - 1
    labels = [f"{voice.count(one)}{'+' if at == more else ''}" for at, one in enumerate(found["orders"])]
    axis = Axis(0, ticks[-1], tuple((one, voice.count(one)) for one in ticks))
    plot = Plot(
        Axis(0, len(labels), tuple((at + 0.5, labels[at]) for at in places), voice.say(_REPEATS)),
        axis,
        voice.say(_COUNT),
        260,
    )
    rows = []
    for at in places:
        actual, expected = found["actual"][at], found["expected"][at]
        tip = (
            f"{labels[at]}: {voice.say(_ACTUAL)} {voice.count(actual)}, {voice.say(_EXPECTED)} {voice.count(expected)}"
        )
        plot.bar(at + 0.1, at + 0.5, 0, actual, "seq1", tip)
        plot.bar(at + 0.5, at + 0.9, 0, expected, "chosen", tip)
        rows.append((labels[at], voice.count(actual), voice.count(expected)))
    heads = [Col(voice.say(one), "num") for one in (_REPEATS, _ACTUAL, _EXPECTED)]
    picture = el("div", legend([("seq1", voice.say(_ACTUAL)), ("chosen", voice.say(_EXPECTED))]), plot.html())
    numbers = table(heads, rows, label=voice.say(_COUNT))
    return el("div", el("h3", voice.say(_COUNT)), figure(picture, voice.say(_COUNT_CAPTION), numbers, voice))


def _fits(facts: Mapping[str, Any], voice: Voice) -> Html:
    rows = []
    for name, one in facts["models"].items():
        label = model_name(name, voice)
        said = ", ".join(
            _parameter(key, value, one["standard_errors"].get(key), voice) for key, value in one["parameters"].items()
        )
        rows.append(
            (el("b", label) if name == facts["chosen"] else label, voice.number(one["log_likelihood"], 1), said)
        )
    heads = [Col(voice.say(_MODEL)), Col(voice.say(_LOSS), "num"), Col(voice.say(_PARAMETERS), "wide")]
    return el("details", el("summary", voice.say(_FITS)), table(heads, rows, label=voice.say(_FITS)))


def _parameter(name: str, value: float, error: float | None, voice: Voice) -> str:
    doubt = "" if error is None else f" ± {error:.2g}"
    return f"{name} {value:.4g}{doubt}"
