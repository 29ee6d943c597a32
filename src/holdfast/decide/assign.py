"""From a plan to decisions: the always-on holdout, who tries what by chance, the chances of all arms, and why.

    Planned = plan(options, limits, ...): holdout -> what trying needs is set aside -> allocate -> draw

The chance of an arm, given that the customer is not held out, is that of being tried on it; the planned arm has all the
rest. These chances are fixed before anything is drawn and nothing is mended afterwards, so what is logged is true; and
the caps hold for every draw, because what trying can take at most was set aside first (`explore`).

In the holdout the chance of `nothing` is 1: chances are those *given* that one is, or is not, held out. Whether one is
held out is a draw of its own, once and for all; `marginal` puts the two together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from holdfast.core.decide import Decisions, Options
from holdfast.core.errors import UsageError
from holdfast.core.text import Language
from holdfast.decide.budget import Allocation, Limits, allocate
from holdfast.decide.draw import keyed, lots, number
from holdfast.decide.explore import Exploration, explore
from holdfast.decide.reasons import sentences, why

__all__ = ["Planned", "decide", "holdout", "marginal", "plan"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def holdout(ids: pa.Array, share: float, salt: str) -> Flags:
    """Who is held out: a salted hash of the id below `share`. Nobody else's id matters, and nobody leaves the holdout
    when `share` grows.

    >>> holdout(pa.array(["anna", "ben"]), 1.0, "shop").tolist()
    [True, True]
    """
    if not 0 <= share <= 1:
        raise UsageError(f"the holdout's share is {share}", remedy="a share from 0 to 1, such as 0.05")
    return lots(ids, f"holdout\x00{salt}") < share


@dataclass(frozen=True)
class Planned:
    """A plan, what is tried beside it, and the decisions drawn."""

    allocation: Allocation
    exploration: Exploration
    decisions: Decisions


def plan(
    options: Options, limits: Limits, *, epsilon: float = 0.02, holdout: Flags | None = None, salt: str = "",
    campaign: str = "", seed: int = 1, p_churn: ArrayLike | None = None, language: Language = "en",
) -> Planned:  # fmt: skip
    """The whole way from options to decisions. Arguments as those of `decide`."""
    tried = explore(options, limits, epsilon, holdout)
    chosen = allocate(options, limits, holdout=holdout, reserve=tried.reserve)
    made = _drawn(options, chosen, tried, holdout, salt, campaign, seed, p_churn, language)
    return Planned(chosen, tried, made)


def decide(
    options: Options, allocation: Allocation, *, epsilon: float = 0.02, holdout: Flags | None = None, salt: str = "",
    campaign: str = "", seed: int = 1, p_churn: ArrayLike | None = None, language: Language = "en",
) -> Decisions:  # fmt: skip
    """Decisions with the chances of all arms. `epsilon` is shared equally by the arms open to a customer.

    An allocation that leaves no room for trying, or treats the holdout, is made anew under its own limits with that room
    set aside: mending the plan keeps the chances true, mending the draw would not. `salt` and `campaign` decide the lots,
    `p_churn` only the words of the reasons.

    >>> options = Options(pa.array(["a", "b"]), ("nothing", "mail"), np.array([[0, 2.0], [0, -1.0]]), np.zeros((2, 2)))
    >>> made = decide(options, allocate(options, Limits()), epsilon=0.1, campaign="may")
    >>> made.propensities.round(3).tolist()
    [[0.05, 0.95], [0.95, 0.05]]
    """
    tried = explore(options, allocation.limits, epsilon, holdout)
    full = any(allocation.used[name] + amount > allocation.limit[name] + 1e-9 for name, amount in tried.reserve.items())
    treats = holdout is not None and bool(allocation.chosen[holdout].any())
    if full or treats:
        allocation = allocate(options, allocation.limits, holdout=holdout, reserve=tried.reserve)
    return _drawn(options, allocation, tried, holdout, salt, campaign, seed, p_churn, language)


def _drawn(
    options: Options, allocation: Allocation, tried: Exploration, holdout: Flags | None, salt: str, campaign: str,
    seed: int, p_churn: ArrayLike | None, language: Language,
) -> Decisions:  # fmt: skip
    n = len(options)
    out = np.zeros(n, bool) if holdout is None else holdout
    rows, planned = np.arange(n), np.where(out, 0, allocation.chosen)
    lot = f"{salt}\x00{campaign}"
    starts = np.random.default_rng([seed, number(lot)]).random(len(options.arms))
    drawn = tried.drawn(options, keyed(options.customer_id, lot), starts)
    chosen = np.where((drawn >= 0) & ~out, drawn, planned)
    codes = why(options, chosen, planned, out, p_churn)
    return Decisions(
        options.customer_id, options.arms, chosen, propensities(tried, planned), options.uplift[rows, chosen],
        options.gain[rows, chosen], options.cost[rows, chosen], out, sentences(options, codes, language), campaign,
    )  # fmt: skip


def propensities(tried: Exploration, planned: NDArray[np.int64]) -> Floats:
    """Chances of all arms given that the customer is (or is not) held out: being tried, and the planned arm the rest."""
    found = tried.chance.copy()
    rows = np.arange(len(found))
    found[rows, planned] = 0.0
    found[rows, planned] = 1.0 - found.sum(axis=1)
    return found


def marginal(decisions: Decisions, share: float, planned: Floats | None = None) -> Decisions:
    """The same decisions with chances before it was known who is held out, for estimates over everybody at once.

    Of those not held out every chance is (1 - share) times what it was, and `nothing` gets `share` more. What a held-out
    customer would have been given is not known from `decisions`; `planned` (customers x arms) may say it. Without it
    they keep the chance 1, and only estimates that leave them out, or compare them as a group, are right.

    >>> one = decide(Options(pa.array(["a"]), ("nothing", "mail"), np.array([[0, 2.0]]), np.zeros((1, 2))),
    ...              allocate(Options(pa.array(["a"]), ("nothing", "mail"), np.array([[0, 2.0]]), np.zeros((1, 2))), Limits()))
    >>> marginal(one, 0.1).propensities.round(3).tolist()
    [[0.109, 0.891]]
    """
    given = decisions.propensities if planned is None else np.where(decisions.holdout[:, None], planned, decisions.propensities)  # fmt: skip
    found = given * (1 - share)
    found[:, 0] += share
    if planned is None:
        found[decisions.holdout] = decisions.propensities[decisions.holdout]
    return replace(decisions, propensities=found)
