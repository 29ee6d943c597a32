"""The best of many products: exact against a plain sort, approximate by its recall."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from holdfast.recommend.index import ApproximateIndex, ExactIndex, index_of, largest


def plain(scores: np.ndarray, count: int) -> np.ndarray:
    found = np.argsort(-scores, axis=1, kind="stable")[:, :count]
    return np.where(np.isneginf(np.take_along_axis(scores, found, axis=1)), -1, found)


@pytest.mark.parametrize(("width", "count"), [(1, 1), (7, 10), (50, 3), (1000, 10), (1003, 10), (1003, 100)])
@pytest.mark.parametrize("kind", ["continuous", "tied", "mostly_closed", "closed"])
def test_largest_is_a_stable_sort(width, count, kind):
    draw = np.random.default_rng(width + count)
    scores = draw.standard_normal((20, width)).astype(np.float32)
    if kind == "tied":
        scores = np.round(scores)
    if kind == "mostly_closed":
        scores[:, draw.random(width) < 0.97] = -np.inf
    if kind == "closed":
        scores[:] = -np.inf
    found, kept = largest(scores, count)
    np.testing.assert_array_equal(found, plain(scores, count))
    assert (np.diff(kept[:, : np.isfinite(kept).sum(axis=1).min()], axis=1) <= 0).all()


def test_the_exact_index_is_the_whole_product_in_blocks(monkeypatch):
    monkeypatch.setattr("holdfast.recommend.index.CELLS", 900)
    draw = np.random.default_rng(0)
    vectors, points = draw.standard_normal((300, 8), np.float32), draw.standard_normal((11, 8), np.float32)
    found, _ = ExactIndex(vectors).top(points, 5)
    np.testing.assert_array_equal(found, plain(points @ vectors.T, 5))
    assert ExactIndex(vectors).top(points[:0], 5)[0].shape == (0, 5)


@pytest.mark.skipif(find_spec("usearch") is None, reason="usearch (extra ann) is not installed")
def test_the_approximate_index_finds_nearly_all_of_the_best_ten():
    draw = np.random.default_rng(0)
    vectors = draw.standard_normal((4000, 32), np.float32) * draw.gamma(2.0, size=(4000, 1)).astype(np.float32)
    points = draw.standard_normal((100, 32), np.float32)
    exact, _ = ExactIndex(vectors).top(points, 10)
    found, products = ApproximateIndex.of(vectors).top(points, 10)
    assert np.mean([len(set(a) & set(b)) / 10 for a, b in zip(exact.tolist(), found.tolist(), strict=True)]) > 0.95
    np.testing.assert_allclose(products[0], vectors[found[0]] @ points[0], rtol=1e-5)
    again, _ = ApproximateIndex.of(vectors).top(points, 10)
    np.testing.assert_array_equal(found, again)


def test_few_items_are_searched_exactly():
    assert isinstance(index_of(np.zeros((10, 2), np.float32)), ExactIndex)
