"""One function per command: what the command line, an API or a dashboard may ask of a shop.

Each returns an `Answer`: facts for a program and the same facts as text for a person.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from holdfast.app.answer import Answer
from holdfast.app.shop import Shop
from holdfast.core.errors import UsageError
from holdfast.core.progress import SILENT, Progress
from holdfast.core.text import LANGUAGES, Language, Text

if TYPE_CHECKING:
    from holdfast.app.releases import ReleaseFolder


def init(
    folder: Path,
    *,
    preset: str | None = None,
    zone: str | None = None,
    currency: str | None = None,
    language: str | None = None,
) -> Answer:
    """Create a shop folder."""
    shop = Shop.create(folder, preset=preset, zone=zone, currency=currency, language=language)
    text = f"created {shop.config_file}\nnext: holdfast import {folder} FILE..."
    return Answer({"folder": str(folder), "config": str(shop.config_file)}, text)


def import_files(
    folder: Path,
    origins: Sequence[str],
    *,
    preset: str | None = None,
    source: str | None = None,
    progress: Progress = SILENT,
) -> Answer:
    """Read files or databases into the shop's log."""
    shop = Shop.open(folder)
    speak = _language(shop, None)
    done = shop.add(*origins, preset=preset, source=source, progress=progress)
    return Answer({"files": [one.as_dict(speak) for one in done]}, "\n".join(one.sentence(speak) for one in done))


def replay(folder: Path, *, progress: Progress = SILENT) -> Answer:
    """Try the rows that earlier imports set aside once more."""
    from holdfast.app.intake import replay_rejected

    done = replay_rejected(Shop.open(folder), progress=progress)
    text = f"{done.tried:,} rows tried again: {done.accepted:,} joined the log, {done.still_rejected:,} stay set aside"
    return Answer(asdict(done), text)


def quality(folder: Path, *, language: str | None = None, progress: Progress = SILENT) -> Answer:
    """What cleaning found; rows and money reconciled."""
    from holdfast.app.study import history
    from holdfast.report.quality import quality_page

    shop = Shop.open(folder)
    speak = _language(shop, language)
    with shop.engine() as engine:
        _, found = history(shop, engine, progress=progress)
    facts = found.as_dict(speak)
    return Answer(facts, quality_page(facts, speak))


def run(
    folder: Path,
    *,
    cutoff: str | None = None,
    horizon: str | None = None,
    language: str | None = None,
    progress: Progress = SILENT,
) -> Answer:
    """Clean, learn, backtest, predict, explain, publish."""
    shop = Shop.open(folder)
    release = shop.run(cutoff=cutoff, horizon=horizon, language=language, progress=progress)
    return _published(release)


def run_table(
    folder: Path,
    file: Path,
    *,
    label: str | None = None,
    id: str | None = None,
    time: str | None = None,
    positive: str | None = None,
    protected: Sequence[str] | None = None,
    drop: Sequence[str] | None = None,
    categories: Sequence[str] | None = None,
    sheet: str | None = None,
    language: str | None = None,
    progress: Progress = SILENT,
) -> Answer:
    """Learn from a labelled table: one row each, and what became of it. No shop is needed."""
    from holdfast.app.table.ask import TableAsk, listed
    from holdfast.app.table.run import run_table as run_one

    ask = TableAsk(
        file, label, id, time, positive, listed(protected), listed(drop) or (), listed(categories), sheet,
        _spoken(language),
    )  # fmt: skip
    return run_one(folder, ask, progress)


def refuse_table_options(**asked: object) -> None:
    """Options that only make sense with --table."""
    _refuse(asked, "only makes sense for a labelled table", "add --table FILE")


def refuse_shop_options(**asked: object) -> None:
    """Options that a labelled table knows nothing of."""
    _refuse(asked, "makes no sense for a labelled table", "leave it out; --time COLUMN checks forward in time")


def _refuse(asked: dict[str, object], what: str, remedy: str) -> None:
    for name, value in asked.items():
        if value:
            raise UsageError(f"--{name} {what}", remedy=remedy)


def _spoken(language: str | None) -> Language:
    if language is not None and language not in LANGUAGES:
        raise UsageError(f"unknown language {language!r}", remedy=f"one of: {', '.join(LANGUAGES)}")
    return language or "en"


def _published(release: ReleaseFolder) -> Answer:
    data = {"release_id": release.release_id, "folder": str(release.folder), "report": str(release.report)}
    summary = release.json("summary.json")
    text = f"{summary['text']}\n\n{Text('report', '报告').render(summary['language'])}: {release.report}"
    return Answer({**data, **summary}, text)


def backtest(
    folder: Path, *, cutoff: str | None = None, horizon: str | None = None, progress: Progress = SILENT
) -> Answer:
    """Every model and baseline at the cutoff and at earlier ones."""
    from holdfast.app.study import study
    from holdfast.report.backtest import backtest_page

    shop = Shop.open(folder)
    with shop.engine() as engine:
        found = study(shop, engine, cutoff=cutoff, horizon=horizon, hindsight=True, progress=progress).backtest()
    facts = found.as_dict(_language(shop, None))
    return Answer(facts, backtest_page(facts, _language(shop, None)))


