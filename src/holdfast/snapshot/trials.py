"""Trials from exposures and events: who drew which arm, and what they did before it and after it.

This looks past the assignment, as outcomes do. A customer's first decision in a campaign is the assignment; what came
later in it, or in another campaign within the follow-up, is contamination, counted and never corrected away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.core.clock import Cutoff, Horizon
from holdfast.core.decide import NOTHING
from holdfast.core.errors import TooLittleData
from holdfast.core.schema import CUSTOMERS, EXPOSURES, INSTANT
from holdfast.core.tables import Key
from holdfast.core.trials import Trial
from holdfast.snapshot.assignments import _contacts, _held
from holdfast.snapshot.deeds import Deeds, deeds
from holdfast.snapshot.ledger import Ledger
from holdfast.snapshot.spans import between, codes, micros, sums
from holdfast.snapshot.treated_settings import BY_EXPOSURES, TreatedSettings

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
#: The arms of the comparison of everybody since the installation.
WHOLE = (NOTHING, "holdfast")
_NO_CAMPAIGN = "none"


@dataclass(frozen=True)
class Exposed:
    """The decisions of a log, oldest first, with who, what and when as numbers."""

    customer_id: pa.Array
    campaign: Ints
    campaigns: tuple[str, ...]
    arm: Ints
    arms: tuple[str, ...]
    chance: Floats
    every: pa.Array
    cost: Floats
    decided_at: Ints
    delivered_at: Floats  # NaN: not delivered
    contact: NDArray[np.bool_]

    @classmethod
    def of(cls, exposures: pa.Table, settings: TreatedSettings = BY_EXPOSURES) -> Exposed:
        """From the `exposures` table; treatments that contact nobody are all called `nothing`."""
        table = exposures.sort_by([("decided_at", "ascending"), ("decision_id", "ascending")])
        given = table["treatment_id"].combine_chunks().cast(pa.string())
        quiet = pc.is_in(given, value_set=pa.array(settings.nothing, pa.string()))
        treatment = pc.if_else(quiet, NOTHING, given)
        arms = (NOTHING, *sorted(set(treatment.unique().to_pylist()) - {NOTHING}))
        named = pc.fill_null(table["campaign_id"].combine_chunks().cast(pa.string()), _NO_CAMPAIGN)
        campaigns = tuple(sorted(named.unique().to_pylist()))
        delivered = micros(table["delivered_at"])
        return cls(
            table["customer_id"].combine_chunks().cast(pa.string()), codes(named, pa.array(campaigns, pa.string())),
            campaigns, codes(treatment, pa.array(arms, pa.string())), arms,
            _floats(table["propensity"]), table["arm_propensities"].combine_chunks(), np.nan_to_num(_floats(table["cost"])),
            micros(table["decided_at"]).astype(np.int64), delivered,
            _contacts(treatment, ~np.isnan(delivered), settings.nothing),
        )  # fmt: skip

    def first(self) -> Ints:
        """Rows that assign: each customer's first decision in each campaign."""
        names = self.customer_id.unique()
        pairs = codes(self.customer_id, names) * max(len(self.campaigns), 1) + self.campaign
        return np.sort(np.unique(pairs, return_index=True)[1])


def trials(
    ledger: Ledger, ends: Cutoff, follow_up: Horizon, settings: TreatedSettings = BY_EXPOSURES, *,
    margin_rate: float = 0.3,
) -> Trial:  # fmt: skip
    """Every assignment of the log as one `Trial`; `ends` is where the data ends, `margin_rate` of items without one.

    Raises `TooLittleData` where the log holds no decision.
    """
    found = Exposed.of(_decided(ledger, ends), settings)
    return trial_of(found, deeds(ledger, margin_rate), ends, follow_up, ledger.zone)


def _decided(ledger: Ledger, ends: Cutoff) -> pa.Table:
    """The exposures decided before `ends`."""
    tables = ledger.log.tables
    table = ledger.engine.arrow(tables["exposures"]) if "exposures" in tables else EXPOSURES.empty()
    return table.filter(pc.less(table["decided_at"], pa.scalar(ends.at, INSTANT)))


