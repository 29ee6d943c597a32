"""Everything a run found, written as one immutable release: tables, JSON, models, lists, report."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast import __version__
from holdfast.app.findings import Findings
from holdfast.app.measure.part import holdout_of
from holdfast.app.plan.offered import treatments_text
from holdfast.app.profile.rules import segments_text
from holdfast.core.schema import RELEASE_TABLES
from holdfast.core.text import Language

if TYPE_CHECKING:
    import pyarrow as pa

    from holdfast.app.releases import ReleaseFolder
    from holdfast.app.study import Study
    from holdfast.evaluate.backtest import Backtest
    from holdfast.evaluate.final import Published
    from holdfast.report.story import Story

LANGUAGE_FILES: dict[Language, str] = {"en": "transparency.md", "zh": "transparency.zh.md"}


def publish(
    question: Study,
    found: Findings,
    proof: Backtest,
    model: Published,
    kept: list[dict[str, Any]],
    language: Language,
) -> ReleaseFolder:
    """Write and publish the release; the same data, config and code give the same id and the same bytes."""
    release_id = identity(question, kept, language)
    told = tell(question, found, proof, model, kept, release_id, language)

    def fill(folder: Path) -> None:
        from holdfast.app.alerts.part import dated
        from holdfast.app.lists import write_lists
        from holdfast.report.page import write_report
        from holdfast.report.summary import summary

        _write_tables(folder, found)
        _write_json(folder / "quality.json", dict(told.quality))
        _write_json(folder / "backtest.json", dict(told.backtest))
        _write_json(folder / "promises.json", {"promises": kept})
        _write_json(folder / "outlook.json", dict(found.ahead.facts))
        _write_json(folder / "summary.json", _summary(told, summary(told, language), language))
        model.save(folder / "models")
        _write_transparency(folder / "models", found, model)
        for name, data in found.ahead.files.items():
            _write_bytes(folder / name if "/" in name else folder / "models" / name, data)
        wanted = found.ahead.recommendations.to_pylist()
        write_lists(
            folder / "lists",
            found.customers.to_pylist(),
            language,
            wanted,
            dated(found.ahead.tables["alerts"], question.asked.zone),
        )
        write_report(folder, told, language)

    release = question.shop.releases.publish(release_id, manifest(question, language), fill)
    question.shop.releases.prune(question.shop.settings.keep_releases)
    return release


def identity(question: Study, kept: list[dict[str, Any]], language: Language) -> str:
    """The release's name: local day of the cutoff and a hash of all that decides its bytes."""
    whole = {**manifest(question, language), "promises": kept}
    text = json.dumps(whole, sort_keys=True, ensure_ascii=False, default=str)
    day = question.asked.cutoff.local_day(question.asked.zone)
    return f"{day.isoformat()}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


def manifest(question: Study, language: Language) -> dict[str, Any]:
    """What a reader must know to trust a release: cutoff, horizon, definition, fingerprints, versions."""
    config = json.dumps(question.shop.config.as_dict(), sort_keys=True, ensure_ascii=False, default=str)
    config += segments_text(question.shop) + treatments_text(question.shop)
    asked = question.asked
    return {
        "cutoff": str(asked.cutoff),
        "horizon": str(asked.horizon),
        "gap": str(asked.gap),
        "zone": asked.zone,
        "currency": question.log.currency,
        "language": language,
        "definition": asked.definition.render(language),
        "population": asdict(asked.population),
        "log_fingerprint": question.log.fingerprint,
        "config_fingerprint": hashlib.sha256(config.encode()).hexdigest(),
        "holdout_fingerprint": _fingerprint(holdout_of(question.shop, question.ledger)),
        "seed": question.shop.settings.seed,
        "code_version": __version__,
    }


def _fingerprint(held: pa.Table | None) -> str:
    """Who is held out decides what is measured, and it stands in the state database, not in the log."""
    rows = [] if held is None else held.sort_by("customer_id").to_pylist()
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()


def tell(
    question: Study,
    found: Findings,
    proof: Backtest,
    model: Published,
    kept: list[dict[str, Any]],
    release_id: str,
    language: Language,
) -> Story:
    """The story that report, summary and explanation are told from."""
    from holdfast.decide.bands import describe_bands
    from holdfast.decide.settings import CostSettings
    from holdfast.report.story import Story

    log = question.log
    facts = {
        **manifest(question, language),
        "release_id": release_id,
        "shop": question.shop.settings.name,
        "model": model.model_id,
        "fingerprint": log.fingerprint,
        "first_day": _day(log.first_event_at),
        "last_day": _day(log.last_event_at),
    }
    return Story(
        release=facts,
        customers=found.customers,
        quality=question.quality.as_dict(language),
        backtest=proof.as_dict(language),
        card=model.card.as_dict(language),
        promises=kept,
        cohorts=found.cohorts,
        lifecycle=found.lifecycle,
        retention=found.retention,
        bands=describe_bands(question.shop.config.section(CostSettings), log.currency),
        value_at_risk=found.value_at_risk,
        outlook=found.ahead.facts,
    )


def _day(instant: Any) -> str | None:
    return None if instant is None else instant.date().isoformat()


def _write_tables(folder: Path, found: Findings) -> None:
    from holdfast.engine.files import write_table

    filled = {
        "customers": found.customers,
        "survival": found.ahead.survival,
        "recommendations": found.ahead.recommendations,
        **found.ahead.tables,
    }
    for name, table in RELEASE_TABLES.items():
        write_table(folder / f"{name}.parquet", filled.get(name, table.empty()))


def _write_transparency(folder: Path, found: Findings, model: Published) -> None:
    """How the forecast is made, what matters in it and what it must not be used for, in every language."""
    from holdfast.models.transparency import shop_report

    worth = found.ahead.facts.get("value")
    for language, name in LANGUAGE_FILES.items():
        said = shop_report(model.card, found.families, value=worth, language=language)
        (folder / name).write_text(said["markdown"], encoding="utf-8")


def _write_bytes(path: Path, data: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False, default=str) + "\n", encoding="utf-8")


def _summary(told: Story, text: str, language: Language) -> dict[str, Any]:
    return {
        "language": language,
        "customers": told.customers.num_rows,
        "p_churn_mean": float(told.p_churn.mean()),
        "model": told.release["model"],
        "value_at_risk": {**told.value_at_risk, "currency": told.release["currency"]},
        "definition": told.release["definition"],
        "text": text,
    }
