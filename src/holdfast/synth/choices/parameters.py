"""What may be planted in a world of choices."""

from __future__ import annotations

from dataclasses import dataclass, replace

from holdfast.core.errors import UsageError

__all__ = ["WORLDS", "ChoiceWorld"]


@dataclass(frozen=True)
class ChoiceWorld:
    """A world in which each arm changes P(order) by a planted amount; `seed` draws who responds to what.

    An arm's response lies between -1 and 1: `base` for everybody, up to `benefit` more for some, up to `harm` less for
    others (do not disturb). A positive response closes that share of the way from P(order) to 1, a negative one that
    share of the way to 0. `cost` is paid for everybody treated, `discount` is the share of the margin given away on an
    order; both by arm, `nothing` first. `margin` is the mean margin of an order, `spread` the log standard deviation of
    its size. `turns_at`: from that time on (0 to 1) other customers respond, as if drawn anew; None: never.

    >>> ChoiceWorld().arms[0], WORLDS["zero"].benefit
    ('nothing', 0.0)
    """

    arms: tuple[str, ...] = ("nothing", "mail", "coupon", "call")
    cost: tuple[float, ...] = (0.0, 0.1, 0.4, 1.5)
    discount: tuple[float, ...] = (0.0, 0.0, 0.1, 0.0)
    base: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    benefit: float = 0.6
    harm: float = 0.3
    margin: float = 20.0
    spread: float = 0.6
    turns_at: float | None = None
    seed: int = 1

    def __post_init__(self) -> None:
        k = len(self.arms)
        if k < 2 or self.arms[0] != "nothing" or not len(self.cost) == len(self.discount) == len(self.base) == k:
            raise UsageError("a world of choices has `nothing` first and one cost, discount and base for each arm")
        if self.cost[0] or self.discount[0] or self.base[0]:
            raise UsageError("doing nothing costs nothing and changes nothing")
        if min(self.cost) < 0 or not all(0 <= one < 1 for one in self.discount):
            raise UsageError("a cost is at least 0, a discount between 0 and 1")
        if min(self.benefit, self.harm) < 0 or max(abs(one) for one in self.base) + max(self.benefit, self.harm) > 1:
            raise UsageError("base and benefit, or base and harm, may not add to more than 1")

    def seeded(self, seed: int) -> ChoiceWorld:
        """The same kind of world with other customers responding."""
        return replace(self, seed=seed)


#: Kinds of world by name. `zero`: nothing has any effect and everything costs. `zero_free`: the same, but one arm is free.
#: `harm`: each arm helps some and harms more. `mixed`: arms help different customers. `uniform`: one arm is
#: right for nearly everybody. `faint`: as `mixed` with effects of a third. `turning`: who responds changes half way.
WORLDS: dict[str, ChoiceWorld] = {
    "zero": ChoiceWorld(discount=(0.0,) * 4, benefit=0.0, harm=0.0),
    "zero_free": ChoiceWorld(cost=(0.0, 0.0, 0.4, 1.5), discount=(0.0,) * 4, benefit=0.0, harm=0.0),
    "harm": ChoiceWorld(benefit=0.45, harm=0.9),
    "mixed": ChoiceWorld(benefit=0.6, harm=0.2),
    "faint": ChoiceWorld(benefit=0.2, harm=0.07, discount=(0.0, 0.0, 0.05, 0.0)),
    "uniform": ChoiceWorld(base=(0.0, 0.05, 0.3, 0.1), discount=(0.0,) * 4, benefit=0.03, harm=0.03),
    "turning": ChoiceWorld(benefit=0.6, harm=0.3, turns_at=0.5),
}
