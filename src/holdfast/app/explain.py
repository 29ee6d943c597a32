"""One customer of the published release: profile, timeline, prediction, reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from holdfast.app.answer import Answer
from holdfast.core.clock import Cutoff, Gap, Horizon
from holdfast.core.errors import UsageError
from holdfast.core.progress import SILENT, Progress
from holdfast.core.registry import nearest
from holdfast.core.text import Language

if TYPE_CHECKING:
    import pyarrow as pa

    from holdfast.app.releases import ReleaseFolder
    from holdfast.app.shop import Shop
    from holdfast.core.log import EventLog
    from holdfast.core.tables import FeatureTable
    from holdfast.engine.duck import Engine
    from holdfast.evaluate.final import Published
    from holdfast.report.story import Story


def explain(shop: Shop, customer_id: str, language: Language, *, progress: Progress = SILENT) -> Answer:
    """The page of one customer; raises `UsageError` for an id that this history does not know."""
    from holdfast.app.study import history
    from holdfast.profile.customer import customer_page
    from holdfast.report.explain import find
    from holdfast.snapshot.rows import events_of, identities_of, titles_of

    release = shop.releases.current()
    cutoff, zone = Cutoff.parse(release.manifest["cutoff"]), release.manifest["zone"]
    with shop.engine() as engine:
        log, _ = history(shop, engine, progress=progress)
        rows = events_of(engine, log, customer_id, cutoff)
        if not rows.num_rows:
            raise _unknown(engine, log, customer_id)
        items = sorted({one for one in rows["item_id"].to_pylist() if one})
        page = customer_page(rows, cutoff, zone=zone, titles=titles_of(engine, log, items))
        known = identities_of(engine, log, customer_id, cutoff)
    told = story_of(shop, release, language)
    parts = {
        "wanted": _wanted(release, customer_id, language),
        "identities": known,
        "profile": _profiled(release, customer_id),
    }
    if find(told, customer_id) is None:  # outside the population: a page, but no forecast
        return _page(told, customer_id, page, language, **parts)
    model, features = _model(release), _features(shop, release, customer_id, progress)
    readable = all(name in features.names for name in model.fitted.columns)
    if not readable:  # it reads event sequences, and teaching an encoder for one page would take minutes
        return _page(told, customer_id, page, language, **parts)
    if told.release["language"] != language:
        told = _retold(told, customer_id, model, features, language)
    changes = _changes(model, features, language, told.release["currency"])
    return _page(told, customer_id, page, language, changes=changes, **parts)


def _page(told: Story, customer_id: str, page: dict[str, Any], language: Language, **parts: Any) -> Answer:
    from holdfast.report.explain import explain as page_text
    from holdfast.report.explain import explanation

    return Answer(
        explanation(told, customer_id, page, language, **parts), page_text(told, customer_id, page, language, **parts)
    )


def _wanted(release: ReleaseFolder, customer_id: str, language: Language) -> list[dict[str, Any]]:
    """The customer's list as published; reasons are sentences of the release's own language."""
    import pyarrow.compute as pc

    rows = release.table("recommendations")
    if "title" not in rows.column_names:  # published before lists had names
        return []
    found = rows.filter(pc.equal(rows["customer_id"], customer_id)).drop_columns(["customer_id"]).to_pylist()
    other = release.manifest["language"] != language
    return [{**one, "reason": None} if other else one for one in found]


def _profiled(release: ReleaseFolder, customer_id: str) -> dict[str, Any] | None:
    """The customer's row of `profiles` with the published segment; None outside the population or before there were any."""
    import pyarrow.compute as pc

    if not (release.folder / "profiles.parquet").is_file():
        return None
    rows, customers = release.table("profiles"), release.customers
    found = rows.filter(pc.equal(rows["customer_id"], customer_id)).drop_columns(["customer_id", "cutoff"]).to_pylist()
    segment = customers.filter(pc.equal(customers["customer_id"], customer_id))["segment"].to_pylist()
    return {**found[0], "segment": segment[0]} if found and segment else None


def for_customer(shop: Shop, customer_id: str, language: Language, *, progress: Progress = SILENT) -> Answer:
    """What may be shown to the customer: the forecast, why, what would change it, and how to object."""
    from holdfast.models.transparency import customer_report
    from holdfast.report.explain import find

    release = shop.releases.current()
    told = story_of(shop, release, language)
    row = find(told, customer_id)
    if row is None:
        raise UsageError(
            f"the published release holds no forecast of {customer_id!r}",
            remedy=f"run: holdfast explain {shop.folder} ID",
        )
    model, features = _model(release), _features(shop, release, customer_id, progress)
    used = set(model.fitted.columns)
    said = customer_report(
        row["p_churn"], row["p_churn_low"], row["p_churn_high"],
        cutoff=str(Cutoff.parse(release.manifest["cutoff"]).local_day(release.manifest["zone"])),
        horizon=release.manifest["horizon"],
        reasons=model.reasons(features, language=language, currency=release.manifest["currency"])[0],
        changes=_changes(model, features, language, release.manifest["currency"]),
        families=sorted({column.family for column in features.columns if column.name in used}), language=language,
    )  # fmt: skip
    return Answer(said, said["markdown"])


