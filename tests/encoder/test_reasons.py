"""Reasons: parts sum to the whole, what is left out matters as much as it should, sentences in both languages."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from tests.encoder.test_encoder import CUTOFF, HORIZON, TINY, shop

from holdfast.core.schema import EVENT_TYPES
from holdfast.core.sequences import EventSequences, tiny_sequences
from holdfast.encoder.fit import fit
from holdfast.encoder.fitted import FittedEncoder
from holdfast.encoder.reasons import integrated_gradients, occlusion, reasons, weeks
from holdfast.encoder.words import EVENT_WORDS

pytestmark = pytest.mark.usefixtures("deep")


@pytest.fixture(scope="module")
def taught() -> tuple[FittedEncoder, EventSequences]:
    """Most who complained at last stay away, most others do not."""
    told, labels = shop(customers=300)
    before = np.array([_last_before(told, row) for row in range(len(told))])
    left = (before == EVENT_TYPES.index("ticket")) ^ (np.random.default_rng(1).random(len(told)) < 0.1)
    labels = replace(labels, duration=np.where(left, 40.0, 5.0), observed=~left)
    config = replace(TINY, epochs=25, learning_rate=0.01)
    return fit(config, told, labels, cutoff=CUTOFF, horizon=HORIZON), told


def _last_before(told: EventSequences, row: int) -> int:
    """The type of the newest event 40 days before the cutoff, -1 where there is none."""
    inside = told.positions[told.offsets[row] : told.offsets[row + 1]]
    old = inside[told.events.occurred_at[inside] < CUTOFF.micros - 40 * 86_400_000_000]
    return int(told.events.kind[old[-1]]) if len(old) else -1


def test_parts_sum_to_the_forecast(taught: tuple[FittedEncoder, EventSequences]) -> None:
    encoder, told = taught
    told = told.take(np.arange(25)).newest(encoder.config.length)
    parts = integrated_gradients(encoder, told)
    p = encoder.survival(encoder.embedded(told), HORIZON.days)
    assert np.allclose(parts.total, np.log(p / (1 - p)), atol=1e-4)
    summed = parts.base + parts.silence + parts.history + np.bincount(told.row_of, parts.events, minlength=25)
    assert np.allclose(summed, parts.total, atol=0.02)
    assert np.allclose(parts.missed, parts.total - summed, atol=1e-6)


def test_the_event_that_matters_gets_the_reason(taught: tuple[FittedEncoder, EventSequences]) -> None:
    encoder, _ = taught
    one = tiny_sequences({"ann": [(30, "purchase"), (20, "view"), (1, "ticket")]}, CUTOFF)
    parts = integrated_gradients(encoder, one)
    assert parts.events[2] > max(0.5, parts.events[0], parts.events[1])
    said = reasons(encoder, one, language="en")[0]
    assert said[0]["text"] == "1 complaint or question in the week of 25 May 2024"
    assert said[0]["contribution"] > 0
    chinese = reasons(encoder, one, language="zh", by="event_type")[0]
    assert chinese[0] | {"contribution": 0.0} == {
        "feature": "event_type:ticket", "value": 1.0, "contribution": 0.0, "text": "1次咨询投诉",
    }  # fmt: skip


def test_leaving_out_what_matters_changes_the_forecast(taught: tuple[FittedEncoder, EventSequences]) -> None:
    encoder, _ = taught
    history = {"ann": [(30, "purchase"), (20, "view"), (1, "ticket")], "bob": [(25, "view")], "cem": []}
    told = tiny_sequences(history, CUTOFF)  # type: ignore[arg-type]
    each = occlusion(encoder, told, np.array([0, 1, 2, 0]))
    assert each.shape == (3, 3)
    assert each[0, 2] > 0.5  # without the complaint she would be likelier to stay
    assert each[0, 2] > abs(each[0, 0])
    assert (each[1, 1:] == 0).all()
    assert (each[2] == 0).all()
    assert weeks(told).tolist() == [4, 2, 0, 3]


def test_a_week_left_out_is_a_sentence(taught: tuple[FittedEncoder, EventSequences]) -> None:
    encoder, _ = taught
    told = tiny_sequences({"ann": [(30, "purchase"), (3, "ticket"), (1, "ticket")], "cem": []}, CUTOFF)  # type: ignore[dict-item]
    said = reasons(encoder, told, by="whole_week", method="occlusion")
    assert said[0][0]["text"] == "2 events in the week of 25 May 2024"
    assert said[0][0]["feature"] == "whole_week"
    assert said[0][0]["contribution"] > 0.5
    assert said[1] == []  # nothing can be left out of nothing
    by_type = reasons(encoder, told, by="event_type", method="occlusion", language="zh")[0]
    assert by_type[0]["text"] == "2次咨询投诉"


def test_silence_is_said_in_weeks(taught: tuple[FittedEncoder, EventSequences]) -> None:
    encoder, _ = taught
    told = tiny_sequences({"a": [(24, "view")], "b": [(8, "view")], "c": [(2, "view")], "d": []}, CUTOFF)
    texts = {"en": [], "zh": []}  # type: ignore[var-annotated]
    for language in ("en", "zh"):
        parts = integrated_gradients(encoder, told)
        forced = replace(parts, silence=np.full(4, 99.0), total=np.ones(4))
        said = reasons(encoder, told, language=language, attributed=forced)  # type: ignore[arg-type]
        texts[language] = [one[0]["text"] for one in said]
    assert texts["en"] == [
        "the three silent weeks since 8 May 2024", "the silent week since 24 May 2024",
        "no event for less than a week, since 30 May 2024", "no event at all",
    ]  # fmt: skip
    assert texts["zh"][0] == "自2024年5月8日以来沉默了3周"


def test_categories_can_be_the_reason(taught: tuple[FittedEncoder, EventSequences]) -> None:
    encoder, _ = taught
    told = tiny_sequences({"ann": [(3, "view"), (2, "ticket")]}, CUTOFF)
    events = replace(told.events, items=pa.array(["i"]), item=np.array([0, 0], np.int32))
    told = replace(told, events=events, categories=pa.array(["Toys"]), category_of=np.array([[0]], np.int32))
    parts = replace(integrated_gradients(encoder, told), events=np.array([1.0, 1.0]), total=np.array([2.0]))
    said = reasons(encoder, told, by="category", attributed=parts)[0]
    assert said[0] == {"feature": "category:Toys", "value": 2.0, "contribution": 2.0, "text": "2 events about Toys"}


def test_every_type_of_event_has_its_words() -> None:
    assert set(EVENT_WORDS) == set(EVENT_TYPES)
