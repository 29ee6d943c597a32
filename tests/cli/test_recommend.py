"""What a customer wants next, at the command line: lists of a release, newer events, a cart, a dismissal."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

import pytest

from said import Holdfast

HEAD = "order_id,customer_id,date,item,quantity,price\n"
GOODS = 24


def rows(customers: int = 160, seed: int = 7) -> list[str]:
    """Orders of 2024: each customer has three favourites and sometimes takes something else."""
    rng = random.Random(seed)
    lines = []
    for c in range(customers):
        day, gap, leave = rng.uniform(0, 120), rng.uniform(5, 40), rng.random() * 0.12
        favourites = rng.sample(range(GOODS), 3)
        while day < 300:
            month, at = 1 + int(day) // 30, 1 + int(day) % 30 % 28
            for _ in range(2):
                item = rng.choice(favourites) if rng.random() < 0.8 else rng.randrange(GOODS)
                lines.append(f"o{c}-{day:.0f},c{c:03d},2024-{month:02d}-{at:02d} 10:00:00,sku{item:02d},1,9.50\n")
            if rng.random() < leave:
                break
            day += rng.expovariate(1 / gap) + 1
    return lines


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with a catalogue and one release."""
    from holdfast.cli.run import run

    folder = tmp_path_factory.mktemp("recommend")
    (folder / "orders.csv").write_text(HEAD + "".join(rows()))
    goods = "".join(
        f"sku{i:02d},=green tea {i},{'Tea' if i % 2 else 'Cups'},9.5,2023-12-01T00:00:00Z\n" for i in range(GOODS)
    )
    (folder / "items.csv").write_text("item_id,title,category,price,valid_from\n" + goods)
    shop = folder / "shop"
    assert run(["init", str(shop)]) == 0
    assert run(["import", str(shop), str(folder / "orders.csv"), str(folder / "items.csv")]) == 0
    assert run(["run", str(shop), "--json"]) == 0
    return shop


def release(shop: Path) -> Path:
    return shop / "releases" / (shop / "releases" / "current").read_text().strip()


def asked(holdfast: Holdfast, *args: object) -> dict[str, object]:
    said = holdfast("recommend", *args, "--json")
    assert said.code == 0, said.err
    found: dict[str, object] = json.loads(said.out)
    return found


def first_customer(shop: Path) -> str:
    import pyarrow.parquet as pq

    return str(pq.read_table(release(shop) / "recommendations.parquet")["customer_id"][0].as_py())


def test_a_catalogue_with_prices_is_read_as_a_catalogue(shop: Path) -> None:
    assert list((shop / "lake" / "items").glob("*.parquet"))


def test_the_release_holds_lists_with_reasons(shop: Path) -> None:
    import pyarrow.parquet as pq

    table = pq.read_table(release(shop) / "recommendations.parquet")
    customers = pq.read_table(release(shop) / "customers.parquet")
    assert set(table["customer_id"].to_pylist()) == set(customers["customer_id"].to_pylist())
    assert max(table["rank"].to_pylist()) == 10
    assert {"again", "explore"} <= set(table["lane"].to_pylist())
    assert all(table["reason"].to_pylist())
    assert all(table["title"].to_pylist())


def test_the_owners_list_is_plain_and_safe(shop: Path) -> None:
    text = (release(shop) / "lists" / "recommended.csv").read_text(encoding="utf-8-sig")
    lines = list(csv.reader(text.splitlines()))
    assert lines[0] == ["customer", "rank", "item", "kind", "why"]
    assert lines[1][2].startswith("'=green tea")
    assert {line[3] for line in lines[1:]} >= {"buy again", "something to discover"}


def test_again_is_said_of_own_items_only(shop: Path) -> None:
    import pyarrow.parquet as pq

    orders = {tuple(line.split(",")[1:4:2]) for line in rows()}
    for row in pq.read_table(release(shop) / "recommendations.parquet").to_pylist():
        assert (row["lane"] == "again") == ((row["customer_id"], row["item_id"]) in orders), row


def test_the_facts_say_how_good_such_lists_were(shop: Path) -> None:
    facts = json.loads((release(shop) / "recommend" / "recommend.json").read_text())
    told = {one["model"]: one["hit"]["value"] for one in facts["judged"]["rows"]}
    assert set(told) == {"list", "frequency", "popular"}
    assert told["frequency"] > told["popular"]  # favourites are planted
    assert facts["recommender"] == "frequency"
    assert "Too few" in facts["note"]
    outlook = json.loads((release(shop) / "outlook.json").read_text())
    assert outlook["recommend"] == facts


