"""Rows set aside join the log once the settings let them be read, and every row is counted once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from holdfast.log.replay import replay
from holdfast.log.sources.open import open_source
from holdfast.log.sources.settings import MappingSettings

COLUMNS = {"customer_id": "who", "occurred_at": "at", "event_type": "what", "item_id": "sku", "unit_price": "price"}
TEXT = """who,at,what,sku,price,shade
ann,2024-01-02 10:00:00,sold,1,2.50,red
bob,2024-01-03 10:00:00,swapped,2,3.50,blue
bob,2024-01-03 10:00:00,swapped,2,3.50,blue
eve,2024-01-04 10:00:00,sold,3,4.50,red
cat,not a date,sold,3,4.50,red
"""


def settings(**types: str) -> MappingSettings:
    return MappingSettings(columns=COLUMNS, event_types={"sold": "purchase", **types})


def opened(path: Path, **types: str) -> Any:
    return open_source(path, mapping=settings(**types), zone="UTC", currency="EUR")


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    path = tmp_path / "orders.csv"
    path.write_text(TEXT)
    return path


def test_a_changed_mapping_lets_rows_in(desk: Any, orders: Path, day: Any) -> None:
    first = desk.take(opened(orders))
    assert (first.read, first.kept, first.rejected) == (5, 2, 3)
    result = replay(
        desk.engine, desk.lake, mapping=settings(swapped="purchase"), zone="UTC", currency="EUR", now=day(99)
    )
    assert (result.tried, result.accepted, result.still_rejected) == (3, 2, 1)
    assert {row["source_row"] for row in desk.stored()} == {1, 2, 3, 4}
    assert [row["source_row"] for row in desk.stored("rejected")] == [5]
    quality = desk.open()[1]
    assert quality.reconciles
    assert quality.steps[0].rows == 5
    assert quality.facts["spend"] == 10.5


def test_a_replay_gives_the_rows_that_an_import_would_have_given(
    desk: Any, new_desk: Any, orders: Path, day: Any
) -> None:
    desk.take(opened(orders))
    replay(desk.engine, desk.lake, mapping=settings(swapped="purchase"), zone="UTC", currency="EUR", now=day(99))
    other = new_desk()
    other.take(opened(orders, swapped="purchase"))
    assert desk.rows() == other.rows()
    again = desk.take(opened(orders, swapped="purchase"))
    assert (again.kept, again.rejected, again.known) == (0, 0, 5)


def test_a_replay_that_helps_nothing_changes_nothing(desk: Any, orders: Path, day: Any) -> None:
    desk.take(opened(orders))
    before = desk.bytes()
    result = replay(desk.engine, desk.lake, mapping=settings(), zone="UTC", currency="EUR", now=day(99))
    assert (result.tried, result.accepted, result.still_rejected) == (3, 0, 3)
    assert desk.bytes() == before
