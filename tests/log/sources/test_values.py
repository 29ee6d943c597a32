"""Dates, numbers, ids and zones, column by column."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.clock import from_micros, to_micros
from holdfast.log.sources.dates import order_of, parse_instants
from holdfast.log.sources.ids import as_text, nobody
from holdfast.log.sources.numbers import marks_of, parse_numbers
from holdfast.log.sources.zones import local_day_and_hour, offsets

#: What clocks on walls show.
WALLS = st.datetimes(datetime.fromisoformat("1970-01-01"), datetime.fromisoformat("2090-01-01"))
#: The hour that happens twice in London, and hours that never happen there and in New York.
ODD_WALLS = [datetime.fromisoformat(one) for one in ("2024-10-27T01:30", "2024-03-31T01:30", "2024-03-10T02:30")]
NOON = datetime(2024, 3, 5, 12, 30, 15, tzinfo=UTC)


def at(text: str, zone: str = "UTC", order: str = "") -> datetime | None:
    found = parse_instants(pa.array([text]), zone, order)
    return from_micros(found.micros[0]) if found.good[0] else None


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-05 12:30:15", "2024-03-05T12:30:15Z", "2024-03-05T13:30:15+01:00", "2024-03-05 07:30:15 -0500",
        "2024-03-05 12:30:15 UTC", "2024/3/5 12:30:15", "20240305123015", "20240305T123015Z", "1709641815", "1709641815000",
        "1709641815000000", "5.3.2024 12:30:15", "Mar 5, 2024 12:30:15", "5 March 2024 12:30:15",
        "Tue, 5 Mar 2024 12:30:15 GMT", "2024年3月5日 12:30:15", "2024年3月5日 12时30分15秒", "2024-03-05 12:30:15.000",
        "March 5th, 2024 12:30:15 PM", "2024-03-05 12:30:15 PM",
    ],
)  # fmt: skip
def test_shapes_of_one_instant(text: str) -> None:
    assert at(text) == NOON


@pytest.mark.parametrize(
    "text",
    ["soon", "", "2024-02-30", "2024-13-01", "32/01/2024", "2024-03-05 25:00", "2024-03-05 10:61", "0000-00-00", "12",
     "99999999", "2024-03-05 13:00 PM", "2024-03-05 12:00 +99:00", "20240230"],
)  # fmt: skip
def test_what_is_no_date(text: str) -> None:
    assert at(text) is None


def test_day_and_month_follow_the_order_or_stay_ambiguous() -> None:
    assert at("03/04/2024", order="dmy") == datetime(2024, 4, 3, tzinfo=UTC)
    assert at("03/04/2024", order="mdy") == datetime(2024, 3, 4, tzinfo=UTC)
    found = parse_instants(pa.array(["03/04/2024", "25/04/2024", "04/25/2024", "03/03/2024"]), "UTC", "")
    assert found.ambiguous.tolist() == [True, False, False, False]
    assert found.good.tolist() == [False, True, True, True]


def test_the_column_decides_its_order() -> None:
    assert order_of(pa.array(["01/02/2024", "13/02/2024"])).decided == "dmy"
    assert order_of(pa.array(["01/02/2024", "02/13/2024"])).decided == "mdy"
    assert order_of(pa.array(["13/02/2024", "02/13/2024"])).decided == "mixed"
    assert order_of(pa.array(["01/02/2024", "03/03/2024", "2024-01-13"])).decided == ""


def test_typed_columns() -> None:
    naive = pa.array([datetime.fromisoformat("2024-03-05T12:00")], pa.timestamp("ns"))
    assert from_micros(parse_instants(naive, "Asia/Shanghai").micros[0]) == datetime(2024, 3, 5, 4, tzinfo=UTC)
    aware = pa.array([NOON], pa.timestamp("ms", tz="Asia/Shanghai"))
    assert from_micros(parse_instants(aware, "Europe/London").micros[0]) == NOON
    days = pa.array([date(2024, 7, 1)])
    assert from_micros(parse_instants(days, "Europe/London").micros[0]) == datetime(2024, 6, 30, 23, tzinfo=UTC)
    assert from_micros(parse_instants(pa.array([20240305]), "UTC").micros[0]) == datetime(2024, 3, 5, tzinfo=UTC)
    assert from_micros(parse_instants(pa.array([1709641815.5]), "UTC").micros[0]) == NOON + timedelta(seconds=0.5)
    assert not parse_instants(pa.array([True]), "UTC").good.any()


@given(
    st.lists(WALLS, min_size=1, max_size=20),
    st.sampled_from(["Europe/London", "America/New_York", "Asia/Shanghai", "Australia/Lord_Howe", "Africa/Casablanca"]),
)
def test_wall_clocks_agree_with_zoneinfo(walls: list[datetime], name: str) -> None:
    zone = ZoneInfo(name)
    walls = [
        one.replace(fold=0) for one in [*walls, *ODD_WALLS]
    ]  # a file does not say which of two equal hours it means
    micros = np.array([to_micros(w.replace(tzinfo=UTC)) for w in walls])
    wanted = [to_micros(w.replace(tzinfo=zone)) for w in walls]
    assert offsets(name).to_instant(micros).tolist() == wanted
    day, hour = local_day_and_hour(np.array(wanted), name)
    locals_ = [from_micros(one).astimezone(zone) for one in wanted]
    assert hour.tolist() == [one.hour for one in locals_]
    assert day.tolist() == [(one.date() - date(1970, 1, 1)).days for one in locals_]


@given(WALLS, st.sampled_from(["%d/%m/%Y", "%d.%m.%Y", "%Y-%m-%d"]))
def test_written_dates_come_back(moment: datetime, shape: str) -> None:
    moment = moment.replace(microsecond=0)
    assert at(moment.strftime(f"{shape} %H:%M:%S"), order="dmy") == moment.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "point", "comma"),
    [
        ("12.5", 12.5, 12.5), ("12,5", 12.5, 12.5), ("1,234.56", 1234.56, 1234.56), ("1.234,56", 1234.56, 1234.56),
        ("1,234", 1234, 1.234), ("1.234", 1.234, 1234), ("1,234,567", 1234567, 1234567), ("1.234.567", 1234567, 1234567),
        ("£ 2.55", 2.55, 2.55), ("2,55 €", 2.55, 2.55), ("¥1,200.00", 1200, 1200), ("USD 12.50", 12.5, 12.5),
        ("(12.00)", -12, -12), ("12.00-", -12, -12), ("-3", -3, -3), ("−3", -3, -3), ("-£3.50", -3.5, -3.5),
        ("1 234,56", 1234.56, 1234.56), ("1'234.56", 1234.56, 1234.56), ("1\u00a0234,5", 1234.5, 1234.5),
        ("１２．５", 12.5, 12.5), ("0,999", 0.999, 0.999), (".5", 0.5, 0.5), ("1e3", 1000, 1000), ("0.00", 0, 0),
    ],
)  # fmt: skip
def test_numbers_as_shops_write_them(text: str, point: float, comma: float) -> None:
    # The second value keeps Arrow's fast path from reading the column.
    for mark, wanted in ((".", point), (",", comma)):
        for column in ([text], [text, "£1"]):
            found = parse_numbers(pa.array(column), mark)
            assert found.good[0], (text, mark)
            assert found.values[0] == pytest.approx(wanted), (text, mark)


@pytest.mark.parametrize(
    "text", ["abc", "nan", "inf", "-inf", "Infinity", "1.2.3", "12abc", "1e400", "--3", "£", "1,2,3.4.5"]
)
def test_what_is_no_number(text: str) -> None:
    for column in ([text], [text, "£1"]):
        found = parse_numbers(pa.array(column))
        assert not found.good[0]
        assert not found.empty[0]


def test_typed_numbers_and_blanks() -> None:
    assert parse_numbers(pa.array([Decimal("2.55")])).money().tolist() == [25500]
    assert parse_numbers(pa.array([float("nan"), float("inf"), 1.0])).good.tolist() == [False, False, True]
    assert parse_numbers(pa.array(["", None, " "])).empty.tolist() == [True, True, True]
    assert parse_numbers(pa.nulls(2)).empty.all()


def test_marks_decide_the_comma() -> None:
    assert marks_of(pa.array(["1,234", "5,67"])).decided == ","
    assert marks_of(pa.array(["1,234", "5.67"])).decided == "."
    assert marks_of(pa.array(["1,234", "12"])).decided == ""


@given(st.decimals(min_value=0, max_value=10**9, places=2))
def test_money_is_exact(amount: Decimal) -> None:
    texts = [f"{amount}", f"{amount:,}", f"£{amount:,}", f"{amount:,}".translate(str.maketrans(",.", ".,"))]
    for text in texts[:3]:
        assert parse_numbers(pa.array([text])).money()[0] == int(amount * 10_000)
    assert parse_numbers(pa.array([texts[3]]), ",").money()[0] == int(amount * 10_000)


def test_ids_stay_text() -> None:
    assert as_text(pa.array(["007", "17850.0", " x ", "1.50", "\u200ea\u200f"])).to_pylist() == [
        "007",
        "17850",
        "x",
        "1.50",
        "a",
    ]
    assert as_text(pa.array([1, None])).to_pylist() == ["1", None]
    assert as_text(pa.array([1.5, 2.0])).to_pylist() == ["1.5", "2"]
    flags = nobody(pa.array(["null", "NaN", "0", "", None, "Guest", "00", "7", "محمد", "🦊"])).to_pylist()
    assert flags == [True] * 6 + [False] * 4
    assert nobody(pa.array(["Laufkunde"]), ("laufkunde",)).to_pylist() == [True]
