"""UCI Online Retail, to the row and to the cent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from holdfast.log.history import open_log
from holdfast.log.sources.open import open_source

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def retail(engine: Any, real_data_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The imported file: its receipt, the receipt of importing it again, log, quality and cache folder."""
    from datetime import UTC, datetime

    from holdfast.log.intake import take_in
    from holdfast.log.store import Lake

    lake = Lake(tmp_path_factory.mktemp("retail") / "lake")
    cache = lake.folder.parent / "cache"
    shop = {"zone": "Europe/London", "currency": "GBP"}
    receipts = []
    for _ in range(2):
        source = open_source(real_data_once / "online_retail" / "online_retail.csv.gz", **shop)
        receipts.append(take_in(engine, lake, source, now=datetime(2024, 1, 1, tzinfo=UTC), **shop))
    log, quality = open_log(engine, lake, cache=cache, **shop)
    return receipts, log, quality, cache


@pytest.fixture(scope="module")
def real_data_once() -> Path:
    from tests.conftest import data_folder, missing

    folder = data_folder()
    if folder is None:
        missing("the real data sets are not there; set HOLDFAST_DATA to their folder")
        raise AssertionError
    return folder


def test_every_row_and_cent_is_accounted_for(retail: Any) -> None:
    quality = retail[2]
    assert [(step.step, step.rows) for step in quality.steps] == [
        ("read", 541_909),
        ("missing_customer_id", 406_829),
        ("exact_duplicates", 401_604),
        ("non_products", 399_689),
        ("prices_and_quantities", 399_656),
        ("purchases", 391_150),
        ("cancellations", 390_408),
    ]
    assert quality.steps[-1].amount == 84_233_940_100
    assert quality.steps[0].amount - sum(step.amount_removed for step in quality.steps) == quality.steps[-1].amount
    facts = quality.facts
    assert (facts["orders"], facts["buyers"], facts["spend"]) == (18_301, 4_332, 8_423_394.01)
    assert quality.reconciles


def test_importing_it_again_adds_nothing(retail: Any) -> None:
    first, again = retail[0]
    assert (first.read, first.kept, first.known, first.rejected) == (541_909, 406_829, 0, 135_080)
    assert (again.read, again.kept, again.known, again.rejected) == (541_909, 0, 541_909, 0)


def test_the_clean_log_lies_in_the_cache_sorted_by_customer_and_time(retail: Any, engine: Any) -> None:
    _, log, quality, cache = retail
    (path,) = (cache / "log").glob("*.events.parquet")
    table = pq.read_table(path, columns=["customer_id", "occurred_at"])
    pairs = list(zip(table["customer_id"].to_pylist(), table["occurred_at"].to_pylist(), strict=True))
    assert pairs == sorted(pairs)
    assert len(pairs) == quality.facts["history_rows"]
    assert engine.scalar(log.events.count()) == len(pairs)
