"""Effects with known truth: difference, ratio, CUPED, strata, unequal chances, several campaigns; and when nothing is said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.core.errors import UsageError
from holdfast.core.results import Effect, Undetermined
from holdfast.core.trials import Trial
from holdfast.measure.arms import arm_mean, effective_customers, inverse_propensity, means_of
from holdfast.measure.effects import EFFECTS, compare
from holdfast.measure.guardrails import guardrails, verdict
from holdfast.measure.health import balance, contamination, sample_ratio
from holdfast.measure.moments import cuped, difference, joined, pooled, ratio, relative, stratified, tabulate
from holdfast.measure.study import study
from holdfast.metrics.moments import CrossMoments
from measure.worlds import trial


def experiment(n: int, seed: int, lift: float = 0.2, rho: float = 0.8, holdout: float = 0.5) -> Trial:
    """Orders after go with orders before; the arm adds `lift` orders."""
    rng = np.random.default_rng(seed)
    arm = (rng.random(n) >= holdout).astype(int)
    before = rng.normal(3.0, 1.0, n)
    orders = 3.0 + rho * (before - 3.0) + np.sqrt(1 - rho**2) * rng.normal(0, 1, n) + lift * arm
    return trial(arm, orders, before=before, propensities=np.tile([holdout, 1 - holdout], (n, 1)))


def test_cuped_is_unbiased_and_narrower_by_what_it_explains() -> None:
    plain, adjusted, spread = [], [], []
    for seed in range(300):
        found = experiment(400, seed)
        cells = tabulate(found, ["orders"], ["orders"])
        a, c = (pooled(cells, name) for name in ("mail", "nothing"))
        one, two = difference(a, c), cuped(a, c, [1])
        plain.append(one.value)
        adjusted.append(two.value)
        spread.append((two.se / one.se) ** 2)
    assert np.mean(adjusted) == pytest.approx(0.2, abs=0.012)
    assert np.var(adjusted) / np.var(plain) == pytest.approx(1 - 0.8**2, rel=0.2)
    assert np.mean(spread) == pytest.approx(1 - 0.8**2, rel=0.05), "and it knows how much narrower it is"


def test_rows_and_moments_say_the_same() -> None:
    found = experiment(900, 3)
    cells = tabulate(found, ["orders"], ["orders"])
    a, c = (pooled(cells, name) for name in ("mail", "nothing"))
    row = arm_mean(found, 1, found.outcome("orders"), ("orders",)).minus(
        arm_mean(found, 0, found.outcome("orders"), ("orders",))
    )
    assert row.mean == pytest.approx(cuped(a, c, [1]).value, abs=1e-12)
    assert row.se(found.who) == pytest.approx(cuped(a, c, [1]).se, rel=2e-3)
    bare = arm_mean(found, 1, found.outcome("orders"), ()).minus(arm_mean(found, 0, found.outcome("orders"), ()))
    assert bare.se(found.who) == pytest.approx(difference(a, c).se, rel=1e-12)


@given(st.integers(0, 10**6), st.integers(0, 60))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_splitting_a_batch_changes_nothing(seed: int, at: int) -> None:
    """Whole numbers, so that sums are exact: the same bytes whichever way the customers arrive."""
    rng = np.random.default_rng(seed)
    n = 60
    found = trial(
        rng.integers(0, 2, n), rng.integers(0, 5, n), before=rng.integers(0, 5, n), cohort=rng.integers(0, 4, n)
    )
    order = rng.permutation(n)
    whole = tabulate(found, ["orders", "complaints"], ["orders"])
    parts = joined(
        *(tabulate(found.take(one), ["orders", "complaints"], ["orders"]) for one in (order[:at], order[at:]))
    )
    assert sorted(whole) == sorted(parts)
    for key, cell in whole.items():
        assert cell.n == parts[key].n
        assert np.array_equal(cell.products, parts[key].products)


def test_open_follow_ups_never_enter() -> None:
    found = trial([0, 1, 1], [1, 1, 9], closed=[True, True, False])
    with pytest.raises(UsageError, match="closed"):
        tabulate(found, ["orders"])
    assert len(found.finished) == 2
    waiting = trial([0, 1], [1, 1], closed=[False, False])
    assert "has closed yet" in study(waiting, "one")["undetermined"]


def test_ratios_by_the_delta_method_agree_with_the_bootstrap() -> None:
    rng = np.random.default_rng(8)
    n = 3000
    orders = rng.poisson(2.0, (2, n)).astype(float)
    paid = orders * np.array([20.0, 22.0])[:, None] + rng.normal(0, 5, (2, n)) * orders
    arms = [CrossMoments.of(np.column_stack([paid[one], orders[one]])) for one in (0, 1)]
    found, share = ratio(arms[1], arms[0]), relative(arms[1], arms[0])
    assert found.value == pytest.approx(2.0, abs=0.5)
    draws, shares = [], []
    for _ in range(600):
        rows = [rng.integers(0, n, n) for _ in (0, 1)]
        sums = [(paid[one][rows[one]].sum(), orders[one][rows[one]].sum()) for one in (0, 1)]
        draws.append(sums[1][0] / sums[1][1] - sums[0][0] / sums[0][1])
        shares.append(sums[1][0] / sums[0][0] - 1)
    assert found.se == pytest.approx(np.std(draws), rel=0.1)
    assert share.se == pytest.approx(np.std(shares), rel=0.1)
    nothing = CrossMoments.of(np.zeros((5, 2)))
    assert np.isnan(ratio(arms[1], nothing).value)
    assert np.isnan(relative(arms[1], nothing).value)


def test_strata_narrow_and_stay_unbiased() -> None:
    rng = np.random.default_rng(5)
    values, spread = [], []
    for _ in range(200):
        stratum, arm = rng.integers(0, 3, 600), rng.integers(0, 2, 600)
        y = 10.0 * stratum + arm + rng.normal(0, 1, 600)
        cells = [{s: CrossMoments.of(y[(arm == a) & (stratum == s), None]) for s in range(3)} for a in (0, 1)]
        found = stratified(cells[1], cells[0])
        assert not isinstance(found, Undetermined)
        values.append(found.value)
        spread.append(found.se)
    assert np.mean(values) == pytest.approx(1.0, abs=0.03)
    assert np.std(values) == pytest.approx(np.mean(spread), rel=0.15)
    assert np.mean(spread) < 0.1, "the strata's own spread (8) is gone"
    assert isinstance(stratified({0: CrossMoments.of([[1.0]])}, {0: CrossMoments.of([[1.0], [2.0]])}), Undetermined)


def unequal(seed: int, n: int = 1500) -> tuple[Trial, float]:
    """Those who order most are treated most, with logged chances; true effect 0.5."""
    rng = np.random.default_rng(seed)
    before = rng.gamma(2.0, 1.0, n)
    p = np.clip(0.1 + 0.2 * before, 0.1, 0.9)
    arm = (rng.random(n) < p).astype(int)
    orders = before + 0.1 * before**2 + 0.5 * arm + rng.normal(0, 1, n)
    return trial(arm, orders, before=before, propensities=np.column_stack([1 - p, p])), 0.5


def test_unequal_chances_are_weighed_away() -> None:
    found, naive, inverse, z = [], [], [], []
    for seed in range(120):
        one, truth = unequal(seed)
        y = one.outcome("orders")
        gap = arm_mean(one, 1, y).minus(arm_mean(one, 0, y))
        assert gap.method == "aipw"
        found.append(gap.mean)
        z.append((gap.mean - truth) / gap.se(one.who))
        naive.append(y[one.arm == 1].mean() - y[one.arm == 0].mean())
        p = one.propensities
        inverse.append(
            inverse_propensity(y, one.arm == 1, p[:, 1]).mean - inverse_propensity(y, one.arm == 0, p[:, 0]).mean
        )
    assert np.mean(found) == pytest.approx(0.5, abs=0.02)
    assert np.mean(inverse) == pytest.approx(0.5, abs=0.04)
    assert np.mean(naive) > 1.0, "without the chances it is quite wrong"
    assert np.std(found) < np.std(inverse)
    assert np.std(z) == pytest.approx(1.0, abs=0.2)


def test_with_unequal_chances_the_effect_is_that_on_the_treated() -> None:
    """Who gains most is treated most: the plan earned more than its arm would on everybody."""
    gained, z = [], []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        before = rng.gamma(2.0, 1.0, 1500)
        p = np.clip(0.1 + 0.2 * before, 0.1, 0.9)
        arm = (rng.random(1500) < p).astype(int)
        effect = 0.3 * before
        y = before + 0.1 * before**2 + effect * arm + rng.normal(0, 1, 1500)
        one = trial(arm, y, before=before, propensities=np.column_stack([1 - p, p]))
        top, low = means_of(one, 1, 0, one.outcome("orders"))
        gap = top.minus(low)
        gained.append(gap.mean - effect[arm == 1].mean())
        z.append(gained[-1] / gap.se(one.who))
        assert effect[arm == 1].mean() > effect.mean() + 0.1
    assert np.mean(gained) == pytest.approx(0.0, abs=0.015)
    assert 0.7 < np.std(z) < 1.2
    assert effective_customers(one, 1)[1] < effective_customers(one, 1)[0]


def test_a_customer_in_several_campaigns_is_one_draw() -> None:
    """The same people in ten campaigns with the same arm: counting rows would claim three times the precision."""
    rng = np.random.default_rng(2)
    n, times = 400, 10
    own, arm = rng.normal(0, 1, n), rng.integers(0, 2, n)
    found = trial(
        np.tile(arm, times),
        np.tile(own, times),
        who=np.tile(np.arange(n), times),
        campaign=np.repeat(np.arange(times), n),
    )
    y = found.outcome("orders")
    gap = arm_mean(found, 1, y, ()).minus(arm_mean(found, 0, y, ()))
    assert gap.se(found.who) == pytest.approx(
        difference(*(CrossMoments.of(own[arm == a, None]) for a in (1, 0))).se, rel=0.02
    )
    assert gap.se(found.who) > 3 * gap.se(np.arange(len(found)))


def test_the_effects_of_an_arm() -> None:
    found = experiment(4000, 1, lift=0.4)
    said = compare(found, "mail")
    orders = said.effects["orders"]
    assert isinstance(orders, Effect)
    assert orders.low < 0.4 < orders.high
    assert orders.significant
    assert set(said.effects) == set(EFFECTS)
    total, roi = said.totals["margin"], said.roi
    assert isinstance(total, Effect)
    assert isinstance(roi, Effect)
    assert said.cost == pytest.approx(0.01 * said.n_treated)
    assert roi.estimate == pytest.approx((total.estimate - said.cost) / said.cost)
    assert total.estimate == pytest.approx(said.effects["margin"].estimate * said.n_treated)  # type: ignore[union-attr]
    assert "revenue" in said.raw
    assert study(found, "one")["comparisons"][0]["effects"]["orders"]["estimate"] == pytest.approx(orders.estimate)


def test_nothing_is_said_without_enough_or_without_chances() -> None:
    few = compare(experiment(300, 1), "mail")
    assert all(isinstance(one, Undetermined) for one in few.effects.values())
    dark = experiment(2000, 1)
    blind = trial(dark.arm, dark.outcome("orders"), propensities=np.full((2000, 2), np.nan))
    why = compare(blind, "mail").effects["orders"]
    assert isinstance(why, Undetermined)
    assert "chances" in why.reason
    apart = trial(dark.arm, dark.outcome("orders"), propensities=np.eye(2)[dark.arm])
    never = compare(apart, "mail").effects["orders"]
    assert isinstance(never, Undetermined)
    assert "both arms" in never.reason
    alone = trial(np.ones(500), np.ones(500), propensities=np.tile([0.0, 1.0], (500, 1)))
    assert "do nothing" in study(alone, "one")["undetermined"]


def test_one_whale_moves_the_raw_figure_and_not_the_capped_one() -> None:
    found = experiment(4000, 1, lift=0.0)
    paid = found.outcome("revenue").copy()
    paid[np.flatnonzero(found.arm == 1)[0]] = 1e6
    whale = trial(found.arm, found.outcome("orders"), revenue=paid, before=found.covariate("orders"))
    said = compare(whale, "mail")
    assert said.raw["revenue"].estimate > 100  # type: ignore[union-attr]
    assert abs(said.effects["revenue"].estimate) < 1  # type: ignore[union-attr]


def test_wrong_arm_sizes_are_called_out() -> None:
    rng = np.random.default_rng(1)
    p = np.column_stack([np.full(4000, 0.5), np.full(4000, 0.5)])
    fair, lost = rng.integers(0, 2, 4000), rng.integers(0, 2, 4000)
    lost = lost[(lost == 0) | (rng.random(4000) > 0.15)]
    assert sample_ratio(fair, p).alarm is False  # type: ignore[union-attr]
    assert sample_ratio(lost, p[: len(lost)]).alarm is True  # type: ignore[union-attr]
    assert sample_ratio(fair, np.full((4000, 2), np.nan)) is None
    each = rng.uniform(0.1, 0.9, 4000)  # unequal chances: judged by their own sum
    drawn = (rng.random(4000) < each).astype(int)
    chances = np.column_stack([1 - each, each])
    assert sample_ratio(drawn, chances).p_value > 0.001  # type: ignore[union-attr]
    assert sample_ratio(np.r_[drawn[:3000], np.ones(1000, int)], chances).alarm  # type: ignore[union-attr]


def test_pearsons_chi_square() -> None:
    """With equal chances the statistic is Pearson's: 60 of 100 at 1/2 is 4.0, p = 0.0455."""
    found = sample_ratio(np.repeat([0, 1], [60, 40]), np.full((100, 2), 0.5))
    assert found is not None
    assert found.p_value == pytest.approx(0.0455, abs=1e-4)


