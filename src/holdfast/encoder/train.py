"""The one training loop: AdamW, warm-up and cosine, clipped gradients, early stopping on held-out customers.

Which steps are taken follows from sizes and one seed, never from a clock, so the same history gives the same encoder.
Loshchilov & Hutter 2019 (AdamW), 2017 (cosine).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.progress import SILENT, Progress
from holdfast.encoder.backend import mixed_precision
from holdfast.encoder.network import Network
from holdfast.encoder.tokens import batches

Ints = NDArray[np.int64]
#: Windows -> their mean loss and how much it weighs.
Loss = Callable[[Ints], tuple[Any, int]]
_WARM_UP, _CLIP, _LOOKS = 0.1, 1.0, 20


@dataclass(frozen=True)
class Phase:
    """One round of teaching: its name, windows to learn from and to check with (numbers and tokens), and its budget."""

    name: str
    windows: Ints
    lengths: Ints
    check: Ints
    check_lengths: Ints
    epochs: int


@dataclass(frozen=True)
class Taught:
    """What a phase did: (step, loss on learners, loss on held-out customers) at each look, and the tokens it read."""

    name: str
    curve: tuple[tuple[int, float, float | None], ...]
    steps: int
    tokens: int

    def as_dict(self) -> dict[str, Any]:
        curve = [{"step": step, "train": round(a, 5), "held_out": b and round(b, 5)} for step, a, b in self.curve]
        return {"phase": self.name, "steps": self.steps, "tokens": self.tokens, "curve": curve}


def steps_of(tokens: int, epochs: int, most_tokens: int, batch_tokens: int) -> tuple[int, int]:
    """(steps, tokens in a batch): so many epochs, but never more tokens than the budget.

    Small histories get small batches, so that an epoch is some hundred steps.

    >>> steps_of(1_000_000, 10, 4_000_000, 10_000), steps_of(2000, 10, 4_000_000, 10_000)
    ((400, 10000), (79, 256))
    """
    size = int(np.clip(tokens // 100, 256, batch_tokens))
    return max(1, math.ceil(min(epochs * tokens, most_tokens) / size)), size


def teach(network: Network, phase: Phase, loss: Loss, progress: Progress = SILENT) -> Taught:
    """Run one phase; afterwards the network holds the weights that were best for held-out customers."""
    torch, config = network.torch, network.config
    total, size = steps_of(int(phase.lengths.sum()), phase.epochs, config.tokens, config.batch_tokens)
    optimiser = torch.optim.AdamW(_groups(network, config.weight_decay), lr=config.learning_rate, betas=(0.9, 0.98))
    random = np.random.default_rng([config.seed, len(phase.name)])
    look, best, waited = max(1, total // _LOOKS), (math.inf, _weights(network)), 0
    curve: list[tuple[int, float, float | None]] = []
    recent: list[float] = []
    tokens = done = 0
    for step, chosen in enumerate(_endless(phase, size, random), start=1):
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * rate(step, total)
        recent.append(_step(network, optimiser, loss, phase.windows[chosen]))
        tokens, done = tokens + int(phase.lengths[chosen].sum()), step
        if step % look == 0 or step == total:
            progress.step(phase.name, step, total)
            held = _checked(network, phase, loss, size)
            curve.append((step, float(np.mean(recent)), held))
            recent = []
            judged = curve[-1][1] if held is None else held
            best, waited = ((judged, _weights(network)), 0) if judged < best[0] else (best, waited + 1)
            if waited >= config.patience or step == total:
                break
    network.parts.load_state_dict(best[1])
    progress.step(phase.name, total, total)
    return Taught(phase.name, tuple(curve), done, tokens)


def rate(step: int, total: int) -> float:
    """Share of the learning rate at a step: up in a straight line, then down along a cosine.

    >>> [round(rate(step, 100), 2) for step in (1, 10, 55, 100)]
    [0.1, 1.0, 0.5, 0.0]
    """
    warm = max(1, round(_WARM_UP * total))
    if step <= warm:
        return step / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm)))


def _step(network: Network, optimiser: Any, loss: Loss, windows: Ints) -> float:
    torch = network.torch
    network.parts.train()
    optimiser.zero_grad(set_to_none=True)
    with mixed_precision(network.device.type):
        value, _ = loss(windows)
    value.backward()
    torch.nn.utils.clip_grad_norm_(network.parts.parameters(), _CLIP)
    optimiser.step()
    return float(value.detach())


def _checked(network: Network, phase: Phase, loss: Loss, size: int) -> float | None:
    """The mean loss over held-out customers; None where there are none."""
    network.parts.eval()
    total = weight = 0.0
    with network.torch.no_grad(), mixed_precision(network.device.type):
        for chosen in batches(phase.check_lengths, 2 * size):
            value, rows = loss(phase.check[chosen])
            total, weight = total + float(value) * rows, weight + rows
    return total / weight if weight else None


def _endless(phase: Phase, size: int, random: np.random.Generator) -> Iterator[Ints]:
    while True:
        yield from batches(phase.lengths, size, random)


def _weights(network: Network) -> dict[str, Any]:
    return {name: value.detach().clone() for name, value in network.parts.state_dict().items()}


def _groups(network: Network, decay: float) -> list[dict[str, Any]]:
    """Matrices decay; biases, norms and word vectors do not."""
    named = list(network.parts.named_parameters())
    matrices = [p for name, p in named if p.ndim > 1 and not name.startswith("words")]
    others = [p for name, p in named if p.ndim <= 1 or name.startswith("words")]
    return [{"params": matrices, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
