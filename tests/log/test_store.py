"""The lake: what is published is whole, what is not is swept, what is damaged is named."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.core.errors import StateError
from holdfast.log.store import Manifest
from holdfast.log.tables import LAKE_TABLES


def test_an_empty_lake_has_every_table_typed_and_empty(desk: Any) -> None:
    for name, table in LAKE_TABLES.items():
        found = desk.engine.arrow(desk.lake.table(desk.engine, name))
        assert found.num_rows == 0
        assert found.column_names == list(table.names)


def test_an_empty_lake_opens_as_an_empty_log(desk: Any) -> None:
    log, quality = desk.open()
    assert desk.engine.scalar(log.events.count()) == 0
    assert quality.reconciles
    assert log.first_event_at is None


def test_identical_imports_write_identical_bytes(new_desk: Any, made: Any, line: Any) -> None:
    rows = [line(f"c{n % 7}", n % 11, quantity=float(n % 3 + 1)) for n in range(500)]
    desks = [new_desk(), new_desk()]
    for desk, batch in zip(desks, (1000, 17), strict=True):
        desk.take(made(rows, batch=batch))
    assert desks[0].bytes() == desks[1].bytes()


def test_what_no_manifest_names_is_swept_by_the_next_writer(desk: Any, made: Any, line: Any) -> None:
    desk.take(made([line()]))
    orphan = desk.lake.folder / "events" / "000009-000.parquet"
    orphan.write_bytes(b"left over")
    (desk.lake.folder / "staging").mkdir()
    (desk.lake.folder / "staging" / "events.parquet").write_bytes(b"left over")
    desk.take(made([line("bob")]))
    assert not orphan.exists()
    assert not (desk.lake.folder / "staging").exists()
    assert desk.lake.verify() == 2


def test_a_damaged_segment_is_named(desk: Any, made: Any, line: Any) -> None:
    desk.take(made([line()]))
    segment = desk.lake.segments("events")[0]
    segment.write_bytes(segment.read_bytes()[:-1] + b"x")
    with pytest.raises(StateError, match=r"events/000001-000.parquet is damaged"):
        desk.lake.verify()
    segment.unlink()
    with pytest.raises(StateError, match="missing"):
        desk.lake.verify()


def test_a_damaged_manifest_is_refused_not_overwritten(desk: Any, made: Any, line: Any) -> None:
    desk.take(made([line()]))
    manifest = desk.lake.folder / "manifest.json"
    manifest.write_text("{half")
    with pytest.raises(StateError, match="manifest cannot be read"):
        desk.take(made([line("bob")]))
    assert manifest.read_text() == "{half"


def test_a_manifest_survives_its_json() -> None:
    empty = Manifest()
    assert Manifest.from_json(empty.to_json()) == empty


def test_the_fingerprint_changes_with_any_row(desk: Any, made: Any, line: Any) -> None:
    seen = {desk.lake.fingerprint}
    for name in ("ann", "bob"):
        desk.take(made([line(name)]))
        seen.add(desk.lake.fingerprint)
    assert len(seen) == 3


def test_a_disk_that_refuses_is_an_os_error_and_leaves_the_old_state(desk: Any, made: Any, line: Any) -> None:
    desk.take(made([line()]))
    before = desk.lake.manifest
    (desk.lake.folder / "items").write_text("a file where a folder should be")
    with pytest.raises(OSError, match="items"):
        desk.take(made([line("bob")], {"items": [{"item_id": "2", "title": "Cup"}]}))
    assert desk.lake.manifest == before
    assert len(desk.lake.segments("events")) == 1
    assert len(list((desk.lake.folder / "events").iterdir())) == 1
