"""Fenced code blocks of a Markdown page: shell blocks run by a shell, Python blocks in one process, in page order."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
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


def environment(folder: Path) -> dict[str, str]:
    """A shell in which `holdfast` is this checkout, whatever is installed, and `python` is this Python."""
    programs = folder / ".programs"
    programs.mkdir(exist_ok=True)
    for name, call in (("holdfast", "-m holdfast"), ("python", "")):
        script = programs / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {call} "$@"\n')
        script.chmod(0o755)
    paths = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT / "src")}
    return {**os.environ, **paths, "OMP_NUM_THREADS": "2"}


def run_shell(block: Block, page: str, folder: Path) -> None:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.code],
        cwd=folder, env=environment(folder), capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (
        f"{page}, line {block.line}:\n{block.code}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    )


def run_python(block: Block, page: str, names: dict[str, Any]) -> None:
    # Numbered as on the page, so that a traceback points at the line to mend.
    code = compile("\n" * block.line + block.code, page, "exec", dont_inherit=True)
    exec(code, names)  # noqa: S102 - the page's own example


def run_page(page: str, folder: Path) -> None:
    """Every block of a page that may be run, from an empty folder that is also the working folder."""
    names: dict[str, Any] = {"__name__": "__page__"}
    found = blocks(ROOT / page)
    assert any(block.language == "sh" for block in found)
    for block in found:
        if block.language == "sh" and not block.why_not:
            run_shell(block, page, folder)
        elif block.language == "python" and not block.why_not:
            run_python(block, page, names)
