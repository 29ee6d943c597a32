"""Copies are found however they are made, and stand together; coincidence in coarse columns is no copy."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from holdfast.app.table.columns import TableColumn, understand
from holdfast.app.table.copies import kin
from holdfast.app.table.folds import fold_of, forward


def wide(rows: int, seed: int = 1) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {f"x{i}": random.integers(0, 40, rows).astype(float) for i in range(6)}


def understood(columns: dict[str, np.ndarray]) -> list[TableColumn]:
    return [understand(name, pa.array(values)) for name, values in columns.items()]


def test_equal_rows_are_found() -> None:
    columns = wide(200)
    for values in columns.values():
        values[150:] = values[:50]
    found = kin(understood(columns))
    assert len(np.unique(found.twin)) == 150
    assert (found.group[150:] == found.group[:50]).all()


def test_rows_that_differ_in_one_column_are_found() -> None:
    columns = wide(200)
    for values in columns.values():
        values[150:] = values[:50]
    columns["x3"][150:] += 50
    found = kin(understood(columns))
    assert len(np.unique(found.twin)) == 200
    assert found.near == 100
    assert (found.group[150:] == found.group[:50]).all()


def test_a_block_repeated_with_its_numbers_moved_is_found() -> None:
    half = wide(300)
    columns = {name: np.concatenate([values, values + step]) for step, (name, values) in enumerate(half.items(), 1)}
    columns["x4"][[5, 305]] = np.nan
    mixed = np.random.default_rng(9).permutation(600)
    for order in (np.arange(600), mixed):
        found = kin(understood({name: values[order] for name, values in columns.items()}))
        assert found.echo is not None
        assert 300 <= found.echo.rows <= 303, "a chance match or two"
        assert found.echo.steps["x2"] == 3.0
        back = np.argsort(order)
        assert (found.group[back][300:] == found.group[back][:300]).all()


def test_no_echo_in_chance_or_in_columns_that_count_up() -> None:
    assert kin(understood(wide(400))).echo is None
    assert kin(understood({f"c{i}": np.arange(400.0) * (i + 1) for i in range(8)})).echo is None
    coarse = {f"g{i}": np.random.default_rng(i).integers(0, 12, 3000).astype(float) for i in range(4)}
    assert kin(understood(coarse)).echo is None


def test_coarse_columns_are_not_tied_into_one() -> None:
    random = np.random.default_rng(2)
    columns = {f"b{i}": random.integers(0, 2, 600).astype(float) for i in range(5)}
    found = kin(understood(columns))
    assert found.near == 0, "chains of single differences would tie every row to every other"


def test_folds_keep_groups_whole_and_kinds_even() -> None:
    random = np.random.default_rng(3)
    groups = random.integers(0, 300, 900)
    happened = random.random(900) < 0.2
    fold = fold_of(happened, groups, seed=1)
    for group in np.unique(groups):
        assert len(np.unique(fold[groups == group])) == 1
    rates = [happened[fold == one].mean() for one in range(5)]
    sizes = [int((fold == one).sum()) for one in range(5)]
    assert max(rates) - min(rates) < 0.06
    assert max(sizes) < 1.3 * min(sizes)


def test_forward_parts_never_learn_from_their_future() -> None:
    random = np.random.default_rng(4)
    micros = random.integers(0, 10**9, 500)
    for split in forward(np.arange(500), micros, random.random(500) < 0.5):
        assert micros[split.train].max() < micros[split.test].min()