def test_imbalance_before_the_assignment_is_seen() -> None:
    found = experiment(3000, 1)
    assert not any(one["alarm"] for one in balance(found, 1))
    shifted = trial(found.arm, found.outcome("orders"), before=found.covariate("orders") + 0.3 * found.arm)
    assert all(one["alarm"] for one in balance(shifted, 1))
    weighed, _ = unequal(1)
    assert not any(one["alarm"] for one in balance(weighed, 1)), "unequal chances are no imbalance"
    assert contamination(found)["share"] == 0


def test_guardrails() -> None:
    assert verdict(-0.1, 0.005, 0.01) == "kept"
    rng = np.random.default_rng(4)
    n = 30_000
    arm = rng.integers(0, 2, n)
    left = (rng.random(n) < np.where(arm == 1, 0.05, 0.01)).astype(float)
    found = trial(arm, rng.poisson(1.0, n), unsubscribed=left)
    said = {one["name"]: one for one in guardrails(found, 1, 0, n)}
    assert said["unsubscribed"]["verdict"] == "broken"
    assert said["complaints"]["verdict"] == "kept"
    assert said["margin"]["verdict"] in ("kept", "open")
    few = guardrails(found.take(np.arange(100)), 1, 0, 100)
    assert all("undetermined" in one and one["verdict"] == "open" for one in few)
