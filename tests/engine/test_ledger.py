"""Money in = spent + reserved + left, whatever planners do in whatever order; nothing is granted twice."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from holdfast.core.contact import CONTACTS, Cap, Message
from holdfast.core.errors import UsageError
from holdfast.core.state import CLAIMS, HOLDOUT, Arm, SpendLimits
from holdfast.engine.state.assignments import Assigned
from holdfast.engine.state.contacts import Contacts
from holdfast.engine.state.database import StateDb
from holdfast.engine.state.ledger import SqliteLedger
from holdfast.engine.state.outbox import Outbox

NOW = datetime(2024, 5, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def claim(decision: str, customer: str = "c1", **other: Any) -> dict[str, Any]:
    row = {"decision_id": decision, "customer_id": customer, "treatment_id": "news", "channel": "mail",
           "purpose": "marketing", "at": NOW, "cost": 100, "transactional": False}  # fmt: skip
    return {**row, **other}


def claims(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=CLAIMS)


def left(ledger: SqliteLedger, period: str = "may") -> dict[str, int | None]:
    return {f"{one.kind}:{one.name}".rstrip(":"): one.left for one in ledger.balances(period)}


def test_each_limit_refuses_what_is_too_much_and_lets_later_ones_pass(db: StateDb) -> None:
    ledger = SqliteLedger(db)
    limits = SpendLimits("may", money=450, channels={"phone": 1}, stock={"coupon": 1}, caps={"mail": (Cap.parse("2 per 7d"),)})  # fmt: skip
    found = ledger.reserve(
        "p",
        claims(
            claim("1"), claim("2", at=NOW + HOUR), claim("3", at=NOW + 2 * HOUR),
            claim("4", "c2", channel="phone"), claim("5", "c3", channel="phone"),
            claim("6", "c4", treatment_id="coupon"), claim("7", "c5", treatment_id="coupon", cost=10),
            claim("8", "c6", cost=51), claim("9", "c6", cost=50), claim("10", "c7", cost=0),
        ),
        limits,
        NOW,
    )  # fmt: skip
    assert found.reason == (
        "granted", "granted", "cap:mail", "granted", "channel:phone", "granted", "stock:coupon", "money", "granted", "granted",
    )  # fmt: skip
    assert left(ledger) == {"money": 0, "channel:mail": None, "channel:phone": 0, "stock:coupon": 0, "stock:news": None}
    assert found.counts()["granted"] == 6
    assert not ledger.discrepancies()


def test_the_same_decision_again_draws_nothing(db: StateDb) -> None:
    ledger, limits = SqliteLedger(db), SpendLimits("may", money=150)
    assert ledger.reserve("p", claims(claim("1"), claim("1")), limits, NOW).reason == ("granted", "again")
    assert ledger.reserve("p", claims(claim("1")), limits, NOW + HOUR / 2).reason == ("again",)
    assert ledger.reserve("p", claims(claim("1", "somebody else")), limits, NOW).reason == ("conflict",)
    # The second call held it anew: at the end of the first hour it has not lapsed.
    assert ledger.commit(["1", "1"], NOW + HOUR).reason == ("granted", "granted")
    assert ledger.commit(["1"], NOW + 9 * HOUR).reason == ("again",)
    assert ledger.reserve("p", claims(claim("1")), limits, NOW + 9 * HOUR).reason == ("again",)
    assert left(ledger)["money"] == 50


def test_a_crashed_planner_holds_nothing_for_ever_and_cannot_spend_late(db: StateDb) -> None:
    ledger, limits = SqliteLedger(db), SpendLimits("may", money=100)
    assert ledger.reserve("crashed", claims(claim("1")), limits, NOW).granted.all()
    assert ledger.reserve("next", claims(claim("2", "c2")), limits, NOW + HOUR - timedelta(microseconds=1)).reason == ("money",)  # fmt: skip
    assert ledger.reserve("next", claims(claim("2", "c2")), limits, NOW + HOUR).reason == ("granted",)
    assert ledger.commit(["1", "2", "3"], NOW + HOUR).reason == ("expired", "granted", "unknown")
    assert left(ledger)["money"] == 0
    # Once its money is free again it may be reserved like any other.
    assert ledger.revoke(["1", "2"], NOW + HOUR) == 1
    assert ledger.reserve("crashed", claims(claim("1")), limits, NOW + 2 * HOUR).reason == ("granted",)


def test_release_and_revoke_give_back_once(db: StateDb) -> None:
    ledger, limits = SqliteLedger(db), SpendLimits("may", money=300, channels={"mail": 3})
    ledger.reserve("p", claims(claim("1"), claim("2", "c2"), claim("3", "c3")), limits, NOW)
    ledger.commit(["1"], NOW)
    assert [ledger.release(["1", "2", "2", "x"], NOW) for _ in range(2)] == [1, 0]
    assert left(ledger) == {"money": 100, "channel:mail": 1, "stock:news": None}
    assert [ledger.revoke(["1", "2", "3"], NOW) for _ in range(2)] == [1, 0]
    assert left(ledger)["money"] == 200
    assert not ledger.discrepancies()


def test_a_lowered_limit_is_said_and_nothing_more_is_granted(db: StateDb) -> None:
    ledger = SqliteLedger(db)
    ledger.reserve("p", claims(claim("1"), claim("2", "c2")), SpendLimits("may", money=500), NOW)
    found = ledger.reserve("p", claims(claim("3", "c3"), claim("4", "c4", cost=0)), SpendLimits("may", money=150), NOW)
    assert found.reason == ("money", "granted")
    assert left(ledger)["money"] == -50


def test_periods_do_not_share_money_but_customers_share_caps(db: StateDb) -> None:
    ledger, caps = SqliteLedger(db), {"all": (Cap.parse("1 per 1d"),)}
    assert ledger.reserve("p", claims(claim("1")), SpendLimits("may", money=100, caps=caps), NOW).granted.all()
    rows = [claim("2", channel="sms"), claim("3", "c2"), claim("4", at=NOW + timedelta(days=1))]
    found = ledger.reserve("q", claims(*rows), SpendLimits("june", money=200, caps=caps), NOW)
    assert found.reason == ("cap:all", "granted", "granted")


def test_the_holdout_is_refused_by_the_ledger_itself(db: StateDb) -> None:
    chances = {"holdout": 0.1, "treated": 0.9}
    Assigned(db).assign(HOLDOUT, [Arm("c1", "holdout", chances, NOW), Arm("c2", "treated", chances, NOW)])
    found = SqliteLedger(db).reserve(
        "p", claims(claim("1"), claim("2", "c2"), claim("3", "c3")), SpendLimits("may"), NOW
    )
    assert found.reason == ("holdout", "granted", "granted")


def test_transactional_and_silent_decisions_fill_no_cap(db: StateDb) -> None:
    ledger, limits = (
        SqliteLedger(db),
        SpendLimits("may", caps={"all": (Cap.parse("1 per 1d"),), "sms": (Cap.parse("0"),)}),
    )
    rows = [claim("1", transactional=True), claim("2", channel=""), claim("3", channel="sms", transactional=True),
            claim("4", channel="sms"), claim("5"), claim("6")]  # fmt: skip
    assert ledger.reserve("p", claims(*rows), limits, NOW).reason == (*["granted"] * 3, "cap:sms", "granted", "cap:all")
    sent = Contacts(db).sent(["c1"], NOW)
    assert sent.schema == CONTACTS
    assert sent["decision_id"].to_pylist() == ["1", "3", "5"]
    assert Contacts(db).sent(["c1"], NOW + HOUR).num_rows == 0
    assert Contacts(db).sent(["c1"], NOW, NOW + HOUR / 2).num_rows == 3
    assert Contacts(db).sent(["c1"], NOW, NOW + HOUR).num_rows == 0  # lapsed, though nobody has released it yet
    ledger.commit(["1"], NOW)
    assert Contacts(db).sent(["c1"], NOW, NOW + HOUR).num_rows == 1


def test_what_only_the_log_knows_counts_and_what_both_know_counts_once(db: StateDb) -> None:
    ledger, caps = SqliteLedger(db), {"mail": (Cap.parse("2 per 1d"),)}
    ledger.reserve("p", claims(claim("1")), SpendLimits("may", caps=caps), NOW)
    told = pa.Table.from_pylist(
        [
            {"customer_id": "c1", "channel": "mail", "decision_id": "1", "at": NOW, "purpose": "marketing", "transactional": False},
            {"customer_id": "c2", "channel": None, "decision_id": None, "at": NOW, "purpose": "marketing", "transactional": False},
            {"customer_id": "c2", "channel": "mail", "decision_id": "x", "at": NOW, "purpose": "marketing", "transactional": False},
            {"customer_id": "c3", "channel": "mail", "decision_id": None, "at": NOW, "purpose": "receipt", "transactional": True},
        ],
        schema=CONTACTS,
    )  # fmt: skip
    rows = [claim("2"), claim("3", "c2"), claim("4", "c3"), claim("5", "c3"), claim("6", "c3")]
    found = ledger.reserve("p", claims(*rows), SpendLimits("may", caps=caps), NOW + HOUR, outside=told)
    assert found.reason == ("granted", "cap:mail", "granted", "granted", "cap:mail")


def test_commit_and_its_messages_are_one(db: StateDb) -> None:
    ledger, box = SqliteLedger(db), Outbox(db)
    ledger.reserve("p", claims(claim("1")), SpendLimits("may"), NOW)
    letters = [Message(one, "c1", "mail", subject="Hello") for one in ("1", "2")]
    ledger.commit(["1", "2"], NOW, letters)
    ledger.commit(["1"], NOW, letters)
    assert box.counts() == {"mail": {"waiting": 1}}
    ledger.reserve("p", claims(claim("3")), SpendLimits("may"), NOW)
    with pytest.raises(TypeError):  # a message that cannot be written undoes the commit
        ledger.commit(["3"], NOW, [Message("3", "c1", "mail", data={"x": object()})])
    assert ledger.release(["3"], NOW) == 1


def test_claims_that_make_no_sense_are_refused(db: StateDb) -> None:
    ledger = SqliteLedger(db)
    for row in (claim("1", cost=-1), claim("1", customer_id=None), claim("1", at=None)):
        with pytest.raises(UsageError, match="claims need"):
            ledger.reserve("p", claims(row), SpendLimits("may"), NOW)
    with pytest.raises(UsageError, match="below 0"):
        SpendLimits("may", money=-1)


#: Customer, cost and hours until it leaves.
WANTED = st.tuples(st.integers(0, 3), st.integers(0, 500), st.integers(0, 5))


class Planners(RuleBasedStateMachine):
    """Planners that reserve, commit, release, revoke and let time pass, beside a plain dictionary that does the same."""

    decisions: Bundle[str] = Bundle("decisions")

    @initialize(money=st.integers(0, 1500), stock=st.integers(0, 6), cap=st.integers(1, 3))
    def start(self, money: int, stock: int, cap: int) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.ledger = SqliteLedger(StateDb(Path(self.folder.name) / "state.db"))
        self.now, self.number = NOW, 0
        self.cap = Cap.parse(f"{cap} per 3h")
        self.limits = SpendLimits("may", money, {}, {"news": stock}, {"mail": (self.cap,)})
        self.rows: dict[str, dict[str, Any]] = {}

    def live(self) -> list[dict[str, Any]]:
        return [one for one in self.rows.values() if one["state"] != "free"]

    def lapse(self) -> None:
        for one in self.rows.values():
            if one["state"] == "reserved" and one["expires"] <= self.now:
                one["state"] = "free"

    @rule(target=decisions, wanted=st.lists(WANTED, min_size=1, max_size=4))
    def reserve(self, wanted: list[tuple[int, int, int]]) -> Any:
        self.lapse()
        new = []
        for customer, cost, hours in wanted:
            self.number += 1
            row = claim(f"d{self.number}", f"c{customer}", cost=cost, at=self.now + hours * HOUR)
            new.append({**row, "state": "free", "expires": self.now + HOUR})
        found = self.ledger.reserve("p", claims(*new), self.limits, self.now)
        for row, granted in zip(new, found.granted, strict=True):
            self.rows[row["decision_id"]] = row
            fits = self._fits(row)
            assert bool(granted) == fits
            row["state"] = "reserved" if fits else "free"
        return multiple(*(one["decision_id"] for one in new))

    def _fits(self, row: dict[str, Any]) -> bool:
        live = self.live()
        if row["cost"] and row["cost"] > (self.limits.money or 0) - sum(one["cost"] for one in live):
            return False
        if len(live) >= self.limits.stock["news"]:
            return False
        times = [one["at"] for one in live if one["customer_id"] == row["customer_id"]] + [row["at"]]
        return all(sum(end - 3 * HOUR < one <= end for one in times) <= self.cap.count for end in times)

    @rule(which=decisions)
    def commit(self, which: str) -> None:
        self.lapse()
        row = self.rows[which]
        before = row["state"]
        granted = self.ledger.commit([which], self.now).granted[0]
        assert bool(granted) == (before in ("reserved", "spent"))
        row["state"] = "spent" if granted else before

    @rule(which=consumes(decisions))
    def release(self, which: str) -> None:
        was = self.rows[which]["state"]
        assert self.ledger.release([which], self.now) == (was == "reserved")
        self.rows[which]["state"] = "free" if was == "reserved" else was

    @rule(which=consumes(decisions))
    def revoke(self, which: str) -> None:
        was = self.rows[which]["state"]
        assert self.ledger.revoke([which], self.now) == (was == "spent")
        self.rows[which]["state"] = "free" if was == "spent" else was

    @rule(minutes=st.integers(1, 90))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        self.lapse()
        self.ledger.lapse(self.now)

    @invariant()
    def money_in_is_spent_reserved_and_left(self) -> None:
        if not hasattr(self, "rows"):
            return
        assert not self.ledger.discrepancies()
        for one in self.ledger.balances("may"):
            if one.granted is not None and one.left is not None:
                assert one.granted == one.spent + one.reserved + one.left
                assert one.left >= 0
            if one.kind == "money":
                for state, kept in (("spent", one.spent), ("reserved", one.reserved)):
                    assert kept == sum(row["cost"] for row in self.rows.values() if row["state"] == state)

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()


TestPlanners = Planners.TestCase
TestPlanners.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
