"""The hazard by trees and the curves made of it: planted hazards are found, and what is published keeps its laws."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.clock import DAY_MICROS, NO_GAP, Cutoff, Gap, Horizon
from holdfast.core.errors import StateError, TooLittleData, UsageError
from holdfast.core.schema import RELEASE_SURVIVAL
from holdfast.core.tables import FeatureColumn, FeatureTable, Key, Outcomes, Slices
from holdfast.core.text import Text
from holdfast.models.survival.anchor import anchored, at_day, median_days
from holdfast.models.survival.curves import FittedCurves, fit_curves
from holdfast.models.survival.grouped import base_hazards, loss, slopes
from holdfast.models.survival.hazard import Hazard, HazardFit
from holdfast.models.survival.levels import Said, fit_levels
from holdfast.models.survival.periods import EDGES, RELEASE_DAYS, edges_with, known_days, periods
from holdfast.models.survival.release import beside, next_order_at, summary, survival_table

FIRST = Cutoff.parse("2024-01-01")
#: Three columns: every tree may look at all of them.
THREE_COLUMNS = Hazard(rounds=150, column_share=1.0)
#: Orders a day of the typical customer: quick for a week, slower for a month, slow from then on.
PACE = ((0.0, 7.0, 0.03), (7.0, 30.0, 0.015), (30.0, 1e9, 0.006))


def pace_until(day):
    """Cumulative hazard of the typical customer."""
    return sum(rate * np.clip(np.asarray(day, float) - start, 0, end - start) for start, end, rate in PACE)


def shop(customers=500, slices=14, step=15, seed=1, ends=None, cutoffs_move=0.0, whole_days=False) -> Slices:
    """Customers whose hazard is the pace times exp(score), known to the end of the data `ends` days after the first slice.

    `cutoffs_move` adds so much to the log hazard of all slices (a season that never ends).
    """
    random = np.random.default_rng(seed)
    n = customers * slices
    at = np.repeat(np.arange(slices), customers)
    key = Key(pa.array([f"c{i:05d}" for i in range(customers)] * slices), FIRST.micros + at * step * DAY_MICROS)
    silence, orders = random.exponential(30, n).astype(np.float32), (1 + random.poisson(3, n)).astype(np.float32)
    score = true_score(silence, orders) + cutoffs_move
    grid = np.linspace(0, 4000, 40_001)
    duration = np.interp(random.exponential(np.exp(-score)), pace_until(grid), grid)
    duration = np.floor(duration) if whole_days else duration
    until = ((slices * step if ends is None else ends) - at * step).astype(float)
    happened = duration < until
    columns = tuple(
        FeatureColumn(name, "", "", "none", "cadence", Text(f"{name} {{value}}", f"{name} {{value}}"))
        for name in ("days_since_last_order", "order_count", "noise")
    )
    values = np.column_stack([silence, orders, random.normal(size=n).astype(np.float32)])
    seen = np.minimum(duration, until)
    churned = ~(happened & (duration < 30))
    nothing = np.zeros(n, np.int64)
    outcomes = Outcomes(key, Horizon.parse("30d"), churned, nothing, nothing, seen, happened)
    return Slices(FeatureTable(key, columns, values.astype(np.float32)), outcomes)


def true_score(silence, orders):
    return 0.25 * (np.minimum(orders, 8) - 4) - 0.012 * (silence - 30)


def truth(features, days):
    score = true_score(features.column("days_since_last_order"), features.column("order_count")).astype(float)
    return np.exp(-np.exp(score)[:, None] * pace_until(np.array(days)))


# ---- person-period rows ---------------------------------------------------------------------------------------


@given(st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_periods_equal_walking_through_the_bins(seed):
    random = np.random.default_rng(seed)
    n, edges = 25, (0.0, 1.0, 3.0, 7.0, 14.0)
    group = random.integers(0, 3, n)
    limit = random.choice([2.0, 5.0, 7.0, 30.0], 3)
    duration = np.where(random.random(n) < 0.5, np.floor(random.exponential(4, n)), random.exponential(4, n))
    happened = duration < limit[group]
    duration = np.where(happened, duration, limit[group])
    found, expected = periods(duration, happened, group, edges), []
    known = known_days(duration, happened, group)
    for i in range(n):
        for b, (left, right) in enumerate(pairwise(edges)):
            came = happened[i] and left <= duration[i] < right
            at_risk = duration[i] > left or came
            if not at_risk:
                continue
            watched = known[i] if happened[i] else duration[i]
            seen = 1.0 if duration[i] >= right and not came else min(1.0, (watched - left) / (right - left))
            expected.append((i, b, came, seen))
    got = list(zip(found.row.tolist(), found.bin.tolist(), found.happened.tolist(), found.seen.tolist(), strict=True))
    assert [one[:3] for one in got] == [one[:3] for one in expected]
    assert [one[3] for one in got] == pytest.approx([one[3] for one in expected])


def test_slopes_are_those_of_the_likelihood():
    f, seen = np.linspace(-8, 2, 21), np.full(21, 0.4)
    for happened in (np.ones(21, bool), np.zeros(21, bool)):
        step = (loss(f + 1e-6, happened, seen) - loss(f - 1e-6, happened, seen)) / 2e-6
        assert slopes(f, happened, seen)[0] == pytest.approx(step, rel=1e-5, abs=1e-8)
    u = 0.4 * np.exp(f)
    by_chance = (1 - np.exp(-u)) * (u / np.expm1(u)) ** 2 + np.exp(-u) * u**2  # expected square of the slope
    assert slopes(f, np.zeros(21, bool), seen)[1] == pytest.approx(by_chance, rel=1e-6)


@pytest.mark.parametrize("whole_days", [False, True])
def test_a_planted_pace_is_found_from_slices_of_all_ages(whole_days):
    """Slices half watched in every bin, whole-day durations: neither bends the hazard."""
    slices = shop(customers=6000, slices=16, step=11, seed=4, whole_days=whole_days)
    values = slices.features.values.copy()
    values[:, 0], values[:, 1] = 30.0, 4.0
    random = np.random.default_rng(4)
    grid = np.linspace(0, 4000, 40_001)
    duration = np.interp(random.exponential(size=len(slices)), pace_until(grid), grid)
    duration = np.floor(duration) if whole_days else duration
    until = 16 * 11 - (slices.features.key.cutoff - FIRST.micros) / DAY_MICROS
    rows = periods(np.minimum(duration, until), duration < until, slices.features.key.cutoff, EDGES)
    base, seen = base_hazards(rows, np.ones(len(rows)), EDGES)
    assert seen == len(EDGES) - 1
    assert np.cumsum(np.exp(base))[:-1] == pytest.approx(pace_until(np.array(EDGES[1:-1])), rel=0.02)
    rest = float(np.exp(base)[-1])  # only the first half of the last bin is watched: taken as going on
    assert rest == pytest.approx(0.006 * 60, rel=0.06)


# ---- the model ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted() -> HazardFit:
    slices = shop(customers=1500, slices=14)
    return Hazard(rounds=150, column_share=1.0, half_life_days=0.0).fit(slices.features, slices.outcomes)


def test_planted_hazards_are_recovered_customer_by_customer(fitted):
    fresh = shop(customers=2000, slices=1, seed=9).features
    said, true = fitted.survival(fresh, RELEASE_DAYS), truth(fresh, RELEASE_DAYS)
    assert np.abs(said - true).mean() < 0.02
    assert np.abs((said - true).mean(axis=0)).max() < 0.012
    scores = np.log(-np.log(said)), np.log(-np.log(true))
    assert min(np.corrcoef(scores[0][:, at], scores[1][:, at])[0, 1] for at in range(6)) > 0.97


def test_curves_fall_stay_in_bounds_and_meet_p_churn(fitted):
    features = shop(customers=400, slices=1, seed=3).features
    days = tuple(float(day) for day in (0, 0.5, 1, 2, 7, 10, 30, 45.5, 90, 180, 400))
    curves = fitted.survival(features, days)
    assert (np.diff(curves, axis=1) <= 0).all()
    assert curves[:, 0].tolist() == [1.0] * 400
    assert ((curves > 0) & (curves <= 1)).all()
    assert fitted.predict(features).p_churn == pytest.approx(fitted.survival(features, (30.0,))[:, 0])
    middle = (fitted.cumulative(features, (7.0,)) + fitted.cumulative(features, (14.0,))) / 2
    assert fitted.cumulative(features, (10.5,)) == pytest.approx(middle)  # even within a bin


def test_a_horizon_of_its_own_is_an_edge():
    slices = shop(customers=100, slices=6)
    odd = replace(slices.outcomes, horizon=Horizon.parse("40d"))
    fit = Hazard(rounds=5).fit(slices.features, odd)
    assert 40.0 in fit.edges
    assert edges_with(30.0) == EDGES


def test_contributions_add_up_to_the_log_odds_exactly(fitted):
    features = shop(customers=300, slices=1, seed=5).features
    base, parts = fitted.contributions(features)
    p = fitted.predict(features).p_churn
    assert np.abs(base + parts.sum(axis=1) - np.log(p / (1 - p))).max() < 1e-9
    silence, orders = features.column("days_since_last_order"), features.column("order_count")
    assert np.corrcoef(parts[:, 0], silence)[0, 1] > 0.9  # more silence speaks for churn
    assert np.corrcoef(parts[:, 1], orders)[0, 1] < -0.9
    noise = list(fitted.columns).index("noise")
    assert np.abs(parts[:, noise]).mean() < 0.2 * np.abs(parts[:, 0]).mean()


def test_rows_beyond_the_cap_are_drawn_and_said_the_same_every_time():
    slices = shop(customers=400, slices=8)
    small = Hazard(max_rows=3000, rounds=20)
    assert len(small._drawn(periods(*_durations(slices), slices.features.key.cutoff), len(slices))) < 3600
    assert (
        small.fit(slices.features, slices.outcomes).to_bytes() == small.fit(slices.features, slices.outcomes).to_bytes()
    )
    assert (
        Hazard(max_rows=3000, rounds=20, seed=2).fit(slices.features, slices.outcomes).to_bytes()
        != small.fit(slices.features, slices.outcomes).to_bytes()
    )


def _durations(slices):
    return slices.outcomes.duration, slices.outcomes.event_observed


def test_young_slices_teach_the_first_days_only():
    slices = shop(customers=300, slices=3, ends=45)  # the oldest slice is 45 days old
    fit = Hazard(rounds=10).fit(slices.features, slices.outcomes)
    assert fit.known_days == 45.0
    daily = np.diff(fit.cumulative(slices.features, (30.0, 45.0, 60.0, 90.0, 180.0)), axis=1) / [15, 15, 30, 90]
    base = np.exp(fit.base) / np.diff(fit.edges)
    assert base[-1] == pytest.approx(base[-4])  # beyond, the pace goes on
    assert np.isfinite(daily).all()


@pytest.mark.parametrize("case", ["censored", "constant", "missing", "huge", "ten", "zero", "events"])
def test_the_hazard_answers_odd_data(case):
    slices = shop(customers=10 if case == "ten" else 120, slices=4)
    n = len(slices)
    values, outcomes = slices.features.values.copy(), slices.outcomes
    if case == "censored":
        outcomes = replace(outcomes, event_observed=np.zeros(n, bool))
    if case == "events":
        outcomes = replace(outcomes, event_observed=np.ones(n, bool))
    if case == "constant":
        values[:] = 1.0
    if case == "missing":
        values[:] = np.nan
    if case == "huge":
        values[::2], values[1::3] = 3e38, np.inf
    if case == "zero":
        outcomes = replace(outcomes, duration=np.zeros(n))
    features = replace(slices.features, values=values)
    fit = Hazard().fit(features, outcomes)
    p = fit.predict(features).p_churn
    base, parts = fit.contributions(features)
    assert ((p > 0) & (p < 1)).all()
    assert base + parts.sum(axis=1) == pytest.approx(np.log(p / (1 - p)), abs=1e-6)
    curves = fit.survival(features, RELEASE_DAYS)
    assert np.isfinite(curves).all()
    assert (np.diff(curves, axis=1) <= 0).all()


def test_negative_durations_are_refused_with_the_reason():
    slices = shop(customers=30, slices=2)
    for bad in (-1.0, np.nan, np.inf):
        duration = slices.outcomes.duration.copy()
        duration[3] = bad
        with pytest.raises(UsageError, match=r"1 of 60 durations are negative or not a number"):
            Hazard().fit(slices.features, replace(slices.outcomes, duration=duration))


# ---- levels ---------------------------------------------------------------------------------------------------


def evidence(factor, rows=400, slices=10, step=15):
    """Slices where hazards are `factor` times as high as said, in the stretch from 14 to 30 days alone."""
    random = np.random.default_rng(2)
    at = np.repeat(np.arange(slices), rows)
    said = np.tile(0.01 * np.array(RELEASE_DAYS, float), (len(at), 1))
    drawn = random.exponential(size=len(at)) / 0.01
    bent = np.where(
        drawn < 14, drawn, np.where(drawn < 14 + 16 * factor, 14 + (drawn - 14) / factor, drawn - 16 * (factor - 1))
    )
    until = (slices * step - at * step).astype(float)
    return Said(said, np.minimum(bent, until), bent < until, at * step * DAY_MICROS)


def test_levels_correct_the_stretch_that_is_off():
    now = Cutoff.from_micros(150 * DAY_MICROS)
    levels = fit_levels(evidence(1.8), now, NO_GAP)
    shifts = {one.day: one.shift for one in levels}
    assert shifts[30] == pytest.approx(math.log(1.8), abs=0.12)
    assert max(abs(shifts[day]) for day in (7, 14, 60, 90)) < 0.12
    assert [one.slices for one in levels] == [10, 10, 9, 7, 5, 0]  # a slice counts for a day once so old
    assert levels[-1].newest is None
    assert levels[-1].shift == 0.0
    none = fit_levels(evidence(1.0), now, NO_GAP)
    assert max(abs(one.shift) for one in none) < 0.08


def test_few_customers_move_no_level():
    said = evidence(3.0, rows=20)
    assert all(one.shift == 0.0 for one in fit_levels(said, Cutoff.from_micros(150 * DAY_MICROS), NO_GAP))


def test_the_gap_delays_when_a_slice_may_speak():
    levels = fit_levels(evidence(1.0), Cutoff.from_micros(150 * DAY_MICROS), Gap.parse("20d"))
    assert [one.slices for one in levels] == [9, 8, 7, 5, 3, 0]


# ---- published curves -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def past() -> Slices:
    return shop(customers=500, slices=16, ends=400)


@pytest.fixture(scope="module")
def now() -> Cutoff:
    return Cutoff.from_micros(FIRST.micros + 240 * DAY_MICROS)


@pytest.fixture(scope="module")
def curves(past, now) -> FittedCurves:
    return fit_curves(past, now, model=THREE_COLUMNS)


def test_published_curves_are_right_on_average_and_by_fifths(curves):
    fresh = shop(customers=3000, slices=1, seed=21, ends=400)
    said = curves.survival(fresh.features)
    assert np.abs(said - truth(fresh.features, RELEASE_DAYS)).mean() < 0.035  # 500 customers
    rows = beside(fresh.outcomes.duration, fresh.outcomes.event_observed, said)
    assert len(rows) == 36
    assert all(abs(row["said"] - row["happened"]) < 0.09 for row in rows)
    assert all(abs(row["said"] - row["happened"]) < 0.03 for row in rows if row["group"] == "all")


def test_curves_see_nothing_from_the_cutoff_on(past, now, curves):
    """Deleting what happened later changes no byte."""
    age = (now.micros - past.features.key.cutoff) / DAY_MICROS
    outcomes = past.outcomes
    seen = outcomes.event_observed & (outcomes.duration < age)
    blind = replace(outcomes, duration=np.where(seen, outcomes.duration, np.maximum(age, 0)), event_observed=seen)
    again = fit_curves(Slices(past.features, blind), now, model=THREE_COLUMNS)
    assert again.to_bytes() == curves.to_bytes()


def test_levelled_curves_cannot_cross(curves):
    bent = replace(
        curves, levels=tuple(replace(one, shift=s) for one, s in zip(curves.levels, (2, -3, 2, -3, 2, -3), strict=True))
    )
    features = shop(customers=300, slices=1, seed=8).features
    wild = np.array([[0, 1, 0], [3e38, -5, 0], [np.nan, np.nan, np.nan]], np.float32)
    extreme = FeatureTable(features.key.take(np.arange(3)), features.columns, wild)
    for table in (features, extreme):
        found = bent.survival(table, tuple(range(1, 200, 7)))
        assert (np.diff(found, axis=1) <= 0).all()
        assert ((found >= 0) & (found <= 1)).all()


def test_curves_are_saved_and_read_back(curves, past):
    again = FittedCurves.from_bytes(curves.to_bytes())
    assert np.array_equal(again.survival(past.features), curves.survival(past.features))
    assert again.to_bytes() == curves.to_bytes()
    assert b"c00001" not in curves.to_bytes()
    with pytest.raises(StateError):
        FittedCurves.from_bytes(b"rubbish")


def test_each_day_says_how_far_it_can_be_trusted(past, now):
    young = past.at(past.cutoffs[-6:])
    fit = fit_curves(young, now)  # the oldest slice is 90 days old
    assert [fit.state(day) for day in RELEASE_DAYS] == [*["calibrated"] * 5, "extrapolated"]
    few = fit_curves(young.take(np.arange(len(young)) % 20 == 0), now)
    assert few.state(7) == "uncalibrated"
    said = few.survival(young.features)
    assert np.array_equal(said, few.survival(young.features, levelled=False))
    for language, word in (("en", "pace"), ("zh", "延伸")):
        told = summary(said, few, language=language)
        assert word in told["levels"][-1]["text"]
        assert told["mean"] == pytest.approx(said.mean(axis=0))


def test_one_cutoff_is_enough_for_curves_and_ten_customers_are_not(past, now):
    one = past.at(past.cutoffs[:1])
    assert fit_curves(one, now).state(180) == "calibrated"
    with pytest.raises(TooLittleData, match="there are 10 and"):
        fit_curves(past.take(np.arange(10)), now)
    with pytest.raises(TooLittleData, match="and 0"):
        fit_curves(Slices(past.features, replace(past.outcomes, event_observed=np.zeros(len(past), bool))), now)
    with pytest.raises(TooLittleData, match="there are 0"):
        fit_curves(past, past.cutoffs[0])


# ---- anchoring and the release --------------------------------------------------------------------------------


@given(st.integers(0, 10_000), st.sampled_from(["7d", "10d", "30d", "45d", "180d", "200d"]))
@settings(max_examples=60, deadline=None)
def test_anchored_curves_meet_p_churn_and_stay_curves(seed, text):
    random = np.random.default_rng(seed)
    horizon = Horizon.parse(text)
    hazard = random.exponential(0.1, (40, 6)) * (random.random((40, 6)) < 0.8)
    curves = np.exp(-np.cumsum(hazard, axis=1))
    p = np.concatenate([[0.0, 1.0, 1e-12, 1 - 1e-12], random.random(36)])
    bent = anchored(curves, horizon, p)
    assert (np.diff(bent, axis=1) <= 0).all()
    assert ((bent >= 0) & (bent <= 1)).all()
    if horizon.days in RELEASE_DAYS:
        assert np.array_equal(bent[:, RELEASE_DAYS.index(int(horizon.days))], p)
    inside = slice(2, None)
    if horizon.days <= 180:
        assert at_day(bent, horizon.days)[inside] == pytest.approx(p[inside], abs=1e-6)
    same = anchored(curves, horizon, np.clip(at_day(curves, horizon.days), 1e-9, 1))
    grown = at_day(curves, horizon.days) < 1 - 1e-9
    assert same[grown] == pytest.approx(curves[grown], abs=1e-9)


def test_anchoring_refuses_what_is_no_probability():
    with pytest.raises(UsageError, match="probabilities"):
        anchored(np.full((2, 6), 0.5), Horizon.parse("30d"), np.array([0.5, 1.5]))


def test_median_and_next_order():
    curves = np.vstack([np.exp(-0.1 * np.array(RELEASE_DAYS)), np.full(6, 1.0), np.zeros(6)])
    assert median_days(curves)[0] == pytest.approx(math.log(2) / 0.1)
    assert np.isnan(median_days(curves)[1])
    assert 0 <= median_days(curves)[2] <= 7
    key = Key.of(["a", "b", "c"], FIRST)
    told = next_order_at(key, curves, Gap.parse("2d")).to_pylist()
    assert f"{told[0]:%Y-%m-%d}" == "2024-01-10"
    assert told[1] is None


def test_the_release_table_has_a_row_for_each_customer_and_day(curves, past):
    features = past.features.at(past.cutoffs[-1:])
    said = curves.survival(features)
    table = survival_table(features.key, said)
    assert table.schema.names == [column.name for column in RELEASE_SURVIVAL.columns]
    assert table.num_rows == 6 * len(features)
    assert table["survival"].to_numpy().reshape(-1, 6) == pytest.approx(said)
    assert table["customer_id"].to_pylist()[6:12] == [features.key.customer_id[1].as_py()] * 6
    told = summary(said, curves, seen=(past.outcomes.duration[:500], past.outcomes.event_observed[:500], said[:500]))
    assert [one["share"] for one in told["typical"]] == [0.1, 0.25, 0.5, 0.75, 0.9]
    assert told["happened"][0]["group"] == "all"
