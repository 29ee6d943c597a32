"""What earlier campaigns changed: one part of a release, and the answer of `holdfast measure`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.app.answer import Answer
from holdfast.core.clock import Cutoff, Horizon
from holdfast.core.errors import TooLittleData
from holdfast.core.progress import SILENT, Progress
from holdfast.core.text import Language

if TYPE_CHECKING:
    import pyarrow as pa

    from holdfast.app.config import Config
    from holdfast.app.shop import Shop
    from holdfast.app.study import Study
    from holdfast.snapshot.ledger import Ledger


def effects(question: Study, language: Language) -> dict[str, Any]:
    """Facts for the report, as known at the cutoff: {currency, follow_up, campaigns, pooled, whole}.

    A part that cannot be said holds {"undetermined": why}; so do all facts where nothing was ever decided.
    """
    held = holdout_of(question.shop, question.ledger)
    return measured(question.ledger, question.asked.cutoff, question.shop.config, language, held=held)


def measured(
    ledger: Ledger, ends: Cutoff, config: Config, language: Language, *, follow_up: str | None = None,
    campaign: str | None = None, held: pa.Table | None = None, progress: Progress = SILENT,
) -> dict[str, Any]:  # fmt: skip
    """The same from a ledger: every campaign, all together, and Holdfast as a whole. Nothing after `ends` is looked at.

    `held`: whom Holdfast held out (`holdout_of`); None: the customers' own attribute says.
    """
    from dataclasses import replace

    from holdfast.app.settings import ShopSettings
    from holdfast.measure.settings import MeasureSettings
    from holdfast.measure.study import study
    from holdfast.models.clv.settings import ValueSettings
    from holdfast.snapshot.treated_settings import TreatedSettings
    from holdfast.snapshot.trials import trials

    settings = config.section(MeasureSettings)
    settings = replace(settings, follow_up=follow_up) if follow_up else settings
    length, rate = Horizon.parse(settings.follow_up), config.section(ValueSettings).margin_rate
    facts: dict[str, Any] = {
        "currency": config.section(ShopSettings).currency, "follow_up": str(length), "level": settings.level,
        "ends": str(ends),
    }  # fmt: skip
    progress.step("measure", 0, 3)
    try:
        every = trials(ledger, ends, length, config.section(TreatedSettings), margin_rate=rate)
    except TooLittleData as error:
        return {**facts, "campaigns": [], "undetermined": error.what}
    progress.step("measure", 1, 3)
    if campaign is not None:
        only = every.of(campaign)
        progress.step("measure", 3, 3)
        return {**facts, "campaigns": [study(only, campaign, settings, language)]}
    one_by_one = [study(every.of(name), name, settings, language) for name in every.campaigns]
    progress.step("measure", 2, 3)
    facts |= {"campaigns": one_by_one, "pooled": study(every, "pooled", settings, language)}
    facts["whole"] = _whole(ledger, ends, config, rate, held, language)
    progress.step("measure", 3, 3)
    return facts


def _whole(
    ledger: Ledger, ends: Cutoff, config: Config, rate: float, held: pa.Table | None, language: Language
) -> dict[str, Any]:
    """The always-on holdout against everybody else, over the long follow-up, or the short one until the long has closed."""
    from holdfast.measure.settings import MeasureSettings
    from holdfast.measure.study import study
    from holdfast.snapshot.treated_settings import TreatedSettings
    from holdfast.snapshot.trials import whole, whole_assigned

    settings, treated = config.section(MeasureSettings), config.section(TreatedSettings)
    lengths = [Horizon.parse(one) for one in (settings.whole_follow_up, settings.follow_up)]
    facts: dict[str, Any] = {}
    for length in sorted(set(lengths), reverse=True):
        try:
            if held is None:
                found = whole(ledger, ends, length, treated, margin_rate=rate)
            else:
                found = whole_assigned(ledger, ends, length, held, treated, margin_rate=rate)
        except TooLittleData as error:
            return {"name": "whole", "follow_up": str(length), "undetermined": error.what}
        facts = study(found, "whole", settings, language)
        if facts["closed"]:
            break
    if held is None:
        facts["health"]["ratio"] = None  # the share held out was read from the log itself, so it always fits
    return facts


def holdout_of(shop: Shop, ledger: Ledger) -> pa.Table | None:
    """Whom Holdfast itself held out and whom it left open (customer_id, held, share, assigned_at); None if nobody."""
    import pyarrow as pa

    from holdfast.core.clock import to_micros
    from holdfast.core.state import HOLDOUT
    from holdfast.engine.state.assignments import Assigned
    from holdfast.engine.state.database import StateDb

    file = shop.folder / "state.db"
    if not file.is_file():
        return None
    everybody = ledger.engine.arrow(ledger.customers.select("customer_id"))["customer_id"].to_pylist()
    arms = list(Assigned(StateDb(file)).assigned(HOLDOUT, everybody).values())
    if not any(one.arm == HOLDOUT for one in arms):
        return None
    return pa.table(
        {
            "customer_id": pa.array([one.customer_id for one in arms], pa.string()),
            "held": [one.arm == HOLDOUT for one in arms],
            "share": pa.array([one.propensities.get(HOLDOUT) for one in arms], pa.float64()),
            "assigned_at": pa.array([to_micros(one.assigned_at) for one in arms], pa.int64()),
        }
    )


def ask(
    shop: Shop, language: Language, *, campaign: str | None = None, follow_up: str | None = None,
    progress: Progress = SILENT,
) -> Answer:  # fmt: skip
    """The answer of `holdfast measure`: over the whole log."""
    from holdfast.app.study import history
    from holdfast.report.effects import effects_page
    from holdfast.snapshot.folds import default_cutoff
    from holdfast.snapshot.ledger import Ledger

    with shop.engine() as engine:
        log, _ = history(shop, engine, progress=progress)
        ledger = Ledger.open(engine, log, shop.cache, progress)
        facts = measured(
            ledger,
            default_cutoff(log),
            shop.config,
            language,
            follow_up=follow_up,
            campaign=campaign,
            held=holdout_of(shop, ledger),
            progress=progress,
        )
    return Answer(facts, effects_page(facts, language))
