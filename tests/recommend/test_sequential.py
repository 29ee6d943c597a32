"""The lane sasrec: what it learns, what it refuses, why it says what it says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from tests.conftest import missing

from holdfast.core.clock import Cutoff, Window
from holdfast.core.errors import LeakError, StateError, UsageError
from holdfast.core.interactions import Interactions, Items, tiny_interactions
from holdfast.core.schema import EVENT_TYPES
from holdfast.encoder.backend import available
from holdfast.recommend.pack import pack
from holdfast.recommend.sequential import Sasrec
from holdfast.recommend.sequential_fitted import SasrecFit
from holdfast.recommend.sequential_order import Histories, codes_of
from holdfast.recommend.sequential_settings import Teaching
from holdfast.recommend.sequential_start import encoder_vectors, pair_vectors

CUTOFF = Cutoff.parse("2024-06-01")
DAY = 86_400_000_000
DAYS = Window.parse("1d")
LIGHT = Sasrec(width=16, layers=1, dropout=0.1, teaching=Teaching(epochs=24, learning_rate=0.01, batch_tokens=1024))


@pytest.fixture(autouse=True)
def _deep():
    if not available():
        missing("torch or safetensors is not installed: pip install 'holdfast[deep]'")


def ring(customers: int = 500, items: int = 12, seed: int = 0, back: float = 0.0) -> Interactions:
    """Everybody walks round the catalogue: after item i always comes item i + 1, or, for some, i - 1."""
    random = np.random.default_rng(seed)
    names = [f"i{at:02d}" for at in range(items)]
    first, length = random.integers(items, size=customers), random.integers(3, 9, size=customers)
    step = np.where(random.random(customers) < back, -1, 1)
    who = np.repeat(np.arange(customers), length)
    place = np.concatenate([np.arange(one) for one in length])
    item = (first[who] + step[who] * place) % items
    return Interactions.of(
        pa.array([f"c{at}" for at in range(customers)]), Items.named(names, title=[f"Item {at}" for at in range(items)]),
        CUTOFF, customer=who, item=item, occurred_at=CUTOFF.micros - (length[who] - place) * DAY,
    )  # fmt: skip


@pytest.fixture(scope="module")
def taught():
    if not available():
        missing("torch or safetensors is not installed: pip install 'holdfast[deep]'")
    return LIGHT.fit(ring())


@pytest.mark.parametrize("loss", ["softmax", "sampled", "gbce"])
def test_it_learns_what_comes_next(loss):
    lane = replace(LIGHT, teaching=replace(LIGHT.teaching, loss=loss, negatives=6))
    new = ring(40, seed=9)
    top = lane.fit(ring()).recommend(new, 1).item
    last = new.item[new.offsets[1:] - 1]
    assert (top == (last + 1) % 12).mean() > 0.9


def test_order_decides_and_not_what_was_bought():
    fit = LIGHT.fit(ring(600, back=0.5))
    forth = tiny_interactions({"a": [(3, "i01"), (2, "i02"), (1, "i03")]}, CUTOFF)
    back = tiny_interactions({"a": [(3, "i03"), (2, "i02"), (1, "i01")]}, CUTOFF)
    tops = [fit.recommend(one, 1).to_arrow()["item_id"][0].as_py() for one in (forth, back)]
    assert tops == ["i04", "i00"]


def test_no_state_sees_what_comes_later(taught):
    torch = pytest.importorskip("torch")
    codes = torch.tensor([[1, 2, 3, 4]])
    other = torch.tensor([[1, 2, 9, 8]])
    kinds = torch.zeros_like(codes)
    with torch.no_grad():
        one, two = (taught.network.states(each, kinds).numpy() for each in (codes, other))
    assert np.allclose(one[:, :2], two[:, :2], atol=1e-6)
    assert not np.allclose(one[:, 2:], two[:, 2:], atol=1e-3)


def test_padding_changes_no_score(taught):
    past = ring(30, seed=4)
    whole = taught.score(past)
    alone = np.concatenate([taught.score(past, np.array([row])) for row in range(30)])
    assert np.allclose(whole, alone, atol=1e-4)


def test_the_network_holds_only_the_newest_events(taught):
    short = replace(taught, shape=replace(taught.shape))
    long = tiny_interactions({"a": [(200 - at, f"i{at % 12:02d}") for at in range(150)]}, CUTOFF)
    newest = long.keeping(np.arange(150) >= 100)
    assert np.array_equal(short.score(long), taught.score(newest))


def test_the_gradient_by_hand_is_that_of_torch():
    torch = pytest.importorskip("torch")
    from holdfast.recommend.sequential_losses import softmax

    random = torch.Generator().manual_seed(1)
    states, vectors = (torch.randn(size, 4, generator=random, requires_grad=True) for size in (7, 11))
    right, weight = torch.tensor([1, 2, 3, 4, 5, 6, 11]), torch.rand(7, generator=random)
    (softmax(states, right, vectors) * weight).sum().backward()
    mine = [one.grad.clone() for one in (states, vectors)]
    states.grad = vectors.grad = None
    loss = torch.nn.functional.cross_entropy(states @ vectors.T, right - 1, reduction="none")
    (loss * weight).sum().backward()
    assert all(torch.allclose(a, b.grad, atol=1e-6) for a, b in zip(mine, (states, vectors), strict=True))


def test_a_sample_corrected_for_its_bias_is_right_on_average():
    torch = pytest.importorskip("torch")
    from holdfast.recommend.sequential_losses import sampled, softmax

    random = torch.Generator().manual_seed(2)
    states, vectors = (torch.randn(size, 4, generator=random) for size in (5, 30))
    right = torch.arange(1, 6)
    share = torch.rand(30, generator=random) + 0.1
    share = share / share.sum()
    drawn = torch.multinomial(share, 200_000, replacement=True, generator=random)
    found = sampled(states, right, vectors, drawn + 1, share[drawn] * 200_000)
    assert torch.allclose(found, softmax(states, right, vectors), atol=0.02)
    unweighed = sampled(states, right, vectors, drawn + 1, torch.full((200_000,), 200_000 / 30))
    assert not torch.allclose(unweighed, softmax(states, right, vectors), atol=0.02)


def test_gbce_without_calibration_is_binary_cross_entropy():
    torch = pytest.importorskip("torch")
    from holdfast.recommend.sequential_losses import gbce

    states, vectors = torch.ones(1, 2), torch.eye(2).repeat(3, 1)
    drawn = torch.tensor([3, 4])
    log, level = torch.nn.functional.logsigmoid, np.log(1.0 / 2)
    plain = -log(torch.tensor(1.0 + level)) - 2 * log(torch.tensor(-1.0 - level))
    assert gbce(states, torch.tensor([1]), vectors, drawn, 0.0).item() == pytest.approx(plain.item(), abs=1e-6)
    weight = 2 / 5
    level = np.log(weight / 2)
    full = -weight * log(torch.tensor(1.0 + level)) - 2 * log(torch.tensor(-1.0 - level))
    assert gbce(states, torch.tensor([1]), vectors, drawn, 1.0).item() == pytest.approx(full.item(), abs=1e-6)


def test_the_reason_is_the_event_whose_removal_hurts_most(taught):
    past = tiny_interactions({"a": [(40, "i09"), (30, "i06"), (1, "i03")]}, CUTOFF)
    past = past.over(taught.items)
    item = int(taught.recommend(past, 1).item[0])
    (said,) = taught.reasons(past, np.array([0], np.int32), np.array([item], np.int32))
    drops = {}
    for at, name in enumerate(("i09", "i06", "i03")):
        without = past.keeping(np.arange(3) != at)
        drops[name] = taught.score(past)[0, item] - taught.score(without)[0, item]
    worst = max(drops, key=lambda one: drops[one])
    assert worst == "i03"
    assert said.en == "because of Item 3 that you bought on Friday"
    assert said.zh == "因为您周五购买了Item 3"


def test_nothing_is_said_without_a_history(taught):
    past = tiny_interactions({"a": [], "b": [(2, "i01")]}, CUTOFF).over(taught.items)
    assert np.isneginf(taught.score(past)[0]).all()
    said = taught.reasons(past, np.array([0], np.int32), np.array([1], np.int32))
    assert said[0].en == "nothing is known yet that would speak for it"


def test_other_events_are_read_where_asked():
    """A view says what is bought next; purchases alone say nothing."""
    random = np.random.default_rng(3)
    n, view = 300, EVENT_TYPES.index("view")
    looked = random.integers(6, size=n)
    who = np.repeat(np.arange(n), 3)
    item = np.stack([np.full(n, 0), looked + 1, looked + 7], axis=1).ravel()
    kind = np.tile([EVENT_TYPES.index("purchase"), view, EVENT_TYPES.index("purchase")], n)
    at = CUTOFF.micros - np.tile([3, 2, 1], n) * DAY
    past = Interactions.of(
        pa.array([f"c{one}" for one in range(n)]), Items.named([f"i{one:02d}" for one in range(13)]), CUTOFF,
        customer=who, item=item, occurred_at=at, event_type=kind,
    )  # fmt: skip
    before = past.keeping(np.tile([True, True, False], n))
    right = {}
    for reads in (("purchase",), ("purchase", "view")):
        top = replace(LIGHT, reads=reads).fit(past).recommend(before, 1).item
        right[reads] = (top == looked + 7).mean()
    assert right["purchase", "view"] > 0.9
    assert right["purchase",] < 0.5
    fit = replace(LIGHT, reads=("purchase", "view")).fit(past)
    said = fit.reasons(before, np.array([0], np.int32), np.array([int(looked[0]) + 7], np.int32))
    assert "that you looked at" in said[0].en


def test_a_saved_fit_is_no_pickle_and_refuses_what_is_not_one(taught):
    data = taught.to_bytes()
    again = SasrecFit.from_bytes(data)
    past = ring(5, seed=2)
    assert np.array_equal(again.score(past), taught.score(past))
    assert again.taught == taught.taught
    assert again.parameters == taught.parameters < 1_000_000
    with pytest.raises(StateError, match="not a saved network"):
        SasrecFit.from_bytes(pack("sasrec", {"network": np.zeros(9, np.uint8)}, shape=None))


def test_nothing_to_learn_from_is_defined():
    past = tiny_interactions({"a": [(2, "x")], "b": []}, CUTOFF)
    fit = LIGHT.fit(past)
    assert np.isneginf(fit.score(past)).all()
    assert SasrecFit.from_bytes(fit.to_bytes()).recommend(past, 3).counts.tolist() == [0, 0]
    with pytest.raises(StateError, match="learnt nothing"):
        _ = fit.network


def test_held_out_items_say_when_to_stop():
    lane = replace(LIGHT, teaching=replace(LIGHT.teaching, epochs=60, patience=2, held_out=0.3))
    fit = lane.fit(ring(600))
    looks = fit.taught["looks"]
    held = [one["held_out"] for one in looks]
    assert len(looks) < 60
    assert max(held) == max(held[:-2])  # the last two looks were no better


def test_a_budget_of_events_bounds_the_teaching():
    past = ring(200)
    lane = replace(LIGHT, teaching=replace(LIGHT.teaching, tokens=3 * past.size))
    fit = lane.fit(past)
    assert len(fit.taught["looks"]) == 2  # 200 customers: nobody is held out, so half of what it may read
    assert fit.taught["tokens"] < 3 * past.size


def test_vectors_start_from_the_encoder():
    class Encoder:
        cutoff = CUTOFF.minus(DAYS)

        def item_vectors(self):
            return ("i01", "i02"), np.array([[3.0, 0.0], [0.0, 3.0]], np.float32)

    past = ring(20)
    code = codes_of(past, ("purchase",))
    found = encoder_vectors(Encoder(), past.items, code, 4, CUTOFF)
    own = found[code[[1, 2]] - 1]
    assert np.allclose(own, [[1.5, -1.5, 0, 0], [-1.5, 1.5, 0, 0]])
    assert np.isnan(found[code[3] - 1]).all()
    lane = replace(LIGHT, start_from="encoder", teaching=replace(LIGHT.teaching, epochs=2))
    told = lane.fit(past, encoder=Encoder())
    untold = replace(lane, start_from="random").fit(past)
    assert not np.allclose(told.score(past), untold.score(past), atol=1e-3)
    late = Encoder()
    late.cutoff = CUTOFF.plus(DAYS)
    with pytest.raises(LeakError, match="after the cutoff"):
        lane.fit(past, encoder=late)
    with pytest.raises(UsageError, match="without an encoder"):
        lane.fit(past)


def test_pairs_lie_near_each_other():
    past = ring(400, items=40)
    code = codes_of(past, ("purchase",))
    told = Histories.of(past, code, ("purchase",)).sorted()
    found = pair_vectors(told, 40, 6)
    found = found / np.linalg.norm(found, axis=1, keepdims=True)
    near = (found[code - 1] * found[np.roll(code, -1) - 1]).sum(axis=1)
    far = (found[code - 1] * found[np.roll(code, -20) - 1]).sum(axis=1)
    assert near.mean() > far.mean() + 0.3
    assert pair_vectors(told, 40, 39) is None


def test_codes_follow_events_and_not_names():
    past = ring(50)
    code = codes_of(past, ("purchase",))
    turned = np.arange(len(past.items))[::-1]
    other = Interactions.of(
        past.customer_id, Items.named([f"x{at:02d}" for at in range(12)]), CUTOFF, customer=past.customer,
        item=turned[past.item], occurred_at=past.occurred_at,
    )  # fmt: skip
    assert np.array_equal(codes_of(other, ("purchase",)), code[turned])
    count = np.bincount(past.item, minlength=12)
    assert (np.diff(count[np.argsort(code)]) <= 0).all()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"start_from": "luck"}, "start_from"),
        ({"reads": ("buy",)}, "cannot read"),
        ({"reads": ()}, "cannot read"),
        ({"width": 63}, "multiple of heads"),
    ],
)
def test_what_cannot_be_built_is_refused(wrong, said):
    with pytest.raises(UsageError, match=said):
        Sasrec(**wrong)
    with pytest.raises(UsageError, match="unknown loss"):
        Teaching(loss="hinge")
