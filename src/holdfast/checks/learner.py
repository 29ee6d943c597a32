# ruff: noqa: S101 - these checks say what is broken by failing an assertion, as any test does
"""What every learner over treatments must keep to; run it on your own: `check_learner(MyLearner())`."""

from __future__ import annotations

from dataclasses import is_dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.errors import UsageError
from holdfast.decide.learn.policy import Learner, Learnt

ARMS = ("nothing", "mail", "coupon")


def batch(n: int = 300, seed: int = 1) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64], Any]:
    """Features, arms, rewards, propensities: mail is right where the first feature is above 0, coupon for nobody."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, 3))
    arm = random.integers(0, 3, n)
    reward = random.normal(size=n) + np.where(arm == 1, 2 * (x[:, 0] > 0) - 1, 0) - (arm == 2)
    return x, arm, reward, np.full(n, 1 / 3)


def open_to(n: int, seed: int = 2) -> NDArray[np.bool_]:
    """Some may not be sent anything, some no coupon."""
    eligible = np.random.default_rng(seed).random((n, 3)) < 0.7
    eligible[:, 0] = True
    return eligible


def check_learner(learner: Learner) -> None:
    """Run every check; silent when the learner keeps to all of them."""
    x, arm, reward, chance = batch()
    state = learner.start(x, ARMS).update(x, arm, reward, chance)
    for one in CHECKS:
        one(state)


def check_is_configuration(state: Learnt) -> None:
    """A learner is a frozen dataclass; its state is never changed by an update."""
    assert is_dataclass(state.learner), "not a dataclass"
    assert vars(type(state.learner))["__dataclass_params__"].frozen, "not frozen"
    before = state.to_bytes()
    state.update(*batch(seed=3))
    assert state.to_bytes() == before, "an update changed the state it began from"


def check_chances(state: Learnt) -> None:
    """Rows add to 1; every eligible arm keeps its part of epsilon, an ineligible one is never drawn."""
    x, eligible = batch(seed=4)[0], open_to(300)
    arm, chances = state.choose(x, eligible)
    least = state.learner.epsilon / eligible.sum(axis=1, keepdims=True)
    assert np.allclose(chances.sum(axis=1), 1), "the chances do not add to 1"
    assert (chances[~eligible] == 0).all(), "an arm that is not eligible has a chance"
    assert (np.where(eligible, chances - least, 0) > -1e-12).all(), "an eligible arm fell below its part of epsilon"
    assert eligible[np.arange(300), arm].all(), "an arm was drawn that is not eligible"


def check_draws_as_it_says(state: Learnt) -> None:
    """Arms come as often as their chances say, the same for the same seed."""
    x = np.repeat(batch(seed=5)[0][:1], 20_000, axis=0)
    arm, chances = state.choose(x, seed=1)
    assert (arm == state.choose(x, seed=1)[0]).all(), "the same seed drew other arms"
    seen = np.bincount(arm, minlength=3) / len(arm)
    assert np.abs(seen - chances[0]).max() < 0.02, f"drawn {seen}, said {chances[0]}"


def check_sums(state: Learnt) -> None:
    """One batch or two, in any order of rows: the same state but for the last digits."""
    x, arm, reward, chance = batch(seed=6)
    turned = np.random.default_rng(1).permutation(300)
    one = state.update(x, arm, reward, chance)
    first, second = turned[:100], turned[100:]
    two = state.update(x[second], arm[second], reward[second], chance[second])
    two = two.update(x[first], arm[first], reward[first], chance[first])
    empty = state.learner.start(batch()[0], ARMS)
    merged = state + empty.update(x, arm, reward, chance)
    for other in (two, merged):
        assert np.allclose(one.values(x), other.values(x), atol=1e-9), "batches and rows do not add up"


def check_bytes(state: Learnt) -> None:
    """Saved and loaded it is the same, and equal states are equal bytes."""
    again = Learnt.from_bytes(state.to_bytes())
    assert again.to_bytes() == state.to_bytes(), "loading and saving changes the bytes"
    x = batch(seed=7)[0]
    assert (again.propensities(x) == state.propensities(x)).all(), "a loaded learner says something else"


def check_fades(state: Learnt) -> None:
    """With a discount, old rows count less, and only when periods pass."""
    fading = replace(state, learner=replace(state.learner, discount=0.5))
    assert np.allclose(fading.aged(2).sums.count, state.sums.count / 4), "rows do not fade by discount^periods"
    assert np.allclose(state.aged(3).sums.count, state.sums.count), "rows fade though the discount is 1"


def check_decides_by_id(state: Learnt) -> None:
    """A customer's decision hangs on the customer, not on who else is asked."""
    x = batch(seed=8)[0]
    ids = pa.array([f"c{at:04d}" for at in range(300)])
    free = replace(state, learner=replace(state.learner, tolerance=None))  # the floor looks at the whole batch
    whole = free.decide(ids, x, cost=[0.0, 0.1, 1.0], campaign="spring")
    rows = np.random.default_rng(2).permutation(300)[:90]
    part = free.decide(ids.take(pa.array(rows)), x[rows], cost=[0.0, 0.1, 1.0], campaign="spring")
    assert (whole.chosen[rows] == part.chosen).all(), "the decision for a customer depends on the others"
    assert len(np.unique(whole.chosen)) > 1, "everybody got the same arm"


def check_refuses(state: Learnt) -> None:
    """Nonsense is refused."""
    x, arm, reward, chance = batch()
    nonsense = [
        (x, arm, reward, chance * 0), (x, arm + 3, reward, chance), (x, arm, reward * np.nan, chance),
        (x[:9], arm, reward, chance),
    ]  # fmt: skip
    for bad in nonsense:
        try:
            state.update(*bad)
        except UsageError:
            continue
        raise AssertionError("a batch that makes no sense was taken")


CHECKS = (
    check_is_configuration, check_chances, check_draws_as_it_says, check_sums, check_bytes, check_fades,
    check_decides_by_id, check_refuses,
)  # fmt: skip
