"""One step of the lists bench in a process of its own: simulate a shop, then judge, compare or make lists, timed."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np
import pyarrow as pa

from holdfast.core.clock import DAY_MICROS, Cutoff, Horizon
from holdfast.core.interactions import Interactions, ItemOutcomes, Items
from holdfast.core.recommend import RECOMMENDERS
from holdfast.evaluate.lists import compare, judge
from holdfast.evaluate.lists.forward import peak_mb
from holdfast.recommend.lane import lists as listed

CUTOFF = Cutoff.parse("2024-06-01")
PURCHASES, TARGETS, CATEGORIES = 20, 5, 200


def history(customers: int, items: int, random: np.random.Generator) -> Interactions:
    """Twenty purchases a customer, of items whose popularity falls as 1 / rank."""
    who = np.repeat(np.arange(customers), PURCHASES)
    names = pa.array([f"i{one:06d}" for one in range(items)], pa.string())
    category = pa.array([f"c{one % CATEGORIES}" for one in range(items)], pa.string())
    return Interactions.of(
        pa.array([f"c{one:07d}" for one in range(customers)], pa.string()), Items.named(names, category=category), CUTOFF,
        customer=who, item=_drawn(len(who), items, random), basket=np.arange(len(who)) // 3,
        occurred_at=CUTOFF.micros - 1 - random.integers(0, 300 * DAY_MICROS, len(who)),
    )  # fmt: skip


def outcomes(past: Interactions, random: np.random.Generator) -> ItemOutcomes:
    """Up to five different items a customer."""
    many = len(past.items)
    cell = np.unique(np.repeat(np.arange(len(past)), TARGETS) * many + _drawn(len(past) * TARGETS, many, random))
    offsets = np.searchsorted(cell // many, np.arange(len(past) + 1)).astype(np.int64)
    item = (cell % many).astype(np.int32)
    return ItemOutcomes(
        past.customer_id, CUTOFF, Horizon.parse("30d"), past.items.item_id, offsets, item, np.zeros(len(item), np.int64)
    )  # fmt: skip


def _drawn(count: int, items: int, random: np.random.Generator) -> Any:
    return np.minimum(np.exp(random.random(count) * np.log(items)).astype(np.int64), items) - 1


def given(past: Interactions, length: int, random: np.random.Generator) -> Any:
    """Lists of different items, drawn at random: strides through the catalogue."""
    start = random.integers(0, len(past.items), (len(past), 1))
    step = 1 + random.integers(0, len(past.items) // length, (len(past), 1))
    item = ((start + step * np.arange(length)) % len(past.items)).astype(np.int32)
    score = -np.arange(length, dtype=np.float32)[None].repeat(len(past), axis=0)
    return listed(past, past.items, item, score, "explore", "given")


def main(step: str, customers: int, items: int, length: int) -> dict[str, float]:
    """Processor seconds of the step alone (other work on the machine changes those little), and the peak of the whole process."""
    random = np.random.default_rng(7)
    past = history(customers, items, random)
    if step == "score":
        fit = RECOMMENDERS["popular"]().fit(past)
        return _timed(lambda: fit.recommend(past, length, seen="exclude"))
    later, lists = outcomes(past, random), given(past, length, random)
    depths = (10, 20, length)
    if step == "judge":
        return _timed(lambda: judge(lists, later, past, depths=depths))
    one, other = (judge(each, later, past, depths=(10,)) for each in (lists, given(past, length, random)))
    return _timed(lambda: compare(one, other, "ndcg_at_10"))


def _timed(work: Any) -> dict[str, float]:
    start = time.process_time()
    work()
    return {"seconds": time.process_time() - start, "peak_mb": peak_mb()}


if __name__ == "__main__":
    asked, *sizes = sys.argv[1:]
    sys.stdout.write(json.dumps(main(asked, *(int(one) for one in sizes))) + "\n")
