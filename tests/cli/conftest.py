"""The command line called in this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from said import Holdfast, Said


@pytest.fixture
def holdfast(capsys: pytest.CaptureFixture[str]) -> Holdfast:
    """Run `holdfast ARGS...` and give back what it said."""
    from holdfast.cli.run import run

    def call(*args: object) -> Said:
        capsys.readouterr()
        code = run([str(arg) for arg in args])
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return call


@pytest.fixture
def shop(tmp_path: Path, holdfast: Holdfast) -> Path:
    """An empty shop in UTC and EUR."""
    folder = tmp_path / "shop"
    assert holdfast("init", folder).code == 0
    return folder
