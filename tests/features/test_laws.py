"""The laws of time: what is known later changes nothing; two readers say the same; order and names do not matter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.features.shops import ITEM_ROWS, ZONES, cutoffs, localised, log_of, rows

from holdfast.core.clock import Cutoff
from holdfast.core.tables import FeatureTable
from holdfast.engine.duck import Engine
from holdfast.features.build import build
from holdfast.features.declare import FEATURES
from holdfast.features.plain import evaluate
from holdfast.snapshot.ledger import Ledger
from holdfast.snapshot.settings import PopulationSettings
from holdfast.snapshot.snapshot import Snapshot

LAW = settings(
    max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
EVENT = PopulationSettings(active_by="event", within="60d")


def table(
    engine: Engine, events: list[dict[str, Any]], zone: str, at: tuple[Cutoff, ...], items: Any = ITEM_ROWS
) -> FeatureTable:
    return build(Snapshot(Ledger.open(engine, log_of(engine, events, zone, items)), at, EVENT).observed)


@pytest.mark.parametrize("zone", ZONES)
@LAW
@given(data=st.data())
def test_sql_and_plain_python_agree_on_every_feature(engine: Engine, zone: str, data: st.DataObject) -> None:
    events = localised(data.draw(rows()), zone)
    made = table(engine, events, zone, data.draw(cutoffs(zone)))
    for at in range(len(made)):
        who, cutoff = made.key.customer_id[at].as_py(), Cutoff.from_micros(int(made.key.cutoff[at]))
        own = [row for row in events if row["customer_id"] == who]
        said = evaluate(own, cutoff, zone=zone, items=ITEM_ROWS)
        for name in FEATURES:
            expected, found = np.float32(said[name]), made.column(name)[at]
            assert np.isclose(expected, found, rtol=2e-6, atol=1e-6, equal_nan=True), (
                name,
                who,
                str(cutoff),
                said[name],
                found,
            )
