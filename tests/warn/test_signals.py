"""Signals: each by hand, and none that knows the future."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from holdfast.core.clock import Cutoff
from holdfast.core.schema import INSTANT
from holdfast.core.text import LANGUAGES
from holdfast.warn import signals
from holdfast.warn.rhythm import rhythms

CUTOFF = Cutoff.parse("2024-06-01")
IDS = pa.array(["a", "b"])


def events(rows: Sequence[tuple[str, str, float, float | None]], late: bool = False) -> pa.Table:
    """(customer, type, days before the cutoff, rating); recorded at once, or `late`: after the cutoff."""
    at = [CUTOFF.at - timedelta(days=one[2]) for one in rows]
    return pa.table(
        {
            "customer_id": pa.array([one[0] for one in rows], pa.string()),
            "event_type": pa.array([one[1] for one in rows], pa.string()),
            "occurred_at": pa.array(at, INSTANT),
            "recorded_at": pa.array([CUTOFF.at if late else one for one in at], INSTANT),
            "rating": pa.array([one[3] for one in rows], pa.float64()),
        }
    )


VISITS = [("a", "visit", 31.0 + at, None) for at in range(0, 90, 3)] + [
    ("b", "view", 1.0 + at, None) for at in range(0, 118, 3)
]
SERVICE = [
    ("a", "ticket", 5.0, None), ("a", "review", 6.0, 2.0), ("b", "review", 6.0, 4.0), ("b", "ticket", 31.0, None),
    ("b", "delivery_failed", 2.0, None),
]  # fmt: skip


def test_silence_beyond_the_own_rhythm() -> None:
    first = date(2024, 1, 1)
    days = [first + timedelta(days=10 * at) for at in range(12)]
    table = pa.table({"customer_id": ["a"] * 12 + ["b"], "local_day": [*days, date(2024, 5, 31)]})
    found = rhythms(table, date(2024, 6, 1))
    told = signals.cadence_break(found, found.rows_of(IDS))
    assert told.raised.tolist() == [True, False]
    assert told.sentence(0) == f"usually orders again within {found.q80[0]:.0f} days, silent for 42"


def test_doubled_odds_are_a_jump_and_no_past_is_none() -> None:
    found = signals.hazard_jump(np.array([0.6, 0.35, 0.02, 0.6]), np.array([0.4, 0.30, 0.005, np.nan]))
    assert found.raised.tolist() == [True, False, False, False]
    assert found.value[0] == pytest.approx(np.log(0.6 / 0.4 / (0.4 / 0.6)))


def test_fewer_days_than_the_own_level() -> None:
    found = signals.engagement_drop(events(VISITS), IDS, CUTOFF)
    assert found.raised.tolist() == [True, False]
    assert found.value[0] == 0.0
    assert found.value[1] == pytest.approx(1.0, abs=0.15)
    quiet = signals.engagement_drop(events([("a", "visit", 60.0, None)]), IDS, CUTOFF)
    assert not quiet.raised.any()  # one visit in 90 days is no level to fall from
    assert np.isnan(quiet.value[1])


def test_complaints_and_failed_deliveries_of_the_window() -> None:
    assert signals.complaint(events(SERVICE), IDS, CUTOFF).value.tolist() == [2.0, 0.0]
    assert signals.failed_delivery(events(SERVICE), IDS, CUTOFF).raised.tolist() == [False, True]


@pytest.mark.parametrize("make", [signals.engagement_drop, signals.complaint, signals.failed_delivery])
def test_what_happened_or_was_recorded_later_changes_nothing(make: Any) -> None:
    known = events([*VISITS, *SERVICE])
    ahead = [(who, kind, -days, rating) for who, kind, days, rating in [*VISITS, *SERVICE]]
    more = pa.concat_tables([known, events(ahead), events([*SERVICE, ("a", "visit", 1.0, None)], late=True)])
    one, other = make(known, IDS, CUTOFF), make(more.take(pa.array(range(more.num_rows)[::-1])), IDS, CUTOFF)
    assert np.array_equal(one.value, other.value, equal_nan=True)
    assert np.array_equal(one.raised, other.raised)


def prices(rows: list[tuple[str, int, float]]) -> pa.Table:
    return pa.table(
        {
            "item_id": [one[0] for one in rows],
            "price": pa.array([one[1] for one in rows], pa.int64()),
            "valid_from": pa.array([CUTOFF.at - timedelta(days=one[2]) for one in rows], INSTANT),
        }
    )


def test_dearer_things_weigh_by_what_was_spent_on_them() -> None:
    told = prices([("tea", 100, 90.0), ("tea", 120, 10.0), ("cup", 50, 90.0), ("tea", 900, -1.0), ("new", 5, 3.0)])
    bought = pa.table(
        {"customer_id": ["a", "a", "b", "c"], "item_id": ["tea", "cup", "new", "tea"], "spent": [30, 10, 7, 1]}
    )
    found = signals.price_rise(bought, told, IDS, CUTOFF)
    assert found.value.tolist() == pytest.approx([0.15, 0.0])
    assert found.raised.tolist() == [True, False]
    assert found.sentence(0) == "what this customer buys has become 15% dearer"


def test_every_raised_signal_is_named_in_both_languages() -> None:
    found = [signals.complaint(events(SERVICE), IDS, CUTOFF), signals.failed_delivery(events(SERVICE), IDS, CUTOFF)]
    assert signals.reasons(found, [0, 1]) == [
        "2 complaints or low ratings in the last 30 days",
        "1 failed deliveries in the last 30 days",
    ]
    assert signals.reasons(found[1:], [0], otherwise=[["said by the forecast"]]) == ["said by the forecast"]
    for language in LANGUAGES:
        assert signals.reasons(found[1:], [0], language, first=["money"]) == ["money"]
        assert signals.reasons(found[1:], [1], language, first=["money"])[0].startswith("money")


def test_signals_over_time_are_rows() -> None:
    found = signals.complaint(events(SERVICE), IDS, CUTOFF)
    table = signals.over_time(IDS, {CUTOFF: [found]})
    assert table["value"].to_pylist() == [2.0, 0.0]
    assert table.column_names == ["customer_id", "cutoff", "signal", "value", "raised"]
