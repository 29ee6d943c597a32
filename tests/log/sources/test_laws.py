"""Laws of reading: whatever the bytes, rows are kept or set aside once, and the size of the blocks changes nothing."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path
from unittest import mock

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from holdfast.core.errors import HoldfastError
from holdfast.log.sources.open import open_source

from .conftest import Whole, take

_CELL = st.one_of(
    st.sampled_from(
        ["7", "", "null", "2024-01-05", "25/01/2024", "01/25/2024", "9,99", "1.234,5", "NaN", "-3", "x", '"', "🦊"]
    ),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8),
)
_ROWS = st.lists(st.lists(_CELL, min_size=5, max_size=5), min_size=1, max_size=30)
_HEADER = ["customer_id", "order_date", "order_id", "quantity", "price"]
_SURE = ["7", "2024-01-05", "o1", "1", "2.50"]


def whole_of(content: bytes, name: str = "x.csv") -> Whole:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        return take(open_source(path))


@settings(max_examples=100, deadline=None)
@given(_ROWS, st.sampled_from([",", ";", "\t", "|"]), st.sampled_from(["\n", "\r\n"]))
def test_every_written_row_is_kept_or_set_aside(rows: list[list[str]], delimiter: str, newline: str) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=newline, quoting=csv.QUOTE_ALL)
    writer.writerows([_HEADER, _SURE, *rows])
    whole = whole_of(out.getvalue().encode())
    assert whole.read == len(rows) + 1
    assert sorted([*whole.column("source_row"), *whole.rejected["source_row"].to_pylist()]) == list(
        range(1, len(rows) + 2)
    )


@settings(max_examples=40, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(_ROWS, st.integers(40, 400))
def test_blocks_change_nothing(rows: list[list[str]], block: int) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([_HEADER, _SURE, *rows, ["short"], *rows])
    content = out.getvalue().encode()
    longest = max(len(",".join(row).encode()) * 2 + 40 for row in rows)
    one = whole_of(content)
    with mock.patch("holdfast.log.sources.delimited._BLOCK", max(block, longest)):
        many = whole_of(content)
    assert many.rows() == one.rows()
    assert many.rejected.to_pylist() == one.rejected.to_pylist()


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=300),
        st.binary(max_size=200).map(lambda tail: b"customer_id,order_date,price\n7,2024-01-05,2\n" + tail),
        st.text('{}[]":,\\0123456789abcu \n\ud83d', max_size=200).map(
            lambda tail: (
                b'{"customer_id": 7, "order_date": "2024-01-05", "price": 2}\n' + tail.encode("utf-8", "surrogatepass")
            )
        ),
    ),
    st.sampled_from(["x.csv", "x.json", "x.csv.gz", "x.parquet", "x.zip", "x.xlsx", "x"]),
)
def test_any_bytes_are_read_or_refused(content: bytes, name: str) -> None:
    refused: HoldfastError | None = None
    try:
        whole = whole_of(content, name)
    except HoldfastError as error:
        refused = error
    if refused is None:
        assert whole.read >= len(set(whole.column("source_row"))) + whole.rejected.num_rows
    else:
        assert refused.remedy
        assert refused.where
