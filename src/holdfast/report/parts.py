"""The parts a page is made of: sections, tables, figures with the table behind them, terms with their meaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from holdfast.core.text import Text
from holdfast.report.html import Html, el
from holdfast.report.meanings import MEANINGS, defined
from holdfast.report.voice import Voice

_TABLE = Text("Show the numbers", "查看数据表")


@dataclass(frozen=True)
class Section:
    """One part of the page: what it found in a sentence, the evidence, and what its numbers mean."""

    id: str
    title: str
    lead: Any
    body: Any
    note: Any = None

    def html(self) -> Html:
        return el(
            "section",
            el("h2", self.title),
            el("p", self.lead, class_="lead") if self.lead else None,
            self.body,
            el("p", self.note, class_="note") if self.note else None,
            id=self.id,
        )


@dataclass(frozen=True)
class Col:
    """One column of a table: its head and how it is set."""

    head: Any
    kind: str = "text"  # text, num (right-aligned figures) or wide (takes what is left)
    label: str | None = None  # said beside the cell where a phone hides the head


def table(columns: Sequence[Col], rows: Sequence[Sequence[Any]], *, label: str, class_: str = "") -> Html:
    """A table that scrolls sideways by itself on a narrow screen; the first cell of a row heads it."""
    head = el("tr", [el("th", c.head, scope="col", class_=c.kind) for c in columns])
    body = [el("tr", [_cell(i, cell, columns[i]) for i, cell in enumerate(row)]) for row in rows]
    inner = el("table", el("thead", head), el("tbody", body), class_=class_ or None)
    return el("div", inner, class_="scroll", tabindex="0", role="region", aria_label=label)


def _cell(place: int, cell: Any, column: Col) -> Html:
    if place == 0:
        return el("th", cell, scope="row", class_=column.kind)
    return el("td", cell, class_=column.kind, data_label=column.label)


def figure(picture: Html, caption: Any, numbers: Html | None, voice: Voice, *, class_: str = "") -> Html:
    """A chart with its caption, and the same numbers as a table behind it."""
    behind = el("details", el("summary", voice.say(_TABLE)), numbers, class_="numbers") if numbers else None
    return el("figure", picture, el("figcaption", caption) if caption else None, behind, class_=class_ or None)


def term(word: str, shown: Any, voice: Voice) -> Any:
    """A word with its meaning: dotted, explained on hover, linked to the definitions; plain where there is none."""
    known = defined(word)
    if known is None:
        return shown
    return el("a", shown, href=f"#def-{known}", class_="term", title=voice.say(MEANINGS[known]))


def legend(entries: Sequence[tuple[str, Any]]) -> Html:
    """Swatches with names: (colour class, name)."""
    return el("ul", [el("li", el("i", class_=f"swatch {kind}"), name) for kind, name in entries], class_="legend")


def line_legend(entries: Sequence[tuple[str, Any]]) -> Html:
    """The same for lines: colour and dash as drawn."""
    box = {"viewBox": "0 0 28 6", "width": "28", "height": "6", "aria_hidden": "true"}
    keys = [el("svg", el("path", d="M0 3H28", class_=f"line {kind}"), **box) for kind, _ in entries]
    return el("ul", [el("li", key, name) for key, (_, name) in zip(keys, entries, strict=True)], class_="legend")


def absent(text: Text, voice: Voice, **values: object) -> Html:
    """What a section says when there is nothing to show."""
    return el("p", voice.say(text, **values), class_="absent")


def tiles(entries: Sequence[tuple[Any, Any, Any]]) -> Html:
    """A strip of key figures: (label, number, what bounds or explains it)."""
    return el(
        "dl",
        [
            el("div", el("dt", label), el("dd", number, class_="big"), el("dd", small))
            for label, number, small in entries
        ],
        class_="tiles",
    )


def chip(kind: str, shown: str) -> Html:
    """A small coloured label; the word carries the meaning, the colour only helps."""
    return el("span", shown, class_=f"chip {kind}")
