"""Alerts of a whole release: they know nothing of the future, and the shop's list begins as the published one."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from holdfast.app.shop import Shop

CUTOFF = "2024-09-28"


def orders(path: Path, until: str) -> Path:
    """One year of a small shop, up to a day."""
    rng = random.Random(11)
    rows = ["order_id,customer_id,date,item,quantity,price"]
    for c in range(220):
        day, gap, worth = rng.uniform(0, 150), rng.uniform(8, 40), rng.uniform(4, 90)
        while day < 330:
            at = int(day)
            when = f"2024-{1 + at // 28:02d}-{1 + at % 28:02d}"
            if when < until:
                rows.append(f"o{c}-{at},c{c},{when} 09:00:00,sku{c % 7},1,{worth:.2f}")
            if rng.random() < 0.08:
                break
            day += 1 + rng.expovariate(1 / gap)
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.mark.slow
def test_alerts_know_nothing_of_what_came_after(tmp_path: Path) -> None:
    found = []
    for name, until in (("all", "2025"), ("past", CUTOFF)):
        shop = Shop.create(tmp_path / name / "shop", zone="UTC")
        shop.add(orders(tmp_path / f"{name}.csv", until))
        found.append(shop.run(cutoff=CUTOFF))
    tables = [one.table("alerts") for one in found]
    assert tables[0].num_rows > 10
    assert tables[0].equals(tables[1])
    pools = [(one.folder / "alerts" / "pool.json").read_bytes() for one in found]
    assert pools[0] == pools[1]
    facts = found[1].json("outlook.json")["alerts"]
    assert facts["listed"] == tables[1].num_rows <= facts["capacity"]
    assert {one["model"] for one in facts["judged"]["rows"]} >= {"alert_score", "recency", "own_gap"}
    from holdfast.app import service

    told = service.alerts(tmp_path / "past" / "shop").data
    assert [one["customer_id"] for one in told["alerts"]] == tables[1]["customer_id"].to_pylist()
    assert json.dumps(told, default=str)
    assert "Who to call now" in found[1].report.read_text(encoding="utf-8")
    text = (found[1].folder / "lists" / "alerts.csv").read_text("utf-8-sig")
    assert len(text.splitlines()) == tables[1].num_rows + 1
