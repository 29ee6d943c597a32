"""From closed slices to customer value: choice, level, intervals, horizon, and what happens with too little."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from holdfast.checks.value_model import spenders
from holdfast.core.clock import NO_GAP, Cutoff, Gap, Horizon
from holdfast.core.errors import TooLittleData, UsageError
from holdfast.core.tables import FeatureColumn, FeatureTable, Key, Outcomes, Slices
from holdfast.core.text import Text
from holdfast.metrics.value import bias, gini
from holdfast.models.clv.choose import choose, level_free
from holdfast.models.clv.conformal import LEVELS, SpendIntervals, learn_intervals
from holdfast.models.clv.horizon import Stretch, retained, stretch
from holdfast.models.clv.level import Level, choose_level, levels, recent_level, season_level
from holdfast.models.clv.orders import OrdersFit, fit_orders
from holdfast.models.clv.published import PublishedValue
from holdfast.models.clv.registry import VALUE_MODELS, spend_of
from holdfast.models.clv.rolling import crossed, fit_all, halves, judgeable, known_at
from holdfast.models.clv.settings import ValueSettings, value_models
from holdfast.models.clv.study import learn_value, learning_horizon

FIRST = Cutoff.parse("2024-01-01")
FEW = ("carry_forward", "two_part_lognormal", "ziln")


def shop(
    customers=500, slices=8, horizon="60d", *, level=lambda at: 1.0, step=20, seed=1, part=1.0, start=FIRST, fade=None
):  # fmt: skip
    """A shop whose spend is known: rate, basket and a level that moves with the slice. `part`: of the horizon's spend."""
    random = np.random.default_rng(seed)
    rate, basket = random.gamma(1.2, 1.0, customers), random.lognormal(3.0, 0.7, customers)
    parts = []
    for at in range(slices):
        drawn = np.random.default_rng([seed, at])
        orders = drawn.poisson(rate * level(at) * (1.0 if fade is None else fade**at))
        scatter = drawn.lognormal(-0.08, 0.4, customers)
        spend = orders * basket * scatter * part
        past = np.random.default_rng([seed, 99, at])
        seen = past.poisson(3 * rate) * basket * past.lognormal(-0.02, 0.2, customers)
        parts.append((np.column_stack([seen, seen / 3, past.poisson(3 * rate), basket]), orders, spend))
    ids = [f"c{i:05d}" for i in range(customers)]
    keys = [Key.of(ids, start.plus(Gap.parse(f"{step * at}d"))) for at in range(slices)]
    key = Key(pa.concat_arrays([one.customer_id for one in keys]), np.concatenate([one.cutoff for one in keys]))
    values, orders, spend = (np.concatenate([one[i] for one in parts]) for i in range(3))
    names = ("revenue_180d", "revenue_60d", "order_count", "basket_value")
    columns = tuple(FeatureColumn(n, "currency", "", "none", "money", Text(n, n)) for n in names)
    outcomes = Outcomes(
        key, Horizon.parse(horizon), orders == 0, orders, np.rint(spend * 10_000).astype(np.int64),
        np.where(orders == 0, 60.0, 10.0), orders > 0,
    )  # fmt: skip
    return Slices(FeatureTable(key, columns, values.astype(np.float32)), outcomes)


def settings(**more):
    return ValueSettings(**{"horizon": "60d", "use": FEW, "rolling": 2, "replicates": 60, **more})


@pytest.fixture(scope="module")
def studied():
    past = shop()
    now = past.cutoffs[-1].plus(Horizon.parse("60d"))
    return past, now, learn_value(past, now, settings())


def test_it_beats_carrying_forward_and_knows_the_level(studied):
    past, _, study = studied
    test = past.at([past.cutoffs[-1]])
    said, spent = study.published.predict(test.features).spend, spend_of(test.outcomes)
    carried = VALUE_MODELS["carry_forward"]().fit(test.features, test.outcomes).predict(test.features)
    assert gini(spent, said) > gini(spent, carried) + 0.02
    assert abs(bias(spent, said)) < 0.1
    assert study.published.model_id != "carry_forward"
    mean = {one.model: one for one in study.rivals}
    assert mean["carry_forward"].gain > 0
    assert mean[study.published.model_id].gain == 0.0


