"""Section `[treated]`: what counts as a contact, how long it works, and how treated rows are weighed away."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.core.settings import SECTIONS, setting


@dataclass(frozen=True)
class TreatedSettings:
    """Section `[treated]`."""

    lingers: str = setting(
        "0d",
        "Count a row as treated, too, if a contact was delivered so long before its cutoff; 0d: that is known history.",
    )
    nothing: tuple[str, ...] = setting(("nothing", "control", "none", "holdout"), "Treatment ids that contact nobody.")
    holdout: str = setting("holdout", "Attribute of a customer that says true for those who are never contacted.")
    messages: bool = setting(
        False, "Count every message of the event log as a contact, for shops that keep no table of exposures."
    )
    most: float = setting(50.0, "An untreated row stands for at most so many rows (clipped inverse propensity).")
    least_rows: int = setting(500, "Effective untreated rows below which the forecast is left under current marketing.")
    least_class: int = setting(50, "Untreated rows of either outcome that are needed as well.")


SECTIONS.add("treated", TreatedSettings)
BY_EXPOSURES = TreatedSettings()
