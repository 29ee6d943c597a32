"""The part of a release that says what is worth doing: a plan that nobody has agreed to, as of the cutoff."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from holdfast.app.plan.contacts import Contacting
from holdfast.app.plan.held import held_by_shop
from holdfast.app.plan.offered import offered
from holdfast.app.plan.proposal import propose
from holdfast.core.errors import TooLittleData
from holdfast.core.schema import RELEASE_DECISIONS
from holdfast.core.text import Language

if TYPE_CHECKING:
    from holdfast.app.outlook import Outlook
    from holdfast.app.study import Study
    from holdfast.core.decide import Decisions
    from holdfast.core.tables import FeatureTable


def decisions(
    question: Study, now: FeatureTable, customers: pa.Table, language: Language
) -> tuple[Decisions | None, Outlook]:
    """Decisions for everybody of the release under `[plan]`, by the contact rules of the cutoff.

    What was reserved or sent since is for `holdfast plan make` to know: a release tells of the data alone.
    """
    from holdfast.app.outlook import Outlook
    from holdfast.decide.plan_settings import PlanSettings

    treatments, cutoff = offered(question.shop), question.asked.cutoff
    ids = now.key.customer_id
    try:
        found = propose(
            question, now, customers, treatments, question.shop.config.section(PlanSettings),
            campaign=f"plan-{cutoff.local_day(question.asked.zone).isoformat()}",
            contacting=Contacting.of(question, ids, treatments, cutoff.at, None),
            held=held_by_shop(question, ids), language=language,
        )  # fmt: skip
    except TooLittleData as error:
        return None, Outlook(facts={"undetermined": error.what}, tables={"decisions": RELEASE_DECISIONS.empty()})
    return found.decisions, Outlook(facts=found.facts, tables={"decisions": found.decisions.to_arrow()})