def trial_of(found: Exposed, done: Deeds, ends: Cutoff, follow_up: Horizon, zone: str) -> Trial:
    """The same from decisions and deeds in memory."""
    rows = found.first()
    if not len(rows):
        raise TooLittleData(
            "no decision is on record, so nothing can be measured",
            remedy="import the exposures table: who was assigned to what, with its propensity",
        )
    who, at = found.customer_id.take(pa.array(rows)), found.decided_at[rows]
    length = follow_up.micros
    return Trial(
        who, found.campaign[rows], found.campaigns, found.arm[rows], found.arms, _propensities(found, rows), at,
        _days(at, zone), follow_up, done.before(who, at, length), done.after(who, at, length), found.cost[rows],
        at + length <= ends.micros, _contaminated(found, who, at, found.arm[rows], length),
    )  # fmt: skip


def whole(
    ledger: Ledger, ends: Cutoff, follow_up: Horizon, settings: TreatedSettings = BY_EXPOSURES, *,
    margin_rate: float = 0.3,
) -> Trial:  # fmt: skip
    """Everybody since the first decision: the holdout (`nothing`) against all others (`holdfast`), treated or not.

    Enrolled are those who had ordered before the first decision, at that instant, and later ones at their own first
    order, from the instant after it. `cost` is all that was spent on a customer within the follow-up.
    Raises `TooLittleData` where nothing was ever decided, or nobody is held out.
    """
    log = ledger.log
    people = ledger.engine.arrow(log.tables["customers"]) if "customers" in log.tables else CUSTOMERS.empty()
    found = Exposed.of(_decided(ledger, ends), settings)
    if not len(found.decided_at):
        raise TooLittleData("no decision is on record, so nothing can be measured", remedy="import the exposures table")
    return whole_of(found, deeds(ledger, margin_rate), people, ends, follow_up, ledger.zone, settings)


def whole_of(
    found: Exposed, done: Deeds, people: pa.Table, ends: Cutoff, follow_up: Horizon, zone: str,
    settings: TreatedSettings = BY_EXPOSURES,
) -> Trial:  # fmt: skip
    """The same from tables in memory."""
    who, first = done.first_orders()
    installed = int(found.decided_at.min())
    at = np.where(first < installed, installed, first + 1)
    held = _held(Key(who, at), people, settings.holdout)
    if not held.any():
        raise TooLittleData(
            "nobody is held out, so nobody can tell what would have happened without Holdfast",
            remedy=f"keep some customers out of every campaign and mark them with the attribute {settings.holdout!r}",
        )
    return enrolled(found, done, who, at, held, np.full(len(at), held.mean()), ends, follow_up, zone)


def whole_assigned(
    ledger: Ledger, ends: Cutoff, follow_up: Horizon, assigned: pa.Table, settings: TreatedSettings = BY_EXPOSURES, *,
    margin_rate: float = 0.3,
) -> Trial:  # fmt: skip
    """The same where the holdout was written down by Holdfast itself: everybody from the instant of their own assignment.

    `assigned`: customer_id, held (bool), share (chance of being held out), assigned_at (microseconds).
    """
    rows = assigned.filter(pc.less(assigned["assigned_at"], ends.micros)).sort_by("customer_id")
    found = Exposed.of(_decided(ledger, ends), settings)
    at, held = rows["assigned_at"].to_numpy().astype(np.int64), rows["held"].to_numpy(zero_copy_only=False).astype(bool)
    who = rows["customer_id"].combine_chunks().cast(pa.string())
    return enrolled(
        found, deeds(ledger, margin_rate), who, at, held, _floats(rows["share"]), ends, follow_up, ledger.zone
    )


