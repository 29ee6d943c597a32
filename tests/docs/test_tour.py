"""What the tour shows is run."""

from __future__ import annotations

from pathlib import Path

import pytest
from blocks import run_page


def test_every_block_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_page("docs/tour.md", tmp_path)
