"""The same orders in every format, packing, encoding and layout give the same rows."""

from __future__ import annotations

import gzip
import io
import json
import os
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from tests.conftest import missing

from holdfast.core.errors import InputRefused, UsageError
from holdfast.log.sources.open import inspect, open_frame, open_source
from holdfast.log.sources.settings import ImportSettings, MappingSettings

from .conftest import take

#: One for each test process, as they share the servers.
TABLE = f"holdfast_orders_{os.getpid()}"
Read = Callable[..., Any]
HEADER = ["Customer", "Order Date", "Order No", "Product", "Quantity", "Price"]
ROWS = [
    ["7", "2024-01-05 10:00:00", "o1", "Tasse, blau", "2", "9.99"],
    ["8", "2024-01-06 11:30:00", "o2", 'Größe "XL"', "1", "1234.50"],
    ["7", "2024-02-07 12:00:00", "o3", "茶杯\nzwei Zeilen", "3", "5.00"],
]
WANTED = [
    ("7", 1704448800, "o1", "Tasse, blau", 2.0, 99900),
    ("8", 1704540600, "o2", 'Größe "XL"', 1.0, 12345000),
    ("7", 1707307200, "o3", "茶杯\nzwei Zeilen", 3.0, 50000),
]


def csv_text(delimiter: str = ",", newline: str = "\n", rows: list[list[str]] = ROWS) -> str:
    import csv

    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=newline, quoting=csv.QUOTE_ALL).writerows([HEADER, *rows])
    return out.getvalue()


