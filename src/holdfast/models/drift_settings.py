"""Section `[drift]`: when the present is called different from what the model learnt from."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.core.settings import SECTIONS, setting


@dataclass(frozen=True)
class DriftSettings:
    """Section `[drift]`."""

    alarm: float = setting(0.05, "Chance of a false 'refit now' at one look, shared by three tests.")
    psi_look: float = setting(0.10, "A feature is named only from this PSI on, however unusual it is.")
    psi_act: float = setting(0.25, "A feature alone calls for a refit only from this PSI on.")
    apart: float = setting(0.05, "How much more than usual a classifier must tell present from past (AUC) to matter.")
    references: int = setting(10, "Earlier slices that show what difference from slice to slice is usual.")
    window: int = setting(4, "Slices that a present or a reference slice is compared with.")
    level_doubt: float = setting(0.15, "Least doubt (log-odds) about the level of a whole slice, where too few tell.")


SECTIONS.add("drift", DriftSettings)
