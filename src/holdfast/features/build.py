"""The feature table: rows of a population, columns as declared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from holdfast.core.clock import Cutoff
from holdfast.core.errors import UsageError
from holdfast.core.progress import SILENT, Progress
from holdfast.core.tables import FeatureTable, Key
from holdfast.features.compile import query
from holdfast.features.declare import FEATURES, Feature
from holdfast.snapshot.observed import Observed, people_of

#: Ledger rows times cutoffs that one query may read; more cutoffs go into the next query.
ROWS_AT_ONCE = 4_000_000


def chosen(names: Sequence[str] | None = None) -> list[Feature]:
    """The declared features of these names, in this order; all of them by default."""
    return [FEATURES[name] for name in (FEATURES if names is None else names)]


def build(
    observed: Observed,
    names: Sequence[str] | None = None,
    key: Key | None = None,
    *,
    progress: Progress = SILENT,
) -> FeatureTable:
    """Compute features for the population of `observed`, or for the rows of `key` (at cutoffs of `observed`).

    Rows are ordered by cutoff, then customer_id; those of `key` keep its order. Values are float32, null is NaN.
    """
    features = chosen(names)
    parts = []
    for done, cutoffs in enumerate(groups := _batches(observed)):
        progress.step("features", done, len(groups))
        parts.append(_one(observed if len(groups) == 1 else observed.at(cutoffs), features, key))
    progress.step("features", len(groups), len(groups))
    table = pa.concat_tables(parts)
    made = _table(table, features)
    return made if key is None else _in_order_of(made, key)


def _batches(observed: Observed) -> list[tuple[Cutoff, ...]]:
    rows = max(1, *(observed.engine.scalar(table.count()) for table in (observed.ledger.days, observed.ledger.items)))
    size = max(1, min(len(observed.cutoffs), ROWS_AT_ONCE // rows))
    return [observed.cutoffs[i : i + size] for i in range(0, len(observed.cutoffs), size)]


def _one(observed: Observed, features: Sequence[Feature], key: Key | None) -> pa.Table:
    people = observed.people if key is None else people_of(observed, key)
    rows = people.join(observed.customers, "who")
    micros = pa.array([one.micros for one in observed.cutoffs])
    table = observed.engine.arrow(query(observed, features, rows).order_by(["cut", "customer_id"]))
    return table.append_column("micros", micros.take(table["cut"]).combine_chunks()).drop_columns(["cut", "who"])


def _table(table: pa.Table, features: Sequence[Feature]) -> FeatureTable:
    values = np.empty((table.num_rows, len(features)), np.float32)
    for at, one in enumerate(features):
        values[:, at] = table[one.name].to_numpy()
    key = Key(table["customer_id"].combine_chunks(), table["micros"].to_numpy())
    return FeatureTable(key, tuple(one.column for one in features), values)


def _in_order_of(made: FeatureTable, key: Key) -> FeatureTable:
    rows = {
        pair: at for at, pair in enumerate(zip(made.key.customer_id.to_pylist(), made.key.cutoff.tolist(), strict=True))
    }
    try:
        where = [rows[pair] for pair in zip(key.customer_id.to_pylist(), key.cutoff.tolist(), strict=True)]
    except KeyError as error:
        raise UsageError(
            f"customer and cutoff {error} are not in this history", remedy="ask for customers and cutoffs it knows"
        ) from error
    return made.take(np.array(where, np.int64))
