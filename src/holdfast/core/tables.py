"""The tables that flow from features to predictions: one row per customer and cutoff.

All of them are plain columns (numpy and Arrow), so that a laptop table, a Spark result and an HTTP payload
are served alike. Each can be read by anything that speaks the Arrow PyCapsule interface.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.clock import DAY_MICROS, Cutoff, Duration, Horizon
from holdfast.core.errors import HoldfastError, LeakError, UsageError
from holdfast.core.registry import nearest
from holdfast.core.schema import INSTANT
from holdfast.core.text import Text

Floats = NDArray[np.float64]
Rows = NDArray[np.bool_] | NDArray[np.int64]


@dataclass(frozen=True)
class Key:
    """Who and when: the customer and the cutoff (microseconds UTC) of each row."""

    customer_id: pa.Array
    cutoff: NDArray[np.int64]

    def __post_init__(self) -> None:
        if len(self.customer_id) != len(self.cutoff):
            raise UsageError(f"{len(self.customer_id)} customers but {len(self.cutoff)} cutoffs")

    @classmethod
    def of(cls, customer_id: Sequence[str] | pa.Array, cutoff: Cutoff | NDArray[np.int64]) -> Key:
        """Build a key from ids and one cutoff, or one cutoff per row in microseconds."""
        ids = customer_id if isinstance(customer_id, pa.Array) else pa.array(customer_id, pa.string())
        micros = np.full(len(ids), cutoff.micros) if isinstance(cutoff, Cutoff) else np.asarray(cutoff, np.int64)
        return cls(ids.cast(pa.string()), micros)

    def __len__(self) -> int:
        return len(self.cutoff)

    @property
    def cutoffs(self) -> tuple[Cutoff, ...]:
        """The distinct cutoffs, oldest first."""
        return tuple(Cutoff.from_micros(int(one)) for one in np.unique(self.cutoff))

    def at(self, cutoffs: Iterable[Cutoff]) -> NDArray[np.bool_]:
        """Which rows stand at one of these cutoffs."""
        return np.isin(self.cutoff, [one.micros for one in cutoffs])

    def take(self, rows: Rows) -> Key:
        where = np.flatnonzero(rows) if rows.dtype == bool else rows
        return Key(self.customer_id.take(pa.array(where)), self.cutoff[where])

    def equals(self, other: Key) -> bool:
        return (
            len(self) == len(other)
            and np.array_equal(self.cutoff, other.cutoff)
            and self.customer_id.equals(other.customer_id)
        )

    def columns(self) -> dict[str, pa.Array]:
        return {
            "customer_id": self.customer_id,
            "cutoff": pa.array(self.cutoff).cast(pa.timestamp("us")).cast(INSTANT),
        }

    def digest(self) -> bytes:
        """A hash of the rows, equal for equal keys."""
        hashed = hashlib.sha256(self.cutoff.tobytes())
        for one in self.customer_id.to_pylist():
            hashed.update(one.encode() + b"\0")
        return hashed.digest()


class _Arrow:
    """Out to pandas, Polars, DuckDB: everything that speaks Arrow."""

    def to_arrow(self) -> pa.Table:
        raise HoldfastError(f"{type(self).__name__} has no Arrow form")  # each table defines it

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def to_pandas(self) -> Any:
        return self.to_arrow().to_pandas()


@dataclass(frozen=True, slots=True)
class FeatureColumn:
    """What one feature column means.

    `window` is empty for a feature over the whole history; `missing` says what a null (NaN) means.
    `sentence` is the reason sentence, with `{value}` for the customer's own number. `leans` says which way more of it
    points to a person's mind: +1 to leaving, -1 to staying, 0 neither; only features that lean are told as reasons.
    """

    name: str
    unit: str
    window: str
    missing: str
    family: str
    sentence: Text
    leans: int = 0


@dataclass(frozen=True)
class FeatureTable(_Arrow):
    """What was known: (customer_id, cutoff) x named float32 columns. NaN is the meaning given by `missing`.

    >>> column = FeatureColumn("order_count", "orders", "", "none", "frequency", Text("{value} orders", "{value}次"))
    >>> key = Key.of(["a", "b"], Cutoff.parse("2024-01-01"))
    >>> table = FeatureTable(key, (column,), np.array([[1.0], [3.0]], np.float32))
    >>> table.column("order_count").tolist(), table.names
    ([1.0, 3.0], ('order_count',))
    """

    key: Key
    columns: tuple[FeatureColumn, ...]
    values: NDArray[np.float32] = field(repr=False)

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.key), len(self.columns)):
            raise UsageError(f"values are {self.values.shape}, expected ({len(self.key)}, {len(self.columns)})")
        if self.values.dtype != np.float32:
            raise UsageError(f"feature values are float32, not {self.values.dtype}")

    def __len__(self) -> int:
        return len(self.key)

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of key, columns and values: the same table, the same fingerprint."""
        hashed = hashlib.sha256(self.key.digest())
        hashed.update("\0".join(self.names).encode())
        hashed.update(np.ascontiguousarray(self.values).tobytes())
        return hashed.hexdigest()

    def column(self, name: str) -> NDArray[np.float32]:
        if name not in self.names:
            raise UsageError(f"no feature {name!r}", remedy=nearest(name, list(self.names)))
        return self.values[:, self.names.index(name)]

    def select(self, names: Sequence[str]) -> FeatureTable:
        """Exactly these columns, in this order; refuses a name it does not have."""
        for name in names:
            self.column(name)
        where = [self.names.index(name) for name in names]
        return replace(self, columns=tuple(self.columns[i] for i in where), values=self.values[:, where])

    def take(self, rows: Rows) -> FeatureTable:
        return replace(self, key=self.key.take(rows), values=self.values[rows])

    def at(self, cutoffs: Iterable[Cutoff]) -> FeatureTable:
        return self.take(self.key.at(cutoffs))

    def joined(self, other: FeatureTable) -> FeatureTable:
        """These columns and those of another table with the same rows."""
        if not self.key.equals(other.key):
            raise UsageError("the two feature tables have different rows", remedy="build both from the same snapshot")
        return FeatureTable(self.key, self.columns + other.columns, np.hstack([self.values, other.values]))

    def to_arrow(self) -> pa.Table:
        columns = {name: pa.array(self.values[:, i], from_pandas=True) for i, name in enumerate(self.names)}
        return pa.table({**self.key.columns(), **columns})


