"""The complement lane from a query: pairs of one basket counted where the rows lie, by DuckDB or Spark alike.

Gives the fit that `Complement.fit` gives, without ever holding the baskets: only the strongest pairs of each item leave
the database.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from holdfast.core.interactions import PURCHASE, Interactions, Items
from holdfast.recommend.complement import WIDEST, Complement, ComplementFit
from holdfast.recommend.neighbours_counts import turns


def lines(past: Interactions) -> pa.Table:
    """basket, item: what was bought, as the query reads it (`basket` is an order, or all of one customer and instant)."""
    bought = past.keeping(past.event_type == PURCHASE)
    basket, _, _ = turns(bought)
    return pa.table({"basket": pa.array(basket, pa.int64()), "item": pa.array(bought.item, pa.int32())})


def together(rows: Any, settings: Complement | None = None) -> Any:
    """Ibis expression: item, other, strength, at most `settings.complements` of each item.

    `rows`: a lazy table of basket and item; repeats within a basket count once. Whole numbers are counted and only then
    divided, so that every back end gives the same strengths to the last digits of a logarithm.
    """
    import ibis

    settings = settings or Complement()
    held = rows.select("basket", "item").distinct()
    sized = held.mutate(width=ibis._.count().over(group_by="basket"))
    all_ = held.select("basket").distinct().aggregate(baskets=ibis._.count().cast("float64"))
    kept = sized.filter(sized.width <= WIDEST).select("basket", "item")
    single = kept.group_by("item").aggregate(holders=kept.count().cast("float64"))
    right = kept.select("basket", other="item")
    both = kept.join(right, "basket")
    both = both.filter(both.item != both.other)
    counts = both.group_by(["item", "other"]).aggregate(both=both.count().cast("float64"))
    counts = counts.filter(counts.both >= settings.support)
    counts = counts.join(single, "item").join(single.select(other="item", other_holders="holders"), "other")
    counts = counts.cross_join(all_)
    usual = counts.both * counts.baskets > counts.holders * counts.other_holders
    counts = counts.filter(usual & (_surprise(counts) >= settings.surprise))
    often = counts.other_holders / counts.baskets
    strength = (counts.both + settings.shrinkage * often) / (counts.holders + settings.shrinkage) - often
    found = counts.select("item", "other", strength=strength)
    order = ibis.window(group_by="item", order_by=[found.strength.desc(), found.other])
    ranked = found.mutate(place=ibis.row_number().over(order))
    return ranked.filter(ranked.place < settings.complements).drop("place")


def _surprise(counts: Any) -> Any:
    """Dunning's log-likelihood ratio of each pair."""
    import ibis

    one, other, both, all_ = counts.holders, counts.other_holders, counts.both, counts.baskets
    cells = (
        (both, one, other),
        (one - both, one, all_ - other),
        (other - both, all_ - one, other),
        (all_ - one - other + both, all_ - one, all_ - other),
    )
    terms = []
    for seen, row, column in cells:
        possible = (seen > 0) & (row > 0) & (column > 0)
        safe = ibis.ifelse(possible, seen * all_ / ibis.ifelse(possible, row * column, 1.0), 1.0)
        terms.append(ibis.ifelse(possible, seen * safe.ln(), 0.0))
    return 2 * (terms[0] + terms[1] + terms[2] + terms[3])


def complements(engine: Any, rows: Any, items: Items, settings: Complement | None = None) -> ComplementFit:
    """The complement lane, learnt by `engine` (DuckDB's `Engine` or `Spark`) from a lazy table of basket and item.

    >>> from holdfast.core.clock import Cutoff
    >>> from holdfast.core.interactions import tiny_interactions
    >>> from holdfast.engine.duck import Engine
    >>> past = tiny_interactions({"ann": [(9, "pot"), (9, "tea")], "bob": [(4, "pot"), (4, "tea")], "eve": [(1, "pot")],
    ...                           "joe": [(1, "cup")]}, Cutoff.parse("2024-01-10"))
    >>> with Engine() as engine:
    ...     fit = complements(engine, engine.memory(lines(past)), past.items, Complement(support=2, surprise=0.0))
    >>> fit.recommend(past, 1).to_arrow().select(["customer_id", "item_id"]).to_pylist()
    [{'customer_id': 'eve', 'item_id': 'tea'}]
    """
    from scipy.sparse import csr_matrix

    settings = settings or Complement()
    found = engine.arrow(together(rows, settings))
    item, other = (np.asarray(found[name].to_numpy(), np.int64) for name in ("item", "other"))
    strength = np.asarray(found["strength"].to_numpy(), np.float64)
    cells = csr_matrix((strength, (item, other)), shape=(len(items), len(items)))
    cells.sort_indices()
    return ComplementFit(items, cells, settings.zone)
