"""Where the real data lies, and what a test does without it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def require_all() -> bool:
    """CI sets this where servers and data exist: then what would skip fails instead."""
    return os.environ.get("HOLDFAST_REQUIRE_ALL") == "1"


def data_folder() -> Path | None:
    """The folder of real data sets, or None."""
    folder = Path(os.environ.get("HOLDFAST_DATA", ROOT.parent / "shared" / "data"))
    return folder if folder.is_dir() else None


def missing(what: str) -> None:
    """Skip, saying why; fail where everything is required."""
    if require_all():
        pytest.fail(f"{what}, and HOLDFAST_REQUIRE_ALL=1")
    pytest.skip(what)


@pytest.fixture
def real_data() -> Path:
    """The folder of real data sets; a test that asks for it is skipped where it is absent."""
    folder = data_folder()
    if folder is None:
        missing("the real data sets are not there; set HOLDFAST_DATA to their folder")
        raise AssertionError
    return folder
