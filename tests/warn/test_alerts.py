"""Laws of the list: capacity, cool-down, hysteresis, one alert a customer, no row order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.clock import Cutoff, Gap
from holdfast.core.errors import ConfigError, UsageError
from holdfast.core.schema import INSTANT, RELEASE_ALERTS
from holdfast.warn.alerts import EARLIER, Raised, as_earlier, check, raise_alerts
from holdfast.warn.settings import AlertSettings

START = Cutoff.parse("2024-05-01")
scores = st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.integers(0, 20), max_size=14)


def later(days: int) -> Cutoff:
    return START.plus(Gap(timedelta(days=days)))


def people(score: Mapping[str, float]) -> pa.Table:
    return pa.table(
        {"customer_id": pa.array(list(score), pa.string()), "score": pa.array([float(s) for s in score.values()])}
    )


def known(rows: list[tuple[str, Cutoff, bool, Cutoff | None]]) -> pa.Table:
    return pa.table(
        [
            pa.array([one[0] for one in rows], pa.string()),
            pa.array([one[1].at for one in rows], INSTANT),
            pa.array([one[2] for one in rows], pa.bool_()),
            pa.array([one[3] and one[3].at for one in rows], INSTANT),
        ],
        schema=EARLIER,
    )


def names(raised: Raised) -> list[str]:
    return [str(one) for one in raised.alerts["customer_id"].to_pylist()]


@settings(max_examples=100, deadline=None)
@given(st.lists(scores, min_size=1, max_size=5), st.integers(0, 6), st.floats(0, 10))
def test_no_list_exceeds_the_capacity_or_names_somebody_twice(
    checks: list[dict[str, int]], capacity: int, raise_from: float
) -> None:
    rules, earlier = AlertSettings(capacity=capacity, raise_from=raise_from), None
    for place, score in enumerate(checks):
        raised = check(people(score), later(7 * place), rules, earlier)
        assert len(names(raised)) <= capacity
        assert len(set(names(raised))) == len(names(raised))
        assert raised.clear_at <= raised.raise_at
        assert (raised.score[raised.fresh] >= raised.raise_at).all()
        assert (raised.score >= raised.clear_at).all()
        earlier = as_earlier(raised)


@settings(max_examples=60, deadline=None)
@given(scores, scores, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(first: dict[str, int], second: dict[str, int], random: object) -> None:
    rules = AlertSettings(capacity=4)
    earlier = as_earlier(check(people(first), START, rules))
    rows = list(second.items())
    random.shuffle(rows)  # type: ignore[attr-defined]
    one, other = (check(people(dict(some)), later(7), rules, earlier) for some in (list(second.items()), rows))
    assert one.alerts.equals(other.alerts)
    assert one.ended == other.ended


def test_an_open_alert_holds_its_place_until_it_falls_below_the_lower_threshold() -> None:
    rules = AlertSettings(capacity=1, clear_share=0.7)
    earlier = as_earlier(check(people({"a": 10.0, "b": 9.0}), START, rules))
    still = check(people({"a": 9.0, "b": 10.0}), later(7), rules, earlier)
    assert names(still) == ["a"]
    assert still.alerts["raised_at"].to_pylist() == [START.at]
    assert not still.fresh.any()
    gone = check(people({"a": 6.9, "b": 10.0}), later(7), rules, earlier)
    assert names(gone) == ["b"]
    assert gone.ended == ("a",)
    assert names(check(people({"a": 9.0, "b": 10.0}), later(7), rules)) == ["b"]  # without a past nobody holds a place


@given(st.integers(0, 60), st.integers(1, 60))
def test_nobody_is_raised_again_before_the_cool_down_is_over(days: int, cool: int) -> None:
    earlier = known([("a", START, False, later(cool))])
    raised = check(people({"a": 5.0}), later(days), AlertSettings(capacity=3), earlier)
    assert names(raised) == ([] if days < cool else ["a"])
    assert raised.fresh.all()


def test_an_alert_that_nobody_worked_on_ends_and_is_followed_by_the_cool_down() -> None:
    rules = AlertSettings(open_for="30d", cool_down="30d")
    earlier = known([("a", START, True, None)])
    for days, expected, ended in ((29, ["a"], ()), (30, [], ("a",)), (59, [], ("a",)), (60, ["a"], ())):
        raised = check(people({"a": 5.0}), later(days), rules, earlier)
        assert names(raised) == expected, days
        assert raised.ended == ended
    assert raised.fresh.all()  # a new alert, not the old one


def test_a_snoozed_alert_sleeps_and_comes_back_with_its_own_day() -> None:
    earlier = known([("a", START, True, later(10))])
    asleep = check(people({"a": 5.0, "b": 1.0}), later(7), AlertSettings(capacity=1), earlier)
    assert names(asleep) == ["b"]
    assert asleep.waiting == ("a",)
    assert asleep.ended == ()
    awake = check(people({"a": 5.0}), later(10), AlertSettings(capacity=1), earlier)
    assert names(awake) == ["a"]
    assert awake.alerts["raised_at"].to_pylist() == [START.at]


def test_a_score_of_nothing_raises_nothing() -> None:
    assert raise_alerts(people({"a": 0.0}), START).num_rows == 0
    assert raise_alerts(people({"a": 2.0, "b": 1.0}), START, AlertSettings(raise_from=1.5)).num_rows == 1
    assert raise_alerts(people({"a": 2.0}), START, AlertSettings(capacity=0)).column_names == list(RELEASE_ALERTS.names)


def test_what_makes_no_sense_is_refused() -> None:
    twice = pa.table({"customer_id": ["a", "a"], "score": [1.0, 2.0]})
    with pytest.raises(UsageError, match="twice"):
        raise_alerts(twice, START)
    with pytest.raises(UsageError, match="no number"):
        raise_alerts(people({"a": np.nan}), START)
    with pytest.raises(UsageError, match="earlier alert"):
        raise_alerts(people({}), START, None, known([("a", START, True, None)] * 2))
    with pytest.raises(ConfigError, match="no sense"):
        AlertSettings(clear_share=0.0)
