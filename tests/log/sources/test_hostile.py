"""Hostile input: refused whole with a remedy, or bad rows set aside with column, value and reason. Nothing is lost."""

from __future__ import annotations

import gzip
import re
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from holdfast.core.errors import HoldfastError, InputRefused
from holdfast.log.sources.open import inspect, open_source
from holdfast.log.sources.settings import ImportSettings

from .conftest import take

Read = Callable[..., Any]
HEAD = "customer_id,order_date,order_id,product,quantity,price\n"
GOOD = "7,2024-01-05,o1,Mug,2,9.99\n8,2024-01-06,o2,Cup,1,5.00\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b"\n\n  \n", "the file is empty"),
        (b"\xef\xbb\xbf", "the file is empty|holds no rows"),
        (HEAD.encode(), "a header but no rows"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "not a text file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", r"old \.xls"),
        (b"PAR1 and then nothing", "Parquet file is damaged"),
        (b"PK\x03\x04 and then nothing", "zip archive is damaged"),
        (b"one column\nof words\nonly\n", "no column looks like"),
        (b"customer_id,product\n1,Mug\n", "no column looks like occurred_at"),
        (b"order_date,product\n2024-01-01,Mug\n", "no column looks like customer_id"),
    ],
)
def test_refused_whole(read: Read, content: bytes, says: str) -> None:
    with pytest.raises(InputRefused, match=says) as error:
        read(content)
    assert error.value.exit_code == 3
    assert error.value.remedy
    assert "orders.csv" in str(error.value.where)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'[{"a": 1}', b"[1, 2]", b'[{"a": 1}, {', b"null\n"])
def test_json_refused_whole(read: Read, content: bytes) -> None:
    with pytest.raises(InputRefused):
        read(content, "x.json")


