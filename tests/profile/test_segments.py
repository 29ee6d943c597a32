"""Segments: rules read strictly, learnt groups that come back, words, flow, survival."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.clock import Cutoff, Horizon
from holdfast.core.errors import ConfigError, TooLittleData
from holdfast.core.tables import FeatureColumn, FeatureTable, Key, Outcomes
from holdfast.core.text import Text
from holdfast.profile.segments.flow import flow
from holdfast.profile.segments.learnt import learn
from holdfast.profile.segments.measures import MEASURES, Scaler, differences, name_segments
from holdfast.profile.segments.rules import first, load, members, read
from holdfast.profile.segments.stability import adjusted_rand, contingency
from holdfast.profile.segments.survival import survival
from holdfast.profile.settings import SegmentSettings

C = Cutoff.parse("2024-06-01")
NAMES = ("order_count", "days_since_last_order", "basket_value", "unit_price", "T")


def features(columns: dict[str, np.ndarray]) -> FeatureTable:
    ids = [f"c{i:04}" for i in range(len(next(iter(columns.values()))))]
    made = tuple(FeatureColumn(n, "", "", "none", "f", Text("{value}", "{value}")) for n in columns)
    return FeatureTable(Key.of(ids, C), made, np.column_stack([*columns.values()]).astype(np.float32))


def blobs(sizes: tuple[int, ...] = (300, 200, 100), seed: int = 1) -> tuple[FeatureTable, np.ndarray]:
    """Three kinds of customers: regulars, big spenders, one-timers."""
    rng = np.random.default_rng(seed)
    centre = {"order_count": (20, 5, 1), "days_since_last_order": (8, 40, 120), "basket_value": (30, 400, 25),
              "unit_price": (5, 90, 6), "T": (500, 300, 130)}  # fmt: skip
    kind = np.repeat(np.arange(len(sizes)), sizes)
    return features({n: np.array(centre[n])[kind] * np.exp(0.25 * rng.standard_normal(len(kind))) for n in NAMES}), kind


def ari(one: np.ndarray, other: np.ndarray) -> float:
    return adjusted_rand(contingency(one, other))


def test_planted_kinds_are_learnt_and_nothing_more() -> None:
    table, kind = blobs()
    found = learn(table)
    assert len(found.names) == 3
    assert ari(kind, found.codes(table)) > 0.97
    assert found.stability.jaccard.min() > 0.95
    assert found.separation > 0.5
    assert len(set(found.names)) == 3
    assert len(set(found.assign(table))) == 3


def test_learning_is_deterministic_and_does_not_depend_on_names() -> None:
    table, _ = blobs()
    one, two = learn(table, seed=3), learn(table, seed=3)
    assert one.assign(table) == two.assign(table)
    assert one.as_dict() == two.as_dict()


def test_a_fitted_segment_takes_customers_of_another_day() -> None:
    table, _ = blobs()
    found = learn(table)
    later, kind = blobs(seed=9)
    assert ari(kind, found.codes(later)) > 0.95


def test_noise_has_no_islands() -> None:
    rng = np.random.default_rng(5)
    table = features({n: np.exp(rng.standard_normal(800)) for n in NAMES})
    try:
        found = learn(table)
    except TooLittleData:
        return
    assert found.separation < 0.25


def test_a_group_that_does_not_come_back_is_not_kept() -> None:
    table, _ = blobs()
    with pytest.raises(TooLittleData, match="came back"):
        learn(table, SegmentSettings(stable=1.01))
    with pytest.raises(TooLittleData, match="too few"):
        learn(table.take(np.arange(30)))
    alike = features({n: np.full(200, 3.0) for n in NAMES})
    with pytest.raises(TooLittleData, match="too few"):
        learn(alike)


def test_words_name_what_is_different_in_original_units() -> None:
    table, kind = blobs()
    told = differences(Scaler.fit(table), table, kind == 1)
    by = {one.measure.name: one for one in told}
    assert by["basket_value"].size > 1
    assert by["basket_value"].inside == pytest.approx(400, rel=0.1)
    assert by["basket_value"].outside == pytest.approx(28, rel=0.15)
    assert differences(Scaler.fit(table), table, np.ones(len(table), bool)) == []
    names = [name for name, _ in name_segments([told, told, []])]
    assert len(set(names)) == 3
    assert all(one.said.zh and one.high.zh and one.low.zh for one in MEASURES)


def test_what_is_not_known_stands_in_the_middle() -> None:
    table, _ = blobs()
    values = table.values.copy()
    values[0, 2] = np.nan
    holes = FeatureTable(table.key, table.columns, values)
    scaled = Scaler.fit(holes).columns(holes)
    assert np.isfinite(scaled).all()
    assert abs(scaled[0, 2]) < 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[segmnt]]\nname = "a"\nwhen = "x > 1"', "'segment'"),
        ('[[segment]]\nname = "a"\nwhne = "x > 1"', "'when'"),
        ('[[segment]]\nname = "a"', "no rule"),
        ('[[segment]]\nwhen = "x > 1"', "no segment can be called"),
        ('[[segment]]\nname = "a b"\nwhen = "x > 1"', "no segment can be called"),
        ('[[segment]]\nname = "other"\nwhen = "x > 1"', "no segment can be called"),
        ('[[segment]]\nname = "a"\nwhen = "x >> 1"', "rule"),
        ('[[segment]]\nname = "a"\nwhen = "x > 1"\n[[segment]]\nname = "a"\nwhen = "x > 1"', "two segments"),
        ('[segment]\nname = "a"', r"\[\[segment\]\]"),
        ('[[segment]]\nname = "a"\nwhen = "x > 1"\ntitle = 3', "title"),
        ("[[segment", "TOML"),
    ],
)
def test_a_segments_file_is_read_strictly(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "segments.toml").write_text(text)
    with pytest.raises(ConfigError, match=said):
        load(tmp_path / "segments.toml")


def test_the_first_rule_that_holds_names_the_segment(tmp_path: Path) -> None:
    assert load(tmp_path / "none.toml") == ()
    found = read({"segment": [{"name": "many", "when": "n >= 3"}, {"name": "some", "title": "S", "when": "n >= 1"}]})
    held = members(found, pa.table({"n": [0, 1, 5, None]}))
    assert first(found, held) == ["other", "some", "many", "other"]
    assert held[2].tolist() == [True, True]
    assert found[1].title.zh == "S"
    assert first((), members((), pa.table({"n": [1]}))) == ["other"]


SEGMENTS = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from(["x", "y", None]), max_size=8)


@given(SEGMENTS, SEGMENTS)
def test_everybody_is_in_the_flow_once(then: dict[str, str | None], now: dict[str, str | None]) -> None:
    rows = flow(
        pa.array(list(then), pa.string()), list(then.values()), pa.array(list(now), pa.string()), list(now.values())
    )
    assert sum(one["count"] for one in rows) == len(set(then) | set(now))
    for name in ("x", "y"):
        assert sum(one["count"] for one in rows if one["from"] == name) == list(then.values()).count(name)
        assert sum(one["count"] for one in rows if one["to"] == name) == list(now.values()).count(name)


def test_survival_of_a_segment_is_its_own_and_its_interval_holds_the_truth() -> None:
    rng = np.random.default_rng(6)
    n, kind = 600, np.repeat(["fast", "slow"], 300)
    duration = rng.exponential(np.where(kind == "fast", 10.0, 100.0))
    until = rng.uniform(20, 120, n)
    key = Key.of([f"c{i}" for i in range(n)], C)
    zero = np.zeros(n, np.int64)
    outcomes = Outcomes(
        key, Horizon.parse("30d"), duration > 30, zero, zero, np.minimum(duration, until), duration <= until
    )
    found = {one["segment"]: one for one in survival(outcomes, [*kind.tolist()])}
    for name, scale in (("fast", 10.0), ("slow", 100.0)):
        one = found[name]
        truth = np.exp(-np.array(one["days"]) / scale)
        inside = (np.array(one["low"]) - 0.02 <= truth) & (truth <= np.array(one["high"]) + 0.02)
        assert inside.all()
    assert survival(outcomes, ["tiny"] * 5 + [None] * (n - 5)) == []
