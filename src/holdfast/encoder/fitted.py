"""An encoder that has learnt: sequences in; embeddings, survival, spend and what comes next out.

Saved as safetensors beside JSON, never as pickle. It holds no customers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.clock import Cutoff, Horizon
from holdfast.core.errors import StateError
from holdfast.core.sequences import EventSequences
from holdfast.encoder.backend import device, mixed_precision, need, settled
from holdfast.encoder.network import Network
from holdfast.encoder.settings import DAYS, WIDTH_OF_EMBEDDING, Encoder
from holdfast.encoder.tokens import Tokens, batches, pad, standing_of
from holdfast.encoder.vocabulary import Vocabulary

Floats = NDArray[np.float64]
#: Raised when the meaning of a saved encoder changes.
FORMAT = 1
_EDGE = 1e-6


@dataclass(frozen=True, eq=False)
class FittedEncoder:
    """Weights, words and what is remembered of the teaching. Nothing recorded from `cutoff` on went into it.

    `turn` and `shift` lay the embedding into the space of an earlier encoder (`aligned`); `intervals` is how many
    intervals of DAYS had labels: beyond the last of them its hazard goes on.
    """

    config: Encoder
    words: Vocabulary
    cutoff: Cutoff
    horizon: Horizon
    weights: Mapping[str, NDArray[np.float32]] = field(repr=False)
    intervals: int = len(DAYS)
    smear: float = 1.0  # what makes mean spend right where the logarithm is not normal
    most_spend: float = 1e6
    taught: tuple[dict[str, Any], ...] = field(default=(), repr=False)
    turn: Floats = field(default_factory=lambda: np.eye(WIDTH_OF_EMBEDDING), repr=False)
    shift: Floats = field(default_factory=lambda: np.zeros(WIDTH_OF_EMBEDDING), repr=False)

    @cached_property
    def network(self) -> Network:
        """The network with these weights, ready to read."""
        torch = need()
        network = Network(self.config, self.words.sizes)
        network.parts.load_state_dict({name: torch.from_numpy(np.array(one)) for name, one in self.weights.items()})
        network.parts.eval()
        return network.to(device())

    @property
    def parameters(self) -> int:
        """How many numbers were learnt."""
        return sum(int(np.asarray(one).size) for one in self.weights.values())

    def embedded(self, told: EventSequences) -> NDArray[np.float32]:
        """(rows, 16) embeddings in the encoder's own space, which its heads read."""
        return self._mapped(told, lambda state, stand: self.network.embedding(state, stand), WIDTH_OF_EMBEDDING)

    def vectors(self, told: EventSequences) -> NDArray[np.float32]:
        """(rows, 16) embeddings, comparable with those of the encoder this one was aligned to."""
        return self.turned(self.embedded(told))

    def turned(self, embedded: NDArray[np.float32]) -> NDArray[np.float32]:
        """Own embeddings laid into the common space."""
        return (embedded.astype(np.float64) @ self.turn + self.shift).astype(np.float32)

    def customer_vectors(self, told: EventSequences) -> NDArray[np.float32]:
        """(rows, width) vectors in the space of `item_vectors`: a product says how likely the next event is about it."""
        return self._mapped(told, lambda state, _: self.network.item_query(state), self.config.width)

    def item_vectors(self) -> tuple[tuple[str, ...], NDArray[np.float32]]:
        """The items with a vector of their own, and the vectors (items, width)."""
        own = len(self.words.items)
        return self.words.items, np.array(self.network.item_vectors.detach().cpu().numpy()[1 : 1 + own])

    def hazards(self, embedded: NDArray[np.float32]) -> Floats:
        """(rows, intervals of DAYS): P(order within the interval | none before), from own embeddings."""
        logit = self._head("hazard", embedded)
        found = 0.5 * (1 + np.tanh(0.5 * logit))
        if self.intervals < len(DAYS):
            found[:, self.intervals :] = self._going_on(found[:, self.intervals - 1])
        return np.clip(found, _EDGE, 1 - _EDGE)

    def _going_on(self, last: Floats) -> Floats:
        """The hazard of later intervals where none had labels: the last daily rate goes on."""
        ends = np.array([0, *DAYS], np.float64)
        width = np.diff(ends)
        rate = -np.log1p(-np.clip(last, _EDGE, 1 - _EDGE)) / width[self.intervals - 1]
        return np.asarray(-np.expm1(-rate[:, None] * width[self.intervals :]))

    def survival(self, embedded: NDArray[np.float32], days: float) -> Floats:
        """P(no order within so many days) of each row: curves of one customer cannot cross."""
        ends = np.array([0, *DAYS], np.float64)
        chance = -np.log1p(-self.hazards(embedded))
        share = np.clip((days - ends[:-1]) / np.diff(ends), 0.0, None)
        share[:-1] = np.minimum(share[:-1], 1.0)  # beyond the last day its rate goes on
        return np.clip(np.exp(-chance @ share), _EDGE, 1 - _EDGE)

    def order_sum(self, embedded: NDArray[np.float32]) -> Floats:
        """Expected money (currency units) within the encoder's own horizon of those who order: a log-normal mean."""
        said = self._head("spend", embedded)
        spread = np.logaddexp(0.0, said[:, 1]) + 0.1
        amount = np.exp(np.minimum(said[:, 0] + 0.5 * spread**2, np.log(self.most_spend)))
        return np.minimum(amount * self.smear, self.most_spend)

    def expected_spend(self, embedded: NDArray[np.float32]) -> Floats:
        """Expected money (currency units) within the encoder's own horizon: P(order) times the sum of those who order."""
        return (1 - self.survival(embedded, self.horizon.days)) * self.order_sum(embedded)

    def next_order_days(self, embedded: NDArray[np.float32]) -> Floats:
        """Days until an order is more likely than not; infinite where that is beyond the last of DAYS."""
        ends = np.array([0, *DAYS], np.float64)
        total = np.cumsum(-np.log1p(-self.hazards(embedded)), axis=1)
        at = (total < np.log(2)).sum(axis=1)
        inside = np.minimum(at, len(DAYS) - 1)
        row = np.arange(len(total))
        before = np.where(inside > 0, total[row, inside - 1], 0.0)
        share = (np.log(2) - before) / np.maximum(total[row, inside] - before, 1e-12)
        return np.where(at < len(DAYS), ends[inside] + share * np.diff(ends)[inside], np.inf)

    def next_category(self, embedded: NDArray[np.float32]) -> tuple[tuple[str, ...], Floats]:
        """The categories known, and for each row how likely the next order's is each of them (sums to at most 1)."""
        logit = self._head("order_category", embedded)
        chance = np.exp(logit - logit.max(axis=1, keepdims=True))
        return self.words.categories, (chance / chance.sum(axis=1, keepdims=True))[:, 2:]

    def aligned(self, before: FittedEncoder, told: EventSequences) -> FittedEncoder:
        """Turned (never stretched) so that its embeddings of these customers lie as near as can be to `before`'s.

        Two encoders learn the same space but for a rotation; models that read both need one (Schönemann 1966).
        """
        from threadpoolctl import threadpool_limits

        ours, theirs = self.embedded(told).astype(np.float64), before.vectors(told).astype(np.float64)
        middle, other = ours.mean(axis=0), theirs.mean(axis=0)
        with threadpool_limits(1, "blas"):  # a sum over customers must not depend on how many cores share it
            left, _, right = np.linalg.svd((ours - middle).T @ (theirs - other))
        turn = left @ right
        return replace(self, turn=turn, shift=other - middle @ turn)

    def _head(self, name: str, embedded: NDArray[np.float32]) -> Floats:
        weight, bias = (np.asarray(self.weights[f"{name}.{one}"], np.float64) for one in ("weight", "bias"))
        return np.asarray(embedded, np.float64) @ weight.T + bias

    def _mapped(self, told: EventSequences, read: Callable[[Any, Any], Any], width: int) -> NDArray[np.float32]:
        """A function of each row's last state and its standing. Batches never mix cutoffs: one knows nothing of another."""
        told = told.newest(self.config.length)
        found = np.zeros((len(told), width), np.float32)
        with settled(self.config.seed, self.config.threads) as torch, torch.no_grad():
            for cutoff in np.unique(told.key.cutoff):
                rows = np.flatnonzero(told.key.cutoff == cutoff)
                part = told.take(rows)
                tokens, stand = Tokens.of(part, self.words), standing_of(part)
                for chosen in batches(part.lengths, 2 * self.config.batch_tokens):
                    batch = pad(tokens, part.offsets[chosen], part.offsets[chosen + 1])
                    with mixed_precision(self.network.device.type):
                        states = self.network.states(self.network.entered(batch))
                        last = states[torch.arange(len(chosen)), torch.as_tensor(batch.lengths - 1)]
                        said = read(last, torch.as_tensor(stand[chosen], device=self.network.device))
                    found[rows[chosen]] = said.float().cpu().numpy()
        return found

    def state(self) -> dict[str, Any]:
        """What it is, for the report: parameters, tokens, loss curves, words, cutoff."""
        return {
            "kind": self.config.kind, "cutoff": str(self.cutoff), "parameters": self.parameters,
            "tokens": sum(int(one["tokens"]) for one in self.taught), "items": len(self.words.items),
            "categories": len(self.words.categories), "phases": [dict(one) for one in self.taught],
        }  # fmt: skip

    def to_files(self) -> dict[str, bytes]:
        """`encoder.safetensors` and `encoder.json`: equal encoders, equal bytes."""
        save = need("safetensors.numpy").save
        said = {
            "format": FORMAT, "config": self.config.as_dict(), "words": self.words.as_dict(), "cutoff": str(self.cutoff),
            "horizon": str(self.horizon), "intervals": self.intervals, "smear": self.smear,
            "most_spend": self.most_spend, "taught": list(self.taught), "turn": self.turn.tolist(),
            "shift": self.shift.tolist(),
        }  # fmt: skip
        text = json.dumps(said, sort_keys=True, allow_nan=False, ensure_ascii=False)
        return {"encoder.safetensors": save(dict(self.weights)), "encoder.json": text.encode()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> FittedEncoder:
        """The same encoder back; raises `StateError` where the files are not one of this format."""
        load = need("safetensors.numpy").load
        try:
            said = json.loads(files["encoder.json"])
            weights = load(files["encoder.safetensors"])
            known = said["format"] == FORMAT
        except (KeyError, TypeError, ValueError, need("safetensors").SafetensorError) as error:
            raise StateError("this is not a saved encoder", remedy="run: holdfast release verify") from error
        if not known:
            raise StateError(f"saved encoder of format {said['format']!r}", remedy="update holdfast, or run again")
        return cls(
            Encoder(**said["config"]), Vocabulary.from_dict(said["words"]), Cutoff.parse(said["cutoff"]),
            Horizon.parse(said["horizon"]), weights, said["intervals"], said["smear"], said["most_spend"],
            tuple(said["taught"]), np.array(said["turn"]), np.array(said["shift"]),
        )  # fmt: skip
