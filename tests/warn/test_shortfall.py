"""Expected shortfall: right on average, right in order, and from closed windows alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from holdfast.app.alerts.scores import Chances
from holdfast.checks.model import world
from holdfast.core.decide import Decisions
from holdfast.core.tables import Slices
from holdfast.models.value import SpendFit
from holdfast.warn.judge import Check, lost
from holdfast.warn.shortfall import fit_shortfall


def as_usual(slices: Slices, spend: SpendFit) -> Slices:
    """The same customers: who orders at all spends the usual."""
    money = np.where(slices.outcomes.churned, 0, spend.usual(slices.features) * 10_000).astype(np.int64)
    return replace(slices, outcomes=replace(slices.outcomes, revenue=money))


def test_the_expected_shortfall_is_right_on_average_and_in_order() -> None:
    taught, test = world(1500, seed=1), world(1500, seed=2)
    spend = SpendFit.fit(taught)
    taught, test = (as_usual(one, spend) for one in (taught, test))
    fit = fit_shortfall(taught, spend)
    usual, expected = spend.usual(test.features), fit.expected(test.features)
    missed = lost(usual, test.outcomes.revenue / 10_000)
    assert expected.sum() == pytest.approx(missed.sum(), rel=0.1)
    assert (expected <= usual).all()
    rows = pa.array([str(at) for at in range(len(test))])
    check = Check(rows, missed, test.outcomes.churned, np.zeros(len(test)))
    mine, by_spend = (float(check.judge(one, 200)["value_recall"][0]) for one in (expected, usual))
    assert mine > by_spend * 1.1


def test_rows_of_weight_zero_teach_nothing() -> None:
    slices = world(600)
    weights = np.ones(len(slices))
    weights[::3] = 0.0
    spoiled = slices.outcomes.revenue.copy()
    spoiled[::3] = 10**9
    spend = SpendFit.fit(slices)
    one = fit_shortfall(replace(slices, weights=weights), spend)
    other = fit_shortfall(replace(slices, weights=weights, outcomes=replace(slices.outcomes, revenue=spoiled)), spend)
    assert one.expected(slices.features) == pytest.approx(other.expected(slices.features))


def test_decisions_say_what_to_do_and_nobody_of_the_holdout_is_called() -> None:
    ids = pa.array(["a", "b", "c", "d"])
    decided = Decisions(
        pa.array(["b", "c", "a"]), ("nothing", "mail"), np.array([1, 0, 1]), np.full((3, 2), 0.5),
        uplift=np.array([0.1, np.nan, np.nan]), expected_profit=np.zeros(3), cost=np.zeros(3),
        holdout=np.array([False, True, False]), reason=pa.array(["", "", ""]),
    )  # fmt: skip
    found = Chances.of(ids, np.array([0.5, 0.4, 0.5, 0.5]), decided, 0.03, measured=True)
    assert found.share.tolist() == pytest.approx([0.03, 0.25, 0.03, 0.03])  # 0.1 of 0.4 is saved
    assert found.treatment_id == ["mail", "mail", None, None]
    assert found.holdout.tolist() == [False, False, True, False]
    assert found.measured
    prior = Chances.of(ids, np.array([0.5, 0.4, 0.5, 0.5]), decided, 0.03, measured=False)
    assert prior.share.tolist() == [0.03] * 4  # what to do is told, whom to call first is not
    assert prior.treatment_id == found.treatment_id
    assumed = Chances.of(ids, np.full(4, 0.5), None, 0.03, measured=True)
    assert not assumed.measured
    assert assumed.share.tolist() == [0.03] * 4
