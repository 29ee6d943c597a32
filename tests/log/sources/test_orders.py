"""Unknown order files: which column is which, how sure, and how to say otherwise."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from typing import Any

import pytest

from holdfast.core.errors import InputRefused
from holdfast.log.sources.settings import ImportSettings, MappingSettings

Read = Callable[..., Any]

FILES: dict[str, tuple[str, list[str], dict[str, str]]] = {
    "english": (
        "Order ID,Customer Name,Customer ID,Order Date,Product ID,Product Name,Category,Quantity,Unit Price,Country",
        ["A1,Ann,C7,05/03/2024,P1,Mug,Kitchen,2,9.99,UK", "A2,Bob,C8,25/03/2024,P2,Cup,Kitchen,1,5.00,UK"],
        {"order_id": "Order ID", "customer_id": "Customer ID", "occurred_at": "Order Date", "item_id": "Product ID",
         "title": "Product Name", "category": "Category", "quantity": "Quantity", "unit_price": "Unit Price"},
    ),
    "german": (
        "Bestellnummer;Kundennummer;Bestelldatum;Artikelnummer;Bezeichnung;Menge;Einzelpreis",
        ["1;7;05.03.2024;A1;Tasse;2;9,99", "2;8;25.03.2024;A2;Kanne;1;1.005,00"],
        {"order_id": "Bestellnummer", "customer_id": "Kundennummer", "occurred_at": "Bestelldatum",
         "item_id": "Artikelnummer", "title": "Bezeichnung", "quantity": "Menge", "unit_price": "Einzelpreis"},
    ),
    "chinese": (
        "订单号,会员号,下单时间,商品编号,商品名称,数量,单价",
        ["1,7,2024年3月5日 10:00,A1,茶杯,2,9.99", "2,8,2024年3月25日 11:00,A2,茶壶,1,50"],
        {"order_id": "订单号", "customer_id": "会员号", "occurred_at": "下单时间", "item_id": "商品编号",
         "title": "商品名称", "quantity": "数量", "unit_price": "单价"},
    ),
    "bare totals": (
        "email,created_at,total",
        ["ann@example.org,2024-03-05T10:00:00Z,19.98", "bob@example.org,2024-03-25T10:00:00Z,5.00"],
        {"customer_id": "email", "email": "email", "occurred_at": "created_at", "line_total": "total"},
    ),
    "events": (
        "user_id|ts|event|sku|price",
        ["7|1709632800|pv|P1|9.99", "7|1709632900|add_to_cart|P1|9.99", "7|1709633000|buy|P1|9.99"],
        {"customer_id": "user_id", "occurred_at": "ts", "event_type": "event", "item_id": "sku", "unit_price": "price"},
    ),
    "a date with an odd name": (
        "client_no,wann,amount",
        ["7,2024-03-05,19.98", "8,2024-03-25,5.00"],
        {"customer_id": "client_no", "occurred_at": "wann", "line_total": "amount"},
    ),
    "traps": (
        "customer_id,updated_by,customer_since_days,order_status,ship_date_text,order_timestamp,net_amount,qty",
        ["7,ann,100,shipped today,soon,2024-03-05 10:00,19.98,2", "8,bob,20,lost,later,2024-03-25 11:00,5.00,1"],
        {"customer_id": "customer_id", "occurred_at": "order_timestamp", "line_total": "net_amount", "quantity": "qty"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(FILES))
def test_columns_are_found(read: Read, name: str) -> None:
    header, rows, wanted = FILES[name]
    whole = read("\n".join([header, *rows]))
    guess = whole.source.guess
    assert guess.preset == "orders"
    assert dict(guess.columns) == wanted
    assert whole.read == len(whole.rows()) == len(rows)
    assert 0.3 <= guess.confidence <= 1.0
    assert set(guess.confidences) == set(wanted)


@pytest.mark.parametrize("name", list(FILES))
def test_the_override_says_the_same_and_can_be_edited(read: Read, name: str) -> None:
    """What is shown is valid TOML that, put into holdfast.toml, reads the file the same way."""
    header, rows, _ = FILES[name]
    text = "\n".join([header, *rows])
    guessed = read(text)
    told = tomllib.loads(guessed.source.guess.as_toml())
    words = {"pv": "view", "add_to_cart": "cart_add", "buy": "purchase"}
    mapping = MappingSettings(**told["mapping"], event_types=words)
    again = read(text, settings=ImportSettings(**told["import"]), mapping=mapping)
    assert again.source.preset == "mapping"
    assert again.rows() == guessed.rows()
    swapped = dict(told["mapping"]["columns"])
    swapped["item_id"] = swapped["customer_id"]
    edited = read(text, mapping=MappingSettings(columns=swapped, event_types=words))
    assert edited.column("item_id") == edited.column("source_id")


def test_surer_names_win(read: Read) -> None:
    both = "client,customer_id,date,order_date,total\nx,7,2024-01-01,2024-02-01,5\ny,8,2024-01-02,2024-02-02,6\n"
    guess = read(both).source.guess
    assert (guess.columns["customer_id"], guess.columns["occurred_at"]) == ("customer_id", "order_date")
    assert guess.confidence > 0.9


def test_an_orders_total_on_every_line_is_pointed_out(read: Read) -> None:
    rows = "".join(f"o{i},7,2024-01-0{i},p{j},{i}0.00\n" for i in range(1, 6) for j in range(3))
    whole = read("order_id,customer_id,order_date,sku,order_total\n" + rows)
    assert any("order's total" in note.en for note in whole.source.guess.notes)


def test_unknown_words_in_an_event_column_are_set_aside_not_sold(read: Read) -> None:
    text = "customer_id,date,action,price\n7,2024-01-01,buy,5\n7,2024-01-02,looked_around,5\n"
    whole = read(text)
    assert whole.column("event_type") == ["purchase"]
    assert whole.reasons() == {2: "unknown_event_type"}
    told = read(text, mapping=MappingSettings(event_types={"looked_around": "view"}))
    assert told.column("event_type") == ["purchase", "view"]


def test_a_status_column_tells_orders_from_cancellations(read: Read) -> None:
    rows = "7,2024-01-01,shipped,5\n7,2024-01-02,Cancelled,5\n8,2024-01-03,pending,5\n"
    assert read("customer_id,date,status,price\n" + rows).column("event_type") == ["purchase", "cancel", "checkout"]
    odd = rows.replace("shipped", "level 3").replace("pending", "level 4").replace("Cancelled", "level 5")
    assert read("customer_id,date,status,price\n" + odd).column("event_type") == ["purchase"] * 3


def test_a_statement_of_what_is_missing(read: Read) -> None:
    with pytest.raises(InputRefused, match=r"no column looks like occurred_at.*understood: customer_id = 'customer'"):
        read("customer,amount\n7,5\n8,6\n")


def test_columns_without_a_header_are_numbered(read: Read) -> None:
    with pytest.raises(InputRefused, match="column_1, column_2, column_3"):
        read("7,2024-01-01,5\n8,2024-01-02,6\n")
    mapping = MappingSettings(columns={"customer_id": "column_1", "occurred_at": "column_2", "line_total": "column_3"})
    assert read("7,2024-01-01,5\n8,2024-01-02,6\n", mapping=mapping).column("unit_price") == [50000, 60000]
