"""Bytes of a file, packed or not, with a bound on how far a packed one may grow."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from holdfast.core.errors import InputRefused
from holdfast.log.sources.settings import ImportSettings

_FORMATS = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".tab": "csv", ".dat": "csv", ".psv": "csv",
    ".parquet": "parquet", ".pq": "parquet",
    ".json": "json", ".jsonl": "json", ".ndjson": "json",
    ".xlsx": "excel", ".xlsm": "excel",
}  # fmt: skip
#: Small files may shrink as far as they like before the ratio counts.
_FREE = 64 << 20


@dataclass(frozen=True)
class Part:
    """One file, or one member of a zip archive. `name` is what people see; `format` is how it is read."""

    path: Path
    name: str
    format: str
    member: str = ""

    @property
    def size(self) -> int:
        return self.path.stat().st_size


def parts(origin: Path) -> list[Part]:
    """The readable files behind a path: itself, the members of a zip, or what lies in a folder, by name."""
    try:
        if origin.is_dir():
            found = [one for path in sorted(origin.iterdir()) if path.is_file() for one in _of_folder(path)]
            if not found:
                raise InputRefused("the folder holds no file that Holdfast reads", where=str(origin), remedy=_KINDS)
            return found
        if not origin.exists():
            raise InputRefused("there is no such file", where=str(origin), remedy="check the name and the folder")
        return _of_file(origin)
    except PermissionError as error:
        raise InputRefused("no permission to read it", where=str(origin), remedy=f"run: chmod u+r {origin}") from error


_KINDS = "give .csv, .tsv, .txt, .json, .jsonl, .parquet or .xlsx files (text may be packed as .gz or .zip)"


def _of_folder(path: Path) -> list[Part]:
    if path.name.startswith(".") or (_inner(path.name) is None and path.suffix.lower() != ".zip"):
        return []
    return _of_file(path)


def _inner(name: str) -> str | None:
    """The format a file name promises, looking through one `.gz`."""
    lower = name.lower()
    lower = lower[:-3] if lower.endswith(".gz") else lower
    return _FORMATS.get(Path(lower).suffix)


def _of_file(path: Path) -> list[Part]:
    with path.open("rb") as handle:
        magic = handle.read(8)
    if not magic:
        raise InputRefused("the file is empty", where=str(path), remedy="export it again")
    if magic[:4] == b"PAR1":
        return [Part(path, path.name, "parquet")]
    if magic[:4] == b"PK\x03\x04" and _FORMATS.get(path.suffix.lower()) != "excel":
        return _members(path)
    if magic[:4] == b"\xd0\xcf\x11\xe0":
        raise InputRefused("this is an old .xls workbook", where=str(path), remedy="save it as .xlsx or .csv")
    guess = "json" if magic.lstrip()[:1] in (b"{", b"[") else "csv"
    return [Part(path, path.name, _inner(path.name) or guess)]


def _members(path: Path) -> list[Part]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(one.filename for one in archive.infolist() if not one.is_dir())
    except zipfile.BadZipFile as error:
        raise InputRefused(
            "the zip archive is damaged", where=str(path), remedy="download or export it again"
        ) from error
    kept = [n for n in names if _inner(n) in ("csv", "json") and not n.startswith("__MACOSX") and not n.endswith(".gz")]
    if not kept:
        raise InputRefused("the archive holds no text table", where=str(path), remedy=_KINDS)
    return [
        Part(path, f"{path.name}/{name}" if len(kept) > 1 else path.name, _inner(name) or "csv", name) for name in kept
    ]


class Bounded(io.RawIOBase):
    """A stream that counts what it gives, refuses a bomb, and turns damage into a refusal."""

    def __init__(
        self, stream: IO[bytes], taken: Callable[[], int], part: Part, settings: ImportSettings, packed: bool
    ) -> None:
        self._stream, self._taken, self._part, self._settings, self._packed = stream, taken, part, settings, packed
        self.given = 0

    def readable(self) -> bool:
        return True

    @property
    def taken(self) -> int:
        """Bytes of the file consumed so far, for progress."""
        return self._taken()

    def read(self, size: int = -1) -> bytes:
        where = self._part.name
        try:
            block = self._stream.read(size if size > 0 else 1 << 20)
        except EOFError as error:
            raise InputRefused(
                "the packed file ends in the middle", where=where, remedy="download or export it again; it was cut off"
            ) from error
        except (zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
            raise InputRefused(f"the packed file is damaged: {error}", where=where, remedy="export it again") from error
        except RuntimeError as error:  # zipfile: encrypted members
            raise InputRefused(str(error), where=where, remedy="unpack it first and import what is inside") from error
        self.given += len(block)
        self._check()
        return block

    def readinto(self, buffer: Any) -> int:
        block = self.read(len(buffer))
        buffer[: len(block)] = block
        return len(block)

    def _check(self) -> None:
        if not self._packed or self.given <= _FREE:
            return
        most = min(self._settings.unpack_gigabytes << 30, max(self._taken(), 1) * self._settings.unpack_ratio)
        if self.given > most:
            raise InputRefused(
                f"the packed file grew beyond {self.given >> 20} MB, {self.given // max(self._taken(), 1)} times its size",
                where=self._part.name,
                remedy="if it is no zip bomb, raise unpack_ratio or unpack_gigabytes under [import], or unpack it yourself",
            )


@contextmanager
def opened(part: Part, settings: ImportSettings) -> Iterator[Bounded]:
    """The unpacked bytes of a part."""
    try:
        raw = part.path.open("rb")
    except PermissionError as error:
        raise InputRefused("no permission to read it", where=str(part.path), remedy="change its permissions") from error
    with raw:
        if part.member:
            with zipfile.ZipFile(raw) as archive:
                start = archive.getinfo(part.member).header_offset
                try:
                    inner = archive.open(part.member)
                except (RuntimeError, NotImplementedError, zipfile.BadZipFile) as error:
                    raise InputRefused(str(error), where=part.name, remedy="unpack it first") from error
                yield Bounded(inner, lambda: raw.tell() - start, part, settings, True)
        elif _is_gzip(raw):
            yield Bounded(gzip.GzipFile(fileobj=raw), raw.tell, part, settings, True)  # type: ignore[arg-type]
        else:
            yield Bounded(raw, raw.tell, part, settings, False)


def _is_gzip(raw: IO[bytes]) -> bool:
    magic = raw.read(2)
    raw.seek(0)
    return magic == b"\x1f\x8b"