def _model(release: ReleaseFolder) -> Published:
    from holdfast.evaluate.final import Published

    return Published.load(release.folder / "models")


def _changes(model: Published, features: FeatureTable, language: Language, currency: str) -> list[dict[str, Any]]:
    """What would have to be different for the forecast to be different; nothing where that cannot be told."""
    from holdfast.models.counterfactual import NEEDED, counterfactuals

    if any(name not in features.names for name in NEEDED):
        return []
    return counterfactuals(model.p_churn, features, language=language, currency=currency)[0]


def _unknown(engine: Engine, log: EventLog, customer_id: str) -> UsageError:
    ids = engine.arrow(log.events.select("customer_id").distinct().order_by("customer_id").limit(100_000))
    known = ids["customer_id"].to_pylist()
    return UsageError(
        f"no customer {customer_id!r} before the cutoff of the published release",
        remedy=nearest(customer_id, known[:20_000])[:200] + (" ..." if len(known) > 10 else ""),
    )


def story_of(shop: Shop, release: ReleaseFolder, language: Language) -> Story:
    """What a published release says, read back from its files."""
    from holdfast.decide.bands import describe_bands
    from holdfast.decide.settings import CostSettings
    from holdfast.report.story import Story

    facts = {**release.manifest, "shop": shop.settings.name}
    bands = describe_bands(shop.config.section(CostSettings), release.manifest["currency"])
    return Story(release=facts, customers=release.customers, bands=bands, outlook=release.json("outlook.json"))


def _retold(told: Story, customer_id: str, model: Published, features: FeatureTable, language: Language) -> Story:
    """The same story with one customer's reasons in another language than the release was published in."""
    from dataclasses import replace

    import pyarrow as pa
    import pyarrow.compute as pc

    from holdfast.core.schema import RELEASE_CUSTOMERS

    row = told.customers.filter(pc.equal(told.customers["customer_id"], customer_id))
    found = model.reasons(features, language=language, currency=told.release["currency"])
    where = row.schema.get_field_index("reasons")
    reasons = pa.array(found, RELEASE_CUSTOMERS.schema.field("reasons").type)
    return replace(told, customers=row.set_column(where, "reasons", reasons))


def _features(shop: Shop, release: ReleaseFolder, customer_id: str, progress: Progress) -> Any:
    """What was known about one customer at the release's cutoff."""
    from holdfast.app.learned import with_learned
    from holdfast.app.study import history
    from holdfast.core.tables import Key
    from holdfast.features.build import build
    from holdfast.models.settings import ModelSettings
    from holdfast.snapshot.ledger import Ledger
    from holdfast.snapshot.settings import PopulationSettings
    from holdfast.snapshot.snapshot import Snapshot

    cutoff = Cutoff.parse(release.manifest["cutoff"])
    with shop.engine() as engine:
        log, _ = history(shop, engine, progress=progress)
        ledger = Ledger.open(engine, log, shop.cache, progress)
        if not len(_known(engine, ledger, customer_id)):
            raise _unknown(engine, log, customer_id)
        snapshot = Snapshot(ledger, (cutoff,), PopulationSettings(**release.manifest["population"]))
        features = build(snapshot.observed, key=Key.of([customer_id], cutoff))
        horizon, gap = Horizon.parse(release.manifest["horizon"]), Gap.parse(release.manifest["gap"])
        return with_learned(ledger, features, horizon, gap, shop.config.section(ModelSettings).use)


def _known(engine: Engine, ledger: Any, customer_id: str) -> pa.Table:
    return engine.arrow(ledger.customers.filter(ledger.customers.customer_id == customer_id))


def features_of(
    shop: Shop, customer_id: str, language: Language, *, progress: Progress = SILENT
) -> list[dict[str, Any]]:
    """Every feature of one customer at the published cutoff, with unit and meaning."""
    table = _features(shop, shop.releases.current(), customer_id, progress)
    return [
        {
            "feature": column.name,
            "value": None if np.isnan(value) else float(value),
            "unit": column.unit,
            "window": column.window,
            "missing": column.missing,
        }
        for column, value in zip(table.columns, table.values[0], strict=True)
    ]
