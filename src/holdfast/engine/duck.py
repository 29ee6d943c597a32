"""DuckDB through Ibis: one in-memory connection, in UTC, that never reaches the network.

DuckDB reads the lake's Parquet files and never owns them.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pyarrow as pa


def default_threads() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Engine:
    """A query engine with a memory limit that spills to disk.

    >>> with Engine() as engine:
    ...     engine.scalar(engine.memory(pa.table({"x": [1, 2, 3]})).x.sum())
    6
    """

    def __init__(self, *, memory_limit: str = "4GB", threads: int | None = None, spill: Path | None = None) -> None:
        self._spill = tempfile.TemporaryDirectory(prefix="holdfast-", dir=spill, ignore_cleanup_errors=True)
        self.backend = ibis.duckdb.connect(
            ":memory:",
            memory_limit=memory_limit,
            threads=threads or default_threads(),
            temp_directory=self._spill.name,
        )
        for statement in (
            "SET TimeZone = 'UTC'",
            "SET autoinstall_known_extensions = false",
            "SET preserve_insertion_order = false",
            "PRAGMA disable_progress_bar",  # the SET of the same name raises in Jupyter without ipywidgets
        ):
            self.backend.raw_sql(statement)

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.backend.disconnect()
        self._spill.cleanup()

    def parquet(self, paths: Path | str | Sequence[Path | str]) -> Any:
        """A lazy table over Parquet files; columns are matched by name."""
        names = [str(paths)] if isinstance(paths, (str, Path)) else [str(path) for path in paths]
        return self.backend.read_parquet(names, union_by_name=len(names) > 1)

    def memory(self, table: pa.Table) -> Any:
        """A lazy table over an Arrow table held in memory. An empty one costs next to nothing; its columns may be null."""
        if not table.num_rows:
            nullable = pa.schema([one.with_nullable(True) for one in table.schema])
            schema = ibis.Schema.from_pyarrow(nullable)
            return self.backend.create_table(ibis.util.gen_name("empty"), schema=schema, temp=True)
        return self.backend.create_table(ibis.util.gen_name("memory"), table, temp=True)

    def cached(self, expression: Any) -> Any:
        """The result of an expression, computed now and kept for reuse."""
        with _disk_errors(Path(self._spill.name)):
            return self.backend.create_table(ibis.util.gen_name("cached"), expression, temp=True)

    def view(self, expression: Any) -> Any:
        """A name for an expression, computed anew wherever it is used. Long chains of steps compile faster in pieces."""
        return self.backend.create_view(ibis.util.gen_name("view"), expression)

    def sql(self, statement: str) -> Any:
        """Run a statement (settings, COPY, macros) on the raw connection."""
        return self.backend.raw_sql(statement)

    def arrow(self, expression: Any) -> pa.Table:
        """The result of an expression as one Arrow table."""
        return self.backend.to_pyarrow(expression)

    def batches(self, expression: Any, rows: int = 100_000) -> Iterator[pa.RecordBatch]:
        """The result of an expression in batches."""
        yield from self.backend.to_pyarrow_batches(expression, chunk_size=rows)

    def scalar(self, expression: Any) -> Any:
        """The single value of an expression."""
        return self.backend.to_pyarrow(expression).as_py()

    def digest(self, expression: Any) -> str:
        """A hash of the rows, whatever their order: equal rows, equal digest.

        >>> with Engine() as engine:
        ...     one, two = (engine.memory(pa.table({"x": x})) for x in ([1, 2, 2], [2, 1, 2]))
        ...     engine.digest(one) == engine.digest(two)
        True
        """
        query = self.backend.compile(expression)
        statement = f"SELECT count(*), sum(hash(t)::HUGEINT)::VARCHAR FROM ({query}) AS t"  # noqa: S608 - our own query
        rows, total = self.backend.raw_sql(statement).fetchone()
        return f"{rows}:{total}"

    def write_parquet(self, expression: Any, path: Path) -> Path:
        """Stream the result of an expression into one Parquet file (zstd), with the types that Ibis says it has.

        DuckDB sums whole numbers into 128 bits, which Parquet can only keep as floating point; so every column is cast.
        """
        kind = self.backend.compiler.type_mapper.to_string
        columns = ", ".join(
            f"CAST({sqlname(name)} AS {kind(dtype)}) AS {sqlname(name)}" for name, dtype in expression.schema().items()
        )
        query = self.backend.compile(expression)
        target = str(path).replace("'", "''")
        with _disk_errors(path):
            self.sql(f"COPY (SELECT {columns} FROM ({query})) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")  # noqa: S608  # names are quoted
        return path


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    """What the disk refuses is an OSError here as everywhere else: full, forbidden, gone."""
    try:
        yield
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        known = {"No space left": errno.ENOSPC, "Permission denied": errno.EACCES, "No such file": errno.ENOENT}
        number = next((code for words, code in known.items() if words in str(error)), None)
        if number is None and isinstance(error, duckdb.OutOfMemoryException):
            raise MemoryError(str(error)) from error
        number = number or errno.EIO
        raise OSError(number, os.strerror(number), str(path)) from error


def sqlname(name: str) -> str:
    """A column name as SQL writes it.

    >>> sqlname('unit price')
    '"unit price"'
    """
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


@contextmanager
def engine(**options: Any) -> Iterator[Engine]:
    """`Engine` as a context manager that closes what it opened."""
    one = Engine(**options)
    try:
        yield one
    finally:
        one.close()
