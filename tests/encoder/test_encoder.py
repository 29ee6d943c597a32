"""Encoders: causal, deterministic, consistent, saved without pickle, and able to learn an order that counts cannot see."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from holdfast.core.clock import Cutoff, Gap, Horizon
from holdfast.core.errors import LeakError, StateError, TooLittleData, UsageError
from holdfast.core.sequences import EventSequences, tiny_sequences
from holdfast.core.tables import Key
from holdfast.encoder.fit import fit
from holdfast.encoder.fitted import FittedEncoder
from holdfast.encoder.labels import Labels
from holdfast.encoder.settings import DAYS, KINDS, Encoder
from holdfast.encoder.tokens import Tokens, pad
from holdfast.encoder.vocabulary import FIELDS, Vocabulary
from holdfast.metrics.ranking import auc

pytestmark = pytest.mark.usefixtures("deep")

CUTOFF = Cutoff.parse("2024-06-01")
EARLIER = CUTOFF.minus(Gap.parse("40d"))
HORIZON = Horizon.parse("30d")
TINY = Encoder(width=16, length=12, pretrain_epochs=1, epochs=2, held_out=0.2)


def shop(customers: int = 60, seed: int = 1, most: int = 20) -> tuple[EventSequences, Labels]:
    """Random histories up to CUTOFF, and what followed EARLIER."""
    random = np.random.default_rng(seed)
    kinds = ("view", "purchase", "ticket", "message", "cart_add")
    history = {
        f"customer {at}": [
            (float(random.uniform(0.1, 150)), str(random.choice(kinds))) for _ in range(random.integers(1, most))
        ]
        for at in range(customers)
    }
    key = Key.of(list(history), EARLIER)
    ordered = random.random(customers) < 0.5
    days = np.where(ordered, random.uniform(0, 40, customers), 40.0)
    return tiny_sequences(history, CUTOFF), Labels(
        key, days, ordered, np.full(customers, 40.0), np.where(ordered, 250_000.0, 0.0)
    )


def taught(config: Encoder = TINY, **options: int) -> tuple[FittedEncoder, EventSequences]:
    told, labels = shop(**options)
    return fit(config, told, labels, cutoff=CUTOFF, horizon=HORIZON), told


@pytest.fixture(scope="module")
def fitted() -> tuple[FittedEncoder, EventSequences]:
    return taught()


@pytest.mark.parametrize("kind", KINDS)
def test_no_state_knows_a_later_event(kind: str) -> None:
    encoder, told = taught(replace(TINY, kind=kind))  # type: ignore[arg-type]
    network, torch = encoder.network, encoder.network.torch
    tokens = Tokens.of(told.newest(12), encoder.words)
    row = int(np.argmax(told.newest(12).lengths))
    begin, end = tokens.offsets[row : row + 1], tokens.offsets[row + 1 : row + 2]
    batch = pad(tokens, begin, end)
    other = replace(batch, codes=batch.codes.copy(), gap=batch.gap.copy())
    other.codes[:, 8:], other.gap[:, 8:] = 1, 99.0
    with torch.no_grad():
        one, two = (network.states(network.entered(each)).numpy() for each in (batch, other))
    assert np.array_equal(one[:, :8], two[:, :8])
    assert not np.allclose(one[:, 8:], two[:, 8:])


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_history_gives_the_same_bytes_and_reads_back(kind: str) -> None:
    config = replace(TINY, kind=kind)  # type: ignore[arg-type]
    encoder, told = taught(config)
    files = encoder.to_files()
    assert taught(config)[0].to_files() == files
    again = FittedEncoder.from_files(files)
    assert np.array_equal(again.vectors(told), encoder.vectors(told))
    assert again.to_files() == files
    assert all(b"customer 7" not in data and not data.startswith(b"\x80") for data in files.values())


def test_what_is_no_encoder_is_refused(fitted: tuple[FittedEncoder, EventSequences]) -> None:
    files = fitted[0].to_files()
    for broken in (
        {**files, "encoder.json": b"{}"}, {**files, "encoder.safetensors": b"no"}, {"encoder.json": b"["},
        {**files, "encoder.json": files["encoder.json"].replace(b'"format": 1', b'"format": 99')},
    ):  # fmt: skip
        with pytest.raises(StateError):
            FittedEncoder.from_files(broken)


def test_a_row_stands_alone(fitted: tuple[FittedEncoder, EventSequences]) -> None:
    encoder, told = fitted
    whole = encoder.vectors(told)
    order = np.random.default_rng(1).permutation(len(told))
    assert np.allclose(encoder.vectors(told.take(order)), whole[order], atol=1e-5)
    assert np.allclose(encoder.vectors(told.take(np.array([5]))), whole[5], atol=1e-5)


def test_survival_is_one_curve(fitted: tuple[FittedEncoder, EventSequences]) -> None:
    encoder, told = fitted
    own = encoder.embedded(told)
    curve = np.array([encoder.survival(own, days) for days in (1, 7, 14, 30, 31.5, 60, 90, 180, 400)])
    assert ((curve > 0) & (curve < 1)).all()
    assert (np.diff(curve, axis=0) <= 0).all()
    assert DAYS[encoder.intervals - 1] == 30  # labels are known for 40 days, and the next interval ends after 45
    rate = [
        np.log(encoder.survival(own, a) / encoder.survival(own, b)) / (b - a)
        for a, b in ((22, 29), (60, 90), (200, 400))
    ]
    assert np.allclose(rate[1:], rate[0], rtol=1e-6)  # beyond, the rate of the last interval goes on
    median = encoder.next_order_days(own)
    inside = np.isfinite(median)
    at = np.array([encoder.survival(own[row : row + 1], float(median[row]))[0] for row in np.flatnonzero(inside)])
    assert np.allclose(at, 0.5, atol=1e-6)
    assert (encoder.survival(own[~inside], DAYS[-1]) > 0.5).all()


def test_the_hazard_learns_the_base_rate_and_spend_the_mean() -> None:
    encoder, told = taught(replace(TINY, epochs=6), customers=400)
    _, labels = shop(customers=400)
    own = encoder.embedded(told)
    stayed = 1 - encoder.survival(own, 30).mean()
    assert abs(stayed - (labels.observed & (labels.duration < 30)).mean()) < 0.12
    assert 22 < encoder.order_sum(own).mean() < 28  # every order sum is 25
    assert (encoder.expected_spend(own) < encoder.order_sum(own)).all()


def test_it_learns_an_order_that_counts_cannot_see() -> None:
    """A message before or after the ticket decides, four events back; everything else is equal."""
    random = np.random.default_rng(3)
    history, left = {}, []
    for at in range(900):
        ignored = bool(random.random() < 0.5)
        pair = ["message", "ticket"] if ignored else ["ticket", "message"]
        kinds = [*random.choice(["view", "purchase"], 3), *pair, *random.choice(["view", "purchase"], 4)]
        history[f"c{at}"] = [(60.0 - place, str(kind)) for place, kind in enumerate(kinds)]
        left.append(ignored)
    churned = np.array(left)
    told = tiny_sequences(history, CUTOFF)
    key, n = Key.of(list(history), CUTOFF.minus(Gap.parse("31d"))), len(churned)
    labels = Labels(key, np.where(churned, 31.0, 10.0), ~churned, np.full(n, 31.0), np.full(n, np.nan))
    learn, check = np.arange(700), np.arange(700, 900)
    config = Encoder(width=16, length=12, pretrain_epochs=1, epochs=25, learning_rate=0.01, batch_tokens=1024)
    encoder = fit(config, told.take(learn), labels.take(learn), cutoff=CUTOFF, horizon=HORIZON)
    said = encoder.survival(encoder.embedded(told.take(check)), 30)
    assert auc(churned[check], said) > 0.95


def test_teaching_gets_better_and_says_how(fitted: tuple[FittedEncoder, EventSequences]) -> None:
    state = taught(replace(TINY, pretrain_epochs=4))[0].state()
    assert [one["phase"] for one in state["phases"]] == ["pre-training", "teaching"]
    held = [one["held_out"] for one in state["phases"][0]["curve"]]
    assert min(held) < held[0]
    assert state["tokens"] == sum(one["tokens"] for one in state["phases"]) > 0
    assert state["parameters"] == sum(one.size for one in fitted[0].weights.values())
    assert Encoder().items <= 2000
    assert state["parameters"] < 1_000_000


def test_the_default_encoders_stay_under_a_million_parameters() -> None:
    told, _ = shop(customers=20)
    words = Vocabulary.learn(told, 2000, 64)
    full = replace(words, items=tuple(map(str, range(2000))), categories=tuple(map(str, range(254))))
    from holdfast.encoder.network import Network

    for kind in KINDS:
        assert Network(Encoder(kind=kind, layers=2), full.sizes).parameters < 1_000_000  # type: ignore[arg-type]


def test_teaching_reports_how_far_it_is() -> None:
    steps: list[tuple[str, float, float | None]] = []

    class Listener:
        def step(self, what: str, done: float, total: float | None = None) -> None:
            steps.append((what, done, total))

    fit(TINY, *shop(customers=20), cutoff=CUTOFF, horizon=HORIZON, progress=Listener())
    for name in ("pre-training", "teaching"):
        mine = [(done, total) for what, done, total in steps if what == name]
        assert mine == sorted(mine)
        assert mine[-1][0] == mine[-1][1]


def test_the_budget_of_tokens_holds() -> None:
    few = taught(replace(TINY, tokens=600, epochs=50))[0]
    assert all(one["tokens"] <= 600 + 512 for one in few.taught)


def test_customer_and_item_vectors_live_in_one_space() -> None:
    told, labels = shop(customers=80)
    names = [f"i{at % 7}" for at in range(len(told.events))]
    items = pa.array(sorted(set(names)))
    events = replace(told.events, items=items, item=np.array([int(one[1]) for one in names], np.int32))
    told = replace(told, events=events)
    encoder = fit(TINY, told, labels, cutoff=CUTOFF, horizon=HORIZON)
    known, vectors = encoder.item_vectors()
    assert sorted(known) == items.to_pylist()
    assert (encoder.customer_vectors(told) @ vectors.T).shape == (80, 7)


def test_the_future_is_refused() -> None:
    told, labels = shop()
    with pytest.raises(LeakError):
        fit(TINY, told, labels, cutoff=CUTOFF.minus(Gap.parse("5d")), horizon=HORIZON)
    late = replace(labels, duration=labels.duration + 30, known=labels.known + 30)
    with pytest.raises(LeakError):
        fit(TINY, told, late, cutoff=CUTOFF, horizon=HORIZON)


def test_labels_that_make_no_sense_are_refused() -> None:
    _, labels = shop()
    for wrong in (labels.duration - 100, np.full(len(labels), np.nan), labels.duration + 100, labels.duration[:5]):
        with pytest.raises(UsageError):
            replace(labels, duration=wrong)


def test_a_stretch_that_is_not_known_to_its_end_teaches_nothing() -> None:
    """Else those with an order would be counted and those without would not, and the hazard would be 1."""
    from holdfast.encoder.losses import targets

    days, seen, known = np.array([32.0, 40.0]), np.array([True, False]), np.array([40.0, 40.0])
    found = targets(days, seen, known, np.array([np.nan, np.nan]), np.array([0, 0]))
    assert found["at_risk"].sum(axis=0).tolist() == [2, 2, 2, 2, 2, 0, 0, 0, 0, 0]


def test_too_little_is_said() -> None:
    told, labels = shop()
    with pytest.raises(TooLittleData, match="nothing to teach"):
        fit(TINY, told, labels.take(np.array([], np.int64)), cutoff=CUTOFF, horizon=HORIZON)
    day = np.full(len(labels), 1.0)
    short = replace(labels, duration=day, known=day, observed=np.zeros(len(labels), bool))
    with pytest.raises(TooLittleData, match="hazard"):
        fit(TINY, told, short, cutoff=CUTOFF, horizon=HORIZON)


@pytest.mark.parametrize("one_class", [True, False])
def test_ten_customers_one_class_no_events_and_huge_values_are_survived(one_class: bool) -> None:
    told, labels = shop(customers=10)
    labels = replace(labels, observed=np.full(10, one_class), spend=np.full(10, 9e17))
    events = replace(told.events, amount=np.full(len(told.events), 2**62, np.int64))
    encoder = fit(TINY, replace(told, events=events), labels, cutoff=CUTOFF, horizon=HORIZON)
    strange = tiny_sequences({"nobody": [], "old": [(36_500.0, "view")], "ann": [(0.0, "share")] * 40}, CUTOFF)
    own = encoder.embedded(strange)
    for said in (own, encoder.survival(own, 30), encoder.expected_spend(own), encoder.next_category(own)[1]):
        assert np.isfinite(said).all()
    assert not np.isnan(encoder.next_order_days(own)).any()


def test_words_come_from_the_histories_alone_and_everything_has_a_code() -> None:
    told, _ = shop(customers=30)
    names = pa.array(["never seen", "often", "rare"])
    item = np.ones(len(told.events), np.int32)
    item[:2] = 2
    told = replace(told, events=replace(told.events, items=names, item=item))
    words = Vocabulary.learn(told, 10, 4)
    assert words.items == ("often",)
    codes = words.item_codes(names, np.array([-1, 0, 1, 2]))
    assert codes[0] == 0
    assert codes[2] == 1
    assert set(codes[[1, 3]]) <= {2, 3, 4, 5}
    assert (words.codes(told) < np.array(words.sizes)).all()
    assert words.codes(told).shape[1] == len(FIELDS)
    assert Vocabulary.from_dict(words.as_dict()) == words


def test_settings_that_cannot_be_built_are_refused() -> None:
    with pytest.raises(UsageError, match="unknown encoder"):
        Encoder(kind="rnn")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="cannot be built"):
        Encoder(width=30)


def test_without_torch_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    told, labels = shop(customers=20)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UsageError, match=r"pip install 'holdfast\[deep\]'"):
        fit(TINY, told, labels, cutoff=CUTOFF, horizon=HORIZON)


def test_torch_is_left_as_it_was() -> None:
    import torch

    torch.manual_seed(5)
    before = torch.rand(1).item()
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.manual_seed(5)
    taught(replace(TINY, threads=1), customers=20)
    assert torch.rand(1).item() == before
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == (threads, strict)


@pytest.mark.parametrize("kind", KINDS)
def test_mixed_precision_teaches_as_well(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no GPU in tests, but a CPU can round to bfloat16 at the same places."""
    import torch

    for room in ("train", "lessons", "fitted"):
        path = f"holdfast.encoder.{room}.mixed_precision"
        monkeypatch.setattr(path, lambda where: torch.autocast(where, dtype=torch.bfloat16))
    told, labels = shop(customers=40)
    item = (np.arange(len(told.events)) % 700).astype(np.int32)
    many = pa.array([f"i{at:03d}" for at in range(700)])
    told = replace(told, events=replace(told.events, items=many, item=item))
    config = replace(TINY, kind=kind, buckets=700, pretrain_epochs=6)  # type: ignore[arg-type]
    # oneDNN has no bfloat16 LSTM for processors without AVX-512; torch's own loops round the same way
    with torch.backends.mkldnn.flags(enabled=False):
        encoder = fit(config, told, labels, cutoff=CUTOFF, horizon=HORIZON)
        own = encoder.embedded(told)
    assert own.dtype == np.float32
    assert np.isfinite(own).all()
    held = [one["held_out"] for one in encoder.taught[0]["curve"]]
    assert min(held) < held[0]


def test_an_aligned_encoder_is_turned_but_not_stretched() -> None:
    first, told = taught()
    second = fit(replace(TINY, seed=9), *shop(), cutoff=CUTOFF, horizon=HORIZON)
    turned = second.aligned(first, told)
    goal = first.vectors(told)
    assert ((turned.vectors(told) - goal) ** 2).sum() < ((second.vectors(told) - goal) ** 2).sum()
    spread = lambda rows: ((rows[:, None] - rows[None, :]) ** 2).sum(axis=-1)  # noqa: E731
    assert np.allclose(spread(turned.vectors(told)), spread(second.vectors(told)), rtol=1e-3, atol=1e-4)
    assert np.array_equal(turned.survival(turned.embedded(told), 30), second.survival(second.embedded(told), 30))