def drift(
    folder: Path, *, cutoff: str | None = None, language: str | None = None, progress: Progress = SILENT
) -> Answer:
    """Whether the published release should be replaced now, and why."""
    from holdfast.app.drift import judge_release
    from holdfast.report.drift import drift_page

    shop = Shop.open(folder)
    speak = _language(shop, language)
    facts = judge_release(shop, speak, cutoff=cutoff, progress=progress)
    return Answer(facts, drift_page(facts, speak))


def explain(
    folder: Path, customer: str, *, language: str | None = None, for_customer: bool = False, progress: Progress = SILENT
) -> Answer:
    """One customer: profile, timeline, prediction, reasons; or the page that may be shown to the customer."""
    from holdfast.app import explain as room

    shop = Shop.open(folder)
    explain_one = room.for_customer if for_customer else room.explain
    return explain_one(shop, customer, _language(shop, language), progress=progress)


def recommend(
    folder: Path,
    customer: str,
    *,
    count: int | None = None,
    cart: Sequence[str] = (),
    dismiss: Sequence[str] = (),
    language: str | None = None,
    progress: Progress = SILENT,
) -> Answer:
    """What one customer wants next; with `dismiss`, first record what the customer does not want."""
    from holdfast.app.recommend.ask import recommend as ask
    from holdfast.app.recommend.dismiss import dismiss as refuse

    shop = Shop.open(folder)
    speak = _language(shop, language)
    refused = refuse(shop, customer, dismiss, speak, progress=progress) if dismiss else None
    found = ask(shop, customer, speak, count=count, cart=cart, progress=progress)
    if refused is None:
        return found
    return Answer({**found.data, "dismissed": refused.data["dismissed"]}, f"{refused.text}\n\n{found.text}")


def report(folder: Path) -> Answer:
    """Where the published report lies."""
    release = Shop.open(folder).releases.current()
    return Answer({"release_id": release.release_id, "report": str(release.report)}, str(release.report))


def doctor(
    origin: Path | str,
    *,
    preset: str | None = None,
    horizon: str | None = None,
    zone: str | None = None,
    language: str | None = None,
    progress: Progress = SILENT,
) -> Answer:
    """One page on any order file."""
    from holdfast.app.doctor import doctor as examine

    speak = cast(Language, language or "en")
    return examine(origin, preset=preset, horizon=horizon, zone=zone, language=speak, progress=progress)


def demo(
    folder: Path,
    *,
    customers: int = 5000,
    days: int = 730,
    seed: int = 1,
    language: str | None = None,
    progress: Progress = SILENT,
) -> Answer:
    """A synthetic shop, the whole pipeline, a report."""
    from holdfast.app.demo import demo as make

    return _published(make(folder, customers=customers, days=days, seed=seed, language=language, progress=progress))


def features_list(*, language: str | None = None) -> Answer:
    """Every declared feature."""
    from holdfast.features.describe import describe

    rows = describe(cast(Language, language or "en"))
    width = max(len(row["name"]) for row in rows)
    lines = [f"{row['name']:<{width}}  {row['family']:<12} {row['unit']:<18} {row['sentence']}" for row in rows]
    return Answer({"features": rows}, "\n".join(lines))


def features_sql(name: str) -> Answer:
    """The SQL of one feature."""
    from holdfast.features.sql import sql

    text = sql(name)
    return Answer({"name": name, "sql": text}, text)


def features_show(folder: Path, customer: str, *, language: str | None = None, progress: Progress = SILENT) -> Answer:
    """Every feature of one customer at the published cutoff."""
    from holdfast.app.explain import features_of

    shop = Shop.open(folder)
    rows = features_of(shop, customer, _language(shop, language), progress=progress)
    width = max(len(row["feature"]) for row in rows)
    lines = [f"{row['feature']:<{width}}  {_shown(row['value']):>14}  {row['unit']}" for row in rows]
    return Answer({"customer_id": customer, "features": rows}, "\n".join(lines))


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:,.4g}"


def release_list(folder: Path) -> Answer:
    """All releases, the published one marked."""
    releases = Shop.open(folder).releases
    current = releases.current().release_id
    rows = [
        {"release_id": one.release_id, "cutoff": one.manifest["cutoff"], "current": one.release_id == current}
        for one in releases.all()
    ]
    text = "\n".join(f"{'*' if row['current'] else ' '} {row['release_id']}  cutoff {row['cutoff']}" for row in rows)
    return Answer({"releases": rows}, text)


def release_rollback(folder: Path, *, to: str | None = None) -> Answer:
    """Publish an earlier release again."""
    shop = Shop.open(folder)
    with shop.locked():
        release = shop.releases.rollback(to)
    return Answer({"release_id": release.release_id}, f"published again: {release.release_id}")


def release_verify(folder: Path) -> Answer:
    """Compare every file of the published release with its sha256."""
    releases = Shop.open(folder).releases
    release = releases.current()
    count = releases.verify(release)
    return Answer({"release_id": release.release_id, "files": count}, f"{release.release_id}: {count} files are whole")


def config_check(folder: Path) -> Answer:
    """Read holdfast.toml strictly and show every value in force."""
    from holdfast.app.config import render

    values = Shop.open(folder).config.as_dict()
    return Answer(json.loads(json.dumps(values, default=_plain)), render(values))


def _plain(value: Any) -> Any:
    return asdict(value) if hasattr(value, "__dataclass_fields__") else str(value)


def _language(shop: Shop, asked: str | None) -> Language:
    from holdfast.app.asked import language

    return language(shop.config, asked)
