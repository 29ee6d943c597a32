"""The real files, where they are: counts to the row, money to the cent, memory bounded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow.compute as pc
import pytest

from holdfast.log.sources.open import open_source

from .conftest import take

pytestmark = pytest.mark.real_data


def test_online_retail(real_data: Path) -> None:
    source = open_source(real_data / "online_retail/online_retail.csv.gz")
    assert (source.preset, source.guess.encoding, source.guess.delimiter) == ("online-retail", "utf-8", ",")
    whole = take(source)
    rows = whole.tables["events"]
    assert whole.read == 541_909
    assert rows.num_rows == 406_829
    assert whole.rejected.num_rows == 135_080
    assert set(whole.rejected["reason"].to_pylist()) == {"missing_customer_id"}
    kinds = {one["values"]: one["counts"] for one in rows["event_type"].value_counts().to_pylist()}
    assert kinds == {"purchase": 397_924, "cancel": 8_905}
    assert len(rows["source_id"].unique()) == 4_372
    numbers = sorted(rows["source_row"].to_pylist() + whole.rejected["source_row"].to_pylist())
    assert numbers == list(range(1, 541_910))
    amount = pc.multiply(rows["quantity"], rows["unit_price"].cast("float64"))
    bought = pc.equal(rows["event_type"], "purchase")
    spent = round(pc.sum(amount.filter(bought)).as_py()) - round(pc.sum(amount.filter(pc.invert(bought))).as_py())
    # The whole file is worth 9,747,747.934: what is kept less what was cancelled plus what was set aside.
    assert spent + pc.sum(whole.rejected["amount"]).as_py() == 97_477_479_340


def test_cdnow(real_data: Path) -> None:
    master = take(open_source(real_data / "cdnow/CDNOW_master.txt.gz"))
    sample = take(open_source(real_data / "cdnow/CDNOW_sample.txt"))
    for whole, rows, people in ((master, 69_659, 23_570), (sample, 6_919, 2_357)):
        assert whole.source.preset == "cdnow"
        assert (whole.read, whole.tables["events"].num_rows) == (rows, rows)
        assert len(set(whole.column("source_id"))) == people
    totals = [row["quantity"] * row["unit_price"] - (row["discount"] or 0) for row in sample.rows()]
    assert totals[:3] == [293_300, 297_300, 149_600]


def test_rees46(real_data: Path) -> None:
    whole = take(open_source(real_data / "rees46/2019-Oct.csv.gz"))
    assert whole.source.preset == "rees46"
    assert whole.read == 17_435
    assert whole.reasons() == {17_435: "too_few_fields"}
    assert str(whole.rows()[0]["occurred_at"]) == "2019-10-01 00:00:00+00:00"


def test_taobao(real_data: Path) -> None:
    whole = take(open_source(real_data / "taobao/UserBehavior.csv.gz"))
    assert whole.source.preset == "taobao"
    assert (whole.read, whole.tables["events"].num_rows) == (96_169, 96_168)
    assert whole.reasons() == {96_169: "bad_date"}
    assert {str(day) for day in whole.column("local_day")} == {"2017-11-26"}


def test_what_is_no_log_of_orders_is_refused_with_its_columns(real_data: Path) -> None:
    from holdfast.core.errors import InputRefused

    for name in (
        "hillstrom/hillstrom.csv.gz",
        "ecommerce_churn/E_Commerce_Dataset.xlsx",
        "student_dropout/dropout_data.csv.gz",
    ):
        with pytest.raises(InputRefused, match=r"no column looks like.*the file has"):
            open_source(real_data / name)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """Arrow's own peak, in a process each, over a file and one ten times as long."""
    row = "{},2024-01-05 10:00:00,o{},Mug number {},2,9.99\n"
    program = (
        "import sys, pyarrow as pa\n"
        "from holdfast.log.sources.open import open_source\n"
        "assert sum(b.read for b in open_source(sys.argv[1]).batches()) > 0\n"
        "print(pa.default_memory_pool().max_memory())\n"
    )
    peaks = []
    for rows in (200_000, 2_000_000):
        path = tmp_path / f"{rows}.csv"
        with path.open("w") as out:
            out.write("customer_id,order_date,order_id,product,quantity,price\n")
            for start in range(0, rows, 100_000):
                out.write("".join(row.format(i % 5000 + 1, i, i % 300) for i in range(start, start + 100_000)))
        done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout))
    assert peaks[1] < 1.5 * peaks[0]
