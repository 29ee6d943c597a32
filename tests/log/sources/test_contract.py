"""The public contract check, on every preset that has a sample here, and on sources that break it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from holdfast.checks.source import SourceBroken, check_source
from holdfast.core.progress import SILENT, Progress
from holdfast.log.batch import Batch
from holdfast.log.sources.preset import PRESETS
from holdfast.log.sources.settings import MappingSettings
from holdfast.log.sources.source import Source

from . import test_presets as samples

ORDERS = "Kunde;Datum;Menge;Preis\n7;1.2.2024;1;9,50\n8;x;1;9,50\n;2.2.2024;1;9,50\n"
#: A file of each preset's kind. A new preset needs one here, or the test below fails.
SAMPLES: dict[str, tuple[str, str]] = {
    "cdnow": ("x.txt", " 00004 0001 19970101  2   29.33\n 00004 0001 19970118  2   29.73\n"),
    "ga4": ("x.json", json.dumps(samples.GA4)),
    "holdfast": ("x.csv", "customer_id,occurred_at,event_type\n7,2024-01-01,view\n,2024-01-01,view\n"),
    "mapping": ("x.csv", ORDERS),
    "online-retail": ("x.csv", samples.ONLINE_RETAIL),
    "orders": ("x.csv", ORDERS),
    "rees46": (
        "x.csv",
        "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session\n"
        "2019-10-01 00:00:00 UTC,view,44600062,21038,,shiseido,35.79,541312140,72d7\n",
    ),
    "segment": ("x.jsonl", "\n".join(json.dumps(one) for one in samples.SEGMENT)),
    "shopify": ("x.csv", samples.SHOPIFY),
    "taobao": ("x.csv", "1,2268318,2520377,pv,1511544070\n1,2268318,2520377,fav,15\n"),
    "woocommerce": (
        "x.csv",
        "Order Number,Order Status,Order Date,Email (Billing),SKU,Item Name,Quantity,Item Cost\n"
        "101,completed,2024-03-01 10:00,Ann@Example.org,S1,Mug,2,9.99\n",
    ),
}


@pytest.mark.parametrize("name", list(PRESETS))
def test_every_preset_keeps_the_contract(name: str, tmp_path: Path) -> None:
    file, content = SAMPLES[name]
    (tmp_path / file).write_text(content)
    mapping = MappingSettings(columns={"customer_id": "Kunde", "occurred_at": "Datum"}) if name == "mapping" else None
    assert check_source(tmp_path / file, preset=name, mapping=mapping).preset == name


@pytest.mark.parametrize("name", [name for name in PRESETS if name not in ("mapping", "orders")])
def test_every_preset_recognises_its_own_files_and_no_others(name: str, tmp_path: Path) -> None:
    file, content = SAMPLES[name]
    (tmp_path / file).write_text(content)
    assert check_source(tmp_path / file).preset == name


def broken(batch: Batch, **changes: Any) -> Batch:
    events = batch.tables["events"]
    for name, value in changes.items():
        place = events.column_names.index(name)
        events = events.set_column(place, name, pa.array([value] * events.num_rows, events.schema.field(name).type))
    return Batch(batch.read, {"events": events}, batch.rejected)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda b: broken(b, quantity=-1.0), "negative quantities"),
        (lambda b: broken(b, event_type="sale"), "unknown event types"),
        (lambda b: broken(b, source_id=None), "without source_id"),
        (lambda b: broken(b, source_row=9), "do not count"),
        (lambda b: Batch(0, b.tables, b.rejected), "came out of 0"),
        (lambda b: Batch(b.read, {"evnts": b.tables["events"]}, b.rejected), "no canonical table"),
        (lambda b: Batch(b.read, {"events": b.tables["events"].drop_columns("text")}, b.rejected), "other columns"),
        (lambda b: Batch(b.read + 1, b.tables, pa.concat_tables([b.rejected, b.rejected])), "rejected twice"),
    ],
)
def test_a_broken_source_is_told(change: Any, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.csv").write_text(SAMPLES["holdfast"][1])
    honest = Source.batches

    def dishonest(self: Source, progress: Progress = SILENT) -> Iterator[Batch]:
        for batch in honest(self, progress):
            yield change(batch)

    monkeypatch.setattr(Source, "batches", dishonest)
    with pytest.raises(SourceBroken, match=says):
        check_source(tmp_path / "x.csv")
