"""The doctor: one page on any order file, with nothing configured.

The file goes through the same path as a shop's (import, clean, ledger, backtest) in a folder that is thrown away.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.app.answer import Answer
from holdfast.app.enough import History, enough
from holdfast.app.shop import Shop
from holdfast.core.clock import Cutoff
from holdfast.core.errors import TooLittleData
from holdfast.core.progress import SILENT, Progress
from holdfast.core.results import Undetermined
from holdfast.core.text import Language

if TYPE_CHECKING:
    from holdfast.app.study import Study
    from holdfast.evaluate.backtest import Backtest

#: The share that the suggested activity window is about: fewer than one in four come back after that silence.
SHARE = 0.25
#: The doctor must answer within a minute: fewer models and replicates than `run`, the same protocol.
_QUICK: dict[str, dict[str, Any]] = {
    "models": {"use": ("base_rate", "recency", "own_gap", "rfm_logistic", "logistic")},
    "evaluate": {"refits": 5, "replicates": 200},
    "forecast": {"tests": 3},
}
HOLDOUT_SHARE = 0.1
POWER = 0.8


@dataclass(frozen=True)
class Patient:
    """A shop to look at, how its file was read (None for a shop's own lake), and its name for people."""

    shop: Shop
    guess: dict[str, Any] | None
    name: str


def doctor(
    origin: Path | str,
    *,
    preset: str | None = None,
    horizon: str | None = None,
    zone: str | None = None,
    language: Language = "en",
    progress: Progress = SILENT,
) -> Answer:
    """Look at a file, a folder of files, a database URL or a shop's folder."""
    from holdfast.report.doctor import doctor_page

    with tempfile.TemporaryDirectory(prefix="holdfast-doctor-") as scratch:
        patient = _admit(origin, Path(scratch) / "shop", preset, zone, language, progress)
        facts = examine(patient, horizon, language, progress)
    return Answer(facts, doctor_page(facts, language))


def _admit(
    origin: Path | str, scratch: Path, preset: str | None, zone: str | None, language: Language, progress: Progress
) -> Patient:
    """A shop's own folder as it is; anything else imported into a scratch shop."""
    from holdfast.app.intake import open_any

    if (Path(origin) / "holdfast.toml").is_file():
        shop = Shop.open(Path(origin))
        return Patient(_quick(shop), None, str(origin))
    opened = open_any(str(origin), _config(preset, zone), preset=preset, source=None)
    known = opened.defaults
    shop = Shop.create(
        scratch, preset=preset, zone=zone or known.get("zone"), currency=known.get("currency"), language=language
    )
    shop = _quick(shop)
    shop.add(origin, preset=preset, progress=progress)
    return Patient(shop, {**opened.guess.as_dict(language), "override": opened.guess.as_toml()}, opened.origin)


def _config(preset: str | None, zone: str | None) -> Any:
    from holdfast.app.config import Config

    values = {key: value for key, value in (("preset", preset), ("zone", zone)) if value}
    return Config().with_values("shop", **values)


def _quick(shop: Shop) -> Shop:
    """The shop with the doctor's quick settings."""
    config = shop.config
    for section, values in _QUICK.items():
        config = config.with_values(section, **values)
    quick = Shop(shop.folder)
    quick.__dict__["config"] = config  # fills the cached property
    return quick


def examine(patient: Patient, horizon: str | None, language: Language, progress: Progress) -> dict[str, Any]:
    """Everything the page says, as plain facts; what cannot be determined says why."""
    from holdfast.app.study import study

    with patient.shop.engine() as engine:
        question = study(patient.shop, engine, horizon=horizon, progress=progress)
        quality = question.quality.as_dict(language)
        orders = _orders(question)
        proof = _attempt(question.backtest)
        return {
            "file": _file(patient, question, quality),
            **({"guess": patient.guess} if patient.guess else {}),
            "quality": quality,
            "history": _history(question, orders, language),
            "silence": _silence(question, orders),
            "backtest": proof if isinstance(proof, dict) else proof.as_dict(language),
            "value_at_risk": _attempt(lambda: _money(question, proof)),
            "holdout": _attempt(lambda: _holdout(question, proof)),
        }


def _attempt(call: Callable[[], Any]) -> Any:
    """What the call finds, or why it cannot be determined."""
    try:
        return call()
    except TooLittleData as error:
        return Undetermined(f"{error.what}; {error.remedy}" if error.remedy else error.what).as_dict()


def _orders(question: Study) -> Any:
    from holdfast.profile.orders import Orders

    table = question.order_days
    if not table.num_rows:
        raise TooLittleData(
            "the file holds no purchase that counts", remedy="look at the counts of: holdfast quality, or name --preset"
        )
    return Orders.read(table)


def _file(patient: Patient, question: Study, quality: dict[str, Any]) -> dict[str, Any]:
    log, zone = question.log, question.asked.zone
    first, last = log.first_event_at, log.last_event_at
    return {
        "name": patient.name,
        "rows": quality["steps"][0]["rows"],
        "customers": quality["buyers"],
        "orders": quality["orders"],
        "revenue": quality["spend"],
        "currency": log.currency,
        "first_day": None if first is None else Cutoff(first).local_day(zone).isoformat(),
        "last_day": None if last is None else Cutoff(last).local_day(zone).isoformat(),
        "zone": zone,
    }


def _history(question: Study, orders: Any, language: Language) -> list[dict[str, Any]]:
    first = orders.first_day()
    today = question.asked.cutoff.local_day(question.asked.zone)
    exposures = question.log.tables.get("exposures")
    have = History(
        days=(today - first).days,
        customers=len(orders.ids),
        repeaters=int((orders.ends() > orders.starts()).sum()),
        exposures=0 if exposures is None else int(question.engine.scalar(exposures.count())),
    )
    return enough(have, language)


def _silence(question: Study, orders: Any) -> dict[str, Any]:
    from holdfast.profile.silence import silence
    from holdfast.profile.window import alternatives, suggested

    today = question.asked.cutoff.local_day(question.asked.zone)
    found = silence(orders, today, shares=(0.5, SHARE, 0.1))
    if not any(one["silent_days"] is not None for one in found["returns"]):
        # too short a history to see anybody return within half a year: ask about the horizon instead
        shorter = silence(orders, today, shares=(0.5, SHARE, 0.1), within=int(question.asked.horizon.days))
        found = shorter
    # without a single gap that ended there is no rhythm to suggest anything from
    advice = {} if found["median_gap_days"] is None else {"suggested": suggested(found, SHARE)}
    return {**found, **advice, "alternatives": alternatives(orders, today)}


def _money(question: Study, proof: Backtest | dict[str, Any]) -> dict[str, Any]:
    """Value at risk now, as a run would publish it."""
    from holdfast.evaluate.final import fit_final
    from holdfast.evaluate.settings import EvaluateSettings
    from holdfast.models.value import season_of

    if isinstance(proof, dict):
        raise TooLittleData(str(proof["undetermined"]))
    shop = question.shop
    settings = shop.config.section(EvaluateSettings)
    model = fit_final(proof, question.past, question.models, settings=settings, cutoff=question.asked.cutoff)
    now = question.present
    asked = question.asked
    factor = season_of(question.order_days, asked.cutoff, asked.horizon, asked.zone)
    return model.total_at_risk(now, model.predict(now).p_churn, season=factor, seed=shop.settings.seed)


def _holdout(question: Study, proof: Backtest | dict[str, Any]) -> dict[str, Any]:
    """The smallest effect on churn that a holdout of a tenth would show."""
    from holdfast.metrics.power import detectable_difference

    if isinstance(proof, dict):
        raise TooLittleData(str(proof["undetermined"]))
    customers = len(question.present)
    control = round(customers * HOLDOUT_SHARE)
    churned = float(proof.reference.happened.mean())
    found = detectable_difference(churned, customers - control, control, power=POWER)
    if isinstance(found, Undetermined):
        raise TooLittleData(found.reason)
    return {
        "customers": customers,
        "holdout_share": HOLDOUT_SHARE,
        "churned": churned,
        "smallest_effect": found,
        "power": POWER,
    }
