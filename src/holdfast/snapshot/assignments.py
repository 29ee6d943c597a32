"""Who was treated around each cutoff, from the exposures: which training rows show what happens if nothing is done.

A row at cutoff c is treated if a contact was drawn for, or delivered in, [c - lingers, c + gap + horizon). By default
`lingers` is 0: the question is what happens if nothing is done from now on, an earlier contact is history that is known
(features count messages), and customers still under its effect are among those to be forecast. A shop whose features
tell nothing of contacts sets it to the days that a contact works. A contact that was drawn and never arrived counts as
well: whether a message arrives says something about the customer, whether it was drawn does not. A decision without
a contact counts at the moment at which its campaign usually delivers. Where a campaign wrote down only whom it
contacted, nobody knows who else it might have, and the chance of being left alone is missing, not 1.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.core.assignments import Assignments
from holdfast.core.clock import DAY_MICROS, NO_GAP, Cutoff, Gap, Horizon
from holdfast.core.errors import TooLittleData
from holdfast.core.schema import CUSTOMERS, EXPOSURES, INSTANT
from holdfast.core.tables import Key
from holdfast.snapshot.snapshot import Snapshot
from holdfast.snapshot.spans import between, codes, micros, sums
from holdfast.snapshot.treated_settings import BY_EXPOSURES, TreatedSettings

_NEEDED = ("customer_id", "treatment_id", "campaign_id", "propensity", "arm_propensities", "decided_at", "delivered_at")


def assignments(
    snapshot: Snapshot, horizon: Horizon, gap: Gap = NO_GAP, settings: TreatedSettings = BY_EXPOSURES, *,
    key: Key | None = None, known_at: Cutoff | None = None,
) -> Assignments:  # fmt: skip
    """Treatment of each row of the snapshot's population (or of `key`), as known at `known_at` (default: the end).

    Raises `TooLittleData` where a window is not closed by then, as outcomes do.
    """
    engine, log = snapshot.ledger.engine, snapshot.ledger.log
    tables = {name: engine.arrow(log.tables[name]) for name in ("exposures", "customers") if name in log.tables}
    exposures = tables.get("exposures", EXPOSURES.schema.empty_table())
    if settings.messages:
        sent = log.events.filter(log.events.event_type == "message").select(
            "customer_id", "occurred_at", "treatment_id"
        )
        exposures = pa.concat_tables(
            [exposures.select(_NEEDED), _messages(engine.arrow(sent))], promote_options="default"
        )
    return assigned(
        snapshot.population() if key is None else key, exposures, tables.get("customers", CUSTOMERS.schema.empty_table()),
        horizon, gap, settings, known_at or snapshot.ends,
    )  # fmt: skip


def assigned(
    key: Key, exposures: pa.Table, customers: pa.Table, horizon: Horizon, gap: Gap, settings: TreatedSettings,
    known_at: Cutoff,
) -> Assignments:  # fmt: skip
    """The same from plain tables: exposures and customers as the schema has them, under resolved customer ids."""
    _refuse_open(key, horizon, gap, known_at)
    rows = _decisions(exposures, settings, known_at)
    names = pa.chunked_array([key.customer_id, rows["who"].cast(pa.string())]).unique()
    mine, theirs = (codes(one, names) for one in (key.customer_id, rows["who"]))
    starts = key.cutoff - Gap.parse(settings.lingers).micros
    stops = key.cutoff + gap.micros + horizon.micros
    first, last, by_customer = between(mine, starts, stops, theirs, rows["at"])
    contact, chance = rows["contact"][by_customer], rows["p_nothing"][by_customer]
    treated = sums(contact, first, last) > 0
    newest, oldest = _ends(contact, first, last)
    arms = rows["arm"].take(pa.array(by_customer)).take(pa.array(newest, mask=~treated))
    at = np.append(rows["at"][by_customer], 0)[oldest]
    wait = np.where(treated, (at - key.cutoff) / DAY_MICROS, np.nan)
    dark = np.sort(rows["at"][rows["dark"]])
    unlogged = np.searchsorted(dark, stops) > np.searchsorted(dark, starts)
    unknown = (sums(np.isnan(chance), first, last) > 0) | (unlogged & (first == last))
    never = sums(chance <= 0, first, last) > 0
    logs = sums(np.log(np.where(chance > 0, chance, 1.0)), first, last)
    p = np.where(unknown, np.nan, np.where(never, 0.0, np.exp(np.minimum(logs, 0.0))))
    return Assignments(key, horizon, treated, arms, wait, p, _held(key, customers, settings.holdout))


def _refuse_open(key: Key, horizon: Horizon, gap: Gap, known_at: Cutoff) -> None:
    if len(key) and int(key.cutoff.max()) + gap.micros + horizon.micros > known_at.micros:
        raise TooLittleData(
            f"who is contacted within {horizon} of {key.cutoffs[-1]} is not known yet at {known_at}",
            remedy=f"ask for a cutoff at or before {known_at.minus(gap, horizon)}",
        )


def _decisions(exposures: pa.Table, settings: TreatedSettings, known_at: Cutoff) -> dict[str, Any]:
    """who, arm, at (microseconds), contact, p_nothing of each decision known at `known_at`.

    `dark`: a contact of a campaign that wrote down no decision to contact nobody.
    """
    rows = exposures.filter(pc.less(exposures["decided_at"], pa.scalar(known_at.at, INSTANT)))
    decided = micros(rows["decided_at"])
    delivered = micros(rows["delivered_at"])
    delivered = np.where(delivered < known_at.micros, delivered, np.nan)
    treatment = rows["treatment_id"].combine_chunks()
    contact = _contacts(treatment, ~np.isnan(delivered), settings.nothing)
    campaign = pc.dictionary_encode(rows["campaign_id"].combine_chunks(), null_encoding="encode")
    code = np.asarray(campaign.indices)
    at = np.where(np.isnan(delivered), decided + _delays(code, delivered - decided), delivered)
    dark = contact & ~np.isin(code, code[~contact])
    p = _p_nothing(rows, contact, treatment)
    return {
        "who": rows["customer_id"].combine_chunks(), "arm": treatment, "at": at.astype(np.int64), "contact": contact,
        "p_nothing": p, "dark": dark,
    }  # fmt: skip


def _contacts(treatment: pa.Array, delivered: NDArray[np.bool_], nothing: tuple[str, ...]) -> NDArray[np.bool_]:
    """A treatment contacts if it is not called `nothing` and was ever delivered to anybody."""
    ever = treatment.filter(pa.array(delivered)).unique()
    named = pc.is_in(treatment, value_set=pa.array(nothing, pa.string())).to_numpy(zero_copy_only=False)
    return np.asarray(pc.is_in(treatment, value_set=ever).to_numpy(zero_copy_only=False) & ~named)


def _delays(campaign: NDArray[Any], delay: NDArray[np.float64]) -> NDArray[np.float64]:
    """The usual time from decision to delivery of each row's campaign; 0 where nothing was delivered."""
    known = np.flatnonzero(~np.isnan(delay))
    known = known[np.lexsort((delay[known], campaign[known]))]
    size = int(campaign.max()) + 1 if len(campaign) else 0
    counts = np.bincount(campaign[known], minlength=size)
    middle = np.cumsum(counts) - counts + np.maximum(counts - 1, 0) // 2
    usual = np.where(counts > 0, np.append(delay[known], 0.0)[np.minimum(middle, len(known))], 0.0)
    return np.asarray(usual[campaign])


