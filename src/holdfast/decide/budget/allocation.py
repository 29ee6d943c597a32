"""One treatment for each customer within all limits, with a certificate of how near to the best possible it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.decide import Options
from holdfast.core.errors import TooLittleData, UsageError
from holdfast.core.text import Text
from holdfast.decide.budget.dual import Prices, mixed_plan, prices_of
from holdfast.decide.budget.exact import CORE, core_rows, solved
from holdfast.decide.budget.limits import MICRO, Limits, Lines, lines_of
from holdfast.decide.budget.problem import Arms, Problem, problem_of, worthwhile
from holdfast.decide.budget.repair import improved, repaired
from holdfast.decide.draw import canonical

__all__ = ["Allocation", "allocate"]

Floats = NDArray[np.float64]
#: Below this relative gap a plan over many customers is not searched any further.
ENOUGH = 4e-5
#: Pairs in the core where a plan stands already and is only to be bettered.
FEW = 400
#: How often a plan that moves cannot mend is aimed anew.
AIMS = 6


@dataclass(frozen=True)
class Allocation:
    """The plan. `chosen`: arm index of each customer, in the order of the options. Money in currency units.

    `gain` and `cost`: planned, in all. `bound`: no plan within the limits gains more. `gap`: (bound - gain) / bound, 0
    for a plan that is certainly the best. `shadow`: what one more unit of each limit would add to the gain (one more
    currency unit of budget, one more place); of a floor, what asking for one less would. `used` and `limit` by limit.
    `reserve`: what was set aside of each limit for trying. `holdout`: who was kept out.
    """

    chosen: NDArray[np.int64]
    gain: float
    cost: float
    bound: float
    gap: float
    shadow: dict[str, float]
    used: dict[str, float]
    limit: dict[str, float]
    limits: Limits = field(default_factory=Limits)
    reserve: dict[str, float] = field(default_factory=dict)
    holdout: NDArray[np.bool_] | None = None

    @property
    def treated(self) -> int:
        return int((self.chosen != 0).sum())

    def prices(self, currency: str = "") -> list[Text]:
        """The shadow prices in words, the limits that cost something only, the dearest first."""
        unit = Text(f"1 {currency}".strip(), f"1{currency}")
        found = sorted(((price, name) for name, price in self.shadow.items() if price > 1e-6), reverse=True)
        return [_priced(name, price, unit, self.limits.budget) for price, name in found]

    def certificate(self, currency: str = "") -> Text:
        """How near to the best possible plan this one is, in a sentence."""
        what = f"{self.gain:,.2f} {currency}".strip()
        if self.gap < 1e-9:
            return Text(
                f"No plan within these limits gains more than {what}.", f"在这些限制下，没有方案的收益能超过{what}。"
            )
        return Text(
            f"The plan gains {what}; no plan within these limits gains over {self.gap:.2g} of that more.",
            f"方案预计收益{what}；在这些限制下，任何方案最多再多出其{self.gap:.2g}。",
        )


def _priced(name: str, price: float, unit: Text, budget: float | None) -> Text:
    if name == "budget":
        return Text(f"{unit.en} more of budget earns {price:.2f}.", f"预算每增加{unit.zh}，净收益增加{price:.2f}。")
    kind, _, what = name.partition(" of ")
    said = {
        "capacity": Text(
            f"One more message by {what} earns {price:.2f}.", f"{what}渠道每多一个名额，收益增加{price:.2f}。"
        ),
        "stock": Text(f"One more {what} in stock earns {price:.2f}.", f"{what}每多一份库存，收益增加{price:.2f}。"),
        "contacts": Text(f"One more contact earns {price:.2f}.", f"每多一次联系，收益增加{price:.2f}。"),
        "floor": Text(f"The floor of {what} costs {price:.2f} a unit.", f"{what}的下限每单位使收益减少{price:.2f}。"),
        "ceiling": Text(
            f"The ceiling of {what} costs {price:.2f} a unit.", f"{what}的上限每单位使收益减少{price:.2f}。"
        ),
        "parity": Text(
            f"Equal treatment ({what}) costs {price / 100:.2f} for each percentage point.",
            f"公平限制（{what}）每收紧一个百分点，收益减少{price / 100:.2f}。",
        ),
    }
    return said[kind]


def allocate(
    options: Options,
    limits: Limits,
    *,
    seed: int = 1,
    holdout: NDArray[np.bool_] | None = None,
    reserve: Mapping[str, float] | None = None,
    than: Allocation | None = None,
) -> Allocation:
    """The arm of each customer that together gain most within the limits.

    `holdout` customers get nothing and take nothing. `reserve`: by limit, what to set aside (money in currency units).
    `than`: an earlier plan; where it keeps these limits and gains more, it is returned instead. The order of the
    customers changes nothing: ties are broken by a hash of the id and `seed` has nothing left to decide.

    Raises `UsageError` where limits name what is not there, `TooLittleData` where floors cannot be reached.

    >>> import pyarrow as pa
    >>> gain = np.array([[0, 3.0, 5.0], [0, 2.0, 4.5]])
    >>> cost = np.array([[0, 1.0, 3.0], [0, 1.0, 2.0]])
    >>> plan = allocate(Options(pa.array(["a", "b"]), ("nothing", "mail", "coupon"), gain, cost), Limits(budget=3))
    >>> plan.chosen.tolist(), plan.gain, plan.cost
    ([1, 2], 7.5, 3.0)
    """
    lines = lines_of(limits, options)
    aside = _aside(lines, reserve or {})
    order = canonical(options.customer_id)
    whole = problem_of(options, lines.less(aside), order, holdout)
    _reachable(whole)
    problem, rows, first = worthwhile(whole)
    prices, choice, bound = _solved(problem)
    prices = np.maximum(prices, first)
    chosen = np.zeros(len(options), np.int64)
    chosen[order[rows]] = choice
    if than is not None and than.gain > problem.value(choice) and whole.lines.kept(whole.usage(than.chosen[order].astype(np.int16))):  # fmt: skip
        chosen = than.chosen
    in_order = chosen[order].astype(np.int16)
    used = whole.usage(in_order)
    assert whole.lines.kept(used), "a plan over its limits was about to be returned"  # noqa: S101
    gain = whole.value(in_order)
    bound = max(bound, gain)
    return Allocation(
        chosen, gain, float(whole.cost[in_order, np.arange(len(options))].sum()) / MICRO, bound,
        0.0 if bound - gain <= 1e-12 * max(abs(bound), 1e-300) else (bound - gain) / max(abs(bound), 1e-300),
        **_told(lines, prices, used), limits=limits, reserve=dict(reserve or {}), holdout=holdout,
    )  # fmt: skip


def _solved(problem: Problem) -> tuple[Floats, Arms, float]:
    """Prices, a plan within the limits, and a bound on all plans."""
    if not problem.customers:
        return np.zeros(len(problem.lines)), np.zeros(0, np.int16), 0.0
    prices = prices_of(problem)
    if not len(problem.lines):
        return prices.price, problem.priced(prices.price)[1], prices.bound
    choice = _aimed(problem, prices)
    kept = problem.lines.kept(problem.usage(choice))
    if kept:
        choice = improved(problem, choice, prices.price)
    return _polished(problem, prices, choice, kept)


def _aimed(problem: Problem, prices: Prices) -> Arms:
    """A plan that keeps the limits if moves can make one; where they are stuck, aimed below by what was missed."""
    choice = repaired(problem, mixed_plan(problem, prices), prices.price)
    limit = problem.lines.limit
    for _ in range(AIMS):
        over = problem.usage(choice) - problem.lines.limit
        if problem.lines.kept(problem.usage(choice)):
            break
        limit = np.where(over > 1e-9, limit - 1.5 * over, limit)
        limit = np.where(problem.lines.cap, np.maximum(limit, 0.0), limit)
        below = replace(problem, lines=replace(problem.lines, limit=limit))
        choice = repaired(problem, mixed_plan(below, prices_of(below)), prices.price)
    if not problem.lines.kept(problem.usage(choice)) and (problem.lines.limit >= 0).all():
        return np.zeros(problem.customers, np.int16)  # nobody treated keeps every limit that is no floor
    return choice


def _polished(problem: Problem, prices: Prices, choice: Arms, kept: bool) -> tuple[Floats, Arms, float]:
    """Branch and bound over the core where something may still be won, or where the moves found no plan."""
    bound, pairs = prices.bound, CORE
    for _ in range(1 if kept else 2):
        value = problem.value(choice)
        whole = problem.customers * (problem.arms - 1) <= CORE
        some = pairs if whole or not kept else FEW
        if kept and bound - value <= (1e-12 if whole else ENOUGH) * abs(bound):
            break
        rows = core_rows(problem, choice, prices.price, some)
        found = solved(problem, choice, rows, 0.0 if whole else ENOUGH / 4 * abs(bound), 5_000 if whole else 200)
        if found is not None:
            better, said = found
            if not problem.lines.kept(problem.usage(better)):
                better = repaired(problem, better, prices.price)
            fine = problem.lines.kept(problem.usage(better))
            if fine and (not kept or problem.value(better) > value):
                choice, kept = better, True
            bound = min(bound, said) if whole else bound
        if whole:
            break
        pairs *= 4
    if not kept:
        raise TooLittleData(
            "no plan was found that keeps all limits at once",
            where=", ".join(problem.lines.names),
            remedy="lower the floors, or allow more budget, places or difference between groups",
        )
    return prices.price, choice, bound


def _reachable(problem: Problem) -> None:
    """Refuse a floor that not even treating everybody who may be treated would reach."""
    lines = problem.lines
    for k in np.flatnonzero(lines.limit < 0):
        taken = lines.count[k][problem.cell].T + lines.money[k][problem.cell].T * problem.cost
        least = np.where(np.isfinite(problem.gain), taken, np.inf).min(axis=0).sum()
        if least > lines.limit[k] + 1e-9:
            name = lines.names[k]
            per = MICRO if name.endswith("spend") else 1
            raise TooLittleData(
                f"the {name}, is {-lines.limit[k] / per:g}, but at most {-least / per:g} can be reached",
                remedy="lower the floor, or make more customers eligible",
            )


def _aside(lines: Lines, reserve: Mapping[str, float]) -> Floats:
    aside = np.zeros(len(lines))
    for name, amount in reserve.items():
        if name not in lines.names:
            raise UsageError(f"nothing can be set aside of {name!r}, which is no limit", where=", ".join(lines.names))
        k = lines.names.index(name)
        aside[k] = np.ceil(amount * MICRO) if lines.money[k].any() else np.ceil(amount)
    return aside


def _told(lines: Lines, prices: Floats, used: Floats) -> dict[str, Any]:
    """Prices, use and limits by name, money in currency units."""
    per = np.where(lines.money.any(axis=(1, 2)), float(MICRO), 1.0) if len(lines) else np.ones(0)
    return {
        "shadow": dict(zip(lines.names, (prices * per).tolist(), strict=True)),
        "used": dict(zip(lines.names, (used / per).tolist(), strict=True)),
        "limit": dict(zip(lines.names, (lines.limit / per).tolist(), strict=True)),
    }
