"""Audience files: whole or absent, the same batch the same file, and no cell that a spreadsheet runs."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.app.lists import safe as listed
from holdfast.core.cells import safe
from holdfast.core.contact import Message
from holdfast.core.errors import UsageError
from holdfast.deliver.audience import AUDIENCE, AudienceFiles, export

NOW = datetime(2024, 5, 1, 9, tzinfo=UTC)
LETTERS = [
    Message("d1", "c1", "phone", "call", address="+49 30 1", subject='=cmd|" /C calc"!A0', data={"b": 1, "a": "茶"}, due_at=NOW),
    Message("d2", "＝c2", "phone", "call", text="zwei\nZeilen, mit Komma"),
]  # fmt: skip


def test_a_csv_that_opens_in_a_spreadsheet_and_runs_nothing(tmp_path: Path) -> None:
    channel = AudienceFiles("phone", str(tmp_path / "calls"))
    assert [one.state for one in channel.send(LETTERS)] == ["sent", "sent"]
    (path,) = (tmp_path / "calls").iterdir()
    raw = path.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbfdecision_id,")
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
    assert rows[0]["subject"] == """'=cmd|" /C calc"!A0"""
    assert rows[0]["address"] == "'+49 30 1"
    assert rows[0]["data"] == '{"a": "茶", "b": 1}'
    assert rows[0]["due_at"] == "2024-05-01T09:00:00Z"
    assert rows[1]["customer_id"] == "'＝c2"
    assert rows[1]["text"] == "zwei\nZeilen, mit Komma"


def test_the_same_batch_again_is_the_same_file(tmp_path: Path) -> None:
    channel = AudienceFiles("phone", str(tmp_path), "parquet")
    channel.send(LETTERS)
    channel.send(LETTERS[::-1])
    channel.send(LETTERS[:1])
    assert len(list(tmp_path.iterdir())) == 2
    assert sum(pq.read_table(one).num_rows for one in tmp_path.iterdir()) == 3


def test_parquet_holds_what_was_decided_untouched(tmp_path: Path) -> None:
    AudienceFiles("phone", str(tmp_path), "parquet").send(LETTERS)
    (path,) = tmp_path.iterdir()
    table = pq.read_table(path)
    assert table.schema.equals(AUDIENCE)
    assert table["subject"].to_pylist()[0] == LETTERS[0].subject


def test_a_disk_that_refuses_is_a_reason_to_try_again(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    found = AudienceFiles("phone", str(tmp_path / "file")).send(LETTERS)
    assert [one.state for one in found] == ["later", "later"]


def test_any_table_can_be_exported(tmp_path: Path) -> None:
    arms = pa.array([[{"treatment_id": "mail", "propensity": 0.5}], None])
    path = export(tmp_path / "a.csv", pa.table({"=x": ["a", None], "arm_propensities": arms, "n": [1, -2], "at": pa.array([NOW, None])}))  # fmt: skip
    rows = list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))
    assert rows == [
        ["'=x", "arm_propensities", "n", "at"],
        ["a", '[{"treatment_id": "mail", "propensity": 0.5}]', "1", "2024-05-01T09:00:00Z"],
        ["", "", "-2", ""],
    ]
    with pytest.raises(UsageError, match="no such format"):
        export(tmp_path / "a.xlsx", pa.table({"x": [1]}))


@given(st.text(max_size=20))
def test_no_cell_starts_as_a_formula_and_nothing_else_is_changed(text: str) -> None:
    found = safe(text)
    assert found is listed(text) or found == listed(text)
    assert not found.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))
    assert found.removeprefix("'") == text.removeprefix("'") or found == text
