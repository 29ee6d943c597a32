"""When they will order again: curves ahead of the cutoff, and how such curves turned out before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from holdfast.core.text import Text
from holdfast.report.html import Html, el
from holdfast.report.parts import Col, Section, absent, figure, line_legend, table
from holdfast.report.plot import Axis, Plot, share_axis
from holdfast.report.story import Story
from holdfast.report.voice import Voice

_TITLE = Text("When they will order again", "他们何时会再次下单")
_LEAD = Text(
    "Of {n} customers, {short} should have ordered again within 30 days, {middle} within 90 and {long} within 180. For "
    "{beyond} an order is likelier not to come within half a year.",
    "{n}位客户中，预计{short}在30天内、{middle}在90天内、{long}在180天内再次下单；另有{beyond}半年内更可能不下单。",
)
_ABSENT = Text("No curves could be drawn: {why}.", "无法绘制曲线：{why}。")
_NONE = Text("the release holds none", "该版本未包含")
_X, _Y = Text("days after the cutoff", "截止时刻后的天数"), Text("ordered again", "已再次下单")
_MEAN = Text("all customers", "全部客户")
_EARLY = Text("a customer sooner than nine in ten", "比九成客户更早下单者")
_MIDDLE = Text("the customer in the middle", "居中的客户")
_LATE = Text("a customer later than nine in ten", "比九成客户更晚下单者")
_CAPTION = Text(
    "Expected share that has ordered again by day d. At the horizon each customer's curve meets the published chance.",
    "预计到第d天已再次下单的比例。在预测期处，每位客户的曲线等于所发布的概率。",
)
_PROOF = Text("Said and happened, day by day", "逐日对照：预测与实际")
_PROOF_CAPTION = Text(
    "The newest test cutoff: dots are the share said to have ordered by then, whiskers what happened (Kaplan-Meier, 95%).",
    "最新检验时刻：圆点为预测的已下单比例，须线为实际（Kaplan–Meier，95%区间）。",
)
_DAY, _SAID, _HAPPENED = Text("By day", "截至第几天"), Text("said", "预测"), Text("happened", "实际")
_KINDS = ("chosen", "seq0", "seq1", "seq2")


def ahead(story: Story, voice: Voice) -> Section:
    """The mean curve, three typical customers, the proof at an earlier cutoff, and how far each day can be trusted."""
    facts = story.outlook.get("survival") or {}
    if not facts.get("mean"):
        why = str(facts.get("undetermined") or voice.say(_NONE))
        return Section("ahead", voice.say(_TITLE), None, absent(_ABSENT, voice, why=why.rstrip(".。")))
    return Section(
        "ahead", voice.say(_TITLE), _lead(facts, voice), [_curves(facts, voice), _proof(facts, voice)],
        voice.pick(" ", "").join([facts["meaning"], *(one["text"] for one in _doubtful(facts))]),
    )  # fmt: skip


def _doubtful(facts: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one for one in facts.get("levels") or [] if one["state"] != "calibrated"]


def _lead(facts: Mapping[str, Any], voice: Voice) -> str:
    again = dict(zip(facts["days"], (1 - one for one in facts["mean"]), strict=True))
    return voice.say(
        _LEAD, n=voice.count(facts["customers"]), short=voice.percent(again[30]), middle=voice.percent(again[90]),
        long=voice.percent(again[180]), beyond=voice.percent(facts["beyond"]),
    )  # fmt: skip


def _curves(facts: Mapping[str, Any], voice: Voice) -> Html:
    days = [0, *facts["days"]]
    typical = {one["share"]: one["survival"] for one in facts["typical"]}
    shown = [(_MEAN, facts["mean"]), (_EARLY, typical[0.1]), (_MIDDLE, typical[0.5]), (_LATE, typical[0.9])]
    plot = Plot(_days_axis(facts["days"], voice), share_axis(voice, voice.say(_Y)), voice.say(_TITLE), 300)
    for kind, (name, survival) in zip(_KINDS, shown, strict=True):
        points = list(zip(days, [0.0, *(1 - one for one in survival)], strict=True))
        plot.line(points, kind)
        for day, share in points[1:]:
            plot.dot(day, share, kind, f"{voice.say(name)}, {voice.days(day)}: {voice.percent(share)}", 7)
    heads = [Col(voice.say(_DAY), "num"), *(Col(voice.say(name), "num") for name, _ in shown)]
    rows = [
        (voice.count(day), *(voice.percent(1 - survival[at]) for _, survival in shown))
        for at, day in enumerate(facts["days"])
    ]
    names = [(kind, voice.say(name)) for kind, (name, _) in zip(_KINDS, shown, strict=True)]
    picture = el("div", line_legend(names), plot.html())
    return figure(picture, voice.say(_CAPTION), table(heads, rows, label=voice.say(_TITLE)), voice)


def _proof(facts: Mapping[str, Any], voice: Voice) -> Html | None:
    seen = [one for one in facts.get("happened") or [] if one["group"] == "all" and one["happened"] is not None]
    if len(seen) < 2:
        return None
    days = [one["day"] for one in seen]
    plot = Plot(_days_axis(days, voice), share_axis(voice, voice.say(_Y)), voice.say(_PROOF), 220)
    rows = []
    for one in seen:
        said, happened = 1 - one["said"], 1 - one["happened"]
        low, high = 1 - one["high"], 1 - one["low"]
        words = (voice.percent(said), voice.percent(happened), voice.interval(low, high))
        plot.whisker(one["day"], low, high, "chosen")
        tip = f"{voice.days(one['day'])}: {voice.say(_SAID)} {words[0]}, {voice.say(_HAPPENED)} {words[1]}"
        plot.dot(one["day"], said, "chosen", tip, 9)
        rows.append((voice.count(one["day"]), *words))
    heads = [Col(voice.say(word), "num") for word in (_DAY, _SAID, _HAPPENED)] + [Col("95%", "num")]
    numbers = table(heads, rows, label=voice.say(_PROOF))
    return el("div", el("h3", voice.say(_PROOF)), figure(plot.html(), voice.say(_PROOF_CAPTION), numbers, voice))


def _days_axis(days: Sequence[int], voice: Voice) -> Axis:
    far = [day for day in days if day >= days[-1] / 8]  # those that crowd at the left go without a label
    return Axis(0, days[-1], tuple((float(day), str(day)) for day in (0, *far)), voice.say(_X))
