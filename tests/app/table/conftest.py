"""These tests import their neighbour `classroom`."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from classroom import Write, save


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write rows as a table file; gives its path."""
    return functools.partial(save, tmp_path)
