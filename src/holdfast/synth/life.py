"""A day in the life of everybody: who falls asleep, wakes, leaves, is contacted, visits and orders.

Every customer lives in one of three hidden states (engaged, in slumber, gone for good). While engaged or in slumber
the chance of an order follows a Weibull need that grows with the days since the last order; the world's tempo, a
promotion and a contact multiply it. A bad experience is remembered as a grudge, and grudges drive customers away.
Chances are written once, here, and read by the simulation and by the truth (`synth/truth.py`) alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.progress import SILENT, Progress
from holdfast.synth.parameters import World
from holdfast.synth.people import Floats, Ints, People
from holdfast.synth.targeting import propensities
from holdfast.synth.tempo import Tempo

ENGAGED, SLUMBER, GONE = 0, 1, 2
#: How much of the need a state lets through.
APPETITE = np.array([1.0, 0.12, 0.0])
#: How often a state visits without ordering, relative to engaged.
CURIOSITY = np.array([1.0, 0.30, 0.0])
_LEAVE_IN_SLUMBER = 3.0
_NEED_CAP = 2.0  # need stops growing at this multiple of the own gap
#: Campaigns reach customers whose last order is at most so many days old.
CAMPAIGN_REACH = 365
#: After this many days of silence or less a message may annoy into unsubscribing, with this chance x annoyance.
UNSUBSCRIBE = 0.04


def order_chance(world: World, people: People, tempo: Tempo, who: Ints, day: int, last: Ints) -> Floats:
    """Rate of an order on `day` before state and contact: the Weibull hazard of the own gap x tempo x promotion.

    `last` is the day of the last order, one per customer of `who`.
    """
    gap, shape = people.gap[who], people.shape[who]
    age = np.minimum(day - last - 0.5, _NEED_CAP * gap)
    rate = shape / gap * (age / gap) ** (shape - 1)
    if tempo.promotion[day]:
        rate = rate * np.exp(world.promotion * people.price_sensitivity[who])
    return np.asarray(rate * tempo.pace[day])


def kept_chance(world: World, rate: Floats) -> Floats:
    """Chance of an order that is not voided on the same day, from the rate times everything that multiplies it."""
    return np.asarray(-np.expm1(-rate) * (1 - world.void_share))


def visit_mean(people: People, tempo: Tempo, who: Ints, day: int) -> Floats:
    """Mean visits without an order on `day`, before state."""
    return np.asarray(people.visits[who] * np.sqrt(tempo.pace[day]) * (1.3 if tempo.promotion[day] else 1.0))


def moves(people: People, who: Ints, grudge: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Daily chances (engaged to slumber, engaged to gone, slumber to engaged, slumber to gone)."""
    sore = np.exp(np.minimum(grudge, 3.0))
    sleep = np.minimum(0.4, people.slumber[who] * np.sqrt(sore))
    leave = np.minimum(0.2, people.leave[who] * sore)
    return sleep, leave, people.wake[who], np.minimum(0.3, _LEAVE_IN_SLUMBER * leave)


@dataclass(frozen=True, eq=False)
class Life:
    """What happened, as logs in the order of days; from them the state at any midnight can be read back."""

    order_who: Ints
    order_day: Ints
    order_void: NDArray[np.bool_]
    order_late: NDArray[np.bool_]  # delivered late
    order_arm: Ints  # arm at work, 0 for none
    experience: Floats  # how the order felt, 0 is ordinary
    grudge: Floats  # remembered after the order
    move_who: Ints
    move_day: Ints  # the first day in the new state
    move_state: Ints
    contact_who: Ints
    contact_day: Ints
    contact_arm: Ints
    contact_left: NDArray[np.bool_]  # unsubscribed on receiving it
    contact_chance: Floats  # contacts x arms: the propensities it was drawn with
    visit_who: Ints
    visit_day: Ints


class _Logs:
    """Columns that grow by a chunk a day."""

    def __init__(self) -> None:
        self._chunks: dict[str, list[NDArray[Any]]] = {}

    def add(self, name: str, values: NDArray[Any]) -> None:
        self._chunks.setdefault(name, []).append(values)

    def column(self, name: str, dtype: type = np.int64) -> NDArray[Any]:
        chunks = self._chunks.get(name)
        return np.concatenate(chunks).astype(dtype) if chunks else np.empty(0, dtype)


