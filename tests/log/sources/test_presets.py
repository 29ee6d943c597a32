"""Every preset on a hand-written sample of its format."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from holdfast.core.errors import ConfigError, InputRefused, UsageError
from holdfast.core.schema import EVENT_TYPES
from holdfast.log.batch import EVENT_ROWS
from holdfast.log.sources.preset import IDENTIFY, PRESETS
from holdfast.log.sources.settings import ImportSettings, MappingSettings

Read = Callable[..., Any]

ONLINE_RETAIL = '''InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,85123A,WHITE HANGING HEART,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom
C536379,D,Discount,-1,2010-12-01 09:41:00,27.5,14527.0,United Kingdom
536414,22139,,56,2010-12-01 11:52:00,0.0,,United Kingdom
536365,71053,"LANTERN, ""WHITE""",6,2011-07-01 08:26:00,3.39,17850.0,United Kingdom
'''


def test_online_retail(read: Read) -> None:
    whole = read(ONLINE_RETAIL)
    assert whole.source.preset == "online-retail"
    assert whole.source.defaults == {"zone": "Europe/London", "currency": "GBP"}
    assert whole.read == 4
    first, cancel, summer = whole.rows()
    assert (first["source_id"], first["item_id"], first["quantity"], first["unit_price"]) == (
        "17850",
        "85123A",
        6.0,
        25500,
    )
    assert (cancel["event_type"], cancel["quantity"], cancel["unit_price"]) == ("cancel", 1.0, 275000)
    assert summer["occurred_at"] == datetime(2011, 7, 1, 7, 26, tzinfo=UTC)
    assert (summer["local_hour"], str(summer["local_day"])) == (8, "2011-07-01")
    assert whole.column("title", "items") == ['LANTERN, "WHITE"', "WHITE HANGING HEART", "Discount"]
    rejected = whole.rejected.to_pylist()
    assert [(r["source_row"], r["column"], r["reason"], r["amount"]) for r in rejected] == [
        (3, "CustomerID", "missing_customer_id", 0)
    ]
    assert json.loads(rejected[0]["raw"])["StockCode"] == "22139"


def test_online_retail_as_the_second_edition_writes_it(read: Read) -> None:
    text = (
        ONLINE_RETAIL.replace("InvoiceNo", "Invoice").replace("UnitPrice", "Price").replace("CustomerID", "Customer ID")
    )
    assert read(text).source.preset == "online-retail"


def test_cdnow(read: Read) -> None:
    master = read(
        " customer_id  date number_of_cds  dollar_value\r\n 00001 19970101  1   11.77\r\n 00001 19970101  3   63.34\r\n",
        "CDNOW_master.txt",
    )
    sample = read(" 00004 0001 19970101  2   29.33\n 00004 0001 19970118  2   29.73\n", "CDNOW_sample.txt")
    assert (master.source.preset, sample.source.preset) == ("cdnow", "cdnow")
    assert master.column("order_id") == ["00001-19970101"] * 2
    assert sample.column("source_id") == ["00004", "00004"]
    for whole, wanted in ((master, [117700, 633400]), (sample, [293300, 297300])):
        totals = [row["quantity"] * row["unit_price"] - (row["discount"] or 0) for row in whole.rows()]
        assert totals == wanted


def test_rees46(read: Read) -> None:
    whole = read(
        "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session\n"
        "2019-10-01 00:00:00 UTC,view,44600062,2103807459595387724,,shiseido,35.79,541312140,72d7\n"
        "2019-10-01 00:00:01 UTC,cart,3900821,2053013552326770905,appliances.water_heater,aqua,33.20,5,9333\n"
        "2019-10-01 00:00:02 UTC,purchase,3900821,2053013552326770905,appliances.water_heater,aqua,33.20,5,9333\n",
        "2019-Oct.csv",
    )
    assert whole.source.preset == "rees46"
    assert whole.column("event_type") == ["view", "cart_add", "purchase"]
    assert whole.column("order_id") == [None, None, "9333"]
    assert whole.column("category", "items") == ["appliances > water_heater", None]


def test_taobao(read: Read) -> None:
    whole = read(
        "1,2268318,2520377,pv,1511544070\n1,2268318,2520377,fav,1511544075\n7,9,2520377,buy,15",
        "UserBehavior.csv",
        zone="UTC",
    )
    assert whole.source.preset == "taobao"
    assert whole.column("event_type") == ["view", "wishlist"]
    assert str(whole.rows()[0]["local_day"]) == "2017-11-24"
    late = read("1,2268318,2520377,pv,1511544070\n", "b.csv")
    assert (str(late.rows()[0]["local_day"]), late.rows()[0]["local_hour"]) == ("2017-11-25", 1)
    assert whole.reasons() == {3: "bad_date"}


SEGMENT = [
    {"type": "identify", "userId": "u1", "anonymousId": "a1", "messageId": "m0", "timestamp": "2024-01-01T10:00:00Z",
     "traits": {"email": "ann@example.org"}},
    {"type": "page", "anonymousId": "a1", "messageId": "m1", "timestamp": "2024-01-01T09:59:00Z", "properties": {"path": "/"}},
    {"type": "track", "event": "Order Completed", "userId": "u1", "anonymousId": "a1", "messageId": "m2",
     "timestamp": "2024-01-01T10:05:00.250Z", "receivedAt": "2024-01-01T10:05:02Z",
     "properties": {"order_id": "o1", "currency": "usd", "products": [
         {"product_id": "p1", "name": "Mug", "price": 19.5, "quantity": 2, "category": "Kitchen"},
         {"product_id": "p2", "name": "Cup", "price": 5, "quantity": 1, "brand": "Acme"}]}},
    {"type": "track", "event": "Products Searched", "userId": "u1", "messageId": "m3", "timestamp": "2024-01-02T10:00:00Z",
     "properties": {"query": "red mug"}},
    {"type": "track", "event": "Something Else", "userId": "u1", "messageId": "m4", "timestamp": "2024-01-02T10:00:00Z"},
    {"type": "track", "event": "Product Viewed", "messageId": "m5", "timestamp": "2024-01-02T10:00:00Z"},
]  # fmt: skip


def test_segment(read: Read) -> None:
    whole = read("\n".join(json.dumps(one) for one in SEGMENT) + "\n{broken\n", "calls.jsonl")
    assert whole.source.preset == "segment"
    assert whole.read == 7
    view, mug, cup, search = whole.rows()
    assert (view["event_type"], view["source_id"]) == ("view", "device:a1")
    assert (mug["event_id"], mug["item_id"], mug["quantity"], mug["unit_price"]) == ("m2/0", "p1", 2.0, 195000)
    assert (cup["event_id"], cup["currency"], cup["order_id"], cup["source_row"]) == ("m2/1", "USD", "o1", 3)
    assert mug["recorded_at"] == datetime(2024, 1, 1, 10, 5, 2, tzinfo=UTC)
    assert search["text"] == "red mug"
    keys = {(row["source_id"], row["kind"], row["value"]) for row in whole.rows("identity_keys")}
    assert keys == {
        ("u1", "email", "ann@example.org"),
        ("u1", "login", "device:a1"),
        ("device:a1", "login", "device:a1"),
    }
    assert whole.reasons() == {5: "unknown_event_type", 6: "missing_customer_id", 7: "bad_json"}


GA4 = [
    {"event_date": "20210131", "event_timestamp": "1612069510766593", "event_name": "page_view", "user_pseudo_id": "d.1",
     "platform": "WEB", "items": [], "event_params": [
         {"key": "ga_session_id", "value": {"string_value": None, "int_value": "99", "float_value": None}}]},
    {"event_date": "20210131", "event_timestamp": "1612069520766593", "event_name": "purchase", "user_pseudo_id": "d.1",
     "user_id": "u7", "platform": "WEB", "traffic_source": {"medium": "email"}, "ecommerce": {"transaction_id": "t1"},
     "event_params": [{"key": "currency", "value": {"string_value": "EUR"}}], "items": [
         {"item_id": "i1", "item_name": "Shirt", "item_category": "Apparel", "item_category2": "Men", "price": 12.5, "quantity": 2},
         {"item_id": "i2", "item_name": "Hat", "item_category": "(not set)", "price": 9.0, "quantity": 1}]},
    {"event_date": "20210131", "event_timestamp": "1612069530766593", "event_name": "scroll", "user_pseudo_id": "d.1"},
]  # fmt: skip


@pytest.mark.parametrize("whole_array", [False, True])
def test_ga4(read: Read, whole_array: bool) -> None:
    text = json.dumps(GA4, indent=1) if whole_array else "\n".join(json.dumps(one) for one in GA4)
    whole = read(text, "events.json")
    assert whole.source.preset == "ga4"
    view, shirt, hat = whole.rows()
    assert (view["source_id"], view["session_id"], view["event_type"]) == ("device:d.1", "d.1.99", "view")
    assert (shirt["source_id"], shirt["order_id"], shirt["unit_price"], shirt["channel"]) == (
        "u7",
        "t1",
        125000,
        "email",
    )
    assert (hat["item_id"], hat["source_row"]) == ("i2", 2)
    assert whole.column("category", "items") == ["Apparel > Men", None]
    assert whole.reasons() == {3: "unknown_event_type"}


SHOPIFY = """Name,Email,Financial Status,Paid at,Fulfilled at,Currency,Subtotal,Total,Discount Code,Discount Amount,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Cancelled at,Refunded Amount,Vendor,Phone
#1001,Ann@Example.org,paid,2024-01-05 10:00:00 -0500,2024-01-06 10:00:00 -0500,USD,45.00,50.00,TENOFF,5.00,2024-01-05 09:59:00 -0500,2,Blue Mug,20.00,MUG-B,,0.00,Acme,
#1001,,,,,,,,,,,1,Red Mug,10.00,MUG-R,,,Acme,
#1002,bob@example.org,refunded,2024-01-07 10:00:00 -0500,,USD,10.00,10.00,,0.00,2024-01-07 10:00:00 -0500,1,Red Mug,10.00,MUG-R,2024-01-08 08:00:00 -0500,10.00,Acme,
#1003,ann@example.org,partially_refunded,2024-02-01 10:00:00 -0500,2024-02-03 10:00:00 -0500,USD,30.00,30.00,,0.00,2024-02-01 10:00:00 -0500,3,Red Mug,10.00,,,10.00,Acme,+15550100
"""  # noqa: E501 - one exported line, one line


def test_shopify(read: Read) -> None:
    whole = read(SHOPIFY, "orders_export.csv")
    assert whole.source.preset == "shopify"
    assert whole.source.defaults == {"currency": "USD"}
    assert read(SHOPIFY, "orders_export.csv", currency="EUR").source.defaults == {"currency": "USD"}
    assert whole.read == 4
    rows = whole.rows()
    bought = [row for row in rows if row["event_type"] == "purchase"]
    assert [row["source_id"] for row in bought] == ["ann@example.org"] * 2 + ["bob@example.org", "ann@example.org"]
    assert [row["discount"] for row in bought] == [40000, 10000, None, None]
    assert [row["item_id"] for row in bought] == ["MUG-B", "MUG-R", "MUG-R", "Red Mug"]
    assert bought[1]["occurred_at"] == datetime(2024, 1, 5, 14, 59, tzinfo=UTC)
    (cancel,) = [row for row in rows if row["event_type"] == "cancel"]
    assert (cancel["order_id"], cancel["occurred_at"]) == ("#1002", datetime(2024, 1, 8, 13, tzinfo=UTC))
    (refund,) = [row for row in rows if row["event_type"] == "refund"]
    assert (refund["order_id"], refund["unit_price"], refund["item_id"]) == ("#1003", 100000, None)
    assert {row["kind"] for row in whole.rows("identity_keys")} == {"email", "phone"}
    assert sorted(whole.column("event_id")) == [
        "#1001/0", "#1001/1", "#1002/0", "#1002/0/cancel", "#1003/0", "#1003/refund",
    ]  # fmt: skip
    assert any("refund" in note.en for note in whole.source.guess.notes)


def test_shopify_order_cells_reach_over_a_chunk(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = SHOPIFY.splitlines()
    text = "\n".join([lines[0], lines[1], *[lines[2]] * 400])
    monkeypatch.setattr("holdfast.log.sources.delimited._BLOCK", 2000)
    whole = read(text, "orders_export.csv")
    assert whole.column("source_id") == ["ann@example.org"] * 401
    assert len(set(whole.column("occurred_at"))) == 1
    assert whole.column("event_id") == [f"#1001/{line}" for line in range(401)]


def test_woocommerce(read: Read) -> None:
    whole = read(
        "Order Number,Order Status,Order Date,Email (Billing),Phone (Billing),SKU,Item Name,Quantity (- Refund),Item Cost\n"
        "101,Completed,2024-03-01 10:00,Ann@Example.org,555,S1,Mug,2,9.99\n"
        "102,wc-cancelled,2024-03-02 10:00,bob@example.org,,S2,Cup,1,5.00\n"
        "103,Refunded,2024-03-03 10:00,bob@example.org,,S2,Cup,1,5.00\n"
        "104,Failed,2024-03-04 10:00,bob@example.org,,S2,Cup,1,5.00\n",
        "orders.csv",
    )
    assert whole.source.preset == "woocommerce"
    assert sorted((row["source_row"], row["event_type"]) for row in whole.rows()) == [
        (1, "purchase"), (2, "cancel"), (2, "purchase"), (3, "purchase"), (3, "refund"), (4, "checkout"),
    ]  # fmt: skip
    assert whole.rows()[0]["source_id"] == "ann@example.org"
    assert sorted(whole.column("event_id")) == [
        "101/S1", "102/S2", "102/S2/cancel", "103/S2", "103/S2/refund", "104/S2",
    ]  # fmt: skip
    again = read(
        "order_id,status,order_date,billing_email,sku,quantity,item_price\n"
        "1,completed,2024-03-01,,S1,1,2.00\n1,completed,2024-03-01,a@b.c,S1,1,2.00\n2,completed,2024-03-01,a@b.c,S1,1,2.00\n"
    )
    assert again.column("event_id") == ["1/S1/2", "2/S1"]
    (bad,) = again.rejected.to_pylist()
    assert (bad["column"], bad["reason"]) == ("customer_id", "missing_customer_id")


def test_holdfast_tables(read: Read) -> None:
    events = read(
        "customer_id,occurred_at,recorded_at,event_type,item_id,quantity,unit_price,discount,event_id,rating\n"
        "c1,2024-01-01T10:00:00Z,2024-01-02T00:00:00Z,purchase,i1,2,9.99,1.50,e1,\n"
        "c1,2024-01-03T10:00:00Z,,review,i1,,,,e2,4\n",
        "events.csv",
    )
    assert events.source.preset == "holdfast"
    assert [row["rating"] for row in events.rows()] == [None, 4.0]
    assert events.rows()[0]["discount"] == 15000
    items = read("item_id,title,category,price,margin_rate,stock\ni1,Mug,A > B,9.99,0.3,5\n", "items.csv")
    assert items.rows("items")[0] | {"price": 99900, "stock": 5, "category": "A > B"} == items.rows("items")[0]
    texts = read(
        "text_id,customer_id,occurred_at,text,rating\nt1,c1,2024-01-01,Nice,5\nt2,,2024-01-01,So so,3\n", "t.csv"
    )
    assert [row["kind"] for row in texts.rows("texts")] == ["review", "review"]
    assert texts.rows("texts")[0]["recorded_at"] == datetime(2024, 1, 1, tzinfo=UTC)
    shown = read(
        "decision_id,customer_id,treatment_id,arm,propensity,arm_propensities,cost,decided_at,delivered_at\n"
        'd1,c1,mail,a,0.5,"[{""treatment_id"": ""mail"", ""propensity"": 0.5}]",0.10,2024-01-01,\n'
        "d2,c1,mail,a,x,,0.10,2024-01-01,\n",
        "exposures.csv",
    )
    assert shown.rows("exposures")[0]["arm_propensities"] == [{"treatment_id": "mail", "propensity": 0.5}]
    assert shown.reasons() == {2: "bad_propensity"}
    prices = read("item_id,price,valid_from\ni1,9.99,2024-01-01\ni1,oops,2024-01-02\n", "prices.csv")
    assert prices.reasons() == {2: "bad_price"}
    days = read("day,kind,known_from\n2024-12-25,holiday,2023-01-01\n", "calendar.csv", zone="America/New_York")
    assert str(days.rows("calendar")[0]["day"]) == "2024-12-25"
    ties = read("customer_id,other_id,kind,weight,since\na,b,friend,1,\n,b,friend,1,\n", "ties.csv")
    assert ties.reasons() == {2: "missing_customer_id"}
    people = read("customer_id,created_at,attributes\nc1,2024-01-01,{}\n", "customers.csv")
    assert people.rows("customers")[0]["valid_from"] == datetime(2024, 1, 1, tzinfo=UTC)


def test_mapping(read: Read) -> None:
    mapping = MappingSettings(
        columns={"customer_id": "Wer", "occurred_at": "Wann", "line_total": "Summe", "event_type": "Was"},
        values={"platform": "Laden"},
        event_types={"Kauf": "purchase", "Retoure": "refund"},
    )
    whole = read(
        "Wer;Wann;Summe;Was\n7;1.2.2024;9,50;Kauf\n7;2.2.2024;-3,00;Retoure\n", mapping=mapping, currency="EUR"
    )
    assert whole.source.preset == "mapping"
    assert [(r["event_type"], r["unit_price"], r["platform"]) for r in whole.rows()] == [
        ("purchase", 95000, "Laden"),
        ("refund", 30000, "Laden"),
    ]


def test_mapping_of_a_file_without_header(read: Read) -> None:
    mapping = MappingSettings(
        columns={"customer_id": "a", "occurred_at": "b", "line_total": "c"}, header=("a", "b", "c")
    )
    whole = read("7,2024-01-01,5\n8,2024-01-02,6\n", mapping=mapping)
    assert whole.column("source_id") == ["7", "8"]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"columns": {"custmer_id": "x"}}, "did you mean 'customer_id'"),
        ({"columns": {"customer_id": "x"}, "table": "evnts"}, "did you mean 'events'"),
        ({"columns": {"customer_id": "x"}, "event_types": {"a": "purchas"}}, "did you mean 'purchase'"),
    ],
)
def test_mapping_names_what_it_does_not_know(read: Read, wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read("x,y\n1,2\n", mapping=MappingSettings(**wrong), preset="mapping")


def test_a_preset_that_does_not_fit_says_what_is_there(read: Read) -> None:
    with pytest.raises(InputRefused, match=r"CustomerID or Customer ID.*the file has: InvoiceNo, Quantity"):
        read("InvoiceNo,Quantity\n1,2\n", preset="online-retail")
    for preset in PRESETS:
        if preset not in ("mapping", "orders"):
            with pytest.raises(InputRefused):
                read("alpha,beta\n1,2\n", preset=preset)
    with pytest.raises(UsageError, match="did you mean 'shopify'"):
        read("a,b\n1,2\n", preset="shopfy")


@pytest.mark.parametrize("name", list(PRESETS))
def test_presets_speak_our_words(name: str) -> None:
    preset = PRESETS[name]
    assert preset.name == name
    assert preset.title.en
    assert preset.title.zh
    extras = {"line_total", "title", "category", "brand", "email", "phone", "login", "customer_id"}
    if name != "holdfast":
        assert set(preset.columns) <= set(EVENT_ROWS.names) | extras
    assert set(preset.event_types.values()) <= {*EVENT_TYPES, IDENTIFY}


def test_the_customer_column_may_hold_more_words_for_nobody(read: Read) -> None:
    text = "customer_id,occurred_at,event_type\nLaufkunde,2024-01-01,view\n7,2024-01-01,view\n"
    whole = read(text, settings=ImportSettings(missing_ids=("laufkunde",)))
    assert whole.reasons() == {1: "missing_customer_id"}


def test_properties_keep_what_nothing_reads(read: Read) -> None:
    text = "customer_id,occurred_at,event_type,colour,empty\n7,2024-01-01,view,red,\n"
    assert read(text).rows()[0]["properties"] is None
    kept = read(text, settings=ImportSettings(keep_properties=True)).rows()[0]
    assert json.loads(kept["properties"]) == {"colour": "red"}
