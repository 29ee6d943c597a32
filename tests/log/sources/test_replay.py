"""Rows set aside are read again after the mapping or a setting changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from holdfast.log.sources.preset import PRESETS
from holdfast.log.sources.replay import open_rejected
from holdfast.log.sources.settings import ImportSettings, MappingSettings

from .conftest import take
from .test_presets import SEGMENT, SHOPIFY

Read = Callable[..., Any]


def test_a_setting_brings_ambiguous_rows_back(read: Read) -> None:
    head = "customer_id,order_date,order_id,product,quantity,price\n"
    dates = ["03/04/2024", "25/04/2024", "04/26/2024", "never"]
    first = read(head + "".join(f'7,{one},o1,"Mug, blue",1,1.00\n' for one in dates) + "7,x\n")
    assert first.reasons() == {1: "ambiguous_date", 4: "bad_date", 5: "too_few_fields"}
    again = take(open_rejected(first.rejected, settings=ImportSettings(date_order="dmy"), preset="orders"))
    (row,) = again.rows()
    assert (str(row["local_day"]), row["source_row"], row["source_file"]) == ("2024-04-03", 1, "orders.csv")
    assert row["item_id"] == "Mug, blue"
    assert again.reasons() == {4: "bad_date", 5: "too_few_fields"}
    assert again.rejected["raw"].to_pylist() == first.rejected["raw"].to_pylist()[1:]


def test_a_mapped_word_brings_unknown_events_back(read: Read) -> None:
    first = read("\n".join(json.dumps(one) for one in SEGMENT), "calls.jsonl")
    mapping = MappingSettings(event_types={"something else": "share"})
    again = take(open_rejected(first.rejected, mapping=mapping, preset="segment"))
    assert [(row["event_type"], row["source_row"]) for row in again.rows()] == [("share", 5)]
    assert again.reasons() == {6: "missing_customer_id"}


def test_a_replayed_line_keeps_its_event_id(read: Read) -> None:
    """Alone among the rejected rows, a line must not take the id of another line of its order."""
    shopify = SHOPIFY.replace("1,Red Mug,10.00,MUG-R,,,Acme", "one,Red Mug,10.00,MUG-R,,,Acme")
    woo = (
        "order_id,status,order_date,billing_email,sku,quantity,item_price\n"
        "1,completed,2024-03-01,a@b.c,S1,1,2.00\n1,cancelled,2024-03-01,a@b.c,S1,one,2.00\n"
    )
    for text, preset, wanted in ((shopify, "shopify", ["#1001/1"]), (woo, "woocommerce", ["1/S1/2", "1/S1/2/cancel"])):
        first = read(text, preset=preset)
        mended = [raw.replace('"one"', '"1"') for raw in first.rejected["raw"].to_pylist()]
        place = first.rejected.column_names.index("raw")
        again = take(open_rejected(first.rejected.set_column(place, "raw", [mended]), preset=preset))
        assert again.column("event_id") == wanted


def test_nothing_readable_is_no_refusal(read: Read) -> None:
    first = read("customer_id,occurred_at,event_type\n7,never,view\n7,2024-01-01,view\n")
    again = take(open_rejected(first.rejected, preset="holdfast"))
    assert again.reasons() == first.reasons()
    assert "holdfast" in PRESETS
