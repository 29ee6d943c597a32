"""The allocator: exact where few, certified where many, within every limit, the same whoever stands where."""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.decide import Options
from holdfast.core.errors import TooLittleData, UsageError
from holdfast.decide.budget import Allocation, Bound, Limits, allocate, curve
from holdfast.decide.budget.limits import lines_of

CHANNELS = {"t1": "mail", "t2": "phone", "t3": "mail", "t4": "sms"}


def world(n: int, arms: int, seed: int, *, round_to: int | None = None) -> Options:
    """Random options; `round_to` decimals make ties."""
    random = np.random.default_rng(seed)
    gain, cost = random.normal(2, 4, (n, arms)), random.gamma(1.0, 2.0, (n, arms))
    if round_to is not None:
        gain, cost = gain.round(round_to), cost.round(round_to)
    gain[:, 0] = cost[:, 0] = 0.0
    eligible = random.random((n, arms)) < 0.8
    eligible[:, 0] = True
    names = ("nothing", *(f"t{k}" for k in range(1, arms)))
    return Options(pa.array([f"c{i}" for i in range(n)]), names, gain, cost, eligible)


def groups_of(n: int, seed: int) -> dict[str, list[str]]:
    random = np.random.default_rng(seed + 99)
    return {"sex": ["f" if one else "m" for one in random.random(n) < 0.5]}


def kept(options: Options, plan: Allocation) -> bool:
    """Recount from the options themselves, not from what the plan says of itself."""
    limits, chosen = plan.limits, plan.chosen
    cost = options.cost[np.arange(len(options)), chosen]
    fine = bool(options.eligible[np.arange(len(options)), chosen].all())
    if limits.budget is not None:
        fine &= float(cost.sum()) <= limits.budget + 1e-9
    for channel, most in limits.channel_capacity.items():
        fine &= sum(limits.channels.get(options.arms[a], "") == channel for a in chosen if a) <= most
    for arm, most in limits.arm_stock.items():
        fine &= int((chosen == options.arms.index(arm)).sum()) <= most
    if limits.contacts is not None:
        fine &= int((chosen != 0).sum()) <= limits.contacts
    for bounds, sign in ((limits.floors, -1), (limits.ceilings, 1)):
        for (column, group), bound in bounds.items():
            inside = np.array([one == group for one in (limits.groups or {})[column]]) & (chosen != 0)
            if bound.count is not None:
                fine &= sign * int(inside.sum()) <= sign * bound.count
            if bound.spend is not None:
                fine &= sign * float(cost[inside].sum()) <= sign * bound.spend + 1e-5
    for column, most in limits.parity.items():
        labels = np.array((limits.groups or {})[column])
        names = sorted(set(labels.tolist()))
        rate = {one: float((chosen[labels == one] != 0).mean()) for one in names}
        size = {one: int((labels == one).sum()) for one in names}
        pairs = [(one, two) for one in names for two in names if one != two]
        fine &= all(rate[a] - rate[b] <= max(most, 1 / min(size[a], size[b])) + 1e-8 for a, b in pairs)
    return fine


def best_of_all(options: Options, limits: Limits) -> float | None:
    """Every plan tried."""
    found: float | None = None
    n = len(options)
    for chosen in product(range(len(options.arms)), repeat=n):
        plan = Allocation(np.array(chosen), 0.0, 0.0, 0.0, 0.0, {}, {}, {}, limits)
        if kept(options, plan):
            value = float(options.gain[np.arange(n), chosen].sum())
            found = value if found is None else max(found, value)
    return found


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 5), st.integers(2, 4), st.integers(0, 10**6), st.booleans(), st.data())
def test_a_small_plan_is_the_best_of_all_plans(n: int, arms: int, seed: int, ties: bool, data: Any) -> None:
    options = world(n, arms, seed, round_to=0 if ties else None)
    names = options.arms[1:]
    groups = groups_of(n, seed)
    present = sorted(set(groups["sex"]))
    given_limits: dict[str, Any] = {
        "budget": data.draw(st.none() | st.floats(0, 12)),
        "contacts": data.draw(st.none() | st.integers(0, n)),
        "arm_stock": data.draw(st.dictionaries(st.sampled_from(names), st.integers(0, 2), max_size=1)),
        "channel_capacity": data.draw(
            st.dictionaries(st.sampled_from(sorted({CHANNELS[one] for one in names})), st.integers(0, 3), max_size=2)
        ),
        "floors": {("sex", one): Bound(count=1) for one in data.draw(st.lists(st.sampled_from(present), max_size=1))},
        "ceilings": {
            ("sex", one): Bound(spend=4.0) for one in data.draw(st.lists(st.sampled_from(present), max_size=1))
        },
        "parity": data.draw(st.dictionaries(st.just("sex"), st.sampled_from([0.0, 0.3, 0.6]), max_size=1)),
    }
    limits = Limits(**given_limits, groups=groups, channels={one: CHANNELS[one] for one in names})
    best = best_of_all(options, limits)
    if best is None:
        with pytest.raises(TooLittleData):
            allocate(options, limits)
        return
    plan = allocate(options, limits)
    assert kept(options, plan)
    assert plan.gain == pytest.approx(best, abs=1e-6)
    assert plan.bound >= plan.gain
    assert plan.bound == pytest.approx(best, abs=1e-5)
    assert plan.cost == pytest.approx(options.cost[np.arange(n), plan.chosen].sum(), abs=1e-5)


