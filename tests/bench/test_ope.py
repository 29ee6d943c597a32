"""The off-policy bench: reading, worlds with known values, and the must-haves on the real logs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from holdfast.bench.ope import CAMPAIGNS, coverage, ope, told
from holdfast.bench.ope_logs import POSITIONS, Calibrated, Draws, Shown, read, replicated
from holdfast.core.errors import UsageError


def drawn(seed: int, rows: int = 3000, items: int = 5) -> tuple[Shown, Shown]:
    """A random and a moving log of one small world, clicks at 5%."""
    rng = np.random.default_rng(seed)
    rate = rng.beta(2, 38, (POSITIONS, items))
    policies = rng.dirichlet(np.full(items, 3.0), (40, POSITIONS))
    world = Calibrated(rate, np.repeat(policies, 5, axis=0))
    return world.log("random", rows, seed), world.log("bts", rows, seed)


def test_a_calibrated_world_earns_what_it_says() -> None:
    random, bts = drawn(1)
    world = Calibrated.of(random, bts, 1)
    for policy in ("random", "bts"):
        log = world.log(policy, 200_000, 2)
        assert log.click.mean() == pytest.approx(world.value(policy), rel=0.05)
    assert world.rate.mean() == pytest.approx(random.click.mean(), rel=0.3)


def test_replicates_centre_on_the_estimates() -> None:
    random, bts = drawn(2)
    for here, there, target in ((random, bts, "bts"), (bts, random, "random")):
        rows = {(one.model, one.metric, one.protocol): one for one in told(here, there, target, 200)}
        draws = replicated(here, there, Draws.of(here, there, 300, 1), estimated=target == "bts")
        for name in ("ips", "snips", "clipped", "doubly_robust"):
            assert draws[name].mean() == pytest.approx(rows[name, "gap", ""].value, abs=0.4 * draws[name].std())


def test_intervals_hold_zero_as_often_as_they_say() -> None:
    random, bts = drawn(3)
    for target, source in (("bts", "random"), ("random", "bts")):
        for one in coverage(random, bts, target, source, 40):
            assert one.value >= 0.85, f"{one.model} {one.protocol}"
            assert one.n == 40


def test_a_policy_worth_more_is_seen() -> None:
    """Were clicks on the other log three times as many, the interval of the difference would leave out 0."""
    random, bts = drawn(4, rows=8000)
    richer = Shown(bts.item, bts.position, bts.propensity, np.maximum(bts.click, np.arange(8000) % 6 == 0), bts.items)
    gap = next(one for one in told(random, richer, "bts", 100) if one.model == "ips" and one.metric == "gap")
    assert gap.high is not None
    assert gap.high < 0


@pytest.mark.real_data
def test_the_difference_holds_zero_on_open_bandit(real_data: Path) -> None:
    for campaign in CAMPAIGNS:
        logs = {policy: read(real_data / "open_bandit", policy, campaign) for policy in ("random", "bts")}
        assert logs["random"].propensity == pytest.approx(1 / logs["random"].items)
        for target, source in (("bts", "random"), ("random", "bts")):
            rows = told(logs[source], logs[target], target, 100)
            gaps = [one for one in rows if one.metric == "gap"]
            assert len(gaps) >= 4
            assert all(one.low <= 0 <= one.high for one in gaps if one.low is not None and one.high is not None)


def test_unknown_data_is_refused() -> None:
    with pytest.raises(UsageError, match="no data"):
        ope(data="men")
