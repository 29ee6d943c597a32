"""The histories and labels of one encoder laid out for the training loop: windows, who is held out, losses of a batch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.sequences import EventSequences
from holdfast.encoder import losses
from holdfast.encoder.backend import mixed_precision
from holdfast.encoder.labels import Labels, placed
from holdfast.encoder.network import Network
from holdfast.encoder.settings import WIDTH_OF_EMBEDDING
from holdfast.encoder.tokens import Batch, Tokens, Windows, batches, held_out, pad, standing, window_of, windows
from holdfast.encoder.train import Phase
from holdfast.encoder.vocabulary import CATEGORY, Vocabulary

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Lessons:
    """What one network learns from."""

    network: Network
    tokens: Tokens
    cut: Windows
    apart: NDArray[np.bool_]  # windows of held-out customers
    label_window: Ints  # rising
    label_place: Ints
    label_standing: NDArray[np.float32]
    truth: dict[str, NDArray[Any]]
    share: tuple[float, ...]

    @classmethod
    def of(cls, network: Network, told: EventSequences, labels: Labels, words: Vocabulary) -> Lessons:
        """Lay out the histories of everybody and the labels that belong to them."""
        config = network.config
        tokens, cut = Tokens.of(told, words), windows(told.offsets, config.length)
        found = placed(labels, told)
        number, place = window_of(found.count, config.length)
        window = np.searchsorted(cut.row, found.row) + number
        order = np.argsort(window, kind="stable")
        category = np.append(tokens.codes[:, CATEGORY].astype(np.int64), 0)[found.next_at]
        labels = found.labels
        truth = losses.targets(labels.duration, labels.observed, labels.known, labels.spend, category)
        stand = standing(found.silence_days, found.age_days, found.seen)
        apart = held_out(told.key.customer_id, config.held_out, config.seed)[cut.row]
        return cls(
            network, tokens, cut, apart, window[order], place[order], stand[order],
            {name: values[order] for name, values in truth.items()}, words.item_share,
        )  # fmt: skip

    @cached_property
    def _shares(self) -> Any:
        return self.network.torch.tensor(self.share, device=self.network.device)

    @cached_property
    def _first_label(self) -> Ints:
        return np.searchsorted(self.label_window, np.arange(len(self.cut) + 1))

    def pretraining(self) -> Phase:
        """Every window with something to foresee."""
        return self._phase("pre-training", np.flatnonzero(self.cut.lengths > 0), self.network.config.pretrain_epochs)

    def teaching(self) -> Phase:
        """Every window that some label looks out from."""
        return self._phase("teaching", np.unique(self.label_window), self.network.config.epochs)

    def _phase(self, name: str, some: Ints, epochs: int) -> Phase:
        learn, check = some[~self.apart[some]], some[self.apart[some]]
        if not len(learn):  # so few customers that all are held out: learn from them, and stop by the budget
            learn, check = some, some[:0]
        lengths = self.cut.lengths + 1
        return Phase(name, learn, lengths[learn], check, lengths[check], epochs)

    def _read(self, chosen: Ints) -> tuple[Batch, Any]:
        batch = pad(self.tokens, self.cut.start[chosen], self.cut.stop[chosen])
        return batch, self.network.states(self.network.entered(batch))

    def foresee(self, chosen: Ints) -> tuple[Any, int]:
        """Loss of next-event prediction in these windows, and at how many places it was asked."""
        batch, states = self._read(chosen)
        return self._foreseen(chosen, batch, states)

    def _foreseen(self, chosen: Ints, batch: Batch, states: Any) -> tuple[Any, int]:
        torch, place = self.network.torch, np.arange(batch.codes.shape[1])
        asked = (place >= self.cut.fresh[chosen][:, None]) & (place < batch.lengths[:, None] - 1)
        if not asked.any():
            return states.sum() * 0.0, 0
        codes = torch.as_tensor(batch.codes, device=self.network.device)
        where = torch.as_tensor(asked, device=self.network.device)
        return losses.next_event(self.network, states, codes, where, self._shares), int(asked.sum())

    def judge(self, chosen: Ints) -> tuple[Any, int]:
        """Loss at the labels of these windows: while learning of all heads and, a little, of next events; else the hazard's."""
        batch, states = self._read(chosen)
        rows, embedding = self._looking_out(chosen, states)
        torch, device, weight = self.network.torch, self.network.device, self.network.config.next_event
        truth = {name: torch.as_tensor(values[rows], device=device) for name, values in self.truth.items()}
        if not self.network.parts.training:
            return losses.hazard(self.network, embedding, truth), len(rows)
        loss = losses.heads(self.network, embedding, truth)
        if weight > 0:
            loss = loss + weight * self._foreseen(chosen, batch, states)[0]
        return loss, len(rows)

    def _looking_out(self, chosen: Ints, states: Any) -> tuple[Ints, Any]:
        """The labels of these windows, and the embedding of each."""
        begin, end = self._first_label[chosen], self._first_label[chosen + 1]
        many = end - begin
        window = np.repeat(np.arange(len(chosen)), many)
        rows = np.repeat(begin, many) + np.arange(len(window)) - np.repeat(np.cumsum(many) - many, many)
        torch, device = self.network.torch, self.network.device
        state = states[torch.as_tensor(window, device=device), torch.as_tensor(self.label_place[rows], device=device)]
        return rows, self.network.embedding(state, torch.as_tensor(self.label_standing[rows], device=device))

    def embedded(self) -> NDArray[np.float32]:
        """The embedding at each label, as the network has it now."""
        phase, network = self.teaching(), self.network
        found = np.zeros((len(self.label_window), WIDTH_OF_EMBEDDING), np.float32)
        some, lengths = (
            np.concatenate([phase.windows, phase.check]),
            np.concatenate([phase.lengths, phase.check_lengths]),
        )
        network.parts.eval()
        with network.torch.no_grad(), mixed_precision(network.device.type):
            for chosen in batches(lengths, 2 * network.config.batch_tokens):
                rows, embedding = self._looking_out(some[chosen], self._read(some[chosen])[1])
                found[rows] = embedding.float().cpu().numpy()
        return found

    def start_from_base_rates(self) -> None:
        """Let the heads begin at what is true of everybody, so that no step is spent on learning averages."""
        torch, parts, truth = self.network.torch, self.network.parts, self.truth
        rate = (truth["ordered"].sum(axis=0) + 0.5) / (truth["at_risk"].sum(axis=0) + 1.0)
        rate = np.clip(rate, 0.005, 0.995)
        mean = {"order_time": truth["log_days"], "spend": truth["log_spend"][truth["spent"]]}
        with torch.no_grad():
            parts["hazard"].bias.copy_(torch.as_tensor(np.log(rate / (1 - rate)).astype(np.float32)))
            for name, values in mean.items():
                if len(values):
                    parts[name].bias[0] = float(values.mean())
