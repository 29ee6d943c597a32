"""Teaching an encoder: pre-train on what comes next, then teach the heads what followed earlier cutoffs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Cutoff, Horizon
from holdfast.core.errors import LeakError, TooLittleData
from holdfast.core.progress import SILENT, Progress
from holdfast.core.sequences import EventSequences
from holdfast.encoder.backend import device, settled
from holdfast.encoder.fitted import FittedEncoder
from holdfast.encoder.labels import Labels
from holdfast.encoder.lessons import Lessons
from holdfast.encoder.network import Network
from holdfast.encoder.settings import Encoder
from holdfast.encoder.train import teach
from holdfast.encoder.vocabulary import Vocabulary

#: An interval of the hazard counts as taught from so many labelled rows on.
_LEAST_ROWS = 5


def fit(
    config: Encoder, told: EventSequences, labels: Labels, *, cutoff: Cutoff, horizon: Horizon,
    progress: Progress = SILENT,
) -> FittedEncoder:  # fmt: skip
    """An encoder from everybody's histories as of `cutoff` and labels as known then.

    Raises `LeakError` where a history or a label reaches beyond the cutoff, `TooLittleData` without labels to teach.
    """
    _refuse_the_future(told, labels, cutoff)
    if not len(labels):
        raise TooLittleData(
            f"no customer's next order is known at {cutoff}: there is nothing to teach a sequence model",
            remedy="begin later, or import a longer history",
        )
    words = Vocabulary.learn(told, config.items, config.buckets)
    with settled(config.seed, config.threads):
        network = Network(config, words.sizes).to(device())
        lessons = Lessons.of(network, told, labels, words)
        intervals = _intervals(lessons)
        lessons.start_from_base_rates()
        phases = [teach(network, lessons.pretraining(), lessons.foresee, progress)] if config.pretrain_epochs else []
        phases.append(teach(network, lessons.teaching(), lessons.judge, progress))
        weights = {name: value.cpu().numpy().copy() for name, value in network.parts.state_dict().items()}
        embedded = lessons.embedded()
    found = FittedEncoder(
        config, words, cutoff, horizon, weights, intervals, taught=tuple(one.as_dict() for one in phases)
    )
    return _with_spend(found, embedded, lessons)


def _refuse_the_future(told: EventSequences, labels: Labels, cutoff: Cutoff) -> None:
    at = told.events.occurred_at[told.positions]
    known = (cutoff.micros - labels.key.cutoff) / 86_400e6
    if (len(at) and int(at.max()) >= cutoff.micros) or bool((labels.known > known + 1e-9).any()):
        raise LeakError(
            f"a history or a label reaches beyond the encoder's cutoff {cutoff}",
            remedy="build both as of that cutoff (snapshot.sequences, Labels.of)",
        )


def _intervals(lessons: Lessons) -> int:
    """How many intervals of the hazard, from the first on, have rows to learn from."""
    rows = lessons.truth["at_risk"].sum(axis=0)
    short = np.flatnonzero(rows < min(_LEAST_ROWS, max(1, len(lessons.label_window))))
    found = int(short[0]) if len(short) else len(rows)
    if not found:
        raise TooLittleData(
            "no label window is long enough to teach a hazard", remedy="begin later, or import a longer history"
        )
    return found


def _with_spend(found: FittedEncoder, embedded: NDArray[np.float32], lessons: Lessons) -> FittedEncoder:
    """Make the mean order sum right over the customers just taught, and refuse sums far beyond any seen (Duan 1983)."""
    spent = np.asarray(lessons.truth["spent"], bool)
    if not spent.any():
        return found
    happened = np.exp(lessons.truth["log_spend"][spent].astype(np.float64))
    capped = replace(found, most_spend=float(happened.max()) * 2 + 1)
    said = capped.order_sum(embedded[spent])
    return replace(capped, smear=float(np.clip(happened.mean() / said.mean(), 0.2, 5.0)))
