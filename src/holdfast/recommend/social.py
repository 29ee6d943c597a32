"""`social`: tastes by factors, each customer drawn to the mean of its friends, and what these chose counted."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import StateError, UsageError
from holdfast.core.interactions import Interactions, Items
from holdfast.core.recommend import FITTED_RECOMMENDERS, RECOMMENDERS, Scores
from holdfast.core.text import Text
from holdfast.core.threads import one_thread
from holdfast.recommend.factors.reading import canonical
from holdfast.recommend.factors.sweep import sweep
from holdfast.recommend.lane import Lane
from holdfast.recommend.matrix import matrix, weights
from holdfast.recommend.pack import pack, pack_items, unpack, unpack_items
from holdfast.recommend.social_ties import by_friends, circle, near

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
UNITS = ("ignore", "log")
#: Conjugate gradients a row and iteration; a question is solved exactly.
_STEPS = 3


@dataclass(frozen=True)
class Social:
    """Implicit factors (Hu, Koren & Volinsky 2008) whose ridge draws a customer to `pull` x its friends' mean, not to 0.

    The social regularisation of Jamali & Ester (2010) and Ma et al. (2011) in the loss of iALS; `pull` 0 is iALS itself
    with the frequency-scaled ridge of Rendle et al. (2022): regularisation x (own cells + unobserved x the other side)
    ^ `frequency_power`, brought to a mean of `regularisation`. `unobserved` weighs cells without an act; `units = "log"`
    weighs a cell by 1 + ln(units) in the place of 1. Who did nothing yet is its friends' mean. To the product, `trust` x
    the share of friends (and `reach` x that of their friends) who chose the very item is added.
    Where a question brings no ties, nobody is drawn anywhere.

    >>> from holdfast.core.clock import Cutoff
    >>> from dataclasses import replace
    >>> from holdfast.core.interactions import Ties, tiny_interactions
    >>> past = tiny_interactions({"ann": [(3, "tea"), (2, "mug")], "bob": [], "cy": [(1, "hat")]}, Cutoff.parse("2024-01-10"))
    >>> past = replace(past, ties=Ties(np.array([1], np.int32), np.array([0], np.int32), np.ones(1, np.float32)))
    >>> fit = Social(factors=2).fit(past)
    >>> sorted(fit.recommend(past, 2, rows=np.array([1])).to_arrow()["item_id"].to_pylist())
    ['mug', 'tea']
    """

    recommender_id: ClassVar[str] = "social"
    lane: ClassVar[str] = "explore"
    factors: int = 64
    iterations: int = 10
    unobserved: float = 0.1
    regularisation: float = 5.0
    frequency_power: float = 1.0
    pull: float = 0.1
    trust: float = 0.1
    reach: float = 0.3
    units: str = "ignore"
    half_life: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.units not in UNITS:
            raise UsageError(f"units = {self.units!r}", remedy=f"one of: {', '.join(UNITS)}")
        if min(self.factors, self.iterations) < 1 or min(self.unobserved, self.regularisation) <= 0:
            raise UsageError("social needs factors, iterations, unobserved and regularisation over 0")

    @one_thread
    def fit(self, past: Interactions) -> FittedSocial:
        """Alternate customers and items, then keep the items."""
        cells, friends = self.cells(past).astype(np.float32), circle(past).astype(np.float32)
        by_item = cells.T.tocsr()
        degree = np.diff(by_item.indptr)
        # the start depends on what an item was bought by, not on its name or place
        y = np.zeros((len(past.items), self.factors), np.float32)
        y[canonical(cells)[1]] = np.random.default_rng(self.seed).standard_normal(y.shape) * 0.1 / self.factors**0.5
        y[degree == 0] = 0
        x = np.zeros((len(past), self.factors), np.float32)
        x_ridge, level = self._ridge(np.diff(cells.indptr), len(past.items))
        y_ridge, _ = self._ridge(degree, len(past))
        for _ in range(self.iterations if cells.nnz else 0):
            drawn = np.float32(self.pull) * (friends @ x) if self.pull and friends.nnz else None
            sweep(cells, y, self._gram(y), x_ridge, x, steps=_STEPS, prior=drawn)
            sweep(by_item, x, self._gram(x), y_ridge, y, steps=_STEPS)
        return FittedSocial(self, past.items, y, level)

    def _gram(self, other: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(np.float32(self.unobserved) * (other.T @ other), np.float32)

    def cells(self, past: Interactions) -> Any:
        """(customers x items) weights of what was done."""
        weight = weights(past, half_life=self.half_life)
        if self.units == "log":
            weight = weight * (1 + np.log(np.maximum(past.quantity, 1.0))).astype(np.float32)
        found = matrix(past, weight.astype(np.float32)).astype(np.float64)
        if self.units == "ignore" and self.half_life is None:
            found.data[:] = 1.0
        return found

    def _ridge(self, own: Any, others: int) -> tuple[NDArray[np.float32], float]:
        """Each row's ridge, and what (own + unobserved x others)^power was multiplied by."""
        scaled = (np.asarray(own, np.float64) + self.unobserved * others) ** self.frequency_power
        level = self.regularisation / float(scaled.mean()) if len(scaled) and scaled.any() else 1.0
        return (level * scaled).astype(np.float32), level