def solved_by_highs(options: Options, limits: Limits) -> float:
    """The same problem handed to HiGHS whole."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    lines = lines_of(limits, options)
    n, arms = options.gain.shape
    weights = lines.count[:, lines.cell] + lines.money[:, lines.cell] * options.cost * 1e6
    scale = np.maximum(np.abs(lines.limit), 1.0)
    rows = np.kron(np.eye(n), np.ones(arms))
    found = milp(
        -options.gain.ravel(),
        constraints=[
            LinearConstraint(rows, 1, 1),
            LinearConstraint(weights.reshape(len(lines), -1) / scale[:, None], -np.inf, lines.limit / scale),
        ],
        integrality=np.ones(n * arms),
        bounds=Bounds(0, options.eligible.ravel().astype(float)),
        options={"mip_rel_gap": 1e-7},
    )
    return -float(found.fun)


@pytest.mark.parametrize(("n", "arms", "seed"), [(60, 4, 1), (200, 3, 2), (150, 5, 3)])
def test_it_agrees_with_highs(n: int, arms: int, seed: int) -> None:
    options = world(n, arms, seed)
    limits = Limits(
        budget=n * 0.4, channel_capacity={"mail": n // 5}, contacts=n // 2, arm_stock={"t2": n // 10},
        parity={"sex": 0.05}, groups=groups_of(n, seed), channels=CHANNELS, floors={("sex", "f"): Bound(count=n // 8)},
    )  # fmt: skip
    plan = allocate(options, limits)
    assert kept(options, plan)
    assert plan.gain == pytest.approx(solved_by_highs(options, limits), rel=2e-6)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_large_plan_is_certified(seed: int) -> None:
    n = 20_000
    options = world(n, 5, seed)
    limits = Limits(
        budget=n * 0.2, channel_capacity={"mail": n // 6, "sms": n // 12}, contacts=n // 3, parity={"sex": 0.01},
        floors={("sex", "m"): Bound(spend=n * 0.08)}, ceilings={("sex", "f"): Bound(count=n // 8)},
        groups=groups_of(n, seed), channels=CHANNELS,
    )  # fmt: skip
    plan = allocate(options, limits)
    assert kept(options, plan)
    assert 0 <= plan.gap < 3e-4
    assert plan.gain <= plan.bound


def test_a_bound_is_a_bound() -> None:
    """The dual bound stands above HiGHS's own optimum, and close."""
    options = world(400, 4, 7)
    limits = Limits(budget=100, channel_capacity={"mail": 60}, channels=CHANNELS)
    plan = allocate(options, limits)
    best = solved_by_highs(options, limits)
    assert plan.bound >= best - 1e-6
    assert plan.bound == pytest.approx(best, rel=2e-3)


