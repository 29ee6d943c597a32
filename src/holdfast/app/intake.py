"""Files, databases and frames -> the shop's lake, one writer at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.core.errors import InputRefused, UsageError
from holdfast.core.progress import SILENT, Progress
from holdfast.core.text import Language, Text
from holdfast.log.settings import IdentitySettings
from holdfast.log.sources.settings import ImportSettings, MappingSettings

if TYPE_CHECKING:
    from holdfast.app.config import Config
    from holdfast.app.shop import Shop
    from holdfast.log.intake import Receipt
    from holdfast.log.replay import Replayed
    from holdfast.log.sources.source import Source


_SENTENCE = Text(
    "{origin} (read as {preset}): {read:,} rows read, {kept:,} kept, {known:,} known already, {rejected:,} set aside{why}",
    "{origin}（按 {preset} 读取）：读取{read:,}行，保留{kept:,}行，已知{known:,}行，搁置{rejected:,}行{why}",
)


@dataclass(frozen=True)
class Imported:
    """What became of one origin: how it was read, and the store's receipt."""

    origin: str
    preset: str
    notes: tuple[Text, ...]
    receipt: Receipt

    def as_dict(self, language: Language = "en") -> dict[str, Any]:
        notes = [one.render(language) for one in self.notes]
        return {"origin": self.origin, "preset": self.preset, "notes": notes, **self.receipt.as_dict()}

    def sentence(self, language: Language = "en") -> str:
        """One line for a person, and the notes on what was assumed."""
        one = self.receipt
        why = "".join(f"; {reason}: {count:,}" for reason, count in sorted(one.reasons.items()))
        head = _SENTENCE.render(
            language, origin=self.origin, preset=self.preset, read=one.read, kept=one.kept, known=one.known,
            rejected=one.rejected, why=why,
        )  # fmt: skip
        return "\n".join([head, *(f"  {note.render(language)}" for note in self.notes)])


def take_in_all(
    shop: Shop,
    origins: Sequence[Any],
    *,
    preset: str | None = None,
    source: str | None = None,
    progress: Progress = SILENT,
) -> list[Imported]:
    """Import every origin, in order. Each one is published whole before the next begins."""
    from holdfast.log.intake import take_in
    from holdfast.log.store import Lake

    settings = shop.settings
    if not origins:
        raise UsageError("nothing to import", remedy="name a file, a database URL or pass a data frame")
    done = []
    with shop.locked(), shop.engine() as engine:
        for origin in origins:
            opened = open_any(origin, shop.config, preset=preset, source=source)
            receipt = take_in(
                engine,
                Lake(shop.lake),
                opened,
                zone=settings.zone,
                currency=settings.currency,
                now=datetime.now(UTC),
                delay=shop.config.section(ImportSettings).recorded_delay,
                pepper=shop.config.section(IdentitySettings).pepper,
                progress=progress,
            )
            done.append(Imported(opened.origin, opened.preset, tuple(opened.guess.notes), receipt))
    return done


def replay_rejected(shop: Shop, *, progress: Progress = SILENT) -> Replayed:
    """Try the rows that were set aside once more, as the shop's config reads them now."""
    from holdfast.log.replay import replay
    from holdfast.log.store import Lake

    config, settings = shop.config, shop.settings
    with shop.locked(), shop.engine() as engine:
        return replay(
            engine,
            Lake(shop.lake),
            settings=config.section(ImportSettings),
            mapping=config.section(MappingSettings),
            zone=settings.zone,
            currency=settings.currency,
            now=datetime.now(UTC),
            delay=config.section(ImportSettings).recorded_delay,
            pepper=config.section(IdentitySettings).pepper,
            progress=progress,
        )


def open_any(origin: Any, config: Config, *, preset: str | None, source: str | None) -> Source:
    """The source behind a path, a URL or a frame, read as the shop's config says.

    The shop's own preset is a wish: a file that it cannot read (the catalogue beside the orders) is recognised afresh.
    """
    from holdfast.app.settings import ShopSettings

    shop = config.section(ShopSettings)
    options: dict[str, Any] = {
        "settings": config.section(ImportSettings),
        "mapping": config.section(MappingSettings),
        "zone": shop.zone,
        "currency": shop.currency,
        "source": source,
    }
    if preset or not shop.preset:
        return _open(origin, preset=preset, **options)
    try:
        return _open(origin, preset=shop.preset, **options)
    except InputRefused as refused:
        try:
            return _open(origin, preset=None, **options)
        except InputRefused:
            raise refused from None


def _open(origin: Any, **options: Any) -> Source:
    from holdfast.log.sources.open import open_frame, open_source

    if isinstance(origin, (str, Path)):
        return open_source(str(origin), **options)
    return open_frame(origin, **options)
