"""The whole path, in the order of the sentence that Holdfast stands on.

Everything known strictly before a cutoff becomes one row per customer; a model turns rows into predictions; costs
turn predictions into bands; and what an older release promised is held against what happened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.app.asked import language as spoken
from holdfast.app.study import study
from holdfast.core.progress import SILENT, Progress

if TYPE_CHECKING:
    from holdfast.app.releases import ReleaseFolder
    from holdfast.app.shop import Shop


def run(
    shop: Shop,
    *,
    cutoff: str | None = None,
    horizon: str | None = None,
    language: str | None = None,
    progress: Progress = SILENT,
) -> ReleaseFolder:
    """Publish a release of this shop; raises `TooLittleData` where its history cannot carry one."""
    from holdfast.app.findings import find
    from holdfast.app.profile.rules import check
    from holdfast.app.promises import promises
    from holdfast.app.publish import publish
    from holdfast.app.small import refuse_small
    from holdfast.evaluate.final import fit_final
    from holdfast.evaluate.settings import EvaluateSettings

    speak = spoken(shop.config, language)
    check(shop)  # a rule that cannot be read is better said now than after all the work
    with shop.locked(), shop.engine() as engine:
        question = study(shop, engine, cutoff=cutoff, horizon=horizon, progress=progress)
        now = question.present
        refuse_small(question, now, speak)
        proof = question.backtest()
        model = fit_final(
            proof,
            question.past,
            question.models,
            settings=shop.config.section(EvaluateSettings),
            seed=shop.settings.seed,
            progress=progress,
            cutoff=question.asked.cutoff,
            population=question.asked.definition.render(speak),
        )
        said = model.predict(now)
        kept = promises(question)
        found = find(question, now, model, said, proof, speak)
        return publish(question, found, proof, model, kept, speak)
