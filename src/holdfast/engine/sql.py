"""Rows of a query on any of four databases, as Arrow batches: the only place that knows their drivers.

    postgresql://user:password@host:5432/database?table=schema.orders
    mysql://... or mariadb://...
    sqlite:///relative/or//absolute/path.db?query=SELECT ...
    duckdb:///path.duckdb?table=orders

Everything is read, nothing written: connections are read-only where the database knows the word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pyarrow as pa

from holdfast.core.errors import InputRefused, UsageError

SCHEMES = ("postgresql", "postgres", "mysql", "mariadb", "sqlite", "duckdb")
_ROWS = 50_000


@dataclass(frozen=True)
class Query:
    """A parsed database URL. `shown` is the URL without its password: the only form that may be printed."""

    scheme: str
    host: str
    port: int | None
    user: str
    password: str
    database: str
    statement: str
    options: dict[str, str]
    shown: str
    table: str = ""


def is_database(origin: str) -> bool:
    """Does this look like a database URL?"""
    return origin.partition("://")[0].lower().partition("+")[0] in SCHEMES and "://" in origin


def parse_url(url: str) -> Query:
    """A database URL taken apart; raises `UsageError` where it names no table or query.

    >>> parse_url("postgresql://ann:secret@db/shop?table=public.orders").statement
    'SELECT * FROM "public"."orders"'
    >>> parse_url("postgresql://ann:secret@db/shop?table=orders").shown
    'postgresql://ann:***@db/shop?table=orders'
    """
    head, _, tail = url.partition("?")
    try:
        parts = urlsplit(head)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"not a database URL: {error}", remedy=_FORM) from error
    scheme = {"postgres": "postgresql", "mariadb": "mysql"}.get(
        parts.scheme.partition("+")[0], parts.scheme.partition("+")[0]
    )
    if tail.startswith("query=") and " " in tail:
        options = {"query": tail.removeprefix("query=")}  # typed by hand, not percent-encoded: taken as it stands
    else:
        options = {key: values[-1] for key, values in parse_qs(tail, keep_blank_values=True).items()}
    table, statement = options.pop("table", ""), options.pop("query", "")
    if bool(table) == bool(statement):
        raise UsageError("the URL names no table or query, or both", where=_shown(url), remedy=_FORM)
    if scheme not in ("postgresql", "mysql", "sqlite", "duckdb"):
        raise UsageError(f"unknown database {scheme!r}", where=_shown(url), remedy=_FORM)
    path = unquote(parts.path[1:]) if scheme in ("sqlite", "duckdb") else unquote(parts.path.lstrip("/"))
    return Query(
        scheme=scheme,
        host=parts.hostname or "localhost",
        port=port,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=path,
        statement=statement or f"SELECT * FROM {_quoted(table, '`' if scheme == 'mysql' else chr(34))}",  # noqa: S608 - quoted
        options=options,
        shown=_shown(url),
        table=table,
    )


_FORM = "write scheme://user:password@host/database?table=orders, or ?query=SELECT ...; schemes: " + ", ".join(SCHEMES)


def _shown(url: str) -> str:
    head, mark, tail = url.partition("?")
    before, at, after = head.rpartition("@")
    if at and ":" in before.partition("://")[2]:
        before = before[: before.rindex(":")] if before.count(":") > 1 else before
        before = f"{before}:***"
    return f"{before}{at}{after}{mark}" + re.sub(r"(?i)(password=)[^&]*", r"\1***", tail)


def _quoted(table: str, mark: str) -> str:
    return ".".join(f"{mark}{one.replace(mark, mark * 2)}{mark}" for one in table.split("."))


def query_batches(url: str, rows: int = _ROWS) -> Iterator[pa.RecordBatch]:
    """The result of the URL's table or query in batches, streamed by the server where it can.

    Raises `InputRefused` where the database cannot be reached or refuses the query.
    """
    query = parse_url(url)
    opening: Callable[[Query, int], Iterator[pa.RecordBatch]] = {
        "postgresql": _postgresql, "mysql": _mysql, "sqlite": _sqlite, "duckdb": _duckdb,
    }[query.scheme]  # fmt: skip
    yield from opening(query, rows)


def _refused(query: Query, error: Exception) -> InputRefused:
    text = str(error).replace(query.password, "***") if query.password else str(error)
    return InputRefused(
        f"the database says: {text.strip()}",
        where=query.shown,
        remedy="check host, login, table and that it is running",
    )


def _driver(query: Query, module: str) -> Any:
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise InputRefused(
            f"{query.scheme} needs the driver {module}", where=query.shown, remedy="run: pip install 'holdfast[sql]'"
        ) from error


def _postgresql(query: Query, rows: int) -> Iterator[pa.RecordBatch]:
    psycopg = _driver(query, "psycopg")
    try:
        with psycopg.connect(
            host=query.host, port=query.port or 5432, user=query.user or None, password=query.password or None,
            dbname=query.database, connect_timeout=15, **query.options,
        ) as connection:  # fmt: skip
            connection.read_only = True
            with connection.cursor(name="holdfast") as cursor:
                cursor.itersize = rows
                cursor.execute(query.statement)
                yield from _fetched(cursor, rows)
    except psycopg.Error as error:
        raise _refused(query, error) from error


def _mysql(query: Query, rows: int) -> Iterator[pa.RecordBatch]:
    pymysql = _driver(query, "pymysql")
    try:
        with (
            closing(
                pymysql.connect(
                    host=query.host, port=query.port or 3306, user=query.user or None, password=query.password,
                    database=query.database, charset="utf8mb4", connect_timeout=15,
                    cursorclass=_driver(query, "pymysql.cursors").SSCursor,
                )
            ) as connection,
            connection.cursor() as cursor,
        ):  # fmt: skip
            cursor.execute("SET SESSION TRANSACTION READ ONLY")
            cursor.execute(query.statement)
            yield from _fetched(cursor, rows)
    except pymysql.Error as error:
        raise _refused(query, error) from error


def _sqlite(query: Query, rows: int) -> Iterator[pa.RecordBatch]:
    import sqlite3

    path = _file(query)
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as connection:
            connection.text_factory = lambda value: value.decode("utf-8", errors="replace")
            yield from _fetched(connection.execute(query.statement), rows)
    except sqlite3.Error as error:
        raise _refused(query, error) from error


def _duckdb(query: Query, rows: int) -> Iterator[pa.RecordBatch]:
    import duckdb

    path = _file(query)
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            connection.execute("SET autoinstall_known_extensions = false")
            yield from connection.execute(query.statement).to_arrow_reader(rows)
    except duckdb.Error as error:
        raise _refused(query, error) from error


def _file(query: Query) -> Path:
    path = Path(query.database)
    if not path.is_file():
        raise InputRefused(
            "there is no such file", where=query.shown, remedy="absolute paths need four slashes in a row"
        )
    return path


def _fetched(cursor: Any, rows: int) -> Iterator[pa.RecordBatch]:
    """Rows of a DB-API cursor as batches; a column whose values have no one Arrow type becomes text."""
    names: list[str] = []
    while block := cursor.fetchmany(rows):
        names = names or [str(column[0]) for column in cursor.description]
        columns = [_column([row[i] for row in block]) for i in range(len(names))]
        yield pa.RecordBatch.from_arrays(columns, names=names)


def _column(values: Sequence[Any]) -> Any:
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        return pa.array([None if value is None else str(value) for value in values], pa.string())
