"""Who may be contacted, on which channel and when, by the shop's rules and everything that was sent before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.core.schema import CUSTOMERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from holdfast.app.study import Study
    from holdfast.core.decide import Treatment
    from holdfast.decide.contact import Due, People, Rules
    from holdfast.engine.state.database import StateDb

#: Messages further back than any usual cap are not asked for.
_LOOK_BACK = timedelta(days=100)


@dataclass(frozen=True)
class Contacting:
    """The contact rules over these customers at one moment. `history`: who was written to before (`CONTACTS`)."""

    people: People
    rules: Rules
    history: pa.Table
    now: datetime

    @classmethod
    def of(
        cls, question: Study, customers: pa.Array, treatments: Sequence[Treatment], now: datetime, db: StateDb | None
    ) -> Contacting:
        """From the shop's log, its `suppressed.csv` and, with `db`, what the ledger knows to be on its way."""
        from holdfast.decide.contact import People, Rules, Suppression
        from holdfast.decide.contact.history import from_events, joined
        from holdfast.decide.contact.settings import ContactSettings
        from holdfast.engine.state.contacts import Contacts

        settings = question.shop.config.section(ContactSettings)
        listed = question.shop.folder / settings.suppression
        people = People.of(newest_rows(question, customers), question.asked.zone, _left(question), settings)
        rules = Rules.of(
            settings, consents_recorded=people.consents_recorded,
            suppression=Suppression.parse(listed.read_text("utf-8-sig"), listed.name) if listed.is_file() else None,
        )  # fmt: skip
        told = [] if db is None else [Contacts(db).sent(customers.to_pylist(), now - _LOOK_BACK, now)]
        return cls(people, rules, joined(*told, from_events(_messages(question, now))), now)

    def without(self, decision_ids: Sequence[str]) -> Contacting:
        """The same, but for what these decisions have reserved themselves: a message does not stand in its own way."""
        ids = pa.array(list(decision_ids), pa.string())
        own = pc.fill_null(pc.is_in(self.history["decision_id"], value_set=ids), False)
        return replace(self, history=self.history.filter(pc.invert(own)))

    @cached_property
    def _due(self) -> dict[tuple[str, str], Due]:
        return {}

    def due(self, treatment: Treatment) -> Due:
        """When each of the people may get this treatment, or why not."""
        from holdfast.decide.contact import due_all

        key = (treatment.channel, treatment.purpose)
        if key not in self._due:
            self._due[key] = due_all(self.people, *key, self.now, self.history, self.rules)
        return self._due[key]

    def due_within(self, treatments: Iterable[Treatment], wait: timedelta) -> dict[str, np.ndarray]:
        """For each treatment, who may get it within `wait`."""
        return {one.treatment_id: self.due(one).by(self.now + wait) for one in treatments if one.acts}


def newest_rows(question: Study, customers: pa.Array) -> pa.Table:
    """One row for each of these customers, in their order: what the shop's table says last, or nothing."""
    kept = question.log.tables.get("customers")
    table = CUSTOMERS.empty() if kept is None else question.engine.arrow(kept)
    known = pc.or_kleene(
        pc.is_null(table["valid_from"]), pc.less(table["valid_from"], pa.scalar(question.asked.cutoff.at))
    )
    table = table.filter(pc.fill_null(known, True)).sort_by([("customer_id", "ascending"), ("valid_from", "ascending")])
    ids = table["customer_id"].combine_chunks()
    last = (
        np.flatnonzero(np.append(np.asarray(pc.not_equal(ids[:-1], ids[1:])), True)) if len(ids) else np.empty(0, int)
    )
    table = table.take(pa.array(last))
    found = pc.index_in(customers, value_set=table["customer_id"].combine_chunks())
    rows = (
        table.take(found) if table.num_rows else pa.table({name: pa.nulls(len(customers)) for name in CUSTOMERS.names})
    )
    at = rows.schema.get_field_index("customer_id")
    return rows.set_column(at, "customer_id", customers)


def _left(question: Study) -> pa.Table:
    events = question.log.events
    wanted = events.filter((events.event_type == "unsubscribe") & (events.recorded_at < question.asked.cutoff.at))
    return question.engine.arrow(wanted.select("customer_id", "channel", "occurred_at"))


def _messages(question: Study, now: datetime) -> pa.Table:
    events = question.log.events
    recent = events.filter((events.event_type == "message") & (events.occurred_at >= now - _LOOK_BACK))
    names = ("customer_id", "event_type", "channel", "occurred_at", "treatment_id", "decision_id")
    return question.engine.arrow(recent.select(*names))
