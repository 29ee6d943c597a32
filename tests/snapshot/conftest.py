"""One engine for all snapshot tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from holdfast.engine.duck import Engine


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    with Engine(threads=1) as one:
        yield one
