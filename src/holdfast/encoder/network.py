"""The network: tokens to states, a state and its silence to an embedding, an embedding to what it forecasts.

Plain formulas over a few PyTorch parts; which reader stands in the middle (GRU, LSTM, causal Transformer) is the only
difference between kinds. Cho et al. 2014; Hochreiter & Schmidhuber 1997; Vaswani et al. 2017; the linear bias of
distance in attention is that of Press, Smith & Lewis 2022.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.encoder.backend import need
from holdfast.encoder.settings import DAYS, WIDTH_OF_EMBEDDING, Encoder
from holdfast.encoder.tokens import STANDING, Batch
from holdfast.encoder.vocabulary import CATEGORY, GAP, ITEM, KIND

Tensor = Any
_GAP_NUMBERS = 5


class Network:
    """All parameters and the formulas that use them. `sizes` are the codes of each field of a token."""

    def __init__(self, config: Encoder, sizes: tuple[int, ...]) -> None:
        torch = need()
        nn, width = torch.nn, config.width
        self.torch, self.config, self.sizes = torch, config, sizes
        self.first_code = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
        self.parts = nn.ModuleDict(
            {
                "words": nn.Embedding(int(sum(sizes)), width),
                "gaps": nn.Linear(_GAP_NUMBERS, width),
                "enter": nn.LayerNorm(width),
                "reader": nn.ModuleDict(_reader(config, nn)),
                "leave": nn.LayerNorm(width),
                "next_item": nn.Linear(width, width),
                "next_kind": nn.Linear(width, sizes[KIND]),
                "next_category": nn.Linear(width, sizes[CATEGORY]),
                "next_gap": nn.Linear(width, sizes[GAP]),
                "mix": nn.Linear(width + STANDING, width),
                "mix_more": nn.Linear(width, width),
                "embed": nn.Linear(width, WIDTH_OF_EMBEDDING),
                "hazard": nn.Linear(WIDTH_OF_EMBEDDING, len(DAYS)),
                "order_time": nn.Linear(WIDTH_OF_EMBEDDING, 2),
                "spend": nn.Linear(WIDTH_OF_EMBEDDING, 2),
                "order_category": nn.Linear(WIDTH_OF_EMBEDDING, sizes[CATEGORY]),
            }
        )
        nn.init.normal_(self.parts["words"].weight, std=0.1)
        self.offsets = torch.as_tensor(self.first_code)
        self.slopes = torch.as_tensor([2.0 ** (-8 * (at + 1) / config.heads) for at in range(config.heads)])

    @property
    def parameters(self) -> int:
        """How many numbers it learns."""
        return sum(one.numel() for one in self.parts.parameters())

    def to(self, where: str) -> Network:
        """Move everything to a device."""
        self.parts.to(where)
        self.offsets, self.slopes = self.offsets.to(where), self.slopes.to(where)
        return self

    @property
    def device(self) -> Any:
        return self.offsets.device

    def entered(self, batch: Batch) -> Tensor:
        """(windows, places, width): the sum of each token's field vectors and its time gap."""
        torch = self.torch
        codes = torch.as_tensor(batch.codes, device=self.device) + self.offsets
        shape, flat = codes.shape, codes.reshape(-1, codes.shape[-1])
        weight = self.parts["words"].weight
        if codes.is_cuda:  # the bag has no deterministic gradient there
            summed = torch.nn.functional.embedding(flat, weight).sum(dim=1)
        else:
            summed = torch.nn.functional.embedding_bag(flat, weight, mode="sum")
        gaps = torch.as_tensor(gap_numbers(batch.gap), device=self.device)
        return summed.reshape(shape[0], shape[1], -1) + self.parts["gaps"](gaps)

    def states(self, entered: Tensor) -> Tensor:
        """(windows, places, width): what is known after each token; no state sees a later token."""
        inside = self._dropped(self.parts["enter"](entered))
        read: Callable[[Tensor], Tensor] = self._attended if self.config.kind == "transformer" else self._recurred
        return self.parts["leave"](read(inside))

    def _recurred(self, inside: Tensor) -> Tensor:
        return inside + self.parts["reader"]["cells"](inside)[0]

    def _attended(self, inside: Tensor) -> Tensor:
        reader, functional = self.parts["reader"], self.torch.nn.functional
        places = inside.shape[1]
        at = self.torch.arange(places, device=self.device)
        back = at[:, None] - at[None, :]
        bias = -self.slopes[:, None, None] * back.abs().to(inside.dtype)
        bias = bias.masked_fill(back < 0, -math.inf).to(inside.dtype)
        for layer in range(self.config.layers):
            heads = reader[f"ask_{layer}"](reader[f"before_{layer}"](inside))
            heads = heads.reshape(*inside.shape[:2], 3, self.config.heads, -1).permute(2, 0, 3, 1, 4)
            seen = functional.scaled_dot_product_attention(heads[0], heads[1], heads[2], attn_mask=bias)
            inside = inside + self._dropped(reader[f"told_{layer}"](seen.transpose(1, 2).reshape(inside.shape)))
            wide = functional.gelu(reader[f"wide_{layer}"](reader[f"between_{layer}"](inside)))
            inside = inside + self._dropped(reader[f"narrow_{layer}"](wide))
        return inside

    def embedding(self, state: Tensor, standing: Tensor) -> Tensor:
        """(rows, 16): the customer at a cutoff, from the state after the last event and the silence since."""
        functional = self.torch.nn.functional
        mixed = functional.gelu(self.parts["mix"](self.torch.cat([state, standing], dim=-1)))
        mixed = mixed + functional.gelu(self.parts["mix_more"](self._dropped(mixed)))
        return self.parts["embed"](mixed)

    def item_query(self, state: Tensor) -> Tensor:
        """A state in the space of the item vectors: their product says what comes next."""
        return self.parts["next_item"](state)

    @property
    def item_vectors(self) -> Tensor:
        """One vector for each item code, the same that tokens enter with."""
        begin = int(self.first_code[ITEM])
        return self.parts["words"].weight[begin : begin + self.sizes[ITEM]]

    def _dropped(self, values: Tensor) -> Tensor:
        """Dropout that leaves out the same numbers at every place of a window (Gal & Ghahramani 2016)."""
        if not self.parts.training or not self.config.dropout:
            return values
        like = values[:, :1] if values.ndim > 2 else values
        return values * self.torch.nn.functional.dropout(self.torch.ones_like(like), self.config.dropout)