@settings(deadline=None, max_examples=15)
@given(st.integers(2, 60), st.integers(0, 10**6), st.booleans(), st.randoms(use_true_random=False))
def test_permuting_customers_changes_nothing(n: int, seed: int, ties: bool, random: Any) -> None:
    options = world(n, 4, seed, round_to=0 if ties else None)
    rows = list(range(n))
    random.shuffle(rows)
    order = np.array(rows)
    sexes = groups_of(n, seed)["sex"]
    told = {"budget": n * 0.5, "contacts": n // 2, "parity": {"sex": 0.3}}
    one = allocate(options, Limits(**told, groups={"sex": sexes}))
    two = allocate(options.take(order), Limits(**told, groups={"sex": [sexes[i] for i in rows]}))
    assert two.chosen.tolist() == one.chosen[order].tolist()
    assert (two.gain, two.cost, two.bound, two.shadow) == (one.gain, one.cost, one.bound, one.shadow)


def test_a_thousand_customers_who_are_all_alike_share_a_budget() -> None:
    n = 5_000
    gain, cost = np.zeros((n, 3)), np.zeros((n, 3))
    gain[:, 1:], cost[:, 1:] = [2.0, 3.0], [1.0, 2.0]
    options = Options(pa.array([f"c{i}" for i in range(n)]), ("nothing", "t1", "t2"), gain, cost)
    plan = allocate(options, Limits(budget=3_333, contacts=2_500))
    # x mails and y coupons: x + y = 2500, x + 2y = 3333 -> y = 833, x = 1667
    assert plan.gain == pytest.approx(1667 * 2 + 833 * 3)
    assert plan.gap < 1e-6
    assert np.bincount(plan.chosen, minlength=3)[1:].tolist() == [1667, 833]


@settings(deadline=None, max_examples=12)
@given(st.integers(1, 40), st.integers(0, 10**6), st.lists(st.floats(0, 60), min_size=2, max_size=4))
def test_more_budget_never_lowers_the_planned_gain(n: int, seed: int, budgets: list[float]) -> None:
    options = world(n, 4, seed)
    limits = Limits(channel_capacity={"mail": n // 3}, channels=CHANNELS)
    alone = [allocate(options, limits.with_budget(one)).gain for one in sorted(set(budgets))]
    assert all(b >= a - 1e-9 for a, b in pairwise(alone))
    points = curve(options, budgets, limits)
    assert [one.budget for one in points] == sorted(set(budgets))
    assert all(one.cost <= one.budget + 1e-9 for one in points)
    assert all(b.gain >= a.gain for a, b in pairwise(points))


def test_the_curve_is_monotone_where_plans_are_not_exact() -> None:
    options = world(3_000, 5, 4)
    points = curve(options, np.linspace(500, 520, 6).tolist(), Limits(contacts=1_000))
    assert all(b.gain >= a.gain for a, b in pairwise(points))
    assert all(one.gap < 5e-4 for one in points)


def test_the_shadow_price_is_what_one_more_unit_earns() -> None:
    options = world(20_000, 4, 5)
    limits = Limits(budget=3_000, channel_capacity={"phone": 900}, channels=CHANNELS)
    plan = allocate(options, limits)
    more = allocate(options, limits.with_budget(3_100))
    assert plan.shadow["budget"] == pytest.approx((more.gain - plan.gain) / 100, rel=0.05)
    room = allocate(options, Limits(budget=3_000, channel_capacity={"phone": 1_000}, channels=CHANNELS))
    assert plan.shadow["capacity of phone"] == pytest.approx((room.gain - plan.gain) / 100, rel=0.1)
    said = plan.prices("EUR")
    assert any("more of budget earns" in one.en for one in said)
    assert any("phone" in one.zh for one in said)


def test_the_holdout_takes_nothing() -> None:
    options = world(200, 4, 6)
    out = np.arange(200) % 5 == 0
    plan = allocate(options, Limits(budget=50), holdout=out)
    assert not plan.chosen[out].any()
    rest = np.flatnonzero(~out)
    assert plan.gain == pytest.approx(allocate(options.take(rest), Limits(budget=50)).gain)


def test_what_is_set_aside_is_not_spent() -> None:
    options = world(300, 4, 8)
    plan = allocate(options, Limits(budget=60, contacts=50), reserve={"budget": 10, "contacts": 5})
    assert plan.cost <= 50
    assert plan.treated <= 45


def test_refusals_say_what_and_why() -> None:
    options = world(10, 3, 1)
    with pytest.raises(UsageError, match="budget is -1"):
        allocate(options, Limits(budget=-1))
    with pytest.raises(UsageError, match="no arm"):
        allocate(options, Limits(arm_stock={"t9": 1}))
    with pytest.raises(UsageError, match="no arm's channel"):
        allocate(options, Limits(channel_capacity={"fax": 1}, channels=CHANNELS))
    with pytest.raises(UsageError, match="no group column"):
        allocate(options, Limits(parity={"age": 0.1}))
    with pytest.raises(TooLittleData, match="can be reached"):
        allocate(options, Limits(floors={("g", "a"): Bound(count=11)}, groups={"g": ["a"] * 10}))
    twice = Options(pa.array(["a", "a"]), ("nothing",), np.zeros((2, 1)), np.zeros((2, 1)))
    with pytest.raises(UsageError, match="twice"):
        allocate(twice, Limits())
    with pytest.raises(TooLittleData, match="all limits at once"):
        allocate(options, Limits(contacts=2, floors={("g", "a"): Bound(count=3)}, groups={"g": ["a"] * 10}))


def test_nobody_and_nothing_are_fine() -> None:
    empty = world(0, 3, 1)
    assert allocate(empty, Limits(budget=5)).gain == 0
    bad = world(20, 3, 2)
    none = Options(bad.customer_id, bad.arms, np.minimum(bad.gain, 0), bad.cost)
    plan = allocate(none, Limits(budget=5))
    assert not plan.chosen.any()
    assert plan.gap == 0
    assert allocate(bad, Limits()).gain == pytest.approx(np.where(bad.eligible, bad.gain, -9).max(axis=1).sum())
