"""What one customer wants next, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from holdfast.core.text import Language, Text
from holdfast.report import words
from holdfast.report.plain import heading, pad, wrap
from holdfast.report.summary import isolated_text
from holdfast.report.voice import isolated

WANTED = Text("What this customer wants next", "该客户接下来想要什么")
_TITLE = Text("What {id} wants next", "{id} 接下来想要什么")
_NOTHING = Text("Nothing can be recommended.", "没有可推荐的商品。")


def wanted_page(
    customer_id: str, rows: Sequence[Mapping[str, Any]], notes: Sequence[str], language: Language = "en"
) -> str:
    """The answer of `holdfast recommend` for a person."""
    lines = heading(_TITLE.render(language, id=isolated(customer_id)))[1:]
    lines += wanted_lines(rows, language) if rows else wrap(_NOTHING.render(language))
    for note in notes:
        lines += ["", *wrap(isolated_text(note))]
    return "\n".join(lines) + "\n"


def wanted_lines(rows: Sequence[Mapping[str, Any]], language: Language = "en") -> list[str]:
    """One item a line: rank, name, lane; its reason below."""
    lines = []
    for one in rows:
        lane = words.lane(one["lane"]).render(language)
        name = isolated_text(words.named(one["item_id"], one.get("title")))
        lines += wrap(name, first=f" {one['rank']:>2}. {pad(lane, 22)}", indent=" " * 27)
        if one.get("reason"):
            lines += wrap(isolated_text(one["reason"]), first=" " * 27 + "· ", indent=" " * 29)
    return lines