def _reader(config: Encoder, nn: Any) -> dict[str, Any]:
    width = config.width
    if config.kind != "transformer":
        cells = nn.GRU if config.kind == "gru" else nn.LSTM
        return {"cells": cells(width, width, config.layers, batch_first=True)}
    found: dict[str, Any] = {}
    for layer in range(config.layers):
        found |= {
            f"before_{layer}": nn.LayerNorm(width), f"ask_{layer}": nn.Linear(width, 3 * width),
            f"told_{layer}": nn.Linear(width, width), f"between_{layer}": nn.LayerNorm(width),
            f"wide_{layer}": nn.Linear(width, 2 * width), f"narrow_{layer}": nn.Linear(2 * width, width),
        }  # fmt: skip
    return found


def gap_numbers(days: NDArray[np.float32]) -> NDArray[np.float32]:
    """A time gap as five numbers between 0 and about 1, from minutes to years; all 0 where it is not known.

    >>> gap_numbers(np.array([np.nan, 0.0], np.float32)).round(2).tolist()
    [[0.0, 0.0, 0.0, 0.0, 0.0], [0.0, 1.0, 1.0, 1.0, 1.0]]
    """
    known = ~np.isnan(days)
    gap = np.where(known, days, 0.0)
    parts = [np.log1p(gap) / 5, np.exp(-gap * 24), np.exp(-gap), np.exp(-gap / 7), np.exp(-gap / 45)]
    return (np.stack(parts, axis=-1) * known[..., None]).astype(np.float32)
