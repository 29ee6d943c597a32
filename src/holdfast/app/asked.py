"""The question: at which cutoff, how far ahead, about whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.app.config import Config
from holdfast.app.settings import ShopSettings
from holdfast.core.clock import NO_GAP, Cutoff, Gap, Horizon
from holdfast.core.errors import TooLittleData, UsageError
from holdfast.core.text import LANGUAGES, Language, Text
from holdfast.snapshot.settings import ForecastSettings, PopulationSettings

if TYPE_CHECKING:
    from holdfast.core.log import EventLog


@dataclass(frozen=True)
class Asked:
    """Cutoff, gap and horizon of one run, and the sentence that stands next to every number."""

    cutoff: Cutoff
    horizon: Horizon
    gap: Gap
    zone: str
    population: PopulationSettings

    @classmethod
    def of(cls, config: Config, log: EventLog, cutoff: str | None = None, horizon: str | None = None) -> Asked:
        """From the config, what the caller says, and the log's last event; raises `TooLittleData` on an empty log."""
        from holdfast.snapshot.folds import default_cutoff

        if log.last_event_at is None:
            raise TooLittleData(
                "the log holds no event that counts",
                remedy="import orders (holdfast import DIR FILE), or look at: holdfast quality",
            )
        shop, forecast = config.section(ShopSettings), config.section(ForecastSettings)
        return cls(
            Cutoff.parse(cutoff, shop.zone) if cutoff else default_cutoff(log),
            Horizon.parse(horizon or forecast.horizon),
            Gap.parse(forecast.gap) if forecast.gap else NO_GAP,
            shop.zone,
            config.section(PopulationSettings),
        )

    @property
    def definition(self) -> Text:
        """Who is counted and what churned means, with this question's own numbers."""
        within, days = self.population.within, f"{self.horizon.days:g}"
        day = self.cutoff.local_day(self.zone).isoformat()
        act = {"order": Text("an order", "下过单"), "event": Text("an act of their own", "有过自己的行为")}
        by = act[self.population.active_by]
        return Text(
            f"Customers with {by.en} in the {within} before {day}; churned means no order in the {days} days after.",
            f"{day}之前{within}内{by.zh}的客户；流失是指此后{days}天内没有下单。",
        )


def language(config: Config, asked: str | None = None) -> Language:
    """The language asked for, or the shop's; raises `UsageError` for one that Holdfast does not speak."""
    chosen = asked or config.section(ShopSettings).language
    if chosen not in LANGUAGES:
        raise UsageError(f"no language {chosen!r}", remedy=f"one of: {', '.join(LANGUAGES)}")
    return chosen
