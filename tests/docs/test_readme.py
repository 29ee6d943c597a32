"""What the README shows is run, and both languages show the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from blocks import ROOT, blocks, run_page


def test_every_block_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_page("README.md", tmp_path)


def test_both_languages_show_the_same_blocks() -> None:
    english, chinese = (blocks(ROOT / name) for name in ("README.md", "README.zh-CN.md"))
    assert [(b.language, b.code) for b in english] == [(b.language, b.code) for b in chinese]
