"""The four key figures: how many, how likely, how much, how sure. The page and the summary show the same ones."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.core.text import Text
from holdfast.report import words
from holdfast.report.scores import Scores, model_name
from holdfast.report.story import Story
from holdfast.report.voice import NONE, Voice

_POPULATION = Text("Customers in play", "统计范围内的客户")
_EXPECTED = Text("Expected not to order", "预计不下单")
_LAST_TIME = Text("{base} in the last period that could be checked", "最近一个可核对的时段为{base}")
_RANKED = Text("Pairs told apart (AUC)", "判对的比例（AUC）")
_BASELINE = Text("{model} {auc}; coin 0.5", "{model}为{auc}；抛硬币为0.5")
_UPPER = Text("{count} critical, {high} high", "危急{count}位，高{high}位")


@dataclass(frozen=True)
class Figure:
    """One key figure: the word it is defined under, its label, the number, and what bounds it."""

    word: str
    label: str
    number: str
    bounds: str


def figures(story: Story, voice: Voice) -> list[Figure]:
    """The strip under the three sentences."""
    total, low, high = story.total_at_risk
    share = float(story.p_churn.mean()) if len(story.p_churn) else None
    base = base_rate(story)
    critical, upper = (voice.count(int((story.band == band).sum())) for band in ("critical", "high"))
    money = voice.say(words.INTERVAL_90, low=voice.money(low), high=voice.money(high)) if low is not None else ""
    return [
        Figure(
            "population",
            voice.say(_POPULATION),
            voice.count(len(story.p_churn)),
            voice.say(_UPPER, count=critical, high=upper),
        ),
        Figure(
            "p_churn",
            voice.say(_EXPECTED),
            voice.percent(share),
            voice.say(_LAST_TIME, base=voice.percent(base)) if base is not None else "",
        ),
        Figure("value_at_risk", voice.say(words.VALUE_AT_RISK), voice.money(total), money),
        _forecast(story, voice),
    ]


def base_rate(story: Story) -> float | None:
    """The share that churned at the newest test cutoff of the backtest."""
    found = (story.backtest.get("reference") or {}).get("base_rate")
    return None if found is None else float(found)


def _forecast(story: Story, voice: Voice) -> Figure:
    found = Scores.read(story.backtest)
    auc = found.value(found.chosen, "auc")
    over = found.best_baseline()
    beside = NONE
    if over is not None:
        beside = voice.say(_BASELINE, model=model_name(over, voice), auc=voice.number(found.value(over, "auc"), 3))
    return Figure("auc", voice.say(_RANKED), voice.number(auc, 3), beside if auc is not None else "")
