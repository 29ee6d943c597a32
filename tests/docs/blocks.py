"""Fenced code blocks of a Markdown page, in order, and which of them must not be run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"(?:<!-- not run: (?P<why>[^>]+) -->\n)?```(?P<language>\w+)\n(?P<code>.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One block: `sh` or `python`; `why_not` says why it is not run."""

    language: str
    code: str
    line: int
    why_not: str = ""


def blocks(page: Path) -> list[Block]:
    """Every fenced block of a page that names its language."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(found["language"], found["code"], text[: found.start("code")].count("\n") + 1, found["why"] or "")
        for found in _BLOCK.finditer(text)
    ]