def facts(whole: Any) -> list[tuple[Any, ...]]:
    return [
        (r["source_id"], int(r["occurred_at"].timestamp()), r["order_id"], r["item_id"], r["quantity"], r["unit_price"])
        for r in whole.rows()
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends(read: Read, delimiter: str, newline: str) -> None:
    whole = read(csv_text(delimiter, newline), "orders.txt")
    assert facts(whole) == WANTED
    assert whole.source.guess.delimiter == delimiter
    assert whole.column("source_row") == [1, 2, 3]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030"])
def test_encodings(read: Read, encoding: str) -> None:
    rows = (
        [[*row[:3], row[3].replace("ß", "s").replace("ö", "o"), *row[4:]] for row in ROWS]
        if encoding == "gb18030"
        else ROWS
    )
    whole = read(csv_text(rows=rows).encode(encoding))
    assert [r[3] for r in facts(whole)] == [row[3] for row in rows]


def test_western_bytes(read: Read) -> None:
    rows = [[*row[:3], row[3].replace("茶杯", "café €"), *row[4:]] for row in ROWS]
    whole = read(csv_text(rows=rows).encode("cp1252"))
    assert [r[3] for r in facts(whole)] == [row[3] for row in rows]
    assert whole.source.guess.encoding == "cp1252"


def test_one_stray_western_byte_in_a_utf8_file(read: Read) -> None:
    text = csv_text().encode() * 1 + b"9,2024-03-01 10:00:00,o4,caf\xe9,1,2.00\n"
    long = (
        csv_text().encode() + b"8,2024-01-06 11:30:00,o2,plain,1,3.00\n" * 20_000 + b"9,2024-03-01,o4,caf\xe9,1,2.00\n"
    )
    assert facts(read(long))[-1][3] == "café"
    assert read(text).read == 4


@pytest.mark.parametrize("name", ["orders.csv.gz", "orders.csv.zip", "orders.tsv", "orders.csv"])
def test_packed(tmp_path: Path, name: str) -> None:
    path, text = tmp_path / name, csv_text("\t" if name.endswith(".tsv") else ",").encode()
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(text[:100]) + gzip.compress(text[100:]))
    elif name.endswith(".zip"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("export/orders.csv", text)
            archive.writestr("__MACOSX/orders.csv", "x")
    else:
        path.write_bytes(text)
    assert facts(take(open_source(path))) == WANTED


def test_typed_formats(tmp_path: Path) -> None:
    frame = pd.DataFrame(ROWS, columns=HEADER).assign(
        **{
            "Customer": [7.0, 8.0, 7.0],
            "Order Date": lambda f: pd.to_datetime(f["Order Date"]),
            "Quantity": [2, 1, 3],
            "Price": [9.99, 1234.5, 5.0],
            "Product": lambda f: f["Product"].astype("category"),
        }
    )
    parquet = tmp_path / "orders.parquet"
    frame.to_parquet(parquet)
    book = tmp_path / "orders.xlsx"
    workbook = openpyxl.Workbook()
    workbook.active.append(["made by hand"])
    sheet = workbook.create_sheet("Orders")
    for row in [HEADER, *frame.astype(object).to_numpy().tolist()]:
        sheet.append([one.to_pydatetime() if isinstance(one, pd.Timestamp) else one for one in row])
    workbook.save(book)
    lines = tmp_path / "orders.jsonl"
    lines.write_text("\n".join(json.dumps(dict(zip(HEADER, row, strict=True)), ensure_ascii=False) for row in ROWS))
    for path in (parquet, book, lines):
        assert facts(take(open_source(path))) == WANTED, path.name
    with pytest.raises(InputRefused, match="no sheet 'X'"):
        open_source(book, settings=ImportSettings(sheet="X"))
    for given in (frame, pl.from_pandas(frame), pa.Table.from_pandas(frame), pa.Table.from_pandas(frame).to_reader()):
        assert facts(take(open_frame(given, name="mine"))) == WANTED, type(given)
    assert take(open_frame(frame, name="mine")).rows()[0]["source_file"] == "mine"


def test_json_of_any_shape(read: Read) -> None:
    rows = [
        {"customer": {"id": i % 7 + 1}, "order_date": "2024-01-05", "total": i + 0.5, "tags": ["a"]}
        for i in range(3000)
    ]
    mapping = MappingSettings(
        columns={"customer_id": "customer.id", "occurred_at": "order_date", "line_total": "total"}
    )
    for text, name in ((json.dumps(rows, indent=2), "bq-results-000"), ("\n".join(map(json.dumps, rows)), "x.ndjson")):
        whole = read(text, name, mapping=mapping)
        assert whole.read == 3000
        assert whole.column("unit_price") == [int(i * 10_000 + 5000) for i in range(3000)]
    half = read('{"customer_id": "a\\ud83d", "occurred_at": "2024-01-01", "event_type": "view"}', "x.json")
    assert half.column("source_id") == ["a?"]


def test_frames_that_do_not_speak_arrow() -> None:
    with pytest.raises(InputRefused, match="no data frame"):
        open_frame([1, 2])
    with pytest.raises(InputRefused, match="cannot be read through Arrow"):
        open_frame(pd.DataFrame({"customer_id": ["a", 1], "occurred_at": ["2024-01-01", 5]}))


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(csv_text(rows=ROWS[:2]))
    (tmp_path / "b.csv").write_text(csv_text(rows=ROWS[2:]))
    (tmp_path / "items.csv").write_text("item_id,title\ni1,Mug\n")
    (tmp_path / "notes.md").write_text("not for us")
    (tmp_path / "readme.txt").write_text("Just a few words.\nNothing to see here, really.\n")
    whole = take(open_source(tmp_path))
    assert facts(whole) == WANTED
    assert whole.column("source_file") == ["a.csv", "a.csv", "b.csv"]
    assert whole.column("title", "items")[-1] == "Mug"
    assert [guess.table for guess in whole.source.guesses] == ["events", "events", "items"]
    assert any("readme.txt" in note.en for note in whole.source.guess.notes)


def fill(connection: Any, types: tuple[str, str, str], mark: str) -> None:
    cursor = connection.cursor()
    cursor.execute(f"DROP TABLE IF EXISTS {TABLE}")
    text, when, money = types
    cursor.execute(
        f"CREATE TABLE {TABLE} (customer_id INTEGER, occurred_at {when}, order_id {text}, item_id {text}, "
        f"quantity INTEGER, unit_price {money})"
    )
    for row in ROWS:
        cursor.execute(f"INSERT INTO {TABLE} VALUES ({', '.join([mark] * 6)})", row)
    connection.commit()


def test_sqlite_and_duckdb(tmp_path: Path) -> None:
    lite, duck = tmp_path / "shop.db", tmp_path / "shop.duckdb"
    with sqlite3.connect(lite) as connection:
        fill(connection, ("TEXT", "TEXT", "REAL"), "?")
    with duckdb.connect(str(duck)) as connection:
        fill(connection, ("VARCHAR", "TIMESTAMP", "DECIMAL(12,2)"), "?")
    for url in (f"sqlite:///{lite}", f"duckdb:///{duck}"):
        whole = take(open_source(f"{url}?table={TABLE}", preset="orders"))
        assert facts(whole) == WANTED, url
        some = take(open_source(f"{url}?query=SELECT * FROM {TABLE} WHERE customer_id = 8", preset="orders"))
        assert facts(some) == WANTED[1:2]
        with pytest.raises(InputRefused, match="the database says"):
            open_source(f"{url}?table=nothing")
        sums = take(
            open_source(
                f"{url}?query=SELECT customer_id, occurred_at, quantity + 1 AS quantity FROM {TABLE}", preset="orders"
            )
        )
        assert sums.column("quantity") == [3.0, 2.0, 4.0]
    with pytest.raises(UsageError, match="no table or query"):
        open_source(f"sqlite:///{lite}")
    with pytest.raises(InputRefused, match="no such file"):
        open_source(f"sqlite:///{tmp_path}/none.db?table=x")


def test_postgresql() -> None:
    import psycopg

    try:
        connection = psycopg.connect("host=localhost user=postgres dbname=test", connect_timeout=3)
    except psycopg.OperationalError:
        missing("no PostgreSQL server on localhost with user postgres and database test")
    with connection:
        fill(connection, ("TEXT", "TIMESTAMPTZ", "NUMERIC(12,2)"), "%s")
    url = "postgresql://postgres@localhost/test"
    whole = take(open_source(f"{url}?table=public.{TABLE}", preset="orders"))
    assert facts(whole) == WANTED
    with pytest.raises(InputRefused, match="the database says"):
        open_source("postgresql://nobody:secret@localhost:1/test?table=x")


def test_mariadb() -> None:
    import pymysql

    try:
        connection = pymysql.connect(host="127.0.0.1", user="root", database="test", charset="utf8mb4")
    except pymysql.err.OperationalError:
        missing("no MariaDB server on localhost with user root and database test")
    fill(connection, ("VARCHAR(100) CHARACTER SET utf8mb4", "DATETIME", "DECIMAL(12,2)"), "%s")
    connection.close()
    whole = take(open_source(f"mariadb://root@127.0.0.1/test?table={TABLE}", preset="orders"))
    assert facts(whole) == WANTED
    with pytest.raises(InputRefused) as error:
        open_source("mysql://root:pa55word@127.0.0.1:1/test?table=x")
    assert "pa55word" not in str(error.value)


def test_inspect_reads_a_head_only(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(csv_text())
    guess = inspect(path)
    assert guess.columns["customer_id"] == "Customer"
    assert guess.as_dict("zh")["toml"] == guess.as_toml()
