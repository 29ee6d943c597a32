"""Lane `sasrec`: a causal Transformer over what each customer bought, one after the other (extra `deep`).

Kang & McAuley 2018 (SASRec); losses: full softmax (Klenitskiy & Vasilev 2023), sampled softmax with the sample's bias
taken out (Bengio & Senécal 2008), gBCE (Petrov & Macdonald 2023). Without torch this module imports; fitting says how to get it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from holdfast.core.errors import UsageError
from holdfast.core.interactions import Interactions
from holdfast.core.progress import SILENT, Progress
from holdfast.core.recommend import RECOMMENDERS
from holdfast.core.schema import EVENT_TYPES
from holdfast.encoder.backend import device, settled
from holdfast.recommend.sequential_fitted import SasrecFit
from holdfast.recommend.sequential_network import SequentialNetwork, Shape
from holdfast.recommend.sequential_order import Histories, codes_of
from holdfast.recommend.sequential_settings import Teaching
from holdfast.recommend.sequential_start import STARTS, begin, encoder_vectors, pair_vectors
from holdfast.recommend.sequential_train import teach

#: So many windows of each customer's newest events teach; a robot's million events do not drown the others.
_DEPTH = 8


@RECOMMENDERS.register("sasrec")
@dataclass(frozen=True)
class Sasrec:
    """The network's size, where its item vectors start, and how it is taught.

    `reads` are event types; where there are several, each has a vector of its own, and next events that are no purchases
    count `interest` in the loss. `start_from` is random, pairs (bought-together counts) or encoder (the shop's event
    encoder, given to `fit`). Reasons name days of `zone`. At most `most_items` items, the most frequent ones, have a vector.

    >>> Sasrec().lane, Sasrec(layers=1).reads
    ('explore', ('purchase',))
    """

    recommender_id: ClassVar[str] = "sasrec"
    lane: ClassVar[str] = "explore"
    reads: tuple[str, ...] = ("purchase",)
    interest: float = 0.3
    start_from: Literal["random", "pairs", "encoder"] = "random"
    width: int = 64
    layers: int = 2
    heads: int = 2
    length: int = 50
    dropout: float = 0.4
    most_items: int = 100_000
    threads: int = 1
    zone: str = "UTC"
    teaching: Teaching = Teaching()  # noqa: RUF009 - frozen

    def __post_init__(self) -> None:
        if self.start_from not in STARTS:
            raise UsageError(f"start_from = {self.start_from!r}", remedy=f"one of: {', '.join(STARTS)}")
        unknown = [one for one in self.reads if one not in EVENT_TYPES]
        if unknown or not self.reads:
            raise UsageError(f"cannot read event types {unknown}", remedy=f"some of: {', '.join(EVENT_TYPES)}")
        if self.width % self.heads or min(self.width, self.layers, self.heads, self.length) < 1:
            raise UsageError("the width must be a multiple of heads, and every size at least 1", remedy="width = 64")

    def fit(self, past: Interactions, *, encoder: Any = None, progress: Progress = SILENT) -> SasrecFit:
        """Learn from everything before `past.cutoff`; `encoder` is a `FittedEncoder` taught before it, for start_from."""
        code = codes_of(past, self.reads)
        code = np.where(code <= self.most_items, code, 0)
        told = Histories.of(past, code, self.reads, newest=self.length * _DEPTH).sorted()
        if not len(told):
            return SasrecFit(past.items, self.reads, np.zeros_like(code), zone=self.zone)
        shape = Shape(int(code.max()), len(self.reads), self.width, self.layers, self.heads, self.length, self.dropout)
        with settled(self.teaching.seed, self.threads):
            network = SequentialNetwork(shape)
            if self.start_from == "pairs":
                begin(network, pair_vectors(told, shape.items, self.width))
            elif self.start_from == "encoder":
                begin(network, encoder_vectors(encoder, past.items, code, self.width, past.cutoff))
            network.parts.to(device())
            weight = tuple(1.0 if one == "purchase" else self.interest for one in self.reads)
            taught = teach(network, told, self.teaching, weight, progress)
        return SasrecFit(past.items, self.reads, code, shape, network.weights(), taught, self.zone)
