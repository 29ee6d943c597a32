"""Triangles, stickiness and paths: against plain loops, by hand, and with planted effects."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.errors import UsageError
from holdfast.profile.paths import benjamini_hochberg, paths
from holdfast.profile.stickiness import stickiness
from holdfast.profile.triangles import triangle

START, UNTIL = date(2024, 1, 1), date(2024, 7, 1)
HISTORIES = st.dictionaries(st.sampled_from("abcdef"), st.sets(st.integers(0, 190), min_size=1, max_size=9), min_size=1)


def table(histories: dict[str, set[int]]) -> pa.Table:
    pairs = [(name, START + timedelta(days=day)) for name, days in histories.items() for day in sorted(days)]
    ids, days = zip(*pairs, strict=True)
    return pa.table({"customer_id": pa.array(ids), "local_day": pa.array(days, pa.date32())})


@given(HISTORIES, st.sampled_from(["n_day", "unbounded", "bracket"]))
@settings(max_examples=60)
def test_triangles_agree_with_a_plain_loop(histories: dict[str, set[int]], kind: str) -> None:
    days, room, end = (1, 7, 30, 60), 20, (UNTIL - START).days
    found = triangle(table(histories), UNTIL, kind, days=days, room=room)  # type: ignore[arg-type]
    known = {name: sorted(d for d in all_ if d < end) for name, all_ in histories.items()}
    cohorts: dict[str, list[list[int]]] = {}
    for seen in known.values():
        if seen:
            cohorts.setdefault((START + timedelta(days=seen[0])).isoformat()[:7], []).append(seen)
    assert found["months"] == sorted(cohorts)
    ends = (7, 30, 60, 90)
    for month, row in zip(found["months"], found["share"], strict=True):
        for k, day in enumerate(days):
            need = {"n_day": day + 1, "unbounded": day + 1 + room, "bracket": ends[k]}[kind]
            mine = cohorts[month]
            if any(seen[0] + need > end for seen in mine):
                assert row[k] is None
                continue
            inside = {
                "n_day": lambda age, k=k: age == days[k], "unbounded": lambda age, k=k: age >= days[k],
                "bracket": lambda age, k=k: days[k] <= age < ends[k],
            }[kind]  # fmt: skip
            came = sum(any(inside(one - seen[0]) for one in seen) for seen in mine)
            assert row[k] == pytest.approx(came / len(mine))


def test_a_triangle_refuses_what_makes_no_sense() -> None:
    assert triangle(table({"a": {0}}).slice(0, 0), UNTIL)["months"] == []
    with pytest.raises(UsageError):
        triangle(table({"a": {0}}), UNTIL, "weekly")  # type: ignore[arg-type]
    with pytest.raises(UsageError):
        triangle(table({"a": {0}}), UNTIL, days=(7, 1))


@given(HISTORIES)
@settings(max_examples=60)
def test_stickiness_agrees_with_a_plain_loop(histories: dict[str, set[int]]) -> None:
    found = stickiness(table(histories), UNTIL)
    end = (UNTIL - START).days
    assert found["days"][-1:] == ([UNTIL.isoformat()] if found["days"] else [])
    for k, day in enumerate(reversed(found["days"])):
        stop = end - 28 * k
        assert (START + timedelta(days=stop)).isoformat() == day
        window = [{d for d in one if stop - 28 <= d < stop} for one in histories.values()]
        place = len(found["days"]) - 1 - k
        assert found["monthly"][place] == sum(bool(one) for one in window)
        assert found["daily"][place] == pytest.approx(sum(map(len, window)) / 28)
        weeks = sum(len({(stop - 1 - d) // 7 for d in one}) for one in window)
        assert found["weekly"][place] == pytest.approx(weeks / 4)


def shop(n: int = 3000, effect: float = 0.25, seed: int = 1) -> tuple[pa.Array, np.ndarray, pa.Table, np.ndarray]:
    """Customers whose silence decides; a failed delivery then a ticket adds `effect`; visits only say who is not silent."""
    rng = np.random.default_rng(seed)
    ids = pa.array([f"c{i}" for i in range(n)])
    silence = rng.integers(1, 6, n)
    failed, visits = rng.random(n) < 0.1, rng.random(n) < 0.9 - 0.15 * silence
    churned = rng.random(n) < 0.1 * silence + effect * failed
    rows = [
        (f"c{i}", step)
        for i in range(n)
        for step in [
            "purchase",
            *(["visit"] if visits[i] else []),
            *(["delivery_failed", "ticket"] if failed[i] else []),
        ]
    ]
    who, step = zip(*rows, strict=True)
    return ids, churned, pa.table({"customer_id": who, "step": step}), silence


def test_a_planted_path_is_found_and_silence_alone_is_no_path() -> None:
    ids, churned, steps, silence = shop()
    found = paths(ids, churned, [steps], silence)
    assert all({"delivery_failed", "ticket"} & set(one["steps"]) for one in found["leaving"])
    one = next(one for one in found["leaving"] if set(one["steps"]) <= {"delivery_failed", "ticket"})
    assert one["low"] > 1.3
    assert one["left_share"] - one["expected"] == pytest.approx(0.25, abs=0.08)
    assert not any(one["steps"] == ["visit"] for one in found["staying"])
    naive = paths(ids, churned, [steps])
    assert any(one["steps"] == ["visit"] for one in naive["staying"])  # without strata a path says who was silent


def test_without_an_effect_hardly_any_path_is_told() -> None:
    told = sum(len(f["leaving"]) + len(f["staying"]) > 0 for f in (
        paths(ids, churned, [steps], silence) for ids, churned, steps, silence in (shop(600, 0.0, seed) for seed in range(30))
    ))  # fmt: skip
    assert told <= 5


def test_rare_paths_and_one_sided_shops_are_not_told() -> None:
    ids, churned, steps, _ = shop(200)
    assert paths(ids, churned, [steps], least=150)["looked_at"] == 0
    for all_alike in (np.ones(200, bool), np.zeros(200, bool)):
        found = paths(ids, all_alike, [steps])
        assert found["leaving"] == found["staying"] == []
    assert paths(pa.array([], pa.string()), np.zeros(0, bool), [steps])["looked_at"] == 0


def test_repeats_count_once_and_strangers_not_at_all() -> None:
    steps = pa.table({"customer_id": ["a", "a", "a", "z"], "step": ["view", "view", "purchase", "view"]})
    found = paths(pa.array(["a", "b"]), np.array([True, False]), [steps], least=1)
    assert found["customers"] == 2
    assert benjamini_hochberg([0.5]) == [0.5]
