"""Assignment: a stable holdout, chances that are true, caps that hold for every draw, reasons for everybody."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.decide import Decisions, Options
from holdfast.core.errors import UsageError
from holdfast.core.text import LANGUAGES
from holdfast.decide.assign import decide, holdout, marginal, plan
from holdfast.decide.budget import Bound, Limits, allocate
from holdfast.decide.draw import canonical, keyed, lots, mixed, systematic
from holdfast.decide.explore import SHARE, explore
from holdfast.decide.reasons import CODES, REASONS, why

CHANNELS = {"t1": "mail", "t2": "phone", "t3": "mail"}


def world(n: int, seed: int, arms: int = 4) -> Options:
    random = np.random.default_rng(seed)
    gain, cost = random.normal(1, 4, (n, arms)), random.lognormal(0, 1, (n, arms))
    gain[:, 0] = cost[:, 0] = 0.0
    eligible = random.random((n, arms)) < 0.8
    eligible[:, 0] = True
    names = ("nothing", *(f"t{k}" for k in range(1, arms)))
    uplift = random.normal(0.02, 0.05, (n, arms))
    return Options(pa.array([f"c{i}" for i in range(n)]), names, gain, cost, eligible, uplift)


def over(options: Options, limits: Limits, chosen: np.ndarray[Any, Any]) -> list[str]:
    """The caps that these arms break, counted from the options."""
    spent = options.cost[np.arange(len(options)), chosen]
    channel = np.array([CHANNELS.get(options.arms[a], "") if a else "-" for a in chosen])
    found = []
    if limits.budget is not None and spent.sum() > limits.budget + 1e-9:
        found.append("budget")
    found += [c for c, most in limits.channel_capacity.items() if (channel == c).sum() > most]
    found += [a for a, most in limits.arm_stock.items() if (chosen == options.arms.index(a)).sum() > most]
    if limits.contacts is not None and (chosen != 0).sum() > limits.contacts:
        found.append("contacts")
    for (column, group), bound in limits.ceilings.items():
        inside = np.array([one == group for one in (limits.groups or {})[column]]) & (chosen != 0)
        if bound.count is not None and inside.sum() > bound.count:
            found.append(f"{group} count")
        if bound.spend is not None and spent[inside].sum() > bound.spend + 1e-9:
            found.append(f"{group} spend")
    return found


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 400), st.integers(0, 10**6), st.sampled_from([0.0, 0.02, 0.2, 0.5]), st.data())
def test_caps_hold_for_every_draw(n: int, seed: int, epsilon: float, data: Any) -> None:
    options = world(n, seed)
    groups = {"sex": ["fm"[i % 2] for i in range(n)]}
    ceilings = {("sex", "f"): Bound(count=n // 4, spend=n * 0.4)} if data.draw(st.booleans()) else {}
    limits = Limits(
        budget=data.draw(st.none() | st.floats(0, n)), contacts=data.draw(st.none() | st.integers(0, n)),
        channel_capacity=data.draw(st.dictionaries(st.sampled_from(["mail", "phone"]), st.integers(0, n), max_size=2)),
        arm_stock=data.draw(st.dictionaries(st.sampled_from(["t1", "t3"]), st.integers(0, n), max_size=1)),
        channels=CHANNELS, groups=groups, ceilings=ceilings,
    )  # fmt: skip
    out = holdout(options.customer_id, 0.1, "s")
    tried = explore(options, limits, epsilon, out)
    chosen = allocate(options, limits, holdout=out, reserve=tried.reserve)
    for draw in range(4):
        made = decide(options, chosen, epsilon=epsilon, holdout=out, salt="s", campaign="may", seed=draw)
        assert over(options, limits, made.chosen) == []
        assert not made.chosen[out].any()
        assert (made.propensities[out] == np.eye(len(options.arms))[0]).all()
        assert (made.propensities[~options.eligible] == 0).all()
        assert made.propensity.min() > 0
        assert len(made) == n
    key = keyed(options.customer_id, "may")
    for starts in data.draw(st.lists(st.lists(st.sampled_from([0.0, 1e-9, 0.3, 0.7, 1 - 1e-9]), min_size=4, max_size=4), max_size=6)):  # fmt: skip
        drawn = tried.drawn(options, key, np.array(starts))  # the worst starts that there are
        assert over(options, limits, np.where(drawn >= 0, drawn, chosen.chosen)) == []


def test_chances_are_what_is_logged() -> None:
    """Over 6,000 draws every customer gets every arm as often as was logged."""
    options = world(60, 3)
    limits = Limits(budget=60, channel_capacity={"phone": 20}, channels=CHANNELS)
    tried = explore(options, limits, 0.3)
    chosen = allocate(options, limits, reserve=tried.reserve)
    draws = 6_000
    seen = np.zeros(options.gain.shape)
    key = keyed(options.customer_id, "x")
    random = np.random.default_rng(7)
    for _ in range(draws):
        drawn = tried.drawn(options, key, random.random(4))
        seen[np.arange(60), np.where(drawn >= 0, drawn, chosen.chosen)] += 1
    said = decide(options, chosen, epsilon=0.3).propensities
    error = np.sqrt(np.maximum(said * (1 - said), 1e-9) / draws)
    z = (seen / draws - said) / error
    assert np.abs(z[said > 0]).max() < 4.8
    assert (seen[said == 0] == 0).all()
    assert np.sqrt((z[(said > 0) & (said < 1)] ** 2).mean()) == pytest.approx(1, abs=0.15)


def test_every_open_arm_keeps_its_share_of_epsilon_where_the_limits_allow() -> None:
    options = world(20_000, 4)
    made = plan(options, Limits(), epsilon=0.02).decisions
    least = np.where(options.eligible, made.propensities, 1.0).min(axis=1)
    assert (least >= 0.02 / options.eligible.sum(axis=1) - 1e-12).all()
    assert made.propensities[np.arange(20_000), made.propensities.argmax(axis=1)].min() >= 0.98


def test_dear_arms_are_tried_less_and_it_is_said() -> None:
    options = world(20_000, 5)
    limits = Limits(budget=2_000, channel_capacity={"phone": 50}, channels=CHANNELS)
    made = plan(options, limits, epsilon=0.02)
    assert made.exploration.scale["t2"] < 0.2
    assert any("t2" in one.en for one in made.exploration.notes)
    assert over(options, limits, made.decisions.chosen) == []
    assert all(
        amount <= SHARE * made.allocation.limit[name] + 1e-6 for name, amount in made.exploration.reserve.items()
    )
    assert made.allocation.cost > 0.7 * 2_000
    open_ = options.eligible & ~made.exploration.shut
    assert (made.decisions.propensities[open_] > 0).all()
    assert float((made.decisions.propensities * options.cost).sum()) <= 2_000  # and on average, too


def test_an_allocation_without_room_is_made_anew() -> None:
    options = world(2_000, 6)
    limits = Limits(budget=300, contacts=200, channels=CHANNELS)
    full = allocate(options, limits)
    out = holdout(options.customer_id, 0.1, "s")
    for draw in range(5):
        made = decide(options, full, epsilon=0.1, holdout=out, seed=draw)
        assert over(options, limits, made.chosen) == []


def test_the_holdout_is_stable_and_nested() -> None:
    ids = pa.array([f"c{i}" for i in range(5_000)])
    small, large = holdout(ids, 0.05, "s"), holdout(ids, 0.1, "s")
    assert (large | ~small).all()
    assert small.mean() == pytest.approx(0.05, abs=0.015)
    assert (holdout(ids.take(pa.array([7, 3])), 0.05, "s") == small[[7, 3]]).all()
    assert (holdout(ids, 0.1, "t") != large).any()
    both = (holdout(ids, 0.5, "s") & holdout(ids, 0.5, "t")).mean()
    assert both == pytest.approx(0.25, abs=0.03)
    with pytest.raises(UsageError, match="share"):
        holdout(ids, 1.5, "s")


def test_decisions_do_not_depend_on_the_order_of_customers() -> None:
    options = world(500, 8)
    limits = Limits(budget=100, channels=CHANNELS)
    order = np.random.default_rng(1).permutation(500)
    one = decide(options, allocate(options, limits), epsilon=0.2, campaign="may", salt="s")
    two = decide(options.take(order), allocate(options.take(order), limits), epsilon=0.2, campaign="may", salt="s")
    assert two.chosen.tolist() == one.chosen[order].tolist()
    assert two.propensities.tolist() == one.propensities[order].tolist()
    three = decide(options, allocate(options, limits), epsilon=0.2, campaign="june", salt="s")
    assert (three.chosen != one.chosen).any()
    assert (three.propensities == one.propensities).all()


def test_marginal_chances_put_the_holdout_in() -> None:
    options = world(300, 9)
    out = holdout(options.customer_id, 0.2, "s")
    chosen = allocate(options, Limits(), holdout=out)
    made = decide(options, chosen, epsilon=0.1, holdout=out)
    whole = marginal(made, 0.2, decide(options, allocate(options, Limits()), epsilon=0.1).propensities)
    assert whole.propensities.sum(axis=1) == pytest.approx(1)
    assert (whole.propensities[:, 0] >= 0.2).all()
    assert whole.propensities[out][:, 1:].sum() > 0
    kept: Decisions = marginal(made, 0.2)
    assert kept.propensities[~out][:, 1] == pytest.approx(0.8 * made.propensities[~out][:, 1])


def test_reasons_name_each_case() -> None:
    n = 9
    gain, uplift = np.zeros((n, 3)), np.zeros((n, 3))
    gain[:, 1:] = -1.0
    uplift[:, 1:] = 0.01
    gain[[0, 1, 2, 3], 1], gain[3, 2] = 2.0, 5.0
    uplift[5] = [0, -0.1, -0.2]
    eligible = np.ones((n, 3), bool)
    eligible[4, 1:] = False
    options = Options(
        pa.array([str(i) for i in range(n)]), ("nothing", "a", "b"), gain, np.zeros((n, 3)), eligible, uplift
    )
    planned = np.array([1, 0, 1, 1, 0, 0, 0, 0, 0])
    chosen = planned.copy()
    chosen[0], chosen[8] = 0, 2
    out = np.zeros(n, bool)
    p = np.array([0.5] * 6 + [0.1, 0.9, 0.5])
    said = [CODES[one] for one in why(options, chosen, planned, out, p)]
    assert said[:4] == ["left_alone", "limits", "best", "within_limits"]
    assert said[4:] == ["not_eligible", "do_not_disturb", "sure_thing", "lost_cause", "tried"]
    assert [CODES[one] for one in why(options, chosen, planned, ~out, p)] == ["holdout"] * n
    assert CODES[why(options, planned, planned, out)[7]] == "not_worth_it"
    for language in LANGUAGES:
        made = decide(options, allocate(options, Limits()), language=language)
        assert set(made.reason.to_pylist()) <= {REASONS[one].render(language) for one in CODES}


def test_the_rule_that_closes_an_arm_is_said() -> None:
    options = world(3, 1, arms=2)
    why_not = np.array([[-1, 0], [-1, 0], [-1, 0]], np.int16)
    closed = np.array([[True, False]] * 3)
    shut = Options(options.customer_id, options.arms, options.gain * 0, options.cost * 0, closed, None, False, why_not, ("needs consent",))  # type: ignore[arg-type]  # fmt: skip
    made = decide(shut, allocate(shut, Limits()))
    assert made.reason.to_pylist() == ["needs consent"] * 3
    assert made.propensities.tolist() == [[1.0, 0.0]] * 3


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.floats(0, 1, exclude_max=True), st.data())
def test_systematic_draws_are_even(chance: list[float], start: float, data: Any) -> None:
    p = np.array(chance)
    drawn = systematic(p, start)
    first = data.draw(st.integers(0, len(p)))
    last = data.draw(st.integers(first, len(p)))
    assert abs(drawn[first:last].sum() - p[first:last].sum()) < 1 + 1e-9


def test_systematic_chances_are_exact() -> None:
    p = np.array([0.1, 0.45, 0.3, 0.9, 0.05, 0.2])
    starts = (np.arange(200_000) + 0.5) / 200_000
    assert np.mean([systematic(p, one) for one in starts[::20]], axis=0) == pytest.approx(p, abs=2e-4)


@given(st.lists(st.text(max_size=30), unique=True, max_size=30), st.text(max_size=5))
def test_hashes_are_of_the_id_alone(ids: list[str], salt: str) -> None:
    whole, alone = pa.array(ids, pa.string()), [pa.array([one]) for one in ids]
    assert mixed(whole).tolist() == [int(mixed(one)[0]) for one in alone]
    assert lots(whole, salt).tolist() == [float(lots(one, salt)[0]) for one in alone]
    assert len(set(mixed(whole).tolist())) == len(ids)
    backwards = whole[::-1]
    assert whole.take(pa.array(canonical(whole))).equals(backwards.take(pa.array(canonical(backwards))))
    if len(ids) > 3:
        assert mixed(whole.slice(2)).tolist() == mixed(whole).tolist()[2:]


def test_lots_and_hashes_are_uniform() -> None:
    ids = pa.array([f"c{i}" for i in range(20_000)])
    for drawn in (lots(ids, "a"), mixed(ids) / 2.0**64, keyed(ids, "a") / 2.0**64):
        counts = np.bincount((drawn * 20).astype(int), minlength=20)
        assert ((counts - 1_000) ** 2 / 1_000).sum() < 46  # chi-squared, 19 degrees, p < 0.0005
