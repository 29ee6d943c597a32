"""The suggested window follows the shop's rhythm, and the silence curve recovers a planted one."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from holdfast.profile.orders import Orders
from holdfast.profile.silence import silence
from holdfast.profile.window import WINDOWS, alternatives, suggested

START = date(2024, 1, 1)
UNTIL = START + timedelta(days=700)


def shop(gap: float, leave: float, customers: int = 400, seed: int = 1) -> Orders:
    """Customers who order every `gap` days (exponential) and leave after an order with probability `leave`."""
    rng = np.random.default_rng(seed)
    ids, when = [], []
    for number in range(customers):
        day = rng.uniform(0, 350)
        while day < 700:
            ids.append(f"c{number}")
            when.append(START + timedelta(days=int(day)))
            if rng.random() < leave:
                break
            day += rng.exponential(gap)
    return Orders.read(pa.table({"customer_id": ids, "local_day": pa.array(when, pa.date32())}))


def test_the_share_who_return_after_silence_is_the_planted_one() -> None:
    gap, leave = 20.0, 0.1
    curve = {one["silent_days"]: one["share"] for one in silence(shop(gap, leave), UNTIL, within=30)["curve"]}
    for silent in [day for day in curve if 10 <= day <= 60]:
        alive = (1 - leave) * np.exp(-silent / gap)
        truth = alive / (alive + leave) * (1 - np.exp(-30 / gap))
        assert curve[silent] == pytest.approx(truth, abs=0.08)


def test_the_suggestion_follows_the_rhythm() -> None:
    fast, slow = (suggested(silence(shop(gap, 0.2), UNTIL), 0.25) for gap in (4, 60))
    days = {key: [int(one[key].rstrip("d")) for one in (fast, slow)] for key in ("horizon", "within")}
    assert days["horizon"][0] < days["horizon"][1]
    assert days["within"][0] < days["within"][1]


def test_a_share_never_seen_suggests_the_longest_window() -> None:
    found = suggested({"median_gap_days": None, "returns": [{"share": 0.25, "silent_days": None}]}, 0.25)
    assert found["within"] == f"{WINDOWS[-1]}d"


def test_longer_horizons_lose_fewer_and_wider_windows_hold_more() -> None:
    rows = {(row["within"], row["horizon"]): row for row in alternatives(shop(20, 0.1), UNTIL)}
    assert rows["60d", "14d"]["churned"] > rows["60d", "60d"]["churned"]
    assert rows["180d", "30d"]["customers"] >= rows["60d", "30d"]["customers"]
