"""What an import takes in: every row once, versions, facts, rows set aside."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from holdfast.core.errors import InputRefused, StateError, UsageError


def test_the_same_file_again_adds_nothing_also_under_another_name(desk: Any, made: Any, line: Any) -> None:
    rows = [line("ann"), line("ann"), line("bob", 1), line("bob", 2, item_id=None)]
    aside = [{"source_row": 9, "reason": "bad_date", "amount": 5, "column": "d", "value": "x"}] * 2
    items = {"items": [{"item_id": "10001", "title": "Mug"}]}
    first = desk.take(made(rows, items, aside))
    assert (first.read, first.kept, first.known, first.rejected) == (6, 4, 0, 2)
    before = desk.bytes()
    again = desk.take(made(rows, items, aside, origin="copy.csv"))
    assert (again.read, again.kept, again.known, again.rejected) == (6, 0, 6, 0)
    assert desk.bytes() == before


def test_repeats_within_a_file_are_all_kept_and_numbered(desk: Any, made: Any, line: Any) -> None:
    desk.take(made([line(), line(), line(), line("bob")]))
    found = sorted((row["event_id"].partition("-")[2], row["repeat"]) for row in desk.stored())
    assert found == [("", 0), ("", 0), ("1", 1), ("2", 2)]


def test_a_file_that_repeats_a_row_once_more_adds_that_one(desk: Any, made: Any, line: Any) -> None:
    desk.take(made([line(), line()]))
    receipt = desk.take(made([line(), line(), line(), line("bob", 1)], origin="more.csv"))
    assert (receipt.kept, receipt.known) == (2, 2)


def test_rows_that_differ_only_in_a_column_nobody_reads_are_two_rows(desk: Any, made: Any, line: Any) -> None:
    desk.take(made([line(unread="blue"), line(unread="red"), line(unread="red")]))
    assert sorted(row["repeat"] for row in desk.stored()) == [0, 0, 1]


def test_a_folder_with_overlapping_files_is_as_if_they_came_one_by_one(new_desk: Any, made: Any, line: Any) -> None:
    january, february = [line("a", 1), line("b", 2)], [line("b", 2), line("c", 3)]
    one_by_one, folder = new_desk(), new_desk()
    one_by_one.take(made(january, origin="1.csv"))
    one_by_one.take(made(february, origin="2.csv"))
    both = [{**row, "source_file": "1.csv"} for row in january] + [{**row, "source_file": "2.csv"} for row in february]
    receipt = folder.take(made(both, origin="folder"))
    assert (receipt.read, receipt.kept, receipt.known) == (4, 3, 1)
    assert {row["event_id"] for row in folder.stored()} == {row["event_id"] for row in one_by_one.stored()}


def test_an_own_id_with_changed_content_is_a_version(desk: Any, made: Any, line: Any, day: Any) -> None:
    desk.take(made([line(event_id="e1"), line("bob", event_id="e2")]), now=day(10))
    receipt = desk.take(made([line(event_id="e1", quantity=3.0), line("bob", event_id="e2")]), now=day(20))
    assert (receipt.kept, receipt.known, receipt.versions) == (1, 1, 1)
    versions = sorted((row["recorded_at"], row["quantity"]) for row in desk.stored() if row["event_id"] == "e1")
    assert versions == [(day(0), 1.0), (day(20), 3.0)]


def test_an_old_export_read_again_does_not_undo_a_newer_version(desk: Any, made: Any, line: Any, day: Any) -> None:
    desk.take(made([line(event_id="e1")]), now=day(10))
    desk.take(made([line(event_id="e1", quantity=3.0)]), now=day(20))
    again = desk.take(made([line(event_id="e1")]), now=day(30))
    assert (again.kept, again.known, again.versions) == (0, 1, 0)


def test_the_source_may_say_when_it_recorded_a_version(desk: Any, made: Any, line: Any, day: Any) -> None:
    rows = [line(event_id="e", recorded_at=day(1)), line(event_id="e", recorded_at=day(2), quantity=2.0)]
    receipt = desk.take(made(rows))
    assert (receipt.kept, receipt.versions, receipt.assumed_recorded_at) == (2, 1, False)
    later = desk.take(made([line(event_id="e", recorded_at=day(5), quantity=4.0)]))
    assert later.versions == 1
    assert max(row["recorded_at"] for row in desk.stored()) == day(5)
    assert [row["retracted_at"] for row in desk.rows()] == [day(2), day(5), None]


def test_an_id_used_twice_in_a_file_keeps_the_last_row_and_sets_the_other_aside(
    desk: Any, made: Any, line: Any
) -> None:
    receipt = desk.take(made([line(event_id="e", quantity=1.0), line(event_id="e", quantity=2.0)]))
    assert (receipt.kept, receipt.rejected, receipt.reasons) == (1, 1, {"event_id_reused": 1})
    assert [row["quantity"] for row in desk.stored()] == [2.0]
    aside = desk.stored("rejected")[0]
    assert (aside["source_row"], aside["amount"]) == (1, 10_000)
    assert '"quantity":"1.0"' in aside["raw"].replace(": ", ":")


def test_a_source_without_recording_times_gets_the_declared_delay(desk: Any, made: Any, line: Any, day: Any) -> None:
    receipt = desk.take(made([line("ann", 1)]), delay="2d")
    assert receipt.assumed_recorded_at
    assert desk.stored()[0]["recorded_at"] == day(1) + timedelta(days=2)
    assert desk.open()[1].facts["recorded_at"] == "assumed"


def test_rows_that_hold_several_events_count_once(desk: Any, made: Any, line: Any) -> None:
    class Doubled(made):
        def batches(self, progress: Any = None) -> Any:
            for batch in super().batches():
                yield type(batch)(1, batch.tables, batch.rejected)

    receipt = desk.take(Doubled([line(source_row=1), line(source_row=1, item_id="2")]))
    assert (receipt.read, receipt.kept, receipt.rows_by_table["events"]) == (1, 1, 2)


def test_catalogue_rows_keep_only_what_changed(desk: Any, made: Any, line: Any, day: Any) -> None:
    said = [("Mug", 1), ("Mug", 2), ("Cup", 3), ("Mug", 4)]
    items = [{"item_id": "1", "title": title, "valid_from": day(when)} for title, when in said]
    receipt = desk.take(made([line()], {"items": items}))
    assert receipt.rows_by_table["items"] == 3
    later = [{"item_id": "1", "title": title, "valid_from": day(when)} for title, when in [("Mug", 5), ("Pot", 6)]]
    assert desk.take(made([line(), line("bob")], {"items": later})).rows_by_table["items"] == 1
    found = desk.open()[0].tables["items"].order_by("valid_from").to_pyarrow().to_pylist()
    assert [(row["title"], row["valid_from"]) for row in found] == [
        ("Mug", day(1)), ("Cup", day(3)), ("Mug", day(4)), ("Pot", day(6)),
    ]  # fmt: skip


def test_a_catalogue_alone_is_read_kept_and_known_again(desk: Any, made: Any) -> None:
    items = {"items": [{"item_id": "1", "title": "Mug"}, {"item_id": "2", "title": "Cup"}]}
    first, again = desk.take(made([], items)), desk.take(made([], items))
    assert (first.read, first.kept, first.known) == (2, 2, 0)
    assert (again.read, again.kept, again.known) == (2, 0, 2)


def test_a_changed_catalogue_row_without_a_date_takes_the_place_of_the_old(desk: Any, made: Any, day: Any) -> None:
    desk.take(made([], {"items": [{"item_id": "1", "title": "Mug"}, {"item_id": "2", "title": "Cup"}]}), now=day(1))
    desk.take(made([], {"items": [{"item_id": "1", "title": "Beaker"}]}), now=day(2))
    titles = {row["item_id"]: row["title"] for row in desk.open()[0].tables["items"].to_pyarrow().to_pylist()}
    assert titles == {"1": "Beaker", "2": "Cup"}


def test_an_import_without_a_row_is_refused_and_changes_nothing(desk: Any, made: Any, line: Any) -> None:
    desk.take(made([line()]))
    before = desk.bytes()
    with pytest.raises(InputRefused, match="not one data row"):
        desk.take(made([]))
    assert desk.bytes() == before


def test_a_source_that_fails_half_way_changes_nothing(desk: Any, made: Any, line: Any) -> None:
    class Broken(made):
        def batches(self, progress: Any = None) -> Any:
            yield from super().batches()
            raise InputRefused("cut in half", where="orders.csv.gz")

    desk.take(made([line()]))
    before = desk.bytes()
    with pytest.raises(InputRefused, match="cut in half"):
        desk.take(Broken([line("bob")]))
    assert desk.bytes() == before


def test_two_imports_at_once_are_refused(desk: Any, made: Any, line: Any) -> None:
    with desk.lake.writing(), pytest.raises(StateError, match="another holdfast process"):
        desk.take(made([line()]))
    assert desk.take(made([line()])).kept == 1


def test_a_naive_import_time_is_refused(desk: Any, made: Any, line: Any, day: Any) -> None:
    with pytest.raises(UsageError, match="time zone"):
        desk.take(made([line()]), now=day(0).replace(tzinfo=None))
