"""The whole story at the command line: import, run, explain, time passes, promises are held against what happened."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from said import Holdfast

HEAD = "order_id,customer_id,date,item,quantity,price\n"


def rows(first: int, last: int, seed: int = 5) -> list[str]:
    """Orders of 2024 on the days [first, last): customers with a rhythm, some of whom leave."""
    rng = random.Random(seed)
    lines = []
    for c in range(220):
        day, gap, leave = rng.uniform(0, 120), rng.uniform(5, 40), rng.random() * 0.15
        while day < 360:
            if first <= day < last:
                month, at = 1 + int(day) // 30, 1 + int(day) % 30 % 28
                lines.append(
                    f"o{c}-{day:.0f},c{c:03d},2024-{month:02d}-{at:02d} 10:00:00,sku{rng.randrange(9)},"
                    f"{rng.randrange(1, 4)},{rng.randrange(100, 5000) / 100:.2f}\n"
                )
            else:
                rng.randrange(9), rng.randrange(1, 4), rng.randrange(100, 5000)
            if rng.random() < leave:
                break
            day += rng.expovariate(1 / gap) + 1
    return lines


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One shop for the module: the tests below are its chapters, in order."""
    return tmp_path_factory.mktemp("story")


def test_chapter_1_files_become_a_release(folder: Path, holdfast: Holdfast) -> None:
    (folder / "first.csv").write_text(HEAD + "".join(rows(0, 270)))
    shop = folder / "shop"
    assert holdfast("init", shop, "--zone", "Europe/Berlin").code == 0
    assert holdfast("import", shop, folder / "first.csv").code == 0
    said = holdfast("run", shop, "--horizon", "30d", "--json")
    assert said.code == 0, said.err
    data = json.loads(said.out)
    release = Path(data["folder"])
    assert {one.name for one in release.iterdir()} == {
        "manifest.json", "quality.json", "backtest.json", "promises.json", "outlook.json", "summary.json", "models", "report", "lists",
        "recommend", "alerts",
        "customers.parquet", "survival.parquet", "recommendations.parquet", "alerts.parquet", "decisions.parquet",
        "profiles.parquet",
    }  # fmt: skip
    assert json.loads((release / "promises.json").read_text())["promises"] == []
    assert (release / "lists" / "at_risk.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert Path(data["report"]).is_file()


def test_chapter_2_the_same_run_gives_the_same_release(folder: Path, holdfast: Holdfast) -> None:
    shop = folder / "shop"
    before = json.loads(holdfast("release", "list", shop, "--json").out)["releases"]
    assert holdfast("run", shop, "--horizon", "30d").code == 0
    assert json.loads(holdfast("release", "list", shop, "--json").out)["releases"] == before
    assert holdfast("release", "verify", shop).code == 0


def test_chapter_3_a_customer_is_explained_in_both_languages(folder: Path, holdfast: Holdfast) -> None:
    import pyarrow.parquet as pq

    shop = folder / "shop"
    release = next((shop / "releases").glob("*/customers.parquet"))
    one = pq.read_table(release).to_pylist()[0]
    said = holdfast("explain", shop, one["customer_id"], "--json")
    assert json.loads(said.out)["prediction"]["p_churn"] == one["p_churn"]
    english = holdfast("explain", shop, one["customer_id"]).out
    chinese = holdfast("explain", shop, one["customer_id"], "--language", "zh").out
    assert all(reason["text"] in english for reason in one["reasons"])
    assert "天" in chinese
    assert "Chance of no order" not in chinese
    unknown = holdfast("explain", shop, "nobody")
    assert unknown.code == 2
    assert "to fix it:" in unknown.err
    shown = json.loads(holdfast("features", "show", shop, one["customer_id"], "--json").out)["features"]
    silence = next(row["value"] for row in shown if row["feature"] == "days_since_last_order")
    assert silence == pytest.approx(one["days_since_last_order"])


def test_chapter_3_customers_are_cut_into_segments(folder: Path, holdfast: Holdfast) -> None:
    shop = folder / "shop"
    data = json.loads(holdfast("segments", shop, "--flow", "--json").out)
    total = sum(one["customers"] for one in data["segments"])
    assert data["by"] == data["published_by"]
    assert sum(one["count"] for one in data["flow"]["moves"] if one["to"] != "outside") == total
    assert all(one["title"]["zh"] and 0 <= one["p_churn"] <= 1 for one in data["segments"])
    grid = json.loads(holdfast("segments", shop, "--by", "rfm", "--json").out)["segments"]
    name, list_file = grid[0]["name"], folder / "members.csv"
    said = holdfast("segments", shop, "--by", "rfm", "--segment", name, "--csv", list_file, "--language", "zh")
    assert "客户" in said.out
    assert len(list_file.read_text(encoding="utf-8-sig").splitlines()) == 1 + grid[0]["customers"]
    for wrong in (["--by", "learned"], ["--segment", "nobody"], ["--by", "rules"]):
        refused = holdfast("segments", shop, *wrong)
        assert refused.code == 2, refused.err
        assert "to fix it:" in refused.err


def test_chapter_3_a_rule_that_cannot_be_read_is_refused_before_any_work(folder: Path, holdfast: Holdfast) -> None:
    shop = folder / "shop"
    (shop / "segments.toml").write_text('[[segment]]\nname = "vip"\nwhen = "order_cuont_90d >= 2"\n')
    said = holdfast("run", shop, "--horizon", "30d")
    assert said.code == 2
    assert "order_count_90d" in said.err
    # the second release, of the next chapter, is cut by rules
    (shop / "segments.toml").write_text(
        '[[segment]]\nname = "vip"\nwhen = "order_count within 90d >= 2"\n'
        '[[segment]]\nname = "slow"\nwhen = {field = "lifecycle", op = "in", value = ["slowing", "dormant"]}\n'
    )


def test_chapter_4_time_passes_and_promises_are_kept(folder: Path, holdfast: Holdfast) -> None:
    import pyarrow.parquet as pq

    shop = folder / "shop"
    old = pq.read_table(next((shop / "releases").glob("*/customers.parquet"))).to_pylist()
    (folder / "second.csv").write_text(HEAD + "".join(rows(270, 330)))
    assert holdfast("import", shop, folder / "second.csv").code == 0
    said = holdfast("run", shop, "--horizon", "30d", "--json")
    assert said.code == 0, said.err
    segments = pq.read_table(Path(json.loads(said.out)["folder"]) / "customers.parquet")["segment"].to_pylist()
    assert set(segments) <= {"vip", "slow", "other"}
    assert "vip" in segments
    assert json.loads(holdfast("segments", shop, "--flow", "--json").out)["flow"]["moves"]
    kept = json.loads((Path(json.loads(said.out)["folder"]) / "promises.json").read_text())["promises"]
    assert len(kept) == 1
    assert kept[0]["n"] == len(old)
    assert kept[0]["said"] == pytest.approx(sum(row["p_churn"] for row in old) / len(old))
    assert 0 <= kept[0]["happened"] <= 1
    assert kept[0]["value_at_risk"]["said"] == pytest.approx(sum(row["value_at_risk"] for row in old))
    assert kept[0]["value_at_risk"]["lost"] is not None
    assert f"{kept[0]['happened']:.0%}" in json.loads(said.out)["text"]


def test_chapter_5_a_bad_day_can_be_rolled_back(folder: Path, holdfast: Holdfast) -> None:
    shop = folder / "shop"
    assert holdfast("release", "rollback", shop).code == 0
    listed = json.loads(holdfast("release", "list", shop, "--json").out)["releases"]
    assert [one["current"] for one in listed] == [True, False]


def test_chapter_6_the_standing_release_is_held_against_what_came_after_it(folder: Path, holdfast: Holdfast) -> None:
    shop = folder / "shop"  # the first release stands again, two months on
    said = holdfast("drift", shop, "--json")
    assert said.code == 0, said.err
    facts = json.loads(said.out)
    assert (
        facts["release_id"] == json.loads(holdfast("release", "list", shop, "--json").out)["releases"][0]["release_id"]
    )
    assert len(facts["calibration"]["slices"]) >= 1
    assert 0 < facts["calibration"]["happened"] < 1
    assert facts["refit"] is bool([one for one in facts["reasons"] if "now" in one])
    assert 0.5 < facts["expected"]["auc"]["value"] < 1
    for language in ("en", "zh"):
        page = holdfast("drift", shop, "--language", language).out
        assert facts["release_id"] in page
    early = holdfast("drift", shop, "--cutoff", facts["published_at"])
    assert early.code == 4
    assert "import newer events" in early.err


def test_the_doctor_reads_the_same_file_with_nothing_configured(folder: Path, holdfast: Holdfast) -> None:
    said = holdfast("doctor", folder / "first.csv", "--json")
    assert said.code == 0, said.err
    facts = json.loads(said.out)
    assert set(facts) == {
        "file", "guess", "quality", "history", "silence", "backtest", "value_at_risk", "holdout",
    }  # fmt: skip
    assert facts["guess"]["columns"]["customer_id"] == "customer_id"
    assert facts["file"]["rows"] == len(rows(0, 270))
    text = holdfast("doctor", folder / "first.csv", "--language", "zh")
    assert text.code == 0
    assert "沉默" in text.out


def test_a_database_is_a_source_like_any_file(folder: Path, holdfast: Holdfast, tmp_path: Path) -> None:
    import csv
    import sqlite3

    with (folder / "first.csv").open() as handle:
        lines = list(csv.reader(handle))
    base = sqlite3.connect(tmp_path / "orders.db")
    base.execute(f"CREATE TABLE orders ({', '.join(lines[0])})")
    base.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)", lines[1:400])
    base.commit()
    base.close()
    url = f"sqlite:///{tmp_path / 'orders.db'}?table=orders"
    assert json.loads(holdfast("doctor", url, "--json").out)["file"]["rows"] == 399
    shop = tmp_path / "shop"
    assert holdfast("init", shop).code == 0
    assert json.loads(holdfast("import", shop, url, "--json").out)["files"][0]["kept"] == 399


