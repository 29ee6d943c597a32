"""The truth behind a synthetic shop: who left when, and the exact chance of every silence.

Given no order, everything that drives the next day is known but the hidden state and the arm that a future campaign
will draw. So P(no order in the horizon) is a sum over 3 states x arms carried forward day by day (the forward
recursion of a hidden Markov model, Rabiner 1989), exact up to rounding, with no simulation behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.clock import NO_GAP, Cutoff, Gap, Horizon
from holdfast.core.errors import UsageError
from holdfast.synth.life import APPETITE, CAMPAIGN_REACH, ENGAGED, GONE, UNSUBSCRIBE, Life, kept_chance, moves
from holdfast.synth.life import order_chance as chance
from holdfast.synth.observer import belief
from holdfast.synth.parameters import World
from holdfast.synth.people import Floats, Ints, People
from holdfast.synth.targeting import propensities
from holdfast.synth.tempo import Tempo

Knows = Literal["state", "events"]


@dataclass(frozen=True, eq=False)
class _Moment:
    """The hidden state of the customers `who` at the first instant of a day."""

    who: Ints
    belief: Floats  # customers x 3: how sure of which state; 0 and 1 for who knows it
    last: Ints
    grudge: Floats
    arm: Ints  # arm at work, 0 for none
    contacted: Ints
    left: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Truth:
    """Everything hidden, and the questions one may ask of it. Cutoffs are local midnights of the world."""

    world: World
    people: People
    tempo: Tempo
    life: Life
    customer_id: pa.Array

    def table(self) -> pa.Table:
        """One row per customer: when they came and left, habits, tastes and effects."""
        people, names = self.people, [arm.treatment_id for arm in self.world.arms]
        gone = np.full(len(people), -1)
        left = self.life.move_state == GONE
        gone[self.life.move_who[left]] = self.life.move_day[left]
        start = np.datetime64(self.world.start, "D")
        effects = {f"effect_{name}": people.effects[:, i] for i, name in enumerate(names)}
        return pa.table(
            {
                "customer_id": self.customer_id,
                "came_on": pa.array(start + people.born.astype("timedelta64[D]")),
                "churned_on": pa.array(start + gone.astype("timedelta64[D]"), mask=gone < 0),
                "orders_ever": pa.array(~people.looker),
                "gap_days": people.gap,
                "shape": people.shape,
                "price_sensitivity": people.price_sensitivity,
                "annoyance": people.annoyance,
                "holdout": people.holdout,
                "tastes": pa.array(list(people.tastes), pa.list_(pa.float64())),
                **effects,
            }
        )

    def p_churn(
        self,
        cutoff: Cutoff,
        horizon: Horizon,
        gap: Gap = NO_GAP,
        *,
        campaigns: bool = True,
        treatment: str | None = None,
        knows: Knows = "state",
    ) -> pa.Table:
        """True P(no order in [cutoff + gap, cutoff + gap + horizon)) of everybody who has ordered before the cutoff.

        `campaigns=True` averages over the arms that later campaigns of the horizon will draw (what a log shows);
        `False` asks for the shop that does nothing from the cutoff on. `treatment` gives one arm to everybody at
        the cutoff and then does nothing more, so that differences between two arms are true effects.
        `knows="state"` knows whether a customer is engaged, asleep or gone; `knows="events"` is the best that can be
        said from orders, visits and contacts before the cutoff by somebody who knows all habits (`synth/observer.py`).
        Columns: customer_id, p_churn. A gap is answered for `0d` only: over it, orders would have to be simulated.
        """
        if gap.days != 0 or horizon.days != int(horizon.days):
            raise UsageError("the exact truth is known for whole days and no gap", remedy="horizon='30d', gap='0d'")
        first, days = self.world.day_of(cutoff), int(horizon.days)
        if first + days > len(self.tempo.pace):
            raise UsageError(f"{horizon} after {cutoff} is beyond what this world knows", remedy="a shorter horizon")
        moment = self._moment(first, knows)
        if treatment is not None:
            moment = self._treated(moment, treatment, first)
        mass = self._forward(moment, first, days, campaigns=campaigns and treatment is None)
        return pa.table({"customer_id": self.customer_id.take(pa.array(moment.who)), "p_churn": mass})

    def effect(self, treatment: str, cutoff: Cutoff, horizon: Horizon) -> pa.Table:
        """True uplift: how much one contact at the cutoff raises P(an order in the horizon). Good is positive."""
        without = self.p_churn(cutoff, horizon, treatment=self.world.arms[0].treatment_id)
        given = self.p_churn(cutoff, horizon, treatment=treatment)
        uplift = without["p_churn"].to_numpy() - given["p_churn"].to_numpy()
        return pa.table({"customer_id": without["customer_id"], "uplift": uplift})

    def _moment(self, day: int, knows: Knows) -> _Moment:
        """Read the state at the start of `day` back from the logs: the last entry before it counts."""
        people, life, n = self.people, self.life, len(self.people)
        state, last, grudge = np.full(n, ENGAGED), np.full(n, -1), np.zeros(n)
        if knows == "state":
            moved = life.move_day <= day
            state[life.move_who[moved]] = life.move_state[moved]
            held = np.eye(3)[state]
        else:
            held = belief(self.world, people, self.tempo, life, day)
        real = (life.order_day < day) & ~life.order_void
        last[life.order_who[real]] = life.order_day[real]
        grudge[life.order_who[real]] = life.grudge[real]
        arm, contacted, left = np.zeros(n, np.int64), np.full(n, -10_000), ~people.consent
        told = life.contact_day < day
        arm[life.contact_who[told]] = np.where(life.contact_left, 0, life.contact_arm)[told]
        contacted[life.contact_who[told]] = life.contact_day[told]
        left[life.contact_who[told & life.contact_left]] = True
        who = np.flatnonzero(last >= 0)
        return _Moment(who, held[who], last[who], grudge[who], arm[who], contacted[who], left[who])

    def _treated(self, moment: _Moment, treatment: str, day: int) -> _Moment:
        names = [arm.treatment_id for arm in self.world.arms]
        if treatment not in names:
            raise UsageError(f"no treatment {treatment!r} in this world", remedy=f"one of: {', '.join(names)}")
        arm = np.full(len(moment.who), names.index(treatment))
        return _Moment(moment.who, moment.belief, moment.last, moment.grudge, arm, np.full(len(arm), day), moment.left)

    def _forward(self, now: _Moment, first: int, days: int, *, campaigns: bool) -> Floats:
        """P(no order for `days` days). `mass[i, state, slot]`; the last slot is: unsubscribed during the horizon."""
        arms, n = len(self.world.arms), len(now.who)
        mass = np.zeros((n, 3, arms + 1))
        slot = np.where(now.left, arms, now.arm)
        mass[np.arange(n), :, slot] = now.belief
        # Somebody who unsubscribed earlier may still be under the arm of that campaign's `nothing`: no effect.
        lift = np.concatenate([np.exp(self.people.effects[now.who]), np.ones((n, 1))], axis=1)
        contacted = now.contacted.copy()
        sleep, leave, wake, leave_asleep = moves(self.people, now.who, now.grudge)
        for day in range(first, first + days):
            if campaigns and self.tempo.campaign[day] >= 0:
                reach = ~self.people.holdout[now.who] & (day - now.last <= CAMPAIGN_REACH)
                mass = np.where(reach[:, None, None], self._assigned(mass, now.who, now.last, day), mass)
                contacted = np.where(reach, day, contacted)
            working = (day - contacted < self.world.effect_days)[:, None]
            rate = chance(self.world, self.people, self.tempo, now.who, day, now.last)[:, None]
            rate = rate * np.where(working, lift, 1.0)
            for state in (0, 1):
                mass[:, state] *= 1 - kept_chance(self.world, rate * APPETITE[state])
            engaged, asleep = mass[:, 0].copy(), mass[:, 1].copy()
            mass[:, 0] = engaged * (1 - sleep - leave)[:, None] + asleep * wake[:, None]
            mass[:, 1] = asleep * (1 - wake - leave_asleep)[:, None] + engaged * sleep[:, None]
            mass[:, 2] += engaged * leave[:, None] + asleep * leave_asleep[:, None]
        return np.asarray(np.clip(mass.sum(axis=(1, 2)), 0.0, 1.0))

    def _assigned(self, mass: Floats, who: Ints, last: Ints, day: int) -> Floats:
        """A campaign draws every subscribed customer's arm anew; some unsubscribe on being contacted."""
        subscribed = mass[:, :, :-1].sum(axis=2)
        leaving = (UNSUBSCRIBE * self.people.annoyance[who])[:, None]
        out = np.empty_like(mass)
        out[:, :, -1] = mass[:, :, -1]
        chance = propensities(self.world, last, day)
        for i in range(len(self.world.arms)):
            stays = 1.0 - leaving if i else np.ones_like(leaving)
            out[:, :, i] = subscribed * chance[:, [i]] * stays
            if i:
                out[:, :, -1] += subscribed * chance[:, [i]] * leaving
        return out
