"""Releases: immutable published folders. Publish, list, roll back, verify.

A release is written aside and appears by one rename; `releases/current` is a one-line file that names the
published one and is replaced by another rename, so a reader sees the old or the new release, never a mixture.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.core.errors import StateError, UsageError
from holdfast.core.registry import nearest
from holdfast.engine.files import publishing, sha256, write_bytes

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class ReleaseFolder:
    """One published release."""

    folder: Path

    @property
    def release_id(self) -> str:
        return self.folder.name

    @property
    def report(self) -> Path:
        """The page to open."""
        return self.folder / "report" / "index.html"

    @cached_property
    def customers(self) -> pa.Table:
        """One row per customer of the population."""
        return self.table("customers")

    def table(self, name: str) -> pa.Table:
        """One of its tables: customers, survival, recommendations, alerts, decisions."""
        import pyarrow.parquet as pq

        return pq.read_table(self.folder / f"{name}.parquet", partitioning=None)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        return self.json("manifest.json")

    def json(self, name: str) -> dict[str, Any]:
        """One of its JSON files."""
        try:
            return dict(json.loads((self.folder / name).read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise StateError(
                f"release {self.release_id} has no readable {name}", where=str(self.folder), remedy="run it again"
            ) from error


class Releases:
    """All releases of one shop, oldest first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def all(self) -> list[ReleaseFolder]:
        """Every release, in the order in which they were published."""
        if not self.folder.is_dir():
            return []
        found = [ReleaseFolder(one.parent) for one in self.folder.glob("*/manifest.json") if one.parent.name[0] != "."]
        order = {name: position for position, name in enumerate(self._journal())}
        return sorted(found, key=lambda one: (order.get(one.release_id, len(order)), one.manifest["cutoff"]))

    def current(self) -> ReleaseFolder:
        """The published release; raises `UsageError` before the first run."""
        pointer = self.folder / "current"
        name = pointer.read_text(encoding="utf-8").strip() if pointer.is_file() else ""
        if not name or not (self.folder / name / "manifest.json").is_file():
            raise UsageError("nothing has been published yet", where=str(self.folder.parent), remedy="holdfast run")
        return ReleaseFolder(self.folder / name)

    def get(self, release_id: str) -> ReleaseFolder:
        names = [one.release_id for one in self.all()]
        if release_id not in names:
            raise UsageError(f"no release {release_id!r}", where=str(self.folder), remedy=nearest(release_id, names))
        return ReleaseFolder(self.folder / release_id)

    def publish(self, release_id: str, manifest: Mapping[str, Any], fill: Callable[[Path], None]) -> ReleaseFolder:
        """Let `fill` write the files, add the manifest with every file's sha256, and publish.

        A release of the same id holds the same bytes, so it is kept and only named current again.
        """
        target = self.folder / release_id
        if not (target / "manifest.json").is_file():
            if target.exists():
                shutil.rmtree(target)
            with publishing(target) as aside:
                fill(aside)
                files = {p.relative_to(aside).as_posix(): sha256(p) for p in sorted(aside.rglob("*")) if p.is_file()}
                whole = {**manifest, "release_id": release_id, "files": files}
                (aside / "manifest.json").write_text(json.dumps(whole, indent=1, ensure_ascii=False), encoding="utf-8")
        if release_id not in self._journal():
            write_bytes(self.folder / "journal", "".join(f"{one}\n" for one in [*self._journal(), release_id]).encode())
        self.make_current(release_id)
        return ReleaseFolder(target)

    def make_current(self, release_id: str) -> None:
        """Name the published release; also how a rollback is done."""
        write_bytes(self.folder / "current", f"{release_id}\n".encode())

    def rollback(self, release_id: str | None = None) -> ReleaseFolder:
        """Publish an older release again: the one named, or the one before the current."""
        if release_id is None:
            earlier = self.all()
            now = [one.release_id for one in earlier].index(self.current().release_id)
            if now == 0:
                raise UsageError("there is no earlier release to go back to", where=str(self.folder))
            release_id = earlier[now - 1].release_id
        chosen = self.get(release_id)
        self.verify(chosen)
        self.make_current(chosen.release_id)
        return chosen

    def verify(self, release: ReleaseFolder) -> int:
        """Compare every file with its sha256; returns how many; raises `StateError` naming what differs."""
        files: Mapping[str, str] = release.manifest["files"]
        for name, expected in files.items():
            path = release.folder / name
            if not path.is_file() or sha256(path) != expected:
                raise StateError(
                    f"file {name} of release {release.release_id} is {'damaged' if path.is_file() else 'missing'}",
                    where=str(path),
                    remedy="run `holdfast run` to publish anew, or `holdfast release rollback`",
                )
        return len(files)

    def prune(self, keep: int) -> list[str]:
        """Delete the oldest releases beyond `keep` (0 keeps all), never the current one."""
        if keep <= 0:
            return []
        current = self.current().release_id
        old = [one for one in self.all()[:-keep] if one.release_id != current]
        for one in old:
            shutil.rmtree(one.folder)
        return [one.release_id for one in old]

    def _journal(self) -> list[str]:
        """Release ids in the order of their first publication (kept outside: a release's bytes know no order)."""
        journal = self.folder / "journal"
        return journal.read_text(encoding="utf-8").split() if journal.is_file() else []
