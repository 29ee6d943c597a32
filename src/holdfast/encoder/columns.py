"""What encoders say as columns of a feature table: each cutoff by an encoder that was taught before it.

Teaching an encoder for every cutoff would be dear, so cutoffs share one in blocks; it stands at the first local midnight
of its block's first cutoff. See docs/adr/0014.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from holdfast.core.clock import NO_GAP, Cutoff, Gap, Horizon, Window
from holdfast.core.errors import LeakError, TooLittleData, UsageError
from holdfast.core.progress import SILENT, Progress
from holdfast.core.sequences import EventSequences
from holdfast.core.tables import FeatureColumn, FeatureTable, Key
from holdfast.core.text import Text
from holdfast.encoder.fit import fit
from holdfast.encoder.fitted import FittedEncoder
from holdfast.encoder.labels import Labels
from holdfast.encoder.settings import WIDTH_OF_EMBEDDING, Encoder
from holdfast.snapshot.folds import midnight_from, training_cutoffs
from holdfast.snapshot.ledger import Ledger
from holdfast.snapshot.observed import Observed
from holdfast.snapshot.outcomes import outcomes
from holdfast.snapshot.sequences import Grain, History
from holdfast.snapshot.settings import BY_ORDER, COUNTED_ORDERS, OutcomeSettings, PopulationSettings

_NOT_YET = "no encoder could be taught before this cutoff"
_SHORTEST = Horizon.parse("7d")
_TWO_WEEKS, _HALF_MONTH, _QUARTER = Window.parse("14d"), Window.parse("15d"), Window.parse("90d")
#: So many windows of history of each customer are read while teaching.
_DEPTH = 4


@dataclass(frozen=True)
class Course:
    """How encoders are taught: the question, who is asked about, and how long an encoder serves (`retrain`)."""

    horizon: Horizon
    config: Encoder = field(default_factory=Encoder)
    gap: Gap = NO_GAP
    grain: Grain = "order"
    retrain: Window = _QUARTER
    population: PopulationSettings = BY_ORDER
    outcome: OutcomeSettings = COUNTED_ORDERS
    step: Window = _HALF_MONTH
    slices: int = 24
    warm_up: Window = _TWO_WEEKS


def blocks(cutoffs: Sequence[Cutoff], retrain: Window) -> list[tuple[Cutoff, ...]]:
    """Cutoffs in blocks, each begun by the first cutoff at least `retrain` after the beginning of the block before.

    Where a block begins depends on no later cutoff.

    >>> days = [Cutoff.parse(f"2024-0{month}-01") for month in (1, 2, 3, 5)]
    >>> [len(one) for one in blocks(days, Window.parse("60d"))]
    [2, 1, 1]
    """
    found: list[list[Cutoff]] = []
    for one in sorted(set(cutoffs)):
        if found and one < found[-1][0].plus(retrain):
            found[-1].append(one)
        else:
            found.append([one])
    return [tuple(one) for one in found]


def taught_at(block: Sequence[Cutoff], zone_name: str) -> Cutoff:
    """The encoder's own cutoff: the local midnight at or before the first cutoff of its block."""
    return Cutoff.midnight(block[0].local_day(zone_name), zone_name)


@dataclass(frozen=True, eq=False)
class Encoders:
    """The encoders of some cutoffs, block by block; None for a block before which there was too little to teach."""

    course: Course
    history: History
    parts: tuple[tuple[tuple[Cutoff, ...], FittedEncoder | None], ...]

    @property
    def newest(self) -> FittedEncoder:
        """The last encoder; raises `TooLittleData` where there is none."""
        taught = [encoder for _, encoder in self.parts if encoder is not None]
        if not taught:
            raise TooLittleData("no sequence encoder could be taught", remedy="import a longer history")
        return taught[-1]

    def columns(self, key: Key) -> FeatureTable:
        """`embedding_00` to `embedding_15`, `sequence_p_churn`, `sequence_expected_spend` of each row of `key`."""
        columns = described(self.course.horizon)
        values = np.full((len(key), len(columns)), np.nan, np.float32)
        known = {cutoff.micros for block, _ in self.parts for cutoff in block}
        if not set(np.unique(key.cutoff).tolist()) <= known:
            raise UsageError(
                "the key has cutoffs no encoder was taught for", remedy="give all cutoffs when teaching the encoders"
            )
        for block, encoder in self.parts:
            rows = np.flatnonzero(key.at(block))
            if encoder is None or not len(rows):
                continue
            told = self.history.sequences(key.take(rows), encoder.config.length)
            values[rows] = columns_of(encoder, told).values
        return FeatureTable(key, columns, values)

    def state(self) -> dict[str, Any]:
        """What the shop's own foundation model is, for the report: its newest encoder, and which served when."""
        blocks = [
            {
                "first": str(block[0]), "last": str(block[-1]), "taught_at": encoder and str(encoder.cutoff),
                "tokens": encoder and encoder.state()["tokens"],
            }
            for block, encoder in self.parts
        ]  # fmt: skip
        return {**self.newest.state(), "horizon": str(self.course.horizon), "blocks": blocks}

    def customer_vectors(self, key: Key) -> np.ndarray:
        """(rows, width) vectors of the newest encoder, in the space of its `item_vectors`.

        Raises `LeakError` where a row's cutoff lies before the encoder's own: it knows what came in between.
        """
        if len(key) and int(key.cutoff.min()) < self.newest.cutoff.micros:
            raise LeakError(
                f"the newest encoder was taught at {self.newest.cutoff}, after a cutoff of the key",
                remedy="ask at later cutoffs, or teach encoders for the earlier ones",
            )
        return self.newest.customer_vectors(self.history.sequences(key, self.newest.config.length))


