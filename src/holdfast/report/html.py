"""HTML from Python: every string is escaped unless it already is HTML."""

from __future__ import annotations

import html
import re
from typing import Any

#: What HTML cannot hold: control characters other than tab and line feed, and lone surrogates.
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_VOID = frozenset({"meta", "br", "hr", "input", "link", "img", "path", "line", "rect", "circle", "polygon"})


class Html(str):
    """Text that is HTML already, so that it is not escaped again."""

    __slots__ = ()


def escape(thing: object) -> Html:
    """Anything as HTML text; what is `Html` stays as it is.

    >>> escape("<b>"), escape(Html("<b>")), escape("a\\x00b")
    ('&lt;b&gt;', '<b>', 'a\ufffdb')
    """
    if isinstance(thing, Html):
        return thing
    return Html(html.escape(_FORBIDDEN.sub("\ufffd", str(thing)), quote=True))


def join(*things: Any, between: str = "") -> Html:
    """Several pieces one after another; None is nothing, lists are opened."""
    return Html(escape(between).join(escape(one) for one in _flat(things)))


def el(name: str, /, *children: Any, **attributes: Any) -> Html:
    """One element. `class_` is class, other underscores become hyphens; None and False leave an attribute out.

    >>> el("td", "5 > 3", class_="n", data_tip='"', hidden=None)
    '<td class="n" data-tip="&quot;">5 &gt; 3</td>'
    """
    opening = name + "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Html(f"<{opening}>" if name in {"meta", "br", "hr", "input", "link", "img"} else f"<{opening}/>")
    return Html(f"<{opening}>{join(*children)}</{name}>")


def _attribute(key: str, value: Any) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(value)}"'


def _flat(things: Any) -> list[Any]:
    found: list[Any] = []
    for one in things:
        if isinstance(one, (list, tuple)):
            found.extend(_flat(one))
        elif one is not None:
            found.append(one)
    return found


def name_of(thing: object) -> Html:
    """An id or title that came from data: isolated, so that right-to-left text cannot reorder the page."""
    return el("bdi", thing, class_="id")