def test_the_doctor_says_what_it_cannot_know(tmp_path: Path, holdfast: Holdfast) -> None:
    short = list(rows(0, 40))
    (tmp_path / "short.csv").write_text(HEAD + "".join(short))
    said = holdfast("doctor", tmp_path / "short.csv", "--json")
    assert said.code == 0, said.err
    assert "undetermined" in json.loads(said.out)["backtest"]


def test_rows_set_aside_come_back_when_the_config_learns_to_read_them(tmp_path: Path, holdfast: Holdfast) -> None:
    shop = tmp_path / "shop"
    (tmp_path / "odd.csv").write_text(HEAD + "".join(rows(0, 60)) + "o1,guest7,31.12.2024 10:00,sku1,1,2.00\n")
    assert holdfast("init", shop).code == 0
    first = json.loads(holdfast("import", shop, tmp_path / "odd.csv", "--json").out)["files"][0]
    said = holdfast("import", shop, "--replay", "--json")
    assert said.code == 0, said.err
    again = json.loads(said.out)
    assert again["tried"] == first["rejected"]
    assert again["accepted"] + again["still_rejected"] == again["tried"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--help"], 0), (["nonsense"], 2), (["run", "nowhere"], 2), (["release", "list", "nowhere"], 2), (["init"], 2)],
)
def test_exit_codes_of_wrong_usage(
    arguments: list[str], code: int, holdfast: Holdfast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "holdfast.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    assert holdfast(*arguments).code == code


def test_a_misspelt_key_names_the_nearest(tmp_path: Path, holdfast: Holdfast) -> None:
    (tmp_path / "holdfast.toml").write_text("[shop]\ncurency = 'EUR'\n")
    said = holdfast("config", "check", tmp_path)
    assert said.code == 2
    assert "did you mean 'currency'" in said.err


def test_every_command_has_help_with_an_example(holdfast: Holdfast) -> None:
    from holdfast.cli.commands import app
    from holdfast.cli.root import config_app, features_app, release_app

    for group, prefix in (
        (app, []),
        (features_app, ["features"]),
        (release_app, ["release"]),
        (config_app, ["config"]),
    ):
        for command in group.registered_commands:
            name = command.name or command.callback.__name__.rstrip("_")  # type: ignore[union-attr]
            said = holdfast(*prefix, name, "--help")
            assert said.code == 0
            assert "Example: holdfast" in said.out, name
