"""The call list of a release, what people say of it, and files that spreadsheets cannot be harmed by."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from holdfast.app.shop import Shop
from holdfast.core.clock import Cutoff
from holdfast.core.schema import RELEASE_ALERTS
from holdfast.engine.files import write_table

AT = Cutoff.parse("2024-05-01")
#: Best first; the third is a formula to a spreadsheet.
NAMES = ("ann", "bob", "=cmd|' /C calc'!A0", "dan", "eve", "fay")


def publish(shop: Shop, at: Cutoff, names: tuple[str, ...] = NAMES, capacity: int = 3, release_id: str = "r1") -> None:
    """A release that holds alerts and nothing else."""
    rows = [
        {
            "customer_id": one, "score": 10.0 - place, "risk_band": "high", "value_at_risk": 100.0 - place,
            "lead_days": 12.4, "reason": "=silent", "treatment_id": None,
        }
        for place, one in enumerate(names)
    ]  # fmt: skip
    table = RELEASE_ALERTS.conform(pa.Table.from_pylist([{**one, "raised_at": at.at} for one in rows[:capacity]]))

    def fill(folder: Path) -> None:
        (folder / "alerts").mkdir()
        (folder / "alerts" / "pool.json").write_text(json.dumps(rows))
        (folder / "outlook.json").write_text(json.dumps({"alerts": {}}))
        write_table(folder / "alerts.parquet", table)

    shop.releases.publish(release_id, {"cutoff": str(at), "currency": "EUR", "zone": "UTC"}, fill)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop.create(tmp_path / "shop", zone="UTC")
    text = made.config_file.read_text().replace("[alerts]", "[alerts]\ncapacity = 3\nclear_share = 0.7")
    made.config_file.write_text(text)
    publish(made, AT)
    return Shop.open(made.folder)


def ask(shop: Shop, **said: Any) -> dict[str, Any]:
    from holdfast.app import service

    return service.alerts(shop.folder, **said).data


def listed(shop: Shop) -> list[str]:
    return [one["customer_id"] for one in ask(shop)["alerts"]]


def test_the_list_is_the_published_one_and_the_same_when_asked_again(shop: Shop) -> None:
    first, again = ask(shop), ask(shop)
    assert [one["customer_id"] for one in first["alerts"]] == list(NAMES[:3])
    assert first["fresh"] == 3
    assert again["alerts"] == first["alerts"]
    assert again["fresh"] == 0
    assert again["dispositions"]["raised"] == 3


def test_done_keeps_its_place_taken_and_wrong_or_snoozed_frees_it(shop: Shop) -> None:
    assert listed(shop) == list(NAMES[:3])
    ask(shop, done=["ann"])
    assert listed(shop) == [NAMES[1], NAMES[2]]
    ask(shop, snooze=["bob"], until="2024-06-01")
    assert listed(shop) == [NAMES[2], "dan"]
    told = ask(shop, wrong=["dan"], why="moved away")["dispositions"]
    assert listed(shop) == [NAMES[2], "eve"]
    assert (told["done"], told["snoozed"], told["wrong"]) == (1, 1, 1)
    assert told["wrong_share"] == 0.5
    assert told["why"] == [{"why": "moved away", "count": 1}]


def test_the_next_release_knows_what_was_said(shop: Shop) -> None:
    listed(shop)
    ask(shop, done=["ann"], wrong=["bob"], why="never bought")
    ask(shop, snooze=[NAMES[2]], until="2024-06-20")
    for days, expected in ((20, ["dan", "eve", "fay"]), (31, ["dan", "eve", "fay"]), (55, ["ann", NAMES[2]])):
        publish(shop, Cutoff(AT.at + timedelta(days=days)), release_id=f"r{days}")
        assert listed(shop) == expected, days  # an open alert holds its place; unworked it ends after 30 days
    publish(shop, Cutoff(AT.at + timedelta(days=90)), release_id="r90")
    assert "bob" in listed(shop)  # wrong is quiet for 90 days


def test_an_alert_that_is_no_longer_due_ends_and_its_customer_rests(shop: Shop) -> None:
    listed(shop)
    publish(shop, Cutoff(AT.at + timedelta(days=7)), ("bob", "dan", "eve", "fay"), release_id="r2")
    assert listed(shop) == ["bob", "dan", "eve"]  # ann ordered again, say: her alert has ended
    publish(shop, Cutoff(AT.at + timedelta(days=14)), release_id="r3")
    assert "ann" not in listed(shop)
    publish(shop, Cutoff(AT.at + timedelta(days=38)), release_id="r4")
    assert "ann" in listed(shop)


def test_the_list_goes_out_as_csv_and_comes_back_filled_in(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "calls.csv"
    ask(shop, csv=file)
    assert file.read_bytes().startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(file.read_text("utf-8-sig").splitlines()))
    assert rows[3][0] == "'=cmd|' /C calc'!A0"
    assert rows[1][5] == "'=silent"
    at = rows[0].index("disposition")
    rows[1][at], rows[2][at], rows[2][at + 2], rows[3][at], rows[3][at + 1] = (
        "done",
        "Wrong",
        "a shop",
        "snoozed",
        "2024-07-01",
    )
    with file.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows(rows)
    said = ask(shop, dispositions=file)
    assert said["noted"] == 3
    assert said["dispositions"]["why"] == [{"why": "a shop", "count": 1}]
    assert listed(shop) == ["dan", "eve"]


def test_half_a_file_of_dispositions_is_written_not_at_all(shop: Shop, tmp_path: Path, holdfast: Any) -> None:
    listed(shop)
    file = tmp_path / "said.csv"
    for text, code in (
        ("customer,disposition\nann,done\nnobody,done\n", 2),
        ("customer,disposition\nann,done\nbob,maybe\n", 3),
        ("customer,disposition,because\nann,done,\nbob,wrong,\n", 3),
        ("customer,what\nann,done\n", 3),
    ):
        file.write_text(text)
        assert holdfast("alerts", shop.folder, "--dispositions", file).code == code, text
        assert ask(shop)["dispositions"]["done"] == 0


def test_the_command_line_lists_and_notes(shop: Shop, holdfast: Any) -> None:
    said = holdfast("alerts", shop.folder)
    assert said.code == 0, said.err
    assert "ann, high, €100 at risk, 12 days left" in said.out
    assert holdfast("alerts", shop.folder, "--wrong", "ann").code == 2
    assert holdfast("alerts", shop.folder, "--snooze", "ann").code == 2
    assert holdfast("alerts", shop.folder, "--until", "2024-06-01").code == 2
    assert holdfast("alerts", shop.folder, "--done", "zoe").code == 2
    noted = holdfast("alerts", shop.folder, "--wrong", "ann", "--why", "a test", "--json")
    assert json.loads(noted.out)["dispositions"]["wrong"] == 1
    assert "有误1条" in holdfast("alerts", shop.folder, "--language", "zh").out


def test_what_is_said_of_a_live_release_is_dated_now(shop: Shop) -> None:
    yesterday = Cutoff.midnight((datetime.now(UTC) - timedelta(days=1)).date())
    publish(shop, yesterday, release_id="live")
    listed(shop)
    ask(shop, done=["ann"])
    from holdfast.app.alerts.calls import store_of

    noted = store_of(shop).dispositions()[-1]["noted_at"]
    assert timedelta(0) <= datetime.now(UTC) - noted < timedelta(minutes=5)
