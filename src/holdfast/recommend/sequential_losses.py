"""What the network is asked at every place of a history: the next item, against all others or against a sample of them."""

from __future__ import annotations

import math
from typing import Any

from holdfast.encoder.backend import need

Tensor = Any


def softmax(states: Tensor, right: Tensor, vectors: Tensor) -> Tensor:
    """Minus log-likelihood (a row each) of the right code among all items; `vectors` are those of codes 1, 2, ..."""
    return _every()(states, right - 1, vectors)


def sampled(states: Tensor, right: Tensor, vectors: Tensor, drawn: Tensor, often: Tensor) -> Tensor:
    """The same with a sample, shared by the batch, for all others.

    `often` is how many times each drawn code was expected: dividing by it makes the sum over others right on average
    (Bengio & Senécal 2008); the right item is in the sum itself, once.
    """
    torch = need()
    mine = (states * vectors[right - 1]).sum(dim=-1, keepdim=True)
    others = states @ vectors[drawn - 1].T - often.log()
    others = others.masked_fill(right[:, None] == drawn[None, :], -math.inf)
    return torch.logsumexp(torch.cat([mine, others], dim=1), dim=1) - mine[:, 0]


def gbce(states: Tensor, right: Tensor, vectors: Tensor, drawn: Tensor, calibration: float) -> Tensor:
    """Binary cross-entropy whose right answers count less, as fewer of the wrong ones are seen; `drawn` uniformly.

    Petrov & Macdonald 2023 (gSASRec): `calibration` t = 1 undoes the overconfidence of sampling, 0 is plain BCE. Logits
    are counted from where right and wrong answers balance, so that no step is spent on pushing all items down together.
    """
    functional = need().nn.functional
    weight = right_weight(len(drawn), len(vectors), calibration)
    level = math.log(weight / len(drawn))
    mine = (states * vectors[right - 1]).sum(dim=-1) + level
    others = functional.softplus(states @ vectors[drawn - 1].T + level)
    others = others.masked_fill(right[:, None] == drawn[None, :], 0.0)
    return -weight * functional.logsigmoid(mine) + others.sum(dim=1)


def right_weight(drawn: int, items: int, calibration: float) -> float:
    """What a right answer counts in gBCE when so many of the other items are drawn.

    >>> right_weight(10, 101, 0.0), right_weight(10, 101, 1.0)
    (1.0, 0.1)
    """
    share = drawn / max(items - 1, 1)
    return share * (calibration * (1 - 1 / share) + 1 / share)


_EVERY: list[Any] = []


def _every() -> Any:
    """Softmax over all items with its gradient by hand: one array of probabilities instead of three."""
    if _EVERY:
        return _EVERY[0]
    torch = need()

    class Every(torch.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, states: Tensor, right: Tensor, vectors: Tensor) -> Tensor:
            logits = states @ vectors.T
            mine = logits.gather(1, right[:, None])
            top = logits.amax(dim=1, keepdim=True)
            total = logits.sub_(top).exp_().sum(dim=1, keepdim=True)
            ctx.save_for_backward(states, right, vectors, logits.div_(total))
            return (total.log() + top - mine)[:, 0]

        @staticmethod
        def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, Tensor]:
            states, right, vectors, chance = ctx.saved_tensors
            slope = chance.clone() if torch.is_grad_enabled() else chance  # used once in training
            slope[torch.arange(len(right), device=right.device), right] -= 1.0
            slope.mul_(grad[:, None])
            return slope @ vectors, None, slope.T @ states

    _EVERY.append(Every.apply)
    return _EVERY[0]