def columns_of(encoder: FittedEncoder, told: EventSequences) -> FeatureTable:
    """The columns of one encoder for these rows, whose cutoffs must not lie before its own."""
    if len(told) and int(told.key.cutoff.min()) < encoder.cutoff.micros:
        raise LeakError(
            f"the encoder was taught at {encoder.cutoff}, after a cutoff of the key",
            remedy="teach one before the first cutoff (teach_encoders)",
        )
    own = encoder.embedded(told)
    forecast = (encoder.survival(own, encoder.horizon.days), encoder.expected_spend(own))
    values = np.column_stack([encoder.turned(own), *forecast]).astype(np.float32)
    return FeatureTable(told.key, described(encoder.horizon), values)


def teach_encoders(ledger: Ledger, cutoffs: Sequence[Cutoff], course: Course, progress: Progress = SILENT) -> Encoders:
    """One encoder for each block of these cutoffs, each laid into the space of the one before."""
    cut = blocks(cutoffs, course.retrain)
    times = {*cutoffs, *(taught_at(block, ledger.zone) for block in cut)}
    history = History.read(Observed(ledger, tuple(sorted(times)), course.population), grain=course.grain)
    parts: list[tuple[tuple[Cutoff, ...], FittedEncoder | None]] = []
    before: FittedEncoder | None = None
    for done, block in enumerate(cut):
        progress.step("sequence encoders", done, len(cut))
        own = taught_at(block, ledger.zone)
        told = history.sequences(history.everybody([own]), course.config.length * _DEPTH)
        try:
            found = fit(
                course.config, told, labels_of(ledger, history, own, course),
                cutoff=own, horizon=course.horizon, progress=progress,
            )  # fmt: skip
        except TooLittleData:
            parts.append((block, None))
            continue
        before = found if before is None else found.aligned(before, told)
        parts.append((block, before))
    progress.step("sequence encoders", len(cut), len(cut))
    return Encoders(course, history, tuple(parts))


def sequence_columns(
    ledger: Ledger, key: Key, course: Course, *, encoders: Encoders | None = None, progress: Progress = SILENT
) -> FeatureTable:
    """The columns of family `sequence` for the rows of a key at several cutoffs.

    At cutoff c they come from an encoder taught only with events and labels recorded before c. NaN where nothing could
    be taught before c.
    """
    found = teach_encoders(ledger, key.cutoffs, course, progress) if encoders is None else encoders
    return found.columns(key)


def labels_of(ledger: Ledger, history: History, own: Cutoff, course: Course) -> Labels:
    """What followed earlier cutoffs, as known at the encoder's own."""
    known = history.known < own.micros
    if not known.any():
        raise TooLittleData(f"there is no event before {own}", remedy="begin later")
    first = Cutoff.from_micros(int(history.events.occurred_at[known].min())).plus(course.warm_up)
    cutoffs = training_cutoffs(
        own, _SHORTEST, course.gap, course.step, midnight_from(first, ledger.zone), ledger.zone, course.slices
    )
    closed = tuple(one for one in cutoffs if one.plus(course.gap, course.horizon) <= own)
    still = tuple(one for one in cutoffs if one not in closed)
    parts = [_labels(ledger, closed, own, course)] if closed else []
    if still:  # the horizon is not over, but the first days of the next order are known
        found = _labels(ledger, still, own, replace(course, horizon=_SHORTEST))
        parts.append(replace(found, spend=np.full(len(found), np.nan)))
    if not parts:
        raise TooLittleData(f"no label window has closed before {own}", remedy="begin later")
    return Labels(
        Key(
            pa.concat_arrays([one.key.customer_id for one in parts]), np.concatenate([one.key.cutoff for one in parts])
        ),
        *(np.concatenate([getattr(one, name) for one in parts]) for name in ("duration", "observed", "known", "spend")),
    )


def _labels(ledger: Ledger, cutoffs: tuple[Cutoff, ...], own: Cutoff, course: Course) -> Labels:
    people = Observed(ledger, cutoffs, course.population).people
    found = outcomes(ledger, people, cutoffs, own, course.horizon, course.gap, course.outcome, own)
    return Labels.of(found, own, course.gap)


def described(horizon: Horizon) -> tuple[FeatureColumn, ...]:
    """What the columns mean; the forecasts name their horizon where features name their window.

    >>> [(one.name, one.window) for one in described(Horizon.parse("30d"))][-3:]
    [('embedding_15', ''), ('sequence_p_churn', '30d'), ('sequence_expected_spend', '30d')]
    """
    place = Text("the course of events so far (place {value})", "至今的行为轨迹（位置 {value}）")
    embedding = [
        FeatureColumn(f"embedding_{at:02d}", "", "", _NOT_YET, "sequence", place) for at in range(WIDTH_OF_EMBEDDING)
    ]
    risk = Text(
        "of customers with such a course of events {value} do not order again in time",
        "有类似行为轨迹的顾客中，{value}在期限内不再下单",
    )
    spend = Text("such a course of events leads to {value} of orders", "类似的行为轨迹预计带来{value}的订单")
    return (
        *embedding,
        FeatureColumn("sequence_p_churn", "share", str(horizon), _NOT_YET, "sequence", risk, leans=1),
        FeatureColumn("sequence_expected_spend", "currency", str(horizon), _NOT_YET, "sequence", spend, leans=-1),
    )
