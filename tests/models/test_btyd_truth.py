"""What is asked of a model agrees with simulation: P(no order), expected orders, P(alive), counts, the dropout test."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from holdfast.core.errors import UsageError
from holdfast.models.btyd import dropout
from holdfast.models.btyd.dropout import dropout_test, mixture_tails
from holdfast.models.btyd.erlang import MbgCnbdK, MbgNbd, Nbd
from holdfast.models.btyd.pareto import ParetoNbd
from holdfast.models.btyd.summary import PurchaseSummary
from holdfast.models.btyd.track import actual, cumulative
from models.btyd_worlds import TIMED, ages, simulated, truth

SPLIT = 260.0


def split_world(name: str, customers: int, seed: int = 1) -> tuple[PurchaseSummary, np.ndarray, np.ndarray]:
    """Histories through day 260 of customers simulated for longer, and their later orders (customer, days after)."""
    process = truth(name)
    who, when = process.simulate(np.full(customers, SPLIT + 120), seed=seed)
    before = when <= SPLIT
    unit = process.unit_days
    T = np.full(customers, SPLIT / unit)
    summary = PurchaseSummary.from_times(who[before], when[before] / unit, T, unit_days=unit)
    return summary, who[~before], when[~before] - SPLIT


@pytest.mark.parametrize("name", TIMED)
def test_forecasts_agree_with_what_simulated_customers_then_do(name):
    process, n = truth(name), 40_000
    summary, who, when = split_world(name, n)
    for gap, h in ((0.0, 30.0), (14.0, 60.0)):
        inside = (when > gap) & (when <= gap + h)
        orders = np.bincount(who[inside], minlength=n)
        p = process.p_no_order(summary, h, gap)
        ahead = process.expected_orders(summary, h, gap)
        for band in (summary.frequency == 0, summary.frequency == 1, summary.frequency > 3, p < 0.5, p > 0.9):
            if band.sum() < 200:
                continue
            silent = orders[band] == 0
            noise = np.sqrt((p[band] * (1 - p[band])).mean() / band.sum())
            assert abs(silent.mean() - p[band].mean()) < 4 * noise + 1e-3, (gap, band.sum())
            spread = orders[band].std() / np.sqrt(band.sum())
            assert abs(orders[band].mean() - ahead[band].mean()) < 4 * spread + 2e-3, (gap, band.sum())


@pytest.mark.parametrize("name", TIMED)
def test_futures_drawn_given_a_history_have_the_exact_chances(name):
    process, n = truth(name), 20_000
    model = process.model
    one = PurchaseSummary.of(np.full(n, 3.0), np.full(n, 20.0), np.full(n, 26.0), unit_days=7)
    who, when = process.simulate_future(one, 60.0, seed=3)
    orders = np.bincount(who, minlength=n)
    p = process.p_no_order(one, 60.0)[0]
    assert (orders == 0).mean() == pytest.approx(p, abs=4 * np.sqrt(p * (1 - p) / n))
    assert orders.mean() == pytest.approx(process.expected_orders(one, 60.0)[0], abs=4 * orders.std() / np.sqrt(n))
    assert ((when > 0) & (when <= 60)).all()
    assert model.model_id == name


def test_opportunities_agree_with_simulation():
    process, n = truth("bg_bb"), 40_000
    T = np.full(n, 12.0)
    who, when = process.simulate(T * 30, seed=4)
    tick = np.round(when / 30)
    before = tick <= 6
    x, t_x = np.bincount(who[before], minlength=n).astype(float), np.zeros(n)
    np.maximum.at(t_x, who[before], tick[before])
    summary = PurchaseSummary.of(x, t_x, np.full(n, 6.0), unit_days=30, opportunities=True)
    later = np.bincount(who[~before], minlength=n)
    p, ahead = process.p_no_order(summary, 180.0), process.expected_orders(summary, 180.0)
    for band in (x == 0, x == 2, (x > 0) & (t_x == 6), x == 6):
        assert (later[band] == 0).mean() == pytest.approx(p[band].mean(), abs=0.02)
        assert later[band].mean() == pytest.approx(ahead[band].mean(), abs=0.06)
    found = process.order_distribution(np.full(5, 180.0), 6)
    assert np.allclose(np.bincount(x.astype(int), minlength=7) / n, found, atol=0.01)
    who, _ = process.simulate_future(summary, 180.0, seed=5)
    assert np.bincount(who, minlength=n).mean() == pytest.approx(ahead.mean(), abs=0.03)
    with pytest.raises(UsageError, match="no gap"):
        process.p_no_order(summary, 60.0, 30.0)


@pytest.mark.parametrize("name", ["mbg_nbd", "pareto_nbd", "mbg_cnbd_k", "bg_nbd"])
def test_p_alive_is_the_share_still_there(name):
    """Simulated histories whose customers' fate is known: alive is to order again in a very long time."""
    process, n = truth(name), 30_000
    who, when = process.simulate(np.full(n, 200_000.0), seed=6)
    before = when <= SPLIT
    summary = PurchaseSummary.from_times(who[before], when[before] / 7, np.full(n, SPLIT / 7), unit_days=7)
    alive = process.p_alive(summary)
    again = np.bincount(who[~before], minlength=n) > 0
    if name == "bg_nbd":
        assert (alive[summary.frequency == 0] == 1).all()
    for low, high in ((0, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 1.01)):
        band = (alive >= low) & (alive < high)
        if band.sum() > 500:
            lasting = 0.03 if name != "pareto_nbd" else 0.2  # a lifetime may end before the next order would come
            assert again[band].mean() <= alive[band].mean() + 0.03
            assert again[band].mean() >= alive[band].mean() - 0.03 - lasting


