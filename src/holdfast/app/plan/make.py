"""`holdfast plan make`: a plan for the customers of the published release, written down and not yet agreed to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from holdfast.app.moment import acting_at
from holdfast.app.plan.book import Book, Plan
from holdfast.app.plan.contacts import Contacting
from holdfast.app.plan.offered import offered
from holdfast.app.plan.options import matched, with_profiles
from holdfast.app.plan.proposal import asked, propose
from holdfast.core.errors import UsageError
from holdfast.core.progress import SILENT, Progress
from holdfast.core.text import Language

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from holdfast.app.shop import Shop


def make(
    shop: Shop, language: Language = "en", *, budget: float | None = None, campaign: str | None = None,
    contacts: int | None = None, progress: Progress = SILENT,
) -> Plan:  # fmt: skip
    """Decide for every customer of the published release; nothing is reserved, spent or sent.

    Raises `UsageError` for money or counts below 0 and before the first release.
    """
    from holdfast.app.study import study
    from holdfast.decide.plan_settings import PlanSettings

    for name, value in (("budget", budget), ("contacts", contacts)):
        if value is not None and value < 0:
            raise UsageError(f"--{name} {value:g} is below 0", remedy="give 0 for no limit, or a positive number")
    release, book = shop.releases.current(), Book(shop)
    settings = asked(shop.config.section(PlanSettings), budget, contacts)
    treatments = offered(shop)
    with shop.locked(), shop.engine() as engine:
        question = study(shop, engine, cutoff=release.manifest["cutoff"], progress=progress)
        now = question.present
        customers = with_profiles(matched(now, release.customers), release.table("profiles"))
        ids = now.key.customer_id
        contacting = Contacting.of(question, ids, treatments, acting_at(question.log.last_event_at), book.states.db)
        named = campaign or f"plan-{question.asked.cutoff.local_day(question.asked.zone).isoformat()}"
        found = propose(
            question, now, customers, treatments, settings, campaign=named, contacting=contacting,
            held=held_out(question, ids, book), language=language,
        )  # fmt: skip
        facts = {**found.facts, "release_id": release.release_id}
        return book.add(facts, found.decisions.to_arrow())


def held_out(question: object, ids: pa.Array, book: Book) -> NDArray[np.bool_]:
    """Who is held out already: by an earlier plan, or because the shop's own customer table says so."""
    from holdfast.app.plan.held import held_by_shop
    from holdfast.engine.state.assignments import Assigned

    names = ids.to_pylist()
    earlier = Assigned(book.states.db).holdout(names)
    return np.array([one in earlier for one in names], bool) | held_by_shop(question, ids)
