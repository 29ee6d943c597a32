"""One engine for all encoder tests, and a skip that says why where the extra `deep` is not installed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.conftest import missing

from holdfast.encoder.backend import available
from holdfast.engine.duck import Engine


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    with Engine(threads=1) as one:
        yield one


@pytest.fixture
def deep() -> None:
    """A test that asks for it needs torch and safetensors."""
    if not available():
        missing("torch or safetensors is not installed: pip install 'holdfast[deep]'")
