"""The state database: forward-only steps, many processes at once, assignments that stay, an audit trail that is whole."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from holdfast.core.errors import StateError, UsageError
from holdfast.core.state import HOLDOUT, Arm
from holdfast.engine.state import migrations
from holdfast.engine.state.assignments import Assigned
from holdfast.engine.state.audit import Audit
from holdfast.engine.state.database import SCHEMAS, StateDb

NOW = datetime(2024, 5, 1, 9, tzinfo=UTC)
HALF = {"mail": 0.5, "nothing": 0.5}


def test_every_step_is_applied_once_and_in_order() -> None:
    steps = (
        "CREATE TABLE kept (x INTEGER); INSERT INTO kept VALUES (1)",
        "ALTER TABLE kept ADD COLUMN y; UPDATE kept SET y = x + 1",
    )
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        migrations.apply(db, {"kept": steps[:1]}, "")
        migrations.apply(db, {"kept": steps[:1]}, "")
        migrations.apply(db, {"kept": steps}, "")
        migrations.apply(db, {"kept": steps, "other": ("CREATE TABLE other (x)",)}, "")
        assert db.execute("SELECT * FROM kept").fetchall() == [(1, 2)]
        assert db.execute("SELECT concern, version FROM state_versions").fetchall() == [("kept", 2), ("other", 1)]
        with pytest.raises(StateError, match="kept is at version 2"):
            migrations.apply(db, {"kept": steps[:1]}, "state.db")


def test_a_step_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    StateDb(tmp_path / "state.db")
    good = SCHEMAS["audit"]
    monkeypatch.setitem(SCHEMAS._things, "audit", (str(good), "CREATE TABLE half (x); INSERT INTO nowhere VALUES (1)"))
    with pytest.raises(StateError, match="nowhere"):
        StateDb(tmp_path / "state.db")
    monkeypatch.undo()
    with StateDb(tmp_path / "state.db").read() as db:
        assert db.execute("SELECT name FROM sqlite_master WHERE name = 'half'").fetchall() == []
        assert db.execute("SELECT version FROM state_versions WHERE concern = 'audit'").fetchone() == (1,)


def test_a_file_from_a_newer_version_is_refused(tmp_path: Path) -> None:
    with StateDb(tmp_path / "state.db").write() as db:
        db.execute("UPDATE state_versions SET version = 99 WHERE concern = 'ledger'")
    with pytest.raises(StateError, match="ledger is at version 99"):
        StateDb(tmp_path / "state.db")


def test_processes_that_open_a_new_file_at_once(tmp_path: Path) -> None:
    program = "import sys; from pathlib import Path; from holdfast.engine.state.database import StateDb; StateDb(Path(sys.argv[1]))"
    running = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "state.db")], stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert [one.communicate(timeout=60)[1] for one in running] == [""] * 4
    assert Audit(StateDb(tmp_path / "state.db")).entries() == []


def test_an_assignment_is_written_once(db: StateDb) -> None:
    store = Assigned(db)
    first = store.assign("news", [Arm("a", "mail", HALF, NOW), Arm("b", "nothing", HALF, NOW)])
    again = store.assign(
        "news", [Arm("a", "nothing", HALF, NOW + timedelta(days=1)), Arm("c", "mail", {"mail": 1.0}, NOW)]
    )
    assert again["a"] == first["a"] == Arm("a", "mail", HALF, NOW)
    assert store.assigned("news", ["a", "b", "c", "d", "a"]).keys() == {"a", "b", "c"}
    assert store.assigned("other", ["a"]) == {}
    assert store.assigned("news", []) == {}
    assert store.experiments() == {"news": {"mail": 2, "nothing": 1}}
    with pytest.raises(sqlite3.IntegrityError, match="never changed"), db.write() as connection:
        connection.execute("UPDATE assignments SET arm = 'nothing'")


def test_the_holdout_is_one_experiment(db: StateDb) -> None:
    store, chances = Assigned(db), {HOLDOUT: 0.1, "treated": 0.9}
    store.assign(HOLDOUT, [Arm("a", HOLDOUT, chances, NOW), Arm("b", "treated", chances, NOW)])
    assert store.holdout(["a", "b", "c"]) == {"a"}


@pytest.mark.parametrize("chances", [{}, {"mail": 0.0, "nothing": 1.0}, {"mail": 0.5}, {"mail": 0.5, "nothing": 0.6}])
def test_an_arm_must_have_been_possible(chances: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="propensities"):
        Arm("a", "mail", chances, NOW)


def test_the_audit_trail_is_added_to_and_nothing_else(db: StateDb) -> None:
    trail = Audit(db)
    for i, action in enumerate(("approve", "export", "send")):
        trail.add(action, "plan-7", NOW + timedelta(minutes=i), actor="" if i else "ann", facts={"messages": i})
    assert [(one.action, one.facts["messages"]) for one in trail.entries()] == [
        ("approve", 0),
        ("export", 1),
        ("send", 2),
    ]
    assert trail.entries("approve")[0].actor == "ann"
    assert trail.entries("send")[0].actor  # whoever runs this
    assert trail.whole()
    for sql in ("UPDATE audit SET actor = 'eve'", "DELETE FROM audit"):
        with pytest.raises(sqlite3.IntegrityError, match="only added to"), db.write() as connection:
            connection.execute(sql)


@pytest.mark.parametrize(
    "sql", ["UPDATE audit SET actor = 'eve' WHERE number = 2", "DELETE FROM audit WHERE number = 1"]
)
def test_a_change_behind_its_back_is_noticed(db: StateDb, sql: str) -> None:
    trail = Audit(db)
    for action in ("approve", "export", "send"):
        trail.add(action, "plan-7", NOW, actor="ann")
    with closing(sqlite3.connect(db.path)) as connection:
        connection.executescript(f"DROP TRIGGER audit_stays; DROP TRIGGER audit_keeps; {sql};")
    assert not trail.whole()


@pytest.mark.parametrize(
    "facts",
    [{"password": "x"}, {"smtp": {"api_key": "x"}}, {"rows": [{"secret": 1}]}, {"to": "postgresql://ann:pa55@host/db"}, {"sign": "whsec_abc"}],
)  # fmt: skip
def test_no_secret_is_written_into_it(db: StateDb, facts: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="hold a secret") as error:
        Audit(db).add("send", "plan-7", NOW, facts=facts)
    assert "pa55" not in str(error.value)
    assert Audit(db).entries() == []
