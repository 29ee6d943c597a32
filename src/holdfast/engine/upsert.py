"""Rows written to a shop's own database, so that the same rows twice are there once: PostgreSQL, MariaDB/MySQL, SQLite.

The table is made where it is missing. Only the columns that are handed in are written: a column that the receiver added
("fetched_at") keeps its value when a row comes again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any

import pyarrow as pa

from holdfast.core.errors import InputRefused, UsageError
from holdfast.engine.sql import Query, _driver, _quoted, _refused, parse_url

_TYPES: dict[str, dict[str, str]] = {
    "postgresql": {"string": "TEXT", "int64": "BIGINT", "double": "DOUBLE PRECISION", "bool": "BOOLEAN", "timestamp": "TIMESTAMPTZ", "key": "TEXT"},
    "mysql": {"string": "LONGTEXT CHARACTER SET utf8mb4", "int64": "BIGINT", "double": "DOUBLE", "bool": "BOOLEAN", "timestamp": "DATETIME(6)",
              # Compared byte by byte: `a1` and `A1` are two decisions.
              "key": "VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"},
    "sqlite": {"string": "TEXT", "int64": "INTEGER", "double": "REAL", "bool": "INTEGER", "timestamp": "TEXT", "key": "TEXT"},
}  # fmt: skip


def upsert(url: str, rows: pa.Table, key: str) -> int:
    """Insert or replace rows by their key column, in one transaction; returns how many were written.

    `url` as in `engine.sql`, with `?table=`. Raises `UsageError` for another database or a query, `InputRefused` where
    the database refuses; then nothing was written.
    """
    query = parse_url(url)
    if query.scheme not in _TYPES or not query.table:
        raise UsageError(
            "rows can be written to a table of PostgreSQL, MariaDB, MySQL or SQLite only",
            where=query.shown,
            remedy="write ...?table=NAME",
        )
    if key not in rows.column_names:
        raise UsageError(f"the rows have no column {key!r}", where=query.shown)
    names = rows.column_names
    columns = [_values(rows[name], query.scheme) for name in names]
    with _writing(query) as execute:
        execute(_create(query, rows.schema, key), None)
        if rows.num_rows:
            execute(_statement(query, names, key), list(zip(*columns, strict=True)))
    return int(rows.num_rows)


def _mark(scheme: str) -> str:
    return "`" if scheme == "mysql" else '"'


def _create(query: Query, schema: pa.Schema, key: str) -> str:
    known, mark = _TYPES[query.scheme], _mark(query.scheme)
    columns = []
    for field in schema:
        kind = "timestamp" if pa.types.is_timestamp(field.type) else str(field.type)
        if kind not in known:
            raise UsageError(f"column {field.name!r} is {field.type}: not a type of a written table")
        name = _quoted(field.name, mark)
        columns.append(f"{name} {known['key']} PRIMARY KEY" if field.name == key else f"{name} {known[kind]}")
    return f"CREATE TABLE IF NOT EXISTS {_quoted(query.table, mark)} ({', '.join(columns)})"


def _statement(query: Query, names: Sequence[str], key: str) -> str:
    mark = _mark(query.scheme)
    listed = [_quoted(name, mark) for name in names]
    hole = "?" if query.scheme == "sqlite" else "%s"
    others = [one for one, name in zip(listed, names, strict=True) if name != key] or [_quoted(key, mark)]
    if query.scheme == "mysql":
        clause = "ON DUPLICATE KEY UPDATE " + ", ".join(f"{one} = VALUES({one})" for one in others)
    else:
        changed = ", ".join(f"{one} = excluded.{one}" for one in others)
        clause = f"ON CONFLICT ({_quoted(key, mark)}) DO UPDATE SET {changed}"
    return (
        f"INSERT INTO {_quoted(query.table, mark)} ({', '.join(listed)}) "  # noqa: S608 - quoted names
        f"VALUES ({', '.join([hole] * len(listed))}) {clause}"
    )


def _values(column: pa.ChunkedArray, scheme: str) -> list[Any]:
    values: list[Any] = column.to_pylist()
    if pa.types.is_timestamp(column.type):
        return [None if one is None else _instant(one, scheme) for one in values]
    if pa.types.is_string(column.type) and scheme == "postgresql":
        return [None if one is None else one.replace("\0", "") for one in values]  # text there holds no NUL
    return values


def _instant(at: datetime, scheme: str) -> Any:
    if scheme == "postgresql":
        return at
    return at.isoformat().replace("+00:00", "Z") if scheme == "sqlite" else at.replace(tzinfo=None)


Execute = Callable[[str, "list[tuple[Any, ...]] | None"], None]


@contextmanager
def _writing(query: Query) -> Iterator[Execute]:
    """Runs statements in one transaction, committed at the end of the block."""
    opening = {"postgresql": _postgresql, "mysql": _mysql, "sqlite": _sqlite}[query.scheme]
    connect, failure = opening(query)
    try:
        with closing(connect()) as connection:
            cursor = connection.cursor()

            def execute(sql: str, rows: list[tuple[Any, ...]] | None) -> None:
                if rows is None:
                    cursor.execute(sql)
                else:
                    cursor.executemany(sql, rows)

            yield execute
            connection.commit()
    except failure as error:
        raise _refused(query, error) from error


def _postgresql(query: Query) -> tuple[Callable[[], Any], type[Exception]]:
    psycopg = _driver(query, "psycopg")
    return lambda: psycopg.connect(
        host=query.host, port=query.port or 5432, user=query.user or None, password=query.password or None,
        dbname=query.database, connect_timeout=15, **query.options,
    ), psycopg.Error  # fmt: skip


def _mysql(query: Query) -> tuple[Callable[[], Any], type[Exception]]:
    pymysql = _driver(query, "pymysql")
    return lambda: pymysql.connect(
        host=query.host, port=query.port or 3306, user=query.user or None, password=query.password,
        database=query.database, charset="utf8mb4", connect_timeout=15,
    ), pymysql.Error  # fmt: skip


def _sqlite(query: Query) -> tuple[Callable[[], Any], type[Exception]]:
    import sqlite3
    from pathlib import Path

    if not Path(query.database).parent.is_dir():
        raise InputRefused(
            "there is no such folder", where=query.shown, remedy="absolute paths need four slashes in a row"
        )
    return lambda: sqlite3.connect(query.database, timeout=30), sqlite3.Error
