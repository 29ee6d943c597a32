"""Every number of the page with its definition, and which release this is."""

from __future__ import annotations

from holdfast.core.text import Text
from holdfast.report import words
from holdfast.report.html import Html, el
from holdfast.report.meanings import MEANINGS
from holdfast.report.parts import Section
from holdfast.report.story import Story
from holdfast.report.voice import Voice

_TITLE = Text("What the numbers mean", "数字的含义")
_LIFECYCLE = Text("life-cycle: {state}", "生命周期：{state}")
_FACTS = {
    "release_id": Text("release", "发布版本"),
    "shop": Text("shop", "商家"),
    "cutoff": Text("cutoff", "截止时刻"),
    "horizon": Text("horizon", "预测期"),
    "gap": Text("gap", "空档"),
    "zone": Text("time zone", "时区"),
    "currency": Text("currency", "货币"),
    "model": Text("model", "模型"),
    "first_day": Text("data from", "数据起始"),
    "last_day": Text("data until", "数据截止"),
    "code_version": Text("Holdfast version", "Holdfast 版本"),
    "fingerprint": Text("fingerprint of the data", "数据指纹"),
}

_LISTS = Text("lists and tables", "名单与数据表")
_FILES = ("lists/at_risk.csv", "lists/why.csv", "customers.parquet", "quality.json", "backtest.json")


def definitions(story: Story, voice: Voice) -> Section:
    """The definition list that every dotted word links to."""
    entries = [_entry(word, voice.say(meaning), f"def-{word}") for word, meaning in MEANINGS.items()]
    for state, meaning in (story.lifecycle.get("meanings") or {}).items():
        entries.append(_entry(voice.say(_LIFECYCLE, state=voice.say(words.state(state))), voice.say(meaning)))
    body = el("dl", entries, class_="definitions")
    return Section("definitions", voice.say(_TITLE), story.definition(voice), [body, _facts(story, voice)])


def _entry(word: str, meaning: str, place: str | None = None) -> Html:
    return el("div", el("dt", word, id=place), el("dd", meaning))


def _facts(story: Story, voice: Voice) -> Html:
    known = [(voice.say(label), story.release.get(key)) for key, label in _FACTS.items()]
    links = [[el("a", name, href=f"../{name}"), " "] for name in _FILES]
    shown = [*known, (voice.say(_LISTS), el("span", links))]
    return el("dl", [el("div", el("dt", label), el("dd", value)) for label, value in shown if value], class_="release")