def enrolled(
    found: Exposed, done: Deeds, who: pa.Array, at: Ints, held: NDArray[np.bool_], share: Floats, ends: Cutoff,
    follow_up: Horizon, zone: str,
) -> Trial:  # fmt: skip
    """Held out (`nothing`) against open to everything (`holdfast`), each from their own instant; `share`: chance of the former."""
    length = follow_up.micros
    contact = found.contact & ~np.isnan(found.delivered_at)
    reached = _within(who, at, length, found.customer_id.filter(pa.array(contact)), found.delivered_at[contact])
    spent = _within(who, at, length, found.customer_id, found.decided_at.astype(np.float64), found.cost)
    return Trial(
        who, np.zeros(len(at), np.int64), ("whole",), (~held).astype(np.int64), WHOLE, np.column_stack([share, 1 - share]),
        at, _days(at, zone), follow_up, done.before(who, at, length), done.after(who, at, length), spent,
        at + length <= ends.micros, held & (reached > 0),
    )  # fmt: skip


def _propensities(found: Exposed, rows: Ints) -> Floats:
    """Rows x arms: as logged for every arm; else one chance per arm and campaign, where each drew with one and they add to 1."""
    out = np.full((len(rows), len(found.arms)), np.nan)
    listed = found.every.take(pa.array(rows))
    known = np.asarray(pc.fill_null(pc.list_value_length(listed), 0).to_numpy(zero_copy_only=False)) > 0
    if known.any():
        out[known] = 0.0
        place = pc.list_parent_indices(listed).to_numpy(zero_copy_only=False)
        flat = pc.list_flatten(listed)
        name = flat.field("treatment_id")
        arm = pc.fill_null(pc.index_in(name, value_set=pa.array(found.arms, pa.string())), 0).to_numpy(
            zero_copy_only=False
        )
        share = np.nan_to_num(flat.field("propensity").to_numpy(zero_copy_only=False).astype(np.float64))
        np.add.at(out, (place, arm), share)
    for campaign in np.unique(found.campaign[rows][~known]):
        mine = ~known & (found.campaign[rows] == campaign)
        out[mine] = _one_chance(found.arm[rows][mine], found.chance[rows][mine], len(found.arms))
    return out


def _one_chance(arm: Ints, chance: Floats, arms: int) -> Floats:
    """Chance of each arm where every row that drew it logged the same, and all add to 1; NaN else."""
    found = np.zeros(arms)
    for one in np.unique(arm):
        said = chance[arm == one]
        if np.isnan(said).any() or np.ptp(said) > 1e-9:
            return np.full(arms, np.nan)
        found[one] = said[0]
    return found if abs(found.sum() - 1) < 1e-6 else np.full(arms, np.nan)


def _contaminated(found: Exposed, who: pa.Array, at: Ints, arm: Ints, length: int) -> NDArray[np.bool_]:
    """Reached within the follow-up by a treatment other than the one assigned."""
    reached = found.contact & ~np.isnan(found.delivered_at)
    theirs, when, what = found.customer_id.filter(pa.array(reached)), found.delivered_at[reached], found.arm[reached]
    other = np.zeros(len(at))
    for one in range(1, len(found.arms)):
        mine = what == one
        count = _within(who, at, length, theirs.filter(pa.array(mine)), when[mine])
        other += np.where(arm == one, 0.0, count)
    return np.asarray(other > 0)


def _within(
    who: pa.Array, at: Ints, length: int, theirs: pa.Array, when: Floats, values: Floats | None = None
) -> Floats:
    """How many entries (or how much of `values`) of each row's own customer lie in [at, at + length)."""
    names = pa.chunked_array([who, theirs.cast(pa.string())]).unique()
    first, last, order = between(codes(who, names), at, at + length, codes(theirs, names), when)
    return sums((np.ones(len(when)) if values is None else values)[order], first, last)


def _days(at: Ints, zone: str) -> Ints:
    """Local day numbers; assignments of one instant are looked up once."""
    from holdfast.snapshot.days import day_number

    distinct, place = np.unique(at, return_inverse=True)
    if len(distinct) > 100_000:  # whole UTC days are near enough to tell cohorts apart
        return np.asarray(at // 86_400_000_000, np.int64)
    days = np.array([day_number(Cutoff.from_micros(int(one)).local_day(zone)) for one in distinct], np.int64)
    return days[place]


def _floats(column: pa.ChunkedArray) -> Floats:
    return np.asarray(column.to_numpy(zero_copy_only=False), np.float64)
