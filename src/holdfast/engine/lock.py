"""One writer at a time: a lock on a shop folder that the operating system drops when its process dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from holdfast.core.errors import StateError


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path`; raises `StateError` where another process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.read(handle, 64).decode(errors="replace").strip()
            raise StateError(
                f"another holdfast process{f' (pid {owner})' if owner else ''} is writing to this shop",
                where=str(path.parent),
                remedy="wait until it has ended, then run the same command again",
            ) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)
