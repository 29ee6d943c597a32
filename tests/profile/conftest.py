"""One engine, and one small synthetic shop whose truth is known, for the profile tests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from holdfast.engine.duck import Engine
from holdfast.log.history import open_log
from holdfast.log.intake import take_in
from holdfast.log.sources.open import open_source
from holdfast.log.store import Lake
from holdfast.snapshot.ledger import Ledger
from holdfast.synth.raw import write_raw
from holdfast.synth.world import Made, World, make


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    with Engine(threads=1) as one:
        yield one


@pytest.fixture(scope="session")
def shop(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> tuple[Made, Ledger]:
    """600 customers over 400 days who respond to promotions, imported, cleaned and folded."""
    made, folder = make(World(customers=600, days=400, promotion=2.5)), tmp_path_factory.mktemp("shop")
    lake = Lake(folder / "lake")
    for path in write_raw(made, folder / "raw", form="parquet"):
        source = open_source(path, preset="holdfast", zone=made.world.zone, currency="EUR")
        take_in(engine, lake, source, zone=made.world.zone, currency="EUR", now=datetime(2026, 1, 1, tzinfo=UTC))
    log, _ = open_log(engine, lake, zone=made.world.zone, currency="EUR")
    return made, Ledger.open(engine, log)
