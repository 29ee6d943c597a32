"""The money line that opens a plan: doing nothing, everyone, the riskiest, and this plan; and when we shall know.

What is not known of the gains is mostly wrong for everybody at once (a mean that was measured, a prior that was stated), so
the doubt about an arm is one draw for all customers who get it; `noise` is what differs from customer to customer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from holdfast.core.decide import Options
from holdfast.core.errors import UsageError
from holdfast.core.results import Undetermined
from holdfast.core.text import Text
from holdfast.decide.budget import Limits
from holdfast.metrics.power import customers_needed

__all__ = ["Known", "MoneyLine", "Policy", "known_by", "known_money_by", "money_line", "riskiest", "uniform"]

Floats = NDArray[np.float64]
DRAWS = 4_000
_TITLES = {
    "nothing": Text("Nothing is done", "什么都不做"),
    "everyone": Text("Everyone open to it gets {arm}", "所有符合条件的客户都给{arm}"),
    "riskiest": Text("The riskiest get {arm}, for the same money", "用同样的钱，给风险最高的客户{arm}"),
    "guarded": Text("This plan", "本计划"),
}


@dataclass(frozen=True)
class Policy:
    """One way to act: customers treated (expected), money spent, net profit over doing nothing with its interval, and
    how much more this plan earns than it (`ahead`), with the interval of that difference. Currency units."""

    policy: str
    title: Text
    treated: float
    cost: float
    profit: float
    low: float
    high: float
    ahead: float
    ahead_low: float
    ahead_high: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class MoneyLine:
    """The policies side by side; `measured`: the gains rest on an experiment, otherwise on stated priors."""

    policies: tuple[Policy, ...]
    level: float
    measured: bool

    def __getitem__(self, policy: str) -> Policy:
        """The policy of this name; `everyone` for the best uniform arm."""
        for one in self.policies:
            if one.policy == policy or (policy == "everyone" and one.policy.startswith("uniform_")):
                return one
        raise KeyError(policy)

    def as_dict(self) -> dict[str, Any]:
        return {"policies": [one.as_dict() for one in self.policies], "level": self.level, "measured": self.measured}


def uniform(options: Options, holdout: NDArray[np.bool_] | None = None) -> int:
    """The acting arm that gains most when everybody open to it gets it; 0 where there is none to give.

    >>> import pyarrow as pa
    >>> uniform(Options(pa.array(["a", "b"]), ("nothing", "x", "y"), np.array([[0, 1.0, 3.0], [0, 1.0, -9.0]]), np.zeros((2, 3))))
    1
    """
    if len(options.arms) == 1:
        return 0
    may = options.eligible[:, 1:] & ~_out(options, holdout)[:, None]
    return int(np.where(may, options.gain[:, 1:], 0.0).sum(axis=0).argmax()) + 1


def riskiest(
    options: Options, arm: int, p_churn: ArrayLike, money: float, places: float = math.inf,
    holdout: NDArray[np.bool_] | None = None,
) -> NDArray[np.int64]:  # fmt: skip
    """The arm for whoever is likeliest to stay away, as far as money and places go; ties by their row."""
    chosen = np.zeros(len(options), np.int64)
    order = np.argsort(-np.asarray(p_churn, np.float64), kind="stable")
    order = order[(options.eligible[:, arm] & ~_out(options, holdout))[order]]
    within = np.cumsum(options.cost[order, arm]) <= money + 1e-9
    chosen[order[within][: int(min(places, len(order)))]] = arm
    return chosen


def money_line(
    options: Options, propensities: Floats, limits: Limits, *, p_churn: ArrayLike, spread: Floats | None = None,
    noise: Floats | None = None, draws: Iterable[Floats] | None = None, holdout: NDArray[np.bool_] | None = None,
    level: float = 0.9, seed: int = 1,
) -> MoneyLine:  # fmt: skip
    """Net profit of nothing, everyone, the riskiest for the same money, and of this plan (chances of all arms: what is
    tried counts, too).

    The doubt: `spread` (customers x arms, standard deviations common to all customers of an arm) and `noise`
    (independent), simulated with a fixed seed; or `draws`, gains resampled in any other way (customers x arms each).
    Everyone is shown whatever it costs; the riskiest get that same arm for the plan's budget (without one, for the money
    the plan spends) and within its places.

    >>> import pyarrow as pa
    >>> options = Options(pa.array(["a", "b"]), ("nothing", "mail"), np.array([[0, 3.0], [0, -1.0]]), np.array([[0, 1.0], [0, 1.0]]))
    >>> line = money_line(options, np.array([[0, 1.0], [1.0, 0]]), Limits(budget=1), p_churn=[0.2, 0.9])
    >>> [(one.policy, one.profit) for one in line.policies]
    [('nothing', 0.0), ('uniform_mail', 2.0), ('riskiest', -1.0), ('guarded', 3.0)]
    """
    n, arms = options.gain.shape
    if np.shape(propensities) != (n, arms) or len(np.asarray(p_churn)) != n:
        raise UsageError(f"money needs chances and a p_churn for each of {n} customers and {arms} arms")
    out = _out(options, holdout)
    arm = uniform(options, holdout)
    given = np.zeros((n, arms))
    given[np.arange(n), np.where(options.eligible[:, arm] & ~out, arm, 0)] = 1.0
    spent = float((propensities * np.where(propensities > 0, options.cost, 0.0)).sum())
    money = spent if limits.budget is None else limits.budget
    risky = np.zeros((n, arms))
    risky[np.arange(n), riskiest(options, arm, p_churn, money, _places(options, limits, arm), holdout)] = 1.0
    nothing = np.zeros((n, arms))
    nothing[:, 0] = 1.0
    named = {"nothing": nothing, f"uniform_{options.arms[arm]}": given, "riskiest": risky, "guarded": propensities}
    doubts = _simulated(options, named, spread, noise, seed) if draws is None else _resampled(named, draws)
    title = {"nothing": "nothing", "riskiest": "riskiest", "guarded": "guarded"}
    found = []
    for name, chance in named.items():
        known = _TITLES[title.get(name, "everyone")]
        text = Text(known.en.format(arm=options.arms[arm]), known.zh.format(arm=options.arms[arm]))
        found.append(_policy(name, text, options, chance, propensities, doubts[name], doubts["guarded"], level))
    return MoneyLine(tuple(found), level, options.measured)


def _policy(
    name: str, title: Text, options: Options, chance: Floats, plan: Floats, doubt: Floats, of_plan: Floats, level: float
) -> Policy:
    """`doubt`: draws of the profit less its estimate."""
    tail = [(1 - level) / 2, (1 + level) / 2]
    profit, ours = _expected(options.gain, chance), _expected(options.gain, plan)
    low, high = (profit + np.quantile(doubt, tail)).tolist()
    ahead = (ours - profit + np.quantile(of_plan - doubt, tail)).tolist()
    treated = float(chance[:, 1:].sum())
    return Policy(name, title, treated, _expected(options.cost, chance), profit, low, high, ours - profit, *ahead)


def _expected(amount: Floats, chance: Floats) -> float:
    return float((np.where(chance > 0, amount, 0.0) * chance).sum())


def _simulated(
    options: Options, named: dict[str, Floats], spread: Floats | None, noise: Floats | None, seed: int
) -> dict[str, Floats]:
    """By policy, draws of the profit less its estimate; the same draws for all, so that differences are paired."""
    n, arms = options.gain.shape
    random = np.random.default_rng([seed, 24])
    common = random.standard_normal((DRAWS, arms))
    own = {name: random.standard_normal(DRAWS) for name in named}
    wide = np.zeros((n, arms)) if spread is None else spread
    small = np.zeros((n, arms)) if noise is None else noise
    found = {}
    for name, chance in named.items():
        slope = np.where(chance > 0, wide * chance, 0.0).sum(axis=0)
        rest = math.sqrt(float((np.where(chance > 0, small * chance, 0.0) ** 2).sum()))
        found[name] = common @ slope + rest * own[name]
    return found


def _resampled(named: dict[str, Floats], draws: Iterable[Floats]) -> dict[str, Floats]:
    """The same from resampled gains, about their own mean."""
    totals: dict[str, list[float]] = {name: [] for name in named}
    for gain in draws:
        for name, chance in named.items():
            totals[name].append(_expected(gain, chance))
    if not next(iter(totals.values()), []):
        raise UsageError("no draws of the gains were given")
    return {name: np.array(values) - float(np.mean(values)) for name, values in totals.items()}


def _places(options: Options, limits: Limits, arm: int) -> float:
    name = options.arms[arm]
    channel = limits.channels.get(name, "")
    some = [limits.contacts, limits.arm_stock.get(name), limits.channel_capacity.get(channel)]
    return min((float(one) for one in some if one is not None), default=math.inf)


def _out(options: Options, holdout: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    return np.zeros(len(options), bool) if holdout is None else holdout


@dataclass(frozen=True)
class Known:
    """When we shall know: customers needed in both groups together, campaigns as large as this one, and the day on which
    the last follow-up closes."""

    customers: int
    campaigns: int
    day: date
    difference: float
    power: float

    @property
    def sentence(self) -> Text:
        return Text(
            f"{self.customers:,} customers, {self.campaigns} campaign(s) like this one, are needed to see it with "
            f"{self.power:.0%} certainty: on {self.day.isoformat()}.",
            f"需要{self.customers:,}位客户、{self.campaigns}次同等规模的活动，才有{self.power:.0%}的把握看到效果：{self.day.isoformat()}。",
        )


def known_by(
    rate: float, fall: float, *, per_campaign: int, control_share: float, every_days: float, follow_up_days: float,
    start: date, power: float = 0.8, alpha: float = 0.05, most: int = 120,
) -> Known | Undetermined:  # fmt: skip
    """When a fall of the share who do not order, `rate` in the control group, will have been seen.

    `per_campaign`: customers of one campaign who are compared, both groups together. Two proportions, two-sided.

    >>> from datetime import date
    >>> found = known_by(0.6, 0.05, per_campaign=1000, control_share=0.5, every_days=14, follow_up_days=30, start=date(2026, 1, 1))
    >>> found.customers, found.campaigns, found.day
    (3067, 4, datetime.date(2026, 3, 14))
    """
    if not (0 < rate < 1 and 0 < fall <= rate):
        return Undetermined(f"no effect is expected that a test could see (from {rate:.1%} by {fall:.2%})")
    refused = _refused(per_campaign, control_share)
    if refused:
        return refused
    needed = customers_needed(rate, fall, control_share=control_share, alpha=alpha, power=power)
    return _known(needed, fall, per_campaign, every_days, follow_up_days, start, power, most)


def known_money_by(
    deviation: float, difference: float, *, per_campaign: int, control_share: float, every_days: float,
    follow_up_days: float, start: date, power: float = 0.8, alpha: float = 0.05, most: int = 120,
) -> Known | Undetermined:  # fmt: skip
    """The same for a difference of means of money: `deviation` is the standard deviation of one customer's.

    n = (z_alpha/2 + z_power)^2 deviation^2 (1/c + 1/(1-c)) / difference^2, both groups together, c in the control group.

    >>> from datetime import date
    >>> known_money_by(50, 2, per_campaign=5000, control_share=0.5, every_days=30, follow_up_days=30, start=date(2026, 1, 1)).customers
    19623
    """
    from scipy.stats import norm

    if not (deviation > 0 and difference > 0):
        return Undetermined(f"no effect is expected that a test could see (of {difference:.2f} a customer)")
    refused = _refused(per_campaign, control_share)
    if refused:
        return refused
    z = float(norm.ppf(1 - alpha / 2) + norm.ppf(power))
    needed = math.ceil((z * deviation / difference) ** 2 * (1 / control_share + 1 / (1 - control_share)))
    return _known(needed, difference, per_campaign, every_days, follow_up_days, start, power, most)


def _refused(per_campaign: int, control_share: float) -> Undetermined | None:
    if per_campaign < 1 or not 0 < control_share < 1:
        return Undetermined("nobody is compared: the plan treats nobody, or holds nobody out")
    return None


def _known(
    needed: int, difference: float, per_campaign: int, every_days: float, follow_up_days: float, start: date,
    power: float, most: int,
) -> Known | Undetermined:  # fmt: skip
    campaigns = math.ceil(needed / per_campaign)
    if campaigns > most:
        return Undetermined(
            f"{needed:,} customers are needed, {campaigns:,} campaigns like this one: too many to wait for"
        )
    day = start + timedelta(days=(campaigns - 1) * every_days + follow_up_days)
    return Known(needed, campaigns, day, difference, power)
