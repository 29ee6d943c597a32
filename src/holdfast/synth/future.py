"""What would follow: the same customers after the last day, under whatever arms somebody gives them.

A world is lived once up to its last day. From that morning any number of futures can be lived: the arms of one
campaign are given (a plan's, a rival's, nothing at all), no other campaign follows, and each seed is one way in which
chance may fall. So the difference between two plans over the same seeds is what one of them is worth over the other.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.errors import UsageError
from holdfast.synth.life import Life, Simulation
from holdfast.synth.parameters import World
from holdfast.synth.people import Floats, Ints
from holdfast.synth.rows import ids
from holdfast.synth.shopping import Street, lines
from holdfast.synth.world import Drawn, events_of, tell


@dataclass(frozen=True, eq=False)
class Given:
    """The arms of one campaign on the morning after the last day.

    `arm` by customer: index into the world's arms, -1 for who is not decided about; `chance`: customers x arms.
    """

    arm: Ints
    chance: Floats

    @classmethod
    def of(
        cls,
        world: World,
        customer_id: pa.Array,
        decided: Mapping[str, str],
        chances: Mapping[str, Floats] | None = None,
    ) -> Given:
        """From treatment ids by customer; without `chances` the decision counts as certain."""
        names = [one.treatment_id for one in world.arms]
        unknown = sorted(set(decided.values()) - set(names))
        if unknown:
            raise UsageError(f"this world knows no treatment {unknown[0]!r}", remedy=f"one of: {', '.join(names)}")
        who = customer_id.to_pylist()
        arm = np.array([names.index(decided[one]) if one in decided else -1 for one in who])
        chance = np.eye(len(names))[np.maximum(arm, 0)]
        for row, one in enumerate(who):
            if chances is not None and one in chances:
                chance[row] = chances[one]
        return cls(arm, chance)


@dataclass(frozen=True, eq=False)
class Future:
    """Every future of one world. `drawn` holds what `make` drew: people, tempo, goods, and the life up to the last day."""

    drawn: Drawn

    @cached_property
    def _morning(self) -> Simulation:
        """The state of everybody on the morning after the last day."""
        run = Simulation(self.drawn.world, self.drawn.people, self.drawn.tempo, self.drawn.life_rng())
        for day in range(self.drawn.world.days):
            run.live(day)
        return run

    def live(self, given: Given | None, days: int, seed: int = 1) -> Life:
        """Orders, visits and contacts of the `days` after the last day, in the numbers of the world's days."""
        world = self.drawn.world
        if days < 1 or world.days + days > len(self.drawn.tempo.pace):
            raise UsageError(f"{days} days after the last one are beyond this world", remedy="ask for 1 to 300 days")
        run = copy.copy(self._morning)
        for name in ("state", "last", "grudge", "arm", "contacted", "left"):
            setattr(run, name, getattr(run, name).copy())
        run.restart(np.random.default_rng([world.seed, seed, 71]))
        for day in range(world.days, world.days + days):
            run.live(
                day, given=(given.arm, given.chance) if given is not None and day == world.days else None, quiet=True
            )
        return run.life()

    def events(self, given: Given | None, days: int, seed: int = 1) -> dict[str, pa.Table]:
        """`events` and `texts` that become known in the `days` after the last day, to be imported after the rest.

        Parcels, refunds and reviews of earlier orders are among them. Decisions are not: whoever decided has them.
        """
        drawn, world = self.drawn, self.drawn.world
        begins, until = world.ends.micros, int(drawn.midnight[world.days + days])
        earlier, _, _ = tell(drawn, drawn.street(drawn.life, drawn.shop_rng()), until)
        life = self.live(given, days, seed)
        later, texts, _ = tell(drawn, self._street(life, seed), until)
        later.shift(order=len(drawn.life.order_who), session=10_000_000, decision=len(drawn.life.contact_who))
        rows = _joined(earlier.sorted(until), later.sorted(until), begins)
        events = events_of(drawn, rows)
        at = events.schema.get_field_index("event_id")
        named = ids("f", np.arange(events.num_rows), 9)
        return {
            "events": events.set_column(at, events.schema.field(at), named),
            "texts": texts.set_column(0, texts.schema.field(0), ids("ft", np.arange(texts.num_rows), 7)),
        }

    def _street(self, life: Life, seed: int) -> Street:
        return self.drawn.street(life, np.random.default_rng([self.drawn.world.seed, seed, 73]))

    def money(self, given: Given | None, days: int, margin_rate: float = 0.3, seed: int = 1) -> Floats:
        """Margin less discounts and the cost of contacts of each customer over the `days`, in currency units.

        Margin is a share of the price before discount; a discount is given away whole.
        """
        world = self.drawn.world
        life = self.live(given, days, seed)
        bought = lines(self._street(life, seed))
        real = ~life.order_void[bought.order]
        gross = bought.price * bought.quantity / 10_000
        earned = np.where(real, margin_rate * gross - np.maximum(bought.discount, 0) / 10_000, 0.0)
        kept = np.bincount(life.order_who[bought.order], earned, minlength=world.customers)
        spent = np.array([arm.cost for arm in world.arms])[life.contact_arm]
        return np.asarray(kept - np.bincount(life.contact_who, spent, minlength=world.customers))


def _joined(earlier: dict[str, NDArray[Any]], later: dict[str, NDArray[Any]], begins: int) -> dict[str, NDArray[Any]]:
    """What was not known before: the tail of earlier orders and everything of the new days, by time."""
    tail = earlier["known"] >= begins
    whole = {name: np.concatenate([earlier[name][tail], later[name]]) for name in earlier}
    order = np.argsort(whole["at"], kind="stable")
    return {name: values[order] for name, values in whole.items()}
