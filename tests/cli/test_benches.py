"""The bench command lists, runs one, runs all, and goes on where a data set is absent."""

from __future__ import annotations

import json

import pytest

from holdfast.bench.registry import BENCHES
from holdfast.core.errors import InputRefused
from holdfast.core.results import Score
from said import Holdfast


@pytest.fixture
def two_benches(monkeypatch: pytest.MonkeyPatch) -> None:
    """One bench that answers and one whose data is absent, in place of the long ones."""

    def quick(**_: object) -> list[Score]:
        """A quick one."""
        return [Score("quick", "none", "protocol", "model", "auc", 0.75, 0.7, 0.8, n=10)]

    def absent(**_: object) -> list[Score]:
        """One without data."""
        raise InputRefused("the file is not there", where="nowhere", remedy="set HOLDFAST_DATA")

    BENCHES.load()
    monkeypatch.setattr(BENCHES, "_things", {"quick": quick, "absent": absent})


@pytest.mark.usefixtures("two_benches")
def test_benches_are_listed_with_what_they_measure(holdfast: Holdfast) -> None:
    assert json.loads(holdfast("bench", "--json").out) == {"absent": "One without data.", "quick": "A quick one."}


@pytest.mark.usefixtures("two_benches")
def test_one_bench_gives_rows_for_people_and_programs(holdfast: Holdfast) -> None:
    rows = json.loads(holdfast("bench", "quick", "--json").out)
    assert set(rows[0]) == {
        "bench", "data", "protocol", "model", "metric", "value", "low", "high", "n", "seconds", "peak_mb",
    }  # fmt: skip
    assert "[0.7000, 0.8000]" in holdfast("bench", "quick").out
    assert holdfast("bench", "absent").code == 3
    assert holdfast("bench", "quikc").code == 2


@pytest.mark.usefixtures("two_benches")
def test_all_of_them_go_on_without_the_absent_one(holdfast: Holdfast) -> None:
    said = holdfast("bench", "--all", "--json")
    assert said.code == 0
    assert len(json.loads(said.out)) == 1
    assert "absent was left out: the file is not there" in said.err


@pytest.mark.usefixtures("two_benches")
def test_all_and_a_name_do_not_go_together(holdfast: Holdfast) -> None:
    assert holdfast("bench", "quick", "--all").code == 2
