"""The textbook's log: 1,000 customers, 500 goods, events of type browse, search and purchase with durations.

The process, day by day. Customers join over the first 150 days. One who is still there comes with a chance of his own
(visits a day ~ Gamma, mean one a week). A visit has 1 + Poisson(2.5) looks at goods, each as long as the mood is good,
and Poisson(0.8) searches that find something three times in five. What was found is bought the likelier. A purchase lifts
the mood, a search in vain lowers it. After each visit he leaves for good with chance 1 / (1 + exp(4.4 + 1.4 mood)): churn
truly depends on what was done.
Nobody sees the leaving; the shop sees only that no event follows.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
TYPES = ("browse", "search", "purchase")
CUSTOMERS, GOODS, DAYS, JOINING = 1000, 500, 300, 150


@dataclass(frozen=True)
class Log:
    """One entry for each event: customer, day (from 0), type (place in TYPES), good, seconds."""

    customer: Codes = field(repr=False)
    day: Codes = field(repr=False)
    kind: Codes = field(repr=False)
    good: Codes = field(repr=False)
    seconds: Floats = field(repr=False)

    def before(self, day: int) -> Log:
        """What was known when this day began."""
        known = self.day < day
        return Log(
            self.customer[known], self.day[known], self.kind[known], self.good[known], self.seconds[known]
        )  # fmt: skip


@dataclass
class Minds:
    """What nobody sees: who is still there, how often they come, and their mood."""

    there: NDArray[np.bool_]
    rate: Floats
    mood: Floats

    def copy(self, times: int = 1) -> Minds:
        return Minds(np.tile(self.there, times), np.tile(self.rate, times), np.tile(self.mood, times))


def simulate(seed: int, customers: int = CUSTOMERS, days: int = DAYS) -> tuple[Log, list[Minds]]:
    """The log, and the minds as each day began."""
    random = np.random.default_rng([seed, 41])
    rate = np.maximum(random.gamma(1.5, 0.1, customers), 0.01)
    joins = random.integers(0, JOINING, customers)
    minds = Minds(np.zeros(customers, bool), rate, random.normal(0.3, 0.6, customers))
    popular = 1.0 / np.arange(1, GOODS + 1)
    parts, states = [], []
    for day in range(days):
        minds.there |= joins == day
        states.append(minds.copy())
        parts.append(_visits(minds, day, random, np.cumsum(popular / popular.sum())))
    return Log(*(np.concatenate([part[i] for part in parts]) for i in range(5))), states


def p_silent(minds: Minds, horizon: int, seed: int, times: int = 200) -> Floats:
    """P(no event in the horizon) of each customer, knowing the minds: the best that anybody could say.

    The future is drawn `times` times from the state as it is.
    """
    random = np.random.default_rng([seed, 43])
    future, came = minds.copy(times), np.zeros(len(minds.there) * times, bool)
    for _ in range(horizon):
        came |= future.there & (random.random(len(came)) < 1 - np.exp(-future.rate))  # one visit settles it
    return np.asarray(1 - came.reshape(times, -1).mean(axis=0))


def _visits(minds: Minds, day: int, random: np.random.Generator, cumulated: Floats) -> tuple[NDArray[np.generic], ...]:
    """Who comes today, what they do, and what it does to them."""
    who = np.flatnonzero(minds.there & (random.random(len(minds.there)) < 1 - np.exp(-minds.rate)))
    looks, searches = 1 + random.poisson(2.5, len(who)), random.poisson(0.8, len(who))
    found = random.binomial(searches, 0.6)
    chance = 1 / (1 + np.exp(2.2 - 0.9 * found - 0.5 * minds.mood[who]))
    bought = (random.random(len(who)) < chance).astype(np.int64)
    counts = np.stack([looks, searches, bought])
    customer = np.concatenate([np.repeat(who, one) for one in counts])
    kind = np.repeat(np.arange(3), counts.sum(axis=1))
    typical = np.array([60.0, 20.0, 120.0])[kind] * np.exp(0.3 * minds.mood[customer])
    seconds = typical * random.lognormal(0.0, 0.7, len(kind))
    good = np.searchsorted(cumulated, random.random(len(kind))).clip(0, GOODS - 1)
    minds.mood[who] += 0.35 * bought - 0.45 * (searches - found) - 0.05 + random.normal(0, 0.15, len(who))
    leaves = random.random(len(who)) < 1 / (1 + np.exp(4.4 + 1.4 * minds.mood[who]))
    minds.there[who[leaves]] = False
    return customer, np.full(len(kind), day), kind, good, seconds
