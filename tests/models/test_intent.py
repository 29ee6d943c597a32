"""Purchase intent looks at no event behind its prefix, says the same live as in bulk, and finds what was planted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from holdfast.core.errors import StateError, TooLittleData, UsageError
from holdfast.metrics.ranking import auc
from holdfast.models.intent.model import Intent, IntentFit, intent_after
from holdfast.models.intent.prefix import Prefixes, prefixes
from holdfast.models.intent.sessions import sessionise
from holdfast.models.intent.state import NAMES, History, state_of

START = datetime(2024, 5, 1, 8, tzinfo=UTC)
Event = dict[str, Any]


def visits(count: int = 600, seed: int = 1) -> list[Event]:
    """Visitors who look, sometimes fill a cart, and buy the likelier for it. Some come twice."""
    random = np.random.default_rng(seed)
    events = []
    for visit in range(count):
        who, at = (
            f"u{visit % (count * 2 // 3)}",
            START + timedelta(hours=float(visit), minutes=float(random.random() * 5)),
        )
        keen = random.random() < 0.3
        for _ in range(1 + int(random.poisson(4.0))):
            kind = "cart_add" if random.random() < (0.4 if keen else 0.03) else "view"
            item = int(random.integers(40))
            events.append(event(who, f"v{visit}", at, kind, item, float(5 + item) if random.random() < 0.9 else None))
            at += timedelta(seconds=float(5 + random.exponential(30.0)))
        if random.random() < (0.7 if keen else 0.03):
            events.append(event(who, f"v{visit}", at, "purchase", 1, 6.0))
    return events


def event(who: str, session: str | None, at: datetime, kind: str, item: int, price: float | None) -> Event:
    return {
        "customer_id": who, "session_id": session, "occurred_at": at, "event_type": kind, "item_id": f"i{item}",
        "category": f"c{item % 7}" if item % 5 else None, "unit_price": price,
    }  # fmt: skip


SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()), ("session_id", pa.string()), ("occurred_at", pa.timestamp("us", "UTC")),
        ("event_type", pa.string()), ("item_id", pa.string()), ("category", pa.string()), ("unit_price", pa.float64()),
    ]
)  # fmt: skip


def table(events: list[Event]) -> pa.Table:
    return pa.Table.from_pylist(events, SCHEMA)


def test_sessions_are_cut_by_id_or_by_silence() -> None:
    minutes = (0, 10, 39, 70, 71)
    events = [event("a", None, START + timedelta(minutes=m), "view", 1, 1.0) for m in minutes]
    assert sessionise(table(events)).size.tolist() == [3, 2]
    for one in events:
        one["session_id"] = "s"
    assert sessionise(table(events)).size.tolist() == [5]
    other = [event("b", "s", START, "view", 1, 1.0), event("b", None, START, "delivery", 1, 1.0)]
    assert len(sessionise(table(events + other))) == 2, "another visitor is another session; a parcel is no visit"


def by_id(rows: Prefixes) -> dict[str, tuple[Any, ...]]:
    values = np.nan_to_num(rows.features.values, nan=-9).tolist()
    names = rows.features.key.customer_id.to_pylist()
    return {name: (*value, bool(b)) for name, value, b in zip(names, values, rows.bought, strict=True)}


def test_the_order_of_rows_changes_nothing() -> None:
    events = visits(200)
    plain = prefixes(sessionise(table(events)), (1, 3))
    mixed = [events[at] for at in np.random.default_rng(2).permutation(len(events))]
    again = prefixes(sessionise(table(mixed)), (1, 3))
    assert by_id(plain) == by_id(again)


def test_no_event_behind_the_prefix_is_looked_at() -> None:
    events = visits(200)
    whole = prefixes(sessionise(table(events)), (3,))
    seen: dict[str, int] = {}
    cut = []
    for one in events:  # events come in order of time within a visit
        seen[one["session_id"]] = seen.get(one["session_id"], 0) + 1
        if seen[one["session_id"]] <= 3:
            cut.append(one)
    until = int(sessionise(table(events)).micros.max())
    short = prefixes(sessionise(table(cut)), (3,), known_until=until)
    assert short.features.key.equals(whole.features.key)
    ours = [name for name in NAMES if name not in ("purchases_before", "days_since_session", "sessions_before")]
    for name in ours:  # what is known of earlier visits was cut away here as well
        assert np.array_equal(short.features.column(name), whole.features.column(name), equal_nan=True), name
    assert whole.bought.any()
    assert not short.bought.any()


def test_one_running_session_says_what_the_bulk_says() -> None:
    events = visits(150)
    sessions = sessionise(table(events))
    rows = prefixes(sessions, (1, 2, 3, 5))
    by_visit: dict[str, list[Event]] = {}
    for one in events:
        by_visit.setdefault(one["session_id"], []).append(one)
    for place, name in enumerate(rows.features.key.customer_id.to_pylist()):
        visit, length = name.split("#")
        bulk = dict(zip(NAMES, rows.features.values[place], strict=True))
        last = bulk["days_since_session"]
        first = by_visit[visit][0]["occurred_at"]
        ended = None if np.isnan(last) else int(first.timestamp() * 1e6 - float(last) * 86_400e6)
        known = History(int(bulk["sessions_before"]), int(bulk["purchases_before"]), ended)
        live = state_of(by_visit[visit][: int(length)], known).numbers()
        for key in NAMES:
            assert live[key] == pytest.approx(bulk[key], rel=2e-5, abs=2e-4, nan_ok=True), (name, key)


def test_what_was_planted_is_found_and_more_events_tell_more() -> None:
    rows = prefixes(sessionise(table(visits(1500))), (1, 3, 5))
    train = rows.customer % 2 == 0
    for learner in ("logistic", "lightgbm"):
        fit = Intent(learner=learner).fit(rows.take(train))
        said = fit.predict(rows.features)
        after = {k: auc(rows.bought[at], said[at]) for k in (1, 3, 5) for at in [~train & (rows.length == k)]}
        assert after[5] > 0.8
        assert after[5] > after[1] + 0.1


def test_a_fit_is_bytes_and_answers_for_one_session() -> None:
    events = visits(600)
    rows = prefixes(sessionise(table(events)), (1, 2, 3))
    fit = Intent().fit(rows)
    again = IntentFit.from_bytes(fit.to_bytes())
    assert np.array_equal(again.predict(rows.features), fit.predict(rows.features))
    assert b"v17" not in fit.to_bytes()
    looks = [event("x", "s", START + timedelta(seconds=10 * at), "view", 3, 8.0) for at in range(3)]
    carts = [*looks[:2], event("x", "s", START + timedelta(seconds=20), "cart_add", 3, 8.0)]
    assert intent_after(again, carts) > 3 * intent_after(again, looks)
    with pytest.raises(StateError):
        IntentFit.from_bytes(b'{"format": 1, "kind": "other"}')


def test_sessions_that_may_still_go_on_are_left_out() -> None:
    events = visits(100)
    sessions = sessionise(table(events))
    until = int(sessions.micros.max())
    rows = prefixes(sessions, (1,))
    assert rows.begins.max() + 30 * 60e6 <= until
    assert len(prefixes(sessions, (1,), known_until=until + 3_600_000_000)) == len(rows) + 1


def test_sessions_side_by_side_do_not_know_each_other() -> None:
    at = [START, START + timedelta(minutes=5), START + timedelta(hours=3)]
    events = [event("a", f"s{i}", when, "view", i, 1.0) for i, when in enumerate(at)]
    events += [event("a", "s0", START + timedelta(minutes=9), "purchase", 0, 1.0)]
    rows = prefixes(sessionise(table(events)), (1,), known_until=int(at[2].timestamp() * 1e6) + 10**10)
    found = dict(zip(rows.features.key.customer_id.to_pylist(), range(3), strict=True))
    before = rows.features.column("sessions_before")
    assert [before[found[f"s{i}#1"]] for i in range(3)] == [0, 0, 2]
    assert rows.features.column("purchases_before")[found["s2#1"]] == 1


def test_bad_input_is_refused_with_a_remedy() -> None:
    good = table(visits(40))
    with pytest.raises(UsageError, match="occurred_at"):
        sessionise(good.drop_columns(["occurred_at"]))
    with pytest.raises(TooLittleData, match="no event of a session"):
        sessionise(good.slice(0, 0))
    with pytest.raises(TooLittleData, match="no session has 500 events"):
        prefixes(sessionise(good), (500,))
    looks = table([one for one in visits(200) if one["event_type"] != "purchase"])
    with pytest.raises(TooLittleData, match="0 sessions bought"):
        Intent().fit(prefixes(sessionise(looks), (1,)))


@pytest.mark.real_data
def test_rees46(real_data: Path) -> None:
    from holdfast.bench.intent import by_customer, events_of, learnt
    from holdfast.core.progress import SILENT

    sessions = sessionise(events_of("rees46"))
    assert len(sessions) == 5067
    rows = prefixes(sessions, (1, 2, 5), closing_minutes=10)
    said = learnt(rows, by_customer(rows), SILENT)
    at = rows.length == 2
    assert auc(rows.bought[at], said["logistic"][at]) > 0.62
