"""Factor lanes: the loop and its twin, exact solutions and reasons, the order of data, truth that was planted."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pyarrow as pa
import pytest
from scipy.sparse import random as random_cells

from holdfast.core.clock import DAY_MICROS, Cutoff
from holdfast.core.errors import UsageError
from holdfast.core.interactions import Interactions, Items, tiny_interactions
from holdfast.recommend.factors.bpr import Bpr, BprFit
from holdfast.recommend.factors.ials import Ials, IalsFit, factorise
from holdfast.recommend.factors.reading import canonical, read
from holdfast.recommend.factors.side import features
from holdfast.recommend.factors.svd import Svd, SvdFit
from holdfast.recommend.factors.sweep import available, sweep
from holdfast.recommend.index import ApproximateIndex

CUTOFF = Cutoff.parse("2024-03-01")
LANES = (Ials(factors=8, regularisation=0.5), Svd(factors=8), Bpr(factors=8, passes=10))
needs_numba = pytest.mark.skipif(not available(), reason="numba (extra fast) is not installed")


def tasted(customers: int = 300, items: int = 60, groups: int = 4, seed: int = 0, **columns) -> Interactions:
    """Customers buy within one of a few groups of items; item n belongs to group n % groups."""
    draw = np.random.default_rng(seed)
    who = np.repeat(np.arange(customers), 8)
    item = draw.integers(0, items // groups, len(who)) * groups + who % groups
    named = Items.named([f"i{n:03}" for n in range(items)], **columns)
    ago = draw.integers(1, 60, len(who))
    return Interactions.of(
        pa.array([f"c{n:03}" for n in range(customers)]), named, CUTOFF, customer=who, item=item,
        occurred_at=CUTOFF.micros - ago * DAY_MICROS,
    )  # fmt: skip


def random_rows(rows: int = 40, columns: int = 25, seed: int = 0):
    draw = np.random.default_rng(seed)
    cells = random_cells(rows, columns, 0.2, "csr", np.float32, random_state=draw)
    other = draw.standard_normal((columns, 6), np.float32)
    gram = (0.3 * other.T @ other).astype(np.float32)
    ridge = draw.uniform(0.5, 2, rows).astype(np.float32)
    prior = draw.standard_normal((rows, 6), np.float32)
    return cells, other, gram, ridge, prior


def exact(cells, other, gram, ridge, prior):
    found = []
    for row, pull, drawn in zip(cells.toarray().astype(float), ridge, prior, strict=True):
        matrix = gram + pull * np.eye(len(gram)) + (other * row[:, None]).T @ other
        found.append(np.linalg.solve(matrix, row @ other + pull * drawn))
    return np.array(found)


@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=needs_numba)])
def test_enough_steps_solve_every_row_exactly(compiled):
    cells, other, gram, ridge, prior = random_rows()
    solved = np.zeros((40, 6), np.float32)
    sweep(cells, other, gram, ridge, solved, steps=12, prior=prior, compiled=compiled)
    np.testing.assert_allclose(solved, exact(cells, other, gram, ridge, prior), atol=2e-4)


@needs_numba
@pytest.mark.parametrize("size", [6, 8])
def test_numba_and_numpy_give_the_same_factors(size):
    past = tasted()
    cells = read(past, half_life_days=30.0, by_type={"purchase": 1.0}, repeats="log", units="ignore")
    settings = Ials(factors=size, iterations=6, regularisation=0.5)
    fast, slow = (factorise(settings, cells, compiled=one)[0] for one in (True, False))
    np.testing.assert_allclose(fast, slow, atol=5e-3 * np.abs(slow).max())


@needs_numba
def test_threads_change_nothing():
    past = tasted()
    cells = read(past, half_life_days=None, by_type={"purchase": 1.0}, repeats="log", units="ignore")
    one, four = (factorise(Ials(factors=8), cells, threads=n)[0] for n in (1, 4))
    np.testing.assert_array_equal(one, four)


def test_blocks_change_nothing(monkeypatch):
    cells, other, gram, ridge, prior = random_rows()
    whole, cut = np.zeros((2, 40, 6), np.float32)
    sweep(cells, other, gram, ridge, whole, steps=3, prior=prior, compiled=False)
    monkeypatch.setattr("holdfast.recommend.factors.sweep.CELLS", 60)
    sweep(cells, other, gram, ridge, cut, steps=3, prior=prior, compiled=False)
    np.testing.assert_allclose(whole, cut, rtol=1e-5, atol=1e-6)


def test_a_fit_needs_no_numba():
    code = (
        "import sys; sys.modules['numba'] = None\n"
        "import importlib.util as util; find = util.find_spec\n"
        "util.find_spec = lambda name, *rest: None if name == 'numba' else find(name, *rest)\n"
        "from holdfast.core.recommend import RECOMMENDERS\n"
        "from holdfast.core.clock import Cutoff\n"
        "from holdfast.core.interactions import tiny_interactions\n"
        "past = tiny_interactions({'a': [(1, 'tea'), (2, 'cup')], 'b': [(1, 'tea')]}, Cutoff.parse('2024-01-10'))\n"
        "import numpy as np\n"
        "fit = RECOMMENDERS['ials'](factors=2).fit(past)\n"
        "assert fit.recommend(past, 1, seen='exclude', rows=np.array([1])).to_arrow()['item_id'].to_pylist() == ['cup']\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr


@pytest.mark.parametrize("lane", LANES, ids=lambda one: one.recommender_id)
def test_lists_stay_within_the_taste_that_was_planted(lane):
    past = tasted()
    lists = lane.fit(past).recommend(past, 3, seen="exclude")
    row = np.repeat(np.arange(len(lists)), lists.counts)
    assert len(lists.item) == 900
    assert (lists.item % 4 == row % 4).mean() > 0.95


@pytest.mark.parametrize("lane", LANES, ids=lambda one: one.recommender_id)
def test_parts_add_up_to_the_score_and_the_largest_is_named(lane):
    past = tasted()
    fit = lane.fit(past)
    lists = fit.recommend(past, 2, seen="exclude", rows=np.arange(4))
    who = np.repeat(np.arange(4), lists.counts)
    for customer, item, said in zip(who, lists.item, fit.reasons(past, who, lists.item), strict=True):
        own, parts = fit.carried(past, int(customer))
        part = parts @ fit.factors[item]
        assert part.sum() == pytest.approx(float(fit.score(past, np.array([customer]))[0, item]), rel=1e-3, abs=1e-5)
        assert f"{past.items.item_id[int(own[part.argmax()])].as_py()} that you bought on" in said.en.split(" and ")[0]
        assert said.zh.startswith("因为您")


@pytest.mark.parametrize("lane", LANES, ids=lambda one: one.recommender_id)
def test_renamed_items_and_shuffled_customers_get_the_same_factors(lane):
    past = tasted(customers=60)
    draw = np.random.default_rng(3)
    to, order = draw.permutation(len(past.items)), draw.permutation(len(past))
    names = [f"x{one:03}" for one in to]
    renamed = Items.named(names)
    moved = replace(past, items=renamed, item=to[past.item].astype(np.int32)).take(order)
    one, other = lane.fit(past), lane.fit(moved)
    np.testing.assert_allclose(one.score(past)[order], other.score(moved)[:, to], rtol=1e-3, atol=1e-4)


def test_the_canonical_order_follows_the_data():
    draw = np.random.default_rng(0)
    cells = random_cells(30, 20, 0.2, "csr", np.float32, random_state=draw)
    rows, columns = draw.permutation(30), draw.permutation(20)
    ours, moved = canonical(cells), canonical(cells[rows][:, columns].tocsr())
    one, other = cells.toarray()[ours[0]][:, ours[1]], cells.toarray()[rows][:, columns][moved[0]][:, moved[1]]
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", [IalsFit, SvdFit, BprFit])
def test_a_fit_comes_back_from_bytes(kind):
    past = tasted(customers=40)
    fit = next(one for one in LANES if one.recommender_id == kind.recommender_id).fit(past)
    back = kind.from_bytes(fit.to_bytes())
    np.testing.assert_array_equal(back.score(past), fit.score(past))
    assert back.to_bytes() == fit.to_bytes()


def test_a_heavier_ridge_for_frequent_rows_draws_popular_items_in():
    past = tasted()
    flat, frequent = (Ials(factors=8, frequency_power=power).fit(past) for power in (0.0, 1.0))
    count = np.bincount(past.item, minlength=len(past.items))
    size = [np.linalg.norm(fit.factors, axis=1) for fit in (flat, frequent)]
    ratio = size[1] / size[0]
    assert np.corrcoef(ratio, count)[0, 1] < 0


def test_an_item_nobody_bought_is_drawn_to_its_category():
    category = [f"group {n % 4}" for n in range(60)]
    past = tasted(category=category)
    unseen = np.array([4, 9])  # of groups 0 and 1
    past = past.keeping(~np.isin(past.item, unseen))
    settings = Ials(factors=8, regularisation=0.5)
    assert np.isneginf(settings.fit(past).score(past)[:, unseen]).all()
    scores = replace(settings, side=("category",)).fit(past).score(past)[:, unseen]
    group = np.arange(len(past)) % 4
    assert scores[group == 0, 0].mean() > scores[group != 0, 0].max()
    assert scores[group == 1, 1].mean() > scores[group != 1, 1].max()


def test_side_features_are_levels_and_values_that_items_share():
    items = Items.named(["a", "b", "c"], category=["X > Y", "X", None], brand=["one", "two", "two"])
    assert features(items, ("category", "brand")).toarray().tolist() == [[1, 0], [1, 1], [0, 1]]
    with pytest.raises(UsageError, match="colour"):
        features(items, ("colour",))


def test_older_acts_weigh_less_and_units_may_weigh_more():
    past = tiny_interactions({"ann": [(10, "tea"), (0.001, "cup")]}, CUTOFF)
    how = {"by_type": {"purchase": 1.0}, "repeats": "sum"}
    aged = read(past, half_life_days=10.0, units="ignore", **how).toarray()[0]
    assert aged.tolist() == pytest.approx([1.0, 0.5], abs=1e-3)
    bulk = replace(past, quantity=np.array([7, 1], np.float32))
    assert read(bulk, half_life_days=None, units="log", **how).toarray()[0].tolist() == pytest.approx(
        [np.log(2), np.log(8)]
    )
    with pytest.raises(UsageError, match="repeats"):
        read(past, half_life_days=None, by_type={}, repeats="twice", units="log")


@pytest.mark.skipif(find_spec("usearch") is None, reason="usearch (extra ann) is not installed")
def test_many_items_are_searched_nearly_and_rules_stay_hard(monkeypatch):
    past = tasted(customers=80, items=400)
    fit = Ials(factors=8, regularisation=0.5).fit(past)
    unsold = np.random.default_rng(0).random(400) < 0.5
    exact = fit.recommend(past, 5, allowed=unsold, seen="exclude")
    few = np.zeros(400, bool)
    few[np.flatnonzero(unsold)[:3]] = True
    three = fit.recommend(past, 5, allowed=few)
    monkeypatch.setattr("holdfast.recommend.index.MANY", 100)
    fit = IalsFit.from_bytes(fit.to_bytes())
    assert isinstance(fit.index, ApproximateIndex)
    found = fit.recommend(past, 5, allowed=unsold, seen="exclude")
    assert unsold[found.item].all()
    np.testing.assert_array_equal(found.counts, exact.counts)
    assert (
        np.mean(
            [one in exact.item[5 * row : 5 * row + 5] for row in range(80) for one in found.item[5 * row : 5 * row + 5]]
        )
        > 0.9
    )
    np.testing.assert_array_equal(fit.recommend(past, 5, allowed=few).item, three.item)
    nobody = fit.recommend(past.keeping(np.zeros(past.size, bool)), 5)
    assert nobody.counts.sum() == 0
