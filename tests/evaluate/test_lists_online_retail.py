"""The reference figures of lists on Online Retail: same customers, same items, same popularity and personal frequency."""

from __future__ import annotations

import pytest

from holdfast.bench.shops import open_shop
from holdfast.core.clock import Cutoff, Horizon
from holdfast.core.recommend import RECOMMENDERS
from holdfast.engine.duck import Engine
from holdfast.evaluate.lists import ListWindow, Protocol, compare, walk_forward
from holdfast.snapshot.interactions import interactions, items_on_sale
from holdfast.snapshot.item_outcomes import item_outcomes


@pytest.mark.slow
@pytest.mark.real_data
def test_the_evaluator_gives_the_reference_figures(real_data, tmp_path, monkeypatch):
    monkeypatch.setenv("HOLDFAST_DATA", str(real_data))
    cutoff = Cutoff.parse("2011-11-09", "Europe/London")
    with Engine() as engine:
        ledger = open_shop("online_retail", engine, tmp_path)
        past, later = interactions(ledger, cutoff), item_outcomes(ledger, cutoff, Horizon.parse("30d"))
    on = items_on_sale(past)
    assert (len(past), int(on.sum())) == (4061, 2953)
    asked = {
        "popular_7d": RECOMMENDERS["popular"](window_days=7),
        "frequency": RECOMMENDERS["frequency"](half_life=None),
    }
    window = ListWindow(past, later, on)
    judged = walk_forward(asked, [window], Protocol(targets="on_sale"), with_baselines=False)
    excluded = walk_forward(asked, [window], Protocol(targets="on_sale", seen="exclude"), with_baselines=False)
    assert judged["popular_7d"].n() == 1386
    # issue 4: popularity .058 / .147 / .617, unseen .0555 / .099 / .469; personal frequency .1845 / .359 / .848
    for found, expected in (
        (judged["popular_7d"], (0.058, 0.147, 0.617)),
        (excluded["popular_7d"], (0.0555, 0.099, 0.469)),
        (judged["frequency"], (0.1845, 0.359, 0.848)),
    ):
        said = [found.mean(metric) for metric in ("recall_at_10", "ndcg_at_10", "hit_at_10")]
        assert said == pytest.approx(expected, abs=0.003)
    gain, low, _ = compare(judged["frequency"], judged["popular_7d"], "recall_at_10")
    assert gain > 0.12
    assert low > 0.11
    missed = walk_forward(asked, [window], with_baselines=False)["frequency"]
    assert missed.mean("recall_at_10") < judged["frequency"].mean(
        "recall_at_10"
    )  # what is not on sale counts as missed
