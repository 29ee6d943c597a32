"""Promises kept: what older releases published, held against what then happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.core.clock import Cutoff, Gap, Horizon
from holdfast.snapshot.settings import OutcomeSettings, PopulationSettings

if TYPE_CHECKING:
    from holdfast.app.releases import ReleaseFolder
    from holdfast.app.study import Study

#: The newest so many are told; older ones stay in the releases that told them.
SHOWN = 12


def due(question: Study) -> list[ReleaseFolder]:
    """Older releases whose horizon has passed at the cutoff, newest cutoff first, one for each question asked."""
    found: dict[tuple[str, str, str], ReleaseFolder] = {}
    for release in question.shop.releases.all():  # in order of publication: the last one answers for its question
        manifest = release.manifest
        closes = Cutoff.parse(manifest["cutoff"]).plus(Gap.parse(manifest["gap"]), Horizon.parse(manifest["horizon"]))
        if closes <= question.asked.cutoff:
            found[manifest["cutoff"], manifest["gap"], manifest["horizon"]] = release
    return [found[key] for key in sorted(found, reverse=True)][:SHOWN]


def promises(question: Study) -> list[dict[str, Any]]:
    """Each due release: said and happened, value at risk said and lost; newest first."""
    return [_kept(question, release) for release in due(question)]


def _kept(question: Study, release: ReleaseFolder) -> dict[str, Any]:
    from holdfast.evaluate.promises import score_promises
    from holdfast.snapshot.snapshot import Snapshot

    manifest = release.manifest
    at = Cutoff.parse(manifest["cutoff"])
    outcomes = Snapshot(question.ledger, (at,), PopulationSettings(**manifest["population"])).outcomes(
        Horizon.parse(manifest["horizon"]),
        Gap.parse(manifest["gap"]),
        question.shop.config.section(OutcomeSettings),
        known_at=question.ends,
    )
    facts = {key: manifest[key] for key in ("release_id", "cutoff", "gap", "horizon")}
    return {**facts, **score_promises(release.customers, outcomes)}
