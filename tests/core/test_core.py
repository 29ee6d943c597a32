"""The language: durations, cutoffs, tables that refuse what cannot be."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from holdfast.core.clock import Cutoff, Gap, Horizon, Window
from holdfast.core.errors import HoldfastError, LeakError, UsageError
from holdfast.core.money import to_money
from holdfast.core.registry import Registry
from holdfast.core.schema import CANONICAL, EVENTS, RELEASE_TABLES
from holdfast.core.tables import FeatureColumn, FeatureTable, Fold, Key, Predictions
from holdfast.core.terms import TERMS
from holdfast.core.text import Text

C = Cutoff.parse("2024-03-01")


@pytest.mark.parametrize("bad", ["30", "", "d30", "-3d", "30 days", "0d"])
def test_a_horizon_has_a_unit_and_is_positive(bad: str) -> None:
    with pytest.raises(UsageError):
        Horizon.parse(bad)


def test_a_gap_may_be_nothing_but_a_window_may_not() -> None:
    assert Gap.parse("0d").days == 0
    with pytest.raises(UsageError):
        Window(timedelta(0))


def test_bare_numbers_and_naive_datetimes_are_refused() -> None:
    with pytest.raises(UsageError, match="timedelta"):
        Horizon(30)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="time zone"):
        Cutoff(datetime(2024, 1, 1))  # noqa: DTZ001


def test_a_bare_date_is_local_midnight_also_on_the_day_the_clock_changes() -> None:
    assert str(Cutoff.parse("2011-03-27", "Europe/London")) == "2011-03-27T00:00:00Z"
    assert str(Cutoff.parse("2011-03-28", "Europe/London")) == "2011-03-27T23:00:00Z"


def test_a_fold_refuses_labels_that_are_still_open() -> None:
    closes = Horizon.parse("30d").micros
    Fold((C.minus(Horizon.parse("30d")),), (), C, closes)
    with pytest.raises(LeakError, match="not closed"):
        Fold((C.minus(Horizon.parse("29d")),), (), C, closes)


def test_tables_speak_the_arrow_interface() -> None:
    column = FeatureColumn("x", "orders", "", "none", "f", Text("{value}", "{value}"))
    table = FeatureTable(Key.of(["a", "b"], C), (column,), np.array([[1], [np.nan]], np.float32))
    arrow = pa.table(table)
    assert arrow.column_names == ["customer_id", "cutoff", "x"]
    assert arrow["x"].null_count == 1
    assert table.to_pandas().shape == (2, 3)


def test_a_feature_table_names_the_nearest_column() -> None:
    column = FeatureColumn("order_count", "orders", "", "none", "f", Text("", ""))
    table = FeatureTable(Key.of(["a"], C), (column,), np.ones((1, 1), np.float32))
    with pytest.raises(UsageError, match="did you mean 'order_count'"):
        table.column("order_counts")


def test_predictions_are_probabilities() -> None:
    with pytest.raises(UsageError, match=r"probabilities in \[0, 1\]"):
        Predictions(Key.of(["a"], C), Horizon.parse("30d"), "m", np.array([1.2]))
    with pytest.raises(UsageError):
        Predictions(Key.of(["a"], C), Horizon.parse("30d"), "m", np.array([np.nan]))


def test_conform_fills_casts_and_orders() -> None:
    table = EVENTS.conform(pa.table({"quantity": pa.array([1], pa.int32()), "event_id": ["e"]}))
    assert table.column_names == list(EVENTS.names)
    assert table["quantity"].type == pa.float64()
    assert table["text"].null_count == 1


def test_every_column_says_what_it_means() -> None:
    for table in (*CANONICAL.values(), *RELEASE_TABLES.values()):
        assert table.key or table.name in ("rejected",), table.name
        for column in table.columns:
            assert column.meaning.endswith((".", "]", "5", "0.5.")), f"{table.name}.{column.name}: {column.meaning}"
            assert column.null


def test_words_are_distinct_and_in_both_languages() -> None:
    assert len({term.name for term in TERMS}) == len(TERMS)
    assert all(term.meaning.en and term.meaning.zh for term in TERMS)


def test_money_is_exact() -> None:
    assert to_money("0.1") + to_money("0.2") == to_money("0.3")


def test_a_registry_refuses_two_things_of_one_name() -> None:
    registry: Registry[int] = Registry("thing")
    registry.add("a", 1)
    with pytest.raises(UsageError, match="two things"):
        registry.add("a", 2)


def test_an_error_says_what_where_and_remedy() -> None:
    error = HoldfastError("it broke", where="x.csv, row 3", remedy="mend it")
    assert str(error) == "it broke (x.csv, row 3). To fix it: mend it"
    assert error.as_dict()["exit_code"] == 1