def test_the_study_says_all_that_a_report_needs_in_both_languages(studied):
    _, _, study = studied
    for language in ("en", "zh"):
        told = study.as_dict(language)
        assert told["cutoffs"]
        assert told["notes"]
        assert told["horizon"] == "60d"
    one = told["cutoffs"][-1]
    assert {"gini", "bias", "tweedie_deviance", "decile_error", "deciles", "gain_curve", "top_tenth_share"} <= set(one)
    assert any("假设" in note for note in told["notes"])
    assert any("assumed" in note.en for note in study.notes)


def test_published_value_is_saved_whole_and_holds_no_customer(studied):
    past, _, study = studied
    data = study.published.to_bytes()
    again = PublishedValue.from_bytes(data)
    assert again.to_bytes() == data
    assert b"c00001" not in data
    features = past.features.at([past.cutoffs[-1]])
    ours, theirs = (one.predict(features) for one in (study.published, again))
    assert np.array_equal(ours.clv, theirs.clv)
    assert np.array_equal(ours.high, theirs.high)


def test_two_studies_of_the_same_slices_are_the_same_bytes(studied):
    past, now, study = studied
    again = learn_value(past, now, settings())
    assert again.published.to_bytes() == study.published.to_bytes()
    assert again.as_dict() == study.as_dict()


def test_rows_stand_alone_and_ends_lie_around_the_mean(studied):
    past, _, study = studied
    features = past.features.at([past.cutoffs[-1]])
    whole = study.published.predict(features)
    one = study.published.predict(features.take(np.array([5])))
    assert one.clv[0] == pytest.approx(whole.clv[5])
    assert one.high[0] == pytest.approx(whole.high[5])
    assert (whole.low >= 0).all()
    assert (whole.low <= whole.clv).all()
    assert (whole.clv <= whole.high).all()
    assert np.isfinite(whole.high).all()


def test_a_study_never_looks_past_its_cutoff():
    past = shop(slices=10)
    now = past.cutoffs[6]
    honest = learn_value(past, now, settings())
    open_ = [one for one in past.cutoffs if one.plus(Horizon.parse("60d")) > now]
    later = np.isin(past.features.key.cutoff, [one.micros for one in open_])
    assert later.any()
    changed = replace(past.outcomes, revenue=np.where(later, past.outcomes.revenue * 100, past.outcomes.revenue))
    peeked = learn_value(Slices(past.features, changed), now, settings())
    assert peeked.published.to_bytes() == honest.published.to_bytes()


def test_the_intervals_cover_what_they_say_on_customers_they_have_not_seen():
    past = shop(1500, 6)
    now = past.cutoffs[-1]
    study = learn_value(past, now, settings(), judge=False)
    tame = replace(study.published, intervals=_without_doubt(past, now, study))
    fresh = shop(1500, 6, seed=77).at([past.cutoffs[-1]])
    spent, said = spend_of(fresh.outcomes), tame.predict(fresh.features).spend
    for level in LEVELS:
        low, high = tame.spend_interval(fresh.features, said, level)
        assert ((low <= spent) & (spent <= high)).mean() == pytest.approx(level, abs=0.035)


def _without_doubt(past, now, study) -> SpendIntervals:
    train = known_at(past, now, NO_GAP, 100_000)
    model = {study.published.model_id: value_models(settings())[study.published.model_id]}
    said = crossed(model, train)[study.published.model_id]
    p = study.published.p_order(train.features)
    return learn_intervals(spend_of(train.outcomes), said, p, np.ones(len(train)), halves(train), 0.0)


def test_doubt_about_the_level_widens_the_intervals():
    past = shop(600, 5)
    spend, mean = spend_of(past.outcomes), np.maximum(past.features.column("revenue_60d").astype(float), 1.0)
    p = np.full(len(past), 0.6)
    wide, narrow = (
        learn_intervals(spend, mean, p, np.ones(len(past)), halves(past), sd).around(mean, p)[1].mean()
        for sd in (0.6, 0.0)
    )
    assert wide > narrow


def test_an_interval_of_nothing_is_nothing():
    zeros = np.zeros(40)
    found = learn_intervals(zeros, zeros, np.full(40, 0.01), np.ones(40), np.arange(40) % 2, 0.25)
    low, high = found.around(zeros, np.full(40, 0.01))
    assert (low == 0).all()
    assert (high == 0).all()
    assert np.isfinite(found.median(zeros, np.full(40, 0.9))).all()


