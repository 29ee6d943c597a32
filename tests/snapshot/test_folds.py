"""Which cutoffs may train for which, also where the clocks change."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.clock import Cutoff, Gap, Horizon, Window
from holdfast.core.errors import TooLittleData
from holdfast.snapshot.days import is_midnight
from holdfast.snapshot.folds import fold, test_cutoffs, training_cutoffs

ZONES = ("UTC", "Europe/London", "Asia/Shanghai", "America/Sao_Paulo")
LONDON = "Europe/London"


@settings(max_examples=60, deadline=None)
@given(
    zone=st.sampled_from(ZONES), back=st.integers(0, 400), horizon=st.integers(1, 90), gap=st.integers(0, 14), step=st.integers(1, 30)
)  # fmt: skip
def test_every_training_window_has_closed(zone: str, back: int, horizon: int, gap: int, step: int) -> None:
    test = Cutoff.midnight((Cutoff.parse("2012-01-01").at - timedelta(days=back)).date(), zone)
    length, dead = Horizon.parse(f"{horizon}d"), Gap.parse(f"{gap}d")
    found = training_cutoffs(test, length, dead, Window.parse(f"{step}d"), Cutoff.parse("2010-06-01", zone), zone)
    assert found == tuple(sorted(set(found)))
    assert all(one.plus(dead, length) <= test and is_midnight(one, zone) for one in found)
    if found:
        assert fold(test, found, length, dead).test == test


def test_test_cutoffs_do_not_overlap_and_leave_something_to_learn_from() -> None:
    newest, month = Cutoff.parse("2011-11-09", LONDON), Horizon.parse("30d")
    found = test_cutoffs(newest, month, Gap.parse("0d"), Cutoff.parse("2011-03-01", LONDON), LONDON, 5)
    assert [str(one.local_day(LONDON)) for one in found] == [
        "2011-07-12", "2011-08-11", "2011-09-10", "2011-10-10", "2011-11-09",
    ]  # fmt: skip


def test_nothing_closed_is_said() -> None:
    test = Cutoff.parse("2011-11-09")
    with pytest.raises(TooLittleData, match="no slice has closed"):
        fold(test, (test,), Horizon.parse("30d"))
