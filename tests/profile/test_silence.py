"""The silence curve recovers a planted rhythm and never looks where nobody was watched."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from holdfast.core.errors import TooLittleData
from holdfast.profile.silence import Orders, silence, windows_and_horizons

START = date(2024, 1, 1)


def shop(gap: float, leave: float, customers: int = 400, days: int = 700, seed: int = 1) -> Orders:
    """Customers who order every `gap` days (exponential) and leave after an order with probability `leave`."""
    rng = np.random.default_rng(seed)
    ids, when = [], []
    for number in range(customers):
        day = rng.uniform(0, days / 2)
        while day < days:
            ids.append(f"c{number}")
            when.append(START + timedelta(days=int(day)))
            if rng.random() < leave:
                break
            day += rng.exponential(gap)
    table = pa.table({"customer_id": ids, "local_day": pa.array(when, pa.date32())})
    return Orders.of(table, START + timedelta(days=days))


def test_the_share_who_return_after_silence_is_the_planted_one() -> None:
    gap, leave = 20.0, 0.1
    curve = silence(shop(gap, leave))
    for silent in (15, 30, 60):
        alive = (1 - leave) * np.exp(-silent / gap)
        truth = alive / (alive + leave) * (1 - np.exp(-30 / gap))
        assert curve.returns(silent, 30) == pytest.approx(truth, abs=0.06)


def test_the_window_follows_the_rhythm() -> None:
    fast, slow = silence(shop(5, 0.1)), silence(shop(60, 0.1))
    assert fast.horizon() < slow.horizon()
    assert (fast.window(0.2, fast.horizon()) or 9999) < (slow.window(0.2, slow.horizon()) or 9999)


def test_beyond_what_was_seen_there_is_no_answer() -> None:
    assert silence(shop(20, 0.1)).returns(10_000, 30) is None


def test_longer_horizons_lose_fewer_and_wider_windows_hold_more() -> None:
    rows = {(row["window"], row["horizon"]): row for row in windows_and_horizons(shop(20, 0.1))}
    assert rows[60, 14]["churned"] > rows[60, 60]["churned"]
    assert rows[180, 30]["customers"] >= rows[60, 30]["customers"]


def test_no_order_is_said() -> None:
    with pytest.raises(TooLittleData, match="no order"):
        Orders.of(pa.table({"customer_id": pa.array([], pa.string()), "local_day": pa.array([], pa.date32())}), START)
