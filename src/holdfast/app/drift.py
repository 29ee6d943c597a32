"""Has the world moved since a release was published? Its own model on the present, and on what has closed since."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from holdfast.core.clock import Cutoff, Gap, Horizon, Window
from holdfast.core.errors import TooLittleData
from holdfast.core.progress import SILENT, Progress
from holdfast.core.tables import FeatureTable, Slices
from holdfast.core.text import Language
from holdfast.snapshot.settings import ForecastSettings, OutcomeSettings, PopulationSettings

if TYPE_CHECKING:
    from holdfast.app.releases import ReleaseFolder
    from holdfast.app.shop import Shop
    from holdfast.app.study import Study
    from holdfast.evaluate.final import Published
    from holdfast.models.calibration import Evidence


def judge_release(
    shop: Shop, language: Language, *, cutoff: str | None = None, progress: Progress = SILENT
) -> dict[str, Any]:
    """Whether the published release should be replaced now, and why; raises `TooLittleData` where nothing came after it."""
    from holdfast.models.drift import drift_report

    with shop.engine() as engine:
        one = _Standing.open(shop, engine, cutoff, progress)
        now = one.question.present
        past = one.learnt_from()
        found = drift_report(
            past,
            now.select(past.names),
            p_now=one.model.p_churn(now),
            kept=one.kept(),
            level_sd=one.model.intervals.level_sd,
        )
    facts = found.as_dict(language)
    return {
        "release_id": one.release.release_id,
        "published_at": str(one.born.local_day(one.question.asked.zone)),
        "cutoff": str(one.question.asked.cutoff.local_day(one.question.asked.zone)),
        "customers": len(now),
        **facts,
    }


@dataclass(frozen=True)
class _Standing:
    """A published release, and its own question put again at a later cutoff."""

    release: ReleaseFolder
    question: Study

    @classmethod
    def open(cls, shop: Shop, engine: Any, cutoff: str | None, progress: Progress) -> _Standing:
        from holdfast.app.study import study

        release = shop.releases.current()
        manifest = release.manifest
        asked = study(shop, engine, cutoff=cutoff, horizon=manifest["horizon"], progress=progress)
        asked = replace(
            asked,
            asked=replace(
                asked.asked,
                gap=Gap.parse(manifest["gap"]),
                population=PopulationSettings(**manifest["population"]),
            ),
        )
        found = cls(release, asked)
        if asked.asked.cutoff <= found.born:
            raise TooLittleData(
                f"nothing is known after the release's own cutoff, {found.born}",
                where=release.release_id,
                remedy="import newer events first (holdfast import DIR FILE), or give a later --cutoff",
            )
        return found

    @cached_property
    def born(self) -> Cutoff:
        """What the release knew."""
        return Cutoff.parse(self.release.manifest["cutoff"])

    @cached_property
    def model(self) -> Published:
        from holdfast.evaluate.final import Published

        return Published.load(self.release.folder / "models")

    def learnt_from(self) -> FeatureTable:
        """The customers of the slices that the release learnt from, without what only tells the time."""
        from holdfast.models.columns import customer_columns
        from holdfast.snapshot.folds import training_cutoffs

        asked, forecast = self.question.asked, self.question.shop.config.section(ForecastSettings)
        cutoffs = training_cutoffs(
            self.born, asked.horizon, asked.gap, Window.parse(forecast.step), self.question.first_cutoff, asked.zone,
            forecast.slices,
        )  # fmt: skip
        if not cutoffs:
            raise TooLittleData(
                "no slice had closed when the release was made", remedy="publish a new one: holdfast run"
            )
        features = self.question.features_at(cutoffs)
        return features.select(customer_columns(features))

    def kept(self) -> Evidence | None:
        """What the release's model says of cutoffs from its own on, and what happened, where that has closed."""
        from holdfast.models.calibration import Evidence
        from holdfast.models.treated import as_untreated

        asked, cutoffs = self.question.asked, self._since()
        if not cutoffs:
            return None
        snapshot, features = self.question.snapshot(cutoffs), self.question.features_at(cutoffs)
        rules = self.question.shop.config.section(OutcomeSettings)
        outcomes = snapshot.outcomes(asked.horizon, asked.gap, rules, known_at=asked.cutoff)
        rows, _ = self.question.untreated(snapshot, Slices(features, outcomes))
        told = Evidence(
            self.model.p_churn(features), outcomes.churned, np.asarray(features.key.cutoff, np.int64),
            asked.gap.micros + asked.horizon.micros,
        )  # fmt: skip
        return as_untreated(told, rows.weights)

    def _since(self) -> tuple[Cutoff, ...]:
        """Cutoffs a horizon apart from the release's own on, whose label windows have closed."""
        asked, found = self.question.asked, []
        at, horizon = self.born, Horizon.parse(self.release.manifest["horizon"])
        while at.plus(asked.gap, horizon) <= asked.cutoff:
            found.append(at)
            at = at.plus(horizon)
        return tuple(found)
