"""Cells of lists that people open in a spreadsheet: none may run as a formula."""

from __future__ import annotations

from typing import Any

#: A cell that starts with one of these is a formula to some spreadsheet; the full-width signs are to some in Chinese.
FORMULA: tuple[str, ...] = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def safe(cell: Any) -> Any:
    """A cell that no spreadsheet runs: text that looks like a formula gets a leading apostrophe.

    >>> safe("=HYPERLINK(...)"), safe(-3.5)
    ("'=HYPERLINK(...)", -3.5)
    """
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
