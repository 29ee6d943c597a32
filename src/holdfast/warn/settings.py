"""How many alerts, how often, and when one ends."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.core.settings import SECTIONS, setting


@dataclass(frozen=True)
class AlertSettings:
    """Section `[alerts]`: what a team can call, and when an alert begins and ends."""

    capacity: int = setting(50, "At most so many alerts on the list: what your team can call. 0: no alerts.")
    every: str = setting("7d", "Time from one check to the next; whole days.")
    raise_from: float = setting(
        0.0,
        "Least profit that a contact should save before an alert is raised; what a contact costs, to hear only of those that pay.",
    )
    clear_share: float = setting(0.9, "An alert ends when its score falls below this share of what raises one.")
    cool_down: str = setting("30d", "After an alert has ended, no new one for the same customer for so long.")
    open_for: str = setting("30d", "An alert that nobody worked on ends after so long.")
    wrong_for: str = setting("90d", "After an alert was called wrong, no new one for so long.")
    price_rise: float = setting(0.05, "Rise of what a customer usually pays from which it is named as a reason.")

    def __post_init__(self) -> None:
        from holdfast.core.clock import Window
        from holdfast.core.errors import ConfigError

        if self.capacity < 0 or self.raise_from < 0 or not 0 < self.clear_share <= 1 or self.price_rise <= 0:
            raise ConfigError(
                "these numbers make no sense", where="[alerts]",
                remedy="capacity and raise_from at least 0, clear_share over 0 and at most 1, price_rise over 0",
            )  # fmt: skip
        for text in (self.every, self.cool_down, self.open_for, self.wrong_for):
            Window.parse(text)


SECTIONS.add("alerts", AlertSettings)
