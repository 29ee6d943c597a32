"""Trials: the first decision assigns, windows are half-open, only closed follow-ups count, contamination is seen."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from holdfast.core.clock import Cutoff, Horizon
from holdfast.core.errors import TooLittleData, UsageError
from holdfast.core.schema import CUSTOMERS, EXPOSURES
from holdfast.core.trials import Trial
from holdfast.snapshot.deeds import Deeds
from holdfast.snapshot.trials import Exposed, enrolled, trial_of, whole_of

ENDS, MONTH = Cutoff.parse("2024-06-01"), Horizon.parse("30d")


def at(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


def micros(day: str) -> int:
    return Cutoff(at(day)).micros


def decided(who: str, arm: str, day: str, delivered: str | None = None, **more: Any) -> dict[str, Any]:
    every = [{"treatment_id": "nothing", "propensity": 0.4}, {"treatment_id": "mail", "propensity": 0.6}]
    row = {
        "decision_id": f"{who}{day}", "customer_id": who, "treatment_id": arm, "campaign_id": "spring", "arm": arm,
        "propensity": 0.4 if arm == "nothing" else 0.6, "arm_propensities": every, "cost": 500, "decided_at": at(day),
        "delivered_at": None if delivered is None else at(delivered),
    }  # fmt: skip
    return {**row, **more}


def done(orders: list[tuple[str, str, int]] = [], acts: list[tuple[str, str, str]] = []) -> Deeds:  # noqa: B006
    """(customer, day, revenue in money) and (customer, day, kind)."""
    bought = pa.table(
        {
            "customer_id": pa.array([one[0] for one in orders], pa.string()),
            "at": pa.array([micros(one[1]) for one in orders], pa.int64()),
            "revenue": pa.array([one[2] for one in orders], pa.int64()),
            "margin": pa.array([one[2] // 2 for one in orders], pa.int64()),
        }
    )
    other = pa.table(
        {
            "customer_id": pa.array([one[0] for one in acts], pa.string()),
            "at": pa.array([micros(one[1]) for one in acts], pa.int64()),
            "kind": pa.array([one[2] for one in acts], pa.string()),
        }
    )
    return Deeds(bought, other)


def found(rows: list[dict[str, Any]], deeds: Deeds | None = None, zone: str = "UTC") -> Trial:
    table = pa.Table.from_pylist(rows, EXPOSURES.schema)
    return trial_of(Exposed.of(table), deeds or done(), ENDS, MONTH, zone)


def test_windows_are_half_open_and_as_long_before_as_after() -> None:
    orders = [
        ("a", "2024-03-01T12:00", 7),  # before the window before
        ("a", "2024-03-02T12:00", 100), ("a", "2024-04-01T11:59", 200),  # before
        ("a", "2024-04-01T12:00", 1000), ("a", "2024-05-01T11:59", 2000),  # after
        ("a", "2024-05-01T12:00", 9), ("b", "2024-04-02", 5),
    ]  # fmt: skip
    one = found([decided("a", "mail", "2024-04-01T12:00")], done(orders))
    assert one.before["revenue"].tolist() == [300]
    assert one.after["revenue"].tolist() == [3000]
    assert one.after["orders"].tolist() == [2]
    assert one.after["ordered"].tolist() == [1]
    assert one.outcome("margin").tolist() == [0.15]
    assert one.cost.tolist() == [500]


def test_the_first_decision_of_a_campaign_assigns() -> None:
    rows = [
        decided("a", "mail", "2024-04-05", "2024-04-05"), decided("a", "nothing", "2024-04-01"),
        decided("a", "mail", "2024-04-03", campaign_id="other", delivered_at=at("2024-04-03")),
    ]  # fmt: skip
    one = found(rows)
    assert len(one) == 2
    spring = one.of("spring")
    assert [spring.arms[at] for at in spring.arm] == ["nothing"]
    assert spring.contaminated.tolist() == [True], "reached by a mail although assigned nothing"
    assert one.of("other").contaminated.tolist() == [False]
    assert one.who.tolist() == [0, 0], "one customer in two campaigns"
    with pytest.raises(UsageError, match="spring"):
        one.of("sprung")


def test_another_arms_treatment_contaminates_and_ones_own_does_not() -> None:
    rows = [
        decided("a", "mail", "2024-04-01", "2024-04-01"), decided("b", "mail", "2024-04-01", "2024-04-01"),
        decided("a", "mail", "2024-04-09", "2024-04-09", campaign_id="x"),
        decided("b", "call", "2024-04-30T23:00", "2024-04-30T23:00", campaign_id="x"),
        decided("c", "mail", "2024-04-01", "2024-04-01"), decided("c", "call", "2024-05-01", "2024-05-01", campaign_id="x"),
    ]  # fmt: skip
    one = found(rows).of("spring")
    assert dict(zip(one.customer_id.to_pylist(), one.contaminated.tolist(), strict=True)) == {
        "a": False,
        "b": True,
        "c": False,
    }


def test_only_closed_follow_ups_enter() -> None:
    one = found([decided("a", "mail", "2024-05-02"), decided("b", "mail", "2024-05-02T00:01")])
    assert one.closed.tolist() == [True, False]
    assert one.finished.customer_id.to_pylist() == ["a"]


def test_cohorts_are_local_days_of_the_assignment() -> None:
    late = [decided("a", "mail", "2024-04-01T23:30"), decided("b", "mail", "2024-04-02T00:30")]
    assert len(set(found(late, zone="UTC").cohort.tolist())) == 2
    assert len(set(found(late, zone="Europe/Berlin").cohort.tolist())) == 1


def test_chances_as_logged_for_all_arms_or_by_one_chance_per_arm() -> None:
    one = found([decided("a", "mail", "2024-04-01")])
    assert one.propensities.tolist() == [[0.4, 0.6]]
    bare = [
        decided("a", "mail", "2024-04-01", arm_propensities=None),
        decided("b", "nothing", "2024-04-01", arm_propensities=None),
    ]
    assert found(bare).propensities.tolist() == [[0.4, 0.6], [0.4, 0.6]]
    uneven = [*bare, decided("c", "mail", "2024-04-01", arm_propensities=None, propensity=0.2)]
    assert np.isnan(found(uneven).propensities).all(), "chances that differ by customer are not guessed"
    half = [decided("a", "mail", "2024-04-01", arm_propensities=None)]
    assert np.isnan(found(half).propensities).all(), "the other arm's chance is not known"


def test_every_name_of_doing_nothing_is_one_arm() -> None:
    rows = [
        decided("a", "control", "2024-04-01"),
        decided("b", "none", "2024-04-01"),
        decided("c", "mail", "2024-04-01"),
    ]
    assert found(rows).arms == ("nothing", "mail")


def test_without_decisions_there_is_nothing_to_measure() -> None:
    with pytest.raises(TooLittleData, match="no decision"):
        found([])


def test_the_whole_is_the_holdout_against_everybody_else() -> None:
    people = CUSTOMERS.conform(
        pa.table(
            {
                "customer_id": ["a", "b", "d"],
                "attributes": ['{"holdout": true}', '{"holdout": false}', '{"holdout": true}'],
            }
        )
    )
    orders = [
        ("a", "2024-01-01", 100),
        ("b", "2024-01-01", 100),
        ("b", "2024-04-02", 700),
        ("d", "2024-04-20", 100),
        ("d", "2024-04-25", 50),
    ]
    exposed = Exposed.of(pa.Table.from_pylist([decided("b", "mail", "2024-04-01", "2024-04-01")], EXPOSURES.schema))
    one = whole_of(exposed, done(orders), people, ENDS, MONTH, "UTC")
    arms = dict(zip(one.customer_id.to_pylist(), (one.arms[at] for at in one.arm), strict=True))
    assert arms == {"a": "nothing", "b": "holdfast", "d": "nothing"}
    revenue = dict(zip(one.customer_id.to_pylist(), one.after["revenue"].tolist(), strict=True))
    assert revenue == {"a": 0, "b": 700, "d": 50}, "a later customer starts after the first order"
    spent = dict(zip(one.customer_id.to_pylist(), one.cost.tolist(), strict=True))
    assert spent == {"a": 0, "b": 500, "d": 0}
    nobody = people.slice(1, 1)
    with pytest.raises(TooLittleData, match="held out"):
        whole_of(exposed, done(orders), nobody, ENDS, MONTH, "UTC")


def test_what_guardrails_watch() -> None:
    acts = [
        ("a", "2024-04-02", "unsubscribed"),
        ("a", "2024-04-03", "unsubscribed"),
        ("a", "2024-04-02", "returns"),
        ("a", "2024-04-04", "returns"),
    ]
    one = found([decided("a", "mail", "2024-04-01")], done(acts=acts))
    assert one.after["unsubscribed"].tolist() == [1]
    assert one.after["returns"].tolist() == [2]
    assert one.after["complaints"].tolist() == [0]


def test_the_holdout_that_holdfast_wrote_down() -> None:
    """Everybody counts from the instant of their own assignment; whoever is assigned later than the end is not there."""
    exposed = Exposed.of(pa.Table.from_pylist([decided("b", "mail", "2024-04-02", "2024-04-02")], EXPOSURES.schema))
    orders = [("a", "2024-04-02", 10), ("b", "2024-04-20", 30), ("b", "2024-05-15", 70)]
    at_ = np.array([micros("2024-04-01"), micros("2024-04-10")])
    one = enrolled(
        exposed, done(orders), pa.array(["a", "b"]), at_, np.array([True, False]), np.array([0.1, 0.1]), ENDS, MONTH, "UTC"
    )  # fmt: skip
    assert [one.arms[place] for place in one.arm] == ["nothing", "holdfast"]
    assert one.after["revenue"].tolist() == [10, 30]
    assert one.propensities.tolist() == [[0.1, 0.9], [0.1, 0.9]]
    assert one.cost.tolist() == [0, 0], "what was spent before the own assignment is not counted"
    assert one.contaminated.tolist() == [False, False]
