"""What closed campaigns taught is read as it was: by day, by arm, by chance; nothing that is still open enters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from holdfast.app.plan.experience import COLUMNS, Experience, experience
from holdfast.app.shop import Shop
from holdfast.app.study import study
from holdfast.core.decide import Treatment
from holdfast.core.results import Undetermined
from holdfast.synth.parameters import World
from holdfast.synth.raw import write_raw
from holdfast.synth.world import Made, make


@pytest.fixture(scope="module")
def made() -> Made:
    return make(World(customers=1200, days=420, seed=5))


@pytest.fixture(scope="module")
def shop(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder: Path = tmp_path_factory.mktemp("shops") / "shop"
    files = write_raw(made, folder / "raw", form="parquet")
    shop = Shop.create(folder, preset="holdfast", zone=made.world.zone, currency=made.world.currency)
    shop.add(*files)
    return shop


def taught(shop: Shop, cutoff: str | None = None) -> Experience | Undetermined:
    with shop.engine() as engine:
        return experience(study(shop, engine, cutoff=cutoff), [Treatment("voucher", "coupon", discount=0.1)])


def test_arms_and_chances_are_those_of_the_campaigns(shop: Shop, made: Made) -> None:
    found = taught(shop)
    assert isinstance(found, Experience)
    assert found.arms[0] == "nothing"
    assert set(found.arms) == {"nothing", "reminder", "voucher", "postcard"}
    chance = {arm.treatment_id: arm.propensity for arm in made.world.arms}
    own = found.propensity[np.arange(len(found)), found.arm]
    assert np.allclose(own, [chance[found.arms[one]] for one in found.arm])
    assert np.allclose(found.propensity.sum(axis=1), 1.0)
    assert found.X.shape == (len(found), len(COLUMNS))
    assert np.isfinite(found.X).all()
    shares = np.bincount(found.arm) / len(found)
    assert np.abs(shares - [chance[one] for one in found.arms]).max() < 0.05


def test_a_campaign_that_is_still_open_teaches_nothing(shop: Shop, made: Made) -> None:
    day = 90 + 4 * made.world.campaign_every + 20  # twenty days after the fifth campaign
    found = taught(shop, str(made.world.cutoff(day).local_day(made.world.zone)))
    assert isinstance(found, Experience)
    assert found.campaigns == tuple(f"campaign-0{one}" for one in range(4))


def test_a_shop_without_campaigns_says_so(shop: Shop, made: Made) -> None:
    found = taught(shop, str(made.world.cutoff(100).local_day(made.world.zone)))
    assert isinstance(found, Undetermined)
    assert "no campaign" in found.reason


def test_profit_is_the_margin_that_was_earned(shop: Shop, made: Made) -> None:
    """Summed over everybody left alone, profit is margin rate times what they paid in the thirty days."""
    found = taught(shop)
    assert isinstance(found, Experience)
    alone = found.arm == 0
    assert (found.profit[alone & ~found.ordered] == 0).all()
    assert (found.profit[alone & found.ordered] > 0).all()
