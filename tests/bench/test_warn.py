"""The warn bench: checks that look at nothing open, and the figures on a real shop."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.bench.warn_cases import CASES, CHOOSING, HORIZONS, TESTS, Case, _judged, grid, previous
from holdfast.core.clock import Cutoff, Horizon


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.data)
def test_every_case_has_five_checks_and_chooses_on_windows_closed_before_the_first(case: Case) -> None:
    whole = grid(case, "UTC")
    ends = Cutoff.parse(case.newest).plus(Horizon.parse("30d"))
    tests, choosing = _judged(case, whole, ends)
    for name in HORIZONS:
        span = Horizon.parse(name)
        assert len(tests[name]) == TESTS
        assert all(one.plus(span) <= ends for one in tests[name])
        assert all(one.plus(span) <= previous(tests[name][0]) for one in choosing[name])
        assert len(choosing[name]) <= CHOOSING
        assert any(one.plus(Horizon.parse("30d")) <= previous(tests[name][0]) for one in whole)  # something teaches
        assert not set(tests[name]) & set(choosing[name])


@pytest.mark.slow
def test_the_alert_score_catches_more_value_than_recency_and_the_own_gap(real_data: Path) -> None:
    from holdfast.bench.warn import warn

    assert real_data.is_dir()
    rows = warn(data="online_retail")
    for horizon in HORIZONS:
        for over in ("recency", "own_gap", "own_spend"):
            gains = [
                one for one in rows
                if one.metric == "value_recall" and f"within {horizon}, capacity 5%, gain over {over}" in one.protocol
            ]  # fmt: skip
            assert len(gains) == 1
            assert gains[0].low is not None
            assert gains[0].low > 0, (horizon, over, gains[0])
    at_capacity = [one for one in rows if one.metric == "precision" and one.low is not None]
    assert all(0 <= one.value <= 1 for one in at_capacity if "gain" not in one.protocol)
