"""What the pages show is run: shell blocks by a shell, Python blocks in one process, in the order of the page."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from blocks import Block, blocks

ROOT = Path(__file__).resolve().parents[2]
#: Pages whose blocks build on one another from an empty folder.
PAGES = ("README.md", "docs/tour.md")


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


@pytest.mark.parametrize("page", PAGES)
def test_every_block_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__page__"}
    found = blocks(ROOT / page)
    assert any(block.language == "sh" for block in found)
    for block in found:
        if block.why_not:
            continue
        if block.language == "sh":
            run_shell(block, page, tmp_path)
        elif block.language == "python":
            run_python(block, page, names)


def test_both_languages_show_the_same_blocks() -> None:
    english, chinese = (blocks(ROOT / name) for name in ("README.md", "README.zh-CN.md"))
    assert [(b.language, b.code) for b in english] == [(b.language, b.code) for b in chinese]
