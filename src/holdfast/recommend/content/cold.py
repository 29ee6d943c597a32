"""`cold`: what a new item's factors would be, read from its content."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.errors import StateError, UsageError
from holdfast.core.interactions import Interactions, Items
from holdfast.core.recommend import FITTED_RECOMMENDERS, RECOMMENDERS, Recommendations, Scores
from holdfast.core.text import Text
from holdfast.core.threads import one_thread
from holdfast.recommend.content.describe import Described
from holdfast.recommend.content.lane import INTEREST, Content
from holdfast.recommend.content.said import chosen_on, name_of
from holdfast.recommend.lane import Lane
from holdfast.recommend.matrix import matrix, weights
from holdfast.recommend.pack import pack, pack_items, unpack, unpack_items

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
ABOUT = ("cold", "all")
#: Features that the map reads at most: the ones that most items have. Its normal equations are a dense square of these.
_FEATURES = 3000


@dataclass(frozen=True)
class ContentToFactors:
    """Item factors of warm items, and a ridge regression from content to them that gives cold items theirs.

    Gantner et al. (2010), "Learning attribute-to-feature mappings for cold-start recommendations". Factors are those of
    a truncated SVD of customers x items, rows of length 1 and columns scaled down by popularity ^ `damping` (EigenRec,
    Nikolakopoulos et al. 2019). Warm is an item of at least `cold_below` customers. `about` is all or cold (names only cold
    items); a cold item is said in the lane `new`, any other in `explore`. `ridge` is in units of a warm item's weight; `content` describes the items.

    >>> from holdfast.core.clock import Cutoff
    >>> from holdfast.core.interactions import tiny_interactions
    >>> history = {"ann": [(3, "tea"), (2, "mug")], "bob": [(3, "tea"), (1, "mug")], "cy": [(1, "hat"), (1, "cap")]}
    >>> titles = {"cap": "wool", "hat": "wool", "hat-new": "wool", "mug": "tea", "tea": "tea", "tea-new": "tea"}
    >>> past = tiny_interactions(history, Cutoff.parse("2024-01-10")).over(
    ...     Items.named(list(titles), title=list(titles.values())))
    >>> fit = ContentToFactors(size=2, cold_below=1, about="cold").fit(past)
    >>> fit.recommend(past, 1).to_arrow()["item_id"].to_pylist()
    ['tea-new', 'tea-new', 'hat-new']
    """

    recommender_id: ClassVar[str] = "cold"
    lane: ClassVar[str] = "new"
    size: int = 64
    ridge: float = 3.0
    damping: float = 0.4
    half_life: float | None = None
    cold_below: int = 5
    about: str = "all"
    content: Content = field(default_factory=Content)

    @one_thread
    def fit(self, past: Interactions) -> FittedContentToFactors:
        """Factors of what is warm, the map, and factors of what is cold."""
        if self.about not in ABOUT:
            raise UsageError(f"about = {self.about!r}", remedy=f"one of: {', '.join(ABOUT)}")
        rows = _lengthened(matrix(past, weights(past, half_life=self.half_life, by_type=INTEREST)))
        degree = np.asarray((rows > 0).sum(axis=0)).ravel()
        warm = degree >= max(self.cold_below, 1)
        factors = _factors(rows, degree, warm, self.size, self.damping)
        features = _features(self.content.describe(past), warm)
        said = np.asarray(abs(features).sum(axis=1)).ravel() > 0
        factors[~warm] = predicted(features[warm & said], factors[warm & said], self.ridge, features[~warm])
        speaks = said & ~warm if self.about == "cold" else said | warm
        return FittedContentToFactors(self, past.items, factors.astype(np.float32), warm, speaks)


@dataclass(frozen=True, eq=False)
class FittedContentToFactors(Lane):
    """Factors of every item: learnt where `warm`, read from content elsewhere."""

    recommender_id: ClassVar[str] = "cold"
    lane: ClassVar[str] = "new"
    recommender: ContentToFactors
    items: Items
    factors: NDArray[np.float32] = field(repr=False)
    warm: NDArray[np.bool_] = field(repr=False)
    speaks: NDArray[np.bool_] = field(repr=False)

    @one_thread
    def score(self, past: Interactions, rows: Ints | None = None) -> Scores:
        """Customer's mean factors times the item's; -inf for a customer of no warm item, and for what it may not name."""
        past = past.over(self.items)
        past = past if rows is None else past.take(np.asarray(rows, np.int64))
        weight = weights(past, half_life=self.recommender.half_life, by_type=INTEREST)
        chosen = _lengthened(matrix(past, weight))
        taste = np.asarray(chosen @ self.factors, np.float64)
        found = taste @ self.factors.astype(np.float64).T
        knows = (taste != 0).any(axis=1)[:, None] & self.speaks & (self.factors != 0).any(axis=1)
        return np.where(knows, found, -np.inf).astype(np.float32)

    def recommend(self, past: Interactions, count: int, **options: Any) -> Recommendations:
        """The lists; each entry says whether its item is `new` or to be explored."""
        found = super().recommend(past, count, **options)
        return replace(found, lane=pa.array(np.where(self.warm[found.item], "explore", "new").tolist(), pa.string()))

    def reasons(self, past: Interactions, customer: NDArray[np.int32], item: NDArray[np.int32]) -> list[Text]:
        """The own item whose factors agree most with it."""
        past = past.over(self.items)
        weight = weights(past, half_life=self.recommender.half_life, by_type=INTEREST)
        return [self._reason(past, weight, int(c), int(i)) for c, i in zip(customer, item, strict=True)]

    def _reason(self, past: Interactions, weight: NDArray[np.float32], customer: int, item: int) -> Text:
        own = past.rows_of(customer)
        part = np.sqrt(weight[own]) * (self.factors[past.item[own]] @ self.factors[item])
        part[past.item[own] == item] = 0.0
        if not len(part) or part.max() <= 0:
            return Text("nothing that you chose speaks for it", "您选过的商品中没有支持它的")
        best = int(past.item[own[int(part.argmax())]])
        on, title = chosen_on(past, customer, best), name_of(self.items, best)
        return Text(f"for those who choose {title}, {on.en}", f"适合选择{title}的顾客（{on.zh}）")

    def to_bytes(self) -> bytes:
        arrays = {"factors": self.factors, "warm": self.warm, "speaks": self.speaks}
        settings: dict[str, Any] = asdict(self.recommender)
        return pack(self.recommender_id, arrays | pack_items(self.items), recommender=settings)

    @classmethod
    def from_bytes(cls, data: bytes) -> FittedContentToFactors:
        saved, arrays = unpack(data)
        if saved["kind"] != cls.recommender_id:
            raise StateError(f"this is a saved {saved['kind']!r}, not {cls.recommender_id!r}")
        content = Content(**saved["recommender"].pop("content"))
        recommender = ContentToFactors(content=content, **saved["recommender"])
        return cls(recommender, unpack_items(arrays), arrays["factors"], arrays["warm"], arrays["speaks"])


def predicted(features: Any, targets: Floats, ridge: float, asked: Any) -> Floats:
    """Ridge regression from sparse features to targets, at other rows: through whichever Gram matrix is smaller."""
    if not features.shape[0] or not features.shape[1]:
        return np.zeros((asked.shape[0], targets.shape[1]))
    from scipy.linalg import cho_factor, cho_solve

    rows, columns = features.shape
    if columns <= rows:
        gram = (features.T @ features).toarray().astype(np.float64)
        gram[np.diag_indices(columns)] += ridge
        return np.asarray(asked @ cho_solve(cho_factor(gram), features.T @ targets))
    gram = (features @ features.T).toarray().astype(np.float64)
    gram[np.diag_indices(rows)] += ridge
    return np.asarray(asked @ (features.T @ cho_solve(cho_factor(gram), targets)))


def _lengthened(rows: Any) -> Any:
    """Square roots of the weights, in rows of length 1: one who buys a hundred times is not a hundred tastes."""
    from scipy.sparse import diags

    rows = rows.sqrt().astype(np.float64)
    length = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    return (diags(np.where(length > 0, 1 / np.where(length > 0, length, 1), 0)) @ rows).tocsr()


def _factors(rows: Any, degree: Ints, warm: NDArray[np.bool_], size: int, damping: float) -> Floats:
    """(items x size) right singular vectors times the popularity that was taken away; zeros where cold."""
    from scipy.sparse import diags
    from scipy.sparse.linalg import svds

    found = np.zeros((rows.shape[1], size))
    scale = np.maximum(degree, 1.0) ** -damping
    scaled = (rows @ diags(scale))[:, np.flatnonzero(warm)]
    most = min(size, min(scaled.shape) - 1)
    if most < 1 or not scaled.nnz:
        return found
    # a start that every customer shares equally, so that the answer does not depend on their order
    side = np.ones(min(scaled.shape))
    _, _, right = svds(scaled.tocsc(), k=most, v0=side, solver="arpack")
    # popularity returns in part: an item that many choose is the better guess all else equal
    found[warm, :most] = right.T / scale[warm, None]
    return found


def _features(described: Described, warm: NDArray[np.bool_]) -> Any:
    """The content that warm items have, at most `_FEATURES` of it, and a constant."""
    from scipy.sparse import csr_matrix, hstack

    seen = np.asarray((described.sparse[warm] > 0).sum(axis=0)).ravel()
    kept = np.sort(np.argsort(-seen, kind="stable")[:_FEATURES])
    return hstack([described.sparse[:, kept[seen[kept] > 0]], csr_matrix(described.dense)], format="csr")


RECOMMENDERS.add(ContentToFactors.recommender_id, ContentToFactors)
FITTED_RECOMMENDERS.add(ContentToFactors.recommender_id, FittedContentToFactors)
