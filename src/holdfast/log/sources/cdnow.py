"""CDNOW purchases (Fader & Hardie): master and 1/10 sample; blanks between columns, dates without time."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from holdfast.core.text import Text
from holdfast.log.sources.ids import as_text
from holdfast.log.sources.preset import HIDDEN, PRESETS, Head, Preset, Shaper

_ORDER = HIDDEN + "order"
_MASTER = ("customer_id", "date", "number_of_cds", "dollar_value")
_SAMPLE = ("customer_id", "sample_id", "date", "number_of_cds", "dollar_value")


def _looks(head: Head) -> bool:
    if head.named:
        return head.names == _MASTER
    return len(head.names) == len(_SAMPLE) and all(
        len(row) == len(_SAMPLE) and re.fullmatch(r"\d{4,5}", row[0]) and re.fullmatch(r"199[78]\d{4}", row[2])
        for row in head.rows[:50]
    )


def _shape() -> Shaper:
    def one_order_a_day(table: pa.Table) -> pa.Table:
        """The file has no order numbers: what a customer bought on one day is one order."""
        order = pc.binary_join_element_wise(as_text(table["customer_id"]), as_text(table["date"]), "-")
        return table.append_column(_ORDER, order)

    return one_order_a_day


PRESETS.add(
    "cdnow",
    Preset(
        name="cdnow",
        title=Text("CDNOW purchases", "CDNOW 购买记录"),
        columns={
            "customer_id": ("customer_id",),
            "occurred_at": ("date",),
            "quantity": ("number_of_cds",),
            "line_total": ("dollar_value",),
            "order_id": (_ORDER,),
        },
        bare=(_MASTER, _SAMPLE),
        looks=_looks,
        shape=_shape,
        currency="USD",
        clean={"merge_duplicates": False, "zero_prices": "keep"},
    ),
)
