"""The benches of the lane sasrec on a shop of a few hundred customers, and the reference figures on the real set."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.conftest import missing

from holdfast.bench.list_data import Sequences, beauty
from holdfast.bench.recommend_added import Blend, chosen
from holdfast.bench.recommend_beauty_deep import PROTOCOL, compared, deep, judged_as
from holdfast.bench.recommend_beauty_stack import Fits, stacks
from holdfast.bench.recommend_online_retail_deep import mean
from holdfast.core.clock import Cutoff
from holdfast.core.interactions import Items, tiny_interactions
from holdfast.core.recommend import RECOMMENDERS, Recommendations
from holdfast.encoder.backend import available
from holdfast.evaluate.lists.judge import judge
from holdfast.evaluate.lists.windows import ListWindow
from holdfast.recommend.mix_lanes import spec
from holdfast.recommend.sequential import Sasrec
from holdfast.recommend.sequential_order import Histories
from holdfast.recommend.sequential_settings import Teaching
from holdfast.recommend.sequential_train import held_out

CUTOFF = Cutoff.parse("2020-01-01")


def walks(customers: int = 300, items: int = 30) -> Sequences:
    """Sequences of five to eight items, each followed by its neighbour."""
    random = np.random.default_rng(5)
    names = [f"i{at:02d}" for at in range(items)]
    baskets = [
        [[names[(start + at) % items]] for at in range(length)]
        for start, length in zip(random.integers(items, size=customers), random.integers(5, 9, size=customers), strict=True)
    ]  # fmt: skip
    return Sequences([f"c{at}" for at in range(customers)], baskets, Items.named(names))


def test_a_network_adds_order_to_what_only_counts():
    if not available():
        missing("torch or safetensors is not installed: pip install 'holdfast[deep]'")
    light = Sasrec(width=16, layers=1, dropout=0.1, teaching=Teaching(epochs=24, learning_rate=0.01))
    rows = compared(walks(), {"popular": RECOMMENDERS["popular"]()}, light)
    value = {(one.model, one.metric): one for one in rows if one.protocol == f"{PROTOCOL}, 95%"}
    assert value["sasrec", "ndcg_at_10"].value > 0.9 > 0.6 > value["popular", "ndcg_at_10"].value
    assert value["sasrec", "ndcg_at_10"].n == 300
    assert value["sasrec", "ndcg_at_10"].seconds > 0
    gain = {one.model: one for one in rows if "paired gain" in one.protocol and one.metric == "ndcg_at_10"}
    assert gain["blend_with_deep"].low > 0
    assert "over blend_without_deep" in gain["blend_with_deep"].protocol


def test_a_basket_is_foretold_from_the_one_before_it_and_not_from_its_own_lines():
    """Six baskets of three things follow each other in a ring; lines of a basket share an instant."""
    if not available():
        missing("torch or safetensors is not installed: pip install 'holdfast[deep]'")
    starts = np.random.default_rng(7).integers(6, size=240).tolist()
    baskets = [[[f"b{(one + turn) % 6}-{k}" for k in range(3)] for turn in range(5)] for one in starts]
    items = Items.named([f"b{one}-{k}" for one in range(6) for k in range(3)])
    shop = Sequences([f"c{at}" for at in range(240)], baskets, items)
    past = shop.before_last(1)
    light = Sasrec(width=16, layers=1, dropout=0.1, teaching=Teaching(epochs=16, learning_rate=0.01))
    lists = light.fit(past).recommend(past, 3)
    assert judge(lists, shop.last(1), past, depths=(3,)).mean("recall_at_3") > 0.95


def test_what_is_held_out_is_a_whole_instant():
    codes = np.array([1, 2, 3, 1, 2, 4])
    at, offsets = np.array([5, 9, 9, 1, 1, 1]), np.array([0, 3, 6])
    told = Histories(codes, np.zeros(6, np.int64), at, offsets)
    assert told.first_of_instant().tolist() == [0, 1, 1, 3, 3, 3]
    many = Histories(np.tile(codes[:3], 60), np.zeros(180, np.int64), np.tile(at[:3], 60), np.arange(61) * 3)
    rest, held = held_out(many, 1.0, 100)
    assert rest.codes.tolist() == [1] * 60
    assert held.told.codes.tolist() == [1] * 60
    assert held.right.tolist() == [2] * 60
    alone = Histories(np.tile(codes[3:], 60), np.zeros(180, np.int64), np.ones(180, np.int64), np.arange(61) * 3)
    assert held_out(alone, 1.0, 100)[1] is None  # whoever came once has nothing to be foretold from


def _listed(lists: list[list[int]], source: str = "x") -> Recommendations:
    names = [f"i{at}" for at in range(6)]
    return Recommendations.listed([f"c{at}" for at in range(len(lists))], names, lists, CUTOFF, "explore", source)


def test_a_blend_ignores_a_lane_that_knows_nothing():
    data = walks(100, 6)
    window = ListWindow(data.before_last(1), data.last(1))
    later = window.later
    at = later.item.tolist()
    right = replace(_listed([[(one + 1) % 6, one] for one in at]), customer_id=later.customer_id, item_id=later.item_id)
    wrong = replace(_listed([[(one + 2) % 6] for one in at]), customer_id=later.customer_id, item_id=later.item_id)
    found = chosen({"wrong": wrong, "right": right}, ("wrong", "right"), window)
    assert set(found.shares) == {"right"}
    other = replace(_listed([[one, (one + 3) % 6] for one in at]), customer_id=later.customer_id, item_id=later.item_id)
    found = chosen({"other": other, "right": right}, ("other", "right"), window)
    assert judge(found.of({"other": other, "right": right}), later, window.past).mean("ndcg_at_10") == 1.0


def test_scores_as_chances_are_shares_of_their_list():
    one = replace(_listed([[0, 1], [2], []]), score=np.array([3.0, 1.0, 5.0]))
    counts = Blend({"count": 1.0}, None).worth("count", one).toarray()
    assert counts[0, :2].tolist() == [0.75, 0.25]
    assert counts[1, 2] == 1.0
    assert counts[2].sum() == 0.0
    logits = Blend({"sasrec": 1.0}, None).worth("sasrec", one).toarray()
    assert logits[0, 0] == pytest.approx(1 / (1 + np.exp(-2.0)))


def test_seeds_are_averaged_by_customer_and_what_was_bought_before_is_no_target_of_new_items():
    past = tiny_interactions({"c0": [(3, "i00"), (2, "i01")], "c1": [(2, "i02")]}, CUTOFF)
    later = Sequences(["c0", "c1"], [[["i01", "i02"]], [["i02"]]], past.items).last(1)
    two = [
        Recommendations.listed(["c0", "c1"], past.items.item_id, one, CUTOFF, "explore", "x")
        for one in ([[2], [0]], [[0], [1]])
    ]
    found = mean([judge(one, later, past, seen="exclude") for one in two], "x")
    assert found.customer_id.to_pylist() == ["c0"]
    assert found.of("recall_at_10").tolist() == [0.5]
    allowed = mean([judge(one, later, past) for one in two], "x")
    assert allowed.of("recall_at_10").tolist() == [0.25, 0.0]


@pytest.mark.slow
@pytest.mark.real_data
def test_the_network_reaches_the_reference_on_beauty(real_data, monkeypatch):
    """A well-trained SASRec: HR@10 .0921, nDCG@10 .0531; all customers, all items ranked."""
    if not available():
        missing("torch or safetensors is not installed: pip install 'holdfast[deep]'")
    monkeypatch.setenv("HOLDFAST_DATA", str(real_data))
    data = beauty()
    fit = deep().fit(data.before_last(1))
    assert fit.parameters < 1_000_000
    found = judged_as(
        "sasrec", fit.recommend(data.before_last(1), 10, seen="exclude"), ListWindow(data.before_last(1), data.last(1))
    )
    assert found.n() == 22_363
    assert found.mean("hit_at_10") >= 0.0921
    assert found.mean("ndcg_at_10") >= 0.0531


def test_a_network_is_a_column_of_the_stack_and_the_better_loss_is_chosen_before_the_last_item():
    if not available():
        missing("torch or safetensors is not installed: pip install 'holdfast[deep]'")
    light = Sasrec(width=16, layers=1, dropout=0.1, teaching=Teaching(epochs=12, learning_rate=0.01))
    fits = Fits({"good": light, "idle": replace(light, teaching=Teaching(epochs=1))}, (spec("popular"),))
    rows = stacks(walks(), fits, ("idle", "good"))
    value = {(one.model, one.protocol): one for one in rows if one.metric == "ndcg_at_10"}
    last = "leave-one-out, last item, all items ranked, seen excluded, losses and stacks, 95%"
    assert {model for model, said in value if said == last} == {"idle", "good", "stacked", "stacked_with_good"}
    assert value["stacked_with_good", last].value > 0.8 > 0.6 > value["stacked", last].value
    assert value["stacked_with_good", f"{last}, paired gain over stacked"].low > 0
    assert (
        value["good", last.replace("last", "penultimate")].value
        > value["idle", last.replace("last", "penultimate")].value
    )
    sizes = {size for _, size in fits._kept}
    assert len(sizes) == 3  # without the last one, two, three items
    assert len([name for name, _ in fits._kept if name == "good"]) == 3