@dataclass(frozen=True)
class Outcomes(_Arrow):
    """What happened in [cutoff + gap, cutoff + gap + horizon). Built in `snapshot/` alone.

    `churned` is no order in the horizon; `duration` is days from cutoff + gap to the next order, or to the
    end of the data where `event_observed` is false (censored is not retained). `revenue` is money (1/10,000).
    """

    key: Key
    horizon: Horizon
    churned: NDArray[np.bool_]
    orders: NDArray[np.int64]
    revenue: NDArray[np.int64]
    duration: Floats
    event_observed: NDArray[np.bool_]

    def __post_init__(self) -> None:
        for name in ("churned", "orders", "revenue", "duration", "event_observed"):
            if len(getattr(self, name)) != len(self.key):
                raise UsageError(f"outcome column {name} has {len(getattr(self, name))} rows, the key {len(self.key)}")

    def __len__(self) -> int:
        return len(self.key)

    def take(self, rows: Rows) -> Outcomes:
        return Outcomes(
            self.key.take(rows), self.horizon, self.churned[rows], self.orders[rows],
            self.revenue[rows], self.duration[rows], self.event_observed[rows],
        )  # fmt: skip

    def at(self, cutoffs: Iterable[Cutoff]) -> Outcomes:
        return self.take(self.key.at(cutoffs))

    def known_by(self, cutoff: Cutoff, gap: Duration) -> Outcomes:
        """The same rows as they were known at `cutoff`: an order from then on is not seen yet, its duration censored.

        What lies inside the horizon is untouched: a slice whose label window has not closed must not be used at all.
        """
        known = np.maximum(cutoff.micros - self.key.cutoff - gap.micros, 0) / DAY_MICROS
        return replace(
            self,
            event_observed=self.event_observed & (self.duration < known),
            duration=np.minimum(self.duration, known),
        )

    def to_arrow(self) -> pa.Table:
        return pa.table(
            {
                **self.key.columns(),
                "churned": self.churned,
                "orders": self.orders,
                "revenue": self.revenue,
                "duration": self.duration,
                "event_observed": self.event_observed,
            }
        )