def test_the_median_is_zero_for_those_who_will_rather_not_order():
    past = shop(600, 5)
    spend = spend_of(past.outcomes)
    found = learn_intervals(
        spend, np.full(len(spend), 20.0), np.full(len(spend), 0.7), np.ones(len(spend)), halves(past), 0.0
    )
    rare, often = found.median(np.full(2, 20.0), np.array([0.3, 0.95]))
    assert rare == 0.0
    assert often > 0.0


def test_the_newest_short_windows_move_the_level_and_noise_does_not():
    jump = lambda at: 1.0 if at < 5 else 1.6  # noqa: E731  (one letter less each line)
    long, short = shop(1500, 9, level=jump), shop(1500, 9, "20d", level=jump, part=1 / 3)
    now = long.cutoffs[-1]
    fitted = fit_all({"m": VALUE_MODELS["ziln"]()}, known_at(long, now, NO_GAP, 100_000))["m"]
    moved = recent_level(fitted, long, short, now, NO_GAP)
    assert moved.kind == "recent"
    assert 1.2 < moved.factor < 1.8
    even, small = shop(120, 9), shop(120, 9, "20d", part=1 / 3)
    fitted = fit_all({"m": VALUE_MODELS["ziln"]()}, known_at(even, now, NO_GAP, 100_000))["m"]
    assert abs(np.log(recent_level(fitted, even, small, now, NO_GAP).factor)) < 0.15
    assert recent_level(fitted, even, None, now, NO_GAP) == Level()


def test_a_season_seen_a_year_ago_is_expected_again():
    seasonal = lambda at: 1.5 if at % 18 < 4 else 1.0  # noqa: E731  (18 slices of 20 days are about a year)
    past = shop(800, 24, level=seasonal)
    now = past.cutoffs[19]  # a year after slices 0 to 2
    fitted = fit_all({"m": VALUE_MODELS["ziln"]()}, known_at(past, now, NO_GAP, 100_000))["m"]
    found = season_level(fitted, past, now, NO_GAP)
    assert found is not None
    assert found.factor > 1.1
    assert choose_level([], levels(fitted, past, None, now, NO_GAP)) == "season"
    assert season_level(fitted, past, past.cutoffs[5], NO_GAP) is None


def test_another_correction_must_be_nearer_every_time():
    better = [{"recent": 0.1, "none": 0.3}] * 3
    assert choose_level(better, ["recent", "none"]) == "recent"
    assert choose_level([*better, {"recent": 0.3, "none": 0.1}], ["recent", "none"]) == "none"
    assert choose_level(better[:2], ["recent", "none"]) == "none"
    assert choose_level([], ["recent", "none", "season"]) == "season"


def test_the_choice_leaves_the_level_of_each_slice_out():
    past = shop(300, 4)
    spend = spend_of(past.outcomes)
    wrong_level = spend * 3.0 + 1e-9
    cutoff = past.features.key.cutoff
    assert np.allclose(level_free(spend, wrong_level, cutoff), level_free(spend, spend, cutoff), atol=1e-6)
    flat = np.full(len(spend), spend.mean())
    assert choose({"flat": flat, "lucky": wrong_level}, past)[0] == "lucky"
    assert choose({"value_mean": flat, "surely_better": wrong_level}, past)[0] == "surely_better"
    assert choose({"value_mean": flat, "no_better": flat * 2}, past)[0] == "value_mean"


def test_a_longer_horizon_is_reached_by_what_customers_were_seen_to_keep():
    past = shop(1200, 9, "60d", fade=0.8)  # 20 days apart: three slices are one horizon
    now = past.cutoffs[-1].plus(Horizon.parse("60d"))
    assert retained(past, now, NO_GAP) == pytest.approx(0.8**3, abs=0.06)
    far = stretch(Horizon.parse("180d"), past, now, NO_GAP, 0.0)
    kept = far.retained
    assert far.kind == "measured"
    assert far.spend == pytest.approx(1 + kept + kept**2)
    assert "180d" in far.note.en
    assert "测得" in far.note.zh
    near = stretch(Horizon.parse("30d"), past, now, NO_GAP, 0.0)
    assert near.kind == "closed"
    assert near.spend == pytest.approx(0.5)
    lonely = stretch(Horizon.parse("365d"), past.at(past.cutoffs[:1]), now, NO_GAP, 0.1)
    assert lonely.kind == "assumed"
    assert "assumed" in lonely.note.en


