"""The part of a release that says what each customer wants next: lists, how good they were, and fits to fold in with."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.core.clock import Cutoff
from holdfast.core.errors import TooLittleData
from holdfast.core.recommend import LANES, RECOMMENDERS
from holdfast.core.schema import RELEASE_RECOMMENDATIONS
from holdfast.core.tables import FeatureTable
from holdfast.core.text import Language, Text
from holdfast.core.threads import one_thread

if TYPE_CHECKING:
    from holdfast.app.outlook import Outlook
    from holdfast.app.recommend.shelf import Shelf
    from holdfast.app.study import Study
    from holdfast.core.interactions import Interactions
    from holdfast.core.recommend import Recommendations
    from holdfast.recommend.settings import RecommendSettings

#: Where a release keeps what a later question needs.
FOLDER = "recommend"
FACTS, SHELF, LIST, FALLBACK_FIT, CART = (
    f"{FOLDER}/{name}" for name in ("recommend.json", "shelf.bin", "list.bin", "popular.bin", "complement.bin")
)
NO_ITEMS = Text("the history names no items, so nothing can be recommended", "历史记录中没有商品，因此无法推荐")
OFF = Text("switched off: [recommend] enabled = false", "已关闭：[recommend] enabled = false")
THIN = Text(
    "Too few customers came back, or too few items are sold, to learn how to weigh several recommenders: lists are what "
    "each customer bought most often, then what many buy.",
    "回头客或在售商品太少，不足以学习如何组合多种推荐方法：名单先列各客户最常购买的商品，再列热销商品。",
)
_EXAMPLES, _TOP = 5, 10


@one_thread
def offers(question: Study, now: FeatureTable, language: Language) -> Outlook:
    """Lists of everybody of the population who ever did something with an item; raises `TooLittleData` without items."""
    from holdfast.app.outlook import Outlook
    from holdfast.app.recommend.judge import judged
    from holdfast.app.recommend.maker import FALLBACK, listed, recommender
    from holdfast.app.recommend.read import past_at
    from holdfast.app.recommend.shelf import Shelf, ages_of
    from holdfast.recommend.settings import RecommendSettings

    rules = question.shop.config.section(RecommendSettings)
    if not rules.enabled:
        raise TooLittleData(OFF.render(language))
    question.progress.step("recommendations", 0, 3)
    past = past_at(question.ledger, question.asked.cutoff)
    if not past.size:
        raise TooLittleData(NO_ITEMS.render(language), remedy="import orders with an item column")
    shelf = Shelf.of(past, rules, ages_of(question.ledger, question.asked.cutoff, rules.age_attribute))
    proof = judged(question, rules, past)
    question.progress.step("recommendations", 1, 3)
    chosen = recommender(rules, past, str(question.asked.horizon))
    fit = chosen.fit(past)
    rows = np.flatnonzero(np.asarray(pc.is_in(past.customer_id, value_set=now.key.customer_id)))
    active = rows[past.counts[rows] > 0]
    lists = listed(fit, past, shelf, rules, rules.count, active, seed=question.shop.settings.seed)
    question.progress.step("recommendations", 2, 3)
    files = {LIST: fit.to_bytes(), FALLBACK_FIT: RECOMMENDERS[FALLBACK]().fit(past).to_bytes()}
    files[CART] = RECOMMENDERS["complement"]().fit(past).to_bytes()
    files[SHELF] = pack_shelf(shelf)
    table = as_table(lists, past, language)
    facts = facts_of(table, shelf, past, rules, proof, fit, language)
    facts["seen_until"] = str(_last(question))
    files[FACTS] = (json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()
    question.progress.step("recommendations", 3, 3)
    return Outlook(facts=facts, files=files, recommendations=table)


def _last(question: Study) -> Cutoff:
    """The instant of the last event before the cutoff, as far as the log tells: by its own end, or the cutoff's."""
    last, cutoff = question.log.last_event_at, question.asked.cutoff
    return cutoff if last is None or last >= cutoff.at else Cutoff(last)


def as_table(lists: Recommendations, past: Interactions, language: Language) -> pa.Table:
    """The release's table, titles filled in."""
    table = lists.to_arrow(language)
    title = past.items.title.take(pc.index_in(table["item_id"].combine_chunks(), value_set=past.items.item_id))
    return RELEASE_RECOMMENDATIONS.conform(table.append_column("title", title))


def facts_of(
    table: pa.Table, shelf: Shelf, past: Interactions, rules: RecommendSettings, proof: dict[str, Any], fit: Any,
    language: Language,
) -> dict[str, Any]:  # fmt: skip
    """What the report says of the lists."""
    lanes = Counter(table["lane"].to_pylist())
    items = Counter(table["item_id"].to_pylist())
    customers = len(pc.unique(table["customer_id"]))
    titles = dict(zip(table["item_id"].to_pylist(), table["title"].to_pylist(), strict=True))
    order = sorted(items.items(), key=lambda one: (-one[1], one[0]))
    return {
        "recommender": fit.recommender_id,
        "weights": weights_of(fit),
        "note": "" if weights_of(fit) else THIN.render(language),
        "count": rules.count, "customers": customers, "entries": table.num_rows,
        "lanes": {one: lanes.get(one, 0) / max(table.num_rows, 1) for one in LANES},
        "items": len(items), "on_sale": int(shelf.allowed.sum()), "catalogue": len(past.items),
        "top": [
            {"item_id": one, "title": titles[one], "share": many / max(customers, 1)} for one, many in order[:_TOP]
        ],
        "judged": proof,
        "examples": _examples(table),
    }  # fmt: skip


def weights_of(fit: Any) -> dict[str, float]:
    """What each lane of a mix counts for, as a share; nothing where one recommender stands alone."""
    fit = getattr(fit, "mix", fit)
    weights = getattr(fit, "weights", None)
    if not isinstance(weights, dict) or "allow" not in weights:
        return {}
    return {one.recommender_id: round(float(w), 4) for one, w in zip(fit.lanes, weights["allow"], strict=True)}


def _examples(table: pa.Table) -> list[dict[str, Any]]:
    """Customers spread over the population, each with the head of its list: the ones with the most different lanes."""
    rows = table.to_pylist()
    by: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by.setdefault(row["customer_id"], []).append(row)
    ids = list(by)
    step = max(1, len(ids) // _EXAMPLES)
    chosen = [
        max(ids[at : at + step], key=lambda one: (len({row["lane"] for row in by[one]}), len(by[one])))
        for at in range(0, len(ids), step)
    ][:_EXAMPLES]
    keep = ("rank", "item_id", "title", "lane", "reason")
    return [{"customer_id": one, "items": [{k: row[k] for k in keep} for row in by[one][:5]]} for one in chosen]


def pack_shelf(shelf: Shelf) -> bytes:
    from holdfast.recommend.pack import pack, pack_items

    return pack("shelf", {"allowed": shelf.allowed, "rest_days": shelf.rest_days, **pack_items(shelf.items)})


def unpack_shelf(data: bytes) -> Shelf:
    from holdfast.app.recommend.shelf import Shelf
    from holdfast.recommend.pack import unpack, unpack_items

    _, arrays = unpack(data)
    return Shelf(unpack_items(arrays), arrays["allowed"], arrays["rest_days"])
