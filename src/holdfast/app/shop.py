"""A shop: one folder, and what Python can do with it in one line each."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.app.config import Config, load, render
from holdfast.app.settings import ShopSettings
from holdfast.core.errors import UsageError
from holdfast.core.progress import SILENT, Progress

if TYPE_CHECKING:
    from holdfast.app.intake import Imported
    from holdfast.app.releases import ReleaseFolder, Releases
    from holdfast.core.tables import FeatureTable
    from holdfast.engine.duck import Engine


@dataclass(frozen=True)
class Shop:
    """One shop's folder (docs/design.md draws it). `Shop.create` makes one, `Shop.open` finds one.

    `add` takes files, database URLs and data frames (pandas, Polars, Arrow: anything with `__arrow_c_stream__`);
    `features` gives what was known at a cutoff; `run` publishes a release.
    """

    folder: Path

    @classmethod
    def open(cls, folder: Path | str) -> Shop:
        """The shop in this folder; raises `UsageError` where there is none."""
        shop = cls(Path(folder))
        if not shop.config_file.is_file():
            raise UsageError(
                "there is no shop here (no holdfast.toml)",
                where=str(shop.folder),
                remedy=f"create one with: holdfast init {shop.folder}",
            )
        return shop

    @classmethod
    def create(
        cls,
        folder: Path | str,
        *,
        preset: str | None = None,
        zone: str | None = None,
        currency: str | None = None,
        language: str | None = None,
        settings: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Shop:
        """Make the folder with a commented `holdfast.toml`; what the preset knows (zone, currency) is filled in.

        `settings`: values of other sections, by section and key.
        """
        from holdfast.app.config import parse
        from holdfast.engine.files import write_bytes

        shop = cls(Path(folder))
        if shop.config_file.exists():
            raise UsageError(
                "there is already a shop here", where=str(shop.folder), remedy="use it, or choose another folder"
            )
        implied = _implied(preset)
        given = {"preset": preset, "zone": zone, "currency": currency, "language": language}
        values = {**implied, **{k: v for k, v in given.items() if v is not None}, "name": shop.folder.resolve().name}
        text = render({**(settings or {}), "shop": values})
        parse(text)  # what we write must be what we read
        write_bytes(shop.config_file, text.encode())
        return shop

    @property
    def config_file(self) -> Path:
        return self.folder / "holdfast.toml"

    @property
    def lake(self) -> Path:
        return self.folder / "lake"

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    @cached_property
    def releases(self) -> Releases:
        from holdfast.app.releases import Releases

        return Releases(self.folder / "releases")

    @cached_property
    def config(self) -> Config:
        return load(self.config_file)

    @property
    def settings(self) -> ShopSettings:
        return self.config.section(ShopSettings)

    def engine(self) -> Engine:
        """A query engine with this shop's memory limit; close it, or use it in `with`."""
        from holdfast.engine.duck import Engine

        return Engine(memory_limit=self.settings.memory)

    def locked(self) -> AbstractContextManager[None]:
        """Hold the shop's lock; another writer gets a `StateError` that says so."""
        from holdfast.engine.lock import locked

        return locked(self.folder / ".lock")

    def add(
        self, *origins: Any, preset: str | None = None, source: str | None = None, progress: Progress = SILENT
    ) -> list[Imported]:
        """Read files, database URLs or data frames into the log; the same rows again add nothing."""
        from holdfast.app.intake import take_in_all

        return take_in_all(self, origins, preset=preset, source=source, progress=progress)

    def features(self, cutoff: str | None = None, *, progress: Progress = SILENT) -> FeatureTable:
        """What was known about every customer of the population strictly before `cutoff`."""
        from holdfast.app.study import study

        with self.engine() as engine:
            return study(self, engine, cutoff=cutoff, progress=progress).present

    def run(
        self,
        *,
        cutoff: str | None = None,
        horizon: str | None = None,
        language: str | None = None,
        progress: Progress = SILENT,
    ) -> ReleaseFolder:
        """Clean, learn, backtest, predict, explain, publish: the release."""
        from holdfast.app.flow import run

        return run(self, cutoff=cutoff, horizon=horizon, language=language, progress=progress)


def _implied(preset: str | None) -> dict[str, str]:
    """Zone and currency that a preset knows."""
    if preset is None:
        return {}
    from holdfast.log.sources.preset import PRESETS

    known = PRESETS[preset]
    return {key: value for key, value in (("zone", known.zone), ("currency", known.currency)) if value}
