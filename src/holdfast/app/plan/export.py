"""Export: the audience leaves, the money is spent, and every decision goes into the log. A dry run by default."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from holdfast.app.moment import acting_at
from holdfast.app.plan.approve import _audit, prepared
from holdfast.app.plan.book import Book, Plan
from holdfast.app.plan.claims import exposures
from holdfast.app.plan.contacts import Contacting
from holdfast.app.plan.offered import offered
from holdfast.core.contact import Message
from holdfast.core.errors import ConfigError, StateError, UsageError
from holdfast.core.progress import SILENT, Progress

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from holdfast.app.shop import Shop
    from holdfast.app.study import Study
    from holdfast.core.contact import Channel
    from holdfast.core.decide import Treatment
    from holdfast.deliver.send import Look, Refunds
    from holdfast.engine.state.outbox import Outbox

#: Items that a message names.
_ITEMS = 3


def export(
    shop: Shop, plan_id: str | None, *, to: str | None = None, yes: bool = False, progress: Progress = SILENT
) -> dict[str, Any]:
    """Write the audience to a file (by default into the plan's folder) or hand it to the shop's channels (`to="channels"`).

    Without `yes`, say what would leave and change nothing. Raises `StateError` for a plan that is not approved.
    """
    from holdfast.app.study import study

    book = Book(shop)
    plan = book.get(plan_id)
    if yes and plan.status != "approved":
        raise StateError(
            f"plan {plan.plan_id} is {plan.status}, not approved",
            where=str(plan.folder),
            remedy="holdfast plan approve --yes" if plan.status == "proposed" else "holdfast plan make",
        )
    target = _target(plan, to)
    with shop.engine() as engine:
        question = study(shop, engine, cutoff=plan.facts["cutoff"], progress=progress)
        now = acting_at(question.log.last_event_at)
        asked, contacting, treatments = prepared(question, book, plan, now)
        facts = {
            "plan_id": plan.plan_id,
            "exported": False,
            "to": str(target or "channels"),
            "messages": asked.num_rows,
        }
        if not yes:
            return facts
        sources = _sources(question, plan.decisions["customer_id"].combine_chunks())
    messages = letters(shop, plan, asked, treatments, contacting.people.addresses, contacting.people.row_of)
    done = _commit(book, plan, messages, target, now)
    # what went into a file has left; what went into the outbox is delivered when it leaves (`send`)
    left = {one.decision_id: one.due_at or now for one in done if target is not None or not one.channel}
    told = exposures(plan, {one.decision_id for one in done}, left, now)
    _log(shop, told, sources, progress)
    book.states.step(plan.plan_id, "export")
    spent = float(pc.sum(told["cost"]).as_py() or 0.0)
    sent = {"sent": send(shop, progress=progress)} if target is None else {}
    _audit(book, "export", plan, now, "", {"messages": len(done), "to": "file" if target else "channels"})
    return {**facts, "exported": True, "messages": len(done), "spent": spent, "logged": told.num_rows, **sent}


def letters(
    shop: Shop, plan: Plan, asked: pa.Table, treatments: dict[str, Treatment], addresses: Any, row_of: dict[str, int]
) -> list[Message]:
    """One message for each claim, with what the customer may want next for the program that writes the text."""
    wanted = _wanted(shop, set(asked["customer_id"].to_pylist()))
    found = []
    for one in asked.to_pylist():
        treatment, who = treatments[one["treatment_id"]], one["customer_id"]
        held = addresses.get(one["channel"])
        address = None if held is None else held[row_of[who]].as_py()
        data = {
            "campaign_id": plan.facts["campaign_id"], "kind": treatment.kind, "discount": treatment.discount,
            "valid_for": treatment.valid_for, "items": wanted.get(who, []),
        }  # fmt: skip
        found.append(
            Message(
                one["decision_id"], who, one["channel"], one["treatment_id"], one["purpose"], address or "",
                treatment.title or treatment.treatment_id, data=data, due_at=one["at"],
            )
        )  # fmt: skip
    return found


def _target(plan: Plan, to: str | None) -> Path | None:
    """Where the audience goes; None: the shop's channels."""
    if to == "channels":
        return None
    target = plan.folder / "audience.csv" if to is None else Path(to)
    if target.suffix not in (".csv", ".parquet"):
        raise UsageError(
            f"cannot export to {to!r}", remedy="name a .csv or .parquet file, or `channels` (those of channels.toml)"
        )
    return target


def _commit(book: Book, plan: Plan, messages: Sequence[Message], target: Path | None, now: datetime) -> list[Message]:
    """Spend what was reserved and write what was paid for; what has lapsed since stays behind. Twice counts once."""
    from holdfast.deliver.audience import audience, export
    from holdfast.engine.state.ledger import SqliteLedger

    ledger = SqliteLedger(book.states.db)
    channelled = [one for one in messages if one.channel]
    verdicts = ledger.commit([one.decision_id for one in messages], now, channelled if target is None else ())
    done = [one for one, granted in zip(messages, verdicts.granted, strict=True) if granted]
    if target is not None:
        export(target, audience(done))
    return done


def send(shop: Shop, *, progress: Progress = SILENT) -> dict[str, Any]:
    """Send what is due now through the channels of `channels.toml`, and log what has left; the rest waits.

    Each message is looked at once more: who unsubscribed or was suppressed since the plan is not written to, and what
    will not leave is paid back.
    """
    from holdfast.app.study import study
    from holdfast.decide.contact import last_look
    from holdfast.deliver.channels import load
    from holdfast.engine.state.contacts import Contacts
    from holdfast.engine.state.ledger import SqliteLedger
    from holdfast.engine.state.outbox import Outbox

    book = Book(shop)
    plans = [one for one in book.all() if one.status == "exported"]
    channels = load(shop.folder / "channels.toml")
    if not plans:
        return {"channels": {}, "logged": 0}
    ledger, outbox = SqliteLedger(book.states.db), Outbox(book.states.db)
    with shop.engine() as engine:
        question = study(shop, engine, progress=progress)
        now = acting_at(question.log.last_event_at)
        people = pa.concat_arrays([one.decisions["customer_id"].combine_chunks() for one in plans]).unique()
        held = Contacting.of(question, people, offered(shop), now, None)
        look = last_look(held.people, held.rules, Contacts(book.states.db), held.history)
        found = {name: _drained(outbox, one, now, look, ledger) for name, one in channels.items()}
        sources = _sources(question, people)
    logged = sum(_delivered(shop, one, outbox, sources, progress) for one in plans)
    return {"channels": found, "waiting": outbox.counts(), "logged": logged}


def _drained(outbox: Outbox, channel: Channel, now: datetime, look: Look, ledger: Refunds) -> dict[str, Any]:
    """One channel; what keeps one from sending (a secret that is not set) does not keep the others."""
    from holdfast.deliver.send import drain

    try:
        return drain(outbox, channel, now, look=look, ledger=ledger).as_dict()
    except ConfigError as error:
        return {"sent": 0, "later": 0, "postponed": 0, "given_up": 0, "reasons": {}, "error": str(error)}


def _delivered(shop: Shop, plan: Plan, outbox: Outbox, sources: dict[str, tuple[str, str]], progress: Progress) -> int:
    """Log when the messages of a plan left, as far as the log does not know it yet; returns how many are new to it."""
    ids = [plan.decision_id(one) for one in plan.decisions["customer_id"].to_pylist()]
    left = outbox.left(ids)
    with shop.engine() as engine:
        from holdfast.app.study import history

        log, _ = history(shop, engine)
        told = log.tables["exposures"].filter(log.tables["exposures"].campaign_id == plan.facts["campaign_id"])
        rows = {one["decision_id"]: one for one in engine.arrow(told).to_pylist()}
    fresh = {one: at for one, at in left.items() if one in rows and rows[one]["delivered_at"] is None}
    if not fresh:
        return 0
    paid = {one for one, row in rows.items() if row["cost"]}
    decided_at = min(row["decided_at"] for row in rows.values())
    new = exposures(plan, paid, fresh, decided_at)
    _log(shop, new.filter(pc.is_in(new["decision_id"], value_set=pa.array(list(fresh)))), sources, progress)
    return len(fresh)


def _log(shop: Shop, told: pa.Table, sources: dict[str, tuple[str, str]], progress: Progress) -> None:
    for source, table in _by_source(told, sources):
        shop.add(table, preset="holdfast", source=source, progress=progress)


def _wanted(shop: Shop, who: set[str]) -> dict[str, list[str]]:
    table = shop.releases.current().table("recommendations")
    first = table.filter(pc.less_equal(table["rank"], _ITEMS)).sort_by(
        [("customer_id", "ascending"), ("rank", "ascending")]
    )
    found: dict[str, list[str]] = {}
    for one in first.select(["customer_id", "item_id"]).to_pylist():
        if one["customer_id"] in who:
            found.setdefault(one["customer_id"], []).append(one["item_id"])
    return found


def _sources(question: Study, customers: pa.Array) -> dict[str, tuple[str, str]]:
    """Under which source and id each customer is known to the log: the first of them by name."""
    events = question.log.events
    seen = events.group_by("customer_id").aggregate(source=events.source.min())
    named = events.join(seen, ["customer_id", "source"]).group_by(["customer_id", "source"])
    rows = question.engine.arrow(named.aggregate(source_id=events.source_id.min()))
    wanted = set(customers.to_pylist())
    return {
        one["customer_id"]: (one["source"], one["source_id"])
        for one in rows.to_pylist()
        if one["customer_id"] in wanted
    }


def _by_source(told: pa.Table, sources: dict[str, tuple[str, str]]) -> list[tuple[str, pa.Table]]:
    """The exposures by import source, under the ids that source knows."""
    who = told["customer_id"].to_pylist()
    source = pa.array([sources[one][0] for one in who])
    named = told.set_column(
        told.schema.get_field_index("customer_id"),
        "customer_id",
        pa.array([sources[one][1] for one in who], pa.string()),
    )
    return [(one, named.filter(pc.equal(source, one))) for one in sorted(set(source.to_pylist()))]
