"""Every declared feature, and what is built from them."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from tests.features.shops import localised, log_of

from holdfast.checks.feature import check_feature
from holdfast.core.clock import Cutoff
from holdfast.core.errors import UsageError
from holdfast.core.tables import Key
from holdfast.engine.duck import Engine
from holdfast.features.build import build
from holdfast.features.declare import FEATURES, Total, leaves
from holdfast.features.own import with_own_columns
from holdfast.features.plain import evaluate
from holdfast.features.sql import SCHEMAS, sql
from holdfast.snapshot.ledger import Ledger
from holdfast.snapshot.snapshot import Snapshot

ZONE = "Europe/London"


def event(who: str, day: str, kind: str = "purchase", **more: object) -> dict[str, object]:
    at = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=UTC)
    row = {"event_id": f"{who}{day}{kind}{more}", "customer_id": who, "occurred_at": at, "recorded_at": at}
    return {**row, "event_type": kind, "source": "s", "source_id": who, "quantity": 1.0, "unit_price": 100_000, **more}


SHOP = localised(
    [
        event("ann", "2024-01-01", order_id="1", item_id="tea"),
        event("ann", "2024-01-01", order_id="1", item_id="cup", quantity=2.0),
        event("ann", "2024-01-31", order_id="2", item_id="tea"),
        event("ann", "2024-02-10", "view", item_id="pot", session_id="x"),
        event("bob", "2024-02-20", order_id="3", item_id="pot", unit_price=50_000),
    ],
    ZONE,
)
MARCH = Cutoff.parse("2024-03-01", ZONE)


@pytest.fixture(scope="module")
def snapshot(engine: Engine) -> Snapshot:
    return Snapshot(Ledger.open(engine, log_of(engine, SHOP, ZONE, None)), [MARCH])


@pytest.mark.parametrize("name", list(FEATURES))
def test_the_declaration_is_whole(name: str) -> None:
    check_feature(FEATURES[name])


def test_there_are_at_least_sixty_in_many_families() -> None:
    families = Counter(FEATURES[name].family for name in FEATURES)
    assert sum(families.values()) >= 60
    assert len(families) >= 9


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("order_count", 2.0),
        ("order_count_30d", 1.0),
        ("order_count_60d", 2.0),
        ("revenue", 40.0),
        ("units", 4.0),
        ("days_since_last_order", 30.0),
        ("T", 60.0),
        ("t_x", 30.0),
        ("frequency", 1.0),
        ("gap_days_mean", 30.0),
        ("gap_days_shrunken", 45.0),
        ("overdue_own_ratio", 1.0),
        ("monetary_value", 10.0),
        ("basket_value", 20.0),
        ("item_count", 2.0),
        ("item_again_share", 0.5),
        ("item_seen_count_30d", 2.0),
        ("session_count_30d", 1.0),
        ("days_since_last_act", 20.0),
    ],
)
def test_numbers_worked_out_by_hand(snapshot: Snapshot, name: str, expected: float) -> None:
    table = build(snapshot.observed, [name])
    assert table.key.customer_id.to_pylist() == ["ann", "bob"]
    assert table.column(name)[0] == pytest.approx(expected)
    ann = [row for row in SHOP if row["customer_id"] == "ann"]
    assert evaluate(ann, MARCH, [name], zone=ZONE)[name] == pytest.approx(expected)


def test_a_key_keeps_its_order_and_an_unknown_customer_is_refused(snapshot: Snapshot) -> None:
    asked = Key.of(["bob", "ann"], MARCH)
    assert build(snapshot.observed, ["order_count"], asked).column("order_count").tolist() == [1.0, 2.0]
    with pytest.raises(UsageError, match="nobody"):
        build(snapshot.observed, ["order_count"], Key.of(["nobody"], MARCH))


def test_one_order_has_no_gap_and_says_so(snapshot: Snapshot) -> None:
    table = build(snapshot.observed, ["gap_days_mean"])
    assert np.isnan(table.column("gap_days_mean")[1])
    assert table.columns[0].missing == "fewer than two order days"


def test_the_schemas_that_sql_prints_are_those_of_the_ledger(engine: Engine, snapshot: Snapshot) -> None:
    import ibis

    for name, kinds in SCHEMAS.items():
        found = {column: str(kind) for column, kind in getattr(snapshot.ledger, name).schema().items()}
        assert found == {column: str(ibis.dtype(kind)) for column, kind in kinds.items()}, name


def test_printed_sql_computes_the_feature(engine: Engine, snapshot: Snapshot) -> None:
    observed = snapshot.observed
    for name, table in (
        ("customer_order", snapshot.ledger.orders), ("customer_day", snapshot.ledger.days),
        ("cutoffs", observed.clock), ("population", observed.people),
    ):  # fmt: skip
        engine.backend.create_table(name, table, temp=True, overwrite=True)
    found = engine.sql(sql("overdue_ratio")).fetchall()
    expected = build(observed, ["overdue_ratio"]).column("overdue_ratio")
    assert sorted(row[-1] for row in found) == pytest.approx(sorted(expected.tolist()))


def test_own_columns_are_joined_strictly_before_the_cutoff(snapshot: Snapshot) -> None:
    table = build(snapshot.observed, ["order_count"])
    instants = pa.array([MARCH.micros - 1, MARCH.micros, MARCH.micros - 2], pa.timestamp("us", "UTC"))
    own = pa.table({"customer_id": ["ann", "ann", "bob"], "valid_from": instants, "visits": [1, 2, 3]})
    assert with_own_columns(table, own).column("visits").tolist() == [1.0, 3.0]
    with pytest.raises(UsageError, match="valid_from"):
        with_own_columns(table, own.drop_columns(["valid_from"]))
    with pytest.raises(UsageError, match="same customer_id"):
        with_own_columns(table, pa.concat_tables([own, own]))


def test_leaves_of_a_formula_name_their_windows() -> None:
    windows = {leaf.window for leaf in leaves(FEATURES["revenue_90d"].formula) if isinstance(leaf, Total)}
    assert windows == {90}
