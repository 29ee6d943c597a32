"""One planner as a process of its own: it asks when, reserves, perhaps dies, commits. Started by test_sends.py.

    python planner.py '{"folder": ..., "number": 0, "from": 0, "steps": 10, "batch": 500, "die": {"3": "reserved"}, ...}'

Prints the step it has finished after each; killed at a step, it is started again from that step.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.contact import Message
from holdfast.core.state import CLAIMS, SpendLimits
from holdfast.decide.contact import People, Rules, Suppression, due_all
from holdfast.decide.contact.people import LEFT
from holdfast.decide.contact.quiet import Quiet
from holdfast.decide.contact.rules import caps_of
from holdfast.engine.state.contacts import Contacts
from holdfast.engine.state.database import StateDb
from holdfast.engine.state.ledger import SqliteLedger

START = datetime(2024, 10, 25, 6, tzinfo=UTC)  # clocks change in Berlin on the 27th, in New York on 3 November
STEP = timedelta(hours=6)
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Shanghai", "Australia/Lord_Howe")
CAPS = {"all": "3 per 7d", "mail": "2 per 3d", "sms": "1 per 7d"}
QUIET = {"all": "21:00-08:00", "sms": "18:00-10:00"}
CONSENTS = ('{"mail": true, "sms": true}', '{"marketing": {"mail": true}}', '{"mail": false, "sms": true}', None)
#: What each of these agrees to, said once more so that the check does not read JSON.
AGREED = {"mail": (True, True, False, False), "sms": (True, False, True, False)}


def world(seed: int, customers: int) -> dict[str, NDArray[Any]]:
    """Who the customers are: indices of zone and consent, and who is held out, suppressed, unsubscribed from mail."""
    rng = np.random.default_rng([seed, 0])
    return {
        "zone": rng.integers(len(ZONES), size=customers),
        "consent": rng.choice(len(CONSENTS), customers, p=[0.6, 0.2, 0.1, 0.1]),
        "holdout": rng.random(customers) < 0.1,
        "suppressed": rng.random(customers) < 0.02,
        "unsubscribed": rng.random(customers) < 0.05,
    }


def people(found: dict[str, NDArray[Any]]) -> People:
    ids = pa.array([f"c{i}" for i in range(len(found["zone"]))])
    left = np.flatnonzero(found["unsubscribed"])
    return People(
        ids,
        pa.array(ZONES).take(pa.array(found["zone"])).dictionary_encode(),
        pa.array(CONSENTS, pa.string()).take(pa.array(found["consent"])),
        np.full(len(ids), np.iinfo(np.int64).min),
        left=pa.table(
            {
                "customer_id": ids.take(pa.array(left)),
                "channel": ["mail"] * len(left),
                "occurred_at": pa.array([START] * len(left), LEFT.field(2).type),
            }
        ).cast(LEFT),
    )


def limits(now: datetime, task: dict[str, Any]) -> SpendLimits:
    """Each week has its money, its messages by sms and its coupons."""
    week = (now - START).days // 7
    return SpendLimits(f"week {week}", task["money"], {"sms": task["sms"]}, {"coupon": task["coupons"]}, caps_of(CAPS))


def plan(task: dict[str, Any], everybody: People, rules: Rules, db: StateDb, step: int) -> None:
    """One batch: some customers, when each is due, what the ledger grants of it, and the commit."""
    rng, now = np.random.default_rng([task["seed"], 1, task["number"], step]), START + step * STEP
    rows = np.sort(rng.choice(len(everybody), task["batch"], replace=False))
    asked = everybody.take(rows)
    ids = asked.customer_id.to_pylist()
    history = Contacts(db).sent(ids, now - timedelta(days=8), now)
    channel = np.where(rng.random(len(rows)) < 0.8, "mail", "sms")
    at, keep = np.zeros(len(rows), np.int64), np.zeros(len(rows), bool)
    for name in ("mail", "sms"):
        found = due_all(asked, name, "marketing", now, history, rules)
        on = channel == name
        at[on], keep[on] = found.at[on], found.by(now + timedelta(hours=20))[on]
    some = np.flatnonzero(keep)
    claims = pa.table(
        {
            "decision_id": [f"{task['number']}-{step}-{i}" for i in some],
            "customer_id": [ids[i] for i in some],
            "treatment_id": np.where(rng.random(len(rows)) < 0.1, "coupon", "news")[some].tolist(),
            "channel": channel[some].tolist(),
            "purpose": ["marketing"] * len(some),
            "at": pa.array(at[some]).cast(pa.timestamp("us")).cast(CLAIMS.field("at").type),
            "cost": rng.integers(0, 1000, len(rows))[some],
            "transactional": [False] * len(some),
        },
        schema=CLAIMS,
    )
    ledger = SqliteLedger(db)
    granted = ledger.reserve(
        f"planner {task['number']}", claims, limits(now, task), now, hold=timedelta(days=3)
    ).granted
    die = task["die"].get(str(step))
    if die == "reserved":
        os.kill(os.getpid(), signal.SIGKILL)
    going = claims.filter(pa.array(granted))
    letters = [
        Message(d, c, ch, t, due_at=when)
        for d, c, ch, t, when in zip(*(going[n].to_pylist() for n in ("decision_id", "customer_id", "channel", "treatment_id", "at")), strict=True)
    ] if task["letters"] else []  # fmt: skip
    ledger.commit(going["decision_id"].to_pylist(), now, letters)
    if die == "committed":
        os.kill(os.getpid(), signal.SIGKILL)


def main(task: dict[str, Any]) -> None:
    found = world(task["seed"], task["customers"])
    listed = Suppression.of([("", f"c{i}") for i in np.flatnonzero(found["suppressed"])])
    rules = Rules(caps_of(CAPS), {k: Quiet.parse(v) for k, v in QUIET.items()}, suppression=listed)
    everybody, db = people(found), StateDb(Path(task["folder"]) / "state.db")
    for step in range(task["from"], task["steps"]):
        plan(task, everybody, rules, db, step)
        print(step, flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
