"""The story of docs/story.md comes true: the plan keeps more than random, risk-based, uniform and no targeting."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.bench.story import told, world


@pytest.mark.slow
def test_the_plan_keeps_more_than_any_simple_way_of_spending(tmp_path: Path) -> None:
    rows = told(tmp_path / "shop", world(), seeds=100)
    kept = {one.model: one for one in rows if one.metric == "money_kept"}
    mine = kept["guarded"]
    assert mine.low is not None
    assert mine.low > 0
    for rival in ("random", "riskiest", "everybody"):
        assert mine.low > kept[rival].value, rival
    spends = {one.model: one.value for one in rows if one.metric == "spends" and "lived" in one.protocol}
    assert spends["guarded"] <= 5000
    promised = {one.metric: one.value for one in rows if "promised" in one.protocol}
    assert promised["spends"] <= 5000
    measured = [one for one in rows if one.metric == "measured_margin"]
    assert measured
    per_head = mine.value / 2000
    assert all(one.low is not None and one.high is not None and one.low < per_head < one.high for one in measured)
