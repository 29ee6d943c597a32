"""Protected groups in a plan: limits handed to the allocator, gaps to look at, and prices that stop an approval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.core.text import Language

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from holdfast.app.study import Study
    from holdfast.core.decide import Decisions, Options, Treatment


def fair_limits(question: Study, ids: pa.Array) -> dict[str, Any]:
    """`groups` and `parity` for the allocator; nothing where no attribute is protected (`[measure] protected`)."""
    from holdfast.app.measure.fairness import limits_of
    from holdfast.app.plan.contacts import newest_rows
    from holdfast.measure.settings import MeasureSettings

    settings = question.shop.config.section(MeasureSettings)
    return limits_of(newest_rows(question, ids), ids, settings) if settings.protected else {}


def fairness(
    question: Study, decisions: Decisions, options: Options, treatments: Sequence[Treatment], language: Language
) -> dict[str, Any]:
    """Gaps and findings on prices by protected attribute, as plain data; empty where none is protected."""
    from holdfast.app.measure.fairness import plan_fairness
    from holdfast.app.plan.contacts import newest_rows
    from holdfast.measure.settings import MeasureSettings

    settings = question.shop.config.section(MeasureSettings)
    if not settings.protected:
        return {"attributes": []}
    people = newest_rows(question, decisions.customer_id)
    return plan_fairness(people, decisions, options, treatments, settings, language)


def price_texts(facts: Mapping[str, Any]) -> list[str]:
    """Sentences of all findings on prices of a plan."""
    told = (facts.get("fairness") or {}).get("attributes", [])
    return [str(one["text"]) for each in told for one in each["prices"] if "text" in one]
