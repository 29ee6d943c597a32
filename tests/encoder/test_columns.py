"""The time rule of encoders: at each cutoff the columns know nothing of what was recorded from then on, bit for bit."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.encoder.test_sequences import known, light
from tests.features.shops import ITEM_ROWS, START, localised, log_of

from holdfast.core.clock import Cutoff, Gap, Horizon, Window
from holdfast.core.errors import LeakError, UsageError
from holdfast.core.tables import FeatureTable, Key
from holdfast.encoder.columns import Course, Encoders, columns_of, sequence_columns, taught_at, teach_encoders
from holdfast.encoder.settings import Encoder, SequenceSettings
from holdfast.engine.duck import Engine
from holdfast.snapshot.ledger import Ledger

pytestmark = pytest.mark.usefixtures("deep")

ZONE = "Europe/London"
TINY = Encoder(width=8, heads=2, length=8, pretrain_epochs=1, epochs=2, held_out=0.2)
COURSE = Course(Horizon.parse("14d"), TINY, retrain=Window.parse("20d"), step=Window.parse("5d"))
#: The first begins a block; the second, within a day, shares it; the third begins the next.
CUTOFFS = (
    Cutoff.parse("2011-04-25", ZONE),
    Cutoff.parse("2011-05-05T15:30:00Z"),
    Cutoff.parse("2011-05-18T10:00:00Z"),
)


def history(seed: int = 1, customers: int = 40) -> list[dict[str, Any]]:
    """Events over 80 days, some recorded late, some taken back."""
    random = np.random.default_rng(seed)
    found = []
    for at in range(customers * 14):
        occurred = START + timedelta(minutes=int(random.integers(0, 80 * 1440)))
        recorded = occurred + timedelta(hours=int(random.choice([0, 0, 0, 30, 200])))
        gone = random.choice([0, 0, 0, 0, 20, 300])
        kind = str(random.choice(["purchase", "view", "cart_add", "ticket", "message"]))
        found.append(
            {
                "event_id": f"e{at}", "customer_id": f"c{random.integers(customers):02d}", "occurred_at": occurred,
                "recorded_at": recorded, "event_type": kind, "item_id": f"i{random.integers(1, 4)}", "quantity": 1.0,
                "unit_price": int(random.integers(1, 90_000)), "channel": str(random.choice(["web", "app"])),
                "order_id": f"o{at // 2}" if kind == "purchase" else None,
                "retracted_at": recorded + timedelta(hours=int(gone)) if gone else None, "source": "s", "source_id": "x",
            }
        )  # fmt: skip
    return localised(found, ZONE)


def columns(engine: Engine, events: list[dict[str, Any]], cutoffs: tuple[Cutoff, ...], items: Any) -> FeatureTable:
    ledger = light(engine, log_of(engine, events, ZONE, items))
    return sequence_columns(ledger, key_of(cutoffs), COURSE)


def key_of(cutoffs: tuple[Cutoff, ...]) -> Key:
    names = [f"c{at:02d}" for at in range(40)] + ["stranger"]
    return Key.of(names * len(cutoffs), np.repeat([one.micros for one in cutoffs], len(names)))


def shuffled_after(events: list[dict[str, Any]], cutoff: Cutoff) -> list[dict[str, Any]]:
    """What was not known at the cutoff happens to other people, of another type, at another price."""
    later = [row for row in events if row["recorded_at"] >= cutoff.at or row["occurred_at"] >= cutoff.at]
    random = np.random.default_rng(7)
    others = [later[at]["customer_id"] for at in random.permutation(len(later))]
    mixed = [
        {**row, "customer_id": who, "event_type": "purchase", "unit_price": 777, "retracted_at": None}
        for row, who in zip(later, others, strict=True)
    ]
    return known(events, cutoff) + mixed


def test_deleting_or_shuffling_everything_after_a_cutoff_changes_no_column(engine: Engine) -> None:
    events = history()
    whole = columns(engine, events, CUTOFFS, ITEM_ROWS)
    assert np.isfinite(whole.values).all()
    assert whole.names[:1] == ("embedding_00",)
    assert len(np.unique(whole.column("sequence_p_churn").round(6))) > 20
    for at, cutoff in ((1, CUTOFFS[0]), (3, CUTOFFS[2])):
        now = whole.at(CUTOFFS[:at]).values
        items = [row for row in ITEM_ROWS if row["valid_from"] is not None and row["valid_from"] < cutoff.at]
        alone = columns(engine, known(events, cutoff), CUTOFFS[:at], items).values
        assert np.array_equal(alone, now), f"deleting what came after {cutoff} changed a column"
    mixed = columns(engine, shuffled_after(events, CUTOFFS[1]), CUTOFFS, ITEM_ROWS)
    assert np.array_equal(mixed.at(CUTOFFS[:2]).values, whole.at(CUTOFFS[:2]).values)
    assert not np.array_equal(mixed.at(CUTOFFS[2:]).values, whole.at(CUTOFFS[2:]).values)


@pytest.fixture(scope="module")
def ledger(engine: Engine) -> Ledger:
    return light(engine, log_of(engine, history(), ZONE))


@pytest.fixture(scope="module")
def encoders(ledger: Ledger) -> Encoders:
    return teach_encoders(ledger, CUTOFFS, COURSE)


def test_each_block_has_its_own_encoder_taught_before_it(encoders: Encoders) -> None:
    assert [len(block) for block, _ in encoders.parts] == [2, 1]
    for block, encoder in encoders.parts:
        assert encoder is not None
        assert encoder.cutoff == taught_at(block, ZONE) <= block[0]
    assert encoders.parts[1][1] is encoders.newest
    state = encoders.state()
    assert [one["taught_at"] for one in state["blocks"]] == [str(one.cutoff) for _, one in encoders.parts if one]
    assert state["parameters"] == encoders.newest.parameters
    assert encoders.newest.cutoff == Cutoff.parse("2011-05-18", ZONE)
    assert encoders.customer_vectors(key_of(CUTOFFS[2:])).shape == (41, 8)
    with pytest.raises(LeakError):
        encoders.customer_vectors(key_of(CUTOFFS[:1]))
    early = encoders.history.sequences(key_of(CUTOFFS[:1]), 8)
    with pytest.raises(LeakError):
        columns_of(encoders.newest, early)


def test_the_columns_are_learned_ones_that_models_name(encoders: Encoders) -> None:
    made = encoders.columns(key_of(CUTOFFS[:1]))
    assert len(made.columns) == 18
    assert {one.family for one in made.columns} == {"sequence"}
    assert all(one.sentence.en and one.sentence.zh for one in made.columns)
    p = made.column("sequence_p_churn")
    assert ((p > 0) & (p < 1)).all()
    assert (made.column("sequence_expected_spend") >= 0).all()


def test_a_cutoff_nobody_taught_for_is_refused(encoders: Encoders) -> None:
    with pytest.raises(UsageError, match="no encoder was taught for"):
        encoders.columns(key_of((Cutoff.parse("2011-05-30", ZONE),)))


def test_before_there_is_anything_to_learn_the_columns_say_nothing(ledger: Ledger) -> None:
    early = Cutoff(START + timedelta(days=3))
    made = sequence_columns(ledger, key_of((early,)), COURSE)
    assert np.isnan(made.values).all()


def test_labels_are_those_of_closed_windows_and_late_orders_are_not_known_yet(ledger: Ledger) -> None:
    from holdfast.encoder.columns import labels_of
    from holdfast.snapshot.observed import Observed
    from holdfast.snapshot.sequences import History

    own = CUTOFFS[0]
    found = labels_of(ledger, History.read(Observed(ledger, (own,))), own, COURSE)
    ends = found.key.cutoff / 86_400e6 + found.known
    assert np.allclose(ends, own.micros / 86_400e6)
    assert (found.duration <= found.known).all()
    assert np.isnan(found.spend[found.known < COURSE.horizon.days]).all()
    assert not np.isnan(found.spend[found.known >= COURSE.horizon.days]).any()
    assert own.minus(Gap.parse("7d")) in found.key.cutoffs  # the newest slice teaches its first days


def test_the_settings_make_the_encoder_they_name() -> None:
    assert SequenceSettings(kind="lstm", width=32).encoder(seed=3) == Encoder(kind="lstm", width=32, seed=3)


@pytest.mark.slow
@pytest.mark.real_data
def test_on_a_real_shop_the_events_alone_say_who_stays_away(tmp_path: Path, real_data: Path) -> None:
    from holdfast.bench.shops import cutoffs_of, open_shop
    from holdfast.metrics.ranking import auc
    from holdfast.snapshot.snapshot import Snapshot

    assert (real_data / "online_retail").is_dir()
    horizon = Horizon.parse("30d")
    with Engine() as engine:
        ledger = open_shop("online_retail", engine, tmp_path)
        newest = cutoffs_of("online_retail", horizon)[1][-1]
        outcomes = Snapshot(ledger, (newest,)).outcomes(horizon)
        made = sequence_columns(ledger, outcomes.key, Course(horizon, Encoder(width=32)))
    assert auc(outcomes.churned, made.column("sequence_p_churn")) > 0.69
    spent = outcomes.revenue > 0
    assert auc(spent, made.column("sequence_expected_spend")) > 0.69


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3])
def test_the_law_holds_over_other_histories_and_readers(engine: Engine, seed: int) -> None:
    from dataclasses import replace

    events, cutoff = history(seed), CUTOFFS[1]
    course = replace(COURSE, config=replace(TINY, kind=("lstm", "transformer")[seed % 2]), grain="line")
    tables = [
        sequence_columns(light(engine, log_of(engine, each, ZONE)), key_of(CUTOFFS[:2]), course)
        for each in (events, known(events, cutoff), shuffled_after(events, cutoff))
    ]
    assert len({table.fingerprint for table in tables}) == 1
