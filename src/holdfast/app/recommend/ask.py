"""One customer's list now: as published, or made again from what has happened since, without a new run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.app.answer import Answer
from holdfast.app.recommend.offers import CART, FACTS, FALLBACK_FIT, LIST, SHELF, as_table, unpack_shelf
from holdfast.app.recommend.shelf import ages_of
from holdfast.core.clock import Cutoff
from holdfast.core.errors import TooLittleData, UsageError
from holdfast.core.interactions import Interactions
from holdfast.core.progress import SILENT, Progress
from holdfast.core.recommend import FITTED_RECOMMENDERS
from holdfast.core.registry import nearest
from holdfast.core.schema import EVENT_TYPES
from holdfast.core.text import Language, Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from holdfast.app.recommend.shelf import Shelf
    from holdfast.app.releases import ReleaseFolder
    from holdfast.app.shop import Shop
    from holdfast.core.recommend import FittedRecommender
    from holdfast.recommend.settings import RecommendSettings
    from holdfast.snapshot.ledger import Ledger

UNKNOWN = Text("{id} is not known here: this is what many customers buy.", "系统中没有客户 {id}：以下为热销商品。")
QUIET = Text(
    "{id} has done nothing with any item yet: this is what many customers buy.",
    "{id} 尚无任何商品行为：以下为热销商品。",
)
NEWER = Text("{n} newer events considered, up to {at}.", "已纳入发布之后的{n}条行为，截至{at}。")
CARTED = Text("What goes with the cart comes first.", "优先列出与购物车搭配的商品。")
NO_COMPLEMENT = Text(
    "Nothing is known to go with this cart; this is the customer's own list.",
    "没有与购物车搭配的商品记录；以下为该客户自己的名单。",
)
NO_LISTS = Text("This release holds no lists: {why}.", "该发布没有推荐名单：{why}。")


@dataclass(frozen=True)
class Published:
    """What a release keeps for questions that come later."""

    release: ReleaseFolder
    rules: RecommendSettings
    shelf: Shelf
    ages: Mapping[str, float] = field(default_factory=dict, repr=False)

    @classmethod
    def open(cls, shop: Shop, language: Language) -> Published:
        """Raises `TooLittleData` where the published release could make no lists."""
        from holdfast.recommend.settings import RecommendSettings

        release = shop.releases.current()
        if not (release.folder / FACTS).is_file():
            why = (release.json("outlook.json").get("recommend") or {}).get("undetermined") or "-"
            raise TooLittleData(
                NO_LISTS.render(language, why=str(why).rstrip(".。")), remedy=f"run: holdfast run {shop.folder}"
            )
        shelf = unpack_shelf((release.folder / SHELF).read_bytes())
        return cls(release, shop.config.section(RecommendSettings), shelf)

    def behind(self, ledger: Ledger) -> bool:
        """Whether the log holds anything that this release was not made from."""
        log = ledger.log
        later = log.last_event_at is not None and log.last_event_at >= self.cutoff.at
        return later or log.fingerprint != self.release.manifest["log_fingerprint"]

    @property
    def seen_until(self) -> Cutoff:
        """The last event that this release saw."""
        return Cutoff.parse(str(self.release.json(FACTS)["seen_until"]))

    def fit(self, name: str) -> FittedRecommender | None:
        """One of its fits, or None where it keeps none of this name."""
        from holdfast.recommend.pack import unpack

        path = self.release.folder / name
        if not path.is_file():
            return None
        data = path.read_bytes()
        return FITTED_RECOMMENDERS[str(unpack(data)[0]["kind"])].from_bytes(data)

    @property
    def cutoff(self) -> Cutoff:
        return Cutoff.parse(self.release.manifest["cutoff"])


def recommend(
    shop: Shop, customer: str, language: Language, *, count: int | None = None, cart: Sequence[str] = (),
    progress: Progress = SILENT,
) -> Answer:  # fmt: skip
    """The list of one customer; events that were imported after the release change it at once."""
    from holdfast.app.study import history
    from holdfast.snapshot.ledger import Ledger

    held = Published.open(shop, language)
    wanted = held.rules.count if count is None else count
    if wanted < 1:
        raise UsageError(f"--count {wanted}", remedy="ask for one item at least")
    _known_items(held.shelf, cart)
    with shop.engine() as engine:
        log, _ = history(shop, engine, progress=progress)
        ledger = Ledger.open(engine, log, shop.cache, progress)
        known = engine.scalar(log.events.filter(log.events.customer_id == customer).count()) > 0
        held = replace(held, ages=ages_of(ledger, _end(held, ledger), held.rules.age_attribute, customer))
        found, notes, newer = _list(held, ledger, customer, known, wanted, cart, language)
    rows = found.drop_columns(["customer_id"]).to_pylist()
    data = {
        "customer_id": customer, "release_id": held.release.release_id, "known": known, "newer_events": newer,
        "notes": notes, "items": rows,
    }  # fmt: skip
    from holdfast.report.wanted import wanted_page

    return Answer(data, wanted_page(customer, rows, notes, language))


def _list(
    held: Published, ledger: Ledger, customer: str, known: bool, count: int, cart: Sequence[str], language: Language
) -> tuple[pa.Table, list[str], int]:
    """Rows as in the release, what must be said with them, and how many newer events there were."""
    past, newer = _history(held, ledger, customer)
    if not held.behind(ledger) and not cart and (published := _published(held, customer, count, language)) is not None:
        return published, [], 0
    notes = []
    if newer:
        zone = str(held.release.manifest["zone"])
        notes.append(NEWER.render(language, n=f"{newer:,}", at=past.cutoff.local_day(zone).isoformat()))
    if not past.size:
        notes.append((QUIET if known else UNKNOWN).render(language, id=customer))
    found = _made(held, past, count + len(set(cart)))
    if cart:
        beside = _beside(held, past, cart, count)
        notes.append((CARTED if len(beside.item) else NO_COMPLEMENT).render(language))
        found = _after(beside, found, cart, count)
    return as_table(found, past.over(held.shelf.items) if not len(past.items) else past, language), notes, newer


def _history(held: Published, ledger: Ledger, customer: str) -> tuple[Interactions, int]:
    """The customer's past up to the last event of the log, and how many of its events are newer than any the release saw.

    A release's cutoff may lie ahead of its last event (at midnight), so what came since is told by that event.
    """
    from holdfast.app.recommend.read import past_at

    past = past_at(ledger, _end(held, ledger), customer)
    if not len(past):
        past = Interactions.of(
            pa.array([customer], pa.string()), past.items, past.cutoff, customer=np.zeros(0), item=np.zeros(0),
            occurred_at=np.zeros(0),
        )  # fmt: skip
    return past, int((past.occurred_at > held.seen_until.micros).sum())


def _end(held: Published, ledger: Ledger) -> Cutoff:
    """The present: the release's cutoff, or just after the last event."""
    last = ledger.log.last_event_at
    return held.cutoff if last is None else max(held.cutoff, Cutoff(last).plus(_instant()))


