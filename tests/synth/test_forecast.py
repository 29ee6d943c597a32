"""The whole path over a shop whose truth is known: cleaning gives the world back, and the forecast is near the truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from holdfast.app.shop import Shop
from holdfast.app.study import history
from holdfast.core.clock import Cutoff, Horizon
from holdfast.metrics.ranking import auc
from holdfast.synth.raw import raw_dirt, write_raw
from holdfast.synth.world import Made, World, make


def opened(made: Made, folder: Path) -> Shop:
    """A shop that imported everything the world wrote."""
    shop = Shop.create(folder / "shop", zone=made.world.zone, currency=made.world.currency)
    shop.add(*write_raw(made, folder / "raw"))
    return shop


def test_cleaning_gives_back_the_world_to_the_order_and_the_cent(tmp_path: Path) -> None:
    """Everything planted is found, by kind and number, and nothing else is touched."""
    made = make(World(customers=300, days=400, dirt=0.02))
    shop = opened(made, tmp_path)
    with shop.engine() as engine:
        _, quality = history(shop, engine)
    facts, planted = quality.as_dict(), raw_dirt(made).planted
    found = {finding["rule"]: finding["rows"] for finding in facts["findings"]}
    assert quality.reconciles
    assert found["impossible_times"] == planted["future"] + planted["epoch"]
    assert found["prices_and_quantities"] == planted["negative_price"] + planted["zero_price"]
    assert sum(one["rejected"] for one in facts["sources"]) == planted["missing_customer"] + planted["bad_date"]
    events = made.tables["events"].to_pandas()
    events["day"] = events.occurred_at.dt.tz_convert(made.world.zone).dt.date
    gone = events[events.event_type == "cancel"].drop_duplicates("order_id").set_index("order_id").day
    sold = events[events.event_type == "purchase"]
    sold = sold[sold.order_id.map(gone) != sold.day]
    assert facts["orders"] == sold.order_id.nunique()
    paid = (sold.unit_price * sold.quantity - sold.discount.fillna(0)).sum() / 10_000
    assert facts["spend"] == pytest.approx(paid, abs=0.005)


@pytest.mark.slow
def test_the_published_forecast_is_near_the_truth(tmp_path: Path) -> None:
    """By decile of p_churn the published interval holds the mean truth, and nobody beats an all-knowing observer."""
    made = make(World(customers=2000, seed=11, dirt=0.01))
    release = opened(made, tmp_path).run()
    said = release.customers.to_pandas().set_index("customer_id")
    cutoff, horizon = Cutoff.parse(release.manifest["cutoff"]), Horizon.parse("30d")
    nothing = made.true_p_churn(
        cutoff, horizon, campaigns=False, knows="events"
    )  # p_churn is the risk if nothing is done
    frame = nothing.to_pandas().set_index("customer_id")
    truth = frame.p_churn.reindex(said.index).to_numpy()
    order = np.argsort(said.p_churn.to_numpy(), kind="stable")
    held = [
        said.p_churn_low.iloc[rows].mean() <= truth[rows].mean() <= said.p_churn_high.iloc[rows].mean()
        for rows in np.array_split(order, 10)
    ]
    assert sum(held) >= 8, held
    assert abs(said.p_churn.mean() - truth.mean()) < 0.08
    happened = np.random.default_rng(1).random(len(truth)) < truth
    best, ours = auc(happened, truth), auc(happened, said.p_churn.to_numpy())
    assert best - 0.08 < ours < best + 0.01
