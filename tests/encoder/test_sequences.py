"""Event sequences: what is known later changes nothing; a slow reader says the same; bad input is survived."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.features.shops import ITEM_ROWS, START, ZONES, cutoffs, localised, log_of, rows

from holdfast.core.clock import Cutoff
from holdfast.core.errors import UsageError
from holdfast.core.log import EventLog
from holdfast.core.sequences import EventSequences, tiny_sequences
from holdfast.core.tables import Key
from holdfast.engine.duck import Engine
from holdfast.snapshot.fold import fold_orders, stamped, survey
from holdfast.snapshot.ledger import Ledger, _numbered
from holdfast.snapshot.observed import Observed
from holdfast.snapshot.sequences import Grain, sequences

LAW = settings(
    max_examples=6, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
GRAINS = st.sampled_from(("order", "line"))


def light(engine: Engine, log: EventLog, *, labels: bool = True) -> Ledger:
    """A ledger of what sequences and (if asked) labels read; the rest of the folding takes most of a test's time."""
    seen = survey(engine, log.events)
    people, goods = (
        engine.cached(_numbered(log.events, a, b)) for a, b in (("customer_id", "who"), ("item_id", "item"))
    )
    orders = None
    if labels:
        orders = engine.cached(fold_orders(stamped(log.events.join(people, "customer_id"), seen, log.zone)))
    return Ledger(engine, log, seen, people, goods, None, orders, None, None)


def read(
    engine: Engine, events: list[dict[str, Any]], zone: str, at: tuple[Cutoff, ...], grain: Grain, *,
    length: int = 100, items: Any = ITEM_ROWS, key: Key | None = None,
) -> EventSequences:  # fmt: skip
    ledger = light(engine, log_of(engine, events, zone, items), labels=False)
    return sequences(Observed(ledger, at), key, length=length, grain=grain)


def known(events: list[dict[str, Any]], cutoff: Cutoff) -> list[dict[str, Any]]:
    """The history as it was at the cutoff: later rows gone, later retractions undone."""
    return [
        {**row, "retracted_at": None if _later(row["retracted_at"], cutoff) else row["retracted_at"]}
        for row in events
        if row["recorded_at"] < cutoff.at and row["occurred_at"] < cutoff.at
    ]


def _later(instant: Any, cutoff: Cutoff) -> bool:
    return instant is not None and instant >= cutoff.at


@LAW
@given(data=st.data())
def test_deleting_what_was_recorded_later_changes_no_sequence(engine: Engine, data: st.DataObject) -> None:
    zone, grain = data.draw(st.sampled_from(ZONES)), data.draw(GRAINS)
    events = localised(data.draw(rows()), zone)
    at = data.draw(cutoffs(zone))
    whole = read(engine, events, zone, at, grain)
    for one in at:
        before = known(events, one)
        items = [row for row in ITEM_ROWS if row["valid_from"] is not None and row["valid_from"] < one.at]
        now = whole.at([one])
        if not before:
            assert len(now) == 0
            continue
        alone = read(engine, before, zone, (one,), grain, items=items)
        assert alone.fingerprint == now.fingerprint


@LAW
@given(data=st.data())
def test_a_slow_reader_sees_the_same_events(engine: Engine, data: st.DataObject) -> None:
    zone, grain = data.draw(st.sampled_from(ZONES)), data.draw(GRAINS)
    events = localised(data.draw(rows()), zone)
    at = data.draw(cutoffs(zone))
    made = read(engine, events, zone, at, grain)
    found = {(who, one.micros): _slow(events, who, one, grain) for one in at for who in "abcd"}
    expected = {pair: said for pair, said in found.items() if said}
    assert {(a.as_py(), int(b)) for a, b in zip(made.key.customer_id, made.key.cutoff, strict=True)} == set(expected)
    for row in range(len(made)):
        table = made.table(row)
        said = expected[made.key.customer_id[row].as_py(), int(made.key.cutoff[row])]
        columns = ("occurred_at", "event_type", "amount", "lines", "item_id", "category", "channel", "hour", "weekday")
        assert list(zip(*(table[name].to_pylist() for name in columns), strict=True)) == said


