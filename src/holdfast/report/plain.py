"""Text for a terminal: columns that line up in any script, paragraphs that wrap."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

WIDTH = 96


def width(text: str) -> int:
    """Columns that a terminal needs: two for a Chinese character or an emoji, none for a combining mark.

    >>> width("ab"), width("客户"), width("e\\u0301")
    (2, 4, 1)
    """
    return sum(_cell(c) for c in text)


def _cell(c: str) -> int:
    if unicodedata.combining(c) or unicodedata.category(c) in ("Cf", "Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(c) in "WF" else 1


def pad(text: str, columns: int, *, right: bool = False) -> str:
    """`text` filled with spaces to `columns`, flush right if asked."""
    space = " " * max(0, columns - width(text))
    return space + text if right else text + space


def wrap(text: str, *, indent: str = "", first: str | None = None, columns: int = WIDTH) -> list[str]:
    """Break a paragraph at spaces, or after any wide character.

    >>> wrap("one two three", columns=8)
    ['one two', 'three']
    """
    lines, line = [], indent if first is None else first
    empty = True
    for piece in _pieces(text):
        if not empty and width(line) + width(piece.rstrip()) > columns:
            lines.append(line.rstrip())
            line, piece = indent, piece.lstrip()
        line += piece
        empty = False
    return [*lines, line.rstrip()]


def _pieces(text: str) -> list[str]:
    """Words with the space after them; every wide character by itself, closing punctuation kept with it."""
    pieces: list[str] = []
    for c in text:
        wide = _cell(c) == 2
        joins = bool(pieces) and not pieces[-1].endswith(" ")
        follows = joins and (c in "，。；：、！？）”%" or (not wide and _cell(pieces[-1][-1]) != 2))
        if pieces and (follows or c == " "):
            pieces[-1] += c
        else:
            pieces.append(c)
    return pieces


def columns(rows: Sequence[Sequence[Any]], *, right: Sequence[int] = (), indent: str = "  ") -> list[str]:
    """Rows as aligned columns; `right` names the columns that hold figures.

    >>> columns([("a", "1"), ("bc", "22")], right=[1])
    ['  a    1', '  bc  22']
    """
    cells = [[str(cell) for cell in row] for row in rows]
    if not cells:
        return []
    widths = [max(width(row[i]) for row in cells) for i in range(len(cells[0]))]
    return [
        (indent + "  ".join(pad(cell, widths[i], right=i in right) for i, cell in enumerate(row))).rstrip()
        for row in cells
    ]


def heading(text: str) -> list[str]:
    """A heading with air above it."""
    return ["", text, "─" * min(width(text), WIDTH)]