class Simulation:
    """The state of everybody on one day, and how a day changes it."""

    def __init__(self, world: World, people: People, tempo: Tempo, rng: np.random.Generator) -> None:
        self.world, self.people, self.tempo, self.rng = world, people, tempo, rng
        n = len(people)
        self.state = np.full(n, ENGAGED)
        self.last = np.full(n, -1)  # day of the last order
        self.grudge = np.zeros(n)
        self.arm = np.zeros(n, np.int64)
        self.contacted = np.full(n, -10_000)
        self.left = ~people.consent  # receives no messages (any more)
        self.logs = _Logs()

    def live(self, day: int, *, given: tuple[Ints, Floats] | None = None, quiet: bool = False) -> None:
        """One day: births, campaign, orders, visits, and what the night changes.

        `given`: the arm (-1 for nobody's business) and the chances of each customer in a campaign of today that somebody
        else decided; `quiet`: the shop's own campaigns are over.
        """
        people, born = self.people, self.people.born
        self._orders(day, np.flatnonzero((born == day) & ~people.looker), first=True)
        if given is not None:
            who = np.flatnonzero(given[0] >= 0)
            self._contact(day, who, given[0][who], given[1][who])
        elif self.tempo.campaign[day] >= 0 and not quiet:
            self._campaign(day)
        awake = np.flatnonzero((born < day) & (self.state != GONE))
        self._orders(day, awake[~people.looker[awake]], first=False)
        self._visits(day, awake)
        self._night(day, np.flatnonzero((born <= day) & (self.state != GONE)))

    def _campaign(self, day: int) -> None:
        who = np.flatnonzero(reached(self.people, self.last, day) & ~self.left)
        chance = propensities(self.world, self.last[who], day)
        past = self.rng.random(len(who))[:, None] >= np.cumsum(chance, axis=1)
        self._contact(day, who, np.minimum(past.sum(axis=1), chance.shape[1] - 1), chance)

    def _contact(self, day: int, who: Ints, arm: Ints, chance: Floats) -> None:
        left = (self.rng.random(len(who)) < UNSUBSCRIBE * self.people.annoyance[who]) & (arm > 0)
        self.left[who[left]] = True
        self.arm[who] = np.where(left, 0, arm)
        self.contacted[who] = day
        columns = {"who": who, "day": np.full(len(who), day), "arm": arm, "left": left, "chance": chance}
        for name, values in columns.items():
            self.logs.add(f"contact_{name}", values)

    def _orders(self, day: int, who: Ints, *, first: bool) -> None:
        working = np.where(day - self.contacted[who] < self.world.effect_days, self.arm[who], 0)
        if first:
            void = np.zeros(len(who), bool)
        else:
            rate = order_chance(self.world, self.people, self.tempo, who, day, self.last[who])
            rate = rate * APPETITE[self.state[who]] * np.exp(self.people.effects[who, working])
            kept = kept_chance(self.world, rate)
            draw = self.rng.random(len(who))
            ordered = draw < kept / (1 - self.world.void_share)
            void = (draw >= kept)[ordered]
            who, working = who[ordered], working[ordered]
        late = self.rng.random(len(who)) < np.where(self.tempo.month[day] == 12, 0.16, 0.07)
        experience = self.rng.standard_normal(len(who)) - 1.7 * late
        real = who[~void]
        self.last[real] = day
        self.grudge[real] = 0.5 * self.grudge[real] + np.maximum(0.0, -experience[~void] - 0.9)
        columns = (who, np.full(len(who), day), void, late, working, experience, self.grudge[who])
        for name, values in zip(("who", "day", "void", "late", "arm", "experience", "grudge"), columns, strict=True):
            self.logs.add(f"order_{name}", values)

    def _visits(self, day: int, who: Ints) -> None:
        mean = visit_mean(self.people, self.tempo, who, day) * CURIOSITY[self.state[who]]
        who = np.repeat(who, self.rng.poisson(mean))
        self.logs.add("visit_who", who)
        self.logs.add("visit_day", np.full(len(who), day))

    def _night(self, day: int, who: Ints) -> None:
        sleep, leave, wake, leave_asleep = moves(self.people, who, self.grudge[who])
        draw = self.rng.random(len(who))
        engaged = self.state[who] == ENGAGED
        going = np.where(engaged, leave, leave_asleep)
        turning = np.where(engaged, sleep, wake)
        new = np.where(draw < going, GONE, np.where(draw < going + turning, 1 - self.state[who], self.state[who]))
        changed = new != self.state[who]
        self.state[who] = new
        self.logs.add("move_who", who[changed])
        self.logs.add("move_day", np.full(int(changed.sum()), day + 1))
        self.logs.add("move_state", new[changed])

    def restart(self, rng: np.random.Generator) -> None:
        """Go on from today with another stream of chance and empty logs."""
        self.rng, self.logs = rng, _Logs()

    def life(self) -> Life:
        """Everything that happened since the logs were begun."""
        log = self.logs
        return Life(
            log.column("order_who"), log.column("order_day"), log.column("order_void", bool),
            log.column("order_late", bool), log.column("order_arm"), log.column("order_experience", float),
            log.column("order_grudge", float), log.column("move_who"), log.column("move_day"), log.column("move_state"),
            log.column("contact_who"), log.column("contact_day"), log.column("contact_arm"),
            log.column("contact_left", bool), log.column("contact_chance", float).reshape(-1, len(self.world.arms)),
            log.column("visit_who"), log.column("visit_day"),
        )  # fmt: skip


def reached(people: People, last: Ints, day: int) -> NDArray[np.bool_]:
    """Whom a campaign of this day may assign to an arm: no holdout, and an order within the reach."""
    return np.asarray(~people.holdout & (last >= 0) & (day - last <= CAMPAIGN_REACH))


def simulate(world: World, people: People, tempo: Tempo, rng: np.random.Generator, progress: Progress = SILENT) -> Life:
    """Live through every day of the world."""
    run = Simulation(world, people, tempo, rng)
    for day in range(world.days):
        run.live(day)
        if day % 20 == 0 or day == world.days - 1:
            progress.step("living the days", day + 1, world.days)
    return run.life()