def test_later_money_counts_less():
    plain, dear = (Stretch(Horizon.parse("365d"), Horizon.parse("90d"), 0.9, "measured", r) for r in (0.0, 0.2))
    assert plain.discounted == pytest.approx(plain.spend)
    assert dear.spend == plain.spend
    assert 0.85 * dear.spend < dear.discounted < 0.95 * dear.spend
    assert 0.9 < dear.first < 1.0


def test_value_is_margin_over_the_asked_horizon():
    past = shop(400, 8)
    now = past.cutoffs[-1].plus(Horizon.parse("60d"))
    study = learn_value(past, now, settings(horizon="365d", margin_rate=0.2, discount_rate=0.0), judge=False)
    said = study.published.predict(past.features.at([past.cutoffs[-1]]))
    assert np.allclose(said.clv, 0.2 * said.expected_revenue)
    assert (said.expected_revenue > said.spend * 2).all()


def test_expected_orders_never_contradict_p_churn():
    past = shop(600, 6)
    fit = fit_orders(past)
    p = np.linspace(0, 1, len(past))
    said = fit.predict(past.features, p)
    assert (said >= 1 - p - 1e-12).all()
    assert said[p == 1.0] == pytest.approx(0.0)
    truth = past.outcomes.orders > 0
    assert fit.predict(past.features, 1.0 - truth).sum() == pytest.approx(past.outcomes.orders.sum(), rel=0.1)
    assert OrdersFit.from_dict(fit.as_dict()) == fit
    once = replace(past.outcomes, orders=np.minimum(past.outcomes.orders, 1))
    assert np.allclose(fit_orders(Slices(past.features, once)).predict(past.features, p), 1 - p)


def test_study_gives_expected_orders_where_it_is_given_churn_slices():
    past = shop(300, 6)
    now = past.cutoffs[-1].plus(Horizon.parse("60d"))
    study = learn_value(past, now, settings(), short=shop(300, 6, "20d", part=1 / 3), judge=False)
    features = past.features.at([past.cutoffs[-1]])
    said = study.published.predict(features, np.full(len(features), 0.4))
    assert said.expected_orders is not None
    assert (said.expected_orders >= 0.6).all()
    assert study.published.predict(features).expected_orders is None


def test_too_little_is_refused_or_said():
    past = shop(60, 3)
    with pytest.raises(TooLittleData, match="value cannot be learnt"):
        learn_value(past, past.cutoffs[0], settings())
    study = learn_value(past, past.cutoffs[-1].plus(Horizon.parse("60d")), settings())
    assert judgeable(past, past.cutoffs[-1], NO_GAP) == []
    assert any("too short" in one.en for one in study.notes)
    with pytest.raises(UsageError, match="interval"):
        study.published.predict(past.features, level=0.5)


@pytest.mark.parametrize("customers", [1, 2, 10])
def test_a_handful_of_customers_gets_amounts_and_no_crash(customers):
    past = shop(customers, 5)
    study = learn_value(
        past, past.cutoffs[-1].plus(Horizon.parse("60d")), settings(use=(*FEW, "value_mean", "tweedie"))
    )
    said = study.published.predict(past.features)
    assert np.isfinite(said.clv).all()
    assert (said.high >= said.clv).all()


def test_a_shop_where_nobody_spends_is_worth_nothing():
    past = shop(100, 5)
    free = replace(past.outcomes, revenue=np.zeros(len(past), np.int64))
    study = learn_value(
        Slices(past.features, free), past.cutoffs[-1].plus(Horizon.parse("60d")), settings(use=("ziln", "tweedie"))
    )
    assert (study.published.predict(past.features).high == 0).all()
    assert study.as_dict()["cutoffs"][-1]["gini"] is None  # null, not a plausible 0


def test_the_longest_learnable_horizon():
    days = [FIRST.plus(Gap.parse(f"{20 * at}d")) for at in range(12)]
    asked = Horizon.parse("365d")
    assert str(learning_horizon(asked, days, days[-1].plus(Horizon.parse("1d")))) == "90d"
    assert learning_horizon(asked, days, days[0]) is None
    assert str(learning_horizon(Horizon.parse("45d"), days, days[-1])) == "45d"


def test_contract_world_runs_through_the_mean_of_models():
    slices = spenders()
    fits = fit_all(value_models(ValueSettings()), slices)
    assert set(fits) == set(VALUE_MODELS)
    assert fits["value_mean"].members[0] is fits["two_part_gamma"]  # fitted once, used twice
