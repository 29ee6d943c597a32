"""The catalogue as blocks of unit vectors: words, category, brand, price and kind (sparse), embedding and image (dense)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.interactions import Items
from holdfast.recommend.content.words import terms

Floats = NDArray[np.float32]
SPARSE = ("words", "category", "brand", "price", "kind")
DENSE = ("embedding", "image")
BLOCKS = (*SPARSE, *DENSE)
#: What stands for a kind that is not said.
GOODS = "goods"
#: Buckets of price to a factor of e: neighbours differ by about 65%.
_PER_E = 2.0


@dataclass(frozen=True, eq=False)
class Described:
    """One vector an item, its squared length the share of the blocks: `sparse` (CSR) beside `dense`.

    `names` are the features of the sparse part, as (block, what it says).
    """

    names: tuple[tuple[str, str], ...] = field(repr=False)
    sparse: Any = field(repr=False)
    dense: Floats = field(repr=False)


@dataclass(frozen=True, eq=False)
class Blocks:
    """Each block by itself: rows of length 1, or of zeros where an item says nothing."""

    names: Mapping[str, tuple[str, ...]]
    sparse: Mapping[str, Any]
    dense: Mapping[str, Floats]

    @property
    def used(self) -> tuple[str, ...]:
        """Blocks in which any item says anything."""
        full = {name: abs(one).sum() > 0 for name, one in (*self.sparse.items(), *self.dense.items())}
        return tuple(name for name in BLOCKS if full.get(name))

    def weighed(self, weights: Mapping[str, float]) -> Described:
        """Blocks side by side; the dot product of two items is the weighted mean of the cosines of their blocks."""
        from scipy.sparse import csr_matrix, diags, hstack

        at = [name for name in self.used if weights.get(name, 0.0) > 0]
        n = next(iter(self.sparse.values())).shape[0]
        flat = [self.sparse[name] * np.sqrt(weights[name]) for name in at if name in self.sparse]
        deep = [self.dense[name] * np.float32(np.sqrt(weights[name])) for name in at if name in self.dense]
        sparse = hstack(flat, format="csr") if flat else csr_matrix((n, 0), dtype=np.float32)
        dense = np.concatenate(deep, axis=1) if deep else np.zeros((n, 0), np.float32)
        length = np.sqrt(np.asarray(sparse.multiply(sparse).sum(axis=1)).ravel() + (dense**2).sum(axis=1))
        scale = np.where(length > 0, 1 / np.where(length > 0, length, 1), 0).astype(np.float32)
        sparse = (diags(scale) @ sparse).tocsr().astype(np.float32)
        sparse.sort_indices()
        names = tuple((name, one) for name in at if name in self.sparse for one in self.names[name])
        return Described(names, sparse, np.asarray(dense * scale[:, None], np.float32))


def blocks_of(items: Items, image: Floats | None = None) -> Blocks:
    """All that the catalogue says. `image`: a vector an item, zeros or NaN where there is none.

    >>> found = blocks_of(Items.named(["a", "b"], title=["green tea", "Tea cup"], brand=["Acme", "acme"]))
    >>> found.used, found.names["words"]
    (('words', 'brand'), ('tea',))
    """
    said = {
        "words": [terms(t) + terms(d) for t, d in zip(*map(_texts, (items.title, items.description)), strict=True)],
        "category": [_path(one) for one in _texts(items.category)],
        "brand": [[one.strip().lower()] if one else [] for one in _texts(items.brand)],
        "price": [_price(int(one)) for one in items.price],
        "kind": [[one] if one else [] for one in _texts(items.kind)],
    }
    names, sparse = {}, {}
    for name, one in said.items():
        names[name], sparse[name] = tf_idf(one)
    given = {"embedding": items.embedding, "image": image}
    dense = {name: centred(one) for name, one in given.items() if one is not None and one.size}
    return Blocks(names, sparse, dense)


def tf_idf(documents: Sequence[Sequence[str]], *, least: int = 2) -> tuple[tuple[str, ...], Any]:
    """The vocabulary, sorted, and (1 + ln tf) x (ln((1 + n) / (1 + df)) + 1) in rows of length 1, as CSR.

    A term of fewer than `least` documents joins nothing with anything and is left out. Salton & Buckley (1988), in the
    smoothed form of scikit-learn.
    """
    from scipy.sparse import csr_matrix

    counted = [Counter(one) for one in documents]
    df = Counter(term for one in counted for term in one)
    names = tuple(sorted(term for term, count in df.items() if count >= least))
    place = {term: at for at, term in enumerate(names)}
    cells = [(row, place[t], k) for row, one in enumerate(counted) for t, k in sorted(one.items()) if t in place]
    row, column, count = (np.array(one) for one in zip(*cells, strict=True)) if cells else (np.zeros(0, int),) * 3
    idf = np.log((1 + len(documents)) / (1 + np.array([df[one] for one in names], float))) + 1
    value = (1 + np.log(count)) * idf[column] if len(count) else np.zeros(0)
    square = np.bincount(row, value**2, minlength=len(documents))
    found = csr_matrix((value / np.sqrt(square[row]), (row, column)), shape=(len(documents), len(names)))
    return names, found.astype(np.float32)


def centred(vectors: Floats) -> Floats:
    """Unit vectors seen from the middle of the catalogue, so that what all items share counts for nothing."""
    known = np.isfinite(vectors).all(axis=1) & (vectors != 0).any(axis=1)
    found = np.zeros(vectors.shape, np.float64)
    if known.any():
        found[known] = vectors[known] - vectors[known].mean(axis=0, dtype=np.float64)
    length = np.linalg.norm(found, axis=1, keepdims=True)
    unit: Floats = np.divide(found, length, out=np.zeros_like(found), where=length > 1e-9).astype(np.float32)
    return unit


def _texts(column: Any) -> list[str | None]:
    return list(column.to_pylist())


def _path(category: str | None) -> list[str]:
    """Every step of a path: `A > B` is also in `A`."""
    steps = [one.strip() for one in (category or "").split(">") if one.strip()]
    return [" > ".join(steps[: at + 1]) for at in range(len(steps))]


def _price(price: int) -> list[str]:
    """Two overlapping grids of buckets, so that near prices share at least one."""
    if price <= 0:
        return []
    at = np.log(price / 10_000) * _PER_E
    return [f"{int(np.floor(at)):+03d}", f"{int(np.floor(at + 0.5)):+03d}~"]
