"""`Story`: everything the report, the summary and the explanation say, as plain data.

`app` fills it from the other rooms; the report reads nothing else. Every part but `release` and `customers`
may be empty: its section then says that it is not there, and why a reader might miss it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.core.clock import Duration, Gap
from holdfast.core.text import Language, Text
from holdfast.report.voice import Voice

Facts = Mapping[str, Any]

_POPULATION = {
    "order": Text(
        "customers with at least one order in the {days} before {cutoff}", "在{cutoff}之前{days}内至少下过一单的客户"
    ),
    "event": Text(
        "customers who did anything themselves in the {days} before {cutoff}",
        "在{cutoff}之前{days}内有过主动行为的客户",
    ),
}
_CHURNED = Text(
    "“Churned” means: no order from {start} to {end} ({horizon}). Counted: {population}.",
    "“流失”指：从{start}到{end}（{horizon}）没有下单。统计范围：{population}。",
)

_RULE = Text(
    "“Churned” at a cutoff means: no order in the {horizon} after it, counted over who was active in the {within} before.",
    "某一截止时刻的“流失”指：其后{horizon}内没有下单；统计范围为此前{within}内活跃的客户。",
)


@dataclass(frozen=True)
class Story:
    """What one release says.

    release: {"release_id", "shop" (name), "cutoff" (aware datetime or ISO text), "horizon" ("30d"), "gap" ("0d"),
        "zone", "currency", "population": {"active_by": "order", "within": "180d"}, "model" (id of the published
        model), "code_version", "fingerprint", "first_day", "last_day" (ISO, of the log)}
    customers: the release's table, columns as core.schema.RELEASE_CUSTOMERS.
    quality: `log.quality.Quality.as_dict()`; backtest: `evaluate.backtest.Backtest.as_dict()`;
    card: the model card as a dict; promises: `evaluate.promises.score_promises` results, newest first;
    cohorts, lifecycle, retention: as `profile.cohorts.cohorts`, `profile.lifecycle.lifecycle_over_time` and
    `profile.cohorts.retention_curves` return them; bands: `decide.bands.describe_bands`;
    value_at_risk: {"total", "low", "high"} in currency units; outlook: `app.outlook.Outlook.facts`, part by part.
    """

    release: Facts
    customers: pa.Table
    quality: Facts = field(default_factory=dict)
    backtest: Facts = field(default_factory=dict)
    card: Facts = field(default_factory=dict)
    promises: Sequence[Facts] = ()
    cohorts: Facts = field(default_factory=dict)
    lifecycle: Facts = field(default_factory=dict)
    retention: Facts = field(default_factory=dict)
    bands: Facts = field(default_factory=dict)
    value_at_risk: Facts = field(default_factory=dict)
    outlook: Facts = field(default_factory=dict)

    def voice(self, language: Language) -> Voice:
        return Voice(language, str(self.release.get("currency") or ""), str(self.release.get("zone") or "UTC"))

    def definition(self, voice: Voice) -> str:
        """What churned means here and who is counted: printed next to every number of the kind."""
        start, end = self.horizon_days(voice)
        return voice.say(
            _CHURNED,
            start=voice.day(start),
            end=voice.day(end),
            horizon=voice.days(self.horizon_length),
            population=self.population(voice),
        )

    def rule(self, voice: Voice) -> str:
        """The same for any cutoff, as a backtest needs it."""
        within = Duration.parse(str((self.release.get("population") or {}).get("within") or "180d"))
        return voice.say(_RULE, horizon=voice.days(self.horizon_length), within=voice.days(within.days))

    def population(self, voice: Voice) -> str:
        """Who gets a prediction."""
        rules = self.release.get("population") or {}
        within = Duration.parse(str(rules.get("within") or "180d"))
        kind = _POPULATION.get(str(rules.get("active_by")), _POPULATION["order"])
        return voice.say(kind, days=voice.days(within.days), cutoff=voice.day(self.release.get("cutoff")))

    @property
    def horizon(self) -> str:
        return str(self.release.get("horizon") or "30d")

    @property
    def horizon_length(self) -> float:
        """The horizon in days."""
        return Duration.parse(self.horizon).days

    def horizon_days(self, voice: Voice) -> tuple[date | None, date | None]:
        """First and last local day of the horizon."""
        cutoff = voice.local_day(self.release.get("cutoff"))
        if cutoff is None:
            return None, None
        start = cutoff + timedelta(days=int(Gap.parse(str(self.release.get("gap") or "0d")).days))
        return start, start + timedelta(days=max(int(Duration.parse(self.horizon).days) - 1, 0))

    @cached_property
    def p_churn(self) -> np.ndarray[Any, Any]:
        return np.asarray(self.customers["p_churn"].to_numpy(zero_copy_only=False), np.float64)

    @cached_property
    def at_risk(self) -> np.ndarray[Any, Any]:
        """Value at risk per customer, in currency units."""
        return np.nan_to_num(np.asarray(self.customers["value_at_risk"].to_numpy(zero_copy_only=False), np.float64))

    @cached_property
    def band(self) -> np.ndarray[Any, Any]:
        return np.array(self.customers["risk_band"].to_pylist(), dtype=object)

    @cached_property
    def ranked(self) -> np.ndarray[Any, Any]:
        """Rows by value at risk, most first; ties by p_churn, then id."""
        keys = [("value_at_risk", "descending"), ("p_churn", "descending"), ("customer_id", "ascending")]
        found = pc.sort_indices(self.customers, sort_keys=keys)
        return np.asarray(found.to_numpy(zero_copy_only=False), np.int64)

    def top(self, count: int, band: str | None = None) -> list[dict[str, Any]]:
        """The customers with the most value at risk, of one band or of all."""
        rows = self.ranked if band is None else self.ranked[self.band[self.ranked] == band]
        return list(self.customers.take(pa.array(rows[:count], pa.int64())).to_pylist())

    @cached_property
    def total_at_risk(self) -> tuple[float, float | None, float | None]:
        """Total value at risk with its interval where one was computed."""
        given = self.value_at_risk
        total = given.get("total", given.get("value"))
        return (
            float(self.at_risk.sum()) if total is None else float(total),
            given.get("low"),
            given.get("high"),
        )