@pytest.mark.parametrize("name", TIMED)
def test_counts_and_tracking_of_a_simulated_cohort(name):
    process = truth(name)
    T = ages(20_000, 100, 300)
    who, when = process.simulate(T, seed=7)
    counts = np.bincount(who, minlength=len(T))
    said = process.order_distribution(T, 6)
    seen = np.bincount(np.minimum(counts, 6), minlength=7) / len(T)
    assert np.abs(said - seen).max() < 4 * np.sqrt(0.25 / len(T))
    born = (300 - T).astype(np.int64)
    days = np.array([100, 200, 300])
    customers = np.concatenate([np.arange(len(T)), who])
    moments = np.concatenate([born, np.ceil(born[who] + when).astype(np.int64)])
    order = np.lexsort((moments, customers))
    reached = actual(customers[order], moments[order], days)
    assert np.allclose(cumulative(process, born, days), reached, rtol=0.04)


def test_the_bounds_of_the_dropout_test():
    assert mixture_tails(0.0) == (1.0, 1.0)
    low, high = mixture_tails(3.0)
    assert 0 < low < high < 1


def test_dropout_is_found_where_it_is_and_not_where_it_is_not():
    for name, model in (("mbg_nbd", MbgNbd()), ("pareto_nbd", ParetoNbd()), ("mbg_cnbd_k", MbgCnbdK(3))):
        summary = simulated(name, 1500, seed=2)
        found = dropout_test(model.fit(summary), summary)
        assert found.identified
        assert found.p_value < 1e-3
        assert "leave for good" in found.reason.en
    summary = simulated("nbd", 1500, seed=2)
    found = dropout_test(MbgNbd().fit(summary), summary)
    assert not found.identified
    assert found.as_dict()["reason"]["zh"].startswith("订单数据无法区分")
    with pytest.raises(UsageError, match="no dropout to test"):
        dropout_test(Nbd().fit(summary), summary)


@pytest.mark.slow
def test_the_dropout_test_keeps_its_level_and_has_power():
    """Of 80 shops where nobody leaves about 5% are told otherwise; a weak dropout is found in most of 20."""
    false = sum(_identified(simulated("nbd", 400, seed=500 + seed), seed) for seed in range(80))
    assert false <= 9  # P(more | 5%) = 1%
    weak = replace(truth("mbg_nbd"), theta=np.log([0.9, 5.0, 0.06, 1.9]))  # 3% leave after an order, not 27%
    found = 0
    for seed in range(20):
        T = ages(600, seed=seed)
        who, when = weak.simulate(T, seed=seed)
        found += _identified(PurchaseSummary.from_times(who, when / 7, T / 7, unit_days=7), seed)
    assert found >= 17


def _identified(summary: PurchaseSummary, seed: int) -> bool:
    return dropout_test(MbgNbd().fit(summary), summary, seed=seed).identified


def test_a_dropout_in_doubt_is_simulated(monkeypatch):
    monkeypatch.setattr(dropout, "_DRAWS", 39)
    fits = ((MbgNbd().fit(one), one) for one in (simulated("nbd", 120, seed=seed) for seed in range(60)))
    fit, summary = next(x for x in fits if 2 * (x[0].log_likelihood - Nbd().fit(x[1]).log_likelihood) > 2.8)
    found = dropout_test(fit, summary)
    assert found.simulated
    assert 1 / 40 <= found.p_value < 0.5
    assert found.p_value * 40 == pytest.approx(round(found.p_value * 40))
