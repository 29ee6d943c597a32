"""Cohorts, retention curves and silences against slow twins and hand counts."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from holdfast.profile.cohorts import cohorts, retention_curves
from holdfast.profile.silence import silence


def table(*rows: tuple[str, date, int]) -> pa.Table:
    ids, days, money = zip(*rows, strict=True) if rows else ((), (), ())
    return pa.table(
        {
            "customer_id": pa.array(ids, pa.string()),
            "local_day": pa.array(days, pa.date32()),
            "revenue": pa.array(money, pa.int64()),
        }
    )


def random_orders(seed: int, customers: int = 80) -> pa.Table:
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(customers):
        day = date(2023, 1, 1) + timedelta(days=int(rng.integers(0, 300)))
        for _ in range(int(rng.integers(1, 9))):
            rows.append((f"c{i}", day, int(rng.integers(1, 100)) * 10_000))
            day += timedelta(days=int(rng.integers(1, 60)))
    return table(*rows)


def test_triangle_by_hand() -> None:
    found = cohorts(
        table(
            ("a", date(2024, 1, 5), 100_000), ("a", date(2024, 1, 6), 100_000), ("a", date(2024, 3, 1), 50_000),
            ("b", date(2024, 1, 31), 10_000), ("c", date(2024, 3, 2), 10_000), ("d", date(2024, 3, 20), 990_000),
        ),
        date(2024, 3, 15),
    )  # fmt: skip
    assert found["months"] == ["2024-01", "2024-03"]  # nobody began in February
    assert found["sizes"] == [2, 1]
    assert found["share"] == [[1.0, 0.0, 0.5], [1.0]]
    assert found["revenue_per_customer"] == [[10.5, 0.0, 2.5], [1.0]]
    assert found["partial_month"] == "2024-03"
    assert found["average"] == [1.0, 0.0]  # March is not over


def test_a_whole_month_is_not_partial() -> None:
    found = cohorts(table(("a", date(2024, 1, 5), 1), ("a", date(2024, 2, 5), 1)), date(2024, 3, 1))
    assert found["partial_month"] is None
    assert found["average"] == [1.0, 1.0]


def test_no_orders_no_triangle() -> None:
    assert cohorts(table(), date(2024, 3, 1))["months"] == []
    assert retention_curves(table(), date(2024, 3, 1))["curves"] == []
    assert silence(table(), date(2024, 3, 1))["median_gap_days"] is None


@pytest.mark.parametrize("seed", range(3))
def test_triangle_equals_its_slow_twin(seed: int) -> None:
    orders, until = random_orders(seed), date(2023, 12, 10)
    found = cohorts(orders, until)
    rows = [r for r in orders.to_pylist() if r["local_day"] < until]
    first: dict[str, date] = {}
    for row in rows:
        first[row["customer_id"]] = min(first.get(row["customer_id"], row["local_day"]), row["local_day"])
    for month, size, shares in zip(found["months"], found["sizes"], found["share"], strict=True):
        members = {c for c, day in first.items() if day.strftime("%Y-%m") == month}
        assert len(members) == size
        for k, share in enumerate(shares):
            year, number = divmod(int(month[:4]) * 12 + int(month[5:]) - 1 + k, 12)
            label = f"{year}-{number + 1:02}"
            came = {r["customer_id"] for r in rows if r["local_day"].strftime("%Y-%m") == label} & members
            assert share == pytest.approx(len(came) / size)


def slow_kaplan_meier(spells: list[tuple[int, bool]], day: int) -> float:
    """P(not yet ended after `day` days), straight from the definition."""
    left = 1.0
    for at in sorted({d for d, ended in spells if ended and d <= day}):
        left *= 1 - sum(d == at and ended for d, ended in spells) / sum(d >= at for d, _ in spells)
    return left


@pytest.mark.parametrize("k", [1, 2])
def test_retention_curve_equals_its_slow_twin(k: int) -> None:
    orders, until = random_orders(11), date(2023, 12, 10)
    curve = next(c for c in retention_curves(orders, until, watched=5)["curves"] if c["after"] == k)
    days: dict[str, list[date]] = {}
    for row in orders.to_pylist():
        if row["local_day"] < until:
            days.setdefault(row["customer_id"], []).append(row["local_day"])
    spells = []
    for mine in days.values():
        mine = sorted(set(mine))
        if len(mine) >= k:
            after = mine[k] if len(mine) > k else until
            spells.append(((after - mine[k - 1]).days, len(mine) > k))
    assert curve["n"] == len(spells)
    for day in (1, 10, 30, curve["days"][-1]):
        assert curve["ordered_again"][day] == pytest.approx(1 - slow_kaplan_meier(spells, day))


def test_curves_rise_and_their_bands_hold_them() -> None:
    for curve in retention_curves(random_orders(5), date(2023, 12, 10), watched=5)["curves"]:
        low, mid, high = (np.array(curve[name]) for name in ("low", "ordered_again", "high"))
        assert (np.diff(mid) >= 0).all()
        assert (low <= mid + 1e-12).all()
        assert (mid <= high + 1e-12).all()
        assert low.min() >= 0
        assert high.max() <= 1


def test_who_is_still_waiting_is_not_lost() -> None:
    """Half of the customers joined yesterday: they say nothing about day 30, so the curve does not sink."""
    old = [(f"o{i}", date(2024, 1, 1) + timedelta(days=d), 1) for i in range(30) for d in (0, 10)]
    young = [(f"y{i}", date(2024, 6, 1), 1) for i in range(30)]
    curve = retention_curves(table(*old, *young), date(2024, 6, 2), watched=1)["curves"][0]
    assert curve["ordered_again"][10] == 1.0
    assert curve["median_days"] == 10


def gaps_of(gap: int, customers: int = 40) -> list[tuple[str, date, int]]:
    start = date(2022, 1, 1)
    return [(f"c{i}", start + timedelta(days=gap * k), 1) for i in range(customers) for k in range(20)]


def test_silence_of_a_steady_shop_that_some_leave() -> None:
    """Everybody orders every 10 days; after their last order they are gone: silence over 10 days means good-bye."""
    found: dict[str, Any] = silence(table(*gaps_of(10)), date(2023, 12, 1), within=60)
    assert found["median_gap_days"] == 10
    assert {one["share"]: one["silent_days"] for one in found["returns"]} == {0.5: 10, 0.25: 10, 0.1: 10}


def test_silence_beyond_the_data_is_not_guessed() -> None:
    found = silence(table(*gaps_of(10)), date(2022, 1, 1) + timedelta(days=195), within=60)
    assert found["returns"][-1]["silent_days"] is None
