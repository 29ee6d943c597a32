"""How an old release's promises turned out, as sentences: the page and the summary say the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from holdfast.core.clock import Duration
from holdfast.core.errors import UsageError
from holdfast.core.text import Text
from holdfast.report.voice import Voice

_SAID = Text(
    "On {day} we said that {said} of {n} customers would not order in the {horizon} after; {happened} did not.",
    "{day}我们曾预测{n}位客户中有{said}在之后的{horizon}内不下单；实际为{happened}。",
)
_LOST = Text("We called {said} at risk; {lost} were then lost.", "当时称{said}面临风险；随后实际损失{lost}。")
_GAINED = Text(
    "We called {said} at risk; those customers then spent {lost} more than usual.",
    "当时称{said}面临风险；这些客户随后反而比平常多消费{lost}。",
)
_SPENT = Text(
    "We called {said} at risk; those customers then spent {spent}.", "当时称{said}面临风险；这些客户随后消费了{spent}。"
)
_GONE = Text(
    "{gone} published customers are no longer known (merged or forgotten) and are not scored.",
    "{gone}位当时的客户已不在记录中（已合并或删除），未计入。",
)


def newest_first(promises: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """By cutoff; of the same cutoff, the longer horizon last."""
    return sorted(promises, key=lambda one: str(one.get("cutoff") or ""), reverse=True)


def kept(one: Mapping[str, Any], voice: Voice) -> str:
    """Said and happened, called at risk and lost."""
    said = voice.say(
        _SAID,
        day=voice.day(one.get("cutoff")),
        said=voice.percent(one.get("said")),
        happened=voice.percent(one.get("happened")),
        n=voice.count(one.get("n")),
        horizon=_length(str(one.get("horizon") or ""), voice),
    )
    return voice.pick(" ", "").join(filter(None, [said, money_kept(one, voice), gone(one, voice)]))


def money_kept(one: Mapping[str, Any], voice: Voice) -> str:
    """Value at risk, said and lost; empty where none was published."""
    money = one.get("value_at_risk") or {}
    if money.get("said") is None:
        return ""
    lost = money.get("lost")
    text = _SPENT if lost is None else _LOST if lost >= 0 else _GAINED
    spent = voice.money(money.get("spent"))
    return voice.say(text, said=voice.money(money["said"]), lost=voice.money(abs(lost or 0)), spent=spent)


def gone(one: Mapping[str, Any], voice: Voice) -> str:
    """How many customers of the old release this history no longer knows."""
    return voice.say(_GONE, gone=voice.count(one["gone"])) if one.get("gone") else ""


def _length(horizon: str, voice: Voice) -> str:
    try:
        return voice.days(Duration.parse(horizon).days)
    except UsageError:
        return horizon