def _slow(events: list[dict[str, Any]], who: str, cutoff: Cutoff, grain: str) -> list[tuple[Any, ...]]:
    groups: dict[Any, list[dict[str, Any]]] = {}
    for row in known(events, cutoff):
        if row["customer_id"] == who and row["retracted_at"] is None:
            order = row["order_id"] is not None and grain == "order"
            token = f"o{row['order_id']}" if order else f"e{row['event_id']}"
            groups.setdefault((row["occurred_at"], row["event_type"], token, row["recorded_at"]), []).append(row)
    return [_merged(key, groups[key], cutoff) for key in sorted(groups)]


def _merged(key: Any, lines: list[dict[str, Any]], cutoff: Cutoff) -> tuple[Any, ...]:
    def money(row: dict[str, Any]) -> float:
        if row["unit_price"] is None:
            return 0
        quantity = 1.0 if row["quantity"] is None else row["quantity"]
        return float(np.floor(max(0.0, quantity * row["unit_price"] - (row["discount"] or 0)) + 0.5))

    priced = any(row["unit_price"] is not None for row in lines)
    items = [(money(row), row["item_id"]) for row in lines if row["item_id"] is not None]
    item = max(items)[1] if items else None
    channels = [row["channel"] for row in lines if row["channel"] is not None]
    told = [
        i for i in ITEM_ROWS if i["item_id"] == item and i["valid_from"] is not None and i["valid_from"] < cutoff.at
    ]
    category = max(told, key=lambda one: one["valid_from"])["category"] if told else None
    return (
        key[0], key[1], int(sum(map(money, lines))) if priced else None, len(lines), item, category,
        max(channels, default=None), min(row["local_hour"] for row in lines),
        min(row["local_day"] for row in lines).weekday(),
    )  # fmt: skip


@LAW
@given(data=st.data(), seed=st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter_and_the_newest_are_kept(engine: Engine, data: st.DataObject, seed: Any) -> None:
    events, grain = localised(data.draw(rows()), "UTC"), data.draw(GRAINS)
    at = data.draw(cutoffs("UTC"))
    whole = read(engine, events, "UTC", at, grain)
    shuffled = list(events)
    seed.shuffle(shuffled)
    assert read(engine, shuffled, "UTC", at, grain).fingerprint == whole.fingerprint
    few = read(engine, events, "UTC", at, grain, length=3)
    assert few.fingerprint == whole.newest(3).fingerprint
    assert (few.seen == whole.lengths).all()
    assert (few.lengths <= 3).all()


def test_a_key_keeps_its_order_and_strangers_have_no_events(engine: Engine) -> None:
    events = localised(
        [
            {"event_id": f"e{at}", "customer_id": "ab"[at % 2], "occurred_at": START + timedelta(days=at),
             "recorded_at": START + timedelta(days=at), "event_type": "view", "source": "s", "source_id": "x"}
            for at in range(6)
        ],
        "UTC",
    )  # fmt: skip
    cutoff = Cutoff(START + timedelta(days=5))
    key = Key.of(["zoe", "b", "a"], cutoff)
    made = read(engine, events, "UTC", (cutoff,), "line", key=key)
    assert made.key.equals(key)
    assert made.lengths.tolist() == [0, 2, 3]
    assert made.first_at[0] == cutoff.micros
    assert made.take(np.array([2, 0])).lengths.tolist() == [3, 0]
    assert made.table(1)["occurred_at"].to_pylist() == [START + timedelta(days=1), START + timedelta(days=3)]


def test_rows_that_do_not_fit_are_refused() -> None:
    one = tiny_sequences({"ann": [(1, "view")]}, Cutoff.parse("2024-01-10"))
    with pytest.raises(UsageError, match="do not fit"):
        EventSequences(
            Key(pa.array(["a"]), np.array([1])), one.events, np.array([0, 2]), one.positions, one.seen, one.first_at
        )
