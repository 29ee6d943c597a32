"""What the network is asked: the next event at every place, and at each labelled cutoff what followed it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.encoder.network import Network
from holdfast.encoder.settings import DAYS
from holdfast.encoder.vocabulary import CATEGORY, GAP, ITEM, KIND

Tensor = Any
#: Beyond so many items a random sample of `_SAMPLED` others stands for all that were not chosen.
_ALL_ITEMS, _SAMPLED = 600, 256
#: One place in so many is asked for its item, the dearest question.
_ITEM_EVERY = 4
#: Money in 1/10,000 enters the logarithm in units of the currency.
MONEY = 10_000.0
#: Beside the hazard, which counts in full.
_WEIGHTS = {"order_time": 0.1, "spend": 0.1, "order_category": 0.1}


def next_event(network: Network, states: Tensor, codes: Tensor, asked: Tensor, share: Tensor) -> Tensor:
    """Mean loss over type, category, item and gap of the next token, at the places that are asked (windows x places).

    `codes` are those of the tokens, `share` how often each item code occurs.
    """
    functional = network.torch.nn.functional
    window, place = asked.nonzero(as_tuple=True)
    state, follows = states[window, place], codes[window, place + 1]
    losses = [
        functional.cross_entropy(network.parts[name](state).float(), follows[:, field])
        for name, field in (("next_kind", KIND), ("next_category", CATEGORY), ("next_gap", GAP))
    ]
    state, item = state[::_ITEM_EVERY], follows[::_ITEM_EVERY, ITEM]
    about = item > 0
    if bool(about.any()):
        losses.append(_next_item(network, state[about], item[about], share))
    return sum(losses) / len(losses)


def _next_item(network: Network, state: Tensor, item: Tensor, share: Tensor) -> Tensor:
    """Softmax over all items, or over a sample corrected for how likely each is to be drawn (Bengio & Senécal 2008)."""
    torch, vectors, query = network.torch, network.item_vectors, network.item_query(state)
    if len(vectors) <= _ALL_ITEMS:
        return torch.nn.functional.cross_entropy((query @ vectors.T).float(), item)
    drawn = torch.multinomial(share, _SAMPLED, replacement=True)
    often = (share * _SAMPLED).log()
    right = (query * vectors[item]).sum(dim=-1, keepdim=True) - often[item][:, None]
    others = query @ vectors[drawn].T - often[drawn]
    others = others.masked_fill(item[:, None] == drawn[None, :], -math.inf)
    return -torch.log_softmax(torch.cat([right, others], dim=1).float(), dim=1)[:, 0].mean()


def heads(network: Network, embedding: Tensor, truth: dict[str, Tensor]) -> Tensor:
    """The weighted sum over all heads; `truth` as `targets` makes it, on the network's device."""
    functional, parts = network.torch.nn.functional, network.parts
    total = hazard(network, embedding, truth)
    timed = normal_loss(network, parts["order_time"](embedding).float(), truth["log_days"], truth["observed"])
    total = total + _WEIGHTS["order_time"] * timed.mean()
    spent = truth["spent"]
    if bool(spent.any()):
        loss = normal_loss(network, parts["spend"](embedding[spent]).float(), truth["log_spend"][spent], None)
        total = total + _WEIGHTS["spend"] * loss.mean()
    named = truth["category"] > 0
    if bool(named.any()):
        loss = functional.cross_entropy(parts["order_category"](embedding[named]).float(), truth["category"][named])
        total = total + _WEIGHTS["order_category"] * loss
    return total


def hazard(network: Network, embedding: Tensor, truth: dict[str, Tensor]) -> Tensor:
    """Minus log-likelihood of when the next order came, for each row: what decides when teaching stops."""
    logit = network.parts["hazard"](embedding).float()
    each = network.torch.nn.functional.binary_cross_entropy_with_logits(logit, truth["ordered"], reduction="none")
    return (each * truth["at_risk"]).sum() / len(embedding)


def normal_loss(network: Network, said: Tensor, value: Tensor, observed: Tensor | None) -> Tensor:
    """Minus log-likelihood of log-normal values, `said` mean and log of spread; censored ones are only known to be more."""
    torch = network.torch
    spread = torch.nn.functional.softplus(said[:, 1]) + 0.1
    z = (value - said[:, 0]) / spread
    dense = 0.5 * z * z + spread.log()
    return dense if observed is None else torch.where(observed, dense, -torch.special.log_ndtr(-z))


def targets(
    duration: NDArray[np.float64], observed: NDArray[np.bool_], known: NDArray[np.float64],
    spend: NDArray[np.float64], category: NDArray[np.int64],
) -> dict[str, NDArray[Any]]:  # fmt: skip
    """Labels as arrays the heads compare with.

    An interval of the hazard counts for a row that had no order before it and whose knowledge reaches to its end.

    >>> days, none = np.array([5.0, 10.0]), np.array([np.nan, np.nan])
    >>> found = targets(days, np.array([True, False]), np.array([10.0, 10.0]), none, np.array([0, 0]))
    >>> found["at_risk"][:, :3].tolist(), found["ordered"][:, :3].tolist()
    ([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0]], [[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    """
    begin, end = np.array([0, *DAYS[:-1]], np.float64), np.array(DAYS, np.float64)
    days = duration[:, None]
    ordered = observed[:, None] & (begin <= days) & (days < end)
    at_risk = (ordered | (days >= end)) & (known[:, None] >= end)
    money = np.nan_to_num(spend) / MONEY
    return {
        "ordered": ordered.astype(np.float32), "at_risk": at_risk.astype(np.float32),
        "log_days": np.log(np.maximum(duration, 0.02)).astype(np.float32), "observed": observed,
        "spent": money > 0, "log_spend": np.log(np.maximum(money, 0.01)).astype(np.float32), "category": category,
    }  # fmt: skip
