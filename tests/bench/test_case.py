"""The textbook case: the process does what it says, the leak is a leak, and the honest cut looks back only."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.bench.case import TEST, TRAIN, WAYS, one_world, rows_at
from holdfast.bench.case_world import CUSTOMERS, GOODS, TYPES, p_silent, simulate
from holdfast.core.errors import UsageError
from holdfast.metrics.ranking import auc


def test_the_log_is_as_stated_and_the_same_every_time() -> None:
    log, minds = simulate(1)
    again, _ = simulate(1)
    assert np.array_equal(log.seconds, again.seconds)
    assert log.customer.max() < CUSTOMERS
    assert log.good.max() < GOODS
    assert set(np.unique(log.kind)) == set(range(len(TYPES)))
    assert (log.seconds > 0).all()
    assert len(minds) == 300
    gone = ~minds[200].there & minds[150].there
    assert gone.any()
    assert not np.isin(log.customer[log.day >= 200], np.flatnonzero(gone)).any(), "who has left does not come back"


def test_churn_depends_on_behaviour() -> None:
    """Who searched in vain leaves sooner: the mood, made of nothing but deeds, tells who is still there later."""
    _, minds = simulate(2)
    there = minds[150].there
    left = there & ~minds[210].there
    assert auc(left[there], -minds[150].mood[there]) > 0.6


def test_the_truth_is_calibrated() -> None:
    log, minds = simulate(3)
    p = p_silent(minds[TEST], 60, 3)
    came = np.isin(np.arange(CUSTOMERS), log.customer[(log.day >= TEST) & (log.day < TEST + 60)])
    assert p.mean() == pytest.approx(1 - came.mean(), abs=0.03)
    assert auc(~came, p) > 0.95


def test_what_comes_after_the_cutoff_changes_no_honest_feature() -> None:
    log, _ = simulate(1)
    for cutoff in (TRAIN, TEST):
        whole, who = rows_at(log, cutoff, leaky=False, active=False)
        cut, same = rows_at(log.before(cutoff), cutoff, leaky=False, active=False)
        assert np.array_equal(who, same)
        assert whole.fingerprint == cut.fingerprint
    leaky, _ = rows_at(log, TEST, leaky=True, active=False)
    assert leaky.fingerprint != rows_at(log.before(TEST), TEST, leaky=True, active=False)[0].fingerprint


def test_the_leak_beats_the_truth_and_active_customers_are_harder() -> None:
    found = {(one.protocol, one.model, one.metric): one.value for one in one_world(1)}
    leak, random, active, honest, forward = (way.name for way in WAYS)
    assert found[leak, "logistic", "accuracy"] > found[random, "logistic", "accuracy"] + 0.05
    assert found[honest, "logistic", "accuracy"] > found[forward, "logistic", "accuracy"]
    assert found[forward, "logistic", "accuracy"] > found[forward, "majority", "accuracy"]
    assert found[active, "truth", "accuracy"] > found[active, "logistic", "accuracy"]
    assert found[forward, "contact_nobody", "policy_value"] == 0.0


def test_it_knows_no_other_data() -> None:
    from holdfast.bench.case import case
    from holdfast.bench.intent import intent
    from holdfast.bench.tables import tables

    with pytest.raises(UsageError, match="makes its own"):
        case(data="cdnow")
    for bench in (intent, tables):
        with pytest.raises(UsageError, match="knows no data 'cdnow'"):
            bench(data="cdnow")
