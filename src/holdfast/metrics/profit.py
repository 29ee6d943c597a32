"""What a campaign would earn: maximum profit, expected maximum profit, thresholds by cost, profit under a budget.

A campaign contacts everybody above a threshold. A churner who is contacted stays with probability gamma and is then
worth `clv` less the incentive; a stayer takes the incentive and would have stayed anyway (Verbeke et al. 2012). Per
customer, with shares pi and the part F of each class above the threshold,

    profit = clv (gamma (1 - d) - f) pi_churn F_churn - clv (d + f) pi_stay F_stay,   d = incentive/clv, f = contact/clv

MPC takes the best threshold at one gamma; EMPC (Verbraken, Verbeke & Baesens 2013, IEEE TKDE 25:961) averages the best
profit over gamma ~ Beta(a, b), exactly, along the convex hull of the ROC curve. Neither may choose a model: where many
churn, contacting everybody is nearly best whatever the order, so a good and a bad model earn the same. Read them beside
`treat_all`. The acceptance rate, the gain per save and the cost are assumptions until an experiment measures them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import UsageError
from holdfast.core.results import Score
from holdfast.core.text import Text
from holdfast.metrics.bootstrap import interval

Floats = NDArray[np.float64]
#: Depths of a contact budget that are reported.
BUDGETS = (0.01, 0.05, 0.10, 0.20, 0.50, 1.0)
#: Above this optimal fraction the profit says little about the order of customers.
_SATURATED = 0.9
SATURATION = Text(
    "Contacting nearly everybody is best at these costs, so this profit cannot tell a good model from a bad one; "
    "it is never used to choose a model.",
    "按此成本，联系几乎所有人即为最优，因此该利润无法区分模型好坏；它从不用于选择模型。",
)


@dataclass(frozen=True)
class Campaign:
    """Money of one campaign, in the shop's currency, and the Beta(a, b) rate at which contacted churners stay.

    >>> round(Campaign().mean_acceptance, 2)
    0.3
    """

    clv: float = 200.0
    incentive: float = 10.0
    contact_cost: float = 1.0
    a: float = 6.0
    b: float = 14.0

    def __post_init__(self) -> None:
        if not (self.clv > self.incentive >= 0 and self.contact_cost >= 0 and self.a > 0 and self.b > 0):
            raise UsageError(
                f"this campaign does not make sense: {asdict(self)}",
                remedy="clv above the incentive, costs at least 0, a and b above 0",
            )

    @property
    def mean_acceptance(self) -> float:
        return self.a / (self.a + self.b)

    def per_customer(self, gamma: float) -> tuple[float, float]:
        """Profit of contacting one churner, and one stayer (negative), at an acceptance rate."""
        return gamma * (self.clv - self.incentive) - self.contact_cost, -(self.incentive + self.contact_cost)


@dataclass(frozen=True)
class Profit:
    """Profit per customer of the population, and the share of customers contacted to earn it (its expectation)."""

    profit: float
    fraction: float
    treat_all: float
    treat_none: float = 0.0

    @property
    def saturated(self) -> bool:
        """Whether nearly everybody is contacted anyway."""
        return self.fraction >= _SATURATED


def mpc(
    happened: NDArray[Any], said: NDArray[Any], campaign: Campaign | None = None, gamma: float | None = None,
    weights: NDArray[Any] | None = None,
) -> Profit:  # fmt: skip
    """Maximum profit at one acceptance rate (by default the mean one): the best threshold of all.

    >>> found = mpc(np.array([0, 1]), np.array([0.1, 0.9]))
    >>> round(found.profit, 2), found.fraction
    (28.0, 0.5)
    """
    campaign = campaign or Campaign()
    rate = campaign.mean_acceptance if gamma is None else gamma
    churn, stay = _hull(happened, said, weights)
    won, lost = campaign.per_customer(rate)
    earned = won * churn + lost * stay
    best = int(np.argmax(earned))
    everybody = float(won * churn[-1] + lost * stay[-1])
    return Profit(float(earned[best]), float(churn[best] + stay[best]), everybody)


def empc(
    happened: NDArray[Any], said: NDArray[Any], campaign: Campaign | None = None, weights: NDArray[Any] | None = None
) -> Profit:
    """Expected maximum profit: at each acceptance rate the best threshold, averaged over the Beta distribution.

    `happened`: true = churned; `said`: higher = riskier. Golden value for the defaults:

    >>> y, s = np.array([0, 1, 0, 1, 0, 1, 0, 1]), np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.8, 0.9])
    >>> found = empc(y, s)
    >>> round(found.profit, 7), round(found.treat_all, 4)
    (23.8755934, 22.5)
    """
    from scipy.special import betainc

    campaign = campaign or Campaign()
    churn, stay = _hull(happened, said, weights)
    gain = campaign.clv - campaign.incentive  # times gamma
    cost = campaign.contact_cost * churn + (campaign.contact_cost + campaign.incentive) * stay
    with np.errstate(divide="ignore", invalid="ignore"):
        turns = np.diff(cost) / (gain * np.diff(churn))  # the gamma from which the next, deeper threshold is better
    turns = np.where(np.diff(churn) > 0, turns, np.inf)
    edges = np.concatenate([[0.0], np.maximum.accumulate(np.clip(turns, 0.0, 1.0)), [1.0]])
    a, b = campaign.a, campaign.b
    mass = np.diff(betainc(a, b, edges))
    mean = campaign.mean_acceptance * np.diff(betainc(a + 1, b, edges))
    won, lost = campaign.per_customer(campaign.mean_acceptance)
    return Profit(
        float(gain * churn @ mean - cost @ mass),
        float((churn + stay) @ mass),
        float(won * churn[-1] + lost * stay[-1]),
    )


def profit_threshold(campaign: Campaign | None = None, gamma: float | None = None) -> float:
    """The p_churn from which contacting one customer pays on average; above 1: it never pays.

    >>> round(profit_threshold(), 4)
    0.1642
    """
    campaign = campaign or Campaign()
    won, lost = campaign.per_customer(campaign.mean_acceptance if gamma is None else gamma)
    return float(-lost / (won - lost)) if won - lost > 0 else float("inf")


def cost_threshold(missed: float, false_alarm: float) -> float:
    """The probability from which to act, from the cost of a missed churner and of a false alarm (Elkan 2001).

    >>> cost_threshold(missed=30.0, false_alarm=10.0)
    0.25
    """
    if missed < 0 or false_alarm < 0 or missed + false_alarm <= 0:
        raise UsageError(
            f"costs of {missed} and {false_alarm} cannot be weighed", remedy="give costs of at least 0, one above 0"
        )
    return false_alarm / (missed + false_alarm)


def under_budget(
    happened: NDArray[Any], said: NDArray[Any], share: float, campaign: Campaign | None = None
) -> dict[str, float]:
    """What contacting the riskiest `share` of customers finds and earns (per customer of the population).

    Equal scores at the edge are taken pro rata, so nothing depends on row order.

    >>> found = under_budget(np.array([0, 1, 0, 1]), np.array([0.1, 0.9, 0.2, 0.8]), 0.25)
    >>> found["recall"], found["lift"], found["contacts"]
    (0.5, 2.0, 1.0)
    """
    if not 0 < share <= 1:
        raise UsageError(f"a budget of {share} of the customers makes no sense", remedy="a share above 0, at most 1")
    campaign = campaign or Campaign()
    y, s = _checked(happened, said)
    order = np.argsort(-s, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(s[order]) != 0])
    people = np.r_[0.0, np.cumsum(np.add.reduceat(np.ones(len(y)), starts))]
    churners = np.r_[0.0, np.cumsum(np.add.reduceat(y[order], starts))]
    contacts = share * len(y)
    found = float(np.interp(contacts, people, churners))
    won, lost = campaign.per_customer(campaign.mean_acceptance)
    rate = float(y.mean())
    return {
        "share": share, "contacts": contacts, "churners": found, "precision": found / contacts,
        "recall": found / float(y.sum()) if y.sum() else float("nan"),
        "lift": found / contacts / rate if rate else float("nan"),
        "profit": (won * found + lost * (contacts - found)) / len(y),
        "cost": (campaign.contact_cost * contacts + campaign.incentive * (contacts - found)) / len(y),
    }  # fmt: skip


def profit_rows(
    happened: NDArray[Any], said: NDArray[Any], *, bench: str, data: str, protocol: str, model: str,
    campaign: Campaign | None = None, count: int = 100, seed: int = 1,
) -> list[Score]:  # fmt: skip
    """Rows for the backtest page: mpc and empc beside treat-all, treat-none and the optimal fraction; budgets.

    Intervals are 95%, customers resampled `count` times. `protocol` gets the campaign's figures and "assumed".
    """
    campaign = campaign or Campaign()
    y, s = _checked(happened, said)
    random, draws = np.random.default_rng([seed, 17]), []
    for _ in range(count):
        drawn = empc(y, s, campaign, weights=random.poisson(1.0, len(y)))
        draws.append((drawn.profit, drawn.treat_all, drawn.profit - drawn.treat_all))
    low, high = zip(*(interval(one) for one in np.array(draws).T), strict=True) if draws else ((None,) * 3, (None,) * 3)
    found, at_mean = empc(y, s, campaign), mpc(y, s, campaign)
    text = (
        f"{protocol}, assumed: clv {campaign.clv:g}, incentive {campaign.incentive:g}, "
        f"contact {campaign.contact_cost:g}, acceptance Beta({campaign.a:g},{campaign.b:g})"
    )

    def row(metric: str, value: float, at: int | None = None) -> Score:
        if at is None:
            return Score(bench, data, text, model, metric, value, n=len(y))
        return Score(bench, data, text, model, metric, value, low[at], high[at], n=len(y))

    rows = [
        row("empc", found.profit, 0), row("profit_treat_all", found.treat_all, 1), row("profit_treat_none", 0.0),
        row("empc_over_treat_all", found.profit - found.treat_all, 2), row("empc_fraction", found.fraction),
        row("mpc", at_mean.profit), row("mpc_fraction", at_mean.fraction), row("profit_threshold", profit_threshold(campaign)),
    ]  # fmt: skip
    for share in BUDGETS:
        held = under_budget(y, s, share, campaign)
        rows += [row(f"{name}_at_{share * 100:g}pct", held[name]) for name in ("lift", "recall", "profit")]
    return rows


def _hull(happened: NDArray[Any], said: NDArray[Any], weights: NDArray[Any] | None) -> tuple[Floats, Floats]:
    """Churners and stayers contacted at each corner of the ROC convex hull, as shares of the population, from none to all."""
    y, s = _checked(happened, said)
    w = np.ones(len(y)) if weights is None else np.asarray(weights, np.float64)
    order = np.argsort(-s, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(s[order]) != 0])
    total = max(float(w.sum()), 1e-300)
    churn = np.r_[0.0, np.cumsum(np.add.reduceat((w * y)[order], starts))] / total
    stay = np.r_[0.0, np.cumsum(np.add.reduceat((w * (1 - y))[order], starts))] / total
    corners: list[int] = []
    x, h = stay.tolist(), churn.tolist()
    for at in range(len(x)):
        while len(corners) >= 2 and _below(x, h, corners[-2], corners[-1], at):
            corners.pop()
        corners.append(at)
    return churn[corners], stay[corners]


def _below(x: list[float], h: list[float], one: int, two: int, three: int) -> bool:
    """Whether the middle corner lies on or below the line from the first to the third."""
    return (x[two] - x[one]) * (h[three] - h[one]) >= (h[two] - h[one]) * (x[three] - x[one])


def _checked(happened: NDArray[Any], said: NDArray[Any]) -> tuple[Floats, Floats]:
    y, s = np.asarray(happened, np.float64), np.asarray(said, np.float64)
    if y.shape != s.shape or not len(y):
        raise UsageError(f"{y.shape} outcomes and {s.shape} scores", remedy="one score for each outcome, at least one")
    if not np.isin(y, (0.0, 1.0)).all() or not np.isfinite(s).all():
        raise UsageError("outcomes are 0 or 1 and scores are finite numbers", remedy="1 = churned, higher = riskier")
    return y, s
