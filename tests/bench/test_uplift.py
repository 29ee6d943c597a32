"""The uplift bench: the experiment as it was published, figures of a peer, and a table whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.bench.uplift import uplift
from holdfast.bench.uplift_data import MailTrial, hillstrom
from holdfast.bench.uplift_policy import PROPENSITY, divided, guard_choice, values
from holdfast.bench.uplift_rank import ranked
from holdfast.core.errors import UsageError
from holdfast.metrics.uplift import gain_curve
from holdfast.models.uplift.experiment import Experiment
from holdfast.models.uplift.learner import UPLIFT


def trial(n=2400, seed=1):
    """Men's mail brings 1 where x0 > 0, women's brings 1 elsewhere."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, 3))
    arm = random.integers(0, 3, n)
    gain = np.column_stack([np.zeros(n), X[:, 0] > 0, X[:, 0] <= 0])[np.arange(n), arm]
    return MailTrial(X, arm, {"spend": 1 + gain + 0.5 * random.normal(size=n)})


def test_unknown_data_is_refused():
    with pytest.raises(UsageError, match="hillstrom"):
        uplift(data="hilstrom")


def test_a_known_world_is_found_by_learners_and_guard_and_missed_by_proxies():
    rows = {(one.model, one.metric): one for one in values(trial(), 1)}
    assert {model for model, _ in rows} == {"guarded", *UPLIFT} | {
        f"uniform_{one}" for one in ("nothing", "mens_mail", "womens_mail")
    }
    assert rows["uniform_nothing", "policy_value"].value == pytest.approx(1.0, abs=0.05)
    for model in ("guarded", "t_lightgbm", "dr_lightgbm"):
        assert rows[model, "policy_value"].value == pytest.approx(2.0, abs=0.12)
        assert rows[model, "gain_over_best_uniform"].low > 0.3
    assert rows["response_proxy", "policy_value"].value < 1.7
    assert rows["guarded", "share_deviating"].value == pytest.approx(0.5, abs=0.1)


def test_ranking_has_a_row_for_each_learner_and_mail():
    rows = ranked(trial(), 1)
    protocols = {one.protocol for one in rows}
    assert protocols == {f"{mail}, spend, ranked, 5-fold x 1" for mail in ("mens_mail", "womens_mail")}
    qini = {one.model: one for one in rows if one.metric == "qini" and one.protocol.startswith("mens")}
    assert set(qini) == set(UPLIFT)
    # half of the customers gain 1: a score that knows which has a Qini of 1/8
    assert qini["dr_lightgbm"].value == pytest.approx(0.125, abs=0.03)
    assert abs(qini["response_proxy"].value) < 0.04
    assert all(one.low <= one.value <= one.high for one in rows)


@pytest.mark.real_data
def test_the_experiment_is_the_published_one(real_data, monkeypatch):
    """The e-mail challenge of Hillstrom (2008): 64,000 customers; visits 10.6%, 18.3% and 15.1%; 0.65, 1.42 and 1.08 dollars."""
    monkeypatch.setenv("HOLDFAST_DATA", str(real_data))
    mail = hillstrom()
    assert np.bincount(mail.arm).tolist() == [21_306, 21_307, 21_387]
    means = {one: [y[mail.arm == arm].mean() for arm in range(3)] for one, y in mail.outcomes.items()}
    assert means["visit"] == pytest.approx([0.106, 0.183, 0.151], abs=0.0005)
    assert means["spend"] == pytest.approx([0.65, 1.42, 1.08], abs=0.005)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("arm", "outcome", "auuc", "qini"),
    [
        (1, "visit", 0.0407712404446062, 0.002476458618840577),
        (1, "conversion", 0.004035909280478182, 0.0006334060206703348),
        (2, "visit", 0.02288892305364361, 0.00027236976011711655),
        (2, "conversion", 0.0015679842752241012, 1.2455519681473e-05),
    ],
)
def test_curves_agree_with_scikit_uplift(real_data, monkeypatch, arm, outcome, auuc, qini):
    """scikit-uplift 0.5.1, past spend (`history`) as the score: auc(uplift_curve)/n^2, and less the diagonal."""
    monkeypatch.setenv("HOLDFAST_DATA", str(real_data))
    two = hillstrom().only(arm)
    curve = gain_curve(two.X[:, 1], two.arm, two.outcomes[outcome])
    assert curve.auuc == pytest.approx(auuc, rel=1e-8)
    assert curve.qini == pytest.approx(qini, abs=1e-11)


@pytest.mark.real_data
def test_the_guard_keeps_what_a_naive_learner_loses(real_data, monkeypatch):
    """Men's mail to all is worth 1.42 dollars a head; the argmax of a T-learner throws some of it away, the guard does not."""
    monkeypatch.setenv("HOLDFAST_DATA", str(real_data))
    mail = hillstrom()
    whole = Experiment.of(mail.X, mail.arm, mail.outcomes["spend"], PROPENSITY, seed=1)

    def both(train, X):
        naive = train.fitted(UPLIFT["t_lightgbm"]).effects(X).argmax(axis=1)
        return {"naive": naive, **guard_choice(train, X)}

    found = {name: pair for name, pair, _ in divided(whole, 2, both)}
    assert found["uniform_mens_mail"][0].value == pytest.approx(1.42, abs=0.01)
    assert found["naive"][1].value < -0.1
    assert found["guarded"][1].value >= -found["guarded"][1].standard_error
