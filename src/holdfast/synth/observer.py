"""The best that anybody could say from the events: the hidden state, filtered day by day.

An observer who knew every habit exactly (the own gap, how a contact works, what was resented) but saw only orders and
visits would hold this belief. No model that has to learn the habits can forecast better than it, on average: a
backtest on a synthetic shop that does has looked into the future.
"""

from __future__ import annotations

import numpy as np

from holdfast.synth.life import APPETITE, CURIOSITY, Life, kept_chance, moves, order_chance, visit_mean
from holdfast.synth.parameters import World
from holdfast.synth.people import Floats, Ints, People
from holdfast.synth.tempo import Tempo


def belief(world: World, people: People, tempo: Tempo, life: Life, first: int) -> Floats:
    """P(state at the start of day `first` | orders, visits and contacts before it): customers x 3, rows add to 1.

    The forward filter of a hidden Markov model (Rabiner 1989, section III.A), all customers at once.
    """
    n = len(people)
    state = np.tile([1.0, 0.0, 0.0], (n, 1))
    last, grudge = np.full(n, -1), np.zeros(n)
    arm, contacted = np.zeros(n, np.int64), np.full(n, -10_000)
    for day in range(first):
        told = _of(life.contact_day, day)
        arm[life.contact_who[told]] = np.where(life.contact_left[told], 0, life.contact_arm[told])
        contacted[life.contact_who[told]] = day
        ordered = _of(life.order_day, day)
        buyer, void = life.order_who[ordered], life.order_void[ordered]
        known = np.flatnonzero((people.born < day) & ~people.looker)
        working = np.where(day - contacted[known] < world.effect_days, arm[known], 0)
        rate = order_chance(world, people, tempo, known, day, last[known]) * np.exp(people.effects[known, working])
        did = np.zeros(n, np.int64)
        did[buyer] = np.where(void, 2, 1)
        visits = np.bincount(life.visit_who[_of(life.visit_day, day)], minlength=n)[known]
        seen = _order_likelihood(world, rate, did[known])
        state[known] *= seen * _visit_likelihood(visit_mean(people, tempo, known, day), visits)
        state[known] /= state[known].sum(axis=1, keepdims=True)
        last[buyer[~void]] = day
        grudge[buyer[~void]] = life.grudge[ordered][~void]
        _night(people, state, np.flatnonzero((people.born <= day) & ~people.looker), grudge)
    return state


def _of(days: Ints, day: int) -> slice:
    """The entries of one day in a log that is in the order of days."""
    return slice(int(np.searchsorted(days, day)), int(np.searchsorted(days, day, side="right")))


def _order_likelihood(world: World, rate: Floats, did: Ints) -> Floats:
    """P(no order, an order, or a voided one | state), customers x 3."""
    kept = kept_chance(world, rate[:, None] * APPETITE)
    tried = kept / (1 - world.void_share)
    chances = np.stack([1 - tried, kept, tried - kept])
    return np.asarray(chances[did, np.arange(len(did))])


def _visit_likelihood(mean: Floats, visits: Ints) -> Floats:
    """Poisson likelihood of so many visits | state, up to what all states share."""
    return np.asarray(CURIOSITY ** visits[:, None] * np.exp(-mean[:, None] * CURIOSITY))


def _night(people: People, state: Floats, who: Ints, grudge: Floats) -> None:
    sleep, leave, wake, leave_asleep = moves(people, who, grudge[who])
    engaged, asleep, gone = state[who].T
    state[who, 0] = engaged * (1 - sleep - leave) + asleep * wake
    state[who, 1] = asleep * (1 - wake - leave_asleep) + engaged * sleep
    state[who, 2] = gone + engaged * leave + asleep * leave_asleep
