"""Columns are understood by what they hold; what can teach nothing is left out with a reason."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.app.table.ask import column_named, columns_named
from holdfast.app.table.columns import understand
from holdfast.app.table.encode import Encoder
from holdfast.app.table.look import groups_of
from holdfast.core.errors import UsageError


def test_numbers_dates_and_categories_are_told_apart() -> None:
    numbers = understand("n", pa.array(["1", "2.5", "?", "", "1.200"] * 20))
    assert numbers.kind == "number"
    assert int(numbers.missing.sum()) == 40
    assert understand("share", pa.array(["10%", "12.5%", "7%"])).numbers.tolist() == [10.0, 12.5, 7.0]
    dates = understand("d", pa.array(["2024-01-01", "2024-01-31", None]))
    assert dates.kind == "date"
    assert [dates.cell(0), dates.cell(1), dates.cell(2)] == ["2024-01-01", "2024-01-31", None]
    assert dates.numbers[1] - dates.numbers[0] == 30.0
    plan = understand("plan", pa.array(["pro", "free", "pro", "n/a"]))
    assert (plan.kind, plan.levels, plan.codes.tolist()) == ("category", ("free", "pro"), [1, 0, 1, -1])
    assert understand("paid", pa.array([True, False, None])).levels == ("false", "true")


def test_codes_stay_codes_where_that_is_said() -> None:
    cells = pa.array([9254, 171, 171])
    assert understand("course", cells).kind == "number"
    assert understand("course", cells, kind="category").levels == ("171", "9254")


def test_what_teaches_nothing_says_why() -> None:
    rows = 60
    assert understand("k", pa.array(["x"] * rows)).useless == "constant"
    assert understand("k", pa.array([None] * rows, pa.string())).useless == "empty"
    assert understand("k", pa.array([f"u{i}" for i in range(rows)])).useless == "id_like"
    assert understand("row", pa.array(range(rows))).useless == "id_like"
    assert understand("amount", pa.array(np.random.default_rng(1).random(rows))).useless == ""
    assert understand("half", pa.array(["x", None] * 30)).useless == "", "one value with gaps: the gaps may speak"


def test_strays_and_huge_values_are_missing_and_said() -> None:
    found = understand("amount", pa.array(["1", "2", "3", "4", "5", "6", "7", "8", "9", "many", "11", "12"]))
    assert found.kind == "number"
    assert "'many'" in found.notes[0].en
    huge = understand("amount", pa.array([1.0, 2.0, np.inf, 1e15]))
    assert huge.missing.tolist() == [False, False, True, True]
    assert "2 cells beyond" in huge.notes[0].en


def test_levels_are_learnt_from_training_rows_alone() -> None:
    plan = understand("plan", pa.array(["a"] * 30 + ["b"] * 30 + ["c"] * 30 + ["new"] * 30))
    rows = np.arange(90)
    encoder = Encoder.learn((plan,), rows)
    assert encoder.levels["plan"] == ("a", "b", "c")
    tested = encoder.apply((plan,), [str(i) for i in range(120)], np.arange(90, 120))
    assert not tested.values.any(), "a level never seen stands in no column"
    assert Encoder.from_dict(encoder.as_dict()) == encoder


def test_rare_levels_do_not_become_columns_and_missing_does() -> None:
    cells = ["a"] * 400 + ["b"] * 300 + [f"r{i}" for i in range(20)] + [None] * 80
    column = understand("city", pa.array(cells))
    encoder = Encoder.learn((column,), np.arange(len(cells)))
    assert encoder.levels["city"] == ("a", "b")
    names = encoder.apply((column,), [str(i) for i in range(800)], np.arange(800)).names
    assert names == ("city = a", "city = b", "city = (missing)", "city: share of rows")


def test_columns_are_found_whatever_their_case_and_by_their_start() -> None:
    names = ["CustomerID", "Default Next Month", "BILL_AMT1", "BILL_AMT2"]
    assert column_named("default.next.month", names, "--label") == "Default Next Month"
    assert columns_named(["bill_*"], names, "--drop") == ("BILL_AMT1", "BILL_AMT2")
    with pytest.raises(UsageError, match="no column 'CustomerIDs'") as error:
        column_named("CustomerIDs", names, "--id")
    assert "did you mean 'CustomerID'" in str(error.value)
    with pytest.raises(UsageError, match="no column starts with"):
        columns_named(["pay_*"], names, "--drop")


def test_groups_of_a_number_are_values_quarters_or_the_least_against_the_rest() -> None:
    few = understand("n", pa.array([1, 2, 2, 3] * 10))
    many = understand("n", pa.array([float(i) for i in range(100)] + [None] * 3))
    skewed = understand("n", pa.array([1] * 90 + list(range(2, 12))))
    names = [[name for name, _ in groups_of(one, np.arange(len(one.numbers)))] for one in (few, many, skewed)]
    assert names == [["1", "2", "3"], ["0 – 24", "25 – 49", "50 – 74", "75 – 99", ""], ["1", "2 – 11"]]


@given(
    st.lists(
        st.one_of(st.none(), st.text(max_size=12), st.floats().map(str), st.dates().map(str)), min_size=1, max_size=80
    )
)
@settings(max_examples=60, deadline=None)
def test_no_column_of_text_is_too_strange(cells: list[str | None]) -> None:
    column = understand("x", pa.array(cells, pa.string()))
    assert len(column.numbers) == len(column.codes) == len(cells)
    assert not np.isinf(column.numbers).any()
    assert column.kind != "category" or column.codes.max() < len(column.levels)
    rows = np.arange(len(cells))
    values = Encoder.learn((column,), rows).apply((column,), [str(at) for at in rows], rows).values
    assert not np.isinf(values).any()
    for row in rows:
        assert (column.cell(int(row)) is None) == bool(column.missing[row])
