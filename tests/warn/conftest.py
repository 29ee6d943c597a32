"""The command line called in this process."""

from __future__ import annotations

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
