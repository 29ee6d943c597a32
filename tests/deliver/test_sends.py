"""Planners at once, as real processes, some of them killed: no cap, consent, quiet hour, budget or holdout is violated.

What was committed is read from the file and judged by its own few lines here, not by the code that let it pass.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.typing import NDArray

from holdfast.core.clock import from_micros
from holdfast.core.state import HOLDOUT, Arm
from holdfast.deliver.recorded import Recorded
from holdfast.deliver.send import drain
from holdfast.engine.state.assignments import Assigned
from holdfast.engine.state.database import StateDb
from holdfast.engine.state.ledger import SqliteLedger
from holdfast.engine.state.outbox import Outbox

from . import planner

HERE = Path(__file__).parent
DAY = 86_400_000_000


def start(task: dict[str, Any]) -> subprocess.Popen[str]:
    env = {**os.environ, "PYTHONPATH": str(HERE.parents[1] / "src"), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, str(HERE / "planner.py"), json.dumps(task)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
    )  # fmt: skip


def simulate(folder: Path, planners: int, die: dict[int, dict[str, str]], **task: Any) -> int:
    """Run planners to their end, starting each again where it was killed. Returns how often one was killed."""
    found = planner.world(task["seed"], task["customers"])
    chances = {HOLDOUT: 0.1, "treated": 0.9}
    arms = [
        Arm(f"c{i}", HOLDOUT if held else "treated", chances, planner.START) for i, held in enumerate(found["holdout"])
    ]
    Assigned(StateDb(folder / "state.db")).assign(HOLDOUT, arms)
    tasks = [{**task, "folder": str(folder), "number": i, "from": 0, "die": die.get(i, {})} for i in range(planners)]
    running = {i: start(one) for i, one in enumerate(tasks)}
    killed = 0
    try:
        while running:
            time.sleep(0.02)
            for i, process in list(running.items()):
                if process.poll() is None:
                    continue
                done, said = process.communicate(timeout=60)
                del running[i]
                if process.returncode == -signal.SIGKILL:
                    killed += 1
                    step = int(done.split()[-1]) + 1 if done else tasks[i]["from"]
                    left = {at: how for at, how in tasks[i]["die"].items() if int(at) > step}
                    tasks[i] = {**tasks[i], "from": step, "die": left}
                    running[i] = start(tasks[i])
                else:
                    assert process.returncode == 0, said
    finally:
        for process in running.values():
            process.kill()
            process.wait()
    return killed


def committed(folder: Path) -> Iterator[tuple[int, str, str, int, int, str]]:
    """(customer, channel, treatment, at, cost, period) of everything that was spent."""
    with closing(sqlite3.connect(folder / "state.db")) as connection:
        yield from connection.execute(
            "SELECT CAST(substr(customer_id, 2) AS INTEGER), channel, treatment_id, at, cost, period FROM reservations WHERE state = 1"
        )


def crowded(who: NDArray[np.int64], at: NDArray[np.int64], count: int, days: int) -> int:
    """Windows that hold more than `count` messages of one customer."""
    order = np.lexsort((at, who))
    who, at = who[order], at[order]
    return int(((who[count:] == who[:-count]) & (at[count:] - at[:-count] < days * DAY)).sum())


def minutes(zone: NDArray[np.int64], at: NDArray[np.int64]) -> NDArray[np.int64]:
    """Minute of the local day of each; every distinct pair of zone and instant is looked up once."""
    pairs, back = np.unique(np.stack([zone, at]), axis=1, return_inverse=True)
    local = [from_micros(int(t)).astimezone(ZoneInfo(planner.ZONES[z])) for z, t in pairs.T]
    return np.array([one.hour * 60 + one.minute for one in local])[back.ravel()]


def check(folder: Path, task: dict[str, Any]) -> int:
    """Every rule over everything that was committed; returns how many that are."""
    who, channel, treatment, at, cost, period = (np.array(one) for one in zip(*committed(folder), strict=True))
    found = planner.world(task["seed"], task["customers"])
    mail = channel == "mail"
    assert crowded(who, at, 3, 7) == 0
    assert crowded(who[mail], at[mail], 2, 3) == 0
    assert crowded(who[~mail], at[~mail], 1, 7) == 0
    for name in ("mail", "sms"):
        assert np.array(planner.AGREED[name])[found["consent"][who[channel == name]]].all()
    assert not found["holdout"][who].any()
    assert not found["suppressed"][who].any()
    assert not found["unsubscribed"][who[mail]].any()
    clock = minutes(found["zone"][who], at)
    assert ((clock[mail] >= 8 * 60) & (clock[mail] < 21 * 60)).all()
    assert ((clock[~mail] >= 10 * 60) & (clock[~mail] < 18 * 60)).all()
    ledger = SqliteLedger(StateDb(folder / "state.db"))
    for week in np.unique(period):
        spent = {"money": int(cost[period == week].sum()), "sms": int((~mail & (period == week)).sum()),
                 "coupon": int(((treatment == "coupon") & (period == week)).sum())}  # fmt: skip
        assert spent["money"] <= task["money"]
        assert spent["sms"] <= task["sms"]
        assert spent["coupon"] <= task["coupons"]
        kept = {one.name or one.kind: one for one in ledger.balances(str(week))}
        for name, amount in spent.items():
            assert kept[name].spent == amount
            assert kept[name].granted == kept[name].spent + kept[name].reserved + (kept[name].left or 0)
    assert not ledger.discrepancies()
    return len(who)


def bound(folder: Path, task: dict[str, Any]) -> dict[str, int]:
    """How many weeks came within 1% of a limit: a limit that never binds proves nothing."""
    with closing(sqlite3.connect(folder / "state.db")) as connection:
        return dict(
            connection.execute(
                "SELECT kind, count(*) FROM accounts WHERE granted IS NOT NULL AND spent + reserved > granted * 0.99 - 1000 GROUP BY kind"
            )
        )


def test_no_rule_is_violated_in_ten_thousand_sends_with_planners_killed(tmp_path: Path) -> None:
    task = {
        "seed": 7,
        "customers": 8000,
        "batch": 1200,
        "steps": 36,
        "money": 3_300_000,
        "sms": 1100,
        "coupons": 600,
        "letters": True,
    }
    die = {0: {"4": "reserved", "15": "committed"}, 1: {"9": "reserved"}}
    assert simulate(tmp_path, 2, die, **task) == 3
    assert check(tmp_path, task) > 10_000
    assert set(bound(tmp_path, task)) == {"money", "channel", "stock"}
    # Every letter of a committed decision is in the outbox, and leaves once although three workers empty it at once.
    db = StateDb(tmp_path / "state.db")
    end = planner.START + 40 * planner.STEP
    SqliteLedger(db).lapse(end + timedelta(days=9))
    assert all(one.reserved == 0 for week in range(2) for one in SqliteLedger(db).balances(f"week {week}"))
    fakes = [Recorded("mail"), Recorded("mail"), Recorded("sms")]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda fake: drain(Outbox(db), fake, end, count=500), fakes))
    for fake in fakes:  # what waited because its customer was just being written to on the other channel
        drain(Outbox(db), fake, end)
    left = [one.decision_id for fake in fakes for one in fake.messages]
    assert len(left) == len(set(left)) == sum(1 for _ in committed(tmp_path))


@pytest.mark.slow
def test_no_rule_is_violated_in_a_million_sends_with_planners_killed(tmp_path: Path) -> None:
    task = {"seed": 11, "customers": 300_000, "batch": 12_000, "steps": 80, "money": 210_000_000, "sms": 60_000,
            "coupons": 42_000, "letters": False}  # fmt: skip
    die = {
        i: {str(step): how for step in range(5 + i, 80, 20) for how in [("reserved", "committed")[step % 2]]}
        for i in range(3)
    }
    assert simulate(tmp_path, 3, die, **task) == 12
    assert check(tmp_path, task) > 1_000_000
    assert set(bound(tmp_path, task)) == {"money", "channel", "stock"}


def test_two_planners_cannot_spend_the_same_last_euro(tmp_path: Path) -> None:
    """Each alone would fit; together they would not. Whoever comes second is refused, whichever that is."""
    db = StateDb(tmp_path / "state.db")
    program = (
        "import sys, json; from pathlib import Path; import pyarrow as pa; from datetime import datetime, UTC;"
        "from holdfast.core.state import CLAIMS, SpendLimits; from holdfast.engine.state.database import StateDb;"
        "from holdfast.engine.state.ledger import SqliteLedger; now = datetime(2024, 5, 1, tzinfo=UTC);"
        "rows = [dict(decision_id=f'{sys.argv[2]}-{i}', customer_id=f'{sys.argv[2]}{i}', treatment_id='t', channel='mail', purpose='m',"
        " at=now, cost=1, transactional=False) for i in range(600)];"
        "ledger = SqliteLedger(StateDb(Path(sys.argv[1])));"
        "parts = [pa.Table.from_pylist(rows[k:k+20], schema=CLAIMS) for k in range(0, 600, 20)];"
        "print(sum(ledger.reserve('p', one, SpendLimits('may', money=1000), now).granted.sum() for one in parts))"
    )  # fmt: skip
    env = {**os.environ, "PYTHONPATH": str(HERE.parents[1] / "src")}
    both = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(db.path), name], stdout=subprocess.PIPE, text=True, env=env
        )
        for name in "ab"
    ]
    granted = [int(one.communicate(timeout=120)[0]) for one in both]
    assert sum(granted) == 1000
    assert max(granted) == 600 or min(granted) > 400
    (money,) = [one for one in SqliteLedger(db).balances("may") if one.kind == "money"]
    assert (money.reserved, money.left) == (1000, 0)


def test_the_checks_see_what_they_look_for() -> None:
    """A check that passes everything would pass this world, too."""
    who, at = np.array([1, 1, 1, 1, 2]), np.array([0, DAY, 2 * DAY, 7 * DAY - 1, 0])
    assert crowded(who, at, 3, 7) == 1
    assert crowded(who, np.array([0, DAY, 2 * DAY, 7 * DAY, 0]), 3, 7) == 0
    moment = int(datetime(2024, 10, 27, 1, 30, tzinfo=UTC).timestamp() * 1e6)
    assert minutes(np.array([0, 1]), np.array([moment, moment])).tolist() == [150, 21 * 60 + 30]
