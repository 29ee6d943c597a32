"""What cannot be answered is refused with what, where and how to fix it; nothing is left behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from classroom import Row, Write, students, study

from holdfast.core.errors import HoldfastError, InputRefused, TooLittleData, UsageError


def changed(**cells: Any) -> list[Row]:
    return [{**row, **cells} for row in students(120)]


def test_a_column_that_is_not_there_names_the_nearest(write: Write) -> None:
    with pytest.raises(UsageError, match="no column 'droped_out'") as error:
        study(write(students(60)), label="droped_out")
    assert "did you mean 'dropped_out'" in str(error.value)


def test_without_a_label_the_columns_are_listed(write: Write) -> None:
    with pytest.raises(UsageError, match="which column is the label") as error:
        study(write(students(60)), label=None)
    assert "dropped_out" in str(error.value)


def test_one_class_only(write: Write) -> None:
    with pytest.raises(TooLittleData, match="in every row"):
        study(write(changed(dropped_out="no")))


def test_too_few_of_a_class(write: Write) -> None:
    rows = changed(dropped_out="no")
    for row in rows[:5]:
        row["dropped_out"] = "yes"
    with pytest.raises(TooLittleData, match="5 are positive"):
        study(write(rows))


def test_too_few_rows(write: Write) -> None:
    with pytest.raises(TooLittleData, match="40 labelled rows are too few"):
        study(write(students(40)))


def test_a_label_with_too_many_values(write: Write) -> None:
    with pytest.raises(InputRefused, match="different values"):
        study(write(students(60)), label="lottery")


def test_a_label_of_several_values_asks_which(write: Write) -> None:
    with pytest.raises(UsageError, match="3 values: arts, law, maths") as error:
        study(write(students(60)), label="course")
    assert "--positive" in str(error.value)
    with pytest.raises(UsageError, match="no row is labelled 'lwa'"):
        study(write(students(60)), label="course", positive="lwa")


def test_a_label_empty_everywhere(write: Write) -> None:
    with pytest.raises(InputRefused, match="empty in every row"):
        study(write(changed(dropped_out="")))


def test_ids_that_repeat_or_lack(write: Write) -> None:
    rows = students(60)
    rows[3]["student"] = rows[4]["student"]
    with pytest.raises(InputRefused, match="repeat the id of another row, such as 's0004'"):
        study(write(rows))
    rows[3]["student"] = ""
    with pytest.raises(InputRefused, match="1 rows have no id"):
        study(write(rows))


def test_no_column_left(write: Write) -> None:
    rows = [{"student": row["student"], "same": 1, "dropped_out": row["dropped_out"]} for row in students(60)]
    with pytest.raises(InputRefused, match="no column is left"):
        study(write(rows))


def test_times_that_cannot_be_read(write: Write) -> None:
    rows = students(60)
    for row in rows:
        row["when"] = "2024-01-01"
    rows[5]["when"] = "soon"
    with pytest.raises(InputRefused, match="no readable time, such as 'soon'"):
        study(write(rows), time="when")
    rows[5]["when"] = "2024-01-01"
    with pytest.raises(TooLittleData, match="no time splits"):
        study(write(rows), time="when")


def test_the_label_cannot_be_dropped_or_protected(write: Write) -> None:
    for options in ({"drop": ("dropped_out",)}, {"protected": ("dropped_out",)}):
        with pytest.raises(UsageError, match="is the label"):
            study(write(students(60)), **options)


def test_missing_everywhere_constant_and_huge_are_stated_and_never_nan(write: Write) -> None:
    rows = students(120)
    for at, row in enumerate(rows):
        row |= {"empty": "", "same": "x", "huge": "1e300" if at % 2 else "3", "gaps": "" if at % 10 else "1"}
    found = study(write(rows))
    assert {one.name: one.useless for one in found.table.left_out} == {"empty": "empty", "same": "constant"}
    assert np.isfinite(found.p).all()
    assert next(one for one in found.table.features if one.name == "huge").notes


@pytest.mark.parametrize("data", [b"", b"\x00\x01\x02\x03" * 50, b"a,b\n"])
def test_files_that_are_no_table(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(data)
    with pytest.raises(HoldfastError):
        study(path)


def test_a_row_cut_short_is_counted(write: Write) -> None:
    path = write(students(80))
    path.write_bytes(path.read_bytes() + b"s9999,m\n")
    assert study(path).table.cut == 1


def test_json_can_hold_every_answer(write: Write, tmp_path: Path) -> None:
    from holdfast.app.table.ask import TableAsk
    from holdfast.app.table.publish import publish

    path = write(students(120))
    found = study(path)
    facts = publish(tmp_path / "o", found, TableAsk(path, label="dropped_out", id="student"))
    json.dumps(json.loads((tmp_path / "o" / "table.json").read_text()), allow_nan=False)
    assert facts["rows"] == 120