def solved(cells: Any, other: Floats, unobserved: float, ridge: Floats, prior: Floats | None) -> Floats:
    """Each row's x of (unobserved Y'Y + sum w y y' + ridge I) x = sum w y + ridge prior."""
    gram = unobserved * other.T @ other
    found = np.zeros((cells.shape[0], other.shape[1])) if prior is None else prior.copy()
    diagonal = np.arange(other.shape[1])
    for row in np.flatnonzero(np.diff(cells.indptr)):
        where = slice(cells.indptr[row], cells.indptr[row + 1])
        here, weight = other[cells.indices[where]], cells.data[where]
        left = gram + (here.T * weight) @ here
        left[diagonal, diagonal] += ridge[row]
        right = here.T @ weight
        found[row] = np.linalg.solve(left, right if prior is None else right + ridge[row] * prior[row])
    return found


@dataclass(frozen=True, eq=False)
class FittedSocial(Lane):
    """Item factors and the level of the customers' ridge."""

    recommender_id: ClassVar[str] = "social"
    lane: ClassVar[str] = "explore"
    recommender: Social
    items: Items
    factors: NDArray[np.float32] = field(repr=False)
    level: float

    @one_thread
    def score(self, past: Interactions, rows: Ints | None = None) -> Scores:
        """Customer times item; -inf for items nobody chose, and for who did nothing and has no friend who did."""
        past = past.over(self.items)
        rows = np.arange(len(past)) if rows is None else np.asarray(rows, np.int64)
        taste = self.taste(past, rows)
        found = taste @ self.factors.astype(np.float64).T
        if self.recommender.trust:
            found += self.recommender.trust * near(past, rows, self.recommender.reach, self.recommender.half_life)
        knows = (taste != 0).any(axis=1)[:, None] & (self.factors != 0).any(axis=1)
        return np.where(knows, found, -np.inf).astype(np.float32)

    def taste(self, past: Interactions, rows: Ints) -> Floats:
        """(rows x factors): friends are folded in first, each alone, and then the customer between its acts and them."""
        cells, friends = self.recommender.cells(past), circle(past)[rows]
        empty = np.diff(cells.indptr)[rows] == 0
        around = np.unique((friends if self.recommender.pull else friends[np.flatnonzero(empty)]).indices)
        points = np.zeros((len(past), self.factors.shape[1]))
        points[around] = self._alone(cells[around], None)
        mean = friends @ points
        found = self._alone(cells[rows], self.recommender.pull * mean)
        found[empty] = mean[empty]
        return found

    def _alone(self, cells: Any, prior: Floats | None) -> Floats:
        how = self.recommender
        own = np.diff(cells.indptr).astype(np.float64)
        ridge = self.level * (own + how.unobserved * len(self.items)) ** how.frequency_power
        return solved(cells, self.factors.astype(np.float64), how.unobserved, ridge, prior)

    @one_thread
    def reasons(self, past: Interactions, customer: NDArray[np.int32], item: NDArray[np.int32]) -> list[Text]:
        """What carries most of the score: an own item, or the friends, by name where they chose the very item."""
        past = past.over(self.items)
        asked, place = np.unique(np.asarray(customer, np.int64), return_inverse=True)
        cells, friends = self.recommender.cells(past), circle(past)
        by_acts, pulled = self._carried(past, cells, asked)
        said = near(past, asked, self.recommender.reach, self.recommender.half_life) * self.recommender.trust
        found = []
        for at, what in zip(place, np.asarray(item, np.int64), strict=True):
            who = asked[at]
            own = cells[who].indices
            part = np.where(own == what, -np.inf, by_acts[at] @ self.factors[what])
            social = float(pulled[at] @ self.factors[what] + said[at, what])
            if len(part) and part.max() > max(social, 0.0):
                found.append(self._as_you(int(own[int(part.argmax())])))
            else:
                near_to = _NEAR if social > 0 else _NOTHING
                found.append(by_friends(cells, friends[who].indices, int(what)) or near_to)
        return found

    def _carried(self, past: Interactions, cells: Any, rows: Ints) -> tuple[list[Floats], Floats]:
        """The parts of each customer's point: one for each own item, and what its friends pull; they add up to it."""
        y, how = self.factors.astype(np.float64), self.recommender
        gram = how.unobserved * y.T @ y
        points, parts, pulled = self.taste(past, rows), [], np.zeros((len(rows), y.shape[1]))
        for at, row in enumerate(rows):
            own, weight = cells[row].indices, cells[row].data
            left = gram + (y[own].T * weight) @ y[own]
            ridge = self.level * (len(own) + how.unobserved * len(self.items)) ** how.frequency_power
            left[np.diag_indices_from(left)] += ridge
            parts.append(np.linalg.solve(left, y[own].T * weight).T)
            pulled[at] = points[at] - parts[-1].sum(axis=0)
        return parts, pulled

    def _as_you(self, item: int) -> Text:
        title = self.items.title[item].as_py() or self.items.item_id[item].as_py()
        return Text(f"for those who choose {title}, as you do", f"适合与您一样选择{title}的顾客")

    def to_bytes(self) -> bytes:
        settings: dict[str, Any] = asdict(self.recommender)
        return pack(
            "social", pack_items(self.items) | {"factors": self.factors}, recommender=settings, level=self.level
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> FittedSocial:
        saved, arrays = unpack(data)
        if saved["kind"] != cls.recommender_id:
            raise StateError(f"this is a saved {saved['kind']!r}, not {cls.recommender_id!r}")
        return cls(Social(**saved["recommender"]), unpack_items(arrays), arrays["factors"], saved["level"])


_NEAR = Text("near to what your friends choose", "接近您好友的喜好")
_NOTHING = Text("nothing that you or a friend chose speaks for it", "您和好友选过的商品中没有支持它的")
RECOMMENDERS.add(Social.recommender_id, Social)
FITTED_RECOMMENDERS.add(Social.recommender_id, FittedSocial)
