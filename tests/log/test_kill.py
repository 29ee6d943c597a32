"""kill -9 at any moment of an import leaves the old state or the new one, and the next import heals the rest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

KILLS = 56

#: Runs in a process of its own: it loads everything once and forks a child for each import that is to be killed, so that
#: a kill costs a fraction of a second. It opens no database itself, as a fork must not inherit one.
SCRIPT = r'''
import json, os, random, shutil, signal, sys, time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from holdfast.core.schema import CANONICAL, REJECTED
from holdfast.engine.duck import Engine
from holdfast.log.batch import EVENT_ROWS, IDENTITY_KEYS, Batch
from holdfast.log.intake import take_in
from holdfast.log.store import Lake

work, kills = Path(sys.argv[1]), int(sys.argv[2])
START = datetime(2024, 1, 1, tzinfo=UTC)


class Orders:
    """So many order lines from a first number on; every tenth changed, with a catalogue, keys and bad rows."""

    source, origin, preset, clean = "shop", "orders.csv", "mapping", {}

    def __init__(self, first, last, quantity):
        self.first, self.last, self.quantity = first, last, quantity

    def batches(self, progress=None):
        for start in range(self.first, self.last, 250):
            numbers = range(start, start + 250)
            when = [START + timedelta(minutes=n) for n in numbers]
            rows = pa.table({
                "event_id": [f"e{n}" if n % 2 else None for n in numbers],
                "occurred_at": pa.array(when, pa.timestamp("us", tz="UTC")), "event_type": ["purchase"] * 250,
                "item_id": [f"i{n % 50}" for n in numbers], "unit_price": [n * 100 for n in numbers],
                "quantity": [self.quantity if n % 10 == 1 else 1.0 for n in numbers], "source": ["shop"] * 250,
                "source_id": [f"c{n % 40}" for n in numbers], "local_day": [one.date() for one in when],
                "local_hour": pa.array([one.hour for one in when], pa.int8()), "source_file": ["orders.csv"] * 250,
                "source_row": list(numbers),
            })
            bad = [{"source": "shop", "source_file": "orders.csv", "source_row": start, "reason": "bad_date", "raw": str(start)}]
            keys = [{"source": "shop", "source_id": f"c{start % 40}", "kind": "email", "value": f"{start}@mail.org", "seen_at": when[0]}]
            items = [{"item_id": f"i{start % 50}", "title": f"Item {self.quantity}"}]
            yield Batch(251, {
                "events": EVENT_ROWS.conform(rows),
                "items": CANONICAL["items"].conform(pa.Table.from_pylist(items)),
                "identity_keys": IDENTITY_KEYS.conform(pa.Table.from_pylist(keys)),
            }, REJECTED.conform(pa.Table.from_pylist(bad)))


def load(folder, orders, days, told=None):
    class Tell:
        def step(self, what, done, total=None):
            if told is not None and done == total:
                os.write(told, b".")

    with Engine(threads=2, memory_limit="500MB") as engine:
        take_in(engine, Lake(folder), orders, zone="UTC", currency="EUR", now=START + timedelta(days=days), progress=Tell())


def forked(work):
    """Run in a child; gives its pid and the pipe on which it says that it is about to publish."""
    ear, mouth = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ear)
        work(mouth)
        os._exit(0)
    os.close(mouth)
    return pid, ear


def state(folder):
    """Everything that readers see: the manifest, and every segment that it names, whole."""
    Lake(folder).verify()
    return (folder / "manifest.json").read_bytes()


def files(folder):
    found = sorted(one for one in folder.rglob("*") if one.is_file() and one.name != "lock")
    return {one.relative_to(folder).as_posix(): one.read_bytes() for one in found}


first, second = Orders(0, 1500, 1.0), Orders(750, 3000, 2.0)
old, new, victim = work / "old", work / "new", work / "victim"
for folder, orders, days in ((old, first, 10), (new, first, 10), (new, second, 20)):
    started = time.perf_counter()
    pid, ear = forked(lambda mouth: load(folder, orders, days))
    assert os.waitpid(pid, 0)[1] == 0
    os.close(ear)
    took = time.perf_counter() - started

dice = random.Random(7)
shutil.copytree(old, victim)
seen = {"old": 0, "new": 0, "killed": 0, "swept": 0}
number = 0
while seen["killed"] < kills and number < 4 * kills:  # a child that was done before its kill came does not count
    number += 1
    if state(victim) == state(new):
        shutil.rmtree(victim)
        shutil.copytree(old, victim)
    pid, ear = forked(lambda mouth: load(victim, second, 20, mouth))
    if number % 4 == 0:  # aim at the moment of publishing
        os.read(ear, 1)
        time.sleep(dice.random() * 0.03)
    else:
        time.sleep(dice.random() * took)
    os.kill(pid, signal.SIGKILL)
    seen["killed"] += os.WIFSIGNALED(os.waitpid(pid, 0)[1])
    os.close(ear)
    seen["swept"] += len(files(victim)) > len(files(old)) or (victim / "staging").exists()
    after = state(victim)
    assert after in (state(old), state(new)), number
    seen["new" if after == state(new) else "old"] += 1

if state(victim) == state(new):
    shutil.rmtree(victim)
    shutil.copytree(old, victim)
pid, ear = forked(lambda mouth: load(victim, second, 20))
assert os.waitpid(pid, 0)[1] == 0
assert files(victim) == files(new), sorted(set(files(victim)) ^ set(files(new)))
print(json.dumps(seen))
'''


@pytest.mark.skipif(
    not hasattr(os, "fork"), reason="the kills need fork(); until 2030 no system without it is supported"
)
def test_an_import_killed_at_any_moment_leaves_the_old_state_or_the_new(tmp_path: Path) -> None:
    source = Path(__file__).resolve().parents[2] / "src"
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT, str(tmp_path), str(KILLS)]
    environment = {**os.environ, "PYTHONPATH": str(source)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads(done.stdout.strip().splitlines()[-1])
    assert seen["killed"] >= 50
    assert seen["old"] >= 20, "the kills came too late to prove anything"
    assert seen["swept"] >= 10, "the kills left nothing behind, so they came too early to prove anything"
    assert seen["new"] >= 1, "no kill fell after the new state was published"
