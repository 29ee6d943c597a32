"""Event rows as plain arrays: filled block by block, sorted once, and turned into the canonical table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.core.schema import EVENT_TYPES, EVENTS, INSTANT
from holdfast.synth.people import CHANNELS, PLATFORMS, Ints

SOURCE = "synthetic"
#: Every column a block may set: its type and what stands where a block says nothing. -1 and NaN are null.
_COLUMNS: dict[str, tuple[type, Any]] = {
    "who": (np.int32, -1), "at": (np.int64, 0), "known": (np.int64, -1), "kind": (np.int8, -1),
    "item": (np.int32, -1), "quantity": (np.float64, np.nan), "price": (np.int64, -1), "order": (np.int32, -1),
    "session": (np.int32, -1), "seconds": (np.float64, np.nan), "channel": (np.int8, -1), "rating": (np.float64, np.nan),
    "discount": (np.int64, -1), "coupon": (np.int8, -1), "arm": (np.int8, -1), "decision": (np.int32, -1),
    "query": (np.int16, -1),
}  # fmt: skip
_KINDS = {name: number for number, name in enumerate(EVENT_TYPES)}


class Rows:
    """Blocks of event rows. `add` broadcasts single values; times are UTC microseconds."""

    def __init__(self) -> None:
        self._blocks: list[dict[str, NDArray[Any]]] = []

    def add(self, kind: str, who: Ints, at: Ints, **columns: Any) -> None:
        """One block: rows of one event type. `known` (recorded_at) is `at` where it is not given."""
        given: dict[str, Any] = {"kind": _KINDS[kind], "who": who, "at": at, "known": at} | columns
        block: dict[str, NDArray[Any]] = {
            name: np.broadcast_to(np.asarray(given.get(name, default), dtype), len(who))
            for name, (dtype, default) in _COLUMNS.items()
        }
        self._blocks.append(block)

    def shift(self, **by: int) -> None:
        """Number orders, sessions, decisions on from where others ended; what is null stays null."""
        for block in self._blocks:
            for name, amount in by.items():
                block[name] = np.where(block[name] >= 0, block[name] + amount, block[name]).astype(block[name].dtype)

    def sorted(self, until: int) -> dict[str, NDArray[Any]]:
        """All rows known before `until`, by time; rows of one instant stay in the order of their blocks."""
        whole = {name: np.concatenate([block[name] for block in self._blocks]) for name in _COLUMNS}
        keep = np.flatnonzero((whole["known"] < until) & (whole["at"] < until))
        order = keep[np.argsort(whole["at"][keep], kind="stable")]
        return {name: values[order] for name, values in whole.items()}


def ids(prefix: str, numbers: NDArray[Any], width: int) -> pa.Array:
    """`prefix` and zero-padded numbers; negative numbers are null.

    >>> ids("c", np.array([7, -1]), 5).to_pylist()
    ['c00007', None]
    """
    text = pc.utf8_lpad(pa.array(numbers, mask=numbers < 0).cast(pa.string()), width, padding="0")
    return pc.binary_join_element_wise(pa.scalar(prefix), text, "")


def coded(values: NDArray[Any], names: list[str]) -> pa.Array:
    """Codes to names; -1 is null."""
    return pa.array(names, pa.string()).take(pa.array(values, pa.int32(), mask=values < 0))


def instants(micros: NDArray[Any]) -> pa.Array:
    return pa.array(micros, pa.int64(), mask=micros < 0).cast(pa.timestamp("us")).cast(INSTANT)


def events_table(
    rows: Mapping[str, NDArray[Any]], people: Mapping[str, Any], items: pa.Array, words: Mapping[str, list[str]]
) -> pa.Table:
    """The canonical `events`. `people` holds ids and platform by customer; `words` the arms, coupons and queries."""
    n, who = len(rows["who"]), pa.array(rows["who"])
    customer = people["ids"].take(who)
    missing = {name: pa.array(rows[name], pa.float64(), from_pandas=True) for name in ("quantity", "seconds", "rating")}
    columns = {
        "event_id": ids("e", np.arange(n), 9),
        "customer_id": customer,
        "occurred_at": instants(rows["at"]),
        "recorded_at": instants(rows["known"]),
        "event_type": coded(rows["kind"], list(EVENT_TYPES)),
        "item_id": items.take(pa.array(rows["item"], mask=rows["item"] < 0)),
        "quantity": missing["quantity"],
        "unit_price": pa.array(rows["price"], mask=rows["price"] < 0),
        "currency": pa.repeat(people["currency"], n),
        "order_id": ids("o", rows["order"], 7),
        "session_id": ids("s", rows["session"], 8),
        "duration_seconds": missing["seconds"],
        "channel": coded(rows["channel"], [*CHANNELS, "mail"]),
        "platform": coded(people["platform"][rows["who"]], list(PLATFORMS)),
        "rating": missing["rating"],
        "discount": pa.array(rows["discount"], mask=rows["discount"] < 0),
        "coupon_code": coded(rows["coupon"], words["coupons"]),
        "treatment_id": coded(rows["arm"], words["arms"]),
        "decision_id": ids("d", rows["decision"], 8),
        "text": coded(rows["query"], words["queries"]),
        "source": pa.repeat(SOURCE, n),
        "source_id": customer,
    }
    return EVENTS.conform(pa.table(columns))
