"""Settings are chosen where they can be judged, and nowhere else."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from holdfast.core.clock import Cutoff, Horizon
from holdfast.core.interactions import Interactions, Items
from holdfast.core.recommend import RECOMMENDERS
from holdfast.recommend.mix_lanes import spec
from holdfast.recommend.mix_tune import tuned

CUTOFF, HORIZON = Cutoff.parse("2024-06-01"), Horizon.parse("30d")
DAY = 86_400_000_000


def moving(turns: float, seed: int = 1) -> Interactions:
    """Two hundred customers with one favourite each, who bought it often; `turns` days ago they all took to another."""
    random = np.random.default_rng(seed)
    who, item, ago = [], [], []
    for customer in range(200):
        first, second = random.choice(40, 2, replace=False)
        for _ in range(20):
            day = random.uniform(1, 200)
            what = (second if day < turns else first) if random.random() < 0.8 else random.integers(40)
            who.append(customer)
            item.append(int(what))
            ago.append(day)
    names = Items.named([f"i{one:02d}" for one in range(40)])
    at = CUTOFF.micros - (np.array(ago) * DAY).astype(np.int64)
    ids = pa.array([f"c{one:03d}" for one in range(200)])
    return Interactions.of(ids, names, CUTOFF, customer=np.array(who), item=np.array(item), occurred_at=at,
                           basket=np.arange(len(who)))  # fmt: skip


def test_a_shop_whose_customers_turned_wants_a_short_memory() -> None:
    """Sixty days before the cutoff (two horizons) the turn, at day 75, lies two weeks back."""
    lanes = (spec("frequency"), spec("again"))
    chosen = tuned(lanes, moving(75.0), HORIZON)
    assert chosen == (spec("frequency", half_life=90.0), spec("again"))


def test_what_came_after_that_window_changes_nothing() -> None:
    past = moving(75.0)
    later = past.keeping(past.age_days > 30.0)
    assert tuned((spec("frequency"),), past, HORIZON) == tuned((spec("frequency"),), later, HORIZON)


def test_a_lane_that_stands_twice_gets_two_settings() -> None:
    found = tuned((spec("ials"), spec("ials", half_life_days=60.0)), moving(75.0), HORIZON)
    assert len(set(found)) == 2
    assert all(name == "ials" for name, _ in found)


def test_the_same_setting_in_other_words_is_one() -> None:
    """`lately` keeps 100 neighbours unless told otherwise: saying so is no second setting."""
    found = tuned((spec("lately", days=90.0), spec("lately", days=30.0)), moving(75.0), HORIZON)
    assert len({RECOMMENDERS[name](**dict(how)) for name, how in found}) == 2


def test_too_few_customers_choose_nothing() -> None:
    few = moving(75.0).take(np.arange(20))
    assert tuned((spec("frequency"),), few, HORIZON) == (spec("frequency"),)
