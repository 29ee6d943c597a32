"""A network of items that has learnt: histories in, scores of every item out. Saved as safetensors, never as pickle."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import StateError
from holdfast.core.interactions import Interactions, Items
from holdfast.core.recommend import FITTED_RECOMMENDERS, Scores
from holdfast.core.text import Text
from holdfast.encoder.backend import device, need, settled
from holdfast.recommend.lane import Lane
from holdfast.recommend.pack import pack, pack_items, unpack, unpack_items
from holdfast.recommend.sequential_network import SequentialNetwork, Shape
from holdfast.recommend.sequential_order import Histories
from holdfast.recommend.sequential_reasons import Asked, because
from holdfast.recommend.sequential_train import last_states

Ints = NDArray[np.int64]
_THREADS = 1


@FITTED_RECOMMENDERS.register("sasrec")
@dataclass(frozen=True, eq=False)
class SasrecFit(Lane):
    """`code` is the network's number of each item of the catalogue, 0 where it never occurred; `reads` are event types.

    `shape` and `weights` are None and empty where there was nothing to learn from; then it has nothing to say.
    """

    recommender_id: ClassVar[str] = "sasrec"
    lane: ClassVar[str] = "explore"
    items: Items
    reads: tuple[str, ...]
    code: Ints = field(repr=False)
    shape: Shape | None = None
    weights: dict[str, NDArray[np.float32]] = field(default_factory=dict, repr=False)
    taught: dict[str, Any] = field(default_factory=dict, repr=False)
    zone: str = "UTC"

    @cached_property
    def network(self) -> SequentialNetwork:
        """The network with these weights, ready to read."""
        if self.shape is None:
            raise StateError("this recommender has learnt nothing", remedy="fit it on a longer history")
        with settled(0, _THREADS):
            network = SequentialNetwork(self.shape)
            network.load(self.weights)
        network.parts.to(device())
        network.parts.eval()
        return network

    @property
    def parameters(self) -> int:
        """How many numbers were learnt."""
        return sum(one.size for one in self.weights.values())

    def histories(self, past: Interactions, rows: Ints | None = None) -> Histories:
        """What the network reads of these customers: the newest events of the types it knows."""
        length = 1 if self.shape is None else self.shape.length
        return Histories.of(past.over(self.items), self.code, self.reads, rows, newest=length)

    def states(self, told: Histories) -> NDArray[np.float32]:
        """(customers x width) the state after each history, in the space of the item vectors."""
        with settled(0, _THREADS):
            return last_states(self.network, told)

    def score(self, past: Interactions, rows: Ints | None = None) -> Scores:
        """How likely each item comes next (a logit); -inf for items that never occurred and customers without events."""
        told = self.histories(past, rows)
        found = np.full((len(told), len(self.items)), -np.inf, np.float32)
        known, some = np.flatnonzero(self.code > 0), np.flatnonzero(told.lengths > 0)
        if self.shape is not None and len(known) and len(some):
            vectors = self.weights["item.weight"][self.code[known]]
            found[np.ix_(some, known)] = self.states(told)[some] @ vectors.T
        return found

    def reasons(self, past: Interactions, customer: NDArray[np.int32], item: NDArray[np.int32]) -> list[Text]:
        """For each pair the event of the past without which the item's score would fall most."""
        who, place = np.unique(customer, return_inverse=True)
        told = self.histories(past, who.astype(np.int64))
        asked = Asked(told, place, np.asarray(item), self.code, self.items, self.reads, past.cutoff, self.zone)
        return because(asked, None if self.shape is None else self.weights["item.weight"], self.states)

    def to_bytes(self) -> bytes:
        save = need("safetensors.numpy").save
        arrays: dict[str, NDArray[Any]] = {
            "network": np.frombuffer(save(self.weights), np.uint8), "code": self.code, **pack_items(self.items),
        }  # fmt: skip
        shape = None if self.shape is None else asdict(self.shape)
        return pack(
            self.recommender_id, arrays, reads=list(self.reads), shape=shape, taught=self.taught, zone=self.zone
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> SasrecFit:
        load = need("safetensors.numpy").load
        saved, arrays = unpack(data)
        try:
            weights = load(arrays["network"].tobytes())
            shape = None if saved["shape"] is None else Shape(**saved["shape"])
        except (KeyError, TypeError, need("safetensors").SafetensorError) as error:
            raise StateError("this is not a saved network of items", remedy="run: holdfast release verify") from error
        return cls(
            unpack_items(arrays), tuple(saved["reads"]), arrays["code"], shape, weights, saved["taught"], saved["zone"]
        )
