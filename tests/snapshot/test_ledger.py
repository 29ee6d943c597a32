"""The ledger as it is kept, and the reference figures of Online Retail."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from tests.features.shops import log_of
from tests.features.test_laws import EVENT, _plain_rows, localised

from holdfast.core.clock import Cutoff, Horizon
from holdfast.core.log import EventLog
from holdfast.core.schema import EVENTS_CLEAN
from holdfast.engine.duck import Engine
from holdfast.features.build import build
from holdfast.snapshot.ledger import Ledger
from holdfast.snapshot.snapshot import Snapshot

LONDON = "Europe/London"


def test_a_ledger_from_the_cache_gives_the_same_features(engine: Engine, tmp_path: Path) -> None:
    log = log_of(engine, localised(_plain_rows(), "UTC"), "UTC")
    at = [Cutoff.parse("2011-03-31"), Cutoff.parse("2011-04-05T15:30:00Z")]
    tables = [
        build(Snapshot(Ledger.open(engine, log, cache), at, EVENT).observed) for cache in (None, tmp_path, tmp_path)
    ]
    assert len({one.fingerprint for one in tables}) == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_a_changed_log_is_folded_anew_and_older_ledgers_swept(engine: Engine, tmp_path: Path) -> None:
    events = localised(_plain_rows(), "UTC")
    first = log_of(engine, events, "UTC")
    Ledger.open(engine, first, tmp_path)
    shorter = log_of(engine, events[:20], "UTC")
    changed = EventLog(shorter.events, "UTC", "EUR", "another", first.first_event_at, first.last_event_at)
    assert engine.scalar(Ledger.open(engine, changed, tmp_path).days.line_count.sum()) == sum(
        row["event_type"] == "purchase" for row in events[:20]
    )
    assert len(list(tmp_path.iterdir())) == 2, "the last one stays, a reader may be in it"
    third = EventLog(shorter.events, "UTC", "EUR", "a third", first.first_event_at, first.last_event_at)
    Ledger.open(engine, third, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2, "older ones are swept"


def online_retail(engine: Engine, folder: Path) -> EventLog:
    """The cleaned log of the issue's reference figures, by plain pandas."""
    import pandas as pd

    raw = pd.read_csv(folder / "online_retail" / "online_retail.csv.gz", dtype=str)
    rows = raw[raw.CustomerID.notna()].drop_duplicates()
    rows = rows[rows.StockCode.str.match(r"^\d{5}")].assign(
        q=lambda t: t.Quantity.astype(float),
        p=lambda t: t.UnitPrice.astype(float),
        at=lambda t: pd.to_datetime(t.InvoiceDate),
    )
    rows["day"], key = rows["at"].dt.date, ["CustomerID", "StockCode", "q", "day"]
    cancelled = rows[rows.InvoiceNo.str.startswith("C")].assign(q=lambda t: -t.q)
    bought = rows[~rows.InvoiceNo.str.startswith("C") & (rows.q > 0) & (rows.p > 0)].copy()
    for one in (bought, cancelled):
        one["k"] = one.groupby(key).cumcount()
    matched = bought.merge(cancelled[[*key, "k"]].assign(hit=1), on=[*key, "k"], how="left")
    kept = matched[matched.hit.isna()].reset_index(drop=True)
    instants = pa.array(kept["at"].dt.tz_localize(LONDON).dt.tz_convert("UTC"))
    table = pa.table(
        {
            "event_id": kept.index.astype(str), "customer_id": kept.CustomerID.str.removesuffix(".0"),
            "occurred_at": instants, "recorded_at": instants, "event_type": ["purchase"] * len(kept),
            "item_id": kept.StockCode, "quantity": kept.q, "order_id": kept.InvoiceNo, "local_day": kept.day,
            "unit_price": (kept.p * 10_000).round().astype("int64"), "local_hour": kept["at"].dt.hour,
            "source": ["x"] * len(kept), "source_id": kept.CustomerID,
        }
    )  # fmt: skip
    first, last = instants.to_pylist()[0], max(instants.to_pylist())
    return EventLog(engine.memory(EVENTS_CLEAN.conform(table)), LONDON, "GBP", "online-retail", first, last)


@pytest.mark.real_data
def test_online_retail_has_the_reference_population_and_base_rates(engine: Engine, real_data: Path) -> None:
    ledger = Ledger.open(engine, online_retail(engine, real_data))
    orders = engine.arrow(ledger.orders).to_pandas()
    assert (ledger.seen.rows, len(orders), orders.who.nunique()) == (390_408, 18_301, 4_332)
    assert orders.revenue.sum() == 84_233_940_100
    for day, horizon, people, churned in (("2011-11-09", "30d", 3239, 0.609), ("2011-09-10", "90d", 2782, 0.382)):
        outcomes = Snapshot(ledger, [Cutoff.parse(day, LONDON)]).outcomes(Horizon.parse(horizon))
        assert len(outcomes) == people
        assert outcomes.churned.mean() == pytest.approx(churned, abs=0.0006)
