"""The same files give the same release, byte for byte, whenever and wherever they are imported (docs/adr/0010)."""

from __future__ import annotations

import random
from pathlib import Path

from holdfast.app.shop import Shop


def orders(path: Path) -> Path:
    """One year of a small shop."""
    rng = random.Random(11)
    rows = ["order_id,customer_id,date,item,quantity,price"]
    for c in range(120):
        day = rng.uniform(0, 90)
        while day < 330:
            at = int(day)
            rows.append(
                f"o{c}-{at},c{c},2024-{1 + at // 28:02d}-{1 + at % 28:02d} 09:00:00,sku{c % 7},1,{5 + c % 9}.25"
            )
            if rng.random() < 0.1:
                break
            day += 1 + rng.expovariate(1 / 18)
    path.write_text("\n".join(rows) + "\n")
    return path


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {one.relative_to(folder).as_posix(): one.read_bytes() for one in sorted(folder.rglob("*")) if one.is_file()}


def test_two_shops_with_the_same_files_publish_the_same_bytes(tmp_path: Path) -> None:
    file = orders(tmp_path / "orders.csv")
    found = []
    for name in ("here", "there"):
        shop = Shop.create(tmp_path / name / "shop", zone="Europe/Berlin")
        shop.add(file)
        found.append(bytes_of(shop.run().folder.parent))
    assert found[0].keys() == found[1].keys()
    assert [name for name in found[0] if found[0][name] != found[1][name]] == []
