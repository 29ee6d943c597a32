"""Data quality: from rows read to purchases that stand, step by step, and what cleaning found on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from holdfast.core.text import Text
from holdfast.report.html import Html, el, name_of
from holdfast.report.parts import Col, Section, absent, chip, figure, table
from holdfast.report.story import Story
from holdfast.report.voice import Voice

_TITLE = Text("Data quality", "数据质量")
_ABSENT = Text("The release holds no quality record.", "该版本未包含数据质量记录。")
_LEAD = Text(
    "{read} rows were read and {kept} purchase rows stand ({share}): {orders} orders of {buyers} customers, {spend}.",
    "共读入{read}行，其中{kept}行购买有效（{share}）：{buyers}位客户的{orders}个订单，共{spend}。",
)
_RECONCILES = Text(
    "Every row and every cent is accounted for: {n} independent counts agree.",
    "每一行、每一分钱都对得上：{n}项独立核对全部一致。",
)
_BROKEN = Text("The counts do not agree: {which} Do not trust this release.", "核对不一致：{which}请勿信任该版本。")
_ASSUMED = {
    "assumed": Text(
        "No source says when it learnt of a row, so it is assumed to have known at once.",
        "数据源没有说明何时得知每一行，因此假定为即时得知。",
    ),
    "mixed": Text(
        "Some sources do not say when they learnt of a row; there it is assumed that they knew at once.",
        "部分数据源没有说明何时得知每一行；对这些来源假定为即时得知。",
    ),
}
_STEP, _LEFT, _GONE, _MONEY = (
    Text("Step", "步骤"), Text("Rows left", "剩余行数"), Text("Taken", "移除"), Text("Money left", "剩余金额"),
)  # fmt: skip
_CAPTION = Text(
    "Each step in order: what it left (solid) and what it took (hatched), as shares of the rows read.",
    "按顺序的每一步：剩余（实色）与移除（斜线），以占读入行数的比例表示。",
)
_FINDINGS = Text("What cleaning found", "清洗发现")
_ROWS = Text("Rows", "行数")
_AMOUNT = Text("Money", "金额")
_WHAT = Text("What", "内容")
_FATE = Text("What became of them", "处理方式")
FATES = {
    "kept": Text("kept", "保留"),
    "flagged": Text("flagged, kept", "标记，保留"),
    "filled": Text("filled", "补全"),
    "rejected": Text("set aside", "搁置"),
    "merged": Text("merged", "合并"),
    "retracted": Text("no longer counts", "不再计入"),
}
_EXAMPLES = Text("Examples", "示例")
_PROOFS = Text("Proofs", "核对")
_SOURCES = Text("Sources", "数据源")
_SOURCE_HEADS = (Text("Source", "数据源"), Text("Read", "读入"), Text("Kept", "保留"), Text("Known already", "已有"),
                 Text("Set aside", "搁置"), Text("Files", "文件"))  # fmt: skip


def quality(story: Story, voice: Voice) -> Section:
    """The funnel, then the findings with examples, then the proofs."""
    facts = story.quality
    steps = facts.get("steps") or []
    if not steps:
        return Section("quality", voice.say(_TITLE), None, absent(_ABSENT, voice))
    body = [
        figure(_funnel(steps, voice), voice.say(_CAPTION), None, voice),
        _findings(facts.get("findings") or [], voice),
        _proofs(facts.get("proofs") or [], voice),
        _sources(facts.get("sources") or [], voice),
    ]
    assumed = _ASSUMED.get(str(facts.get("recorded_at")))
    return Section("quality", voice.say(_TITLE), _lead(facts, steps, voice), body, voice.say(assumed))


def _lead(facts: Mapping[str, Any], steps: Sequence[Mapping[str, Any]], voice: Voice) -> str:
    first, last = steps[0], steps[-1]
    said = voice.say(
        _LEAD,
        read=voice.count(first["rows"]),
        kept=voice.count(last["rows"]),
        share=voice.percent(last["rows"] / first["rows"] if first["rows"] else None, 1),
        orders=voice.count(facts.get("orders")),
        buyers=voice.count(facts.get("buyers", facts.get("customers"))),
        spend=voice.cents(facts.get("spend", last.get("amount"))),
    )
    return voice.pick(" ", "").join([said, verdict(facts, voice)])


def verdict(facts: Mapping[str, Any], voice: Voice) -> str:
    """Do rows and money reconcile? Empty where nothing was proved."""
    proofs = facts.get("proofs") or []
    broken = [voice.say(one.get("sentence") or one.get("proof")) for one in proofs if not one.get("holds")]
    if broken:
        return voice.say(_BROKEN, which=voice.pick(" ", "").join(broken) + voice.pick(" ", ""))
    return voice.say(_RECONCILES, n=len(proofs)) if proofs else ""


def _funnel(steps: Sequence[Mapping[str, Any]], voice: Voice) -> Html:
    top = max(steps[0]["rows"], 1)
    heads = [Col(voice.say(_STEP)), Col(voice.say(_LEFT), "num"), Col(voice.say(_GONE), "num"),
             Col(voice.say(_MONEY), "num"), Col("", "wide")]  # fmt: skip
    rows = []
    for one in steps:
        left, gone = 100 * one["rows"] / top, 100 * one.get("rows_removed", 0) / top
        track = el(
            "span",
            el("i", class_="fill kept", style=f"left:0;width:{left:.2f}%"),
            el("i", class_="fill removed", style=f"left:{left:.2f}%;width:{max(gone, 0.25 if gone else 0):.2f}%"),
            class_="track",
        )
        taken = f"−{voice.count(one['rows_removed'])}" if one.get("rows_removed") else ""
        title = voice.say(one.get("title") or one.get("step"))
        rows.append((title, voice.count(one["rows"]), taken, voice.cents(one.get("amount")), track))
    return table(heads, rows, label=voice.say(_TITLE), class_="funnel")


def _findings(findings: Sequence[Mapping[str, Any]], voice: Voice) -> Html | None:
    if not findings:
        return None
    heads = [
        Col(voice.say(_WHAT), "wide"),
        Col(voice.say(_ROWS), "num"),
        Col(voice.say(_AMOUNT), "num"),
        Col(voice.say(_FATE)),
    ]
    rows = [
        (
            [voice.say(one["sentence"]), _examples(one.get("examples") or [], voice)],
            voice.count(one["rows"]),
            voice.cents(one.get("amount")),
            chip("muted", voice.say(FATES.get(one["disposition"], one["disposition"]))),
        )
        for one in findings
    ]
    return el("div", el("h3", voice.say(_FINDINGS)), table(heads, rows, label=voice.say(_FINDINGS)))


def _examples(examples: Sequence[Mapping[str, Any]], voice: Voice) -> Html | None:
    """A few of the rows, as file and row number and what stood there."""
    if not examples:
        return None
    shown = [el("li", [_example(key, value) for key, value in one.items() if value is not None]) for one in examples]
    return el("details", el("summary", voice.say(_EXAMPLES)), el("ul", shown, class_="examples"))


def _example(key: str, value: Any) -> Html:
    return el("span", el("span", f"{key} ", class_="muted"), name_of(value), " ")


def _proofs(proofs: Sequence[Mapping[str, Any]], voice: Voice) -> Html | None:
    if not proofs:
        return None
    title = voice.say(_PROOFS)
    heads = [Col(title, "wide"), Col("", "num"), Col("", "num"), Col("")]
    rows = [
        (
            voice.say(one.get("sentence") or one.get("proof")),
            _exact(one["left"]),
            _exact(one["right"]),
            "✓" if one["holds"] else "✗",
        )
        for one in proofs
    ]
    return el("details", el("summary", title), table(heads, rows, label=title))


def _exact(value: float) -> str:
    """To the row and the cent: nothing is rounded away here."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def _sources(sources: Sequence[Mapping[str, Any]], voice: Voice) -> Html | None:
    if not sources:
        return None
    title = voice.say(_SOURCES)
    heads = [Col(voice.say(head), "text" if i in (0, 5) else "num") for i, head in enumerate(_SOURCE_HEADS)]
    rows = []
    for one in sources:
        files = [str(name) for name in one.get("files") or []]
        counts = [voice.count(one.get(key)) for key in ("read", "kept", "known", "rejected")]
        rows.append((name_of(one.get("source")), *counts, [[name_of(name), " "] for name in files[:5]]))
    return el("details", el("summary", title), table(heads, rows, label=title))
