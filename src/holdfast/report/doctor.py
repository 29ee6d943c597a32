"""One page about an order file, from the plain facts that `app.doctor` collects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from holdfast.core.text import Language, Text
from holdfast.report.plain import columns, heading, pad, width, wrap
from holdfast.report.quality import finding_lines, step_lines
from holdfast.report.scores import Scores, model_name
from holdfast.report.summary import isolated_text
from holdfast.report.voice import NONE, Voice

Facts = Mapping[str, Any]
_ABSENT = Text("Not determined: {why}", "无法确定：{why}")
_NOT_LOOKED = Text("not looked at", "未检查")
_TITLES = {
    "file": Text("What the file holds", "文件内容"),
    "guess": Text("How the columns were read", "列的识别"),
    "quality": Text("What is wrong with it", "数据质量"),
    "history": Text("Is there enough history?", "历史是否足够"),
    "silence": Text("How long a silence means good-bye", "沉默多久意味着离开"),
    "backtest": Text("How good a forecast would have been", "预测的历史表现"),
    "value_at_risk": Text("Value at risk", "风险价值"),
    "holdout": Text("What a holdout test could show", "对照实验能检出什么"),
}


def doctor_page(facts: Facts, language: Language = "en") -> str:
    """The page as text. Every part may be absent, or {"undetermined": reason}; then the page says so.

    file: {"name", "rows", "customers", "orders", "revenue", "currency", "first_day", "last_day"}
    guess: {"preset", "columns": {canonical: file's column}, "notes": [sentence], "override": TOML text, and any of
        "delimiter", "encoding", "date_format", "decimal", "confidence"}
    quality: `Quality.as_dict()`
    history: [{"forecast", "enough": bool, "has", "needs"}]; words in the language asked for
    silence: `profile.silence.silence` and {"suggested": {"horizon", "within"}, "alternatives":
        [{"horizon", "within", "customers", "churned"}]}
    backtest: `Backtest.as_dict()`; value_at_risk: {"total", "low", "high"}
    holdout: {"customers", "holdout_share", "churned", "smallest_effect", "power"}; shares, 0 to 1
    """
    file = facts.get("file") or {}
    voice = Voice(language, str(file.get("currency") or ""))
    lines: list[str] = []
    for key, write in _PARTS:
        part = facts.get(key)
        lines += heading(voice.say(_TITLES[key]))[0 if lines else 1 :]
        if part is None or (isinstance(part, Mapping) and "undetermined" in part):
            why = part["undetermined"] if part else voice.say(_NOT_LOOKED)
            lines += wrap(voice.say(_ABSENT, why=voice.say(why)), first="  ", indent="  ")
        else:
            lines += write(part, voice)
    return "\n".join(lines) + "\n"


_FILE = (
    ("name", Text("file", "文件"), "text"),
    ("rows", Text("rows", "行数"), "count"),
    ("customers", Text("customers", "客户数"), "count"),
    ("orders", Text("orders", "订单数"), "count"),
    ("revenue", Text("spend", "消费额"), "money"),
    ("first_day", Text("from", "起始"), "day"),
    ("last_day", Text("until", "截止"), "day"),
)


def _file(part: Facts, voice: Voice) -> list[str]:
    rows = [
        (voice.say(label), _shown(part[key], kind, voice)) for key, label, kind in _FILE if part.get(key) is not None
    ]
    return columns(rows)


def _shown(value: Any, kind: str, voice: Voice) -> str:
    if kind == "text":
        return isolated_text(value)
    return {"count": voice.count, "money": voice.money, "day": voice.day}[kind](value)


_OVERRIDE = Text("To read it otherwise, write into holdfast.toml:", "如需更改，请在 holdfast.toml 中写入：")
_HOW = ("preset", "delimiter", "encoding", "date_format", "decimal", "confidence")


def _guess(part: Facts, voice: Voice) -> list[str]:
    pairs = [(name, "←", isolated_text(column)) for name, column in (part.get("columns") or {}).items()]
    how = [f"{key} {part[key]!r}" for key in _HOW if part.get(key) not in (None, "")]
    lines = [*columns(pairs), *(wrap("; ".join(how), first="  ", indent="  ") if how else [])]
    for note in part.get("notes") or []:
        lines += wrap(isolated_text(voice.say(note)), first="  ! ", indent="    ")
    if part.get("override"):
        lines += [f"  {voice.say(_OVERRIDE)}", *(f"    {line}" for line in str(part["override"]).splitlines())]
    return lines


def _quality(part: Facts, voice: Voice) -> list[str]:
    return [*step_lines(part, voice), "", *finding_lines(part, voice)]


_ENOUGH = Text("yes", "足够")
_NOT_ENOUGH = Text("no", "不足")


_HAS = Text("There are: {has}.", "现有：{has}。")
_NEEDS = Text("needs {needs}", "需要{needs}")


def _history(part: Sequence[Facts], voice: Voice) -> list[str]:
    """What there is, once; then each forecast with yes or no and what it needs."""
    has = list(dict.fromkeys(voice.say(one.get("has")) for one in part))
    lines = wrap(voice.say(_HAS, has=has[0]), first="  ", indent="  ") if len(has) == 1 else []
    yes, no = voice.say(_ENOUGH), voice.say(_NOT_ENOUGH)
    wide = max(width(yes), width(no))
    for one in part:
        known = [voice.say(one.get("forecast")), voice.say(one.get("has")) if len(has) > 1 else ""]
        needs = voice.say(_NEEDS, needs=voice.say(one.get("needs"))) if one.get("needs") else ""
        said = voice.pick("; ", "；").join(filter(None, [*known, needs]))
        lines += wrap(said, first=f"  {pad(yes if one.get('enough') else no, wide)}  ", indent=" " * (wide + 4))
    return lines


_RETURNS = Text(
    "After {silent} of silence, fewer than {share} order again within {within}.",
    "沉默{silent}之后，{within}内再次下单的不到{share}。",
)
_NEVER = Text(
    "The history is too short to see fewer than {share} order again within {within}.",
    "历史太短，看不到{within}内再次下单的比例低于{share}的情况。",
)
_TYPICAL = Text("Half of all gaps between orders end within {days}.", "一半的下单间隔不超过{days}。")
_SUGGESTED = Text("Suggested: horizon {horizon}, active within {within}.", "建议：预测期{horizon}，活跃窗口{within}。")
_AT_ONCE = Text(
    "Even right after an order, fewer than {share} order again within {within}.",
    "即使刚下过单，{within}内再次下单的也不到{share}。",
)
_GRID = Text(
    "Customers and the share of them that churned, by activity window (rows) and horizon (columns):",
    "各活跃窗口（行）与预测期（列）下的客户数及流失率：",
)


def _silence(part: Facts, voice: Voice) -> list[str]:
    within = voice.days(part.get("within_days"))
    said = []
    if part.get("median_gap_days") is not None:
        said.append(voice.say(_TYPICAL, days=voice.days(part["median_gap_days"])))
    for one in part.get("returns") or []:
        silent, share = one.get("silent_days"), voice.percent(one.get("share"))
        text = _NEVER if silent is None else _RETURNS if silent else _AT_ONCE
        said.append(voice.say(text, silent=voice.days(silent), share=share, within=within))
    if part.get("suggested"):
        said.append(voice.say(_SUGGESTED, **part["suggested"]))
    lines = [line for one in said for line in wrap(one, first="  ", indent="  ")]
    return lines + _windows(part.get("alternatives") or [], voice)


def _windows(alternatives: Sequence[Facts], voice: Voice) -> list[str]:
    """How the numbers change with horizon and window, as a grid."""
    if not alternatives:
        return []
    horizons = list(dict.fromkeys(one["horizon"] for one in alternatives))
    windows = list(dict.fromkeys(one["within"] for one in alternatives))
    cells = {
        (one["within"], one["horizon"]): f"{voice.count(one.get('customers'))} {voice.percent(one.get('churned')):>4}"
        for one in alternatives
    }
    rows = [(window, *(cells.get((window, horizon), "") for horizon in horizons)) for window in windows]
    grid = columns([("", *horizons), *rows], right=range(len(horizons) + 1))
    return ["", *wrap(voice.say(_GRID), first="  ", indent="  "), *grid]


_MODEL = (Text("model", "模型"), Text("AUC", "AUC"), Text("log loss", "对数损失"), Text("lift at 10%", "前10%提升"))


def _backtest(part: Facts, voice: Voice) -> list[str]:
    found = Scores.read(part)
    rows = [
        (
            f"{'→' if model == found.chosen else ' '} {model_name(model, voice)}",
            *(voice.number(found.value(model, m), d) for m, d in (("auc", 3), ("log_loss", 3), ("lift_at_10pct", 2))),
        )
        for model in found.models
    ]
    lines = columns([(f"  {voice.say(_MODEL[0])}", *(voice.say(h) for h in _MODEL[1:])), *rows], right=[1, 2, 3])
    verdict = found.verdict(voice)
    return lines + (wrap(verdict, first="  ", indent="  ") if verdict else [])


def _money(part: Facts, voice: Voice) -> list[str]:
    low, high = part.get("low"), part.get("high")
    bounds = f"  (90%: {voice.money(low)} – {voice.money(high)})" if low is not None else ""
    return [f"  {voice.money(part.get('total', part.get('value')))}{bounds}"]


_HOLDOUT = Text(
    "With {customers} customers, {share} of them held out and {churned} churning, a test finds an effect "
    "of {effect} points of churn or more with {power} power.",
    "共{customers}位客户，留出{share}作对照，流失率{churned}：以{power}的功效，可检出流失率下降{effect}个百分点以上的效果。",
)


def _holdout(part: Facts, voice: Voice) -> list[str]:
    effect = part.get("smallest_effect")
    said = voice.say(
        _HOLDOUT,
        customers=voice.count(part.get("customers")),
        share=voice.percent(part.get("holdout_share")),
        churned=voice.percent(part.get("churned")),
        effect=NONE if effect is None else voice.number(100 * effect),
        power=voice.percent(part.get("power")),
    )
    return wrap(said, first="  ", indent="  ")


_PARTS: tuple[tuple[str, Callable[[Any, Voice], list[str]]], ...] = (
    ("file", _file),
    ("guess", _guess),
    ("quality", _quality),
    ("history", _history),
    ("silence", _silence),
    ("backtest", _backtest),
    ("value_at_risk", _money),
    ("holdout", _holdout),
)
