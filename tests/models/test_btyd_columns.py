"""Learned columns, the models that read them, and what a release tells: as of the cutoff, from it alone, never NaN out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from holdfast.core.clock import Cutoff, Gap, Horizon
from holdfast.core.errors import TooLittleData, UsageError
from holdfast.core.models import FITTED, MODELS
from holdfast.core.tables import FeatureTable, Key, Outcomes
from holdfast.core.text import Text
from holdfast.models.btyd.columns import btyd_columns
from holdfast.models.btyd.findings import FAR, NEVER, purchase_findings
from holdfast.models.btyd.fit import PurchaseFit
from holdfast.models.columns import LEARNED, customer_columns
from models.btyd_worlds import histories, stacked, truth

MONTH = Horizon.parse("30d")
FIRST, SECOND = date(2024, 8, 1), date(2024, 10, 1)
NAMES = ("btyd", "nbd", "bg_nbd", "mbg_nbd", "pareto_nbd")
IDS = [f"c{i:04d}" for i in range(500)]


def order_days(name: str = "mbg_nbd", customers: int = 500, seed: int = 1) -> list[list[int]]:
    """Order days (since 2024-01-01) of customers who came in the first half year."""
    born = np.random.default_rng(seed).integers(0, 180, customers)
    who, when = truth(name).simulate(np.full(customers, 365.0), seed=seed)
    days = [[int(one)] for one in born]
    for at, day in zip(who, when, strict=True):
        days[at].append(int(born[at] + np.ceil(day)))
    return days


def key_at(*cutoffs: date, ids: list[str] = IDS) -> Key:
    keys = [Key.of(ids, Cutoff.midnight(one, "UTC")) for one in cutoffs]
    return Key(pa.concat_arrays([one.customer_id for one in keys]), np.concatenate([one.cutoff for one in keys]))


def test_columns_are_probabilities_for_the_rows_asked_for():
    days = order_days()
    table = stacked([histories(IDS, days, FIRST), histories(IDS, days, SECOND)])
    ids = [*IDS[40:10:-1], "stranger"]
    found = btyd_columns(table, key_at(SECOND, FIRST, ids=ids), MONTH, models=NAMES)
    assert found.names == (
        "btyd_p_no_order", "btyd_expected_orders", "btyd_p_alive",
        "nbd_p_no_order", "bg_nbd_p_no_order", "mbg_nbd_p_no_order", "pareto_nbd_p_no_order",
    )  # fmt: skip
    assert {column.family for column in found.columns} <= LEARNED
    stranger = np.array(found.key.customer_id.to_pylist()) == "stranger"
    assert np.isnan(found.values[stranger]).all()
    born = np.array([min(days[IDS.index(one)]) for one in ids[:-1]] * 2)
    known = np.tile(born, 1) >= 0
    p = found.values[~stranger][known]
    assert np.isfinite(p).all()
    assert ((p[:, [0, 2, 3, 4, 5, 6]] >= 0) & (p[:, [0, 2, 3, 4, 5, 6]] <= 1)).all()
    assert customer_columns(found) == (), "learned columns are not swept in"


def test_what_happens_after_the_cutoff_changes_no_column():
    days = order_days()
    limit = (FIRST - date(2024, 1, 1)).days
    cut = [[day for day in own if day < limit] for own in days]
    random = np.random.default_rng(2)
    moved = [[day if day < limit else int(random.integers(limit, 366)) for day in own] for own in days]
    key = key_at(FIRST)
    original, deleted, shuffled = (
        btyd_columns(stacked([histories(IDS, one, FIRST), histories(IDS, one, SECOND)]), key, MONTH, models=NAMES)
        for one in (days, cut, moved)
    )
    assert np.array_equal(original.values, deleted.values, equal_nan=True)
    assert np.array_equal(original.values, shuffled.values, equal_nan=True)


def test_columns_depend_on_no_other_cutoff_and_on_no_order_of_rows():
    days = order_days()
    first = histories(IDS, days, FIRST)
    alone = btyd_columns(first, key_at(FIRST), MONTH, models=NAMES)
    both = btyd_columns(stacked([histories(IDS, days, SECOND), first]), key_at(FIRST, SECOND), MONTH, models=NAMES)
    assert np.array_equal(both.at([Cutoff.midnight(FIRST, "UTC")]).values, alone.values)
    order = np.random.default_rng(1).permutation(len(IDS))
    shuffled = btyd_columns(first.take(order), key_at(FIRST), MONTH, models=NAMES)
    assert np.array_equal(shuffled.values, alone.values)


def test_a_gap_moves_the_window():
    days = order_days()
    table, key = histories(IDS, days, FIRST), key_at(FIRST)
    plain = btyd_columns(table, key, MONTH, models=("mbg_nbd",)).values
    later = btyd_columns(table, key, MONTH, Gap.parse("14d"), models=("mbg_nbd",)).values
    assert (later > plain - 1e-6).mean() > 0.9, "customers leave in the gap, too"
    assert np.abs(later - plain).max() > 0.005


def test_too_thin_a_shop_has_missing_columns_and_its_models_fall_back():
    table = histories(IDS[:5], [[1], [2], [3], [4, 9], [5]], FIRST)
    found = btyd_columns(table, key_at(FIRST, ids=IDS[:5]), MONTH, models=NAMES)
    assert np.isnan(found.values).all()
    churned = np.array([True, True, False, True, True])
    some = churned.astype(np.int64)
    outcomes = Outcomes(found.key, MONTH, churned, 1 - some, (1 - some) * 10_000, some * 30.0, ~churned)
    for name in NAMES:
        said = MODELS[name]().fit(found, outcomes).predict(found).p_churn
        assert np.allclose(said, 5 / 7)
    with pytest.raises(UsageError, match="opportunities"):
        btyd_columns(table, key_at(FIRST, ids=IDS[:5]), MONTH, models=("bg_bb",))
    with pytest.raises(UsageError, match="did you mean 'mbg_nbd'"):
        btyd_columns(table, key_at(FIRST, ids=IDS[:5]), MONTH, models=("mbg_ndb",))


@pytest.mark.parametrize("name", NAMES)
def test_the_models_say_what_their_column_says(name):
    table = histories(IDS, order_days(), FIRST)
    columns = btyd_columns(table, key_at(FIRST), MONTH, models=(name,))
    n = len(columns)
    churned = np.arange(n) % 2 == 0
    some = churned.astype(np.int64)
    outcomes = Outcomes(columns.key, MONTH, churned, 1 - some, some * 0, np.full(n, 30.0), ~churned)
    fit = MODELS[name]().fit(columns, outcomes, weights=np.linspace(0, 1, n))
    said = fit.predict(columns)
    assert np.allclose(said.p_churn, columns.column(f"{name}_p_no_order"), atol=1e-6)
    again = FITTED[name].from_bytes(fit.to_bytes())
    assert np.array_equal(again.predict(columns).p_churn, said.p_churn)
    lost = replace(columns, values=np.where(np.arange(n)[:, None] == 3, np.nan, columns.values).astype(np.float32))
    assert np.isfinite(fit.predict(lost).p_churn).all()


def test_a_release_is_told_everything_where_customers_leave():
    days = order_days()
    table = histories([*IDS, "never"], [*days, []], FIRST)
    start = date(2024, 1, 1)
    limit = (FIRST - start).days
    pairs = [(one, start + timedelta(days=d)) for one, own in zip(IDS, days, strict=True) for d in own if d < limit]
    orders = pa.table({"customer_id": [p[0] for p in pairs], "local_day": [p[1] for p in pairs]})
    found = purchase_findings(table, MONTH, order_days=orders)
    n = len(table)
    assert found.p_alive_missing is None
    for values in (found.p_no_order, found.p_alive, found.expected_orders, found.order_value):
        assert len(values) == n
        assert np.isfinite(values[:-1]).all()
        assert np.isnan(values[-1])
    one = table.column("frequency") == 0
    assert np.isfinite(found.p_second_order[one]).all()
    assert np.isnan(found.p_second_order[~one]).all()
    assert (np.diff(found.p_second_order[one], axis=1) > 0).all()
    far = np.flatnonzero(np.isinf(found.days_to_next_order))[0]
    soon = np.flatnonzero(np.isfinite(found.days_to_next_order))[0]
    assert found.next_order_missing(int(far)) == FAR
    assert found.next_order_missing(n - 1) == NEVER
    assert found.next_order_missing(int(soon)) is None
    assert np.isnat(found.next_order_at[far])
    due = np.datetime64(FIRST) + np.timedelta64(int(found.days_to_next_order[soon]), "D")
    assert found.next_order_at[soon] == due.astype("datetime64[us]")
    assert sum(found.summary["orders"]["expected"]) == pytest.approx(500)
    assert abs(found.summary["tracking"]["gap_at_end"]) < 0.2
    assert len(found.summary["tracking"]["week"]) == len(found.summary["tracking"]["expected"])
    files = found.to_bytes()
    assert np.array_equal(PurchaseFit.from_bytes(files["purchase.json"]).theta, found.choice.fit.theta)
    assert b"c0001" not in b"".join(files.values())
    assert set(found.summary["models"]) >= {"nbd", "bg_nbd", "mbg_nbd", "pareto_nbd"}


def test_where_nobody_leaves_p_alive_is_withheld_with_the_reason():
    found = purchase_findings(histories(IDS, order_days("nbd", seed=3), FIRST), MONTH)
    assert np.isnan(found.p_alive).all()
    assert isinstance(found.p_alive_missing, Text)
    assert "nobody's chance to be alive" in found.p_alive_missing.en
    assert np.isfinite(found.p_no_order).all()
    assert found.summary["tracking"] is None


def test_findings_of_a_thin_or_mixed_history_are_refused():
    days = order_days()
    with pytest.raises(TooLittleData):
        purchase_findings(histories(IDS[:5], days[:5], FIRST), MONTH)
    with pytest.raises(UsageError, match="2 cutoffs"):
        purchase_findings(stacked([histories(IDS, days, FIRST), histories(IDS, days, SECOND)]), MONTH)


def test_a_history_without_money_has_no_order_value():
    whole = histories(IDS, order_days(), FIRST)
    found = purchase_findings(whole.select(["frequency", "t_x", "T"]), MONTH)
    assert found.value is None
    assert np.isnan(found.order_value).all()
    assert found.summary["value"] is None
    flat = whole.values.copy()
    flat[:, 3] = 10.0
    assert purchase_findings(FeatureTable(whole.key, whole.columns, flat), MONTH).value is None