def _p_nothing(rows: pa.Table, contact: NDArray[np.bool_], treatment: pa.Array) -> NDArray[np.float64]:
    """The logged chance that a decision contacts nobody; NaN where it is not known."""
    drawn = rows["propensity"].to_numpy(zero_copy_only=False).astype(np.float64)
    p = np.where(contact | ~((drawn > 0) & (drawn <= 1)), np.nan, drawn)
    every = rows["arm_propensities"].combine_chunks()
    place = pc.list_parent_indices(every).to_numpy(zero_copy_only=False)
    if len(place):
        arms = every.flatten()
        silent = treatment.filter(pa.array(contact)).unique()
        quiet = ~pc.is_in(arms.field("treatment_id"), value_set=silent).to_numpy(zero_copy_only=False)
        share = arms.field("propensity").to_numpy(zero_copy_only=False).astype(np.float64)
        known = np.bincount(place, minlength=len(p)) > 0
        p = np.where(known, np.bincount(place, np.where(quiet, share, 0.0), minlength=len(p)), p)
    return np.asarray(np.where((p >= 0) & (p <= 1 + 1e-9), np.minimum(p, 1.0), np.nan))


def _messages(sent: pa.Table) -> pa.Table:
    """Messages of the event log as exposures whose propensities nobody logged."""
    n, kinds = sent.num_rows, EXPOSURES.schema
    given: Mapping[str, Any] = {
        "customer_id": sent["customer_id"], "treatment_id": pc.fill_null(sent["treatment_id"], "message"),
        "decided_at": sent["occurred_at"], "delivered_at": sent["occurred_at"],
    }  # fmt: skip
    columns = {name: given.get(name, pa.nulls(n, kinds.field(name).type)) for name in _NEEDED}
    return pa.table(columns).cast(pa.schema([kinds.field(name).with_nullable(True) for name in _NEEDED]))


def _held(key: Key, customers: pa.Table, attribute: str) -> NDArray[np.bool_]:
    """Who is held out as of the row's cutoff; without a version that old, as of the oldest."""
    table = customers.select(["customer_id", "attributes", "valid_from"])
    since = np.nan_to_num(micros(table["valid_from"]), nan=-np.inf)
    text = pc.dictionary_encode(table["attributes"].combine_chunks())
    says = np.array([_says(one, attribute) for one in text.dictionary.to_pylist()] + [False])
    flag = says[np.asarray(text.indices.fill_null(len(says) - 1))]
    names = pa.chunked_array([key.customer_id, table["customer_id"].combine_chunks()]).unique()
    mine, theirs = codes(key.customer_id, names), codes(table["customer_id"].combine_chunks(), names)
    first, last, by_customer = between(mine, np.full(len(key), -np.inf), key.cutoff, theirs, since)
    have = np.bincount(theirs, minlength=len(names))[mine] > 0
    place = np.where(last > first, last - 1, np.minimum(first, max(len(flag) - 1, 0)))
    return np.asarray(have & flag[by_customer][place]) if len(flag) else np.zeros(len(key), bool)


def _says(text: str | None, attribute: str) -> bool:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return False
    said = found.get(attribute) if isinstance(found, dict) else None
    return said is True or str(said).strip().lower() in ("true", "yes", "1")


def _ends(
    contact: NDArray[np.bool_], first: NDArray[np.int64], last: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions of the last and of the first contact in [first, last), where there is one."""
    upto = np.append(np.maximum.accumulate(np.where(contact, np.arange(len(contact)), 0)), 0)
    after = np.minimum.accumulate(np.where(contact, np.arange(len(contact)), len(contact))[::-1])[::-1]
    return upto[np.maximum(last - 1, 0)], np.append(after, len(contact))[first]
