"""Files that are either whole or absent: write aside, sync, rename."""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def sync(path: Path) -> None:
    """Force a file or folder entry to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Write to the path given; on success it takes the place of `path` in one atomic rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.part")
    try:
        yield aside
        sync(aside)
        aside.replace(path)
        sync(path.parent)
    finally:
        aside.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> Path:
    """Write bytes atomically."""
    with replacing(path) as aside:
        aside.write_bytes(data)
    return path


def write_table(path: Path, table: pa.Table) -> Path:
    """Write one Arrow table as Parquet, atomically and with the same bytes for the same table."""
    with replacing(path) as aside:
        pq.write_table(table, aside, compression="zstd", store_schema=True)
    return path


def sha256(path: Path) -> str:
    """Hash of a file's bytes."""
    hashed = hashlib.sha256()
    with path.open("rb") as handle:
        while block := handle.read(1 << 20):
            hashed.update(block)
    return hashed.hexdigest()


@contextmanager
def publishing(folder: Path) -> Iterator[Path]:
    """Fill the folder given; on success it appears as `folder` in one atomic rename. `folder` must not exist."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:12]}.part")
    aside.mkdir()
    try:
        yield aside
        for path in sorted(aside.rglob("*")):
            sync(path)
        sync(aside)
        aside.rename(folder)
        sync(folder.parent)
    finally:
        if aside.exists():
            shutil.rmtree(aside, ignore_errors=True)