def test_the_published_list_is_read(shop: Path, holdfast: Holdfast) -> None:
    one = first_customer(shop)
    data = asked(holdfast, shop, one, "--count", 3)
    assert data["known"]
    assert data["newer_events"] == 0
    assert [item["rank"] for item in data["items"]] == [1, 2, 3]  # type: ignore[index, union-attr, attr-defined]
    said = holdfast("recommend", shop, one)
    assert "1. buy again" in said.out
    assert "green tea" in said.out
    assert "green tea" in holdfast("explain", shop, one).out


def test_a_longer_list_begins_with_the_published_one(shop: Path, holdfast: Holdfast) -> None:
    one = first_customer(shop)
    short, long = asked(holdfast, shop, one)["items"], asked(holdfast, shop, one, "--count", 14)["items"]
    names = [[item["item_id"] for item in found] for found in (short, long)]  # type: ignore[attr-defined]
    assert len(names[1]) == 14
    assert names[1][:10] == names[0]


def test_an_unknown_customer_gets_what_many_buy(shop: Path, holdfast: Holdfast) -> None:
    data = asked(holdfast, shop, "nobody")
    assert not data["known"]
    assert len(data["items"]) == 10  # type: ignore[arg-type]
    assert "not known" in data["notes"][0]  # type: ignore[index]
    assert "热销" in holdfast("recommend", shop, "nobody", "--language", "zh").out


def test_a_cart_never_gets_its_own_items(shop: Path, holdfast: Holdfast) -> None:
    one = first_customer(shop)
    data = asked(holdfast, shop, one, "--cart", "sku01", "--cart", "sku02")
    names = [item["item_id"] for item in data["items"]]  # type: ignore[attr-defined]
    assert not {"sku01", "sku02"} & set(names)
    assert len(names) == len(set(names)) == 10


def test_what_is_wrong_is_said_with_a_remedy(shop: Path, holdfast: Holdfast) -> None:
    assert holdfast("recommend", shop, "c001", "--count", 0).code == 2
    said = holdfast("recommend", shop, "c001", "--cart", "sku99")
    assert said.code == 2
    assert "sku" in said.err
    assert holdfast("recommend", shop, "nobody", "--dismiss", "sku01").code == 2


def test_a_shop_without_a_release_says_so(tmp_path: Path, holdfast: Holdfast) -> None:
    assert holdfast("init", tmp_path / "empty").code == 0
    assert holdfast("recommend", tmp_path / "empty", "c001").code == 2


def test_newer_events_and_dismissals_act_at_once(shop: Path, holdfast: Holdfast) -> None:
    one = first_customer(shop)
    before = [item["item_id"] for item in asked(holdfast, shop, one)["items"]]  # type: ignore[attr-defined]
    data = asked(holdfast, shop, one, "--dismiss", before[0])
    after = [item["item_id"] for item in data["items"]]  # type: ignore[attr-defined]
    assert before[0] not in after
    assert len(after) == 10
    assert after[:5] == before[1:6]
    assert data["newer_events"] == 1
    assert "1 newer" in data["notes"][0]  # type: ignore[index]
    other = sorted({f"sku{i:02d}" for i in range(GOODS)} - set(before))[0]
    new = shop.parent / "new.csv"
    new.write_text(HEAD + "".join(f"n{i},{one},2024-11-0{i + 1} 10:00:00,{other},1,9.50\n" for i in range(6)))
    assert holdfast("import", shop, new).code == 0
    found = asked(holdfast, shop, one)
    place = {item["item_id"]: item["lane"] for item in found["items"]}  # type: ignore[attr-defined]
    assert place.get(other) == "again"
    assert before[0] not in place
    assert found["newer_events"] == 7


def test_a_history_without_items_says_why_there_is_no_list(tmp_path: Path, holdfast: Holdfast) -> None:
    lines = {",".join(line.split(",")[:3]) + ",9.50\n" for line in rows()}
    (tmp_path / "plain.csv").write_text("order_id,customer_id,date,amount\n" + "".join(sorted(lines)))
    shop = tmp_path / "shop"
    assert holdfast("init", shop).code == 0
    assert holdfast("import", shop, tmp_path / "plain.csv").code == 0
    assert holdfast("run", shop).code == 0
    assert "no items" in (release(shop) / "report" / "index.html").read_text()
    said = holdfast("recommend", shop, "c001")
    assert said.code == 4
    assert "no items" in said.err
