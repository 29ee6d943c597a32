"""From the lake to what a model may learn: history, ledger, cutoffs, features, outcomes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, cast

from holdfast.app.asked import Asked
from holdfast.core.clock import Cutoff, Gap, Horizon, Window
from holdfast.core.errors import TooLittleData
from holdfast.core.log import EventLog
from holdfast.core.progress import SILENT, Progress
from holdfast.core.tables import FeatureTable, Slices
from holdfast.core.text import Text
from holdfast.log.settings import CleanSettings, IdentitySettings
from holdfast.snapshot.settings import ForecastSettings, OutcomeSettings

if TYPE_CHECKING:
    import pyarrow as pa

    from holdfast.app.shop import Shop
    from holdfast.core.models import Model
    from holdfast.encoder.columns import Encoders
    from holdfast.engine.duck import Engine
    from holdfast.evaluate.backtest import Backtest
    from holdfast.log.quality import Quality
    from holdfast.snapshot.ledger import Ledger
    from holdfast.snapshot.sequences import Grain
    from holdfast.snapshot.snapshot import Snapshot

#: Below this no rate is worth a decimal, and a list of names is better read than forecast.
LEAST_CUSTOMERS = 20
#: Models that are simpler than the one for small shops.
_SIMPLER = ("base_rate", "recency", "own_gap", "rfm_logistic")
UNRECORDED = Text(
    "Under current marketing: no contacts are recorded, so nobody can tell what would happen without them.",
    "在现有营销之下：没有触达记录，因此无法得知不营销时的情况。",
)


def history(shop: Shop, engine: Engine, *, progress: Progress = SILENT) -> tuple[EventLog, Quality]:
    """The shop's cleaned history and what cleaning found."""
    from holdfast.log.history import open_log
    from holdfast.log.store import Lake

    settings = shop.settings
    return open_log(
        engine,
        Lake(shop.lake),
        settings=shop.config.section(CleanSettings),
        identity=shop.config.section(IdentitySettings),
        zone=settings.zone,
        currency=settings.currency,
        cache=shop.cache,
        progress=progress,
    )


