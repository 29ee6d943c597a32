"""The outbox is emptied at least once each: crashes, leases, waits, last looks, dead letters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from holdfast.core.contact import Blocked, Cap, Message, Receipt
from holdfast.core.errors import ConfigError
from holdfast.core.state import CLAIMS, SpendLimits
from holdfast.decide.contact import People, Rules, last_look
from holdfast.decide.contact.people import LEFT
from holdfast.decide.contact.quiet import Quiet
from holdfast.deliver.recorded import Recorded
from holdfast.deliver.send import backoff, drain
from holdfast.engine.state.contacts import Contacts
from holdfast.engine.state.database import StateDb
from holdfast.engine.state.ledger import SqliteLedger
from holdfast.engine.state.outbox import Outbox

NOW = datetime(2024, 5, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def letters(n: int, **other: Any) -> list[Message]:
    return [Message(f"d{i}", f"c{i}", "mail", subject=f"s{i}", address=f"a{i}@x.example", **other) for i in range(n)]


def committed(db: StateDb, messages: Sequence[Message], limits: SpendLimits, cost: int = 100) -> SqliteLedger:
    ledger = SqliteLedger(db)
    rows = [
        {"decision_id": m.decision_id, "customer_id": m.customer_id, "treatment_id": "news", "channel": m.channel,
         "purpose": m.purpose, "at": m.due_at or NOW, "cost": cost, "transactional": False}
        for m in messages
    ]  # fmt: skip
    ledger.reserve("p", pa.Table.from_pylist(rows, schema=CLAIMS), limits, NOW)
    ledger.commit([m.decision_id for m in messages], NOW, messages)
    return ledger


def body(db: StateDb, decision: str) -> str | None:
    with db.read() as connection:
        return connection.execute("SELECT body FROM outbox WHERE decision_id = ?", (decision,)).fetchone()[0]


def test_everything_due_is_sent_once_and_its_words_are_forgotten(db: StateDb) -> None:
    box, fake = Outbox(db), Recorded("mail")
    box.put([*letters(25), Message("later", "c", "mail", due_at=NOW + HOUR), Message("other", "c", "sms")], NOW)
    assert body(db, "d3")
    found = drain(box, fake, NOW, count=10)
    assert found.as_dict() == {"sent": 25, "later": 0, "postponed": 0, "given_up": 0, "reasons": {}}
    assert sorted(one.decision_id for one in fake.messages) == sorted(f"d{i}" for i in range(25))
    assert fake.messages[0].subject
    assert body(db, "d3") is None
    assert drain(box, fake, NOW).sent == 0
    assert drain(box, fake, NOW + HOUR).sent == 1
    assert box.counts() == {"mail": {"sent": 26}, "sms": {"waiting": 1}}


class Dies(Recorded):
    """A worker that dies after so many messages: nothing it has sent since the last mark is marked."""

    def send(self, messages: Sequence[Message]) -> Iterator[Receipt]:
        for i, receipt in enumerate(super().send(messages)):
            if i == 3:
                raise KeyboardInterrupt
            yield receipt


def test_a_worker_that_vanishes_leaves_its_messages_to_the_next(db: StateDb) -> None:
    box, fake = Outbox(db), Recorded("mail")
    box.put(letters(5), NOW)
    assert len(box.claim("mail", NOW, "vanished", count=3)) == 3  # and is never heard of again
    assert drain(box, fake, NOW).sent == 2
    assert drain(box, fake, NOW + timedelta(minutes=9)).sent == 0
    assert drain(box, fake, NOW + timedelta(minutes=10)).sent == 3
    assert not box.later("d0", "vanished", NOW, "too late")  # its marks change nothing any more
    assert box.counts() == {"mail": {"sent": 5}}


def test_what_was_sent_before_the_crash_is_marked(db: StateDb) -> None:
    box, fake = Outbox(db), Dies("mail")
    box.put(letters(6), NOW)
    with pytest.raises(KeyboardInterrupt):
        drain(box, fake, NOW)
    assert box.counts() == {"mail": {"sent": 3, "waiting": 3}}
    rest = Recorded("mail")
    assert drain(box, rest, NOW).sent == 3  # given back at once, not after the lease
    # The one in the air when it died goes out a second time under its own id; no other does.
    assert {one.decision_id for one in fake.messages} & {one.decision_id for one in rest.messages} == {"d3"}


def test_what_fails_waits_longer_each_time_and_dies_with_its_reason(db: StateDb) -> None:
    box, fake = Outbox(db), Recorded("mail", {"d0": ["later"] * 99, "d1": ["refused"]})
    ledger = committed(db, letters(3), SpendLimits("may", money=300))
    now, tried = NOW, []
    assert drain(box, fake, now, ledger=ledger, tries=4).as_dict()["reasons"] == {"as the script says": 1}
    for tries in range(1, 4):
        wait = timedelta(seconds=backoff("d0", tries))
        assert drain(box, fake, now + wait - timedelta(seconds=5), ledger=ledger, tries=4).later == 0
        now += wait + timedelta(seconds=5)
        tried.append(drain(box, fake, now, ledger=ledger, tries=4))
    assert [one.later for one in tried] == [1, 1, 0]
    assert tried[-1].reasons == {"d0": "as the script says"}
    assert [one for one, _ in box.dead()] == ["d1", "d0"]
    # What never left gives its money back and is no contact.
    assert ledger.balances("may")[1].left == 200
    assert Contacts(db).sent(["c0", "c1", "c2"], NOW)["customer_id"].to_pylist() == ["c2"]
    # Only anew through the ledger can it leave after all.
    assert box.revive(["d0"], now) == 0
    committed(db, letters(1), SpendLimits("may", money=300))
    assert drain(box, Recorded("mail"), now, ledger=ledger).sent == 1
    assert ledger.balances("may")[1].spent == 200


def test_a_dead_letter_without_a_ledger_may_be_revived(db: StateDb) -> None:
    box = Outbox(db)
    box.put(letters(1), NOW)
    drain(box, Recorded("mail", {"d0": ["refused"]}), NOW)
    assert box.revive(["d0", "x"], NOW) == 1
    assert drain(box, Recorded("mail"), NOW).sent == 1


class Busy(Recorded):
    def send(self, messages: Sequence[Message]) -> Iterator[Receipt]:
        yield from (Receipt(one.decision_id, "later", "busy", wait_seconds=7200.0) for one in messages)


def test_a_receiver_that_names_a_time_is_heard(db: StateDb) -> None:
    box = Outbox(db)
    box.put(letters(1), NOW)
    assert drain(box, Busy("mail"), NOW).later == 1
    assert drain(box, Recorded("mail"), NOW + timedelta(seconds=7190)).sent == 0
    assert drain(box, Recorded("mail"), NOW + timedelta(seconds=7210)).sent == 1


def test_a_message_whose_time_has_passed_is_dropped(db: StateDb) -> None:
    box, messages = Outbox(db), letters(2, until=NOW + HOUR)
    ledger = committed(db, messages, SpendLimits("may", money=200))
    found = drain(box, Recorded("mail"), NOW + 2 * HOUR, ledger=ledger)
    assert found.reasons == dict.fromkeys(["d0", "d1"], "its time has passed")
    assert ledger.balances("may")[1].left == 200
    assert body(db, "d0") is None


def test_the_last_look_sees_what_happened_since(db: StateDb) -> None:
    table = pa.table(
        {"customer_id": [f"c{i}" for i in range(5)], "consents": ['{"mail": true}'] * 4 + ['{"mail": false}']}
    )
    left = pa.Table.from_pylist([{"customer_id": "c1", "channel": "mail", "occurred_at": NOW}], schema=LEFT)
    people = People.of(table, "UTC", left).take(np.array([0, 1, 2, 4]))
    rules = Rules({"mail": (Cap.parse("1 per 1d"),)}, {"all": Quiet.parse("21:00-08:00")})
    committed(db, letters(5), SpendLimits("may"))
    box, fake, look = Outbox(db), Recorded("mail"), last_look(people, rules, Contacts(db))
    night = NOW + 13 * HOUR
    found = drain(box, fake, night, look=look, ledger=SqliteLedger(db))
    assert (found.sent, found.postponed) == (0, 2)
    assert found.reasons == {"d1": "unsubscribed (mail)", "d3": "not a customer any more (mail)", "d4": "consent refused (mail)"}  # fmt: skip
    assert drain(box, fake, night + HOUR, look=look).sent == 0
    assert drain(box, fake, NOW + 23 * HOUR, look=look).sent == 2
    # Sent at eight, not at nine as planned: the cap counts from when it left.
    assert Contacts(db).sent(["c0"], NOW)["at"].to_pylist()[0] >= NOW + 23 * HOUR


def test_two_messages_of_one_customer_leave_one_after_the_other(db: StateDb) -> None:
    people = People.of(pa.table({"customer_id": ["c"], "consents": ['{"mail": true}']}), "UTC")
    pair = [Message(one, "c", "mail", due_at=NOW + i * 2 * HOUR) for i, one in enumerate(("x", "y"))]
    committed(db, pair, SpendLimits("may"))
    rules = Rules({"mail": (Cap.parse("1 per 2h"),)})
    box, fake = Outbox(db), Recorded("mail")
    look = last_look(people, rules, Contacts(db))
    # Both are overdue, the first by five hours: sent now, it moves the second by two more.
    found = drain(box, fake, NOW + 5 * HOUR, look=look)
    assert (found.sent, found.postponed) == (1, 1)
    assert [one.decision_id for one in fake.messages] == ["x"]
    assert drain(box, fake, NOW + 7 * HOUR + timedelta(seconds=5), look=look).sent == 1


class Lost(Recorded):
    def send(self, messages: Sequence[Message]) -> Iterator[Receipt]:
        raise ConfigError("the environment variable SHOP_MAIL is not set")


def test_a_channel_that_is_not_set_up_costs_no_try(db: StateDb) -> None:
    box = Outbox(db)
    box.put(letters(3), NOW)
    for _ in range(20):
        with pytest.raises(ConfigError, match="SHOP_MAIL"):
            drain(box, Lost("mail"), NOW, tries=2)
    assert drain(box, Recorded("mail"), NOW, tries=2).sent == 3


def test_a_look_may_say_no_for_good(db: StateDb) -> None:
    box = Outbox(db)
    box.put(letters(1), NOW)
    found = drain(box, Recorded("mail"), NOW, look=lambda *_: Blocked("suppressed", "mail"))
    assert found.reasons == {"d0": "on the suppression list (mail)"}
    assert box.counts() == {"mail": {"dropped": 1}}
