"""Trying: with a small chance every customer gets another arm than the plan's, so that effects stay measurable.

Each customer's `epsilon` is shared equally over the arms open to them, `nothing` included. What trying may take of a
limit is set aside before the plan is made: at most `SHARE` of it, and never more than `reserve` says, whatever is drawn.
Where the shared epsilon would take more, the arm's chance is lowered for everybody alike, and `notes` say so; an arm
that costs a customer more than a limit can risk on one draw is not tried on them (`shut`).

The draw (`drawn`) goes arm by arm, among those not drawn before, systematically in the order of cost: each customer has
exactly their chance, and the customers and the money drawn exceed their means by less than one customer and the dearest
customer. That is why the caps hold for every draw and not only on average. docs/adr/0024 has the proof.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.core.decide import Options
from holdfast.core.errors import UsageError
from holdfast.core.text import Text
from holdfast.decide.budget.limits import MICRO, Limits, Lines, lines_of
from holdfast.decide.draw import systematic

__all__ = ["SHARE", "Exploration", "explore"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
#: The most of any limit that trying may take.
SHARE = 0.2


@dataclass(frozen=True)
class Exploration:
    """`chance`: customers x arms, of getting an arm because it is tried (column 0: of being left alone). `scale`: by
    arm, 1 where the whole epsilon is kept. `shut`: eligible, but too dear to try. `reserve`: by limit, what trying
    takes at most (money in currency units). `blocks`: customers of one block stand together when lots are drawn."""

    chance: Floats
    scale: dict[str, float]
    shut: Flags
    reserve: dict[str, float]
    epsilon: float
    blocks: NDArray[np.int64]

    @property
    def notes(self) -> list[Text]:
        """Arms that are tried less than was asked, in words."""
        found = []
        for arm, scale in self.scale.items():
            if scale == 0:
                found.append(
                    Text(
                        f"{arm} is not tried at random: the limits leave no room.", f"{arm}不做随机试验：限制没有余地。"
                    )
                )
            elif scale < 1:
                found.append(
                    Text(
                        f"{arm} is tried {scale:.1%} as often as asked, to stay within {SHARE:.0%} of the limits.",
                        f"为不超过限制的{SHARE:.0%}，{arm}的随机试验频率降为要求的{scale:.1%}。",
                    )
                )
        return found

    def drawn(self, options: Options, order_key: NDArray[np.uint64], starts: Floats) -> NDArray[np.int64]:
        """The arm that each customer is to try, -1 for none; ties of cost in the order of `order_key`. `starts`: by arm,
        uniform on [0, 1) and independent."""
        n, arms = self.chance.shape
        tried, left = np.full(n, -1, np.int64), np.ones(n)
        for arm in (*range(1, arms), 0):
            free = np.flatnonzero((tried < 0) & (self.chance[:, arm] > 0))
            order = free[np.lexsort((order_key[free], options.cost[free, arm], self.blocks[free]))]
            hit = order[systematic(self.chance[order, arm] / left[order], float(starts[arm]))]
            tried[hit] = arm
            left -= self.chance[:, arm]
        return tried


def explore(options: Options, limits: Limits, epsilon: float = 0.02, holdout: Flags | None = None) -> Exploration:
    """Who tries what with which chance, and what to set aside for it.

    >>> import pyarrow as pa
    >>> options = Options(pa.array(["a", "b"]), ("nothing", "mail"), np.zeros((2, 2)), np.array([[0, 0.1], [0, 0.1]]))
    >>> found = explore(options, Limits(), 0.1)
    >>> found.chance.tolist(), found.reserve
    ([[0.05, 0.05], [0.05, 0.05]], {})
    """
    if not 0 <= epsilon < 1:
        raise UsageError(f"epsilon is {epsilon}", remedy="a share from 0 to below 1, such as 0.02")
    lines = _blocked(lines_of(limits, options))
    out = np.zeros(len(options), bool) if holdout is None else holdout
    may = options.eligible & ~out[:, None]
    asked = np.where(may, epsilon / options.eligible.sum(axis=1, keepdims=True), 0.0)
    grown = asked / (1 - epsilon)  # a bound on the chance among those who are left, whatever was drawn before
    cost = np.where(may, np.ceil(options.cost * MICRO - 1e-3), 0.0)
    shut = _too_dear(lines, cost, may)
    asked, grown = np.where(shut, 0.0, asked), np.where(shut, 0.0, grown)
    scale = _scales(lines, grown, cost)
    chance, grown = asked * scale, grown * scale
    reserve = _most_taken(lines, grown, cost)
    per = [MICRO if lines.money[k].any() else 1 for k in range(len(lines))]
    told = {name: float(reserve[k]) / per[k] for k, name in enumerate(lines.names)}
    return Exploration(
        chance, dict(zip(options.arms[1:], scale[1:].tolist(), strict=True)), shut, told, epsilon, lines.cell
    )


def _blocked(lines: Lines) -> Lines:
    """The caps alone, with cells only where a cap tells cells apart."""
    count, money = lines.count[lines.cap], lines.money[lines.cap]
    split = bool((count != count[:, :1]).any() or (money != money[:, :1]).any())
    cell = lines.cell if split else np.zeros_like(lines.cell)
    kept = slice(None) if split else slice(1)
    names = tuple(name for name, cap in zip(lines.names, lines.cap, strict=True) if cap)
    return Lines(names, count[:, kept], money[:, kept], lines.limit[lines.cap], lines.cap[lines.cap], cell)


def _purses(lines: Lines, cost: Floats) -> list[tuple[int, float, NDArray[np.int64]]]:
    """Of each cap, what one of its arms may take at most: money for arms that cost any, else places."""
    found = []
    costly = cost.any(axis=0)
    for k in np.flatnonzero(lines.cap):
        of_money = bool(lines.money[k].any())
        arms = np.flatnonzero((lines.money[k] if of_money else lines.count[k]).any(axis=0) & (costly | ~of_money))
        if len(arms):
            found.append((int(k), SHARE * lines.limit[k] / len(arms), arms))
    return found


def _too_dear(lines: Lines, cost: Floats, may: Flags) -> Flags:
    """Arms that would take more than half of their purse from one customer."""
    shut = np.zeros(may.shape, bool)
    for k, purse, arms in _purses(lines, cost):
        for arm in arms.tolist():
            taken = lines.money[k, lines.cell, arm] * cost[:, arm]
            shut[:, arm] |= may[:, arm] & (taken > purse / (2 * _cells_of(lines, k)))
    return shut


def _cells_of(lines: Lines, k: int) -> int:
    return int((lines.count[k] + lines.money[k]).any(axis=1).sum())


def _scales(lines: Lines, grown: Floats, cost: Floats) -> Floats:
    """By arm, the share of the asked chance that fits into every purse."""
    scale = np.ones(grown.shape[1])
    for k, purse, arms in _purses(lines, cost):
        for arm in arms.tolist():
            money = lines.money[k].any()
            each = lines.money[k, lines.cell, arm] * cost[:, arm] if money else lines.count[k, lines.cell, arm]
            taken = grown[:, arm] * each
            blocks = _cells_of(lines, k)
            room = purse / 2 if money else max(np.floor(purse + 1e-9) - (blocks > 1) * blocks, 0.0)
            room *= 1 - 1e-6  # so that what is exactly full does not round up to one more
            if taken.sum() > 0:
                scale[arm] = min(scale[arm], room / float(taken.sum()))
    return np.where(scale < 1e-9, 0.0, scale)


def _most_taken(lines: Lines, grown: Floats, cost: Floats) -> Floats:
    """By cap, the most that any draw can take of it: means rounded up to whole customers, and the dearest customer once
    for each block of neighbours."""
    taken = np.zeros(len(lines))
    cells = lines.count.shape[1]
    for arm in range(1, grown.shape[1]):
        chance = grown[:, arm]
        if not chance.any():
            continue
        means = np.bincount(lines.cell, chance, cells).astype(np.float64)
        spent = np.bincount(lines.cell, chance * cost[:, arm], cells).astype(np.float64)
        dearest = np.zeros(cells)
        np.maximum.at(dearest, lines.cell, np.where(chance > 0, cost[:, arm], 0.0))
        for k in np.flatnonzero(lines.cap):
            taken[k] += _taken(lines.count[k, :, arm], means, None) + _taken(lines.money[k, :, arm], spent, dearest)
    return np.ceil(taken - 1e-9)


def _taken(weight: Floats, mean: Floats, dearest: Floats | None) -> float:
    """Of one line by one arm. Customers of blocks with the same weight are one run of neighbours."""
    if not weight.any():
        return 0.0
    if dearest is not None:
        return float((weight * (mean + dearest)).sum())
    if (weight == weight[0]).all():
        return float(weight[0] * np.ceil(mean.sum() + 1e-9))
    return float((weight * np.ceil(mean + 1e-9)).sum())
