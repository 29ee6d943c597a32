"""Promises kept: what older releases published, held against what then happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

from holdfast.core.clock import Cutoff, Gap, Horizon
from holdfast.core.tables import FeatureTable, Key, Slices
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
    from holdfast.features.build import build
    from holdfast.snapshot.snapshot import Snapshot

    manifest = release.manifest
    at = Cutoff.parse(manifest["cutoff"])
    snapshot = Snapshot(question.ledger, (at,), PopulationSettings(**manifest["population"]))
    key, gone = _published_key(question, release, at)
    outcomes = snapshot.outcomes(
        Horizon.parse(manifest["horizon"]),
        Gap.parse(manifest["gap"]),
        question.shop.config.section(OutcomeSettings),
        known_at=question.ends,
        key=key,
    )
    features = build(snapshot.observed, key=key)
    weighed, _ = question.untreated(snapshot, Slices(features, outcomes), Gap.parse(manifest["gap"]))
    published = release.customers.filter(pc.is_in(release.customers["customer_id"], value_set=key.customer_id))
    told = score_promises(
        published,
        outcomes,
        usual=_usual(features, release, key),
        currency=manifest["currency"],
        release_id=release.release_id,
        cutoff=str(at.local_day(manifest["zone"])),
        weights=weighed.counted,
    )
    return {**told, "gone": gone}


def _published_key(question: Study, release: ReleaseFolder, at: Cutoff) -> tuple[Key, int]:
    """The published customers that this history still knows, and how many it does not (merged or forgotten since)."""
    ids = release.customers["customer_id"].combine_chunks()
    known = question.engine.arrow(question.ledger.customers.select("customer_id"))["customer_id"].combine_chunks()
    here = ids.filter(pc.is_in(ids, value_set=known))
    return Key.of(here, at), len(ids) - len(here)


def _usual(features: FeatureTable, release: ReleaseFolder, key: Key) -> Any:
    """Spend at the usual rate as the old release knew it: its own model on features of its own cutoff."""
    from holdfast.evaluate.final import Published

    model = Published.load(release.folder / "models")
    season = float(release.json("summary.json")["value_at_risk"].get("season") or 1.0)
    return model.value(features, _p_churn(release, key), season).usual


def _p_churn(release: ReleaseFolder, key: Key) -> Any:
    """The published p_churn of the rows of a key."""
    said = dict(
        zip(release.customers["customer_id"].to_pylist(), release.customers["p_churn"].to_pylist(), strict=True)
    )
    return np.array([said[one] for one in key.customer_id.to_pylist()])
