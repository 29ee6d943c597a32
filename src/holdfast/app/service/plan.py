"""Plans: make, review, approve, export."""

from __future__ import annotations

from pathlib import Path

from holdfast.app.answer import Answer
from holdfast.app.service.shops import _language
from holdfast.app.shop import Shop
from holdfast.core.progress import SILENT, Progress


def plan_make(
    folder: Path,
    *,
    budget: float | None = None,
    campaign: str | None = None,
    contacts: int | None = None,
    language: str | None = None,
    progress: Progress = SILENT,
) -> Answer:
    """Decide for every customer of the published release; nothing is spent or sent."""
    from holdfast.app.plan.make import make
    from holdfast.report.plan import plan_page

    shop = Shop.open(folder)
    speak = _language(shop, language)
    plan = make(shop, speak, budget=budget, campaign=campaign, contacts=contacts, progress=progress)
    return Answer(
        {**plan.facts, "plan_id": plan.plan_id, "status": plan.status}, plan_page(plan.plan_id, plan.facts, speak)
    )


def plan_review(
    folder: Path,
    *,
    plan: str | None = None,
    customer: str | None = None,
    csv: Path | None = None,
    count: int = 10,
    language: str | None = None,
) -> Answer:
    """Who gets what and why; who is left alone on purpose."""
    from holdfast.app.plan.review import review
    from holdfast.report.plan import review_page

    shop = Shop.open(folder)
    speak = _language(shop, language)
    facts = review(shop, plan, customer=customer, csv=csv, count=count, language=speak)
    return Answer(facts, review_page(facts, speak))


def plan_approve(
    folder: Path,
    *,
    plan: str | None = None,
    by: str | None = None,
    yes: bool = False,
    despite_findings: bool = False,
    language: str | None = None,
    progress: Progress = SILENT,
) -> Answer:
    """Reserve what a plan needs; a dry run unless `yes`."""
    from holdfast.app.plan.approve import approve
    from holdfast.report.plan import approved_page

    shop = Shop.open(folder)
    facts = approve(shop, plan, by=by or "", yes=yes, despite=despite_findings, progress=progress)
    return Answer(facts, approved_page(facts, _language(shop, language)))


def plan_export(
    folder: Path,
    *,
    plan: str | None = None,
    to: str | None = None,
    yes: bool = False,
    language: str | None = None,
    progress: Progress = SILENT,
) -> Answer:
    """Hand over the audience and log every decision; a dry run unless `yes`."""
    from holdfast.app.plan.export import export
    from holdfast.report.plan import exported_page

    shop = Shop.open(folder)
    facts = export(shop, plan, to=to, yes=yes, progress=progress)
    return Answer(facts, exported_page(facts, _language(shop, language)))


def plan_send(folder: Path, *, language: str | None = None, progress: Progress = SILENT) -> Answer:
    """Send what is due through the shop's channels."""
    from holdfast.app.plan.export import send
    from holdfast.report.plan import sent_page

    shop = Shop.open(folder)
    facts = send(shop, progress=progress)
    return Answer(facts, sent_page(facts, _language(shop, language)))
