"""A causal Transformer over items: what was bought goes in, and the same item vectors say what comes next.

Self-attentive sequential recommendation (Kang & McAuley 2018) with layer norm before each part (Xiong et al. 2020) and,
beside learned places, a learned weight of distance in each head (Shaw, Uszkoreit & Vaswani 2018).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.encoder.backend import need

Tensor = Any
Ints = NDArray[np.int64]
#: Scale at which item vectors start.
START = 0.02


@dataclass(frozen=True)
class Shape:
    """What a network is built from: `items` with a code of their own, `kinds` of event, and its sizes."""

    items: int
    kinds: int
    width: int
    layers: int
    heads: int
    length: int
    dropout: float


class SequentialNetwork:
    """All parameters and the formulas that use them. Code 0 is padding."""

    def __init__(self, shape: Shape) -> None:
        torch = need()
        nn, width = torch.nn, shape.width
        self.torch, self.shape = torch, shape
        self.parts = nn.ModuleDict(
            {
                "item": nn.Embedding(shape.items + 1, width),
                "kind": nn.Embedding(shape.kinds, width),
                "place": nn.Embedding(shape.length, width),
                "distance": nn.Embedding(shape.length, shape.heads * max(1, shape.layers)),
                "leave": nn.LayerNorm(width),
            }
        )
        for at in range(shape.layers):
            self.parts[f"before_{at}"] = nn.LayerNorm(width)
            self.parts[f"ask_{at}"] = nn.Linear(width, 3 * width)
            self.parts[f"told_{at}"] = nn.Linear(width, width)
            self.parts[f"between_{at}"] = nn.LayerNorm(width)
            self.parts[f"wide_{at}"] = nn.Linear(width, 2 * width)
            self.parts[f"narrow_{at}"] = nn.Linear(2 * width, width)
        for name, scale in (("item", START), ("place", START), ("kind", 0.0), ("distance", 0.0)):
            nn.init.normal_(self.parts[name].weight, std=scale)

    @property
    def device(self) -> Any:
        return self.parts["item"].weight.device

    @property
    def vectors(self) -> Tensor:
        """(items + 1, width): one vector a code, the same on both sides."""
        return self.parts["item"].weight

    def states(self, codes: Tensor, kinds: Tensor) -> Tensor:
        """(rows, places, width) after each event of right-padded rows; no state sees a later event."""
        torch, parts = self.torch, self.parts
        place = torch.arange(codes.shape[1], device=self.device)
        inside = parts["item"](codes) * math.sqrt(self.shape.width) + parts["place"](place)
        if self.shape.kinds > 1:
            inside = inside + parts["kind"](kinds)
        inside = self._dropped(inside)
        for at, bias in enumerate(self._biases(place)):
            inside = self._layer(at, inside, bias)
        return parts["leave"](inside)

    def _biases(self, place: Tensor) -> list[Tensor]:
        """For each layer (heads, places, places): what distance adds, and nothing from later events."""
        back = place[:, None] - place[None, :]
        weight = self.parts["distance"](back.clamp(min=0)).permute(2, 0, 1)
        weight = weight.masked_fill(back < 0, -math.inf)
        return [weight[at * self.shape.heads : (at + 1) * self.shape.heads] for at in range(self.shape.layers)]

    def _layer(self, at: int, inside: Tensor, bias: Tensor) -> Tensor:
        parts, functional = self.parts, self.torch.nn.functional
        heads = parts[f"ask_{at}"](parts[f"before_{at}"](inside))
        heads = heads.reshape(*inside.shape[:2], 3, self.shape.heads, -1).permute(2, 0, 3, 1, 4)
        scale = 1.0 / math.sqrt(heads.shape[-1])
        weight = (heads[0] @ heads[1].transpose(-1, -2) * scale + bias).softmax(dim=-1)
        seen = (self._dropped(weight) @ heads[2]).transpose(1, 2).reshape(inside.shape)
        inside = inside + self._dropped(parts[f"told_{at}"](seen))
        wide = self._dropped(functional.gelu(parts[f"wide_{at}"](parts[f"between_{at}"](inside))))
        return inside + self._dropped(parts[f"narrow_{at}"](wide))

    def _dropped(self, values: Tensor) -> Tensor:
        return self.torch.nn.functional.dropout(values, self.shape.dropout, self.parts.training)

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """All parameters as arrays."""
        return {name: value.detach().cpu().numpy().copy() for name, value in self.parts.state_dict().items()}

    def load(self, weights: dict[str, NDArray[np.float32]]) -> None:
        """Parameters from arrays."""
        torch = self.torch
        self.parts.load_state_dict({name: torch.from_numpy(np.array(one)) for name, one in weights.items()})


def padded(codes: Ints, kinds: Ints, start: Ints, stop: Ints) -> tuple[Ints, Ints]:
    """(rows x longest) codes and kinds of the stretches [start, stop), 0 behind their end.

    >>> padded(np.array([5, 6, 7]), np.zeros(3, int), np.array([0, 2]), np.array([2, 3]))[0].tolist()
    [[5, 6], [7, 0]]
    """
    sizes = stop - start
    row = np.repeat(np.arange(len(start)), sizes)
    inside = np.arange(len(row)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    where = np.repeat(start, sizes) + inside
    shape = (len(start), int(sizes.max(initial=1)))
    found, kind = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    found[row, inside], kind[row, inside] = codes[where], kinds[where]
    return found, kind
