"""UCI Online Retail (I and II): invoice lines of a British gift shop; `C` before the invoice number cancels."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from holdfast.core.text import Text
from holdfast.log.sources.ids import as_text
from holdfast.log.sources.preset import HIDDEN, PRESETS, Preset, Shaper, plain

_TYPE = HIDDEN + "event_type"


def _shape() -> Shaper:
    def mark_cancels(table: pa.Table) -> pa.Table:
        invoice = next(name for name in table.column_names if plain(name) in ("invoiceno", "invoice"))
        cancelled = pc.starts_with(pc.utf8_upper(as_text(table[invoice])), "C")
        return table.append_column(_TYPE, pc.if_else(pc.fill_null(cancelled, False), "cancel", "purchase"))

    return mark_cancels


PRESETS.add(
    "online-retail",
    Preset(
        name="online-retail",
        title=Text("UCI Online Retail invoices", "UCI Online Retail 发票明细"),
        columns={
            "order_id": ("InvoiceNo", "Invoice"),
            "item_id": ("StockCode",),
            "title": ("Description",),
            "quantity": ("Quantity",),
            "occurred_at": ("InvoiceDate",),
            "unit_price": ("UnitPrice", "Price"),
            "customer_id": ("CustomerID", "Customer ID"),
            "event_type": (_TYPE,),
        },
        required=("order_id", "item_id", "quantity", "occurred_at", "unit_price", "customer_id"),
        shape=_shape,
        zone="Europe/London",
        currency="GBP",
        keep_properties=True,  # rows that differ in description or country alone are no repeats
        clean={"product_pattern": r"\d{5}"},
    ),
)
