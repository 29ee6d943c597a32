"""Teaching the network of items: batches of like length, AdamW, warm-up and cosine, stopped by held-out last items.

An item is foretold from what happened before its instant: lines of one order have no order of their own, and foretelling
one from another would only teach how they are sorted. Held out is one item of the last instant of some of the customers who
teach, never anything after the cutoff. Steps follow from sizes and one seed, never from a clock. Averages of the weights
over the last steps are what is kept (Polyak & Juditsky 1992).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.progress import SILENT, Progress
from holdfast.encoder.backend import mixed_precision
from holdfast.encoder.tokens import Windows, batches, windows
from holdfast.encoder.train import rate
from holdfast.recommend import sequential_losses as losses
from holdfast.recommend.sequential_network import SequentialNetwork, padded
from holdfast.recommend.sequential_order import Histories
from holdfast.recommend.sequential_settings import Teaching

Ints = NDArray[np.int64]
Tensor = Any
_CLIP = 1.0
#: Rows judged at once.
_JUDGED = 256


@dataclass(frozen=True, eq=False)
class Held:
    """Histories without their last item, and that item: what says when to stop."""

    told: Histories
    right: Ints


def held_out(told: Histories, share: float, most: int) -> tuple[Histories, Held | None]:
    """Take the last instant of a share of the customers away; None where so few are left that they would say nothing."""
    first = told.first_of_instant()
    last = told.offsets[1:] - 1  # there is no empty history here
    able = np.flatnonzero(first[last] > told.offsets[:-1])
    count = min(int(share * len(told)), most, len(able))
    if count < _FEWEST:
        return told, None
    chosen = np.zeros(len(told), bool)
    chosen[able[np.linspace(0, len(able) - 1, count).astype(np.int64)]] = (
        True  # the order of `sorted` is as good as random
    )
    hidden = (first == np.repeat(first[last], told.lengths)) & np.repeat(chosen, told.lengths)
    rest = told.keeping(~hidden)
    lengths = rest.lengths * chosen
    kept = np.repeat(chosen, rest.lengths)
    offsets = np.concatenate([[0], np.cumsum(lengths[chosen])]).astype(np.int64)
    part = Histories(rest.codes[kept], rest.kind[kept], rest.at[kept], offsets)
    middle = (first[last[chosen]] + last[chosen]) // 2  # of those of one instant, neither the commonest nor the rarest
    return rest, Held(part, told.codes[middle])


_FEWEST = 50


def teach(
    network: SequentialNetwork, told: Histories, config: Teaching, weight_of_kind: tuple[float, ...],
    progress: Progress = SILENT,
) -> dict[str, Any]:  # fmt: skip
    """Teach; afterwards the network holds the best averaged weights. Says what was done: looks, steps, tokens."""
    rest, held = held_out(told, config.held_out, config.most_held_out)
    epochs = max(1, min(config.epochs, config.tokens // max(1, len(rest.codes))))
    epochs = epochs if held is not None else -(-epochs // 2)  # nobody says when it is enough
    course = _Course(network, rest, config, weight_of_kind, epochs)
    looks: list[dict[str, float]] = []
    best, kept, waited = -np.inf, None, 0
    for epoch in range(epochs):
        loss = course.epoch()
        progress.step("next items", epoch + 1, epochs)
        if held is None:
            looks.append({"epoch": epoch + 1, "loss": round(loss, 5)})
            continue
        if (epoch + 1) % config.look_every and epoch + 1 < epochs:
            continue
        with course.averaged():
            value = judged(network, held)
            better = value > best
            best, kept, waited = (value, network.weights(), 0) if better else (best, kept, waited + 1)
        looks.append({"epoch": epoch + 1, "loss": round(loss, 5), "held_out": round(value, 5)})
        if waited >= config.patience:
            break
    network.load(kept if kept is not None else course.average)
    progress.step("next items", epochs, epochs)
    return {"looks": looks, "steps": course.steps, "tokens": course.tokens}


class _Course:
    """One run of teaching: where the optimiser and the average stand."""

    def __init__(
        self, network: SequentialNetwork, told: Histories, config: Teaching, weight: tuple[float, ...], epochs: int
    ) -> None:
        torch = network.torch
        self.network, self.told, self.config = network, told, config
        self.cut: Windows = windows(told.offsets, network.shape.length + 1)
        self.some = np.flatnonzero(self.cut.lengths > 1)
        self.first = told.first_of_instant()
        self.batch = int(np.clip(len(told.codes) // 40, 512, config.batch_tokens))
        self.total = max(1, epochs * len(list(batches(self.cut.lengths[self.some], self.batch))))
        self.optimiser = torch.optim.AdamW(
            network.parts.parameters(), lr=config.learning_rate, betas=(0.9, 0.98), weight_decay=config.weight_decay
        )
        self.random = np.random.default_rng([config.seed, 7])
        count = np.bincount(told.codes, minlength=network.shape.items + 1)[1:]
        share = (count + 1.0) ** (0.0 if config.loss == "gbce" else config.negative_power)
        self.share = torch.as_tensor((share / share.sum()).astype(np.float32), device=network.device)
        self.weight = torch.as_tensor(weight, dtype=torch.float32, device=network.device)
        self.average = network.weights()
        self.steps = self.tokens = 0

    def epoch(self) -> float:
        self.network.parts.train()
        found = []
        for chosen in batches(self.cut.lengths[self.some], self.batch, self.random):
            self.steps += 1
            for group in self.optimiser.param_groups:
                group["lr"] = self.config.learning_rate * rate(self.steps, self.total)
            found.append(self._step(self.some[chosen]))
        return float(np.mean(found)) if found else 0.0

    def _step(self, chosen: Ints) -> float:
        network, torch = self.network, self.network.torch
        self.optimiser.zero_grad(set_to_none=True)
        with mixed_precision(network.device.type):
            loss = self._loss(chosen)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parts.parameters(), _CLIP)
        self.optimiser.step()
        decay = min(self.config.average, 1 - 1 / (self.steps + 1))
        for name, value in network.parts.state_dict().items():
            self.average[name] += (1 - decay) * (value.detach().cpu().numpy() - self.average[name])
        return float(loss.detach())

    def _loss(self, chosen: Ints) -> Tensor:
        network, torch, told = self.network, self.network.torch, self.told
        start, stop = self.cut.start[chosen], self.cut.stop[chosen]
        codes, kinds = padded(told.codes, told.kind, start, stop)
        place = np.arange(codes.shape[1])
        inside = np.minimum(start[:, None] + place, len(told.codes) - 1)
        before = self.first[inside] - 1 - start[:, None]  # the newest event of an earlier instant
        asked = (place < (stop - start)[:, None]) & (place >= self.cut.fresh[chosen][:, None]) & (before >= 0)
        window, what = np.nonzero(asked)
        on = [torch.as_tensor(one, device=network.device) for one in (codes, kinds, window, what, before[asked])]
        states = network.states(on[0][:, :-1], on[1][:, :-1])[on[2], on[4]]
        right, weight = on[0][on[2], on[3]], self.weight[on[1][on[2], on[3]]]
        self.tokens += len(right)
        loss = self._compared(states.float(), right)
        return (loss * weight).sum() / weight.sum().clamp(min=1e-6)

    def _compared(self, states: Tensor, right: Tensor) -> Tensor:
        config, vectors = self.config, self.network.vectors[1:]
        few = config.loss == "sampled" and config.negatives >= len(vectors)  # then all are cheaper than a sample
        if config.loss == "softmax" or few:
            return losses.softmax(states, right, vectors)
        count = max(1, min(config.negatives, len(vectors) - 1))
        drawn = self.network.torch.multinomial(self.share, count, replacement=True)
        if config.loss == "gbce":
            return losses.gbce(states, right, vectors, drawn + 1, config.calibration)
        return losses.sampled(states, right, vectors, drawn + 1, self.share[drawn] * count)

    def averaged(self) -> Any:
        """The network with the averaged weights for a while."""
        return _Borrowed(self.network, self.average)


class _Borrowed:
    def __init__(self, network: SequentialNetwork, weights: dict[str, NDArray[np.float32]]) -> None:
        self.network, self.weights, self.own = network, weights, network.weights()

    def __enter__(self) -> None:
        self.network.load(self.weights)

    def __exit__(self, *_: object) -> None:
        self.network.load(self.own)


def last_states(network: SequentialNetwork, told: Histories) -> NDArray[np.float32]:
    """(customers x width) the state after each customer's last event; zeros where there is none."""
    torch = network.torch
    found = np.zeros((len(told), network.shape.width), np.float32)
    told = told.newest(network.shape.length)
    some = np.flatnonzero(told.lengths > 0)
    network.parts.eval()
    with torch.no_grad(), mixed_precision(network.device.type):
        for chosen in batches(told.lengths[some], 16_384):
            rows = some[chosen]
            codes, kinds = padded(told.codes, told.kind, told.offsets[rows], told.offsets[rows + 1])
            on = [torch.as_tensor(one, device=network.device) for one in (codes, kinds)]
            last = torch.as_tensor(told.lengths[rows] - 1, device=network.device)
            states = network.states(*on)[torch.arange(len(rows), device=network.device), last]
            found[rows] = states.float().cpu().numpy()
    return found


def judged(network: SequentialNetwork, held: Held) -> float:
    """Mean of 1 / log2(1 + rank) of the held-out items among all: nDCG of one right item, not cut."""
    states, vectors = last_states(network, held.told), network.weights()["item.weight"][1:]
    gains = []
    for start in range(0, len(states), _JUDGED):
        block, right = states[start : start + _JUDGED], held.right[start : start + _JUDGED] - 1
        scores = block @ vectors.T
        mine = scores[np.arange(len(block)), right]
        rank = 1 + (scores > mine[:, None]).sum(axis=1)
        gains.append(1 / np.log2(1 + rank))
    return float(np.concatenate(gains).mean())


#: Something that changes a fresh network before it learns (`sequential_start`).
Start = Callable[[SequentialNetwork], None]