def _instant() -> Any:
    from datetime import timedelta

    from holdfast.core.clock import Gap

    return Gap(timedelta(microseconds=1))


def _published(held: Published, customer: str, count: int, language: Language) -> pa.Table | None:
    """The list of the release, where it holds one that is long enough and speaks this language."""
    if held.release.manifest["language"] != language or count > held.rules.count:
        return None
    rows = held.release.table("recommendations")
    mine = rows.filter(pc.equal(rows["customer_id"], customer))
    return mine.filter(pc.less_equal(mine["rank"], count)) if mine.num_rows else None


def _made(held: Published, past: Interactions, count: int) -> Any:
    """The list from the fit; what many buy where it has nothing to say."""
    from holdfast.app.recommend.maker import listed

    fit, shelf = held.fit(LIST), held.shelf.now(past, held.rules, held.ages)
    found = None if fit is None else listed(fit, past, shelf, held.rules, count)
    if found is None or not len(found.item):
        popular = held.fit(FALLBACK_FIT)
        if popular is None:
            raise TooLittleData("this release holds no fits", remedy="run: holdfast run")
        found = listed(popular, past, shelf, held.rules, count)
    return found


def _beside(held: Published, past: Interactions, cart: Sequence[str], count: int) -> Any:
    """What goes with the cart, as if it were all that the customer ever did."""
    from holdfast.app.recommend.maker import listed

    shelf = held.shelf.now(past, held.rules, held.ages)
    item = shelf.items.positions(pa.array(list(cart), pa.string()))
    at = past.cutoff.micros - 1
    now = Interactions.of(
        past.customer_id, shelf.items, past.cutoff, customer=np.zeros(len(item)), item=item,
        occurred_at=np.full(len(item), at), event_type=np.full(len(item), _CART_ADD),
    )  # fmt: skip
    fit = held.fit(CART)
    if fit is None:
        from holdfast.app.recommend.maker import nothing

        return nothing(now)
    found = listed(fit, now, shelf, replace(held.rules, already_bought="exclude"), count, plain=True)
    return replace(found, lane=pa.array(["complement"] * len(found.item), pa.string()))


_CART_ADD = EVENT_TYPES.index("cart_add")


def _after(first: Any, then: Any, cart: Sequence[str], count: int) -> Any:
    """One list: the entries of the first, then those of the second that are neither there nor in the cart."""
    from holdfast.app.recommend.maker import joined

    return joined(first, then, set(cart), count)


def _known_items(shelf: Shelf, items: Sequence[str]) -> None:
    """Refuse an item that the release does not know, naming the nearest."""
    known = shelf.items.item_id.to_pylist()
    for one in items:
        if one not in set(known):
            raise UsageError(f"no item {one!r} in the published release", remedy=nearest(one, known)[:200])