@dataclass(frozen=True)
class Study:
    """One question put to one shop's history. `hindsight`: outcomes after the cutoff may be looked at, to judge."""

    shop: Shop
    engine: Engine
    log: EventLog
    quality: Quality
    ledger: Ledger
    asked: Asked
    hindsight: bool
    progress: Progress

    @cached_property
    def ends(self) -> Cutoff:
        """What is known at all: up to the cutoff, or in hindsight up to the end of the data."""
        from holdfast.snapshot.folds import default_cutoff

        return default_cutoff(self.log) if self.hindsight else self.asked.cutoff

    def snapshot(self, cutoffs: tuple[Cutoff, ...]) -> Snapshot:
        from holdfast.snapshot.snapshot import Snapshot

        return Snapshot(self.ledger, cutoffs, self.asked.population)

    def features_at(self, cutoffs: tuple[Cutoff, ...]) -> FeatureTable:
        """What was known about everybody of the population at each of these cutoffs."""
        from holdfast.features.build import build

        return self._learned(build(self.snapshot(cutoffs).observed))

    @cached_property
    def present(self) -> FeatureTable:
        """What was known about everybody of the population at the cutoff."""
        self.progress.step("features", 0, 1)
        found = self.features_at((self.asked.cutoff,))
        self.progress.step("features", 1, 1)
        if len(found) < LEAST_CUSTOMERS:
            raise TooLittleData(
                f"the population at {self.asked.cutoff} holds {len(found)} customers; a forecast needs {LEAST_CUSTOMERS}",
                where=self.asked.definition.en,
                remedy="choose another --cutoff, or widen [population] within",
            )
        return found

    @cached_property
    def order_days(self) -> pa.Table:
        """customer_id, local_day, orders, revenue: every order day known at the cutoff."""
        from holdfast.snapshot.rows import order_days

        return order_days(self.snapshot((self.asked.cutoff,)).observed)

    @cached_property
    def test_cutoffs(self) -> tuple[Cutoff, ...]:
        """Where the forecast is judged, oldest first; the newest is the cutoff itself if its future may be seen."""
        from holdfast.snapshot.folds import newest_closed, test_cutoffs

        asked, forecast = self.asked, self.shop.config.section(ForecastSettings)
        newest = newest_closed(self.ends, asked.horizon, asked.gap, asked.zone)
        newest = min(newest, asked.cutoff) if self.hindsight else newest
        return test_cutoffs(newest, asked.horizon, asked.gap, self.first_cutoff, asked.zone, forecast.tests)

    @cached_property
    def first_cutoff(self) -> Cutoff:
        from holdfast.snapshot.folds import first_cutoff

        return first_cutoff(self.log, Window.parse(self.shop.config.section(ForecastSettings).warm_up))

    def learning_cutoffs(self) -> tuple[Cutoff, ...]:
        """Every cutoff that trains for a test cutoff or for now, and the test cutoffs."""
        from holdfast.snapshot.folds import training_cutoffs

        asked, forecast = self.asked, self.shop.config.section(ForecastSettings)
        step = Window.parse(forecast.step)
        newest = self.test_cutoffs[-1] if self.test_cutoffs else asked.cutoff
        until = newest if self.hindsight else asked.cutoff
        train = training_cutoffs(until, asked.horizon, asked.gap, step, self.first_cutoff, asked.zone, forecast.slices)
        return tuple(sorted({*train, *self.test_cutoffs}))

    @property
    def past(self) -> Slices:
        """Features and outcomes at every closed cutoff; rows that were contacted weighed away where that can be done."""
        return self._past[0]

    @property
    def treatment(self) -> Text:
        """What p_churn is the churn of: with nothing done, or under current marketing."""
        return self._past[1]

    @cached_property
    def _past(self) -> tuple[Slices, Text]:
        cutoffs = self.learning_cutoffs()
        if not self.test_cutoffs:
            raise TooLittleData(
                f"the history from {self.log.first_event_at:%Y-%m-%d} is too short to learn who orders "
                f"within {self.asked.horizon}",
                remedy="import a longer history, or ask for a shorter --horizon",
            )
        self.progress.step("training features", 0, 2)
        snapshot = self.snapshot(cutoffs)
        features = self.features_at(cutoffs)
        self.progress.step("training features", 1, 2)
        outcomes = snapshot.outcomes(
            self.asked.horizon,
            self.asked.gap,
            self.shop.config.section(OutcomeSettings),
            known_at=self.ends,
        )
        self.progress.step("training features", 2, 2)
        return self.untreated(snapshot, Slices(features, outcomes))

    def untreated(self, snapshot: Snapshot, slices: Slices, gap: Gap | None = None) -> tuple[Slices, Text]:
        """The slices with contacted rows weighed away, and what their churn is then the churn of."""
        from holdfast.models.treated import untreated
        from holdfast.snapshot.assignments import assignments
        from holdfast.snapshot.treated_settings import TreatedSettings

        settings = self.shop.config.section(TreatedSettings)
        kept = self.log.tables.get("exposures")
        if not settings.messages and (kept is None or not self.engine.scalar(kept.count())):
            return slices, UNRECORDED
        found = assignments(
            snapshot,
            slices.outcomes.horizon,
            gap or self.asked.gap,
            settings,
            key=slices.features.key,
            known_at=self.ends,
        )
        weighed, note = untreated(slices, found, settings)
        return weighed, note.sentence()

    def over(self, horizon: Horizon) -> Slices:
        """The closed slices again, with what happened over another horizon; those still open over it are left out."""
        closed = tuple(one for one in self.past.cutoffs if one.plus(self.asked.gap, horizon) <= self.ends)
        settings = self.shop.config.section(OutcomeSettings)
        happened = self.snapshot(closed).outcomes(horizon, self.asked.gap, settings, known_at=self.ends)
        past = self.past.at(closed)
        return Slices(past.features, happened, past.weights)

    def _learned(self, features: FeatureTable) -> FeatureTable:
        from holdfast.app.learned import with_learned

        found = with_learned(self.ledger, features, self.asked.horizon, self.asked.gap, self.models)
        return found if self.encoders is None else found.joined(self.encoders.columns(found.key))

    @cached_property
    def encoders(self) -> Encoders | None:
        """Sequence encoders of every cutoff, each taught before its own block; None where no model reads them."""
        from holdfast.encoder.settings import SequenceSettings

        settings = self.shop.config.section(SequenceSettings)
        if not settings.use and not any(name.startswith("sequence") for name in self.models):
            return None
        from holdfast.encoder.columns import Course, teach_encoders

        course = Course(
            self.asked.horizon, settings.encoder(self.shop.settings.seed), self.asked.gap, cast("Grain", settings.grain),
            Window.parse(settings.retrain), self.asked.population, self.shop.config.section(OutcomeSettings),
        )  # fmt: skip
        return teach_encoders(self.ledger, (*self.learning_cutoffs(), self.asked.cutoff), course, self.progress)

    @cached_property
    def histories(self) -> FeatureTable:
        """The purchase history of everybody who ever ordered, as of the cutoff."""
        from holdfast.features.histories import purchase_histories

        return purchase_histories(self.ledger, (self.asked.cutoff,))

    @cached_property
    def repeaters(self) -> int:
        """Customers who have ordered on two days or more."""
        return int((self.histories.column("frequency") >= 1).sum())

    @cached_property
    def models(self) -> dict[str, Model]:
        """The models that compete; a shop with few repeat buyers also hears the one that knows of other shops."""
        from holdfast.models.settings import ModelSettings, configured
        from holdfast.models.sufficiency import SMALL

        settings = self.shop.config.section(ModelSettings)
        if self.repeaters < SMALL and "small_shop" not in settings.use:
            simple = [name for name in settings.use if name in _SIMPLER]
            rest = [name for name in settings.use if name not in _SIMPLER]
            settings = replace(settings, use=(*simple, "small_shop", *rest))
        return configured(settings, self.shop.settings.seed)

    def backtest(self) -> Backtest:
        """What would have been published at earlier cutoffs, and how it turned out."""
        from holdfast.evaluate.backtest import backtest
        from holdfast.evaluate.settings import EvaluateSettings

        found = backtest(
            self.past,
            self.models,
            test_cutoffs=self.test_cutoffs,
            horizon=self.asked.horizon,
            gap=self.asked.gap,
            seed=self.shop.settings.seed,
            settings=self.shop.config.section(EvaluateSettings),
            progress=self.progress,
            data=self.shop.settings.name,
            zone=self.asked.zone,
        )
        return replace(found, notes=(self.treatment, *found.notes))


def study(
    shop: Shop,
    engine: Engine,
    *,
    cutoff: str | None = None,
    horizon: str | None = None,
    hindsight: bool = False,
    progress: Progress = SILENT,
) -> Study:
    """Clean the history, fold it into the ledger, and put the question."""
    from holdfast.snapshot.ledger import Ledger

    log, quality = history(shop, engine, progress=progress)
    asked = Asked.of(shop.config, log, cutoff, horizon)
    ledger = Ledger.open(engine, log, shop.cache, progress)
    return Study(shop, engine, log, quality, ledger, asked, hindsight, progress)
