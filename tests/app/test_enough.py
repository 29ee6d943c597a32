"""Enough history is a fact about the shop, not a mood."""

from __future__ import annotations

from holdfast.app.enough import NEEDS, History, enough


def test_nothing_is_enough_for_a_shop_of_one_day() -> None:
    assert not any(row["enough"] for row in enough(History(1, 1, 0, 0)))


def test_a_rich_shop_has_enough_for_everything() -> None:
    rows = enough(History(1000, 10_000, 5_000, 5_000))
    assert all(row["enough"] for row in rows)
    assert len(rows) == len(NEEDS)