def test_there_is_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="no such file"):
        open_source(tmp_path / "nothing.csv")
    with pytest.raises(InputRefused, match="holds no file"):
        open_source(tmp_path)


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(HEAD + GOOD)

    def forbidden(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", forbidden)
    with pytest.raises(InputRefused, match="no permission"):
        open_source(path)


def test_wrong_delimiter_is_seen_through(read: Read) -> None:
    assert read((HEAD + GOOD).replace(",", ";")).read == 2
    with pytest.raises(InputRefused, match=r"no column looks like.*customer_id,order_date") as error:
        read(HEAD + GOOD, settings=ImportSettings(delimiter=";"))
    assert error.value.remedy


def test_a_truncated_last_line(read: Read) -> None:
    whole = read(HEAD + GOOD + "9,2024-01-0")
    assert whole.read == 3
    assert whole.reasons() == {3: "too_few_fields"}
    assert "9,2024-01-0" in whole.rejected["raw"][0].as_py()
    assert read(HEAD + GOOD + "9,2024-01-07,o3,Mug,1,1.00").read == 3


def test_too_many_and_too_few_fields_keep_their_row_numbers(read: Read) -> None:
    whole = read(HEAD + "7,2024-01-05\n" + GOOD + "7,2024-01-05,o1,Mug,2,9.99,x,y\n" + GOOD)
    assert whole.reasons() == {1: "too_few_fields", 4: "too_many_fields"}
    assert whole.column("source_row") == [2, 3, 5, 6]
    assert whole.read == 6


def test_a_gz_cut_in_half(read: Read) -> None:
    packed = gzip.compress((HEAD + "".join(f"{i},2024-01-05,o{i},Mug,2,{i}.99\n" for i in range(200_000))).encode())
    with pytest.raises(InputRefused, match="ends in the middle"):
        read(packed[: len(packed) // 2], "orders.csv.gz")
    with pytest.raises(InputRefused, match=r"damaged|ends in the middle"):
        read(packed[:2000] + b"garbage" * 1000 + packed[9000:], "orders.csv.gz")


def test_quotes_and_newlines_in_fields(read: Read) -> None:
    text = HEAD + '7,2024-01-05,o1,"He said ""hi"",\nthen left",2,9.99\n8,2024-01-06,o2,5" pipe,1,5.00\n'
    assert read(text).column("item_id") == ['He said "hi",\nthen left', '5" pipe']


def test_a_quote_that_is_never_closed(read: Read) -> None:
    whole = read(HEAD + GOOD + '9,2024-01-07,o3,"Mug,1,1.00\n' + GOOD)
    assert whole.reasons() == {3: "too_few_fields"}
    assert "8,2024-01-06,o2" in whole.rejected["raw"][0].as_py()
    literal = read(HEAD + GOOD + '9,2024-01-07,o3,"Mug,1,1.00\n' + GOOD, settings=ImportSettings(quote=""))
    assert literal.read == 5
    huge = HEAD + GOOD + '9,2024-01-07,o3,"Mug,1,1.00\n' + GOOD * 300_000
    with pytest.raises(InputRefused, match="cannot be cut into columns") as error:
        read(huge)
    assert "quote = ''" in str(error.value.remedy)


def test_a_quote_closed_by_a_later_row_does_not_swallow_rows_silently(read: Read) -> None:
    whole = read(HEAD + '9,2024-01-07,o3,"Mug,1,1.00\n' + GOOD + '9,2024-01-08,o4,Cup",1,1.00\n' + GOOD)
    assert whole.reasons() == {1: "unclosed_quote"}
    assert "8,2024-01-06,o2" in whole.rejected["raw"][0].as_py()


def test_ten_thousand_columns(read: Read) -> None:
    names = ["customer_id", "order_date", "amount", *(f"c{i}" for i in range(10_000))]
    row = ["7", "2024-01-05", "1.00", *["0"] * 10_000]
    whole = read("\n".join([",".join(names), ",".join(row), ",".join(row[:50]), ",".join(row)]))
    assert whole.read == 3
    assert whole.reasons() == {2: "too_few_fields"}
    with pytest.raises(InputRefused, match="25,000 columns"):
        read(",".join(f"c{i}" for i in range(25_000)) + "\n" + ",".join(["0"] * 25_000))


def test_columns_named_twice_or_not_at_all(read: Read) -> None:
    whole = read("customer_id,order_date,,price,price\n7,2024-01-05,x,1.00,2.00\n")
    assert whole.rows()[0]["unit_price"] == 10000
    assert "price_2" in whole.source.guess.unused


def test_dates_in_three_formats_at_once(read: Read) -> None:
    dates = ["2024-01-05", "25/01/2024", "Feb 7 2024", "2/3/2024", "1707300000", "31.12.2023", "never", ""]
    whole = read(HEAD + "".join(f"7,{one},o1,Mug,1,1.00\n" for one in dates))
    days = [str(day) for day in whole.column("local_day")]
    assert days == ["2024-01-05", "2024-01-25", "2024-02-07", "2024-03-02", "2024-02-07", "2023-12-31"]
    assert whole.reasons() == {7: "bad_date", 8: "missing_date"}


def rows_on(*dates: str) -> str:
    return HEAD + "".join(f"7,{one},o1,Mug,1,1.00\n" for one in dates)


def test_ambiguous_day_and_month_are_decided_by_the_whole_column(tmp_path: Path) -> None:
    """The telling value is the last of 30,000: beyond the head of the file."""
    path = tmp_path / "orders.csv"
    for telling, wanted in (("25/12/2024", "2024-04-03"), ("12/25/2024", "2024-03-04")):
        path.write_text(rows_on(*["03/04/2024"] * 30_000, telling))
        source = open_source(path)
        assert str(take(source).column("local_day")[0]) == wanted
        assert not source.guess.notes
    assert "assumed" in inspect(path).notes[0].en


def test_ambiguous_day_and_month_are_assumed_and_said(read: Read) -> None:
    plain = read(rows_on("03/04/2024", "05/06/2024"), zone="Europe/London")
    assert str(plain.column("local_day")[0]) == "2024-04-03"
    assert "day first is assumed" in plain.source.guess.notes[0].en
    assert "假定日在前" in plain.source.guess.notes[0].zh
    american = read(rows_on("03/04/2024", "05/06/2024"), zone="America/New_York")
    assert str(american.column("local_day")[0]) == "2024-03-04"
    told = read(rows_on("03/04/2024", "05/06/2024"), settings=ImportSettings(date_order="mdy"))
    assert str(told.column("local_day")[0]) == "2024-03-04"
    assert not told.source.guess.notes


def test_both_orders_in_one_column_set_the_ambiguous_rows_aside(read: Read) -> None:
    whole = read(rows_on("03/04/2024", "25/04/2024", "04/26/2024", "05/05/2024"))
    assert [str(day) for day in whole.column("local_day")] == ["2024-04-25", "2024-04-26", "2024-05-05"]
    assert whole.reasons() == {1: "ambiguous_date"}


def test_mixed_zones(read: Read) -> None:
    whole = read(
        rows_on("2024-07-05T10:00:00Z", "2024-07-05T12:00:00+02:00", "2024-07-05 11:00:00"), zone="Europe/London"
    )
    assert whole.column("occurred_at") == [datetime(2024, 7, 5, 10, tzinfo=UTC)] * 3
    assert "without a zone" in whole.source.guess.notes[0].en


@pytest.mark.parametrize(
    ("prices", "wanted"),
    [
        (["1,234.50", "9.99", "1,000"], [12345000, 99900, 10000000]),
        (["1.234,50", "9,99", "1.000"], [12345000, 99900, 10000000]),
        (["£1,234.50", "-5", "(7.00)"], [12345000, -50000, -70000]),
    ],
)
def test_thousands_separators_and_decimal_commas(read: Read, prices: list[str], wanted: list[int]) -> None:
    whole = read(HEAD.replace(",", ";") + "".join(f"7;2024-01-05;o1;Mug;1;{one}\n" for one in prices))
    assert whole.column("unit_price") == wanted


def test_a_decimal_comma_proven_only_at_the_end_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    rows = ["7;2024-01-05;o1;Mug;1;1,234\n"] * 20_000 + ["7;2024-01-05;o1;Mug;1;2,5\n"]
    path.write_text(HEAD.replace(",", ";") + "".join(rows))
    whole = take(open_source(path))
    assert whole.column("unit_price")[:1] == [12340]
    assert whole.source.guess.decimal == ","


def test_negative_quantities_are_refunds_and_odd_numbers_are_set_aside(read: Read) -> None:
    rows = ["-2,9.99", "1,-9.99", "NaN,1.00", "1,inf", "1,NaN", "x,1.00", "1,", ",1.00", "0,1.00", "1,1e300"]
    whole = read(HEAD + "".join(f"7,2024-01-05,o1,Mug,{one}\n" for one in rows))
    assert [(r["source_row"], r["event_type"], r["quantity"], r["unit_price"]) for r in whole.rows()] == [
        (1, "refund", 2.0, 99900),
        (2, "purchase", 1.0, -99900),
        (7, "purchase", 1.0, None),
        (8, "purchase", 1.0, 10000),
        (9, "purchase", 0.0, 10000),
    ]
    assert whole.reasons() == {3: "bad_quantity", 4: "bad_price", 5: "bad_price", 6: "bad_quantity", 10: "bad_price"}
    told = {r["source_row"]: (r["column"], r["value"]) for r in whole.rejected.to_pylist()}
    assert told[6] == ("quantity", "x")


def test_odd_ids(read: Read) -> None:
    ids = [
        "null",
        "0",
        "",
        "NaN",
        "anonymous",
        "00042",
        "17850.0",
        "🦊-7",
        "محمد",
        "x" * 400,
        "y" * 5000,
        " 42 ",
        '"a,b"',
    ]
    whole = read(HEAD + "".join(f"{one},2024-01-05,o1,Mug,1,1.00\n" for one in ids))
    assert whole.column("source_id") == ["00042", "17850", "🦊-7", "محمد", "x" * 400, "42", "a,b"]
    missing = dict.fromkeys(range(1, 6), "missing_customer_id")
    assert whole.reasons() == {**missing, 11: "customer_id_too_long"}
    assert whole.rejected["amount"].to_pylist()[0] == 10000


def test_one_customer_and_only_future_events_are_taken_as_they_are(read: Read) -> None:
    """Whether there is enough history is not for the reader to say."""
    assert read(HEAD + "7,2099-01-05,o1,Mug,1,1.00\n").read == 1
    assert read(HEAD + "7,1970-01-01,o1,Mug,1,1.00\n").rows()[0]["occurred_at"].year == 1970


def test_nothing_usable_is_refused_whole(read: Read) -> None:
    with pytest.raises(InputRefused, match=r"not one of 3 rows.*missing_customer_id"):
        read(HEAD + ",2024-01-05,o1,Mug,1,1.00\n" * 3)


def test_a_zip_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdfast.log.sources.files._FREE", 1 << 20)
    zipped, packed = tmp_path / "bomb.zip", tmp_path / "bomb.csv.gz"
    row = b"7,2024-01-05,o1,Mug,1,1.00\n"
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", HEAD.encode() + row * 800_000)
    with gzip.open(packed, "wb", compresslevel=9) as out:
        out.write(HEAD.encode())
        out.write(row * 800_000)
    for path in (zipped, packed):
        with pytest.raises(InputRefused, match="grew beyond") as error:
            take(open_source(path))
        assert "unpack_ratio" in str(error.value.remedy)


def test_zips_that_are_not_for_us(tmp_path: Path) -> None:
    path = tmp_path / "odd.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("picture.png", b"\x89PNG")
        archive.writestr("inner.zip", b"PK")
    with pytest.raises(InputRefused, match="holds no text table"):
        open_source(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../outside.csv", HEAD + GOOD)
    assert take(open_source(path)).read == 2
    assert not (tmp_path.parent.parent / "outside.csv").exists()


def test_an_unknown_encoding_is_named(read: Read) -> None:
    with pytest.raises(InputRefused, match="unknown encoding 'klingon'"):
        read(HEAD + GOOD, settings=ImportSettings(encoding="klingon"))


def test_blank_lines_and_null_bytes(read: Read) -> None:
    whole = read(HEAD + "\n" + GOOD.replace("\n", "\n\n\n"))
    assert whole.column("source_row") == [1, 2]
    odd = read((HEAD + GOOD).encode() * 1 + b"9,2024-01-07,o3,Mu\x01g,1,1.00\n9,bad,o3,Mu\x01g,1,1.00\n")
    assert odd.reasons() == {4: "bad_date"}
    assert "\\u0001" in odd.rejected["raw"][0].as_py()


def test_every_error_says_what_where_and_the_remedy(read: Read) -> None:
    for content in (b"", HEAD.encode(), b"a,b\n1,2\n"):
        with pytest.raises(HoldfastError) as error:
            read(content)
        assert re.fullmatch(r"(?s).+ \(.+\)\. To fix it: .+", str(error.value))
