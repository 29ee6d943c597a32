"""What a customer likes more than others do: categories, with strength and evidence.

A customer's share of a category is shrunk to the shop's own share, by as much as shares differ between customers at
all (a Dirichlet-multinomial fitted by moments), so that everybody's favourite is nobody's interest and two views are no
taste. An interest is a category whose share is surely above the shop's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.text import Language, Text
from holdfast.profile.counts import matrix
from holdfast.profile.settings import ProfileSettings

Floats = NDArray[np.float64]
#: One-sided normal quantile: 95% sure that the share is above what the shop's share times `least` is.
_SURE = 1.6448536269514722
_MOST_STRENGTH = 200.0
EVIDENCE = {
    "views": Text("{n} of {all} views", "{all}次浏览中的{n}次"),
    "wishes": Text("{n} carts or wishes", "{n}次加购或收藏"),
    "orders": Text("{n} orders", "{n}笔订单"),
    "order": Text("1 order", "1笔订单"),
}
_SENTENCE = Text(
    "{category}: {evidence} ({lift} times the shop's usual share)", "{category}：{evidence}（为全店平均占比的{lift}倍）"
)


@dataclass(frozen=True, eq=False)
class Interests:
    """The interests of customers x categories.

    `share` is shrunk, `usual` the shop's; `lift` their ratio; `sure` says which are interests. `strength` is 0 to 1: the
    share itself. `views`, `wishes` and `orders` are the evidence.
    """

    categories: list[str]
    usual: Floats
    share: Floats
    lift: Floats
    sure: NDArray[np.bool_]
    views: Floats
    wishes: Floats
    orders: Floats
    prior: float

    def names(self, most: int) -> list[list[str] | None]:
        """Categories of each customer, the surest first; None where nothing was looked at or bought."""
        return [None if row is None else [self.categories[j] for j in row] for row in self._ranked(most)]

    def rows(self, most: int) -> list[list[dict[str, Any]] | None]:
        """The same with strength and evidence, for the release."""
        return [
            None if row is None else [self._row(i, j) for j in row] for i, row in enumerate(self._ranked(most))
        ]  # fmt: skip

    def _row(self, i: int, j: int) -> dict[str, Any]:
        return {
            "category": self.categories[j], "strength": float(self.share[i, j]), "lift": float(self.lift[i, j]),
            "views": int(self.views[i, j]), "all_views": int(self.views[i].sum()), "wishes": int(self.wishes[i, j]),
            "orders": int(self.orders[i, j]),
        }  # fmt: skip

    def _ranked(self, most: int) -> list[list[int] | None]:
        seen = (self.views + self.wishes + self.orders).sum(axis=1) > 0
        order = np.argsort(np.where(self.sure, -self.lift * np.sqrt(self.share), np.inf), axis=1, kind="stable")
        count = np.minimum(self.sure.sum(axis=1), most)
        return [order[i, : count[i]].tolist() if seen[i] else None for i in range(len(seen))]


def interests(ids: pa.Array, tastes: pa.Table, settings: ProfileSettings | None = None) -> Interests:
    """The interests of these customers; the shop's shares come from all customers in `tastes`.

    `tastes` is `snapshot.acts.Acts.tastes`: customer_id, category, view_count, wish_count, order_count.
    """
    rules = settings or ProfileSettings()
    every = tastes["customer_id"].cast(pa.string()).unique() if tastes.num_rows else ids
    categories = sorted({str(one) for one in tastes["category"].to_pylist()})
    count = {n: matrix(every, tastes, "category", f"{n}_count", categories)[1] for n in ("view", "wish", "order")}
    usual, prior = _shop(count["view"] + rules.wish_weight * count["wish"] + rules.order_weight * count["order"])
    views, wishes, orders = (
        matrix(ids, tastes, "category", f"{n}_count", categories)[1] for n in ("view", "wish", "order")
    )
    acts = views + rules.wish_weight * wishes + rules.order_weight * orders
    total = acts.sum(axis=1, keepdims=True)
    share = (acts + prior * usual) / (total + prior)
    spread = np.sqrt(share * (1 - share) / (total + prior + 1))
    least = share - _SURE * spread > usual * rules.interest_lift
    enough = (views + wishes + orders) >= rules.interest_acts
    with np.errstate(divide="ignore", invalid="ignore"):
        lift = np.where(usual > 0, share / usual, 1.0)
    return Interests(categories, usual, share, lift, least & enough, views, wishes, orders, prior)


def _shop(acts: Floats) -> tuple[Floats, float]:
    """The shop's share of each category (each customer counts alike), and how many acts of it a customer is shrunk with."""
    total = acts.sum(axis=1)
    mine = acts[total > 0]
    if not len(mine) or acts.shape[1] < 2:
        return np.ones(acts.shape[1]) / max(acts.shape[1], 1), _MOST_STRENGTH
    n = mine.sum(axis=1)
    # one act says little about a customer: weigh customers by sqrt, so that neither crowds nor heavy buyers decide
    weight = np.sqrt(n)
    usual = (weight[:, None] * mine / n[:, None]).sum(axis=0) / weight.sum()
    several = n >= 2
    if not several.any():
        return usual, _MOST_STRENGTH
    x, m = mine[several], n[several]
    chance = float((usual * (1 - usual)).sum())
    # E sum_k (x_k - m p_k)^2 = m sum p(1-p) (1 + (m - 1) rho), rho = 1 / (1 + strength)
    spread = ((x - m[:, None] * usual) ** 2).sum(axis=1) / m
    rho = float(((spread / chance - 1) * (m - 1)).sum() / ((m - 1) ** 2).sum()) if chance > 0 else 0.0
    return usual, float(np.clip(1 / max(rho, 1e-6) - 1, 2.0, _MOST_STRENGTH))


def sentence(row: dict[str, Any], language: Language = "en") -> str:
    """One interest in words.

    >>> sentence({"category": "Garden", "views": 14, "all_views": 20, "wishes": 0, "orders": 3, "lift": 5.61})
    "Garden: 14 of 20 views, 3 orders (5.6 times the shop's usual share)"
    """
    said = []
    if row["views"]:
        said.append(EVIDENCE["views"].render(language, n=row["views"], all=row["all_views"]))
    if row["wishes"]:
        said.append(EVIDENCE["wishes"].render(language, n=row["wishes"]))
    if row["orders"]:
        said.append(EVIDENCE["order" if row["orders"] == 1 else "orders"].render(language, n=row["orders"]))
    joined = ("，" if language == "zh" else ", ").join(said)
    return _SENTENCE.render(language, category=row["category"], evidence=joined, lift=f"{row['lift']:.1f}")
