"""A state database of its own for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.engine.state.database import StateDb


@pytest.fixture
def db(tmp_path: Path) -> StateDb:
    return StateDb(tmp_path / "state.db")
