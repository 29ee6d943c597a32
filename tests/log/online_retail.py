"""A small reader of Online Retail for the store's own tests, independent of the presets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from holdfast.core.progress import SILENT, Progress
from holdfast.core.schema import ITEMS, REJECTED
from holdfast.log.batch import EVENT_ROWS, Batch


@dataclass
class OnlineRetail:
    """The file in batches of canonical rows; `rows` keeps only the first so many, `chunk` sets the batch."""

    path: Path
    rows: int | None = None
    chunk: int = 100_000
    source: str = "online-retail"
    preset: str = "online-retail"
    origin: str = "online_retail.csv.gz"
    clean: Mapping[str, Any] = field(default_factory=lambda: {"product_pattern": r"[0-9]{5}", "zero_prices": "reject"})

    def batches(self, progress: Progress = SILENT) -> Iterator[Batch]:
        start = 0
        for frame in pd.read_csv(self.path, dtype=str, chunksize=self.chunk, nrows=self.rows):
            yield batch_of(frame, start, self.source, self.origin)
            start += len(frame)


def batch_of(frame: pd.DataFrame, start: int, source: str, origin: str) -> Batch:
    """Some rows of the file as a batch: lines without a customer are set aside."""
    quantity, price = frame.Quantity.astype(float), frame.UnitPrice.astype(float)
    money = (price * 10_000).round().astype("int64")
    number = np.arange(start + 1, start + 1 + len(frame))
    cancel = frame.InvoiceNo.str.startswith("C") | (quantity < 0)
    local = pd.to_datetime(frame.InvoiceDate).dt.tz_localize("Europe/London")
    rest = [json.dumps({"d": d, "c": c}) for d, c in zip(frame.Description, frame.Country, strict=True)]
    whole = pd.DataFrame(
        {
            "occurred_at": local.dt.tz_convert("UTC"), "event_type": np.where(cancel, "cancel", "purchase"),
            "item_id": frame.StockCode, "quantity": quantity.abs(), "unit_price": money, "order_id": frame.InvoiceNo,
            "properties": rest, "source": source, "source_id": frame.CustomerID.str.removesuffix(".0"),
            "local_day": local.dt.date, "local_hour": local.dt.hour, "source_file": origin, "source_row": number,
            "amount": (quantity * money).round().astype("int64"),
        }
    )  # fmt: skip
    bad = whole.source_id.isna()
    aside = whole[bad].assign(column="CustomerID", value=None, reason="missing_customer_id", raw=whole.properties[bad])
    rejected = REJECTED.conform(pa.Table.from_pandas(aside[list(REJECTED.names)], preserve_index=False))
    named = frame[~bad & frame.Description.notna()].drop_duplicates("StockCode")
    items = pa.table({"item_id": named.StockCode.tolist(), "title": named.Description.str.strip().tolist()})
    events = pa.Table.from_pandas(whole[~bad].drop(columns="amount"), preserve_index=False)
    return Batch(len(frame), {"events": EVENT_ROWS.conform(events), "items": ITEMS.conform(items)}, rejected)
