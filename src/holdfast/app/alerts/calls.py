"""The call list: the release's alerts, with what people have said of earlier ones applied. See docs/adr/0022."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from holdfast.app.alerts.part import POOL_FILE, dated
from holdfast.app.answer import Answer
from holdfast.core.clock import Cutoff, Window
from holdfast.core.errors import InputRefused, UsageError
from holdfast.core.registry import nearest
from holdfast.core.text import Language, Text
from holdfast.warn.alerts import CANDIDATES, EARLIER, Raised, check
from holdfast.warn.settings import AlertSettings

if TYPE_CHECKING:
    from holdfast.app.releases import ReleaseFolder
    from holdfast.app.shop import Shop
    from holdfast.engine.state.alerts import AlertStore, Disposition

#: A release whose cutoff is older than this is looked at in hindsight: what is said of it is dated at its cutoff.
LIVE = timedelta(days=30)
#: Columns of a file of dispositions, in either language.
COLUMNS = {
    "customer": ("customer", "customer_id", "客户"),
    "disposition": ("disposition", "处理结果"),
    "until": ("until", "暂缓至"),
    "why": ("because", "说明", "why", "原因"),
}
EMPTY = (Text("disposition", "处理结果"), Text("until", "暂缓至"), Text("because", "说明"))
SPOKEN = {
    "done": "done", "snoozed": "snoozed", "snooze": "snoozed", "wrong": "wrong",
    "完成": "done", "暂缓": "snoozed", "有误": "wrong",
}  # fmt: skip


def calls(shop: Shop, language: Language, *, csv_file: Path | None = None) -> Answer:
    """The list to call now, and what became of earlier alerts; `csv_file`: write it there as well."""
    from holdfast.report.alerts import alerts_page

    release, store = shop.releases.current(), store_of(shop)
    settings = shop.config.section(AlertSettings)
    raised = listed(release, store, settings)
    at = cutoff_of(release)
    cool_down = Window.parse(settings.cool_down).length
    store.record(raised.alerts.to_pylist(), raised.ended, at, release.release_id, cool_down=cool_down)
    zone = str(release.manifest["zone"])
    rows = dated(raised.alerts, zone)
    if csv_file is not None:
        write_calls(csv_file, rows, language)
    data = {
        "release_id": release.release_id, "cutoff": release.manifest["cutoff"], "currency": release.manifest["currency"],
        "capacity": settings.capacity, "raise_at": raised.raise_at, "clear_at": raised.clear_at,
        "fresh": int(raised.fresh.sum()), "snoozed": len(raised.waiting), "alerts": rows,
        "dispositions": store.summary(), "csv": None if csv_file is None else str(csv_file),
        "undetermined": release.json("outlook.json").get("alerts", {}).get("undetermined"),
    }  # fmt: skip
    return Answer(data, alerts_page(data, language))


def listed(release: ReleaseFolder, store: AlertStore, settings: AlertSettings) -> Raised:
    """The release's candidates checked again with the alerts and dispositions of the state database.

    An alert that was done at this release keeps its place taken (the call was made); a snoozed or a wrong one frees it.
    """
    at = cutoff_of(release)
    candidates = _pool(release)
    known = store.earlier()
    done = len(store.ended_since(at, "done"))
    left = replace(settings, capacity=max(settings.capacity - done, 0))
    return check(candidates, at, left, known if known.num_rows else _published(release, at))


def say(shop: Shop, said: Sequence[Disposition], language: Language) -> Answer:
    """Write dispositions of alerts that are on record, and tell what is on record now."""
    from holdfast.report.alerts import summary_text

    release, store = shop.releases.current(), store_of(shop)
    settings = shop.config.section(AlertSettings)
    at = cutoff_of(release)
    if not store.earlier().num_rows:  # nobody has looked at the list yet: what is said is of the published one
        raised = listed(release, store, settings)
        cool_down = Window.parse(settings.cool_down).length
        store.record(raised.alerts.to_pylist(), raised.ended, at, release.release_id, cool_down=cool_down)
    now = datetime.now(UTC)
    when = Cutoff(now) if timedelta(0) <= now - at.at <= LIVE else at
    quiet = {"done": Window.parse(settings.cool_down).length, "wrong": Window.parse(settings.wrong_for).length}
    count = store.say(said, when, quiet)
    told = store.summary()
    return Answer({"noted": count, "dispositions": told}, summary_text(told, language, noted=count))


def said_of(
    shop: Shop, done: Sequence[str], snooze: Sequence[str], until: str | None, wrong: Sequence[str], why: str | None
) -> list[Disposition]:
    """Dispositions from the options of the command line; raises `UsageError` where a day or a reason is missing."""
    from holdfast.engine.state.alerts import Disposition

    if snooze and not until:
        raise UsageError("--snooze needs the day until which the alert sleeps", remedy="add --until 2025-03-01")
    if wrong and not why:
        raise UsageError("--wrong needs a reason", remedy="add --why TEXT")
    if (until and not snooze) or (why and not wrong):
        raise UsageError("--until belongs to --snooze and --why to --wrong", remedy="name the customer, too")
    sleeps = Cutoff.parse(until, shop.settings.zone).at if until else None
    return [
        *(Disposition(one, "done") for one in done),
        *(Disposition(one, "snoozed", sleeps) for one in snooze),
        *(Disposition(one, "wrong", why=str(why)) for one in wrong),
    ]


def read_dispositions(path: Path, zone: str) -> list[Disposition]:
    """Dispositions from a CSV as `holdfast alerts --csv` writes it, filled in; rows without one are passed over."""
    from holdfast.engine.state.alerts import Disposition

    try:
        rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError) as error:
        raise InputRefused(f"the file could not be read: {error}", where=str(path), remedy="save it as CSV in UTF-8") from error  # fmt: skip
    head = [one.strip().lower() for one in rows[0]] if rows else []
    place = {name: next((head.index(one) for one in names if one in head), None) for name, names in COLUMNS.items()}
    for name in ("customer", "disposition"):
        if place[name] is None:
            raise InputRefused(f"no column {name!r}", where=str(path), remedy=nearest(name, head))
    found = []
    for number, row in enumerate(rows[1:], 2):
        cells = {name: _cell(row, at) for name, at in place.items()}
        if not cells["disposition"]:
            continue
        spoken = SPOKEN.get(cells["disposition"].lower())
        if spoken is None:
            what = f"row {number}: no disposition {cells['disposition']!r}"
            raise InputRefused(what, where=str(path), remedy="done, snoozed or wrong")
        try:
            until = Cutoff.parse(cells["until"], zone).at if spoken == "snoozed" and cells["until"] else None
            found.append(Disposition(cells["customer"], spoken, until, cells["why"]))
        except UsageError as error:
            raise InputRefused(f"row {number}: {error.what}", where=str(path), remedy=error.remedy) from error
    return found


def write_calls(path: Path, rows: Sequence[Mapping[str, Any]], language: Language) -> None:
    """The call list as CSV with empty columns for what came of each call; no cell can run as a formula."""
    from holdfast.app.lists import ALERTS, alert_row, write

    write(path, (*ALERTS, *EMPTY), ((*alert_row(dict(one), language), "", "", "") for one in rows), language)


def store_of(shop: Shop) -> AlertStore:
    """What was raised and said so far."""
    from holdfast.engine.state.alerts import AlertStore
    from holdfast.engine.state.database import StateDb

    return AlertStore(StateDb(shop.folder / "state.db"))


def cutoff_of(release: ReleaseFolder) -> Cutoff:
    return Cutoff(datetime.fromisoformat(str(release.manifest["cutoff"]).replace("Z", "+00:00")))


def _pool(release: ReleaseFolder) -> pa.Table:
    import json

    path = release.folder / POOL_FILE
    if not path.is_file():
        raise UsageError("this release has no alerts", where=str(release.folder), remedy="run: holdfast run")
    rows = json.loads(path.read_text(encoding="utf-8"))
    return pa.Table.from_pylist([{name: one[name] for name in CANDIDATES.names} for one in rows], schema=CANDIDATES)


def _published(release: ReleaseFolder, at: Cutoff) -> pa.Table:
    """Alerts of the release that were raised at the check before, as open ones: nothing is on record yet."""
    table = release.table("alerts")
    rows = [one for one in table.to_pylist() if one["raised_at"] < at.at]
    columns = [
        {"customer_id": one["customer_id"], "raised_at": one["raised_at"], "open": True, "quiet_until": None}
        for one in rows
    ]
    return pa.Table.from_pylist(columns, schema=EARLIER)


def _cell(row: Sequence[str], at: int | None) -> str:
    """A cell without the apostrophe that keeps a spreadsheet from running it."""
    from holdfast.core.cells import safe

    text = row[at].strip() if at is not None and at < len(row) else ""
    return text[1:] if text.startswith("'") and safe(text[1:]) == text else text
