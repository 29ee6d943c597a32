"""Hostile input: a clear message, the promised exit code, and nothing lost.

A file refused whole exits with 3 and changes nothing; bad rows are set aside, counted and kept, and exit with 0.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from said import Holdfast, Said

HEAD = "order_id,customer_id,date,item,quantity,price\n"


def orders(days: int = 40, customers: int = 30, seed: int = 3) -> list[str]:
    """Plausible order lines of 2024."""
    rng = random.Random(seed)
    return [
        f"o{i},c{rng.randrange(customers)},2024-{1 + i % 12:02d}-{1 + rng.randrange(28):02d} 10:{i % 60:02d}:00,"
        f"sku{rng.randrange(20)},{rng.randrange(1, 4)},{rng.randrange(100, 5000) / 100:.2f}\n"
        for i in range(days * 3)
    ]


def write(path: Path, rows: list[str], head: str = HEAD, encoding: str = "utf-8", end: str = "\n") -> Path:
    path.write_bytes((head + "".join(rows)).replace("\n", end).encode(encoding))
    return path


def snapshot(shop: Path) -> dict[str, bytes]:
    """Every byte of the lake, but who held its lock last."""
    lake = shop / "lake"
    found = sorted(p for p in lake.rglob("*") if p.is_file() and p.name != "lock")
    return {p.relative_to(lake).as_posix(): p.read_bytes() for p in found}


def counts(said: Said) -> dict[str, int]:
    """read, kept, rejected ... of the one file imported with --json."""
    return json.loads(said.out)["files"][0]  # type: ignore[no-any-return]


def assert_reconciles(said: Said) -> dict[str, int]:
    assert said.code == 0, said.err
    one = counts(said)
    assert one["read"] == one["kept"] + one["known"] + one["rejected"], one
    return one


def refused(said: Said, *words: str) -> None:
    assert said.code == 3, (said.code, said.out, said.err)
    assert "to fix it:" in said.err
    assert "Traceback" not in said.err
    for word in words:
        assert word.lower() in said.err.lower(), said.err


@pytest.fixture
def loaded(shop: Path, holdfast: Holdfast, tmp_path: Path) -> Path:
    """A shop that already holds good orders; whatever comes next must not hurt them."""
    assert holdfast("import", shop, write(tmp_path / "good.csv", orders())).code == 0
    return shop


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.csv", b"", ("empty",)),
        ("header.csv", HEAD.encode(), ("no rows", )),
        ("missing.csv", b"order_id,date,item\no1,2024-01-01,x\n", ("customer",)),
        ("binary.csv", bytes(range(256)) * 40, ("not a text file",)),
        ("nul.csv", HEAD.encode() + b"o1,a\x00b,2024-05-01 10:00:00,x,1,2\n", ("not a text file",)),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_refused_whole(
    loaded: Path, holdfast: Holdfast, tmp_path: Path, name: str, content: bytes, words: tuple[str, ...]
) -> None:
    before = snapshot(loaded)
    (tmp_path / name).write_bytes(content)
    refused(holdfast("import", loaded, tmp_path / name), name, *words)
    assert snapshot(loaded) == before


def test_a_gz_cut_in_half_is_refused_whole(loaded: Path, holdfast: Holdfast, tmp_path: Path) -> None:
    before = snapshot(loaded)
    whole = gzip.compress((HEAD + "".join(orders(4000))).encode())
    (tmp_path / "half.csv.gz").write_bytes(whole[: len(whole) // 2])
    refused(holdfast("import", loaded, tmp_path / "half.csv.gz"), "half.csv.gz")
    assert snapshot(loaded) == before


def test_a_zip_bomb_is_bounded(loaded: Path, holdfast: Holdfast, tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    with (
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("orders.csv", "w", force_zip64=True) as inner,
    ):
        inner.write(HEAD.encode())
        for _ in range(300):
            inner.write(b"0" * 1_000_000)
    started = time.monotonic()
    refused(holdfast("import", loaded, bomb), "bomb.zip")
    assert time.monotonic() - started < 30


def test_a_path_that_is_not_there_or_is_an_empty_folder(loaded: Path, holdfast: Holdfast, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for origin in (tmp_path / "absent.csv", tmp_path / "folder"):
        said = holdfast("import", loaded, origin)
        assert said.code in (2, 3), said.err
        assert "to fix it:" in said.err


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(shop: Path, holdfast: Holdfast, tmp_path: Path, end: str) -> None:
    said = holdfast("import", shop, write(tmp_path / "ends.csv", orders(), end=end), "--json")
    assert assert_reconciles(said)["kept"] == 120


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters(shop: Path, holdfast: Holdfast, tmp_path: Path, delimiter: str) -> None:
    rows = [row.replace(",", delimiter) for row in orders()]
    said = holdfast("import", shop, write(tmp_path / "other.csv", rows, HEAD.replace(",", delimiter)), "--json")
    assert assert_reconciles(said)["kept"] == 120


def test_latin_1_bytes(shop: Path, holdfast: Holdfast, tmp_path: Path) -> None:
    rows = [row.replace("sku", "Käse") for row in orders()]
    said = holdfast("import", shop, write(tmp_path / "latin.csv", rows, encoding="latin-1"), "--json")
    assert assert_reconciles(said)["kept"] == 120


def test_a_truncated_last_line_is_set_aside(shop: Path, holdfast: Holdfast, tmp_path: Path) -> None:
    said = holdfast("import", shop, write(tmp_path / "cut.csv", [*orders(), "o999,c1"]), "--json")
    assert assert_reconciles(said)["rejected"] == 1


def test_quotes_and_newlines_in_fields(shop: Path, holdfast: Holdfast, tmp_path: Path) -> None:
    rows = [*orders(), 'o998,c1,2024-05-01 10:00:00,"a ""big"",\nnew thing",1,2.50\n']
    said = holdfast("import", shop, write(tmp_path / "quoted.csv", rows), "--json")
    assert assert_reconciles(said)["kept"] == 121


def test_ten_thousand_columns(shop: Path, holdfast: Holdfast, tmp_path: Path) -> None:
    extra = ",".join(f"x{i}" for i in range(10_000))
    fill = "," + ",".join("1" for _ in range(10_000))
    rows = [row.rstrip("\n") + fill + "\n" for row in orders(4)]
    said = holdfast(
        "import", shop, write(tmp_path / "wide.csv", rows, HEAD.rstrip("\n") + "," + extra + "\n"), "--json"
    )
    assert assert_reconciles(said)["kept"] == 12


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("o1,null,2024-05-01 10:00:00,x,1,2\n", "missing_customer_id"),
        ("o1,0,2024-05-01 10:00:00,x,1,2\n", "missing_customer_id"),
        ("o1,c1,not a date,x,1,2\n", "bad_date"),
        ("o1,c1,2024-05-01 10:00:00,x,NaN,2\n", "bad_quantity"),
        ("o1,c1,2024-05-01 10:00:00,x,inf,2\n", "bad_quantity"),
        ("o1,c1,2024-05-01 10:00:00,x,1,many\n", "bad_price"),
    ],
)
def test_a_bad_row_is_set_aside_with_its_reason(
    shop: Path, holdfast: Holdfast, tmp_path: Path, row: str, reason: str
) -> None:
    said = holdfast("import", shop, write(tmp_path / "bad.csv", [*orders(), row]), "--json")
    one = assert_reconciles(said)
    assert one["rejected"] == 1
    assert one["reasons"] == {reason: 1}


def test_negative_prices_are_never_spend(shop: Path, holdfast: Holdfast, tmp_path: Path) -> None:
    rows = [*orders(), "o1,c1,2024-05-01 10:00:00,x,1,-2.00\n"]
    assert_reconciles(holdfast("import", shop, write(tmp_path / "negative.csv", rows), "--json"))
    said = holdfast("quality", shop, "--json")
    assert said.code == 0
    assert "price" in said.out


def test_thousands_separators_and_decimal_commas(shop: Path, holdfast: Holdfast, tmp_path: Path) -> None:
    rows = [row.replace(",", ";").replace(".", ",") for row in orders()]
    rows.append("o1;c1;2024-05-01 10:00:00;x;1;1.234,50\n")
    said = holdfast("import", shop, write(tmp_path / "comma.csv", rows, HEAD.replace(",", ";")), "--json")
    assert assert_reconciles(said)["rejected"] == 0


@pytest.mark.parametrize(
    "rows",
    [
        [f"o{i},c{i % 9},{1 + i % 28:02d}/{1 + i % 12:02d}/2024,x,1,2\n" for i in range(60)],  # a day above 12 decides
        [f"o{i},c{i % 9},{1 + i % 12:02d}/{1 + i % 12:02d}/2024,x,1,2\n" for i in range(60)],  # nothing decides
    ],
)
def test_ambiguous_day_and_month(shop: Path, holdfast: Holdfast, tmp_path: Path, rows: list[str]) -> None:
    said = holdfast("import", shop, write(tmp_path / "days.csv", rows), "--json")
    assert assert_reconciles(said)["kept"] == 60


def test_dates_in_three_formats_and_mixed_zones(shop: Path, holdfast: Holdfast, tmp_path: Path) -> None:
    forms = ("2024-05-{d:02d} 10:00:00", "{d:02d}.05.2024", "2024-05-{d:02d}T10:00:00+08:00", "May {d}, 2024")
    rows = [f'o{i},c{i % 9},"{forms[i % 4].format(d=1 + i % 28)}",x,1,2\n' for i in range(80)]
    one = assert_reconciles(holdfast("import", shop, write(tmp_path / "mixed.csv", rows), "--json"))
    assert one["kept"] >= 20
    assert one["kept"] + one["rejected"] == 80


@pytest.mark.parametrize("name", ["客户😀", "عميل", "x" * 5000, "=1+1", "<script>alert(1)</script>"])
def test_strange_ids_are_customers_too(shop: Path, holdfast: Holdfast, tmp_path: Path, name: str) -> None:
    rows = [*orders(), f'o1,"{name}",2024-05-01 10:00:00,x,1,2\n']
    assert_reconciles(holdfast("import", shop, write(tmp_path / "ids.csv", rows), "--json"))


def test_events_only_in_the_future_are_too_little_to_learn_from(shop: Path, holdfast: Holdfast, tmp_path: Path) -> None:
    rows = [row.replace("2024-", "2999-") for row in orders()]
    assert holdfast("import", shop, write(tmp_path / "future.csv", rows)).code in (0, 3)
    said = holdfast("run", shop)
    assert said.code == 4, said.err
    assert "to fix it:" in said.err


@pytest.mark.parametrize(
    "rows",
    [
        ["o1,c1,2024-05-01 10:00:00,x,1,2\n"],
        [f"o{i},c1,2024-{1 + i % 12:02d}-01 10:00:00,x,1,2\n" for i in range(60)],  # one customer
        [f"o{i},c{i},2024-12-01 10:00:00,x,1,2\n" for i in range(60)],  # all new
    ],
)
def test_too_little_data_is_said_with_exit_code_4(
    shop: Path, holdfast: Holdfast, tmp_path: Path, rows: list[str]
) -> None:
    assert holdfast("import", shop, write(tmp_path / "few.csv", rows)).code == 0
    said = holdfast("run", shop)
    assert said.code == 4, (said.code, said.out, said.err)
    assert "Traceback" not in said.err


@pytest.mark.parametrize("kind", ["nobody churned", "everyone churned"])
def test_one_class_only_is_said_or_stated(shop: Path, holdfast: Holdfast, tmp_path: Path, kind: str) -> None:
    if kind == "nobody churned":
        rows = [
            f"o{c}-{m},c{c},2024-{m:02d}-{d:02d} 10:00:00,x,1,2\n"
            for c in range(60)
            for m in range(1, 13)
            for d in (3, 17)
        ]
    else:
        rows = [f"o{c},c{c},2024-{1 + c % 12:02d}-{1 + c % 28:02d} 10:00:00,x,1,2\n" for c in range(600)]
    assert holdfast("import", shop, write(tmp_path / "class.csv", rows)).code == 0
    said = holdfast("run", shop)
    assert said.code in (0, 4), said.err
    assert "nan" not in said.out.lower()


def test_the_same_file_again_adds_nothing(loaded: Path, holdfast: Holdfast, tmp_path: Path) -> None:
    rows_before = json.loads(holdfast("quality", loaded, "--json").out)
    said = holdfast("import", loaded, write(tmp_path / "renamed.csv", orders()), "--json")
    assert assert_reconciles(said)["kept"] == 0
    rows_after = json.loads(holdfast("quality", loaded, "--json").out)
    assert rows_before["steps"] == rows_after["steps"]


def _command(*args: object) -> list[str]:
    return [sys.executable, "-m", "holdfast", *map(str, args)]


@pytest.fixture
def python_path(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Path(__file__).resolve().parents[2] / "src"
    monkeypatch.setenv("PYTHONPATH", f"{source}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")


@pytest.mark.usefixtures("python_path")
def test_ctrl_c_in_the_middle_leaves_the_old_state(loaded: Path, holdfast: Holdfast, tmp_path: Path) -> None:
    before = snapshot(loaded)
    big = write(tmp_path / "big.csv", orders(200_000))
    process = subprocess.Popen(_command("import", loaded, big), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    if process.returncode != 0:  # a very fast machine may have finished
        assert process.returncode in (130, -signal.SIGINT), err
        assert {k: v for k, v in snapshot(loaded).items() if k in before} == before
    assert holdfast("import", loaded, big).code == 0


@pytest.mark.usefixtures("python_path")
def test_two_imports_at_once_lose_nothing(loaded: Path, tmp_path: Path, holdfast: Holdfast) -> None:
    files = [write(tmp_path / f"part{n}.csv", orders(20_000, seed=n)) for n in (11, 12)]
    running = [
        subprocess.Popen(_command("import", loaded, one, "--json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for one in files
    ]
    codes = []
    for process in running:
        _, err = process.communicate(timeout=120)
        codes.append(process.returncode)
        assert process.returncode == 0 or b"another holdfast process" in err, err
    assert 0 in codes
    for one in files:  # whoever was turned away comes again
        assert holdfast("import", loaded, one).code == 0
        assert json.loads(holdfast("import", loaded, one, "--json").out)["files"][0]["kept"] == 0


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte, where this user may mount one."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("this user may not mount a small tmpfs")
    yield folder
    with contextlib.suppress(OSError):
        subprocess.run(["umount", folder], capture_output=True, check=False)


def test_disk_full_is_said_and_the_old_state_stays(tiny_disk: Path, holdfast: Holdfast, tmp_path: Path) -> None:
    shop = tiny_disk / "shop"
    assert holdfast("init", shop).code == 0
    assert holdfast("import", shop, write(tmp_path / "good.csv", orders())).code == 0
    before = snapshot(shop)
    said = holdfast("import", shop, write(tmp_path / "big.csv", orders(100_000, customers=30_000)))
    assert said.code == 1, (said.code, said.err)
    assert "space" in said.err
    assert snapshot(shop) == before


def test_a_read_only_disk_is_said(tiny_disk: Path, holdfast: Holdfast, tmp_path: Path) -> None:
    shop = tiny_disk / "shop"
    assert holdfast("init", shop).code == 0
    if subprocess.run(["mount", "-o", "remount,ro", tiny_disk], capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount read-only")
    said = holdfast("import", shop, write(tmp_path / "more.csv", orders()))
    assert said.code == 1, (said.code, said.err)
    assert "read-only" in said.err


@contextlib.contextmanager
def ordinary_user() -> Iterator[None]:
    """A block that runs with the rights of an ordinary user; root gives its own away for so long."""
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        if me == 0:
            os.seteuid(0)


def test_no_write_permission_is_said_and_nothing_changes(holdfast: Holdfast) -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to other users
        base = Path(name)
        base.chmod(0o755)
        shop = base / "shop"
        assert holdfast("init", shop).code == 0
        assert holdfast("import", shop, write(base / "good.csv", orders())).code == 0
        more = write(base / "more.csv", orders(seed=9))
        before = snapshot(shop)
        for path in (shop, *shop.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        with ordinary_user():
            said = holdfast("import", shop, more)
        for path in (shop, *shop.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        assert said.code == 1, (said.code, said.err)
        assert "Permission denied" in said.err
        assert "to fix it: check who may read and write there" in said.err
        assert snapshot(shop) == before
