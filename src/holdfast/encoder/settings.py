"""What a sequence encoder is told: its size, how it is taught, and how often it is taught anew."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from holdfast.core.errors import UsageError
from holdfast.core.settings import SECTIONS, setting

Kind = Literal["gru", "lstm", "transformer"]
KINDS: tuple[str, ...] = ("gru", "lstm", "transformer")
#: Ends of the intervals of the discrete hazard, in days.
DAYS: tuple[int, ...] = (3, 7, 14, 21, 30, 45, 60, 90, 120, 180)
#: Numbers in a customer's embedding.
WIDTH_OF_EMBEDDING = 16


@dataclass(frozen=True)
class Encoder:
    """The configuration of one encoder; `holdfast.encoder.fit.fit` teaches it.

    `epochs` and `tokens` bound the teaching: whichever is reached first, so that a large shop costs no more than its
    budget and the same shop always takes the same steps. No clock is looked at.

    >>> Encoder().kind, Encoder(kind="transformer").layers
    ('gru', 1)
    """

    kind: Kind = "gru"
    width: int = 64
    layers: int = 1
    heads: int = 4
    length: int = 64  # events a window holds
    dropout: float = 0.1
    items: int = 2000  # items with a vector of their own; rarer ones share `buckets`
    buckets: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 0.01
    pretrain_epochs: int = 4
    epochs: int = 20
    tokens: int = 40_000_000  # most tokens that each of the two phases may read
    batch_tokens: int = 16_384
    patience: int = 4
    held_out: float = 0.1  # share of customers that only says when to stop
    next_event: float = 0.25  # weight of next-event prediction while the heads are taught
    threads: int = 1
    seed: int = 1

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UsageError(f"unknown encoder {self.kind!r}", remedy=f"one of: {', '.join(KINDS)}")
        if self.width % self.heads or min(self.width, self.layers, self.length, self.buckets) < 1:
            raise UsageError(
                f"an encoder of width {self.width}, {self.layers} layers and {self.heads} heads cannot be built",
                remedy="make the width a multiple of heads, everything at least 1",
            )

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class SequenceSettings:
    """Section `[sequence]`: the shop's own foundation model (extra `deep`)."""

    use: bool = setting(False, "Teach a sequence encoder and offer its columns to the models; needs the extra deep.")
    kind: str = setting("gru", "What reads the events.", choices=KINDS)
    width: int = setting(64, "Width of the network.")
    length: int = setting(64, "Events of a customer that are read, the newest.")
    grain: str = setting(
        "order", "What one event is: an order with its lines, or each line.", choices=("order", "line")
    )
    retrain: str = setting("90d", "Cutoffs within so many days share an encoder, taught before the first of them.")
    threads: int = setting(1, "Threads of the network; another number may give another last digit.")

    def encoder(self, seed: int = 1) -> Encoder:
        """The configuration these settings ask for."""
        return Encoder(kind=self.kind, width=self.width, length=self.length, threads=self.threads, seed=seed)  # type: ignore[arg-type]


SECTIONS.add("sequence", SequenceSettings)
