"""Where in the year the cutoff stands; the same for every customer of a cutoff."""

from __future__ import annotations

from holdfast.features.declare import Season, declare

FAMILY = "season"
declare("season_sine", FAMILY, Season("sine"), "-1 to 1", "time of the year ({value})", "所处季节（{value}）")
declare("season_cosine", FAMILY, Season("cosine"), "-1 to 1", "time of the year ({value})", "所处季节（{value}）")
