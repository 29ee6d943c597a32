"""The world of the deep bench is what it says: order matters there, and windows are blind to it."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.bench.deep import configurations, deep, learning_curve
from holdfast.bench.deep_world import CUTOFF, long_range
from holdfast.core.errors import UsageError
from holdfast.core.schema import EVENT_TYPES
from holdfast.metrics.ranking import auc

TICKET, MESSAGE = EVENT_TYPES.index("ticket"), EVENT_TYPES.index("message")


def test_the_truth_is_calibrated_and_hidden_from_counts() -> None:
    world = long_range(20_000, 1)
    assert abs(world.p_churn.mean() - world.churned.mean()) < 0.01
    assert auc(world.churned, world.p_churn) > 0.85
    kind = world.told.events.kind[world.told.positions]
    first, second = kind[:-1], kind[1:]
    same = np.diff(world.told.row_of) == 0
    rows = world.told.row_of[:-1]
    ignored = np.bincount(rows[same & (first == MESSAGE) & (second == TICKET)], minlength=len(world))
    answered = np.bincount(rows[same & (first == TICKET) & (second == MESSAGE)], minlength=len(world))
    hidden = ignored - answered
    assert auc(world.churned, hidden) > 0.75  # the order tells
    for name in ("ticket", "message"):  # the counts and recencies of the same two events do not
        for column in (f"{name}_count_3650d", f"{name}_count_30d", f"days_since_last_{name}"):
            seen = world.features.column(column)
            assert abs(np.corrcoef(hidden, seen)[0, 1]) < 0.05, column  # a window may cut an episode in two


def test_the_same_seed_draws_the_same_customers() -> None:
    one, two, other = long_range(50, 3), long_range(50, 3), long_range(50, 4)
    assert one.told.fingerprint == two.told.fingerprint != other.told.fingerprint
    assert int(one.told.events.occurred_at.max()) < CUTOFF.micros


def test_unknown_data_is_refused_before_anything_is_done() -> None:
    with pytest.raises(UsageError, match="online_retail"):
        deep(data="moon")


@pytest.mark.slow
@pytest.mark.usefixtures("deep")
def test_the_curve_says_everything_it_should(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdfast.bench.deep.TESTED", 500)
    rows = learning_curve((300,))
    assert {one.model for one in rows} == {"lightgbm", "truth", *configurations(False)}
    assert {"auc", "log_loss", "rows_per_second", "parameters", "tokens", "loss"} <= {one.metric for one in rows}
    gains = [one for one in rows if "paired gain over lightgbm" in one.protocol and one.model == "truth"]
    assert all(one.low is not None and one.low > 0 for one in gains)
