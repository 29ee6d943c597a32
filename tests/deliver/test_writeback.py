"""Write-back to real databases: the same decision twice is one row, and a refused batch leaves nothing."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.conftest import missing

from holdfast.core.contact import Message
from holdfast.core.errors import UsageError
from holdfast.deliver.writeback import WriteBack
from holdfast.engine.upsert import upsert

NOW = datetime(2024, 5, 1, 9, 30, 0, 123456, tzinfo=UTC)
TABLE = f"holdfast_decisions_{os.getpid()}"
Ask = Callable[[str], list[tuple[Any, ...]]]


def postgresql() -> tuple[str, Any]:
    import psycopg

    try:
        connection = psycopg.connect("host=localhost user=postgres dbname=test", connect_timeout=3, autocommit=True)
    except psycopg.OperationalError:
        missing("no PostgreSQL server on localhost with user postgres and database test")
    return f"postgresql://postgres@localhost/test?table=public.{TABLE}", connection


def mariadb() -> tuple[str, Any]:
    import pymysql

    try:
        connection = pymysql.connect(host="127.0.0.1", user="root", database="test", charset="utf8mb4", autocommit=True)
    except pymysql.err.OperationalError:
        missing("no MariaDB server on localhost with user root and database test")
    return f"mariadb://root@127.0.0.1/test?table={TABLE}", connection


@pytest.fixture(params=["postgresql", "mariadb", "sqlite"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Ask]]:
    if request.param == "sqlite":
        url, connection = f"sqlite:///{tmp_path}/crm.db?table={TABLE}", sqlite3.connect(tmp_path / "crm.db")
    else:
        url, connection = {"postgresql": postgresql, "mariadb": mariadb}[request.param]()

    def ask(sql: str) -> list[tuple[Any, ...]]:
        cursor = connection.cursor()
        cursor.execute(sql)
        rows = [tuple(row) for row in cursor.fetchall()] if cursor.description else []
        connection.commit()
        return rows

    ask(f"DROP TABLE IF EXISTS {TABLE}")
    yield url, ask
    ask(f"DROP TABLE IF EXISTS {TABLE}")
    connection.close()


def letters(*ids: str, subject: str = "茶杯 'quoted' \\ 🎁") -> list[Message]:
    return [Message(one, f"c{one}", "mail", "news", subject=subject, data={"n": 1}, due_at=NOW) for one in ids]


def test_the_same_decision_again_is_one_row(server: tuple[str, Ask], monkeypatch: pytest.MonkeyPatch) -> None:
    url, ask = server
    monkeypatch.setenv("SHOP_CRM", url)
    channel = WriteBack("crm", "SHOP_CRM")
    for batch in (letters("d1", "D1", "d2"), letters("d2", "d3", subject="new"), letters("d3", subject="new")):
        assert [one.state for one in channel.send(batch)] == ["sent"] * len(batch)
    rows = ask(f"SELECT decision_id, customer_id, subject, data FROM {TABLE} ORDER BY customer_id, decision_id")
    assert sorted(row[0] for row in rows) == ["D1", "d1", "d2", "d3"]
    told = {row[0]: row[1:] for row in rows}
    assert told["d1"] == ("cd1", "茶杯 'quoted' \\ 🎁", '{"n": 1}')
    assert told["d2"][1] == "new"
    (at,) = ask(f"SELECT due_at FROM {TABLE} WHERE decision_id = 'd3'")[0]
    shown = at if isinstance(at, str) else at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC).isoformat()
    assert shown.replace("Z", "+00:00") == NOW.isoformat()


def test_what_the_shop_added_stays(server: tuple[str, Ask], monkeypatch: pytest.MonkeyPatch) -> None:
    url, ask = server
    monkeypatch.setenv("SHOP_CRM", url)
    channel = WriteBack("crm", "SHOP_CRM")
    channel.send(letters("d1"))
    ask(f"ALTER TABLE {TABLE} ADD COLUMN fetched INTEGER")
    ask(f"UPDATE {TABLE} SET fetched = 7")
    channel.send(letters("d1", "d2", subject="new"))
    assert ask(f"SELECT decision_id, subject, fetched FROM {TABLE} ORDER BY decision_id") == [("d1", "new", 7), ("d2", "new", None)]  # fmt: skip


def test_a_refused_batch_leaves_nothing_and_is_tried_again(server: tuple[str, Ask], monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    url, ask = server
    monkeypatch.setenv("SHOP_CRM", url)
    ask(f"CREATE TABLE {TABLE} (decision_id VARCHAR(20) PRIMARY KEY, subject VARCHAR(20))")  # lacks our columns
    found = WriteBack("crm", "SHOP_CRM").send(letters("d1", "d2"))
    assert [one.state for one in found] == ["later", "later"]
    assert found[0].reason.startswith("the database says")
    assert ask(f"SELECT count(*) FROM {TABLE}") == [(0,)]


def test_every_type_of_a_column(server: tuple[str, Ask]) -> None:
    url, ask = server
    rows = pa.table(
        {"k": ["a", "b"], "n": [1, None], "x": [0.5, None], "yes": [True, None], "at": pa.array([NOW, None])}
    )
    assert upsert(url, rows, "k") == 2
    assert upsert(url, rows.slice(0, 0), "k") == 0
    found = ask(f"SELECT k, n, x, yes FROM {TABLE} ORDER BY k")
    assert [tuple(row) for row in found] == [("a", 1, 0.5, 1), ("b", None, None, None)]


def test_what_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = pa.table({"k": ["a"]})
    for url in (f"sqlite:///{tmp_path}/x.db?query=SELECT 1", f"duckdb:///{tmp_path}/x.db?table=t"):
        with pytest.raises(UsageError, match="only"):
            upsert(url, rows, "k")
    with pytest.raises(UsageError, match="no column"):
        upsert(f"sqlite:///{tmp_path}/x.db?table=t", rows, "decision_id")
    monkeypatch.setenv("SHOP_CRM", "postgresql://nobody:pa55word@127.0.0.1:1/test?table=t")
    (found,) = WriteBack("crm", "SHOP_CRM").send(letters("d1"))
    assert found.state == "later"
    assert "pa55word" not in found.reason
