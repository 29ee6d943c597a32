"""Where the value at risk sits: by life-cycle state, how many customers hold how much of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from holdfast.core.text import Text
from holdfast.report import words
from holdfast.report.html import Html, el
from holdfast.report.parts import Col, table, term
from holdfast.report.story import Story
from holdfast.report.voice import Voice

_TITLE = Text("Where the value at risk sits", "风险价值的分布")
_UPPER = Text("On the upper rungs", "位于上面两级")
_MEAN_P = Text("Mean chance of no order", "平均不下单概率")
_SHARE = Text("Share of it", "占比")
_ORDER = ("new", "returned", "active", "slowing", "dormant", "lost")


def holders(story: Story, voice: Voice) -> Html | None:
    """One row for each state that occurs, with a bar for its share of the value at risk."""
    state = np.array(story.customers["lifecycle"].to_pylist(), dtype=object)
    total = float(story.at_risk.sum())
    there = [one for one in _ORDER if (state == one).any()]
    if not there or total <= 0:
        return None
    value = voice.say(words.VALUE_AT_RISK)
    heads = [
        Col(voice.say(words.LIFECYCLE)),
        Col(term("value_at_risk", value, voice), "num"),
        Col(voice.say(_SHARE), "wide"),
        Col(voice.say(words.CUSTOMERS), "num"),
        Col(voice.say(_UPPER), "num"),
        Col(term("p_churn", voice.say(_MEAN_P), voice), "num"),
    ]
    rows = [_row(story, voice, one, state == one, total) for one in there]
    title = voice.say(_TITLE)
    return el("div", el("h3", title), table(heads, rows, label=title, class_="holders"))


def _row(story: Story, voice: Voice, name: str, mine: np.ndarray[Any, Any], total: float) -> tuple[object, ...]:
    upper = mine & ((story.band == "critical") | (story.band == "high"))
    money = float(story.at_risk[mine].sum())
    share = money / total
    bar = el("span", el("i", class_=f"fill {name}", style=f"left:0;width:{100 * share:.2f}%"), class_="track")
    return (
        [el("i", class_=f"swatch {name}"), voice.say(words.state(name))],
        voice.money(money),
        el("div", el("span", voice.percent(share), class_="share"), bar, class_="share-bar"),
        voice.count(int(mine.sum())),
        voice.count(int(upper.sum())),
        voice.percent(float(story.p_churn[mine].mean())),
    )
