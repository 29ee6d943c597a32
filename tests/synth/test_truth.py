"""The truth is true: what the world says would happen is what happens, and planted effects are found again."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from holdfast.core.clock import Cutoff, Gap, Horizon
from holdfast.core.errors import UsageError
from holdfast.synth.observer import belief
from holdfast.synth.truth import Knows
from holdfast.synth.world import Made, World, make

DAYS = range(240, 690, 50)


@cache
def made(seed: int = 1, customers: int = 4000, effect: float = 1.0) -> Made:
    return make(World(customers=customers, seed=seed, effect=effect))


@cache
def orders(one: Made) -> tuple[np.ndarray, np.ndarray]:
    """(customer_id, local day) of every order, by the events alone; one voided on the same day is none."""
    events = one.tables["events"].select(["event_type", "order_id", "customer_id", "occurred_at"]).to_pandas()
    events["day"] = events.occurred_at.dt.tz_convert(one.world.zone).dt.date
    sold = events[events.event_type == "purchase"].drop_duplicates("order_id")
    gone = events[events.event_type == "cancel"].drop_duplicates("order_id").set_index("order_id").day
    real = sold[sold.order_id.map(gone) != sold.day]
    return real.customer_id.to_numpy(), real.day.to_numpy().astype("datetime64[D]")


def ordered(one: Made, first: Cutoff, until: Cutoff) -> set[str]:
    """Who has an order in [first, until), two local midnights."""
    who, day = orders(one)
    bounds = [np.datetime64(edge.local_day(one.world.zone)) for edge in (first, until)]
    return set(who[(day >= bounds[0]) & (day < bounds[1])])


def said_and_happened(
    one: Made, day: int, horizon: str = "30d", knows: Knows = "state"
) -> tuple[np.ndarray, np.ndarray]:
    """p_churn and churned of everybody with an order in the 180 days before that day."""
    cutoff = one.world.cutoff(day)
    truth = one.true_p_churn(cutoff, Horizon.parse(horizon), knows=knows).to_pandas().set_index("customer_id").p_churn
    active = sorted(ordered(one, one.world.cutoff(max(0, day - 180)), cutoff))
    again = ordered(one, cutoff, one.world.cutoff(day + int(Horizon.parse(horizon).days)))
    return truth[active].to_numpy(), np.array([name not in again for name in active])


def surprise(said: np.ndarray, happened: np.ndarray) -> float:
    """How many standard errors the mean outcome lies from the mean probability."""
    spread = np.sqrt((said * (1 - said)).sum())
    return float((happened.sum() - said.sum()) / spread) if spread > 0 else 0.0


def test_the_base_rate_is_that_of_a_shop() -> None:
    for day in DAYS:
        _, happened = said_and_happened(made(), day)
        assert 0.40 < happened.mean() < 0.70, day


@pytest.mark.parametrize("knows", ["state", "events"])
@pytest.mark.parametrize("horizon", ["30d", "90d"])
def test_p_churn_is_calibrated_in_every_decile(horizon: str, knows: Knows) -> None:
    """Pooled over cutoffs a whole horizon apart; the squared surprises of ten deciles are about chi-squared."""
    step = int(Horizon.parse(horizon).days)
    pairs = [said_and_happened(made(), day, horizon, knows) for day in range(200, 730 - step, step)]
    said, happened = (np.concatenate(part) for part in zip(*pairs, strict=True))
    deciles = np.array_split(np.argsort(said, kind="stable"), 10)
    surprises = [surprise(said[rows], happened[rows]) for rows in deciles]
    assert sum(one**2 for one in surprises) < 27, surprises  # 99.7% of chi-squared with 10 degrees
    assert abs(surprise(said, happened)) < 3


def log_loss(said: np.ndarray, happened: np.ndarray) -> float:
    said = np.clip(said, 1e-9, 1 - 1e-9)
    return float(-np.mean(np.where(happened, np.log(said), np.log1p(-said))))


def test_who_sees_only_events_knows_less_than_the_truth_and_more_than_the_base_rate() -> None:
    loss = {knows: log_loss(*said_and_happened(made(), 500, "30d", knows)) for knows in ("state", "events")}
    said, happened = said_and_happened(made(), 500)
    assert loss["state"] < loss["events"] - 0.02
    assert loss["events"] < log_loss(np.full(len(said), happened.mean()), happened) - 0.05


def test_the_belief_about_who_is_gone_is_right_on_average() -> None:
    one, day = made(), 500
    hidden = one.hidden
    believed = belief(one.world, hidden.people, hidden.tempo, hidden.life, day)
    assert np.allclose(believed.sum(axis=1), 1)
    left = hidden.life.move_who[(hidden.life.move_state == 2) & (hidden.life.move_day <= day)]
    gone = np.isin(np.arange(len(believed)), left)
    rows = np.flatnonzero((hidden.people.born < day) & ~hidden.people.looker)
    for part in np.array_split(rows[np.argsort(believed[rows, 2], kind="stable")], 5):
        assert abs(surprise(believed[part, 2], gone[part])) < 3.5


def test_nobody_who_left_comes_back() -> None:
    """`churned_on` is the truth, not a label: no order after it, and p_churn is 1 from then on."""
    one = made()
    truth = one.truth.to_pandas().dropna(subset="churned_on").set_index("customer_id")
    events = one.tables["events"].to_pandas()
    last = events[events.event_type == "purchase"].groupby("customer_id").occurred_at.max()
    both = truth.join(last, how="inner")
    assert len(both) > 500
    assert (both.occurred_at.dt.tz_convert(one.world.zone).dt.date < both.churned_on).all()
    cutoff = one.world.cutoff(600)
    gone = set(truth.index[truth.churned_on <= cutoff.local_day(one.world.zone)])
    said = one.true_p_churn(cutoff, Horizon.parse("30d")).to_pandas().set_index("customer_id").p_churn
    assert (said[[name for name in said.index if name in gone]] > 1 - 1e-12).all()


def test_silence_gets_less_likely_the_longer_one_waits() -> None:
    one, cutoff = made(), made().world.cutoff(500)
    columns = [one.true_p_churn(cutoff, Horizon.parse(f"{d}d"))["p_churn"].to_numpy() for d in (7, 30, 90, 180)]
    assert all((later <= earlier + 1e-12).all() for earlier, later in pairwise(columns))


def test_doing_nothing_differs_from_the_planned_campaigns_only_for_those_they_reach() -> None:
    one = made()
    day = next(d for d in range(400, 500) if one.hidden.tempo.campaign[d] >= 0)
    cutoff, horizon = one.world.cutoff(day), Horizon.parse("30d")
    planned = one.true_p_churn(cutoff, horizon).to_pandas().set_index("customer_id").p_churn
    quiet = one.true_p_churn(cutoff, horizon, campaigns=False).to_pandas().set_index("customer_id").p_churn
    held = one.truth.to_pandas().set_index("customer_id").holdout
    assert (planned - quiet)[held[planned.index]].abs().max() == 0
    assert (planned - quiet)[~held[planned.index]].mean() < -0.002


def arms(one: Made) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """For every arm: who was drawn into it (over all campaigns), and whether they ordered while it worked."""
    given = one.tables["exposures"].to_pandas()
    out = []
    for _, campaign in given.groupby("campaign_id"):
        first = Cutoff(campaign.decided_at.iloc[0].to_pydatetime())
        day = (first.local_day(one.world.zone) - one.world.start).days
        if day + one.world.effect_days <= one.world.days:
            again = ordered(one, one.world.cutoff(day), one.world.cutoff(day + one.world.effect_days))
            for arm, rows in campaign.groupby("arm"):
                reached = np.array([name in again for name in rows.customer_id])
                out.append((str(arm), rows.customer_id.to_numpy(), reached))
    return out


def measured(one: Made, arm: str) -> tuple[float, float]:
    """Difference in the share that ordered against `nothing`, and its standard error (campaigns pooled)."""
    drawn = arms(one)
    means = {}
    for name in (arm, "nothing"):
        y = np.concatenate([reached for which, _, reached in drawn if which == name])
        means[name] = (y.mean(), y.var() / len(y))
    (a, va), (b, vb) = means[arm], means["nothing"]
    return float(a - b), float(np.sqrt(va + vb))


def planted(one: Made, arm: str) -> float:
    """Mean true uplift of the same customers at the same campaigns, from the exact truth."""
    horizon, total, count = Horizon(timedelta(days=one.world.effect_days)), 0.0, 0
    given = one.tables["exposures"].to_pandas()
    for _, campaign in given.groupby("campaign_id"):
        cutoff = Cutoff.midnight(campaign.decided_at.iloc[0].tz_convert(one.world.zone).date(), one.world.zone)
        if one.world.day_of(cutoff) + one.world.effect_days <= one.world.days:
            uplift = one.true_effect(arm, cutoff, horizon).to_pandas().set_index("customer_id").uplift
            reached = uplift.reindex(campaign.customer_id).dropna()
            total, count = total + reached.sum(), count + len(reached)
    return total / count


@pytest.mark.parametrize("arm", ["reminder", "voucher", "postcard"])
def test_randomised_exposures_give_back_the_planted_effect(arm: str) -> None:
    one = made(customers=6000)
    found, error = measured(one, arm)
    assert abs(found - planted(one, arm)) < 3 * error
    if arm == "postcard":
        assert planted(one, arm) == 0
    else:
        assert planted(one, arm) > 0.01
        assert found > 2 * error


def test_a_world_without_effects_shows_none() -> None:
    one = made(customers=6000, effect=0.0)
    for arm in ("reminder", "voucher", "postcard"):
        found, error = measured(one, arm)
        assert abs(found) < 3 * error
        assert planted(one, arm) == 0


def test_some_customers_are_better_left_alone() -> None:
    """Sleeping dogs exist: a reminder makes the easily annoyed order less."""
    uplift = made().true_effect("reminder", made().world.cutoff(500), Horizon.parse("21d"))["uplift"].to_numpy()
    moved = uplift[np.abs(uplift) > 0.001]  # those who left, or cannot be reached, are not moved at all
    assert (moved < 0).mean() > 0.05
    assert (moved > 0).mean() > 0.5


def test_assignment_follows_the_stated_propensities() -> None:
    exposures = made().tables["exposures"].to_pandas()
    for arm in made().world.arms:
        share, n = (exposures.arm == arm.treatment_id).mean(), len(exposures)
        assert abs(share - arm.propensity) < 4 * np.sqrt(arm.propensity * (1 - arm.propensity) / n)
    held = made().truth.filter(made().truth["holdout"])["customer_id"]
    assert not set(exposures.customer_id) & set(held.to_pylist())


def test_stars_tell_of_the_experience() -> None:
    """Reviews of late parcels are worse, and customers with bad reviews leave sooner: ratings carry information."""
    one = made()
    texts = one.tables["texts"].to_pandas()
    stars = texts[texts.kind == "review"]
    late = stars.text.str.contains("late|too long")
    assert stars.rating[late].mean() < stars.rating[~late].mean() - 0.8


def test_the_truth_refuses_what_it_does_not_know() -> None:
    one = made()
    with pytest.raises(UsageError, match="local midnight"):
        one.true_p_churn(Cutoff.parse("2025-01-01T12:00:00Z"), Horizon.parse("30d"))
    with pytest.raises(UsageError, match="no gap"):
        one.true_p_churn(one.world.cutoff(400), Horizon.parse("30d"), Gap.parse("7d"))
    with pytest.raises(UsageError, match="no treatment"):
        one.true_effect("gift", one.world.cutoff(400), Horizon.parse("30d"))


def test_season_and_size_are_parameters() -> None:
    """The same shop without seasons has a steadier base rate."""
    spread = {}
    for season in (0.0, 0.6):
        one = make(World(customers=2500, season=season, promotion=0.0))
        rates = [said_and_happened(one, day)[0].mean() for day in range(365, 700, 30)]
        spread[season] = np.std(rates)
    assert spread[0.6] > 2 * spread[0.0]


def test_truth_table_has_one_row_per_customer() -> None:
    truth = made().truth
    assert isinstance(truth, pa.Table)
    assert truth.num_rows == 4000
    assert {"came_on", "churned_on", "tastes", "effect_voucher", "price_sensitivity"} <= set(truth.column_names)
