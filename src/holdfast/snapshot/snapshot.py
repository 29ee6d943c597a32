"""A snapshot: some cutoffs, a population, what was known, and what followed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from holdfast.core.clock import NO_GAP, Cutoff, Gap, Horizon
from holdfast.core.tables import Key, Outcomes
from holdfast.snapshot.folds import default_cutoff
from holdfast.snapshot.ledger import Ledger
from holdfast.snapshot.observed import Observed, people_of
from holdfast.snapshot.outcomes import outcomes
from holdfast.snapshot.settings import BY_ORDER, COUNTED_ORDERS, OutcomeSettings, PopulationSettings


@dataclass(frozen=True)
class Snapshot:
    """Cutoffs (sorted, distinct) over one ledger. Features receive `observed`; only models see `outcomes`."""

    ledger: Ledger
    cutoffs: Sequence[Cutoff]
    settings: PopulationSettings = BY_ORDER

    @cached_property
    def observed(self) -> Observed:
        """What was known at the cutoffs."""
        return Observed(self.ledger, tuple(sorted(set(self.cutoffs))), self.settings)

    @cached_property
    def ends(self) -> Cutoff:
        """Where the data ends: the first local midnight after the last event."""
        return default_cutoff(self.ledger.log)

    def closed(self, cutoff: Cutoff, horizon: Horizon, gap: Gap = NO_GAP) -> bool:
        """Whether all of a cutoff's label window lies before the end of the data."""
        return cutoff.plus(gap, horizon) <= self.ends

    def population(self) -> Key:
        """Who gets a row at each cutoff, ordered by cutoff and customer_id."""
        seen = self.observed
        rows = seen.people.join(seen.customers, "who").select("cut", "customer_id").order_by(["cut", "customer_id"])
        table = seen.engine.arrow(rows)
        micros = np.array([one.micros for one in seen.cutoffs], np.int64)
        return Key(table["customer_id"].combine_chunks(), micros[table["cut"].to_numpy()])

    def outcomes(
        self,
        horizon: Horizon,
        gap: Gap = NO_GAP,
        settings: OutcomeSettings = COUNTED_ORDERS,
        *,
        known_at: Cutoff | None = None,
        key: Key | None = None,
    ) -> Outcomes:
        """What the population did in [cutoff + gap, cutoff + gap + horizon), row by row as in `population()`.

        With `key`, what its customers did (at cutoffs of this snapshot), ordered by cutoff and customer_id.

        Raises `TooLittleData` where a window is not closed (`closed`). `known_at` gives labels as known then.
        """
        seen = self.observed
        people = seen.people if key is None else people_of(seen, key)
        return outcomes(self.ledger, people, seen.cutoffs, self.ends, horizon, gap, settings, known_at)
