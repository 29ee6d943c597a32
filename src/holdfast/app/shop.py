"""The shop folder: where things lie in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from holdfast.app.config import Config, load
from holdfast.core.errors import UsageError


@dataclass(frozen=True)
class Shop:
    """One shop's folder (DESIGN.md, section 5)."""

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

    @property
    def config_file(self) -> Path:
        return self.folder / "holdfast.toml"

    @property
    def lake(self) -> Path:
        return self.folder / "lake"

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    @property
    def releases(self) -> Path:
        return self.folder / "releases"

    @cached_property
    def config(self) -> Config:
        return load(self.config_file)
