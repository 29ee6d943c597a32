"""The churn bench on a small world: every kind of row is there, and a program can read it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from holdfast.bench.churn import chosen, churn, judged, profits, random_split, shown, steps
from holdfast.bench.churn_cases import CASES, Case, cutoffs_for
from holdfast.bench.churn_cost import cost_of
from holdfast.bench.churn_coverage import by_group, published
from holdfast.bench.churn_far import far
from holdfast.bench.churn_kinds import kinds, of_kind
from holdfast.checks.model import world
from holdfast.core.errors import UsageError
from holdfast.models.rfm_logistic import RfmLogistic

USE = ("base_rate", "rfm_logistic", "logistic", "lightgbm", "ensemble")
CASE = Case("synthetic", "30d")


@pytest.fixture(scope="module")
def slices():
    return world(customers=600, slices=12)


@pytest.fixture(scope="module")
def found(slices):
    return judged(slices, slices.cutoffs[-5::2], CASE, use=USE)


def test_rows_say_what_was_measured_where_and_at_what_cost(slices, found):
    rows = shown(found, CASE)
    assert {one.bench for one in rows} == {"churn"}
    newest = [one for one in rows if one.protocol.endswith(str(found.test_cutoffs[-1].local_day(found.zone)))]
    assert {one.model for one in newest} == set(USE)
    assert all(one.seconds is not None and one.peak_mb > 10 for one in newest)
    assert {"standard deviation", "mean of", "worst of"} <= {w for w in ("standard deviation", "mean of", "worst of")
                                                             if any(w in one.protocol for one in rows)}  # fmt: skip
    paired = {(one.model, one.protocol.split("over ")[1].split(",")[0]) for one in rows if "paired" in one.protocol}
    assert ("ensemble", "lightgbm") in paired
    more = [*chosen(found, CASE), *steps(found, CASE), *random_split(slices, slices.cutoffs[-1], CASE)]
    assert sum("the wrong way" in one.protocol for one in more) == 1
    json.dumps([one.as_dict() for one in (*rows, *more)])


def test_profit_stands_beside_treating_all_and_none(slices, found):
    rows = {one.metric: one for one in profits(found, slices, CASE)}
    assert {"empc", "profit_treat_all", "profit_treat_none", "empc_fraction", "lift_at_10pct"} <= set(rows)
    assert rows["empc"].model == found.chosen
    assert rows["empc"].value >= max(rows["profit_treat_all"].value, 0.0) - 1e-9
    assert rows["profit_treat_none"].value == 0.0


def test_kinds_of_customers_are_judged_by_themselves(slices, found):
    rows = kinds(found, slices, CASE)
    assert {"one order", "repeaters", "top value tenth"} == {
        kind for kind in ("one order", "repeaters", "top value tenth") if any(kind in one.protocol for one in rows)
    }
    test = slices.at(slices.cutoffs[-1:])
    once, more, top = (of_kind(test.features, kind) for kind in ("one order", "repeaters", "top value tenth"))
    assert (once ^ more).all()
    assert 0.08 < top.mean() < 0.15
    assert test.features.column("revenue")[top].min() >= test.features.column("revenue")[~top].max()


def test_coverage_by_group_is_a_share_at_three_levels(slices, found):
    rows = by_group(found, slices, CASE, published(found, slices))
    assert [one.metric for one in rows] == ["coverage"] * 3
    assert all(one.n == 30 for one in rows)
    shares = [one.value for one in rows]
    assert shares == sorted(shares)
    assert shares[1] > 0.7


def test_what_nothing_can_learn_only_purchase_models_answer(slices):
    from holdfast.core.tables import FeatureColumn, FeatureTable, Slices
    from holdfast.core.text import Text

    one = slices.at(slices.cutoffs[-1:])
    names = ("btyd_p_no_order", "pareto_nbd_p_no_order")
    columns = tuple(FeatureColumn(name, "", "", "", "btyd", Text("", "")) for name in names)
    kept = [name for name in one.features.names if name not in names]
    said = np.tile(np.linspace(0.1, 0.9, len(one)), (2, 1)).T.astype(np.float32)
    table = one.features.select(kept).joined(FeatureTable(one.features.key, columns, said))
    rows = far(Slices(table, one.outcomes), replace(CASE, everybody=True))
    assert {row.model for row in rows} == {"btyd", "pareto_nbd"}
    assert all("all customers" in row.protocol for row in rows)


def test_cases_have_five_cutoffs_and_refuse_other_data():
    for case in CASES:
        train, tests = cutoffs_for(case)
        assert len(tests) == (5 if case.learns else 1)
        assert not case.learns or min(train) < tests[0]
    with pytest.raises(UsageError, match="knows no data"):
        churn(data="nothing")


def test_cost_is_measured_in_a_process_of_its_own(slices):
    seconds, peak = cost_of(RfmLogistic(), slices, slices.features)
    assert seconds >= 0
    assert peak > 10