@dataclass(frozen=True)
class Slices:
    """Features and the outcomes that followed, aligned row by row, at several cutoffs.

    `weights` (one a row, 0 = not to be learnt from) say how much a row tells; None: all tell the same.
    """

    features: FeatureTable
    outcomes: Outcomes
    weights: Floats | None = None

    def __post_init__(self) -> None:
        if self.weights is not None and len(self.weights) != len(self.features):
            raise UsageError(f"{len(self.weights)} weights for {len(self.features)} rows")
        if not self.features.key.equals(self.outcomes.key):
            raise UsageError("features and outcomes have different rows", remedy="build both from the same snapshot")

    def __len__(self) -> int:
        return len(self.features)

    @property
    def cutoffs(self) -> tuple[Cutoff, ...]:
        return self.features.key.cutoffs

    @property
    def counted(self) -> Floats | None:
        """How much each row counts in a score; None: all alike, also where every weight is 0 (then nobody was left alone)."""
        return None if self.weights is None or not self.weights.any() else self.weights

    def at(self, cutoffs: Iterable[Cutoff]) -> Slices:
        return self.take(self.features.key.at(list(cutoffs)))

    def take(self, rows: Rows) -> Slices:
        weights = None if self.weights is None else self.weights[rows]
        return Slices(self.features.take(rows), self.outcomes.take(rows), weights)


@dataclass(frozen=True)
class Fold:
    """Which cutoffs train, which calibrate, which one tests. Every label window before `test` is closed.

    The rule `c + gap + horizon <= test` is checked here, so that no caller can forget it.
    """

    train: tuple[Cutoff, ...]
    calibrate: tuple[Cutoff, ...]
    test: Cutoff
    closes_after: int  # gap + horizon in microseconds

    def __post_init__(self) -> None:
        for one in (*self.train, *self.calibrate):
            if one.micros + self.closes_after > self.test.micros:
                raise LeakError(
                    f"the labels of cutoff {one} are not closed at {self.test}",
                    remedy="leave gap + horizon between the newest training cutoff and the test cutoff",
                )


@dataclass(frozen=True)
class Predictions(_Arrow):
    """What a model says, row by row. `p_churn` is P(no order in the horizon): 1 is churn.

    `low` and `high` are the ends of the 90% interval of the probability, where known.
    """

    key: Key
    horizon: Horizon
    model_id: str
    p_churn: Floats
    low: Floats | None = None
    high: Floats | None = None
    expected_orders: Floats | None = None
    p_alive: Floats | None = None
    clv: Floats | None = None

    def __post_init__(self) -> None:
        for name in ("p_churn", "low", "high", "p_alive"):
            values = getattr(self, name)
            if values is not None and not (
                len(values) == len(self.key) and bool(np.all((values >= 0) & (values <= 1)))
            ):
                raise UsageError(f"{self.model_id}: {name} must be {len(self.key)} probabilities in [0, 1]")

    def __len__(self) -> int:
        return len(self.key)

    def take(self, rows: Rows) -> Predictions:
        cut = {n: v[rows] for n in _PREDICTED if (v := getattr(self, n)) is not None}
        return replace(self, key=self.key.take(rows), **cut)

    def to_arrow(self) -> pa.Table:
        cut = {n: v for n in _PREDICTED if (v := getattr(self, n)) is not None}
        return pa.table({**self.key.columns(), **cut})


_PREDICTED = ("p_churn", "low", "high", "expected_orders", "p_alive", "clv")
