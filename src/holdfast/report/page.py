"""The page: one HTML file that opens offline, with nothing from any other place.

Style and script are inside the file; a content policy lets nothing else run or load, so that even a mistake
in escaping could not start a script (docs/adr/0004).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from holdfast.core.text import Language, Text
from holdfast.report.figures import Figure, base_rate, figures
from holdfast.report.html import Html, el
from holdfast.report.opening import opening
from holdfast.report.parts import Section, term, tiles
from holdfast.report.sections.ahead import ahead
from holdfast.report.sections.alerts import alerts
from holdfast.report.sections.cohorts import cohorts
from holdfast.report.sections.customers import customers
from holdfast.report.sections.definitions import definitions
from holdfast.report.sections.drift import drift
from holdfast.report.sections.effects import effects
from holdfast.report.sections.forecast import forecast
from holdfast.report.sections.ladder import ladder
from holdfast.report.sections.lifecycle import lifecycle
from holdfast.report.sections.paths import paths
from holdfast.report.sections.plan import plan
from holdfast.report.sections.promises import promises
from holdfast.report.sections.quality import quality
from holdfast.report.sections.retention import retention
from holdfast.report.sections.rhythm import rhythm
from holdfast.report.sections.segments import segments
from holdfast.report.sections.value import value
from holdfast.report.sections.wanted import wanted
from holdfast.report.story import Story
from holdfast.report.voice import Voice, isolated

_TITLE = Text("{shop}: customers to keep, {day}", "{shop}：客户留存报告，{day}")
_SKIP = Text("Skip to the findings", "跳到正文")
_CONTENTS = Text("Contents", "目录")
_SCREEN = (
    Text("What is happening", "发生了什么"),
    Text("Who", "是谁"),
    Text("What to do on Monday", "周一做什么"),
)

#: The sections in the order of the page.
SECTIONS: tuple[Callable[[Story, Voice], Section | None], ...] = (
    promises, alerts, plan, effects, quality, cohorts, lifecycle, retention, segments, paths, ahead, rhythm, value, wanted, forecast,
    drift, ladder, customers, definitions,
)  # fmt: skip


def write_report(folder: Path, story: Story, language: Language = "en") -> Path:
    """Write `folder/report/index.html` and return its path. `folder` is the release's folder."""
    target = folder / "report" / "index.html"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(render(story, language), encoding="utf-8", newline="\n")
    return target


def render(story: Story, language: Language = "en") -> str:
    """The whole page as text: the same story gives the same bytes."""
    voice = story.voice(language)
    shop, day = isolated(story.release.get("shop") or "shop"), voice.day(story.release.get("cutoff"))
    title = voice.say(_TITLE, shop=shop, day=day)
    sections = [found for make in SECTIONS if (found := make(story, voice)) is not None]
    body = el(
        "body",
        el("a", voice.say(_SKIP), href="#findings", class_="skip"),
        _header(story, voice, title),
        el(
            "div",
            contents(sections, voice),
            el("main", [one.html() for one in sections], id="findings"),
            class_="page",
        ),
        el("script", Html(asset("page.js"))),
    )
    return f"<!doctype html>\n{el('html', head(title), body, lang='zh-Hans' if language == 'zh' else 'en')}\n"


def head(title: str) -> Html:
    digest = base64.b64encode(hashlib.sha256(asset("page.js").encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; img-src data:"
    return el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=f"{policy}; base-uri 'none'; form-action 'none'"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("meta", name="referrer", content="no-referrer"),
        el("title", title),
        el("style", Html(asset("page.css"))),
    )


def _header(story: Story, voice: Voice, title: str) -> Html:
    sentences = opening(story, voice, base_rate=base_rate(story))
    points = [
        el("li", el("h2", voice.say(label)), el("p", sentence))
        for label, sentence in zip(_SCREEN, sentences, strict=False)
    ]
    return el(
        "header",
        el("h1", title),
        el("ol", points, class_="opening"),
        tiles([_tile(one, voice) for one in figures(story, voice)]) if story.customers.num_rows else None,
        el("p", story.definition(voice), class_="note"),
    )


def _tile(one: Figure, voice: Voice) -> tuple[Any, str, str]:
    return term(one.word, one.label, voice), one.number, one.bounds


def contents(sections: list[Section], voice: Voice) -> Html:
    links = [el("li", el("a", one.title, href=f"#{one.id}")) for one in sections]
    return el("nav", el("ol", links), aria_label=voice.say(_CONTENTS))


def asset(name: str) -> str:
    return (files("holdfast.report") / "assets" / name).read_text(encoding="utf-8").replace("\r\n", "\n")
