"""How the network of items is taught."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from holdfast.core.errors import UsageError

Loss = Literal["softmax", "sampled", "gbce"]
LOSSES: tuple[Loss, ...] = ("softmax", "sampled", "gbce")


@dataclass(frozen=True)
class Teaching:
    """Steps and losses.

    `sampled` and `gbce` compare with `negatives` other items, shared by a batch and drawn in proportion to frequency **
    `negative_power` (gBCE: evenly); `softmax` compares with all. `calibration` is gBCE's t. `average` is how much of the
    running mean of the weights a step keeps. Held out are the last items of a share of the customers, `patience` looks.

    >>> Teaching().loss
    'sampled'
    """

    loss: Loss = "sampled"
    negatives: int = 1024
    negative_power: float = 0.5
    calibration: float = 0.9
    epochs: int = 25
    tokens: int = 6_000_000  # most events that may be read: a large shop costs no more than this
    batch_tokens: int = 2048
    learning_rate: float = 3e-3
    weight_decay: float = 0.0
    average: float = 0.99
    held_out: float = 0.1
    most_held_out: int = 4000
    look_every: int = 1
    patience: int = 4
    seed: int = 1

    def __post_init__(self) -> None:
        if self.loss not in LOSSES:
            raise UsageError(f"unknown loss {self.loss!r}", remedy=f"one of: {', '.join(LOSSES)}")
